# The Rust code is formatted.
set -euo pipefail
cargo fmt --all --check -- --color never
cargo fmt --manifest-path tests/peers/rmcp-server/Cargo.toml --check -- --color never
cargo fmt --manifest-path tests/fuzz/Cargo.toml --check -- --color never
