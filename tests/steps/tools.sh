# Programs that the steps need. Debian as root: installs what is missing. Elsewhere: says what is missing.
set -euo pipefail

missing=()
need() { # need PACKAGE TEST...: the Debian package that gives what the test looks for
  local package=$1
  shift
  if "$@" > /dev/null 2>&1; then
    echo "there: $package"
  else
    echo "missing: $package"
    missing+=("$package")
  fi
}
has() { command -v "$1"; }
can_make_venv() { python3 -c 'import ensurepip, venv'; }
look() {
  missing=()
  need git has git
  need jq has jq
  need curl has curl
  need gcc has cc # ring compiles C
  need python3-venv can_make_venv
  need nodejs has node
  need npm has npm
  need shellcheck has shellcheck
  need nix-bin has nix
  need wrk has wrk # the benchmark's yardstick
}

if ! command -v cargo > /dev/null; then
  echo "cargo is not on PATH: install Rust 1.95 or newer with clippy and rustfmt (https://rustup.rs)"
  exit 1
fi
for part in clippy fmt; do
  if ! cargo "$part" --version > /dev/null 2>&1; then
    echo "cargo $part is missing: rustup component add clippy rustfmt"
    exit 1
  fi
done

look
if ((${#missing[@]})); then
  if [[ -e /etc/debian_version && $(id -u) == 0 ]]; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get update
    apt-get install -y --no-install-recommends "${missing[@]}"
    look
    if ((${#missing[@]})); then
      echo "still missing after apt-get install: ${missing[*]}"
      exit 1
    fi
  else
    echo "not installed, for this is not Debian or you are not root: ${missing[*]}; steps that need them are skipped"
    exit 77
  fi
fi
