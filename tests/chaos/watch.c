/* watch.c - watches a farm's scoreboard from outside, for tests. It reads the scoreboard every
 * millisecond and prints an H line for each worker that has handled events since the reading
 * before. A line on its input makes it print the whole table, and it ends with its input.
 *
 *     H BEFORE_NS NOW_NS PID EVENTS    EVENTS handled between the readings at BEFORE_NS and NOW_NS
 *     S PID STATE IN_FLIGHT HANDLING   one worker of the table, HANDLING 1 when it is on an event
 *     .                                the end of the table
 *
 * The scoreboard is found as a worker finds it, in WINNOW_SCOREBOARD_FD and WINNOW_SLOT. */
#include "clock.h"
#include "scoreboard.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define LOOK_MS 1

struct seen {
    int32_t pid;
    uint64_t handled_msgs;
};

static void look(struct scoreboard *scoreboard, struct seen *seen, int64_t *looked_ns)
{
    int64_t before_ns = *looked_ns;

    *looked_ns = clock_now_ns();
    for (size_t i = 0; i < scoreboard_slots(scoreboard); i++) {
        struct scoreboard_slot *slot = scoreboard_slot(scoreboard, i);
        int32_t pid = atomic_load(&slot->pid);
        uint64_t handled_msgs = atomic_load(&slot->handled_msgs);
        if (pid != seen[i].pid)
            seen[i] = (struct seen){.pid = pid};
        if (pid && handled_msgs > seen[i].handled_msgs)
            printf("H %" PRId64 " %" PRId64 " %d %" PRIu64 "\n", before_ns, *looked_ns, pid,
                   handled_msgs - seen[i].handled_msgs);
        seen[i].handled_msgs = handled_msgs;
    }
}

static void print_slots(struct scoreboard *scoreboard)
{
    for (size_t i = 0; i < scoreboard_slots(scoreboard); i++) {
        struct scoreboard_slot *slot = scoreboard_slot(scoreboard, i);
        if (atomic_load(&slot->pid))
            printf("S %d %d %" PRIu64 " %d\n", atomic_load(&slot->pid), atomic_load(&slot->state),
                   atomic_load(&slot->in_flight_msgs), scoreboard_handling(slot).low != 0);
    }
    puts(".");
}

int main(void)
{
    struct scoreboard *scoreboard;
    struct scoreboard_slot *slot;
    struct why why = {0};
    char command[64];

    if (scoreboard_attach(&scoreboard, &slot, &why) || !scoreboard) {
        fprintf(stderr, "watch: %s\n", scoreboard ? why.text : "no scoreboard");
        return EXIT_FAILURE;
    }
    struct seen *seen = calloc(scoreboard_slots(scoreboard), sizeof *seen);
    if (!seen)
        return EXIT_FAILURE;
    int64_t looked_ns = clock_now_ns();
    for (struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};;) {
        int readable = poll(&input, 1, LOOK_MS);
        look(scoreboard, seen, &looked_ns);
        if (readable > 0) {
            if (read(STDIN_FILENO, command, sizeof command) <= 0)
                break;
            print_slots(scoreboard);
        }
        fflush(stdout);
    }
    free(seen);
    scoreboard_close(scoreboard);
    return EXIT_SUCCESS;
}
