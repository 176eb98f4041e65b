#include "load.h"

#include "clock.h"
#include "collector.h"
#include "log.h"
#include "publisher.h"
#include "signals.h"

#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

/* While events are due the sockets are looked at this often, not after each: a look costs system
 * calls. */
#define LOOK_NS (CLOCK_NS_PER_MS / 2)

/* Events gathered into one write at most. */
#define BATCH_EVENTS 64

/* After the sending, the time-outs are looked at this often. */
#define SETTLE_NS (20 * CLOCK_NS_PER_MS)

/* When every event has been answered, so long without another answer is the end: it shows the
 * duplicates. */
#define LINGER_NS (250 * CLOCK_NS_PER_MS)

#define STOP_NS     (5 * CLOCK_NS_PER_S)
#define PROGRESS_NS CLOCK_NS_PER_S

/* A last row shorter than this would show rates that mean nothing. */
#define SHORTEST_ROW_NS (100 * CLOCK_NS_PER_MS)

/* A walk through the arrivals: the event that comes next. */
struct walk {
    struct arrivals *arrivals;
    int64_t intended_ns; /* from the start */
    bool more;
};

struct run {
    const struct load_settings *settings;
    struct ledger *ledger;
    struct publisher *publisher;
    struct collector *collector; /* NULL unless verifying */
    int signal_fd;

    int64_t start_ns;
    struct walk sending;
    struct walk offering; /* goes on by the clock alone, however late the sending is */
    uint64_t offered, late;
    int64_t last_lag_ns; /* of the last event sent */

    int64_t looked_ns;
    bool more; /* the last look left something */
    bool readable;
    uint64_t moved; /* what has happened to events, in all ... */
    int64_t moved_ns;
    bool blocked; /* at the last look */
    uint64_t answered;
    int64_t answered_ns;
    uint64_t confirmed;
    int64_t confirmed_ns;

    bool stopping, at_once;
    int64_t stopped_ns;

    uint64_t seconds;  /* told of so far */
    int64_t second_ns; /* when the present one began */
    uint64_t second_offered, second_published, second_confirmed, second_results;
    int64_t second_lag_ns;
};

static int step(struct walk *walk, struct why *why)
{
    int got = arrivals_next(walk->arrivals, &walk->intended_ns, why);

    walk->more = got == 1;
    return got < 0 ? got : 0;
}

static int begin_walk(struct walk *walk, const struct load_settings *settings, struct why *why)
{
    int error = arrivals_open(settings->arrivals, &walk->arrivals, why);

    return error ? error : step(walk, why);
}

static int offer(struct run *run, int64_t now_ns, struct why *why)
{
    int error = 0;

    while (!error && run->offering.more && !run->stopping &&
           run->start_ns + run->offering.intended_ns <= now_ns) {
        run->offered++;
        error = step(&run->offering, why);
    }
    return error;
}

/* The schedule may go on after its last event. */
static bool is_scheduled(const struct run *run, int64_t now_ns)
{
    return !run->stopping &&
           (run->offering.more || now_ns < run->start_ns + arrivals_end_ns(run->offering.arrivals));
}

static bool is_due(const struct run *run, int64_t now_ns)
{
    return run->sending.more && !run->stopping &&
           run->start_ns + run->sending.intended_ns <= now_ns;
}

static void note_lag(struct run *run, int64_t lag_ns)
{
    ledger_lag(run->ledger, lag_ns);
    run->last_lag_ns = lag_ns;
    run->late += lag_ns > REPORT_LATE_NS;
    if (lag_ns > run->second_lag_ns)
        run->second_lag_ns = lag_ns;
}

/* Sends what is due, but no more than one write takes, until it is time to look at the sockets. An event is sent
 * when it has been written, not when it was gathered. */
static int send_due(struct run *run, struct why *why)
{
    int64_t intended_ns[BATCH_EVENTS];
    int64_t now_ns = clock_now_ns();
    size_t count = 0;
    int error = 0;

    while (!error && count < BATCH_EVENTS && is_due(run, now_ns) &&
           publisher_ready(run->publisher)) {
        intended_ns[count++] = run->sending.intended_ns;
        error = publisher_send(run->publisher, run->sending.intended_ns, why);
        if (!error)
            error = step(&run->sending, why);
        now_ns = clock_now_ns();
        if (now_ns - run->looked_ns >= LOOK_NS)
            break;
    }
    if (count == 0)
        return error;
    publisher_flush(run->publisher);
    now_ns = clock_now_ns();
    for (size_t i = 0; i < count; i++)
        note_lag(run, now_ns - run->start_ns - intended_ns[i]);
    return error;
}

static int obey_signals(struct run *run, struct why *why)
{
    while (signals_next(run->signal_fd)) {
        run->at_once = run->stopping;
        if (!run->stopping) {
            run->stopped_ns = clock_now_ns();
            int error = offer(run, run->stopped_ns, why);
            if (error)
                return error;
            run->stopping = true;
            log_event(LOG_INFO, "stopping", "waiting=%zu unanswered=%llu",
                      publisher_waiting(run->publisher),
                      run->collector ? (unsigned long long)run->ledger->counts.lost : 0);
        }
    }
    return 0;
}

/* Takes in everything that has arrived, and notes whether anything has moved. */
static int look(struct run *run, struct why *why)
{
    const struct ledger_counts *counts = &run->ledger->counts;

    run->more = run->readable = false;
    int error = publisher_look(run->publisher, &run->more, why);
    if (!error && run->collector)
        error = collector_look(run->collector, &run->more, why);
    if (error)
        return error;

    int64_t now_ns = run->looked_ns = clock_now_ns();
    uint64_t moved =
        counts->published + counts->confirmed + counts->returned + counts->results + counts->dead;
    bool blocked = publisher_blocked(run->publisher);
    if (moved != run->moved || blocked || run->blocked) {
        run->moved = moved;
        run->moved_ns = now_ns;
    }
    run->blocked = blocked;
    uint64_t answered = counts->results + counts->dead + counts->duplicates;
    if (answered != run->answered) {
        run->answered = answered;
        run->answered_ns = now_ns;
    }
    if (counts->confirmed != run->confirmed) {
        run->confirmed = counts->confirmed;
        run->confirmed_ns = now_ns;
    }
    return obey_signals(run, why);
}

static bool is_over(const struct run *run, int64_t now_ns)
{
    const struct ledger_counts *counts = &run->ledger->counts;

    if (run->at_once || (run->stopping && now_ns >= run->stopped_ns + STOP_NS))
        return true;
    if (is_scheduled(run, now_ns))
        return false;
    if (!run->blocked && now_ns - run->moved_ns >= run->settings->verify_timeout_ns)
        return true;
    if ((run->sending.more && !run->stopping) || publisher_waiting(run->publisher))
        return false;
    return !run->collector ||
           (counts->lost == 0 && (!run->answered || now_ns - run->answered_ns >= LINGER_NS));
}

static const char *state_of(const struct run *run)
{
    return publisher_lost(run->publisher) || (run->collector && collector_lost(run->collector))
               ? "reconnecting"
           : publisher_blocked(run->publisher) ? "blocked"
           : run->stopping                     ? "stopping"
                                               : "";
}

static int tell_second(struct run *run, int64_t now_ns, struct why *why)
{
    const struct ledger_counts *counts = &run->ledger->counts;
    double length_s = (double)(now_ns - run->second_ns) / CLOCK_NS_PER_S;
    int64_t lag_ns = run->second_lag_ns;

    if (is_due(run, now_ns) && now_ns - run->start_ns - run->sending.intended_ns > lag_ns)
        lag_ns = now_ns - run->start_ns - run->sending.intended_ns;
    const struct report_second second = {
        .time_s = (double)(now_ns - run->start_ns) / CLOCK_NS_PER_S,
        .offered_per_s = (double)(run->offered - run->second_offered) / length_s,
        .published_per_s = (double)(counts->published - run->second_published) / length_s,
        .confirmed_per_s = (double)(counts->confirmed - run->second_confirmed) / length_s,
        .results_per_s =
            run->collector ? (double)(counts->results - run->second_results) / length_s : NAN,
        .waiting_msgs = publisher_waiting(run->publisher),
        .lag_ms = (double)lag_ns / CLOCK_NS_PER_MS,
        .state = state_of(run),
    };
    run->second_ns = now_ns;
    run->second_offered = run->offered;
    run->second_published = counts->published;
    run->second_confirmed = counts->confirmed;
    run->second_results = counts->results;
    run->second_lag_ns = 0;
    if (run->settings->progress)
        report_progress(stderr, run->seconds, &second);
    run->seconds++;
    if (run->settings->timeline_fd < 0)
        return 0;
    int error = report_timeline_row(run->settings->timeline_fd, &second, why);
    if (error)
        error_prefix(why, "--timeline: cannot write");
    return error;
}

/* When the present second ends: at whole seconds from the start, whatever delayed the last one. */
static int64_t second_end_ns(const struct run *run)
{
    return run->second_ns + PROGRESS_NS - (run->second_ns - run->start_ns) % PROGRESS_NS;
}

static void wait_for_next(struct run *run)
{
    int64_t now_ns = clock_now_ns();
    int64_t until_ns = second_end_ns(run);
    struct pollfd fds[RUN_MAX_CONNECTIONS + 2];
    nfds_t count = run->settings->connections;
    struct timespec left;

    if (is_due(run, now_ns)) {
        if (publisher_ready(run->publisher))
            return;
    } else if (run->sending.more && !run->stopping) {
        int64_t send_ns = run->start_ns + run->sending.intended_ns;
        until_ns = send_ns < until_ns ? send_ns : until_ns;
    } else if (now_ns + SETTLE_NS < until_ns) {
        until_ns = now_ns + SETTLE_NS;
    }

    publisher_poll(run->publisher, fds);
    int64_t due_ns = publisher_due_ns(run->publisher);
    if (run->collector) {
        int64_t collector_ns = collector_due_ns(run->collector);
        due_ns = collector_ns < due_ns ? collector_ns : due_ns;
        collector_poll(run->collector, &fds[count++]);
    }
    fds[count++] = (struct pollfd){.fd = run->signal_fd, .events = POLLIN};
    if (ppoll(fds, count, clock_left(due_ns < until_ns ? due_ns : until_ns, &left), NULL) > 0 ||
        clock_now_ns() >= due_ns)
        run->readable = true;
}

static int loop(struct run *run, struct why *why)
{
    for (;;) {
        int error = send_due(run, why);
        if (error)
            return error;

        int64_t now_ns = clock_now_ns();
        error = offer(run, now_ns, why);
        if (error)
            return error;
        bool settling = run->stopping || !run->sending.more;
        if (run->readable || run->more || settling ||
            (is_due(run, now_ns) && now_ns - run->looked_ns >= LOOK_NS)) {
            error = look(run, why);
            if (error)
                return error;
            now_ns = run->looked_ns;
        }
        if (now_ns >= second_end_ns(run)) {
            error = tell_second(run, now_ns, why);
            if (error)
                return error;
        }
        if (is_over(run, now_ns))
            return 0;
        if (!run->more)
            wait_for_next(run);
    }
}

/* How far the sending was behind its schedule when it ended, but for the time in which the broker was
 * not to be reached or took nothing: that is not for want of speed. */
static double behind_s(const struct run *run, int64_t end_ns)
{
    int64_t behind_ns = run->sending.more && run->offered > run->ledger->counts.published
                            ? end_ns - run->start_ns - run->sending.intended_ns
                            : run->last_lag_ns;

    behind_ns -= publisher_outage_ns(run->publisher);
    return behind_ns > 0 ? (double)behind_ns / CLOCK_NS_PER_S : 0;
}

static void conclude(struct run *run, struct report *report)
{
    const struct ledger_counts *counts = &run->ledger->counts;
    int64_t now_ns = clock_now_ns();
    int64_t end_ns = run->stopping ? run->stopped_ns : now_ns;
    int64_t offered_ns = end_ns - run->start_ns;
    int64_t achieved_ns = run->confirmed_ns - run->start_ns;

    ledger_settle(run->ledger);
    if (!run->offering.more && offered_ns > arrivals_end_ns(run->offering.arrivals))
        offered_ns = arrivals_end_ns(run->offering.arrivals);
    if (achieved_ns < offered_ns)
        achieved_ns = offered_ns;
    *report = (struct report){
        .ledger = run->ledger,
        .verify = run->collector != NULL,
        .interrupted = run->stopping,
        .persistent = !run->settings->transient,
        .late = run->late,
        .unsent = run->offered - counts->published,
        .schedule_s = (double)offered_ns / CLOCK_NS_PER_S,
        .behind_s = behind_s(run, end_ns),
        .unconfirmed = publisher_waiting(run->publisher),
        .elapsed_s = (double)(now_ns - run->start_ns) / CLOCK_NS_PER_S,
        .blocked_s = (double)publisher_blocked_ns(run->publisher) / CLOCK_NS_PER_S,
        .offered_per_s =
            offered_ns > 0 ? (double)run->offered / ((double)offered_ns / CLOCK_NS_PER_S) : 0,
        .achieved_per_s = achieved_ns > 0
                              ? (double)counts->confirmed / ((double)achieved_ns / CLOCK_NS_PER_S)
                              : 0,
    };
    if (run->collector && counts->lost)
        report->work_known = collector_ask_work(run->collector, &report->work);
}

static int open_all(struct run *run, const struct publisher_settings *publisher,
                    const struct collector_settings *collector, struct why *why)
{
    int64_t deadline_ns = clock_now_ns() + run->settings->options->connect_timeout_ns;
    int error = publisher_open(publisher, run->signal_fd, deadline_ns, &run->publisher, why);

    if (!error && run->settings->verify)
        error = collector_open(collector, run->signal_fd, deadline_ns, &run->collector, why);
    int fd = run->settings->timeline_fd;
    if (!error && fd >= 0) {
        (void)!ftruncate(fd, 0); /* a pipe or a device has nothing to be emptied of */
        error = report_timeline_header(fd, why);
        if (error)
            error_prefix(why, "--timeline: cannot write");
    }
    return error;
}

int load_run(const struct load_settings *settings, uint64_t run_id, struct ledger *ledger,
             struct report *report, bool *started, struct why *why)
{
    struct run run = {.settings = settings, .ledger = ledger, .signal_fd = -1};
    char name[BROKER_NAME_SIZE];
    char reply_to[COLLECTOR_QUEUE_SIZE];

    *started = false;
    broker_client_name(settings->options->topology.farm, settings->options->program, name);
    collector_queue(&settings->options->topology, run_id, reply_to);
    const struct publisher_settings publisher = {.options = settings->options,
                                                 .name = name,
                                                 .run = run_id,
                                                 .reply_to = settings->verify ? reply_to : NULL,
                                                 .connections = settings->connections,
                                                 .window_msgs = settings->window_msgs,
                                                 .headers = settings->headers,
                                                 .header_count = settings->header_count,
                                                 .transient = settings->transient,
                                                 .mandatory = settings->mandatory,
                                                 .bodies = settings->bodies,
                                                 .ledger = ledger};
    const struct collector_settings collector = {.options = settings->options,
                                                 .name = name,
                                                 .run = run_id,
                                                 .bodies = settings->bodies,
                                                 .ledger = ledger};
    int error = signals_open(&run.signal_fd, why);
    if (!error)
        error = open_all(&run, &publisher, &collector, why);
    if (!error)
        error = begin_walk(&run.sending, settings, why);
    if (!error)
        error = begin_walk(&run.offering, settings, why);
    if (!error) {
        /* Otherwise the kernel may let every wait for an event's time last 50 us longer. */
        prctl(PR_SET_TIMERSLACK, 1);
        run.start_ns = run.second_ns = run.moved_ns = run.confirmed_ns = clock_now_ns();
        publisher_start(run.publisher, run.start_ns);
        if (run.collector)
            collector_start(run.collector, run.start_ns);
        *started = true;
        error = loop(&run, why);
        int64_t now_ns = clock_now_ns();
        if (!error && now_ns - run.second_ns >= SHORTEST_ROW_NS)
            error = tell_second(&run, now_ns, why);
        conclude(&run, report);
    }
    collector_close(run.collector);
    publisher_close(run.publisher);
    arrivals_close(run.sending.arrivals);
    arrivals_close(run.offering.arrivals);
    if (run.signal_fd >= 0)
        close(run.signal_fd);
    return error;
}
