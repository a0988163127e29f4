# The tests of each crate by itself, doc tests included; those of whole pipelines are in the step "pipes".
set -euo pipefail
cargo test --locked --no-fail-fast --workspace --exclude pipe-tests
