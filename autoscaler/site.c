#include "site.h"

#include "clock.h"
#include "control/members.h"
#include "leader/farm_lock.h"
#include "leader/record.h"
#include "log.h"
#include "node/fence.h"
#include "site_report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A report every second, and after a change; so much between two. */
#define REPORT_NS     (1 * CLOCK_NS_PER_S)
#define REPORT_GAP_NS (20 * CLOCK_NS_PER_MS)

/* Whoever leads has given away its share by then, or nobody does. */
#define LEAVE_NS (3 * CLOCK_NS_PER_S)

struct site {
    const struct site_settings *settings;
    const struct options *options;
    char connection[BROKER_NAME_SIZE];
    char boot[REPORT_BOOT_SIZE];
    char instance[TOKEN_OWNER_SIZE]; /* the node's name and the boot */
    struct broker_options broker;
    struct election_self self;

    struct post post;      /* the node's own: reports and orders */
    struct farm_lock lock; /* the node's name */
    bool ready;
    int64_t deadline_ns; /* of the first connection */
    struct fence fence;
    struct target_message order; /* the last; its epoch is 0 before the first */
    bool unanswered;             /* an order was refused, whose sender is to be told by a report */
    struct report_message said;  /* the last report, without the workers */
    int64_t said_ns;

    struct token token;
    struct term term;

    bool leaving, released;
    int64_t leave_by_ns;
    int fault;
    struct why why;
};

/* ---- opening and closing ---- */

static int open_parts(struct site *site, const struct leader_settings *leader, struct why *why)
{
    const struct topology *topology = &site->options->topology;
    char queue[POST_NAME_SIZE], key[POST_NAME_SIZE];
    const struct post_settings post = {
        .purpose = "node", .queue = queue, .is_taken = true, .key = key};
    const struct term_settings term = {.leader = leader,
                                       .options = site->options,
                                       .broker = &site->broker,
                                       .node = site->settings->name,
                                       .token = &site->token,
                                       .slots = POOL_SLOTS(POOL_MAX_WORKERS)};

    snprintf(queue, sizeof queue, "node/%s", site->settings->name);
    snprintf(key, sizeof key, "target.%s", site->settings->name);
    term_init(&site->term, &term);
    int error = record_check(leader->history_path, why);
    if (!error)
        error = post_open(&site->post, &site->broker, topology, &post, why);
    if (!error)
        error = token_open(&site->token, &site->broker, topology, &site->self, why);
    return error;
}

int site_open(const struct site_settings *settings, const struct leader_settings *leader,
              const struct options *options, struct site **out, struct why *why)
{
    struct site *site = calloc(1, sizeof *site);
    if (!site)
        return error_set(why, ERR_MEMORY, "out of memory");

    site->settings = settings;
    site->options = options;
    site->deadline_ns = clock_now_ns() + options->connect_timeout_ns;
    snprintf(site->boot, sizeof site->boot, "%016llx%016llx", (unsigned long long)clock_wall_ms(),
             (unsigned long long)clock_now_ns());
    snprintf(site->instance, sizeof site->instance, "%s/%s", settings->name, site->boot);
    site->self = (struct election_self){
        .owner = site->instance, .name = settings->name, .rank = settings->rank};
    broker_client_name(options->topology.farm, leader->program, site->connection);
    site->broker = options_broker(options, site->connection);
    int error = open_parts(site, leader, why);
    if (error) {
        site_close(site);
        return error;
    }
    *out = site;
    return 0;
}

void site_close(struct site *site)
{
    if (!site)
        return;
    term_clear(&site->term);
    token_close(&site->token);
    post_close(&site->post);
    free(site);
}

/* ---- the node's name ---- */

static void fail(struct site *site, int error, const struct why *why)
{
    site->fault = error;
    site->why = *why;
}

static void judge_lock(struct site *site, int64_t now_ns)
{
    struct why why = {0};

    if (!site->lock.refused_ns)
        log_event(LOG_WARN, "node_name_taken",
                  "node=%s why=\"another connection has it\" doing=\"trying on for %d s\"",
                  site->settings->name, 3 * BROKER_HEARTBEAT_S + 1);
    farm_lock_note(&site->lock, -ERR_LOCKED, now_ns);
    if (farm_lock_is_another(&site->lock, now_ns))
        fail(site,
             error_set(&why, ERR_LOCKED,
                       "another node of the farm '%s' is called '%s'; stop it, or name this one "
                       "otherwise with --node",
                       site->options->topology.farm, site->settings->name),
             &why);
}

/* What it means that the node's own connection is away. */
static void judge_away(struct site *site, int64_t now_ns)
{
    struct why why = {0};
    int error = site->post.link.error;

    if (error == -ERR_LOCKED) {
        judge_lock(site, now_ns);
        return;
    }
    if (site->ready)
        return;
    if (error && error != -ERR_UNAVAILABLE) {
        connection_error(site->post.link.connection, &why);
        fail(site, error, &why);
    } else if (now_ns >= site->deadline_ns) {
        fail(site, connection_too_late(site->post.link.connection, &why), &why);
    }
}

static void step_post(struct site *site, int64_t now_ns)
{
    if (post_step(&site->post, now_ns)) {
        site->ready = true;
        site->said_ns = 0;
        farm_lock_note(&site->lock, 0, now_ns);
    }
    if (!post_is_there(&site->post))
        judge_away(site, now_ns);
}

/* ---- orders ---- */

static void obey(const struct site *site, struct supervisor *supervisor)
{
    const struct target_message *order = &site->order;
    uint32_t capacity = site->settings->capacity;
    uint32_t workers = (uint32_t)order->workers;

    supervisor_target(supervisor,
                      (struct node_target){.workers = workers < capacity ? workers : capacity,
                                           .max_workers = capacity,
                                           .consuming = -1,
                                           .stop = {.slot = (uint32_t)order->stop_slot,
                                                    .pid = (int32_t)order->stop_pid}});
}

static void admit(struct site *site, const struct target_message *order, int64_t now_ns)
{
    struct election *election = &site->token.election;
    const struct order_stamp stamp = {order->epoch, order->sequence};

    if (!fence_admit(&site->fence, stamp)) {
        site->unanswered = true;
        if (stamp.epoch < site->fence.last.epoch)
            log_event(LOG_INFO, "order_refused", "epoch=%lld taken_epoch=%lld",
                      (long long)stamp.epoch, (long long)site->fence.last.epoch);
        return;
    }
    site->order = *order;
    site->released |= site->leaving && order->workers == 0;
    election_hear_order(election, order->epoch, now_ns);
    if (*order->successor && strcmp(order->successor, site->settings->name) != 0)
        election_hear_candidate(election, order->successor, order->successor_rank, now_ns);
}

static void take_orders(struct site *site, int64_t now_ns)
{
    struct post_message message;
    enum post_news news;

    while ((news = post_next(&site->post, now_ns, &message)) != POST_NOTHING) {
        struct target_message order;
        struct why why = {0};
        if (news != POST_MESSAGE)
            continue;
        int error = target_message_read(message.json, &order, &why);
        members_release(message.json);
        if (!error && strcmp(order.node, site->settings->name) != 0)
            error = error_set(&why, ERR_INVALID, "an order for the node '%s'", order.node);
        if (error)
            log_event(LOG_DEBUG, "message_refused", "key=%.*s why=\"%s\"", (int)message.key.length,
                      message.key.bytes, why.text);
        else
            admit(site, &order, now_ns);
    }
}

/* ---- reports ---- */

/* Whether something has happened that the leader should know at once. */
static bool has_changed(const struct site *site, const struct report_message *report)
{
    const struct report_message *said = &site->said;

    return site->unanswered || report->target != said->target ||
           report->starting != said->starting || report->running != said->running ||
           report->draining != said->draining || report->crashed != said->crashed ||
           report->blocked != said->blocked || report->leaving != said->leaving ||
           report->drained != said->drained || report->consuming != said->consuming ||
           report->unknown != said->unknown;
}

static struct report_message describe(const struct site *site, const struct node_report *present)
{
    struct report_message report = site_report_of(present);

    snprintf(report.node, sizeof report.node, "%s", site->settings->name);
    snprintf(report.boot, sizeof report.boot, "%s", site->boot);
    report.capacity = site->settings->capacity;
    report.rank = site->settings->rank;
    report.consuming = token_stands(&site->token);
    report.leaving = site->leaving;
    report.drained = site->order.drained;
    report.epoch = site->fence.last.epoch;
    report.sequence = site->fence.last.sequence;
    report.target = site->order.workers < report.capacity ? site->order.workers : report.capacity;
    return report;
}

static void send_report(struct site *site, struct report_message *report,
                        const struct node_report *present, int64_t now_ns)
{
    struct envelope envelope = post_begin(&site->post);
    char key[POST_NAME_SIZE], *text = NULL;
    size_t length;

    snprintf(key, sizeof key, "report.%s", site->settings->name);
    site->said = *report;
    site->said_ns = now_ns;
    site->unanswered = false;
    if (!site_report_add_workers(report, present, now_ns) &&
        !report_message_write(&envelope, report, &text, &length))
        post_send(&site->post, key, "report", text, length, false);
    free(text);
    report_message_clear(report);
    post_flush(&site->post);
}

/* Returns when the next is due. */
static int64_t step_report(struct site *site, struct supervisor *supervisor, int64_t now_ns)
{
    struct node_report present = supervisor_report(supervisor, now_ns);
    struct report_message report = describe(site, &present);

    if (!post_is_there(&site->post))
        return CLOCK_NEVER;
    bool changed = has_changed(site, &report);
    if (!site->said_ns || now_ns >= site->said_ns + (changed ? REPORT_GAP_NS : REPORT_NS)) {
        send_report(site, &report, &present, now_ns);
        changed = false;
    }
    return site->said_ns + (changed ? REPORT_GAP_NS : REPORT_NS);
}

/* ---- leading ---- */

static int64_t step_election(struct site *site, int64_t now_ns)
{
    struct why why = {0};

    if (!site->ready || site->leaving)
        return CLOCK_NEVER;
    token_step(&site->token, now_ns);
    bool leads = token_leads(&site->token, NULL);
    if (!leads)
        term_end(&site->term);
    else if (!term_is_on(&site->term))
        site->fault = term_begin(&site->term, now_ns,
                                 site->order.epoch ? &site->order.limits : NULL, &site->why);
    int64_t wake_ns = term_step(&site->term, now_ns);
    int fault = term_fault(&site->term, &why);
    if (fault)
        term_end(&site->term);
    if (fault && fault != -ERR_UNAVAILABLE && fault != -ERR_LOCKED)
        fail(site, fault, &why);
    int64_t token_ns = token_due_ns(&site->token, now_ns);
    return token_ns < wake_ns ? token_ns : wake_ns;
}

int64_t site_step(struct site *site, struct supervisor *supervisor, bool draining, int64_t now_ns)
{
    step_post(site, now_ns);
    take_orders(site, now_ns);
    int64_t wake_ns = step_election(site, now_ns);

    if (!draining && site->ready)
        obey(site, supervisor);
    int64_t report_ns = step_report(site, supervisor, now_ns);
    int64_t post_ns = post_due_ns(&site->post, now_ns);
    wake_ns = report_ns < wake_ns ? report_ns : wake_ns;
    wake_ns = post_ns < wake_ns ? post_ns : wake_ns;
    if (site->leaving && now_ns < site->leave_by_ns && site->leave_by_ns < wake_ns)
        wake_ns = site->leave_by_ns;
    return !site->ready && site->deadline_ns < wake_ns ? site->deadline_ns : wake_ns;
}

void site_tell(struct site *site)
{
    term_tell(&site->term);
}

size_t site_poll(const struct site *site, struct pollfd fds[SITE_FDS])
{
    size_t count = post_poll(&site->post, fds);

    if (site->ready && !site->leaving)
        count += token_poll(&site->token, fds + count);
    return count + term_poll(&site->term, fds + count);
}

bool site_is_ready(const struct site *site)
{
    return site->ready;
}

void site_leave(struct site *site, int64_t now_ns)
{
    bool alone = term_is_on(&site->term) && !term_has_others(&site->term);

    site->leaving = true;
    site->released = alone || !post_is_there(&site->post);
    site->leave_by_ns = now_ns + LEAVE_NS;
    token_leave(&site->token);
    term_end(&site->term);
}

bool site_may_drain(const struct site *site, int64_t now_ns)
{
    return site->leaving && (site->released || now_ns >= site->leave_by_ns);
}

int site_fault(const struct site *site, struct why *why)
{
    if (site->fault)
        *why = site->why;
    return site->fault;
}
