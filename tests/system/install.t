#!/bin/bash
# quiet, no broker
# make install puts everything where Debian looks for it, and make uninstall takes exactly that away.
. "$(dirname "$0")/lib.sh"

prefix=$PWD/away/usr/local
in_tree()
{
    make -C "$WINNOW_TOP" "BUILD=$WINNOW_BUILD" DESTDIR="$PWD/away" "$@"
}

# What is there, with the files of somebody else.
installed()
{
    (cd "$prefix" && find . ! -type d -printf '%P\n' | sort)
}

mkdir -p "$prefix/bin" "$prefix/share/doc/winnow"
touch "$prefix/bin/winnow-other" "$prefix/share/doc/winnow/notes"
installed >before
exits 0 "make install" -- in_tree install
for program in "$WINNOW_BIN"/winnow-*; do
    name=${program##*/}
    is "$("$prefix/bin/$name" --version)" "$("$program" --version)" "$name is installed"
    ok "... with its manual page" grep -q '^\.TH' "$prefix/share/man/man1/$name.1"
    ok "... and its completion" grep -q "complete .* $name" "$prefix/share/bash-completion/completions/$name"
done
for unit in winnow-autoscaler@ winnow-words@ winnow-page; do
    name=${unit%@}
    unit=$prefix/lib/systemd/system/$unit.service
    is "$(sed -n 's/^ExecStart=\([^ ]*\).*/\1/p' "$unit")" "/usr/local/bin/$name" "the unit of $name starts what is installed"
done
for paper in README.md LICENSE docs/scaling.png examples/python/worker.py; do
    ok "$paper is installed" cmp "$WINNOW_TOP/$paper" "$prefix/share/doc/winnow/$paper"
done
is "$(find "$prefix" -type f ! -path '*/bin/*' -perm /111)" "" "programs alone can be executed"
exits 0 "make install again" -- in_tree install

exits 0 "make uninstall" -- in_tree uninstall
is "$(installed)" "$(cat before)" "it removes what was installed and nothing else"
rm "$prefix/share/doc/winnow/notes"
exits 0 "make uninstall where nothing is installed" -- in_tree uninstall
ok "it leaves no folder of its own" test ! -e "$prefix/share/doc/winnow"

done_testing
