# The tools as users get them; pipeline tests run these, since a debug build measures something else.
set -euo pipefail
tools=(mcp-deploy mcp-chaos mcp-gen mcp-scrape mcp-report)
# Not --workspace: the tests' own dependencies would turn on features in those of the tools, and pipelines/baseline,
# which names its tools, would build all of it once more.
cargo build --locked --release "${tools[@]/#/--package=}"
for tool in "${tools[@]}"; do
  "${CARGO_TARGET_DIR:-target}/release/$tool" --version
done
