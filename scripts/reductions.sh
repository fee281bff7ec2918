#!/bin/sh
# States of checks with each reduction switched off: scripts/reductions.sh MTESIM SECONDS SCENARIO...
# A check that is cut after SECONDS shows what it had met by then, with a +.
set -eu
mtesim=$1
seconds=$2
shift 2
printf '| scenario | all | without lazy | join | tags | untouched | tags,untouched |\n| --- | --- | --- | --- | --- | --- | --- |\n'
for file in "$@"; do
  row="| \`$(basename "$file" .json)\`"
  for off in "" lazy join tags untouched tags,untouched; do
    told=$("$mtesim" check "$file" --max-seconds "$seconds" ${off:+--without "$off"} || true)
    states=$(printf '%s\n' "$told" | sed -n 's/^ *\([0-9]*\) states*, .*/\1/p' | head -n 1)
    case $told in *"bound: unknown"*) states="$states+" ;; esac
    row="$row | ${states:-none}"
  done
  printf '%s |\n' "$row"
done
