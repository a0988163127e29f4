# The benchmarks, short: a tool that fails fails them, and so does a schedule lag over 3 times that of a bare timerfd
# loop; other ratios are printed and not judged.
set -euo pipefail
if ! command -v wrk > /dev/null; then
  echo "wrk is not installed (Debian: wrk)"
  exit 77
fi
tests/bench/run lag --seconds 2
tests/bench/run cpu deep bomber --rounds 3 --seconds 2
tests/bench/run relay --rounds 3 --seconds 2
tests/bench/run idle many --rounds 1 --seconds 2 --connections 3000
