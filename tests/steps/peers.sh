# Our tools on other people's servers, and other people's clients on our server.
set -euo pipefail
if [[ ! -x target/peers/rmcp/debug/rmcp-server || ! -f target/peers/node/.stamp || ! -f target/peers/py1/.stamp || ! -f target/peers/py2/.stamp ]]; then
  echo "the peers are not installed: tests/run --only install"
  exit 77
fi
cargo test --locked --no-fail-fast -p pipe-tests --test peers
