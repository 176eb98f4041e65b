#!/bin/bash
# quiet: no claim about time
# winnow-plot: pictures of a history file, and what it says of files that cannot be drawn.
. "$(dirname "$0")/lib.sh"
plot=$WINNOW_BIN/winnow-plot

header=run,time_s,timestamp,interval_s,arrived_msgs,arrival_per_s,ready_msgs,in_flight_msgs,backlog_msgs,horizon_s,\
capacity_msgs,min_workers,max_workers,formula_workers,desired_workers,running_workers,starting_workers,\
draining_workers,spawned,stopped,crashed,handled_per_s,policy,params,reason,farm,simulated_service_s

# row TIME ARRIVAL BACKLOG WORKERS [REASON [FARM [SERVICE [RUN]]]]
row()
{
    echo "${8-1},$1,2026-01-05T10:00:00Z,2,0,$2,0,0,$3,2,100,0,8,$4,$4,$4,0,0,0,0,0,,formula,{},${5-formula},${6-demo},${7-0.02}"
}

history()
{
    echo "$header"
    row 2 0 0 0
    row 4 80 0 2
    row 6 "" 20 2 "held: arrival rate unknown"
    row 8 150 "" 3 "held: backlog unknown"
    row 10 300 410 8
    row 12 0 5 1
}

# The signature, and width and height as PNG has them: big-endian, from byte 16.
is_png()
{
    [ "$(head -c 8 "$1" | od -An -tx1 | tr -d ' \n')" = 89504e470d0a1a0a ] &&
        [ "$(od -An -tx1 -j 16 -N 8 "$1" | tr -d ' \n')" = 00000640000003e8 ] &&
        [ "$(tail -c 8 "$1" | od -An -tx1 | tr -d ' \n')" = 49454e44ae426082 ]
}

is_svg()
{
    python3 -c 'import sys, xml.dom.minidom as x; assert x.parse(sys.argv[1]).documentElement.tagName == "svg"' "$1"
}

shows()
{
    local what
    for what in "${@:2}"; do
        ok "$1 says: $what" grep -qF -- "$what" "$1"
    done
}

history >history.csv

# --- pictures ---

cat >scores.csv <<'END'
policy,wait_p50_s,wait_p95_s,worker_s,work_ratio
erlang,0.01,0.17,1500,1.2
work,,,1250,1
END
exits 0 "draws policies" -- "$plot" policies scores.csv
ok "policies.png is a whole picture" is_png policies.png
ok "policies.svg is a whole document" is_svg policies.svg
shows policies.svg erlang work 1.20 170 "p95 wait (ms)"
printf 'policy,worker_s\na,1\n' >scores.csv
exits 78 "scores without a column are refused" -- "$plot" policies scores.csv
like "$(cat err)" "scores.csv:1: no column 'work_ratio'" "... by name"
rm -f scores.csv policies.png policies.svg

printf 'time_s,event,text,seen_s\n3,removed,a,\n0.5,censored,,\n2,added,"a, b",2.031\n1,broadcast,fool,\n4,censored,,\n' >events.csv
exits 0 "draws changes of words, in whatever order" -- "$plot" words events.csv
ok "words.png is a whole picture" is_png words.png
ok "words.svg is a whole document" is_svg words.svg
shows words.svg "+ a, b" "live in 31 ms" "− a" "censored results a second" broadcasts
for row in 'x,added,a,' ',added,a,' '-1,added,a,' '3601,added,a,' '1,gone,a,'; do
    printf 'time_s,event,text,seen_s\n%s\n' "$row" >events.csv
    exits 78 "the row $row is refused" -- "$plot" words events.csv
    like "$(cat err)" "events.csv:2: " "... with its line"
done
rm -f events.csv words.png words.svg

note="simulated service time 20 ms an event"
for kind in scaling relation; do
    exits 0 "draws $kind" -- "$plot" "$kind" history.csv
    is "$(cat out err)" "$kind.png
$kind.svg" "... and says which files it wrote"
    ok "$kind.png is a whole picture" is_png "$kind.png"
    ok "$kind.svg is a whole document" is_svg "$kind.svg"
    shows "$kind.svg" 'Farm "demo": formula policy, N = ⌈(B + λT)/C⌉' "T = 2 s, C = 100 events, 0 to 8 workers; $note" \
        "workers" "arrival rate (events/s)"
done
shows scaling.svg "time (s)" "backlog (events)" "rate unknown"
shows relation.svg "N = ⌈λT/C⌉ (B = 0)" "a decision held" "not shown: 1 with the arrival rate unknown"
is "$(ls -A)" "$(printf '%s\n' err history.csv out relation.png relation.svg scaling.png scaling.svg)" \
    "nothing else is left behind"

mkdir sub
exits 0 "writes what is asked for" -- "$plot" scaling history.csv -o sub/one.svg --output=sub/two.png --title "My own"
is "$(cat out)" "sub/one.svg
sub/two.png" "... in that order"
shows sub/one.svg "My own" "$note"
ok "... without the other title" sh -c '! grep -q formula sub/one.svg'

{ history; row 700 50 0 1 formula other 0 2; row 1400 50 0 1 formula other 0 2; } >two.csv
exits 0 "draws the last run" -- "$plot" scaling two.csv -o last.svg
shows last.svg 'Farm "other"' "time (min)"
ok "... which had no simulated service time" sh -c '! grep -q simulated last.svg'
exits 0 "draws another run" -- "$plot" scaling two.csv -o first.svg --run 1
shows first.svg 'Farm "demo"' "time (s)"

cut -d, -f1-25 history.csv >old.csv
exits 0 "a history that does not name its farm is drawn" -- "$plot" scaling old.csv -o old.svg
shows old.svg '>formula policy, N'

{ echo "$header"; row 0 "" "" ""; } >unknown.csv
exits 0 "a run of which nothing is known is an empty picture" -- "$plot" scaling unknown.csv -o unknown.png
exits 78 "... but no relation" -- "$plot" relation unknown.csv -o none.png
like "$(cat err)" "^winnow-plot: unknown.csv: run 1 has no decision with a known arrival rate" "... and it says why"
ok "... and writes nothing" [ ! -e none.png ]
{ echo "$header"; row 2 5 0 1 held; } >held.csv
exits 0 "a run of held decisions alone has a relation" -- "$plot" relation held.csv -o held.svg
shows held.svg "a decision held"

# --- a farm's name is text ---

# shellcheck disable=SC1003,SC2016
name='a_b^{x}"; system("touch pwned"); `touch pwned` '"'"' #]]><& @x \'
# As a CSV field, quoted and with its quotes doubled.
{ echo "$header"; row 2 10 0 1 formula "\"${name//\"/\"\"}\""; row 4 90 0 2 formula "\"${name//\"/\"\"}
EOD\""; } >hostile.csv
for kind in scaling relation; do
    exits 0 "a hostile name is drawn ($kind)" -- "$plot" "$kind" hostile.csv -o hostile.svg -o hostile.png \
        --title "$name"
    ok "... and obeyed in nothing" [ ! -e pwned ]
    ok "... into a whole picture" is_png hostile.png
    ok "... and a whole document" is_svg hostile.svg
    exits 0 "the same out of the file ($kind)" -- "$plot" "$kind" hostile.csv -o hostile.svg
    ok "... and obeyed in nothing" [ ! -e pwned ]
    # shellcheck disable=SC2016
    shows hostile.svg 'Farm "a_b^{x}"; system("touch pwned"); `touch pwned` '"' #]] >&lt;&amp; @x \\ EOD\": formula"
done
# --- so are a title, a policy and a file's name ---

quotes=$(printf "%0120d" 0 | tr 0 "'")
long=$(printf "%010000d" 0)
# shellcheck disable=SC1003
for title in "a''b" "''" "'" "$quotes" '""\' '%s %d 100%' '{/Bold x}_y^z@w' 'é ñ ☠' "" "$long"; do
    exits 0 "the title ${title:0:12} is drawn" -- "$plot" scaling history.csv -o title.svg --title "$title"
    ok "... into a whole document" is_svg title.svg
    [ ${#title} -gt 120 ] || shows title.svg ">$title<"
done
shows title.svg ">${long:0:119}…<"
exits 0 "a title of two lines is drawn" -- "$plot" scaling history.csv -o title.svg --title $'two\nlines'
shows title.svg '>two lines<'
printf 'policy,wait_p95_s,worker_s,work_ratio\n100%% %%s %%n,1,1,1\n"it''s {x}_@",1,1,1\n,1,1,1\n' >odd.csv
odd="it's 100% \"odd\".svg"
exits 0 "policies and files of odd names are drawn" -- "$plot" policies odd.csv -o "$odd"
shows "$odd" '>100% %s %n<' '>its {x}_@<'
rm -f title.svg odd.csv "$odd"

{ echo "$header"; row 2 10 0 1 formula $'caf\xe9'; } >latin.csv
exits 0 "a name that is not UTF-8 is drawn" -- "$plot" scaling latin.csv -o latin.svg
ok "... into a whole document" is_svg latin.svg

# --- what cannot be drawn ---

# refuses CODE PATTERN DESCRIPTION -- ARGUMENT...
refuses()
{
    exits "$1" "$3" -- "$plot" "${@:5}"
    like "$(cat err)" "$2" "... and says so"
}

refuses 64 "^winnow-plot: the kind of picture is missing; expected" "no arguments" --
refuses 64 "^winnow-plot: the history file is missing; expected" "no file" -- scaling
refuses 64 "'pie' is not a kind of picture; expected scaling, relation, policies, words or hosts" "an unknown kind" -- pie history.csv
refuses 64 "unexpected argument 'more'" "one file too many" -- scaling history.csv more
refuses 64 "--output: 'a.pdf' is no kind of picture; expected .*png or .svg" "another ending" -- scaling history.csv -o a.pdf
refuses 64 "--output: '.png' is no kind" "an ending alone" -- scaling history.csv -o .png
refuses 64 "--run: 'x' is not" "a run that is no number" -- scaling history.csv --run x
refuses 64 "--run: two.csv has no run 3, expected one of 1 to 2" "a run that is not there" -- scaling two.csv --run 3
refuses 78 "^winnow-plot: gone.csv: No such file" "a file that is not there" -- scaling gone.csv
refuses 78 "cannot write 'none/a.png': No such file" "a folder that is not there" -- scaling history.csv -o none/a.png
mkdir folder.png
refuses 78 "cannot write 'folder.png': Is a directory" "a folder in the way" -- scaling history.csv -o folder.png
ok "... and leaves no temporary file" sh -c '! ls -A . sub | grep -q "^\.winnow"'

: >empty.csv
refuses 78 "empty.csv:1: the file is empty" "an empty file" -- scaling empty.csv
echo "$header" >none.csv
refuses 78 "none.csv:1: nothing follows the header" "no rows" -- scaling none.csv
cut -d, -f1-5,7- history.csv >less.csv
refuses 78 "less.csv:1: no column 'arrival_per_s'" "a column missing" -- scaling less.csv
{ history; row 14 many 0 1; } >word.csv
refuses 78 "word.csv:8: column 'arrival_per_s': 'many' is not a number" "a word for a number" -- scaling word.csv
{ history; row 14 -5 0 1; } >negative.csv
refuses 78 "negative.csv:8: column 'arrival_per_s': '-5' is negative" "a negative rate" -- relation negative.csv
{ history; row 3 5 0 1; } >back.csv
refuses 78 "back.csv:8: column 'time_s': 3 is earlier" "time that goes back" -- scaling back.csv
{ history; echo 1,2; } >short.csv
refuses 78 "short.csv:8: " "a row that is too short" -- scaling short.csv

# --- gnuplot ---

mkdir bin
exits 69 "no gnuplot" -- env PATH="$PWD/bin" "$plot" scaling history.csv -o absent.png
like "$(cat err)" 'gnuplot is not installed.* install it \(apt install gnuplot-nox\)' "... and says so"
cat >bin/gnuplot <<'END'
#!/bin/bash
echo half a picture
echo "line 0: no such terminal" >&2
exit 1
END
chmod +x bin/gnuplot
cp scaling.png absent.png
exits 78 "a gnuplot that fails" -- env PATH="$PWD/bin:$PATH" "$plot" scaling history.csv -o absent.png
like "$(cat err)" "gnuplot could not draw the picture: line 0: no such terminal" "... and says so"
ok "... leaves the picture that was there" cmp absent.png scaling.png

# A person's own settings do not change the picture.
printf 'set terminal dumb\nset output "pwned"\n' >.gnuplot
exits 0 "draws in spite of a .gnuplot" -- env HOME="$PWD" "$plot" scaling history.csv -o home.png
ok "... the same picture" cmp home.png scaling.png

done_testing
