# Tests that are marked ignored because they take long or want the machine for themselves; one at a time.
set -euo pipefail
cargo test --locked --no-fail-fast --workspace --lib --bins --tests -- --ignored --test-threads=1
