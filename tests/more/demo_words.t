#!/bin/bash
# quiet, no broker
# slow: half a minute or more
# A short run of `make demo-words`, and what is left when it is interrupted.
. "$(dirname "$0")/../system/lib.sh"
demo=$WINNOW_TOP/tools/demo-words

# All that the demo makes is under its temporary directory. Whoever looks for that must not name it himself.
mkdir tmp home cache
export TMPDIR=$PWD/tmp HOME=$PWD/home WINNOW_CACHE=$PWD/cache
echo "$TMPDIR" >mark

# Processes that have it in their environment, command line, working directory or open files.
at_work()
{
    env -u TMPDIR grep -lzsFf mark /proc/[0-9]*/environ /proc/[0-9]*/cmdline
    env -u TMPDIR find /proc/[0-9]*/cwd /proc/[0-9]*/fd -lname "$TMPDIR*" 2>/dev/null
}
clean()
{
    [ -z "$(find tmp home -mindepth 1)" ] && [ -z "$(at_work)" ]
}
ok "before it nothing is there" clean
( exec sleep 60 ) & # with the mark in its environment
ok "a process of its own would be seen" wait_until 20 eval "at_work | grep -q '^/proc/$!/environ'"
{ kill $! && wait $!; } 2>/dev/null
( cd tmp && exec env -u TMPDIR sleep 60 ) &
ok "... also by where it is" wait_until 20 eval "at_work | grep -q '^/proc/$!/cwd'"
{ kill $! && wait $!; } 2>/dev/null

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
    "$demo" "$WINNOW_BIN" 5 "$PWD/made" >said 2>&1 &
    set +m
    ok "it has said: $1" wait_until 180 grep -q "$1" said
    kill -INT -- "-$!"
    wait $!
    is $? 130 "... and ends on Ctrl-C"
    ok "... and nothing runs any more, and nothing lies about" wait_until 20 clean
}
interrupted "starting a private RabbitMQ"
interrupted "quotations a second"
interrupted "words add people: added 1"

done_testing
