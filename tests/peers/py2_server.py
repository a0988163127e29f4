"""A test server on the official Python SDK 2.x (PyPI `mcp`), which speaks both eras on one port, or over stdio.

In the modes h2 and h2-tls it stands behind hypercorn, which speaks HTTP/2 (uvicorn does not)."""

import argparse
import sys

import uvicorn
from mcp.server.mcpserver import Context, MCPServer
from mcp_types import ToolAnnotations
from py_furniture import furnish

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--port", type=int, help="not with --mode stdio")
parser.add_argument("--mode", choices=["stateful-sse", "stateless-json", "stdio", "h2", "h2-tls"], default="stateful-sse")
parser.add_argument("--calls", metavar="FILE", help="append the name of each tool that is called")
args = parser.parse_args()

server = MCPServer("py2", version="1", log_level="ERROR")
furnish(server, ToolAnnotations(read_only_hint=True), ToolAnnotations(read_only_hint=False), args.calls)


@server.tool(annotations=ToolAnnotations(read_only_hint=False))
async def touch_notes(steps: int, ctx: Context) -> str:
    """Tell of progress, then that `notes://count` has changed."""
    for step in range(1, steps + 1):
        await ctx.report_progress(step, steps)
    await ctx.notify_resource_updated("notes://count")
    return "touched"


if args.mode == "stdio":
    server.run("stdio")
    sys.exit()
stateless = args.mode == "stateless-json"
app = server.streamable_http_app(json_response=stateless, stateless_http=stateless)
if args.mode.startswith("h2"):
    import py_h2

    py_h2.serve(app, args.port, tls=args.mode == "h2-tls")
    sys.exit()
# Without a limit, uvicorn waits at SIGTERM until every open event stream has been closed by its client.
uvicorn.run(app, host="127.0.0.1", port=args.port, log_level="error", timeout_graceful_shutdown=1)
