# What strangers may send to mcp-chaos (plans, messages, calls of its API), bent at random for a minute each. Two at a time;
# guided by coverage, and for longer, in tests/long guided.
set -euo pipefail
MCPIPE_FUZZ_SECONDS=60 cargo test --locked -p mcp-chaos --test mutation -- --nocapture --test-threads=2
