#include "loop.h"

#include "clock.h"
#include "control/lamport.h"
#include "deep_stack.h"
#include "log.h"
#include "node/reaper.h"
#include "signals.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define OWN_FDS 4

/* Who wakes so much later than he wanted was stopped, or starved. */
#define STILL_NS (2 * CLOCK_NS_PER_S)

/* Without memory for descriptors they are looked at so often. */
#define RETRY_NS (10 * CLOCK_NS_PER_MS)

struct loop {
    struct fleet *fleet;
    int end_fd, hangup_fd;
    struct reaper reaper;
    int guardian_fd;    /* negative when there is none, or it has ended */
    struct pollfd *fds; /* its own, then the farms' */
    size_t room;        /* for so many of them */
    bool polled;        /* they are as the last poll has answered */
    bool all;           /* something has happened that may be any farm's */
    int64_t woke_ns;    /* when it last did, in whole milliseconds since the first time */
};

static void take_hangups(struct loop *loop)
{
    int signal;

    while ((signal = signals_next(loop->hangup_fd))) {
        if (signal == SIGHUP)
            fleet_renew(loop->fleet);
        else
            signals_ask_to_end();
        loop->all = true;
    }
}

static void take_signals(struct loop *loop)
{
    take_hangups(loop);
    while (signals_next(loop->end_fd)) {
        fleet_stop(loop->fleet);
        loop->all = true;
    }
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

/* Steps the farms; false when all have ended. *wake_ns is when the next wants to be stepped. A
 * child that ended may have been any farm's worker, or what that has left behind. */
static bool step(struct loop *loop, int64_t *wake_ns)
{
    bool all = loop->all || !loop->polled || loop->fds[2].revents;
    bool any = fleet_step(loop->fleet, loop->polled ? loop->fds + OWN_FDS : NULL, all, wake_ns);

    loop->all = false;
    reaper_step(&loop->reaper);
    return any;
}

/* False when there is no memory for the farms that are new. */
static bool make_room(struct loop *loop)
{
    size_t wanted = OWN_FDS + fleet_fds(loop->fleet);

    if (wanted <= loop->room)
        return true;
    struct pollfd *fds = reallocarray(loop->fds, wanted, sizeof *fds);
    if (!fds)
        return false;
    loop->fds = fds;
    loop->room = wanted;
    return true;
}

static void wait_until(struct loop *loop, int64_t wake_ns)
{
    struct timespec left;

    loop->polled = make_room(loop);
    if (!loop->polled) {
        wake_ns = wake_ns < clock_now_ns() + RETRY_NS ? wake_ns : clock_now_ns() + RETRY_NS;
        ppoll(NULL, 0, clock_left(wake_ns, &left), NULL);
        return;
    }
    loop->fds[0] = (struct pollfd){.fd = loop->end_fd, .events = POLLIN};
    loop->fds[1] = (struct pollfd){.fd = loop->hangup_fd, .events = POLLIN};
    loop->fds[2] = (struct pollfd){.fd = loop->reaper.fd, .events = POLLIN};
    loop->fds[3] = (struct pollfd){.fd = loop->guardian_fd, .events = POLLIN};
    size_t count = OWN_FDS + fleet_poll(loop->fleet, loop->fds + OWN_FDS);
    ppoll(loop->fds, count, clock_left(wake_ns, &left), NULL);
}

/* The log's clock counts the time, so that lines of hosts that are cut off from each other are in
 * order as well. And what others did while this process stood still, as to go on without it, is
 * else hard to understand. */
static void count_time(struct loop *loop, int64_t wake_ns)
{
    int64_t now_ns = clock_now_ns();
    int64_t late_ns = now_ns - (wake_ns > loop->woke_ns ? wake_ns : loop->woke_ns);
    int64_t passed_ms = (now_ns - loop->woke_ns) / CLOCK_NS_PER_MS;

    lamport_pass(log_clock(), passed_ms);
    loop->woke_ns += passed_ms * CLOCK_NS_PER_MS;
    if (late_ns >= STILL_NS)
        log_event(LOG_WARN, "stood_still",
                  "for_s=%.1f why=\"this process was stopped, or the machine gave it no time\"",
                  (double)late_ns / CLOCK_NS_PER_S);
}

static int open_descriptors(struct loop *loop, const struct guardian *guardian, struct why *why)
{
    int error = signals_open(&loop->end_fd, why);

    if (!error)
        error = signals_open_hangup(&loop->hangup_fd, why);
    if (!error)
        error = reaper_open(&loop->reaper, guardian, why);
    return error;
}

static int run(void *context, struct why *why)
{
    struct loop *loop = context;
    int64_t wake_ns;

    (void)why;
    loop->woke_ns = clock_now_ns();
    while (step(loop, &wake_ns)) {
        wait_until(loop, wake_ns);
        count_time(loop, wake_ns);
        take_signals(loop);
        look_after_guardian(loop);
    }
    return 0;
}

int loop_run(struct fleet *fleet, const struct guardian *guardian, struct why *why)
{
    struct loop loop = {.fleet = fleet,
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
