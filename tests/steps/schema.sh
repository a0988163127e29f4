# docs/schema and docs/RECORDS.md are written by a program from the types; here they are written anew and compared.
set -euo pipefail
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
# The whole workspace is named, so that this is the program which the unit step has built: with -p record alone cargo
# would build the dependencies again, with fewer of their features.
cargo build --locked --quiet --workspace --exclude pipe-tests --example docs
"${CARGO_TARGET_DIR:-target}/debug/examples/docs" "$fresh"
# Both ways: a file that no type stands behind any more is as wrong as an old one.
# report.json is the schema of mcp-report's own page, which its unit tests hold.
if ! diff -ru --exclude=report.json docs/schema "$fresh/schema" || ! diff -u docs/RECORDS.md "$fresh/RECORDS.md"; then
  echo "docs/ is old: run cargo run -p record --example docs -- docs"
  exit 1
fi
