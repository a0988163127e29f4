# Pipelines of several tools: every file of tests/tests but those on peers, which want an installation, and accuracy,
# which wants the machine for minutes.
set -euo pipefail
targets=()
for file in tests/tests/*.rs; do
  name=$(basename "$file" .rs)
  [[ $name == peers* || $name == accuracy ]] || targets+=(--test "$name")
done
# Most of the time these tests wait for pipelines that wait for their schedules: four at a time on any machine.
cargo test --locked --no-fail-fast -p pipe-tests --lib "${targets[@]}" -- --test-threads=4
