# Downloads the crates of Cargo.lock, and of the Rust peer; without this every later step would fail its own way.
set -euo pipefail
if ! cargo fetch --locked; then
  echo "the crates could not be fetched: is crates.io reached from here, and does Cargo.lock agree with Cargo.toml?"
  exit 1
fi
cargo fetch --locked --manifest-path tests/peers/rmcp-server/Cargo.toml
