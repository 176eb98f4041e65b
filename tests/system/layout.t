#!/bin/bash
# quiet, no broker
# Who may know whom, as tools/layout has it; and the checker itself, on trees that break each rule.
. "$(dirname "$0")/lib.sh"
check=$WINNOW_TOP/tools/check-layout

exits 0 "the sources keep to the layout" -- "$check" "$WINNOW_TOP" "${WINNOW_BIN%/bin}"

# A tree that breaks nothing, though it is close to it.
clean_tree()
{
    rm -rf tree objects
    mkdir -p tree/{tools,src/broker,filter,workers,tests,autoscaler/{policy,node,leader}}
    cat >tree/tools/layout <<'END'
[includes]
filter:
workers: filter
autoscaler: autoscaler/node autoscaler/leader
autoscaler/policy:
autoscaler/node: autoscaler/messages.h
autoscaler/leader: autoscaler/messages.h autoscaler/policy
[pure]
autoscaler/policy/*
[owners]
AMQP: src/broker/*
JSON: src/event
libcsv: src/table
command lines: */winnow-*
processes: autoscaler/node/launcher
shared memory: src/scoreboard
sockets: src/broker/*
the clock: src/clock
threads: filter/reload
END
    printf '#include <amqp.h>\n#include "broker/link.h"\nint broker_open(void) { return socket(1, 2, 3); }\n' \
        >tree/src/broker/link.c
    echo '/* #include <stdio.h> */' >tree/src/broker/link.h
    printf '#include <csv.h>\nint table_read(void) { return csv_init(); }\n' >tree/src/table.c
    echo '#include <jansson.h>' >tree/src/event.c
    echo '#include <sys/mman.h>' >tree/src/scoreboard.c
    printf '#include <time.h>\nint64_t clock_now_ns(void) { clock_gettime(0, &t); }\n' >tree/src/clock.c
    echo 'int64_t clock_now_ns(void);' >tree/src/clock.h
    printf '/* units.h - numbers. Pure. */\n#include <stdint.h>\n' >tree/src/units.h
    echo '#include "units.h"' >tree/filter/words.h
    printf '#include "filter/words.h"\n#include "worker.h"\n' >tree/workers/worker.c
    echo '#include "units.h"' >tree/workers/worker.h
    echo '#include <pthread.h>' >tree/filter/reload.c
    cat >tree/autoscaler/policy/policy.c <<'END'
#include "policy.h"
#include <math.h>
/* fork(), rand() and <time.h> may be spoken of. */
static const char *const names[] = {"formula", "time(NULL)"};
const char *policy_name(int i) { return names[i]; }
END
    printf '/* policy.h - decides. Pure: no clock. */\n#include "units.h"\n' >tree/autoscaler/policy/policy.h
    echo 'int policy_wait(void) { return 2; }' >tree/autoscaler/policy/policy_wait.c
    echo '#include "units.h"' >tree/autoscaler/messages.h
    echo '#include "autoscaler/messages.h"' >tree/autoscaler/node/node.h
    printf '#include <sys/wait.h>\nint launcher_start(void) { return fork(); }\n' >tree/autoscaler/node/launcher.c
    printf '#include "autoscaler/messages.h"\n#include "autoscaler/policy/policy.h"\n' >tree/autoscaler/leader/leader.h
    printf '#include <argp.h>\n#include "autoscaler/node/node.h"\n#include "autoscaler/leader/leader.h"\n%s\n' \
        'int main(void) { x->kill(1); launcher_kill(1); }' >tree/autoscaler/winnow-autoscaler.c
    printf '#include <stdio.h>\n#include "autoscaler/node/node.h"\n' >tree/tests/node.c
}

clean_tree
exits 0 "a tree that keeps to the layout passes" -- "$check" tree

# complains FILE TEXT PATTERN DESCRIPTION: with TEXT added to FILE, the checker names it.
complains()
{
    clean_tree
    mkdir -p "tree/${1%/*}"
    printf '%b\n' "$2" >>"tree/$1"
    exits 1 "$4" -- "$check" tree
    like "$(cat out)" "^${1%.c}.*$3" "... by name"
}

complains src/event.c '#include "filter/words.h"' words.h "src includes another folder's header"
complains src/event.c '#include "../workers/worker.h"' worker.h "src includes another folder's header by its path"
complains workers/worker.c '#include "autoscaler/policy/policy.h"' policy.h "a folder includes one that it may not know"
complains filter/words.c '#include "workers/worker.h"' worker.h "a folder includes the one that may know it"
complains autoscaler/leader/leader.c '#include "autoscaler/node/node.h"' node.h "the leader includes the node"
complains autoscaler/node/node.c '#include "autoscaler/leader/leader.h"' leader.h "the node includes the leader"
complains words/store.c '#include "units.h"' 'not in tools/layout' "a file is in a folder that the table does not have"
complains src/units.h '#include "event.h"\n#include "units.h"' 'src/units.h -> src/units.h' "a header includes itself"
complains autoscaler/messages.h '#include "autoscaler/node/node.h"' \
    'autoscaler/messages.h -> autoscaler/node/node.h -> autoscaler/messages.h' "two headers include each other"

clean_tree
sed -i 's|^workers: |& autoscaler/policy |' tree/tools/layout
echo '#include "autoscaler/policy/policy.h"' >>tree/workers/worker.c
exits 0 "a folder may include what the table allows" -- "$check" tree
# That the table allows it too does not make it right.
sed -i 's|^autoscaler/policy:|& workers|' tree/tools/layout
echo '#include "workers/worker.h"' >>tree/autoscaler/policy/policy.c
exits 1 "two folders include each other, though no two headers do" -- "$check" tree
like "$(cat out)" 'circle of folders: autoscaler/policy -> workers -> autoscaler/policy' "... by name"

complains autoscaler/policy/policy.c '#include <stdio.h>' stdio.h "a pure file includes stdio"
complains autoscaler/policy/policy.c '#include "clock.h"' clock.h "a pure file includes the clock"
complains autoscaler/policy/policy_wait.c '#include <stdio.h>' stdio.h "a further file of a pure module includes stdio"
complains src/units.c '#include <sys/socket.h>' sys/socket.h "a pure file includes a socket header"
complains src/units.c 'int f(void)\n{\n    return rand();\n}' 'rand\(' "a pure file asks for randomness"
complains src/draw.c '/* Pure. */\n#include <stdio.h>' stdio.h "a file that has no header and says it is pure includes stdio"
complains autoscaler/policy/wait.h '/* wait.h - waits. */' 'must be pure' "a file that must be pure does not say so"

# A pure file may not get at I/O through a header either.
clean_tree
echo '#include <stdio.h>' >>tree/src/units.h
exits 1 "a pure file includes stdio through a header of ours" -- "$check" tree
like "$(cat out)" '^autoscaler/policy/policy.c: .*stdio.h.* through src/units.h' "... which is named too"

clean_tree
printf '/* words.h - words.\n * Purely so. */\n/* Pure. */\n#include <stdio.h>\n' >tree/filter/words.h
exits 0 "only a word of the first comment makes a file pure" -- "$check" tree

complains src/log.c '#include <amqp_ssl_socket.h>' amqp "AMQP outside its module"
complains workers/ledger.c '#include <jansson.h>' jansson "JSON outside its module"
complains workers/ledger.c '#include <csv.h>' csv "libcsv outside its module"
complains workers/worker.c '#include <time.h>' time.h "a time header outside the clock"
complains workers/worker.c 'void f(void)\n{\n    clock_gettime(0, 0);\n}' clock_gettime \
    "the clock asked outside its module"
complains workers/worker.c '#include <sys/mman.h>' mman "shared memory outside its module"
complains workers/worker.c '#include <netdb.h>' netdb "an address looked up outside the broker module"
complains workers/worker.c 'void f(void)\n{\n    socket(1, 2, 3);\n}' 'socket\(' "a socket outside the broker module"
complains workers/worker.c '#include <pthread.h>' pthread "a thread outside its module"
complains workers/worker.c 'void f(void)\n{\n    kill(1, 9);\n}' 'kill\(' "a signal sent outside the launcher"
complains autoscaler/node/pool.c 'int f(void)\n{\n    return fork();\n}' 'fork\(' "a fork outside the launcher"
complains workers/worker.c '#include <sys/wait.h>' wait "waiting outside the launcher"
complains workers/worker.c '#include <argp.h>' argp "argp in a file that is no program's"

complains filter/worker.c 'int worker_run(void);' 'workers/worker' "two modules have one name"
complains workers/worker.c "$(yes ';' | head -499)" '501 lines' "a file of more than 500 lines"
complains tests/node.c "// $(printf 'é%.0s' {1..98})" '101 columns' \
    "a line of more than 100 columns, in a test too"

clean_tree
echo "// $(printf 'é%.0s' {1..97})" >>tree/tests/node.c
yes ';' | head -498 >>tree/workers/worker.c
exits 0 "500 lines and 100 columns are allowed, however many bytes" -- "$check" tree
sed -i 's|^filter:|& autoscaler/messages.h|' tree/tools/layout
exits 1 "a permission that nobody uses" -- "$check" tree
like "$(cat out)" '^tools/layout: allows autoscaler/messages.h to filter' "... by name"
clean_tree
rm tree/src/event.c
exits 1 "an owner that is not there" -- "$check" tree
like "$(cat out)" '^tools/layout: JSON is owned by src/event' "... by name"

# compile FILE...: objects of the tree, where the checker looks for them
compile()
{
    local file
    for file; do
        mkdir -p "objects/${file%/*}"
        "${CC:-gcc}" -Itree/src -Itree -c -o "objects/${file%.c}.o" "tree/$file" || return 1
    done
}

policy=autoscaler/policy/policy.c
clean_tree
ok "constants and functions compile" compile $policy autoscaler/policy/policy_wait.c
exits 0 "a table of constants is no variable, and each function has its prefix" -- "$check" tree objects
for variable in 'static int calls; int policy_f(void) { return calls++; }' 'int zero;' 'int one = 1;' \
    'int policy_g(void) { static int last = 3; return last++; }'; do
    clean_tree
    echo "$variable" >>tree/$policy
    compile $policy
    exits 1 "a pure file holds: $variable" -- "$check" tree objects
    like "$(cat out)" "^$policy: .*variable (calls|zero|one|last)" "... by name"
done

clean_tree
printf 'int %s(void) { return 1; }\n' wait_long policy_wait_long policy_long >>tree/autoscaler/policy/policy_wait.c
compile autoscaler/policy/policy_wait.c
exits 1 "a function without its file's or its module's name before its own" -- "$check" tree objects
is "$(cut -d' ' -f1,2 out)" "autoscaler/policy/policy_wait.c: wait_long()" "... by name, and no other"

clean_tree
compile autoscaler/policy/policy_wait.c
echo 'int policy_wait(void); int policy_twice(void) { return 2 * policy_wait(); }' >>tree/$policy
compile $policy
exits 0 "a file may need another" -- "$check" tree objects
echo 'int policy_twice(void); int policy_four_times(void) { return 2 * policy_twice(); }' \
    >>tree/autoscaler/policy/policy_wait.c
compile autoscaler/policy/policy_wait.c
exits 1 "two files need each other" -- "$check" tree objects
like "$(cat out)" "$policy -> autoscaler/policy/policy_wait.c -> $policy" "... by name"

done_testing
