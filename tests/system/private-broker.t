#!/bin/bash
# quiet, no broker
# slow: half a minute or more
# tools/private-broker: a broker of one's own, beside any other, that leaves nothing behind.
. "$(dirname "$0")/lib.sh"
broker=$WINNOW_TOP/tools/private-broker

# In memory, where the disk that others use does not stop them.
cd "$("$broker" directory)" || exit 1

members()
{
    grep -lzsxF "WINNOW_PRIVATE_BROKER=$1" /proc/[0-9]*/environ
}

# shellcheck disable=SC2317
lonely()
{
    [ -z "$(members "$1")" ]
}

port_of()
{
    echo "${1##*:}"
}

# Publishing and reading need a client, and pika is there for the tests anyway.
amqp()
{
    /usr/bin/python3 - "$@" <<'END'
import sys, pika
url, action = sys.argv[1:3]
channel = pika.BlockingConnection(pika.URLParameters(url)).channel()
if action == "put":
    channel.queue_declare("kept", durable=True)
    channel.confirm_delivery()
    channel.basic_publish("", "kept", sys.argv[3].encode(), pika.BasicProperties(delivery_mode=2))
else:
    print(channel.basic_get("kept")[2].decode()) # comes back, as nobody acknowledges it
END
}

at_end "$broker stop '$PWD/one dir'; $broker stop '$PWD/two'"

exits 69 "url of a directory without a broker is an error" -- "$broker" url "one dir"
exits 0 "stop is fine where nothing runs" -- "$broker" stop "one dir"
exits 64 "an unknown command is a usage error" -- "$broker" begin "one dir"

# A pipe that the broker kept open would hang here.
url=$("$broker" start "one dir")
like "$url" '^amqp://guest:guest@127\.0\.0\.1:[0-9]+$' "start takes a relative directory with a space, prints the URL"
ok "it answers AMQP when start returns" amqp "$url" put first
is "$("$broker" url "$PWD/one dir")" "$url" "url prints the same"
is "$("$broker" start "one dir")" "$url" "start leaves a running broker as it is"
like "$("$broker" ctl "one dir" -q list_queues name messages)" '^kept	1$' "ctl reaches it"
is "$("$broker" eval "one dir" 'rabbit_amqqueue:count() + 1.')" 2 "eval too, and prints what comes of it"
exits 1 "what cannot be evaluated is an error" -- "$broker" eval "one dir" 'nothing:there().'
like "$(cat err)" "undef" "and says why"
together()
{
    for each in 1 2 3 4 5; do "$broker" eval "one dir" "timer:sleep(500), $each." & done
    wait
}
is "$(together | sort | tr -d '\n')" 12345 "several may ask it at once"

other=$("$broker" start two)
ok "a second one runs beside it, on another port" test "$url" != "$other"
ok "the second answers too" amqp "$other" put second
exits 0 "stop ends one of them" -- "$broker" stop two
ok "and leaves no process" lonely "$PWD/two"
ok "and not the other" amqp "$url" put next

exits 0 "stop of the first" -- "$broker" stop "one dir"
ok "leaves no process" lonely "$PWD/one dir"
exits 69 "there is no URL then" -- "$broker" url "one dir"

room=$("$broker" directory)
ok "a directory for another is made" test -d "$room" -a -O "$room"
rmdir "$room"

is "$("$broker" start "one dir")" "$url" "a restart keeps the port"
is "$(amqp "$url" get)" first "and the data"
node=$(cat "one dir/node.pid")
exits 0 "kill ends the node" -- "$broker" kill "one dir"
ok "at once" test ! -e "/proc/$node/exe"
exits 69 "kill is an error where nothing runs" -- "$broker" kill "one dir"

more=$("$broker" port)
echo "listeners.tcp.2 = 127.0.0.1:$more" >more.conf
is "$("$broker" start "one dir" --config more.conf)" "$url" "a killed one starts again on its port"
is "$(amqp "amqp://guest:guest@127.0.0.1:$more" get)" first "with --config's listener, and its data"
exits 64 "--config is refused while it runs" -- "$broker" start "one dir" --config more.conf
"$broker" stop "one dir"

perl -MIO::Socket::INET -e '
    my $socket = IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => $ARGV[0], Listen => 1, ReuseAddr => 1) or die;
    open my $ready, ">", "taken"; close $ready; sleep 60' "$(port_of "$url")" &
squatter=$!
wait_until 10 test -e taken
exits 69 "a port that another program has taken is an error, not a broker elsewhere" -- "$broker" start "one dir"
kill "$squatter"
wait "$squatter" 2>/dev/null

echo 'no_such_setting = 1' >bad.conf
exits 69 "a configuration that the broker refuses is an error" -- "$broker" start two --config bad.conf
like "$(cat err)" no_such_setting "which says why"
ok "and leaves no process" lonely "$PWD/two"

if [ "$(id -u)" -eq 0 ]; then
    # Out of the project and the test's directory, which another user may not be able to read.
    away=$(mktemp -d /tmp/winnow-nobody.XXXXXX)
    as_nobody=(setpriv --reuid 65534 --regid 65534 --clear-groups "$away/private-broker")
    at_end "'$broker' stop '$away/dir'; rm -rf '$away'"
    install -m 755 "$broker" "$away"
    install -d -m 700 -o 65534 -g 65534 "$away/dir"
    chmod 755 "$away"
    url=$(cd / && "${as_nobody[@]}" start "$away/dir")
    ok "an unprivileged user can run one" amqp "$url" put third
    owners=$(for member in $(members "$away/dir"); do stat -c %u "$member"; done | sort -u)
    is "$owners" 65534 "with no process of anybody else"
    exits 0 "and stop it" -- "${as_nobody[@]}" stop "$away/dir"
    ok "without leaving a process" lonely "$away/dir"
else
    skip "an unprivileged user can run one" "everything above did"
fi

done_testing
