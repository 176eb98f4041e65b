#include "loop.h"

#include "clock.h"
#include "deep_stack.h"
#include "signals.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define SIGNAL_FDS 2

struct loop {
    struct farm *const *farms;
    size_t count;
    int end_fd, hangup_fd;
    struct pollfd *fds; /* of the signals, then of the farms */
};

static void take_hangups(struct loop *loop)
{
    int signal;

    while ((signal = signals_next(loop->hangup_fd))) {
        if (signal != SIGHUP)
            signals_ask_to_end();
        for (size_t i = 0; signal == SIGHUP && i < loop->count; i++)
            farm_renew(loop->farms[i]);
    }
}

static void take_signals(struct loop *loop)
{
    take_hangups(loop);
    while (signals_next(loop->end_fd))
        for (size_t i = 0; i < loop->count; i++)
            farm_stop(loop->farms[i]);
}

/* Steps every farm; false when all have ended. *wake_ns is when the next wants to be stepped. */
static bool step(struct loop *loop, int64_t *wake_ns)
{
    int64_t now_ns = clock_now_ns();
    bool any = false;

    *wake_ns = CLOCK_NEVER;
    for (size_t i = 0; i < loop->count; i++) {
        int64_t due_ns = farm_step(loop->farms[i], now_ns);
        any |= !farm_has_ended(loop->farms[i]);
        *wake_ns = due_ns < *wake_ns ? due_ns : *wake_ns;
    }
    return any;
}

static void wait_until(struct loop *loop, int64_t wake_ns)
{
    struct timespec left;
    size_t count = SIGNAL_FDS;

    loop->fds[0] = (struct pollfd){.fd = loop->end_fd, .events = POLLIN};
    loop->fds[1] = (struct pollfd){.fd = loop->hangup_fd, .events = POLLIN};
    for (size_t i = 0; i < loop->count; i++)
        count += farm_poll(loop->farms[i], loop->fds + count);
    ppoll(loop->fds, count, clock_left(wake_ns, &left), NULL);
}

static int run(void *context, struct why *why)
{
    struct loop *loop = context;
    int64_t wake_ns;
    int error = signals_open(&loop->end_fd, why);

    if (!error)
        error = signals_open_hangup(&loop->hangup_fd, why);
    if (!error && !(loop->fds = calloc(SIGNAL_FDS + loop->count * FARM_FDS, sizeof *loop->fds)))
        error = error_set(why, ERR_MEMORY, "out of memory");
    while (!error && step(loop, &wake_ns)) {
        wait_until(loop, wake_ns);
        take_signals(loop);
    }
    return error;
}

int loop_run(struct farm *const *farms, size_t count, struct why *why)
{
    struct loop loop = {.farms = farms, .count = count, .end_fd = -1, .hangup_fd = -1};
    int error = deep_stack_run(run, &loop, why);

    free(loop.fds);
    if (loop.end_fd >= 0)
        close(loop.end_fd);
    if (loop.hangup_fd >= 0)
        close(loop.hangup_fd);
    return error;
}
