# pipelines/baseline as a newcomer runs it, without argument or variable: half a minute, a table, and exit 0;
# 2,500 calls/s are asked for, and at least 99.5 % of them are answered well within their stage.
set -euo pipefail
results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
# INVALID says that this machine took the CPU away for a while, and is no word on mcpipe: it is asked again, twice.
for round in 1 2 3; do
  status=0
  RESULTS_DIR=$results pipelines/baseline | tee "$results/table" || status=$?
  ((status == 3)) || break
  echo "round $round was INVALID"
done
((status == 0)) || exit "$status"
grep -q p99 "$results/table" || { echo "the table has no p99 in it"; exit 1; }
run=$(find "$results" -name run.jsonl)
report=$(find "$results" -name report.json)
[[ $run && $report ]] || { echo "run.jsonl or report.json is missing in RESULTS_DIR"; exit 1; }
jq -e . "$report" > /dev/null
jq -es '
  map(select(.type == "summary" and .stage == "steady" and .asked_per_s != null))
  | {asked_per_s: (map(.asked_per_s) | add), done_per_s: (map(.ok_in_stage * 1e6 / .span_us) | add)}
  | ., (.asked_per_s > 2499 and .asked_per_s < 2501 and .done_per_s >= 0.995 * .asked_per_s)
' "$run"
