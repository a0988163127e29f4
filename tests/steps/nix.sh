# The flake: lock, evaluation, packages, checks, nix run, dev shell, on a stand-in for nixpkgs.
set -euo pipefail
if ! command -v nix > /dev/null; then
  echo "nix is not installed (Debian: nix-bin)"
  exit 77
fi
tests/nix/check.sh
