#!/bin/bash
# slow: it builds everything twice, which takes minutes beside others
# The Debian packages: built twice alike; and, in a fresh Debian 12, installed, run, upgraded, removed and purged.
. "$(dirname "$0")/../system/lib.sh"

# What is mounted here, in a namespace of this test's own, is gone when it ends.
if [ "$(id -u)" -eq 0 ] && [ -z "${OWN_MOUNTS-}" ] && unshare --mount true 2>/dev/null; then
    OWN_MOUNTS=yes exec unshare --mount --propagation private "$0"
fi

# ---- The fresh Debian is fetched while the packages are built ----

fresh=$PWD/fresh
fetch()
{
    mkdir "$fresh" && mount -t tmpfs -o size=2g,mode=755 winnow-package "$fresh" || return
    timeout 200 debootstrap --variant=minbase bookworm "$fresh" || return
    timeout 100 chroot "$fresh" apt-get -q update || return
    # systemd does not run there, but says what it thinks of the units.
    DEBIAN_FRONTEND=noninteractive timeout 100 chroot "$fresh" apt-get -q -y --no-install-recommends install systemd procps
}
fetching=
if [ -n "${OWN_MOUNTS-}" ]; then
    fetch >fetched 2>&1 &
    fetching=$!
    at_end "kill $fetching 2>/dev/null"
fi

# ---- Building ----

packages='winnow winnow-page winnow-words'
version=$(sed -n 's/^#define WINNOW_VERSION "\(.*\)"$/\1/p' "$WINNOW_TOP/src/version.h")
before=0.0.1

# copy_to FOLDER: the tree as it would be unpacked there
copy_to()
{
    mkdir -p "$1" && tar -c -C "$WINNOW_TOP" --exclude=./build --exclude=./out --exclude=./.git . | tar -x -C "$1"
}

mkdir before
copy_to one
copy_to "two/deeper in"
find two -exec touch -d '2001-02-03' {} +
touch now

# end_if_later SECONDS WHAT: where that took so long, what comes next would not end in time
end_if_later()
{
    [ $SECONDS -gt "$1" ] || return
    skip "$2" "this machine is too busy: it took $SECONDS s until here"
    done_testing
}

exits 0 "make deb" -- make -C one deb
end_if_later 200 "the packages are built alike"
is "$(find one -type f -newer now ! -path 'one/build/*')" "" "it leaves nothing in the tree but build/"
another_build()
{
    umask 077
    mkdir two/temporary
    TMPDIR=$PWD/two/temporary TZ=Pacific/Kiritimati LC_ALL=C HOME=/nonexistent USER=somebody MAKEFLAGS=-j1 make -C 'two/deeper in' deb
}
exits 0 "... in another folder, with another umask, time zone and locale" -- another_build

for package in one/build/deb/*.deb; do
    file=${package##*/}
    ok "$file is built alike, whoever builds it where" cmp "$package" "two/deeper in/build/deb/$file"
done
is "$(cd one/build/deb && ls ./*.deb | wc -l)" 6 "they are three packages, with what a debugger reads of each"

end_if_later 400 "lintian finds nothing"
exits 0 "lintian finds no error and no warning" -- lintian --fail-on error,warning one/build/deb/*.changes
for library in sqlite3 hiredis microhttpd gnuplot systemd; do
    is "$(dpkg-deb -f one/build/deb/winnow_"$version"_*.deb Depends | grep "$library")" "" \
        "who has the farm alone does without $library"
done

# What the packages hold is what make install installs.
exits 0 "make install" -- make -C "$WINNOW_TOP" "BUILD=$WINNOW_BUILD" PREFIX=/usr DESTDIR="$PWD/installed" install
(cd installed && find . ! -type d | sed '/\/man1\//s/$/.gz/' | sort) >installed.list
for package in one/build/deb/*_"$version"_*.deb; do
    case $package in *-dbgsym_*) continue ;; esac
    dpkg-deb --fsys-tarfile "$package" | tar -t
done | grep -v '/$' | sort >packaged.list
is "$(comm -23 installed.list packaged.list)" ./usr/share/doc/winnow/LICENSE "all that make install installs is packaged"
is "$(comm -13 installed.list packaged.list | grep -vE '/share/doc/winnow(-[a-z]+)?(/copyright|/changelog.gz)?$|/lintian/')" \
    "./etc/winnow/page.env
./etc/winnow/pools.conf
./etc/winnow/pools.env
./etc/winnow/winnow.env
$(for unit in winnow-autoscaler@ winnow-pools winnow-words@; do
        echo "./usr/lib/systemd/system/$unit.service.d/10-user.conf"
    done)" "and beside it a configuration, and a user for the services"

# ---- A fresh Debian ----

end_if_later 400 "the packages can be installed"
if [ -z "$fetching" ]; then
    skip "the packages can be installed" "this takes root, who may mount"
    done_testing
fi
if ! wait "$fetching"; then
    skip "the packages can be installed" "no fresh Debian here: $(tail -1 fetched)"
    done_testing
fi
mount -t proc proc "$fresh/proc"

within()
{
    DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 timeout 100 chroot "$fresh" "$@"
}
# What systemd would be told is written down.
mkdir -p "$fresh/run/systemd/system" "$fresh/packages"
touch "$fresh/told"
cat >"$fresh/usr/bin/systemctl" <<'END'
#!/bin/sh
echo "$*" >>/told
END
chmod 755 "$fresh/usr/bin/systemctl"
told()
{
    grep -v daemon-reload "$fresh/told" | sort
    : >"$fresh/told"
}

# What there is of Winnow, with what its users made.
things()
{
    (cd "$fresh" && find . -xdev -name '*winnow*' ! -path './packages/*' ! -path './proc/*' | sort)
}

# files_of VERSION: the packages' names in the fresh Debian, as apt-get takes them
files_of()
{
    (cd "$fresh/packages" && for package in $packages; do ls "./${package}_$1"_*.deb; done | sed 's|^\.|/packages|')
}
install_version()
{
    # shellcheck disable=SC2046
    within apt-get -y -q --no-install-recommends install $(files_of "$1")
}
# An earlier version differs in what it says in one file of the configuration.
for package in $packages; do
    cp one/build/deb/"${package}_$version"_*.deb "$fresh/packages"
    dpkg-deb -R one/build/deb/"${package}_$version"_*.deb "before/$package"
    sed -i "s/^Version: .*/Version: $before/; s/(= $version)/(= $before)/" "before/$package/DEBIAN/control"
    [ "$package" != winnow ] || echo '# So it was before.' >>"before/$package/etc/winnow/winnow.env"
    dpkg-deb --root-owner-group -b "before/$package" "$fresh/packages" >repacked
done

exits 0 "they are installed, with what they need" -- install_version "$before" || done_testing
is "$(told)" "" "nothing is started"
is "$(find "$fresh/etc/systemd" -name '*winnow*')" "" "... nor enabled"
like "$(within getent passwd winnow)" '^winnow:x:[1-9][0-9]{2}:[1-9][0-9]{2}:.*:/var/lib/winnow:/usr/sbin/nologin$' \
    "there is a system user"
is "$(stat -c '%U %a' "$fresh"/etc/winnow/*.env | sort -u)" "root 600" "root alone may read passwords"
for program in "$fresh"/usr/bin/winnow-*; do
    is "$(within "/usr/bin/${program##*/}" --version)" "winnow $version" "${program##*/} runs"
done

# ---- The units, as systemd would run them ----

shop=shop$$
mails=mails$$

echo "AMQP_URL=$WINNOW_TEST_URL" | tee "$fresh/etc/winnow/$shop.env" >"$fresh/etc/winnow/pools.env"
echo "WINNOW_OPTIONS=--max 2 --min 1 --interval 200ms --history /var/lib/winnow/$shop/history.csv" >>"$fresh/etc/winnow/$shop.env"
cat >"$fresh/etc/winnow/pools.conf" <<END
[pool $mails]
min = 1
max = 2
history = /var/lib/winnow/pools/mails.csv
END
for unit in "$fresh"/usr/lib/systemd/system/winnow-*.service; do
    name=$(basename "$unit" | sed "s/@/@$shop/")
    is "$(within systemd-analyze verify --man=no "$name" 2>&1 | grep winnow)" "" "systemd has nothing to say of $name"
done

# setting UNIT NAME: what a unit says of it last; a drop-in comes after the unit
setting()
{
    cat "$fresh/usr/lib/systemd/system/$1" "$fresh/usr/lib/systemd/system/$1.d/"*.conf 2>/dev/null | sed -n "s/^$2=//p" | tail -n 1
}

# run_as_unit UNIT INSTANCE ExecStart|ExecStartPre: runs it as the unit does, in place of this shell
run_as_unit()
{
    local command environment state cache user
    # Any that there is not, if systemd is to make one.
    user=$(setting "$1" User)
    user=${user:-61234}
    state=/var/lib/$(setting "$1" StateDirectory)
    cache=/var/cache/$(setting "$1" CacheDirectory)
    state=${state/\%i/$2} cache=${cache/\%i/$2}
    [ "$state" = /var/lib/ ] || within install -d -o "$user" "$state"
    [ "$cache" = /var/cache/ ] || within install -d -m 700 -o "$user" "$cache"
    environment=$(setting "$1" EnvironmentFile)
    mapfile -t environment < <(grep '^[A-Z]' "$fresh/${environment/\%i/$2}")
    command=$(setting "$1" "$3")
    exec env -i PATH=/usr/sbin:/usr/bin WINNOW_FARM="$2" STATE_DIRECTORY="$state" CACHE_DIRECTORY="$cache" "${environment[@]}" \
        chroot --userspec="$user:$user" "$fresh" /bin/sh -c "exec $command"
}
# start_unit UNIT INSTANCE: sets `unit`, its process
start_unit()
{
    (run_as_unit "$1" "$2" ExecStart >>"$1.log" 2>&1) &
    unit=$!
    at_end "kill $unit 2>/dev/null"
}
ends_well()
{
    kill "$1"
    wait "$1"
    is $? 0 "$2"
}
shows()
{
    within winnow-ctl --amqp "$WINNOW_TEST_URL" --farm "$1" status 2>&1 | grep -qE "$2"
}
words()
{
    within winnow-ctl --amqp "$WINNOW_TEST_URL" --farm "$shop" words "$@" 2>&1
}
has_words()
{
    words list | grep -qx 'deb package'
}

start_unit winnow-autoscaler@.service "$shop"
autoscaler=$unit
ok "winnow-autoscaler@shop runs a farm" wait_until 20 shows "$shop" '1 running'
is "$(ps -o uid= -p "$autoscaler" | tr -d ' ')" "$(within id -u winnow)" "... as the system user"
is "$(within winnow-ctl --amqp "$WINNOW_TEST_URL" --farm "$shop" send --wait 'You fool!' 2>&1)" 'You CENSORED!' "... which filters"
start_unit winnow-words@.service "$shop"
words=$unit
added()
{
    [[ $(words add 'deb package') = added\ 1* ]]
}
ok "winnow-words@shop takes words" wait_until 20 added
port=$("$WINNOW_TOP/tools/private-broker" port)
printf '%s\n' "AMQP_URL=$WINNOW_TEST_URL" "WINNOW_PAGE_OPTIONS=--farm $shop --listen 127.0.0.1:$port" >"$fresh/etc/winnow/page.env"
start_unit winnow-page.service page
page=$unit
on_page()
{
    exec 3<>"/dev/tcp/127.0.0.1/$port" &&
        printf 'GET /api/v1/farms HTTP/1.0\r\nHost: 127.0.0.1:%d\r\n\r\n' "$port" >&3 && timeout 5 grep -q "\"$shop\"" <&3
}
ok "winnow-page shows the farm" wait_until 20 on_page
(run_as_unit winnow-pools.service pools ExecStartPre >out 2>&1)
is $? 0 "winnow-pools checks its configuration"
start_unit winnow-pools.service pools
pools=$unit
ok "... and runs its pools" wait_until 20 shows "$mails" '1 running'
ends_well "$pools" "... which drain"

# ---- An upgrade ----

cp "$fresh/etc/winnow/pools.conf" pools.conf
exits 0 "the next version is installed over them" -- install_version "$version"
is "$(told)" "try-restart winnow-autoscaler@*.service winnow-pools.service
try-restart winnow-page.service
try-restart winnow-words@*.service" "what runs is restarted, and nothing else started"
ok "a configuration that was changed is kept" cmp pools.conf "$fresh/etc/winnow/pools.conf"
ok "... and one that was not is the new one" cmp one/debian/etc/winnow.env "$fresh/etc/winnow/winnow.env"
ok "a farm outlives the exchange of its programs" shows "$shop" '1 running'
ok "... as its page does" on_page
ends_well "$page" "... which ends well"
ends_well "$autoscaler" "... and drains"
ends_well "$words" "... as the word service does"
start_unit winnow-autoscaler@.service "$shop"
autoscaler=$unit
ok "the new version goes on" wait_until 20 shows "$shop" '1 running'
start_unit winnow-words@.service "$shop"
words=$unit
ok "... with the words that were there" wait_until 20 has_words
ends_well "$autoscaler" "... and ends"
ends_well "$words" "... as they do"

# ---- The end ----

# What `systemctl enable` makes.
wanted=$fresh/etc/systemd/system/multi-user.target.wants
mkdir -p "$wanted"
ln -s /usr/lib/systemd/system/winnow-words@.service "$wanted/winnow-words@$shop.service"
# shellcheck disable=SC2086
exits 0 "they are removed" -- within apt-get -y -q remove $packages
is "$(told)" "stop winnow-autoscaler@*.service winnow-pools.service
stop winnow-page.service
stop winnow-words@*.service" "what runs is stopped"
is "$(find "$fresh/usr" -name '*winnow*')" "" "nothing is left of the programs"
ok "words stay" test -s "$fresh/var/lib/winnow-words/$shop/words.db"
ok "... and histories" test -s "$fresh/var/lib/winnow/$shop/history.csv"
ok "... and the configuration" cmp pools.conf "$fresh/etc/winnow/pools.conf"
# shellcheck disable=SC2086
exits 0 "they are purged" -- within apt-get -y -q purge $packages
is "$(things)" "" "nothing is left at all"
like "$(within getent passwd winnow)" '^winnow:' "... but the user, whose number shall not be another's"

done_testing
