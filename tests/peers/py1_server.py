"""A test server on the official Python SDK 1.x: Streamable HTTP, HTTP+SSE, stdio, or its WebSocket transport, which 2.x dropped."""

import argparse
import sys
import warnings

import uvicorn
from mcp.server.fastmcp import FastMCP
from mcp.types import ToolAnnotations
from py_furniture import furnish

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--port", type=int, help="not with --mode stdio")
parser.add_argument("--mode", choices=["http", "sse", "ws", "stdio"], default="http")
parser.add_argument("--calls", metavar="FILE", help="append the name of each tool that is called")
args = parser.parse_args()

server = FastMCP("py1", log_level="ERROR")
furnish(server, ToolAnnotations(readOnlyHint=True), ToolAnnotations(readOnlyHint=False), args.calls)


async def websocket(scope, receive, send):
    """One MCP session a connection, on any path; the SDK answers with subprotocol `mcp`, offered or not."""
    from mcp.server.websocket import websocket_server

    if scope["type"] == "lifespan":
        # uvicorn asks once; a server without start-up work says so and is left alone.
        while (message := await receive())["type"] != "lifespan.shutdown":
            await send({"type": f"{message['type']}.complete"})
        await send({"type": "lifespan.shutdown.complete"})
    elif scope["type"] != "websocket":
        await send({"type": "http.response.start", "status": 426, "headers": [(b"upgrade", b"websocket")]})
        await send({"type": "http.response.body", "body": b"this server speaks WebSocket only\n"})
    else:
        lowlevel = server._mcp_server  # the SDK has no public door to run FastMCP on a WebSocket
        async with websocket_server(scope, receive, send) as (read, write):
            await lowlevel.run(read, write, lowlevel.create_initialization_options())


if args.mode == "stdio":
    server.run("stdio")
    sys.exit()
if args.mode == "ws":
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    app = websocket
elif args.mode == "sse":
    app = server.sse_app()
else:
    app = server.streamable_http_app()
# Compression off: this is about the protocol, and the tools under test offer none.
uvicorn.run(
    app,
    host="127.0.0.1",
    port=args.port,
    log_level="error",
    timeout_graceful_shutdown=1,
    ws_per_message_deflate=False,
)
