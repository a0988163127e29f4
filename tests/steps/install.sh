# Other people's servers and clients; see tests/peers/README.md.
set -euo pipefail
for tool in python3 node npm; do
  if ! command -v "$tool" > /dev/null; then
    echo "$tool is not installed (Debian: python3-venv, nodejs, npm)"
    exit 77
  fi
done
if (($(node -p 'process.versions.node.split(".")[0]') < 20)); then
  echo "node $(node --version) is too old for the TypeScript client, which wants 20 or newer"
  exit 77
fi
tests/peers/install
