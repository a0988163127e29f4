# The rustdoc of every crate: no broken link, nothing public without a sentence.
set -euo pipefail
RUSTDOCFLAGS='-D warnings' cargo doc --locked --workspace --no-deps
