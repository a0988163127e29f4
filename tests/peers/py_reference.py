"""The checks that only our reference server must pass: its answers are known to the byte."""

import base64

from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp_types import PromptReference, ResourceTemplateReference, TextContent


def text_of(answer) -> str:
    """All text of a tool's answer."""
    return "".join(c.text for c in answer.content if isinstance(c, TextContent))


async def check_reference(client: Client, steps, legacy: bool) -> None:
    """Tools with arguments, errors, sizes and progress; template, completion, log level, wrong cursor."""
    answer = await client.call_tool("add", {"a": 2, "b": 40})
    steps.check("add", not answer.is_error and text_of(answer) == "42", answer)
    answer = await client.call_tool("add", {"a": "two"})
    steps.check("bad arguments are an error of the tool", answer.is_error is True, answer)
    answer = await client.call_tool("fail", {})
    steps.check("fail", answer.is_error is True, answer)
    answer = await client.call_tool("slow", {"ms": 20})
    steps.check("slow", not answer.is_error, answer)
    for size in (0, 1, 100_000):
        answer = await client.call_tool("payload", {"bytes": size})
        steps.check(f"payload of {size}", len(text_of(answer)) == size, len(text_of(answer)))

    seen: list[float] = []

    async def on_progress(progress: float, total: float | None, message: str | None) -> None:
        seen.append(progress)

    answer = await client.call_tool("progress", {"n": 5, "every_ms": 1}, progress_callback=on_progress)
    rising = all(a < b for a, b in zip(seen, seen[1:]))
    steps.check("progress", not answer.is_error and len(seen) == 5 and rising, seen)

    read = await client.read_resource("mcpipe://bytes/300")
    steps.check("a template's resource", base64.b64decode(read.contents[0].blob) == bytes(300), "300 zero bytes")
    completion = (
        await client.complete(PromptReference(type="ref/prompt", name="greeting"), {"name": "name", "value": "A"})
    ).completion
    steps.check("completion of a prompt", completion.values == ["Ada", "Alan"], completion.values)
    reference = ResourceTemplateReference(type="ref/resource", uri="mcpipe://bytes/{n}")
    completion = (await client.complete(reference, {"name": "n", "value": "6"})).completion
    steps.check("completion of a template", completion.values == ["64", "65536"], completion.values)
    if legacy:
        await client.set_logging_level("warning")
        steps.check("logging/setLevel", True, "warning")
    for method, call in (
        ("tools/list with a made-up cursor", lambda: client.list_tools(cursor="made-up")),
        ("prompts/get without its argument", lambda: client.get_prompt("greeting", {})),
    ):
        try:
            await call()
            code = None
        except MCPError as error:
            code = error.code
        steps.check(method, code == -32602, code)
