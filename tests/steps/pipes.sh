# Pipelines of several tools: every file of tests/tests but those on peers, which want an installation.
set -euo pipefail
targets=()
for file in tests/tests/*.rs; do
  name=$(basename "$file" .rs)
  [[ $name == peers* ]] || targets+=(--test "$name")
done
cargo test --locked --no-fail-fast -p pipe-tests --lib "${targets[@]}"
