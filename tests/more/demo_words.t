#!/bin/bash
# quiet, no broker
# A short run of `make demo-words`, and what is left when it is interrupted.
. "$(dirname "$0")/../system/lib.sh"
demo=$WINNOW_TOP/tools/demo-words

# What the demo starts has its temporary directory in its environment.
mkdir tmp
export TMPDIR=$PWD/tmp
idle()
{
    ! env -u TMPDIR grep -qzsxF "TMPDIR=$TMPDIR" /proc/[0-9]*/environ
}
clean()
{
    [ -z "$(env -u TMPDIR ls -A tmp)" ] && idle
}

exits 0 "the demo runs" -- "$demo" "$WINNOW_BIN" 2 "$PWD/made"
for word in people time life; do
    like "$(cat out)" "From the answer of add \"$word\" to the first result that has it censored: [0-9]+ ms" \
        "... and says how soon $word was filtered"
done
like "$(cat out)" "^Broadcasts heard, .*: [^ ]" "... and which broadcasts it heard"
is "$(ls made)" "$(printf '%s\n' events.csv summary.json words.png words.svg)" "... and leaves its files"
ok "the picture marks each change" grep -q '>+ people<' made/words.svg
ok "nothing runs any more, and nothing lies about" wait_until 20 clean

# interrupted PATTERN: Ctrl-C once it has said that
interrupted()
{
    set -m
    "$demo" "$WINNOW_BIN" 30 "$PWD/made" >said 2>&1 &
    set +m
    ok "it has said: $1" wait_until 60 grep -q "$1" said
    kill -INT -- "-$!"
    wait $!
    is $? 130 "... and ends on Ctrl-C"
    ok "... and nothing runs any more, and nothing lies about" wait_until 20 clean
}
interrupted "quotations a second"

done_testing
