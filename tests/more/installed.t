#!/bin/bash
# quiet, no broker
# What `make install` installs, as the programs see it that will read it: groff, man-db and systemd.
. "$(dirname "$0")/../system/lib.sh"

prefix=$PWD/prefix
exits 0 "it can be installed" -- make -C "$WINNOW_TOP" install "BUILD=$WINNOW_BUILD" "PREFIX=$prefix"

for page in "$prefix"/share/man/man1/*.1; do
    name=$(basename -s .1 "$page")
    is "$(groff -man -Tutf8 -ww "$page" 2>&1 >/dev/null)" "" "$name's page is sound to groff"
    like "$(lexgrog "$page")" ": \"$name - .+\"\$" "... and whatis finds what it says of $name"
done

for unit in "$prefix"/lib/systemd/system/*.service; do
    name=$(basename "$unit")
    if command -v systemd-analyze >/dev/null; then
        # Of other units it may complain too.
        is "$(MANPATH=$prefix/share/man systemd-analyze verify "$unit" 2>&1 | grep winnow)" "" "systemd has nothing to say of $name"
    else
        skip "systemd has nothing to say of $name" "there is no systemd here"
    fi
done

done_testing
