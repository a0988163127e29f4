# No warning, in tests neither.
set -euo pipefail
cargo clippy --locked --workspace --all-targets -- -D warnings
