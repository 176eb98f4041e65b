# shellcheck shell=bash
# TAP for shell tests: source it, make claims, end with done_testing. Tests run in a directory of their own.
#
# ok DESCRIPTION COMMAND...            the command succeeds
# is GOT WANT DESCRIPTION              both texts are equal
# like TEXT PATTERN DESCRIPTION        the extended regular expression matches the text
# exits CODE DESCRIPTION -- COMMAND... the command ends with CODE; its output is then in ./out and ./err
# skip DESCRIPTION REASON              counts a claim that cannot be checked here
# wait_until SECONDS COMMAND...        repeats the command until it succeeds; fails after the deadline
# at_end COMMAND                       runs COMMAND when the test ends, however it ends; the last one first

tap_count=0
tap_failed=0
tap_at_end=

trap 'eval "$tap_at_end"' EXIT
trap 'exit 143' INT TERM HUP

at_end()
{
    tap_at_end="$1; $tap_at_end"
}

diag()
{
    printf "# %s\n" "${1//$'\n'/$'\n'# }" >&2
}

tap_report()
{
    tap_count=$((tap_count + 1))
    if [ "$1" -eq 0 ]; then
        echo "ok $tap_count - $2"
    else
        tap_failed=$((tap_failed + 1))
        echo "not ok $tap_count - $2"
        diag "failed: $2"
        return 1
    fi
}

ok()
{
    local description=$1 output status=0
    shift
    output=$("$@" 2>&1) || status=$?
    tap_report "$status" "$description" || diag "$* -> $status
$output"
}

is()
{
    [ "$1" = "$2" ]
    tap_report $? "$3" || diag "got  '$1'
want '$2'"
}

like()
{
    grep -qE -e "$2" <<<"$1"
    tap_report $? "$3" || diag "'$1'
does not match '$2'"
}

exits()
{
    local want=$1 description=$2 got=0
    shift 3
    "$@" >out 2>err || got=$?
    [ "$got" -eq "$want" ]
    tap_report $? "$description" || diag "$* -> $got instead of $want
$(cat out err)"
}

skip()
{
    tap_count=$((tap_count + 1))
    echo "ok $tap_count - $1 # SKIP $2"
}

wait_until()
{
    local deadline=$((SECONDS + $1))
    shift
    until "$@"; do
        [ "$SECONDS" -le "$deadline" ] || return 1
        sleep 0.02
    done
}

done_testing()
{
    echo "1..$tap_count"
    [ "$tap_failed" -eq 0 ]
    exit
}
