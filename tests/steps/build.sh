# The tools as users get them; pipeline tests run these, since a debug build measures something else.
set -euo pipefail
cargo build --locked --release --workspace --bins
for tool in mcp-deploy mcp-chaos mcp-gen mcp-scrape mcp-report; do
  "${CARGO_TARGET_DIR:-target}/release/$tool" --version
done
