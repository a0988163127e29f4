# Every bash script passes shellcheck: whatever git tracks that ends in .sh or starts with a bash line.
set -euo pipefail
if ! command -v shellcheck > /dev/null; then
  echo "shellcheck is not installed (Debian: shellcheck)"
  exit 77
fi
scripts=()
while IFS= read -r -d '' file; do
  if [[ -f $file && ! -L $file ]] && { [[ $file == *.sh ]] || head -n 1 "$file" | grep -aq '^#!.*bash'; }; then
    scripts+=("$file")
  fi
done < <(git ls-files -z --cached --others --exclude-standard)
printf '%s\n' "${scripts[@]}"
shellcheck --shell=bash "${scripts[@]}"
