"""Walks an MCP server with the official Python SDK 1.x client, over HTTP or WebSocket; prints one line a step.

usage: py1_client.py http://…|ws://…     (python of target/peers/py1; exit 0 only when all held)
"""

import argparse
import asyncio
import warnings

from client_checks import Steps, prompt_arguments
from mcp import ClientSession, McpError
from mcp.client.streamable_http import streamable_http_client
from mcp.types import LATEST_PROTOCOL_VERSION, TextContent

TEXT = "grüße, 世界, 🦀 \\ \"quoted\"\n"


async def walk(url: str) -> None:
    if url.startswith("ws"):
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        from mcp.client.websocket import websocket_client

        steps, transport = Steps("python 1.x client, websocket"), websocket_client(url)
    else:
        steps, transport = Steps("python 1.x client, http"), streamable_http_client(url)
    async with transport as (read, write, *_), ClientSession(read, write) as session:
        hello = await session.initialize()
        steps.check("initialize", hello.protocolVersion == LATEST_PROTOCOL_VERSION, hello.protocolVersion)
        await session.send_ping()
        steps.check("ping", True, "{}")

        tools = (await session.list_tools()).tools
        steps.check("tools/list", "echo" in [tool.name for tool in tools], [tool.name for tool in tools])
        answer = await session.call_tool("echo", {"message": TEXT})
        text = "".join(c.text for c in answer.content if isinstance(c, TextContent))
        steps.check("tools/call", not answer.isError and TEXT in text, answer)
        try:
            refused = (await session.call_tool("no-such-tool", {})).isError
        except McpError as error:
            refused = error.error.code == -32602
        steps.check("tools/call of an unknown tool is refused", bool(refused), refused)

        resources = (await session.list_resources()).resources
        steps.check("resources/list", len(resources) > 0, len(resources))
        contents = (await session.read_resource(resources[0].uri)).contents
        steps.check("resources/read", str(contents[0].uri) == str(resources[0].uri), contents[0].uri)
        prompts = (await session.list_prompts()).prompts
        steps.check("prompts/list", len(prompts) > 0, [p.name for p in prompts])
        got = await session.get_prompt(prompts[0].name, prompt_arguments(prompts[0]))
        steps.check("prompts/get", len(got.messages) > 0, len(got.messages))
    steps.check("goodbye", True, "closed")


parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("url")
asyncio.run(asyncio.wait_for(walk(parser.parse_args().url), timeout=60))
