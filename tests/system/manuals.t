#!/bin/bash
# quiet, no broker
# The manual pages and the completion say of each program what its --help says.
. "$(dirname "$0")/lib.sh"
# shellcheck source=/dev/null
. "$WINNOW_TOP/tools/completion.bash"

version=$(sed -n 's/^#define WINNOW_VERSION "\(.*\)"$/\1/p' "$WINNOW_TOP/src/version.h")
like "$(sed -n '/^## /{p;q}' "$WINNOW_TOP/CHANGELOG.md")" \
    "^## $version, (unreleased|20[0-9]{2}-[01][0-9]-[0-3][0-9])\$" "the changelog begins with the version of src/version.h"
is "$(sed -n '1s/^winnow (\(.*\)) .*/\1/p' "$WINNOW_TOP/debian/changelog")" "$version" "... and so does that of the package"

options_of()
{
    "$1" --help | grep -oE '^ +(-., )?--[a-z0-9-]+' | sed 's/.*--/--/' | sort
}

# complete_with WORD...: what completion offers for the last word
complete_with()
{
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
    _winnow "$1"
    printf '%s\n' "${COMPREPLY[@]}"
}

for program in "$WINNOW_BIN"/winnow-*; do
    name=${program##*/}
    options_of "$program" >options
    ok "$name has options" test -s options
    is "$("$program" --help | grep -nE '^ +$|^ {12,}--')" "" "... whose list has no broken line"
    exits 0 "$name has a manual page" -- "$WINNOW_TOP/tools/manual" "$program"
    cp out page
    is "$(sed -n '/^\.TP/{n;s/\\-/-/g;s/^\.B //;s/.*--/--/;s/=.*//;p}' page | sort)" "$(cat options)" \
        "$name's page has an entry for each option"
    for section in NAME SYNOPSIS DESCRIPTION OPTIONS 'EXIT STATUS' 'SEE ALSO'; do
        ok "$name's page has the section $section" grep -qx ".SH $section" page
    done
    # Nothing was cut off a description: each word of --help is in the page somewhere.
    ARGP_HELP_FMT=rmargin=5000 "$program" --help | grep -v '^Mandatory or optional' |
        tr -cs 'A-Za-z' '\n' | sort -u >said
    tr -d '\\' <page | tr -cs 'A-Za-z' '\n' | sort -u >written
    is "$(comm -23 said written | grep -vxE 'Usage|Exit|codes|Example|or' | tr '\n' ' ')" "" \
        "$name's page says all that --help says"
    is "$(complete_with "$program" -- | sed 's/=$//' | sort)" "$(cat options)" \
        "$name's completion offers each option"
    like "$(complete -p "$name" 2>&1)" "_winnow $name\$" "... and is declared for it"
    # The words that completion knows of an option are those that --help names.
    for option in $(cat options); do
        for word in $(_winnow_values "$option"); do
            like "$(ARGP_HELP_FMT=rmargin=5000 "$program" --help | grep -e " $option=")" "\\b$word\\b" \
                "$name $option takes $word"
        done
    done
    is "$("$program" --version)" "winnow $version" "$name tells the version of src/version.h"
    like "$(grep '^\.TH' page)" " \"winnow $version\" " "... and so does its page"
done

touch words.txt
is "$(complete_with "$WINNOW_BIN/winnow-filter" --queue-type = q)" quorum "a value is completed after ="
is "$(complete_with "$WINNOW_BIN/winnow-filter" --log-level w)" warn "... and after a space"
is "$(complete_with "$WINNOW_BIN/winnow-filter" --words = wo)" words.txt "a file is completed where one is wanted"
is "$(complete_with "$WINNOW_BIN/winnow-plot" sc)" scaling "the kinds of picture are completed"
is "$(complete_with "$WINNOW_BIN/winnow-ctl" words)" $'words.txt\nwords' "... and the verbs, beside files"
is "$(complete_with "$WINNOW_BIN/winnow-ctl" words br)" broadcast "... a verb behind a verb"
is "$(complete_with "$WINNOW_BIN/winnow-ctl" words broadcast sto)" stop "... and what stands behind that"
is "$(complete_with "$WINNOW_BIN/winnow-ctl" unf)" unfix "so are the verbs of winnow-ctl"
exits 1 "a program that nobody has described has no page" -- "$WINNOW_TOP/tools/manual" /bin/true

done_testing
