#!/usr/bin/env bash
# Checks flake.nix for real without GitHub or a binary cache: the nixpkgs input is
# replaced by tests/nix/stub, which builds with the host's cargo.
#   tests/nix/check.sh            lock, evaluation, all checks, the tools one by one, the baseline pipeline
#   tests/nix/check.sh ARGS...    nix ARGS... with the same settings, e.g. build .#mcp-gen, run .#baseline
# NIX           the nix binary (default: nix)
# SANDBOX=1     build in nix's sandbox (no network, only the host's tool folders are seen)
# NIXPKGS_LIB   path of the real nixpkgs `lib` folder; replaces stub/lib.nix
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
nix=${NIX:-nix}
for tool in "$nix" cargo rustc jq git; do
  if ! command -v "$tool" > /dev/null; then
    echo "check.sh: $tool is not on PATH (Debian: nix-bin, rustup or cargo, jq, git)" >&2
    exit 2
  fi
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r "$here/stub" "$work/stub"
"$here/host-json.sh" > "$work/stub/host.json"
[[ -z ${NIXPKGS_LIB:-} ]] || cp -r "$NIXPKGS_LIB" "$work/stub/nixpkgs-lib"

sandbox="sandbox = false"
if [[ -n ${SANDBOX:-} ]]; then
  sandbox="sandbox = true
sandbox-paths = /bin /usr /lib /lib64 /etc $(rustc --print sysroot) ${CARGO_HOME:-$HOME/.cargo}/registry"
fi

# Nothing of the user's or the system's nix configuration has a say.
export NIX_CONFIG="
experimental-features = nix-command flakes
$sandbox
build-users-group =
substituters =
flake-registry = $work/registry.json
warn-dirty = false
"
export NIX_CONF_DIR=$work NIX_USER_CONF_FILES=/dev/null
export XDG_CACHE_HOME=$work/cache # the input cache names paths of one store; keep it out of others
echo '{"version":2,"flakes":[]}' > "$work/registry.json"
if [[ $(id -u) != 0 ]]; then # no /nix needed: a store of our own
  s=$HOME/.cache/mcpipe-nix
  export NIX_STORE_DIR=$s/store NIX_STATE_DIR=$s/var NIX_LOG_DIR=$s/log
fi
stub=(--offline --override-input nixpkgs "path:$work/stub")

(cd "$root" && cargo fetch --locked --quiet) # the only step that may use the network (crates)

cd "$root"
if (($#)); then
  command=("$1")
  shift
  if [[ ${command[0]} == flake ]]; then # its commands are two words
    command+=("${1:-show}")
    shift || true
  fi
  "$nix" "${command[@]}" "${stub[@]}" "$@"
  exit
fi

echo "== flake.lock agrees with flake.nix"
cp flake.lock "$work/before"
"$nix" flake lock --offline .
cmp flake.lock "$work/before"

echo "== every output evaluates on every system"
all=()
if "$nix" flake check --help 2> /dev/null | grep -q -- --all-systems; then all=(--all-systems); fi
"$nix" flake check "${stub[@]}" "${all[@]}" --no-build .
"$nix" flake show "${stub[@]}" . > /dev/null

echo "== checks build: workspace, tests, clippy, fmt, pipeline"
"$nix" flake check "${stub[@]}" --print-build-logs .

for tool in mcp-deploy mcp-chaos mcp-gen mcp-scrape mcp-report; do
  echo "== nix run .#$tool -- --version"
  "$nix" run "${stub[@]}" ".#$tool" -- --version | grep "^$tool "
done

echo "== nix run (the default: baseline)"
run=0
RESULTS_DIR=$work/results DURATION=3 CLIENT_COUNT=5 MESSAGE_RATE=20 "$nix" run "${stub[@]}" . || run=$?
# 3 is INVALID: the machine was too busy to measure on, which is no fault of the flake.
((run == 0 || run == 3))
find "$work/results" -name run.jsonl -exec cat {} + |
  jq -es 'any(.[]; .type == "summary" and .final)' > /dev/null
find "$work/results" -name report.json -exec jq -e . {} + > /dev/null

echo "== nix develop"
"$nix" develop "${stub[@]}" --command cargo --version
echo "ok"
