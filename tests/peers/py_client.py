"""Walks an MCP server with the official Python SDK 2.x client and checks every answer; prints one line a step.

usage: py_client.py URL --era legacy|modern|auto [--reference]     (python of target/peers/py2)
--reference adds what our own server must do; exit 0 only when all held.
"""

import argparse
import asyncio
import warnings

from client_checks import Steps, prompt_arguments
from mcp import Client
from mcp.shared.exceptions import MCPDeprecationWarning, MCPError
from mcp_types import TextContent, TextResourceContents
from mcp_types.version import LATEST_HANDSHAKE_VERSION, LATEST_MODERN_VERSION
from py_reference import check_reference

TEXT = "grüße, 世界, 🦀 \\ \"quoted\"\n"


async def everything(list_page, field: str) -> list:
    """Follow the cursor to the last page; a cursor that comes twice would never end."""
    found, cursor, seen = [], None, set()
    while True:
        page = await list_page(cursor=cursor)
        found += getattr(page, field)
        cursor = page.next_cursor
        if cursor is None:
            return found
        if cursor in seen:
            raise AssertionError(f"cursor {cursor!r} came twice")
        seen.add(cursor)


async def walk(url: str, era: str, reference: bool) -> None:
    steps = Steps(f"python 2.x client, {era}")
    mode = {"legacy": "legacy", "auto": "auto", "modern": LATEST_MODERN_VERSION}[era]
    async with Client(url, mode=mode, read_timeout_seconds=20, cache=None) as client:
        if era == "modern":
            # Pinned to a version the SDK does not ask the server anything, so ask here.
            discovered = await client.session.discover()
            steps.check("discover", LATEST_MODERN_VERSION in discovered.supported_versions, discovered)
        expected = {"legacy": [LATEST_HANDSHAKE_VERSION], "modern": [LATEST_MODERN_VERSION]}
        either = [LATEST_HANDSHAKE_VERSION, LATEST_MODERN_VERSION]
        version = client.protocol_version
        steps.check("initialize", version in expected.get(era, either), version)
        if version == LATEST_HANDSHAKE_VERSION:
            steps.check("server name", bool(client.server_info and client.server_info.name), client.server_info)
            await client.send_ping()
            steps.check("ping", True, "{}")

        tools = await everything(client.list_tools, "tools")
        names = [tool.name for tool in tools]
        steps.check("tools/list", "echo" in names and len(set(names)) == len(names), names)
        echo = next(tool for tool in tools if tool.name == "echo")
        steps.check("echo takes a message", "message" in echo.input_schema["properties"], echo.input_schema)
        read_only = echo.annotations and echo.annotations.read_only_hint
        steps.check("echo is read-only", read_only is True, echo.annotations)

        answer = await client.call_tool("echo", {"message": TEXT})
        text = "".join(c.text for c in answer.content if isinstance(c, TextContent))
        steps.check("tools/call", not answer.is_error and TEXT in text, answer)
        try:
            refused = (await client.call_tool("no-such-tool", {})).is_error
        except MCPError as error:
            refused = error.code == -32602
        steps.check("tools/call of an unknown tool is refused", bool(refused), refused)

        resources = await everything(client.list_resources, "resources")
        steps.check("resources/list", len(resources) > 0, resources)
        read = await client.read_resource(resources[0].uri)
        first = read.contents[0]
        body = first.text if isinstance(first, TextResourceContents) else first.blob
        steps.check("resources/read", str(first.uri) == str(resources[0].uri) and len(body) > 0, first.uri)
        try:
            await client.read_resource("no-such-scheme://nothing/here")
            missing = None
        except MCPError as error:
            missing = error.code
        steps.check("resources/read of nothing is refused", missing is not None, missing)
        templates = await everything(client.list_resource_templates, "resource_templates")
        steps.check("resources/templates/list", all("{" in t.uri_template for t in templates), len(templates))

        prompts = await everything(client.list_prompts, "prompts")
        steps.check("prompts/list", len(prompts) > 0, [p.name for p in prompts])
        got = await client.get_prompt(prompts[0].name, prompt_arguments(prompts[0]))
        steps.check("prompts/get", len(got.messages) > 0, len(got.messages))

        # Ten at once over one client: each answer must come back to its own question.
        answers = await asyncio.gather(*(client.call_tool("echo", {"message": f"n{i}."}) for i in range(10)))
        right = all(f"n{i}." in answer.content[0].text for i, answer in enumerate(answers))
        steps.check("ten calls at once", right, "10 answers")
        if reference:
            await check_reference(client, steps, legacy=version == LATEST_HANDSHAKE_VERSION)
    steps.check("goodbye", True, "closed")


# `ping` is deprecated in this SDK, and still what a legacy server has to answer.
warnings.filterwarnings("ignore", category=MCPDeprecationWarning)
parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("url")
parser.add_argument("--era", choices=["legacy", "modern", "auto"], default="auto")
parser.add_argument("--reference", action="store_true")
args = parser.parse_args()
asyncio.run(asyncio.wait_for(walk(args.url, args.era, args.reference), timeout=60))
