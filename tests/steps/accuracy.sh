# What mcp-gen and mcp-report print, held against the reference server's own log: stalls, long tails, queues.
set -euo pipefail
cargo test --locked --no-fail-fast -p pipe-tests --test accuracy -- --nocapture
