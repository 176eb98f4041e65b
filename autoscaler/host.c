#include "host.h"

#include "clock.h"
#include "control/members.h"
#include "host_report.h"
#include "leader/farm_lock.h"
#include "leader/gazette.h"
#include "leader/record.h"
#include "log.h"
#include "node/fence.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A report every second, and after a change; so much between two. */
#define REPORT_NS     (1 * CLOCK_NS_PER_S)
#define REPORT_GAP_NS (20 * CLOCK_NS_PER_MS)

/* So long after an order the next is late: the broker may have lost the way to this node, which
 * whoever leads then counts as lost ROSTER_GONE_NS after the first that came back. */
#define LATE_NS (TERM_SEND_NS + 100 * CLOCK_NS_PER_MS)

/* Whoever leads has given away its share by then, or nobody does. */
#define LEAVE_NS (3 * CLOCK_NS_PER_S)

struct host {
    const struct host_settings *settings;
    const struct options *options;
    char connection[BROKER_NAME_SIZE];
    char boot[REPORT_BOOT_SIZE];
    char instance[TOKEN_OWNER_SIZE]; /* the node's name and the boot */
    struct broker_options broker;
    struct election_self self;

    struct post post; /* the node's own: reports, orders and what is logged */
    struct gazette gazette;
    struct farm_lock lock; /* the node's name */
    bool ready;
    int64_t deadline_ns; /* of the first connection */
    struct fence fence;
    struct target_message order; /* the last; its epoch is 0 before the first */
    int64_t late_ns; /* when the next is late; 0: none came on the connection that is there */
    bool asked;      /* by an order that was refused, or a new leader's hello: they want a report */
    struct report_message said; /* the last report, without the workers */
    int64_t said_ns;

    struct token token;
    struct term term;

    bool leaving, released;
    int64_t leave_by_ns;
    int fault;
    struct why why;
};

/* ---- opening and closing ---- */

static int open_parts(struct host *host, const struct leader_settings *leader, struct why *why)
{
    const struct topology *topology = &host->options->topology;
    char queue[POST_NAME_SIZE], key[POST_NAME_SIZE];
    const struct post_settings post = {.purpose = "node",
                                       .queue = queue,
                                       .is_taken = true,
                                       .keys = {key, TERM_HELLO_KEY},
                                       .confirms = true};
    const struct term_settings term = {.leader = leader,
                                       .options = host->options,
                                       .broker = &host->broker,
                                       .node = host->settings->name,
                                       .capacity = host->settings->capacity,
                                       .token = &host->token,
                                       .slots = POOL_SLOTS(POOL_MAX_WORKERS)};

    snprintf(queue, sizeof queue, "node/%s", host->settings->name);
    snprintf(key, sizeof key, "target.%s", host->settings->name);
    term_init(&host->term, &term);
    int error = record_check(leader->history_path, why);
    if (!error)
        error = post_open(&host->post, &host->broker, topology, &post, why);
    if (!error)
        error = token_open(&host->token, &host->broker, topology, &host->self, why);
    if (!error)
        gazette_open(&host->gazette, &host->post);
    return error;
}

int host_open(const struct host_settings *settings, const struct leader_settings *leader,
              const struct options *options, struct host **out, struct why *why)
{
    struct host *host = calloc(1, sizeof *host);
    if (!host)
        return error_set(why, ERR_MEMORY, "out of memory");

    host->settings = settings;
    host->options = options;
    host->deadline_ns = clock_now_ns() + options->connect_timeout_ns;
    snprintf(host->boot, sizeof host->boot, "%016llx%016llx", (unsigned long long)clock_wall_ms(),
             (unsigned long long)clock_now_ns());
    snprintf(host->instance, sizeof host->instance, "%s/%s", settings->name, host->boot);
    host->self = (struct election_self){
        .owner = host->instance, .name = settings->name, .rank = settings->rank};
    broker_client_name(options->topology.farm, leader->program, host->connection);
    host->broker = options_broker(options, host->connection);
    int error = open_parts(host, leader, why);
    if (error) {
        host_close(host);
        return error;
    }
    *out = host;
    return 0;
}

void host_close(struct host *host)
{
    if (!host)
        return;
    gazette_close(&host->gazette);
    term_clear(&host->term);
    token_close(&host->token);
    post_close(&host->post);
    free(host);
}

/* ---- the node's name ---- */

static void fail(struct host *host, int error, const struct why *why)
{
    host->fault = error;
    host->why = *why;
}

static void judge_lock(struct host *host, int64_t now_ns)
{
    struct why why = {0};
    enum log_level level = host->ready ? LOG_INFO : LOG_WARN;
    const char *cause = host->ready
                            ? "the broker does not know yet that its own connection has ended"
                            : "another connection has it";

    if (!host->lock.refused_ns)
        log_event(level, "node_name_taken", "node=%s why=\"%s\" doing=\"trying on for %d s\"",
                  host->settings->name, cause,
                  (int)(farm_lock_patience_ns(&host->lock) / CLOCK_NS_PER_S));
    farm_lock_note(&host->lock, -ERR_LOCKED, now_ns);
    if (farm_lock_is_another(&host->lock, now_ns))
        fail(host,
             error_set(&why, ERR_LOCKED,
                       "another node of the farm '%s' is called '%s'; stop it, or name this one "
                       "otherwise with --node",
                       host->options->topology.farm, host->settings->name),
             &why);
}

/* What it means that the node's own connection is away. */
static void judge_away(struct host *host, int64_t now_ns)
{
    struct why why = {0};
    int error = host->post.link.error;

    if (error == -ERR_LOCKED) {
        judge_lock(host, now_ns);
        return;
    }
    if (host->ready)
        return;
    if (error && error != -ERR_UNAVAILABLE) {
        connection_error(host->post.link.connection, &why);
        fail(host, error, &why);
    } else if (now_ns >= host->deadline_ns) {
        fail(host, connection_too_late(host->post.link.connection, &why), &why);
    }
}

static void step_post(struct host *host, int64_t now_ns)
{
    if (post_step(&host->post, now_ns)) {
        if (!host->ready)
            log_event(LOG_INFO, "node_started", "node=%s capacity=%u rank=%lld",
                      host->settings->name, host->settings->capacity,
                      (long long)host->settings->rank);
        host->ready = true;
        host->lock.clustered = broker_url_count(host->broker.url) > 1;
        host->said_ns = 0;
        host->late_ns = 0;
        gazette_reconnected(&host->gazette);
        farm_lock_note(&host->lock, 0, now_ns);
    }
    if (!post_is_there(&host->post))
        judge_away(host, now_ns);
}

/* ---- orders ---- */

static void obey(const struct host *host, struct supervisor *supervisor)
{
    const struct target_message *order = &host->order;
    uint32_t capacity = host->settings->capacity;
    uint32_t workers = (uint32_t)order->workers;

    supervisor_target(supervisor,
                      (struct node_target){.workers = workers < capacity ? workers : capacity,
                                           .max_workers = capacity,
                                           .consuming = -1,
                                           .stop = {.slot = (uint32_t)order->stop_slot,
                                                    .pid = (int32_t)order->stop_pid}});
}

static void admit(struct host *host, struct supervisor *supervisor,
                  const struct target_message *order, int64_t now_ns)
{
    struct election *election = &host->token.election;
    const struct order_stamp stamp = {order->epoch, order->sequence};

    if (!fence_admit(&host->fence, stamp)) {
        host->asked = true;
        if (stamp.epoch < host->fence.last.epoch)
            log_event(LOG_INFO, "order_refused", "epoch=%lld taken_epoch=%lld",
                      (long long)stamp.epoch, (long long)host->fence.last.epoch);
        return;
    }
    if (order->events)
        supervisor_hear_events(supervisor, now_ns, order->events, order->event_count);
    host->order = *order;
    host->order.events = NULL;
    host->late_ns = now_ns + LATE_NS;
    host->released |= host->leaving && order->workers == 0;
    election_hear_order(election, order->epoch, now_ns);
    if (*order->successor && strcmp(order->successor, host->settings->name) != 0)
        election_hear_candidate(election, order->successor, order->successor_rank, now_ns);
}

static void take_orders(struct host *host, struct supervisor *supervisor, int64_t now_ns)
{
    struct post_message message;
    enum post_news news;

    while ((news = post_next(&host->post, now_ns, &message)) != POST_NOTHING) {
        struct target_message order;
        struct why why = {0};
        if (news != POST_MESSAGE)
            continue;
        if (post_came_by(&message, TERM_HELLO_KEY)) {
            host->asked = true;
            members_release(message.json);
            continue;
        }
        int error = target_message_read(message.json, &order, &why);
        members_release(message.json);
        if (!error && strcmp(order.node, host->settings->name) != 0)
            error = error_set(&why, ERR_INVALID, "an order for the node '%s'", order.node);
        if (error)
            post_refuse(&host->post, message.key, &why);
        else
            admit(host, supervisor, &order, now_ns);
        target_message_clear(&order);
    }
}

/* When the next order is late. When it is, the way to this node is made again, and the leader is
 * told that the node lives: whoever deletes the exchange deletes the way with it. */
static int64_t miss_orders(struct host *host, int64_t now_ns)
{
    if (!host->late_ns || !post_is_there(&host->post))
        return CLOCK_NEVER;
    if (now_ns >= host->late_ns) {
        post_check(&host->post, now_ns);
        host->asked = true;
        host->late_ns = now_ns + LATE_NS;
    }
    return host->late_ns;
}

/* ---- reports ---- */

/* Whether something has happened that the leader should know at once. */
static bool has_changed(const struct host *host, const struct report_message *report)
{
    const struct report_message *said = &host->said;

    return host->asked || report->target != said->target || report->starting != said->starting ||
           report->running != said->running || report->draining != said->draining ||
           report->crashed != said->crashed || report->blocked != said->blocked ||
           report->leaving != said->leaving || report->drained != said->drained ||
           report->consuming != said->consuming || report->unknown != said->unknown;
}

static struct report_message describe(const struct host *host, const struct node_report *present)
{
    struct report_message report = host_report_of(present);

    snprintf(report.node, sizeof report.node, "%s", host->settings->name);
    snprintf(report.boot, sizeof report.boot, "%s", host->boot);
    report.capacity = host->settings->capacity;
    report.rank = host->settings->rank;
    report.consuming = token_stands(&host->token);
    report.leaving = host->leaving;
    report.drained = host->order.drained;
    report.epoch = host->fence.last.epoch;
    report.sequence = host->fence.last.sequence;
    report.target = host->order.workers < report.capacity ? host->order.workers : report.capacity;
    return report;
}

static int add_events(struct report_message *report, struct supervisor *supervisor, int64_t now_ns)
{
    struct event_record events[EVENT_RECORDS_MOST];
    size_t count = supervisor_tell_events(supervisor, now_ns, events);

    report->events = count ? calloc(count, sizeof *events) : NULL;
    if (count && !report->events)
        return -ERR_MEMORY;
    if (count)
        memcpy(report->events, events, count * sizeof *events);
    report->event_count = count;
    return 0;
}

static void send_report(struct host *host, struct supervisor *supervisor,
                        struct report_message *report, const struct node_report *present,
                        int64_t now_ns)
{
    struct envelope envelope = post_begin(&host->post);
    char key[POST_NAME_SIZE], *text = NULL;
    size_t length;

    snprintf(key, sizeof key, "report.%s", host->settings->name);
    host->said = *report;
    host->said_ns = now_ns;
    host->asked = false;
    if (!host_report_add_workers(report, present, now_ns) &&
        !add_events(report, supervisor, now_ns) &&
        !report_message_write(&envelope, report, &text, &length))
        post_send(&host->post, key, "report", text, length, false);
    free(text);
    report_message_clear(report);
    post_flush(&host->post);
}

/* Returns when the next is due. */
static int64_t step_report(struct host *host, struct supervisor *supervisor, int64_t now_ns)
{
    struct node_report present = supervisor_report(supervisor, now_ns);
    struct report_message report = describe(host, &present);

    if (!post_is_there(&host->post))
        return CLOCK_NEVER;
    bool changed = has_changed(host, &report);
    if (!host->said_ns || now_ns >= host->said_ns + (changed ? REPORT_GAP_NS : REPORT_NS)) {
        send_report(host, supervisor, &report, &present, now_ns);
        changed = false;
    }
    return host->said_ns + (changed ? REPORT_GAP_NS : REPORT_NS);
}

/* ---- leading ---- */

static int64_t step_election(struct host *host, int64_t now_ns)
{
    struct why why = {0};

    if (!host->ready || host->leaving)
        return CLOCK_NEVER;
    token_step(&host->token, now_ns);
    bool leads = token_leads(&host->token, NULL);
    if (!leads)
        term_end(&host->term);
    else if (!term_is_on(&host->term))
        host->fault = term_begin(&host->term, now_ns, host->order.epoch ? &host->order : NULL,
                                 !host->late_ns, &host->why);
    int64_t wake_ns = term_step(&host->term, now_ns);
    int fault = term_fault(&host->term, &why);
    if (fault)
        term_end(&host->term);
    if (fault && fault != -ERR_UNAVAILABLE && fault != -ERR_LOCKED)
        fail(host, fault, &why);
    int64_t token_ns = token_due_ns(&host->token, now_ns);
    return token_ns < wake_ns ? token_ns : wake_ns;
}

int64_t host_step(struct host *host, struct supervisor *supervisor, bool draining, int64_t now_ns)
{
    step_post(host, now_ns);
    take_orders(host, supervisor, now_ns);
    int64_t late_ns = miss_orders(host, now_ns);
    int64_t wake_ns = step_election(host, now_ns);

    if (!draining && host->ready)
        obey(host, supervisor);
    int64_t report_ns = step_report(host, supervisor, now_ns);
    int64_t post_ns = post_due_ns(&host->post, now_ns);
    wake_ns = report_ns < wake_ns ? report_ns : wake_ns;
    wake_ns = post_ns < wake_ns ? post_ns : wake_ns;
    wake_ns = late_ns < wake_ns ? late_ns : wake_ns;
    if (host->leaving && now_ns < host->leave_by_ns && host->leave_by_ns < wake_ns)
        wake_ns = host->leave_by_ns;
    return !host->ready && host->deadline_ns < wake_ns ? host->deadline_ns : wake_ns;
}

void host_tell(struct host *host)
{
    term_tell(&host->term);
    gazette_tell(&host->gazette);
}

size_t host_poll(const struct host *host, struct pollfd fds[HOST_FDS])
{
    size_t count = post_poll(&host->post, fds);

    if (host->ready && !host->leaving)
        count += token_poll(&host->token, fds + count);
    return count + term_poll(&host->term, fds + count);
}

bool host_is_ready(const struct host *host)
{
    return host->ready;
}

void host_leave(struct host *host, int64_t now_ns)
{
    bool alone = term_is_on(&host->term) && !term_has_others(&host->term);

    host->leaving = true;
    host->released = alone || !post_is_there(&host->post);
    host->leave_by_ns = now_ns + LEAVE_NS;
    token_leave(&host->token);
    term_end(&host->term);
}

bool host_may_drain(const struct host *host, int64_t now_ns)
{
    return host->leaving && (host->released || now_ns >= host->leave_by_ns);
}

int host_fault(const struct host *host, struct why *why)
{
    if (host->fault)
        *why = host->why;
    return host->fault;
}
