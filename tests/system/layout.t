#!/bin/bash
# quiet: no claim about time
# Who may know whom, as ARCHITECTURE.md has it; and the checker itself, on trees that break each rule.
. "$(dirname "$0")/lib.sh"
check=$WINNOW_TOP/tools/check-layout

exits 0 "the sources keep to the layout" -- "$check" "$WINNOW_TOP" "${WINNOW_BIN%/bin}"

# A tree that breaks nothing, though it is close to it.
clean_tree()
{
    rm -rf tree objects
    mkdir -p tree/{src/broker,workers,autoscaler,loadgen,plots} objects/autoscaler
    printf '#include <amqp.h>\n#include "broker/link.h"\n' >tree/src/broker/link.c
    echo '/* #include <stdio.h> */' >tree/src/broker/link.h
    printf '#include <time.h>\nint64_t clock_now_ns(void) { clock_gettime(0, &t); }\n' >tree/src/clock.c
    echo 'int64_t clock_now_ns(void);' >tree/src/clock.h
    echo '#include <stdint.h>' >tree/src/units.h
    cat >tree/autoscaler/policy.c <<'END'
#include "policy.h"
#include <math.h>
/* fork(), rand() and <time.h> may be spoken of. */
static const char *const names[] = {"formula", "time(NULL)"};
const char *policy_name(int i) { return names[i]; }
END
    echo '#include "units.h"' >tree/autoscaler/policy.h
    printf '#include <sys/wait.h>\nint launch(void) { return fork(); }\n' >tree/autoscaler/launcher.c
    printf '#include <argp.h>\n#include "policy.h"\nint main(void)\n{ x->kill(1); launcher_kill(1); }\n' \
        >tree/autoscaler/autoscaler.c
    echo 'int draw(void) { return popen("gnuplot", "w") != 0; }' >tree/plots/draw.c
    echo '#include "units.h"' >tree/workers/worker.h
}

clean_tree
exits 0 "a tree that keeps to the layout passes" -- "$check" tree

# complains FILE TEXT PATTERN DESCRIPTION: with TEXT added to FILE, the checker names it.
complains()
{
    clean_tree
    printf '%b\n' "$2" >>"tree/$1"
    exits 1 "$4" -- "$check" tree
    like "$(cat out)" "^$1: .*$3" "... by name"
}

complains src/event.c '#include "worker.h"' worker.h "src includes a program's header"
complains src/event.c '#include "../loadgen/schedule.h"' schedule.h "src includes a program's header by its path"
complains workers/worker.c '#include "../autoscaler/policy.h"' policy.h "a program includes another"
complains workers/worker.c '#include "policy.h"' policy.h "a program includes another through the search path"
complains autoscaler/policy.c '#include <stdio.h>' stdio.h "a pure file includes stdio"
complains autoscaler/policy.c '#include "clock.h"' clock.h "a pure file includes the clock"
complains src/units.c '#include <sys/socket.h>' sys/socket.h "a pure file includes a socket header"
complains src/histogram.c 'int f(void)\n{\n    return rand();\n}' 'rand\(' "a pure file asks for randomness"
complains src/log.c '#include <amqp_ssl_socket.h>' amqp "AMQP outside its room"
complains loadgen/ledger.c '#include <jansson.h>' jansson "JSON outside its room"
complains loadgen/ledger.c '#include <csv.h>' csv "libcsv outside its room"
complains workers/worker.c '#include <time.h>' time.h "a time header outside the clock"
complains workers/worker.c 'void f(void)\n{\n    clock_gettime(0, 0);\n}' clock_gettime "the clock asked outside its room"
complains workers/worker.c '#include <sys/mman.h>' mman "shared memory outside its room"
complains workers/worker.c 'void f(void)\n{\n    kill(1, 9);\n}' 'kill\(' "a signal sent outside the launcher"
complains autoscaler/pool.c 'int f(void)\n{\n    return fork();\n}' 'fork\(' "a fork outside the launcher"
complains workers/worker.c '#include <sys/wait.h>' wait "waiting outside the launcher"
complains workers/worker.c '#include <argp.h>' argp "argp in a file that is no main"

# A pure file may not get at I/O through a header either.
clean_tree
echo '#include <stdio.h>' >>tree/src/units.h
exits 1 "a pure file includes stdio through a header of ours" -- "$check" tree
like "$(cat out)" '^autoscaler/policy.h: .*stdio.h.* through src/units.h' "... which is named too"

clean_tree
compile()
{
    "${CC:-gcc}" -Itree/src -c -o objects/autoscaler/policy.o tree/autoscaler/policy.c
}
ok "a constant table compiles" compile
exits 0 "a table of constants is not a global" -- "$check" tree objects
for variable in 'static int calls; int f(void) { return calls++; }' 'int zero;' 'int one = 1;' \
    'int g(void) { static int last = 3; return last++; }'; do
    clean_tree
    echo "$variable" >>tree/autoscaler/policy.c
    compile
    exits 1 "a pure file holds: $variable" -- "$check" tree objects
    like "$(cat out)" "^autoscaler/policy.c: .*variable (calls|zero|one|last)" "... by name"
done

done_testing
