#include "loop.h"

#include "clock.h"
#include "deep_stack.h"
#include "log.h"
#include "node/reaper.h"
#include "signals.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define OWN_FDS 4

struct loop {
    struct farm *const *farms;
    size_t count;
    int end_fd, hangup_fd;
    struct reaper reaper;
    int guardian_fd;    /* negative when there is none, or it has ended */
    struct pollfd *fds; /* its own, then the farms' */
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

/* Nobody but somebody with SIGKILL ends it. */
static void look_after_guardian(struct loop *loop)
{
    if (loop->guardian_fd < 0 || guardian_lives(loop->reaper.guardian))
        return;
    loop->guardian_fd = -1;
    log_event(LOG_ERROR, "guardian_ended",
              "why=\"somebody has killed it\" doing=\"going on; workers started before may outlive "
              "the autoscaler\"");
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
    reaper_step(&loop->reaper);
    return any;
}

static void wait_until(struct loop *loop, int64_t wake_ns)
{
    struct timespec left;
    size_t count = OWN_FDS;

    loop->fds[0] = (struct pollfd){.fd = loop->end_fd, .events = POLLIN};
    loop->fds[1] = (struct pollfd){.fd = loop->hangup_fd, .events = POLLIN};
    loop->fds[2] = (struct pollfd){.fd = loop->reaper.fd, .events = POLLIN};
    loop->fds[3] = (struct pollfd){.fd = loop->guardian_fd, .events = POLLIN};
    for (size_t i = 0; i < loop->count; i++)
        count += farm_poll(loop->farms[i], loop->fds + count);
    ppoll(loop->fds, count, clock_left(wake_ns, &left), NULL);
}

static int open_descriptors(struct loop *loop, const struct guardian *guardian, struct why *why)
{
    int error = signals_open(&loop->end_fd, why);

    if (!error)
        error = signals_open_hangup(&loop->hangup_fd, why);
    if (!error)
        error = reaper_open(&loop->reaper, guardian, why);
    if (!error && !(loop->fds = calloc(OWN_FDS + loop->count * FARM_FDS, sizeof *loop->fds)))
        error = error_set(why, ERR_MEMORY, "out of memory");
    return error;
}

static int run(void *context, struct why *why)
{
    struct loop *loop = context;
    int64_t wake_ns;

    (void)why;
    while (step(loop, &wake_ns)) {
        wait_until(loop, wake_ns);
        take_signals(loop);
        look_after_guardian(loop);
    }
    return 0;
}

int loop_run(struct farm *const *farms, size_t count, const struct guardian *guardian,
             struct why *why)
{
    struct loop loop = {.farms = farms,
                        .count = count,
                        .end_fd = -1,
                        .hangup_fd = -1,
                        .reaper = {.fd = -1},
                        .guardian_fd = guardian ? guardian_fd(guardian) : -1};
    int error = open_descriptors(&loop, guardian, why);

    if (!error)
        error = deep_stack_run(run, &loop, why);
    free(loop.fds);
    reaper_close(&loop.reaper);
    if (loop.end_fd >= 0)
        close(loop.end_fd);
    if (loop.hangup_fd >= 0)
        close(loop.hangup_fd);
    return error;
}
