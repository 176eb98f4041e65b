# Bash completion for every program of Winnow. Options are read from the program's own --help, so that none
# is missing; `make install` puts this where bash-completion looks.

# Words that an option takes, when they are few.
_winnow_values()
{
    case $1 in
    --results-type) echo queue stream ;;
    --queue-type) echo classic classic-v2 quorum ;;
    --log-level) echo error warn info debug ;;
    --count) echo consume purge ;;
    --dead) echo farm reject ;;
    --stop) echo oldest idle ;;
    --arrival) echo constant poisson ;;
    esac
}

# What stands behind a verb.
_winnow_verbs()
{
    case $1 in
    'winnow-ctl words') echo add remove list random broadcast follow ;;
    'winnow-ctl broadcast') echo start stop ;;
    esac
}

_winnow()
{
    local program=$1 current=${COMP_WORDS[COMP_CWORD]} option value=
    local help options values

    help=$(ARGP_HELP_FMT=rmargin=5000 "$program" --help 2>/dev/null) || return
    options=$(grep -oE '^ +(-., )?--[a-z0-9-]+(=[^ ]*)?' <<<"$help" | sed 's/.*--/--/; s/=.*/=/')

    # Bash takes "=" for a word of its own.
    option=${COMP_WORDS[COMP_CWORD - 1]}
    [ "$current" != = ] || { value=yes current=; }
    [ "$option" != = ] || option=${COMP_WORDS[COMP_CWORD - 2]} value=yes
    if [ -n "$value" ] || grep -qxF -e "$option=" <<<"$options"; then
        values=$(_winnow_values "$option")
        if [ -n "$values" ]; then
            mapfile -t COMPREPLY < <(compgen -W "$values" -- "$current")
        elif grep -qE -e "$option=[A-Z]*FILE" <<<"$help"; then
            mapfile -t COMPREPLY < <(compgen -f -- "$current")
            compopt -o filenames 2>/dev/null
        fi
        return
    fi
    case $current in
    -*)
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
        [[ ${COMPREPLY[0]-} != *= ]] || compopt -o nospace 2>/dev/null
        ;;
    *)
        # The words of the usage that are to be taken as they stand: `scaling|relation`.
        values=$(_winnow_verbs "${program##*/} $option")
        [ -n "$values" ] || values=$(sed -nE 's/^(Usage|  or):[^]]*\] *([a-z|]*).*/\2/p' <<<"$help" | tr '|' ' ')
        mapfile -t COMPREPLY < <(compgen -W "$values" -f -- "$current")
        compopt -o filenames 2>/dev/null
        ;;
    esac
}

complete -F _winnow winnow-autoscaler winnow-censor winnow-ctl winnow-filter winnow-loadgen winnow-page winnow-plot winnow-run winnow-simulate
complete -F _winnow winnow-words
