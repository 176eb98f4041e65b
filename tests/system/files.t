#!/bin/bash
# quiet: no claim about time
# docs/files.md has each column and member of each file that the programs write, and no other; what it says of
# files that they read is so.
. "$(dirname "$0")/lib.sh"
page=$WINNOW_TOP/docs/files.md

# documented HEADING [CELL]: the names in the first column of the table under that heading, one a line, in order;
# with CELL, of those rows alone that have it behind the name
documented()
{
    sed -n "/^##* $1\$/,/^#/s/^| \`\([^\`]*\)\` | ${2-}.*/\1/p" "$page"
}

# header FILE.csv: its columns, one a line
header()
{
    sed 1q "$1" | tr , '\n'
}

# The members of a JSON object on standard input, or of the member of it that is named, one a line, in order.
members()
{
    /usr/bin/python3 -c 'import json, sys
value = json.load(sys.stdin)
for name in sys.argv[1:]:
    value = value[name]
print(*value, sep="\n")' "$@"
}

cat >trace.csv <<'END'
time_s,count
0,100
1,300
2,100
END
simulate=("$WINNOW_BIN/winnow-simulate" --log-level warn)
exits 0 "the simulator writes a history and scores" -- "${simulate[@]}" --trace trace.csv --service-time 20ms \
    --policy erlang:headroom=1.1:scale_down_delay_s=1:step_up=3:step_down=2:silent_delay_s=5:startup_s=1:few_starts=1:paused=1:replicas=3:total_allowed=2:inherited_workers=4 \
    --history history.csv --scores scores.csv
is "$(header history.csv)" "$(documented History)" "the history has the columns of the page"
is "$(header scores.csv)" "$(documented Scores)" "so have the scores"
# All parameters that a policy can have were given.
params=$(/usr/bin/python3 -c 'import csv; print(next(csv.DictReader(open("history.csv")))["params"])')
is "$(members <<<"$params")" "$(documented "The parameters")" "the history's params have the members of the page"

exits 0 "the load generator writes its files" -- "$WINNOW_BIN/winnow-loadgen" --amqp "$WINNOW_TEST_URL" \
    --farm "files-$$" --phase 100ms@100 --log-level warn --summary summary.json --timeline timeline.csv --hdr run
is "$(members <summary.json)" "$(documented Summary)" "the summary has the members of the page"
for latency in lag_ms confirm_ms end_to_end_ms; do
    is "$(members "$latency" <summary.json)" "$(documented Percentiles)" "so has its $latency"
done
is "$(header timeline.csv)" "$(documented Timeline)" "the timeline has the columns of the page"
for file in run.lag.hdr run.confirm.hdr run.end_to_end.hdr; do
    is "$(sed 1q "$file" | xargs -n 1)" "$(documented Latencies)" "so has $file"
    ok "... which names it" grep -q "\`PREFIX.${file#run.}\`" "$page"
done

is "$(echo 'a fool' | "$WINNOW_BIN/winnow-censor" --report=json | members)" "$(documented Matches)" \
    "a match has the members of the page"

# table COLUMNS [BAD]: file.csv with two rows of small numbers, but a word in the column BAD
table()
{
    paste -sd, <<<"$1" >file.csv
    for row in 1 2; do
        sed "s/^${2:-none}\$/bad/; t; s/.*/$row/" <<<"$1" | paste -sd,
    done >>file.csv
}

# reads HEADING COMMAND...: COMMAND reads all columns of the page from file.csv, and misses each that is needed
reads()
{
    local heading=$1 column columns
    shift
    columns=$(documented "$heading")
    is "$(documented "$heading" '\(yes\|no\) ')" "$columns" "the page says which columns of the $heading are needed"
    for column in $columns; do
        table "$columns" "$column"
        exits 78 "no number in its $column is an error" -- "$@"
        like "$(cat err)" "file.csv:2: column '$column'" "... that names it"
    done
    for column in $(documented "$heading" yes); do
        table "$(grep -vxF "$column" <<<"$columns")"
        exits 78 "no $column is an error" -- "$@"
        like "$(cat err)" "no column '$column'" "... that names it"
    done
    table "$(documented "$heading" yes)"
    exits 0 "the other columns need not be there" -- "$@"
    table "$columns"
    exits 0 "with all columns it is read" -- "$@"
}

reads Trace "${simulate[@]}" --trace file.csv --service-time 20ms --policy fixed:1
reads Schedule "$WINNOW_BIN/winnow-loadgen" --amqp "$WINNOW_TEST_URL" --farm "files-$$" --log-level warn \
    --schedule file.csv --events 1

done_testing
