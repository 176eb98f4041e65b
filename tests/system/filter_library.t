#!/bin/bash
# quiet: no claim about time
# The example of the documents that uses the filter as a library is a program that does what they say.
. "$(dirname "$0")/lib.sh"
marker='<!-- example: filter library -->'
build=$(dirname "$WINNOW_BIN")

documents=$(cd "$WINNOW_TOP" && grep -lFx -e "$marker" ARCHITECTURE.md docs/*.md 2>/dev/null)
is "$(wc -w <<<"$documents")" 1 "one document has the example"

# What is between the fences that follow the marker.
awk -v marker="$marker" '
    $0 == marker { getline; is_example = $0 == "```c"; next }
    $0 == "```" { is_example = 0 }
    is_example' "$WINNOW_TOP/$documents" >example.c
ok "the example is there" test -s example.c

flags=(-std=gnu17 -Wall -Wextra -Wshadow -Wconversion -Werror -I"$WINNOW_TOP/src" -I"$WINNOW_TOP")
[ "$WINNOW_BUILD" != asan ] || flags+=("-fsanitize=address,undefined")
ok "it compiles, and needs no library but libunistring" "${CC:-gcc}" "${flags[@]}" -o example example.c \
    "$build/filter.a" "$build/src.a" -lunistring
exits 0 "it runs" -- ./example
is "$(cat out)" "A **** among bad 
 eggs is no *** 
 ***.
bytes 2 to 7: fool, severity 1
bytes 31 to 40: bad egg, severity 3" "it finds and masks what is on its list"
is "$(cat err)" "" "... and complains of nothing"

done_testing
