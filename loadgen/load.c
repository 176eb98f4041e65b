#include "load.h"

#include "clock.h"
#include "collector.h"
#include "deep_stack.h"
#include "ending.h"
#include "log.h"
#include "pace.h"
#include "signals.h"
#include "timeline.h"

#include <poll.h>
#include <sys/prctl.h>
#include <unistd.h>

/* While events are due the sockets are read this often, not after each event: reading costs system
 * calls. */
#define READ_NS (CLOCK_NS_PER_MS / 2)

/* Events gathered into one write at most. */
#define BATCH_EVENTS 64

/* After the sending the loop wakes this often, because time-outs (ending.h) may have passed. */
#define SETTLE_NS (20 * CLOCK_NS_PER_MS)

struct load {
    const struct load_settings *settings;
    struct ledger *ledger;
    struct report *report;
    bool *started;
    struct publisher *publisher;
    struct collector *collector; /* NULL unless verifying */
    struct pace pace;
    struct timeline timeline;
    struct ending ending;
    int signal_fd;

    char name[BROKER_NAME_SIZE];
    char reply_to[COLLECTOR_QUEUE_SIZE];
    struct publisher_settings publisher_settings;
    struct collector_settings collector_settings;

    int64_t start_ns;
    uint64_t late;
    int64_t last_lag_ns; /* of the last event sent */

    int64_t read_ns;      /* when the sockets were last read */
    bool more;            /* there was too much to take it all in */
    bool readable;        /* something has arrived since */
    uint64_t confirmed;   /* what was confirmed by then ... */
    int64_t confirmed_ns; /* ... and when the last of it was */
};

/* ---- sending ---- */

static void note_lag(struct load *load, int64_t lag_ns)
{
    ledger_record_lag(load->ledger, lag_ns);
    timeline_record_lag(&load->timeline, lag_ns);
    load->last_lag_ns = lag_ns;
    load->late += lag_ns > REPORT_LATE_NS;
}

/* Sends what is due, but no more than one write takes, until it is time to read the sockets. An
 * event is sent when it has been written, not when it was gathered. */
static int send_due(struct load *load, struct why *why)
{
    int64_t intended_ns[BATCH_EVENTS];
    int64_t now_ns = clock_now_ns();
    size_t count = 0;
    int error = 0;

    while (!error && count < BATCH_EVENTS && pace_is_due(&load->pace, now_ns) &&
           publisher_can_send(load->publisher)) {
        intended_ns[count] = pace_intended_ns(&load->pace);
        error = publisher_send(load->publisher, intended_ns[count++], why);
        if (!error)
            error = pace_advance(&load->pace, why);
        now_ns = clock_now_ns();
        if (now_ns - load->read_ns >= READ_NS)
            break;
    }
    if (count == 0)
        return error;
    publisher_flush(load->publisher);
    now_ns = clock_now_ns();
    for (size_t i = 0; i < count; i++)
        note_lag(load, now_ns - load->start_ns - intended_ns[i]);
    return error;
}

/* ---- what comes back ---- */

static int obey_signals(struct load *load, struct why *why)
{
    while (signals_next(load->signal_fd)) {
        if (!ending_signal(&load->ending, clock_now_ns()))
            continue;
        int error = pace_offer(&load->pace, load->ending.stopped_ns, why);
        if (error)
            return error;
        pace_stop(&load->pace);
        log_event(LOG_INFO, "stopping", "waiting=%zu unanswered=%llu",
                  publisher_unsettled(load->publisher),
                  load->collector ? (unsigned long long)load->ledger->counts.lost : 0);
    }
    return 0;
}

static bool is_away(const struct load *load)
{
    return publisher_lost(load->publisher) || (load->collector && collector_lost(load->collector));
}

/* Takes in everything that has arrived. */
static int read_all(struct load *load, struct why *why)
{
    const struct ledger_counts *counts = &load->ledger->counts;

    load->more = load->readable = false;
    int error = publisher_step(load->publisher, &load->more, why);
    if (!error && load->collector)
        error = collector_step(load->collector, &load->more, why);
    if (error)
        return error;
    load->read_ns = clock_now_ns();
    bool held = is_away(load) || publisher_blocked(load->publisher);
    ending_note(&load->ending, counts, held, load->read_ns);
    if (counts->confirmed != load->confirmed) {
        load->confirmed = counts->confirmed;
        load->confirmed_ns = load->read_ns;
    }
    return obey_signals(load, why);
}

/* ---- the loop ---- */

static bool is_over(const struct load *load, int64_t now_ns)
{
    bool scheduled = pace_goes_on(&load->pace, now_ns);
    /* Counted only when it matters, because this is asked after every write. */
    uint64_t unsettled =
        scheduled ? 0 : publisher_unsettled(load->publisher) + pace_has_next(&load->pace);

    return ending_reached(&load->ending, &load->ledger->counts, scheduled, unsettled, now_ns);
}

static struct timeline_now now_of(const struct load *load, int64_t now_ns)
{
    return (struct timeline_now){
        .offered = load->pace.offered,
        .unsettled = publisher_unsettled(load->publisher),
        .overdue_ns = pace_is_due(&load->pace, now_ns) ? pace_overdue_ns(&load->pace, now_ns) : 0,
        .state = is_away(load)                        ? "reconnecting"
                 : publisher_blocked(load->publisher) ? "blocked"
                 : load->ending.stopping              ? "stopping"
                                                      : "",
    };
}

static int end_second(struct load *load, int64_t now_ns, struct why *why)
{
    const struct timeline_now now = now_of(load, now_ns);

    return timeline_end_second(&load->timeline, now_ns, &now, why);
}

static int64_t earlier(int64_t a_ns, int64_t b_ns)
{
    return a_ns < b_ns ? a_ns : b_ns;
}

/* Until when nothing needs to be done unless something arrives; 0: not at all. */
static int64_t next_ns(const struct load *load, int64_t now_ns)
{
    int64_t until_ns = timeline_due_ns(&load->timeline);

    if (pace_is_due(&load->pace, now_ns))
        return publisher_can_send(load->publisher) ? 0 : until_ns;
    if (pace_has_next(&load->pace))
        return earlier(until_ns, load->start_ns + pace_intended_ns(&load->pace));
    return earlier(until_ns, now_ns + SETTLE_NS);
}

static void wait_for_next(struct load *load)
{
    int64_t until_ns = next_ns(load, clock_now_ns());
    struct pollfd fds[LOAD_MAX_CONNECTIONS + 2];
    nfds_t count = load->settings->publisher.connections;
    struct timespec left;

    if (!until_ns)
        return;
    publisher_poll(load->publisher, fds);
    int64_t due_ns = publisher_due_ns(load->publisher);
    if (load->collector) {
        due_ns = earlier(due_ns, collector_due_ns(load->collector));
        collector_poll(load->collector, &fds[count++]);
    }
    fds[count++] = (struct pollfd){.fd = load->signal_fd, .events = POLLIN};
    if (ppoll(fds, count, clock_left(earlier(due_ns, until_ns), &left), NULL) > 0 ||
        clock_now_ns() >= due_ns)
        load->readable = true;
}

static int loop(struct load *load, struct why *why)
{
    for (;;) {
        int error = send_due(load, why);
        if (error)
            return error;

        int64_t now_ns = clock_now_ns();
        error = pace_offer(&load->pace, now_ns, why);
        if (error)
            return error;
        if (load->readable || load->more || !pace_has_next(&load->pace) ||
            (pace_is_due(&load->pace, now_ns) && now_ns - load->read_ns >= READ_NS)) {
            error = read_all(load, why);
            if (error)
                return error;
            now_ns = load->read_ns;
        }
        if (now_ns >= timeline_due_ns(&load->timeline)) {
            error = end_second(load, now_ns, why);
            if (error)
                return error;
        }
        if (is_over(load, now_ns))
            return 0;
        if (!load->more)
            wait_for_next(load);
    }
}

/* ---- from beginning to end ---- */

static double seconds(int64_t ns)
{
    return (double)ns / CLOCK_NS_PER_S;
}

/* How late the sending was when it ended. Time in which the broker was away or took nothing is
 * taken off, because it says nothing about the speed of the sending. */
static double behind_s(const struct load *load, int64_t end_ns)
{
    int64_t overdue_ns = pace_overdue_ns(&load->pace, end_ns);
    int64_t behind_ns = overdue_ns ? overdue_ns : load->last_lag_ns;

    behind_ns -= publisher_outage_ns(load->publisher);
    return behind_ns > 0 ? seconds(behind_ns) : 0;
}

static double per_s(uint64_t count, int64_t ns)
{
    return ns > 0 ? (double)count / seconds(ns) : 0;
}

static void conclude(struct load *load, struct report *report)
{
    const struct ledger_counts *counts = &load->ledger->counts;
    int64_t now_ns = clock_now_ns();
    int64_t end_ns = load->ending.stopping ? load->ending.stopped_ns : now_ns;
    int64_t offered_ns = pace_passed_ns(&load->pace, end_ns);
    int64_t confirming_ns = load->confirmed_ns - load->start_ns;

    ledger_conclude(load->ledger);
    *report = (struct report){
        .ledger = load->ledger,
        .verify = load->collector != NULL,
        .expect_dead = load->settings->expect_dead,
        .interrupted = load->ending.stopping,
        .persistent = !load->settings->publisher.transient,
        .late = load->late,
        .unsent = load->pace.offered - counts->published,
        .unconfirmed = publisher_unsettled(load->publisher),
        .schedule_s = seconds(offered_ns),
        .behind_s = behind_s(load, end_ns),
        .elapsed_s = seconds(now_ns - load->start_ns),
        .blocked_s = seconds(publisher_blocked_ns(load->publisher)),
        .offered_per_s = per_s(load->pace.offered, offered_ns),
        .achieved_per_s =
            per_s(counts->confirmed, confirming_ns > offered_ns ? confirming_ns : offered_ns),
    };
    if (load->collector && counts->lost)
        report->work_known = collector_read_work(load->collector, &report->work);
}

static int open_publisher(struct load *load, int64_t deadline_ns, struct why *why)
{
    const struct options *options = load->settings->publisher.options;

    broker_client_name(options->topology.farm, options->program, load->name);
    collector_queue_name(&options->topology, load->settings->publisher.run, load->reply_to);
    load->publisher_settings = load->settings->publisher;
    load->publisher_settings.name = load->name;
    load->publisher_settings.reply_to = load->settings->verify ? load->reply_to : NULL;
    load->publisher_settings.ledger = load->ledger;
    return publisher_open(&load->publisher_settings, load->signal_fd, deadline_ns, &load->publisher,
                          why);
}

static int open_collector(struct load *load, int64_t deadline_ns, struct why *why)
{
    load->collector_settings = (struct collector_settings){
        .options = load->publisher_settings.options,
        .name = load->name,
        .run = load->publisher_settings.run,
        .expect_same = load->settings->expect_same,
        .mask = broker_text(load->settings->mask),
        .bodies = load->publisher_settings.bodies,
        .ledger = load->ledger,
    };
    return collector_open(&load->collector_settings, load->signal_fd, deadline_ns, &load->collector,
                          why);
}

static int open_all(struct load *load, struct why *why)
{
    int64_t timeout_ns = load->settings->publisher.options->connect_timeout_ns;
    int64_t deadline_ns = clock_now_ns() + timeout_ns;
    int error = signals_open(&load->signal_fd, why);

    if (!error)
        error = open_publisher(load, deadline_ns, why);
    if (!error && load->settings->verify)
        error = open_collector(load, deadline_ns, why);
    if (!error)
        error = timeline_write_header(&load->timeline, why);
    if (!error)
        error = pace_init(&load->pace, load->settings->arrivals, why);
    return error;
}

static void start(struct load *load)
{
    /* Otherwise the kernel may let every wait for an event's time last 50 us longer. */
    prctl(PR_SET_TIMERSLACK, 1);
    load->start_ns = load->confirmed_ns = clock_now_ns();
    ending_start(&load->ending, load->start_ns);
    publisher_start(load->publisher, load->start_ns);
    if (load->collector)
        collector_start(load->collector, load->start_ns);
    pace_start(&load->pace, load->start_ns);
    timeline_start(&load->timeline, load->start_ns);
}

static int run(void *context, struct why *why)
{
    struct load *load = context;
    int error = open_all(load, why);

    *load->started = error == 0;
    if (error)
        return error;
    start(load);
    error = loop(load, why);
    int64_t now_ns = clock_now_ns();
    const struct timeline_now now = now_of(load, now_ns);
    if (!error)
        error = timeline_finish(&load->timeline, now_ns, &now, why);
    conclude(load, load->report);
    return error;
}

int load_run(const struct load_settings *settings, struct ledger *ledger, struct report *report,
             bool *started, struct why *why)
{
    struct load load = {
        .settings = settings,
        .ledger = ledger,
        .report = report,
        .started = started,
        .timeline = {.lines = settings->progress,
                     .rows = settings->timeline,
                     .ledger = ledger,
                     .verify = settings->verify},
        .ending = {.patience_ns = settings->verify_timeout_ns, .verify = settings->verify},
        .signal_fd = -1};
    int error = deep_stack_run(run, &load, why);

    collector_close(load.collector);
    publisher_close(load.publisher);
    pace_clear(&load.pace);
    if (load.signal_fd >= 0)
        close(load.signal_fd);
    return error;
}
