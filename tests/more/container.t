#!/bin/bash
# The autoscaler as the first process of a container: nobody else takes in the ends of orphans.
. "$(dirname "$0")/../system/lib.sh"

alone=(unshare --user --map-root-user --pid --fork --kill-child --mount-proc)
if ! "${alone[@]}" true 2>err; then
    skip "the autoscaler is the first process" "no namespaces here: $(head -1 err)"
    done_testing
fi

cat >leaving <<END
#!/bin/bash
for i in 1 2 3 4 5 6 7 8; do (setsid sleep 0.1 &); done
"$WINNOW_BIN/winnow-filter" "\$@"
exit \$?
END
chmod +x leaving

"${alone[@]}" "$WINNOW_BIN/winnow-autoscaler" --amqp "$WINNOW_TEST_URL" --farm "container-$$" --min 2 --max 2 \
    --interval 200ms --history container.csv -- "$PWD/leaving" >screen 2>log &
outer=$!
at_end "kill -KILL $outer 2>/dev/null"

running()
{
    [ "$(tail -1 container.csv 2>/dev/null | cut -d, -f"$column")" = 2 ]
}
wait_until 10 test -s container.csv
column=$(head -1 container.csv | tr , '\n' | grep -nx running_workers | cut -d: -f1)
ok "two workers run" wait_until 10 running
first=$(pgrep -P $outer)

children()
{
    ps -o stat=,comm= --ppid "$first"
}
no_zombies()
{
    ! children | grep -q '^Z'
}
ok "orphans that have ended are taken in" wait_until 5 no_zombies
like "$(children)" "winnow-guardian" "the guardian has fallen to the autoscaler, and lives"
before=$(pgrep -P "$first" leaving)
pkill -KILL -P "$first" leaving
replaced()
{
    [ "$(pgrep -P "$first" leaving | grep -vcwF "$before")" = 2 ]
}
ok "workers that were killed are replaced" wait_until 10 replaced
ok "and leave nothing" wait_until 10 no_zombies
kill -TERM "$first"
wait $outer
is $? 0 "SIGTERM ends it well"
ok "nobody is left" bash -c '! kill -0 '"$first"' 2>/dev/null'

done_testing
