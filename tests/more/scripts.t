#!/bin/bash
# quiet, no broker
# The shell scripts, read by shellcheck.
. "$(dirname "$0")/../system/lib.sh"

cd "$WINNOW_TOP" || exit 1
mapfile -t scripts < <(grep -rlE '^#(!/bin/(ba)?sh| shellcheck shell=)' .ci tools tests debian --exclude-dir=corpus)
ok "there are scripts" test ${#scripts[@]} -gt 10
for script in "${scripts[@]}"; do
    ok "shellcheck finds nothing in $script" shellcheck --severity=warning --external-sources "$script"
done

done_testing
