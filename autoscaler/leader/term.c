#include "term.h"

#include "clock.h"
#include "control/members.h"
#include "docket.h"
#include "log.h"
#include "roster_log.h"
#include "roster_view.h"
#include "steering.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is held against events is sent on so soon, and no sooner: under a rain of crashes each node
 * would be sent each crash of each other. */
#define EVENTS_NS (50 * CLOCK_NS_PER_MS)

/* After a report the next ones are left to gather for so long: of a hundred nodes each would wake
 * the leader, which costs more than to read it. */
#define REPORTS_NS (50 * CLOCK_NS_PER_MS)

#define REPORT_KEY "report"
#define TARGET_KEY "target"

static int64_t sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* ---- begin and end ---- */

void term_init(struct term *term, const struct term_settings *settings)
{
    *term = (struct term){.settings = *settings};
}

void term_clear(struct term *term)
{
    term_end(term);
    roster_clear(&term->roster);
}

static void describe_nodes(void *context, int64_t now_ns, struct status *status)
{
    struct term *term = context;

    snprintf(status->leader, sizeof status->leader, "%s", term->settings.node);
    status->nodes = term->described;
    status->node_count = roster_view_nodes(&term->roster, now_ns, term->described);
}

static void drain_node(void *context, const char *node, bool drained)
{
    struct term *term = context;

    roster_drain(&term->roster, node, drained);
    term->outdated = true;
}

static int open_leader(struct term *term, struct why *why)
{
    const struct term_settings *settings = &term->settings;

    term->leader_settings = *settings->leader;
    /* The farm's lock may be a predecessor's for as long as the broker takes to miss it. */
    term->leader_settings.standby = true;
    term->leader_settings.describe_nodes = describe_nodes;
    term->leader_settings.drain_node = drain_node;
    term->leader_settings.nodes = term;
    term->leader_settings.promises = &term->promises;
    term->promises = (struct promises){0};
    return leader_open(&term->leader_settings, settings->options, settings->slots, &term->leader,
                       why);
}

static void begin_to_hear(struct term *term, int64_t now_ns)
{
    roster_begin(&term->roster, now_ns, term->expected > 0 ? (uint32_t)term->expected : 0);
    roster_miss(&term->roster, &term->before);
}

/* Who does not hear it reports within a second all the same. */
static void say_hello(struct term *term)
{
    struct envelope envelope = post_begin(&term->post);
    char *text;
    size_t length;

    if (envelope_write_bare(&envelope, &text, &length))
        return;
    post_send(&term->post, TERM_HELLO_KEY, TERM_HELLO_KEY, text, length, false);
    free(text);
}

/* Of the nodes that the last leader knew, those that should report. If this node did not lose its
 * connection, then it was that leader who went. */
static double expect(const struct target_message *last, bool is_after_cut)
{
    if (!last)
        return NAN;
    return is_after_cut ? last->farm_nodes : last->farm_nodes - 1;
}

/* If it was that leader who went, it is missed as soon as all others have been heard. */
static struct roster_missed miss(const char *self, const struct target_message *last,
                                 bool is_after_cut)
{
    struct roster_missed before = {0};

    if (!last || strcmp(last->leader, self) == 0)
        return before;
    memcpy(before.name, last->leader, sizeof before.name);
    before.capacity = last->leader_capacity;
    before.rank = last->leader_rank;
    before.may_return = is_after_cut;
    return before;
}

int term_begin(struct term *term, int64_t now_ns, const struct target_message *last,
               bool is_after_cut, struct why *why)
{
    const struct term_settings *settings = &term->settings;
    char queue[POST_NAME_SIZE];
    const struct post_settings post = {
        .purpose = "reports", .queue = queue, .keys = {REPORT_KEY ".#"}, .confirms = true};
    int error = open_leader(term, why);

    snprintf(queue, sizeof queue, "reports/%s", settings->node);

    if (!error)
        error = post_open(&term->post, settings->broker, &settings->options->topology, &post, why);
    if (error) {
        term_end(term);
        return error;
    }
    term->started = false;
    term->fault = 0;
    term->send_ns = 0;
    term->has_limits = last;
    if (last)
        term->limits = last->limits;
    term->workers = last ? last->farm_workers : (double)NAN;
    term->expected = expect(last, is_after_cut);
    term->before = miss(settings->node, last, is_after_cut);
    begin_to_hear(term, now_ns);
    return 0;
}

/* The node goes on meanwhile: a goodbye to a broker that has fallen silent takes seconds. */
static void leave(struct term *term)
{
    if (term->leader)
        leader_leave(term->leader);
    link_leave(&term->post.link);
}

void term_end(struct term *term)
{
    leave(term);
    leader_close(term->leader);
    term->leader = NULL;
    term->target = (struct node_target){0};
    term->started = false;
    post_close(&term->post);
}

bool term_is_on(const struct term *term)
{
    return term->leader;
}

/* ---- what the nodes say ---- */

/* What the election has to know of another node. */
static void tell_election(const struct term *term, const struct report_message *report,
                          int64_t now_ns)
{
    struct election *election = &term->settings.token->election;

    election_hear_refusal(election, (struct order_stamp){report->epoch, report->sequence});
    if (report->consuming && strcmp(report->node, term->settings.node) != 0)
        election_hear_candidate(election, report->node, report->rank, now_ns);
}

static void hear(struct term *term, struct report_message *report, int64_t now_ns)
{
    const struct roster_node *node;
    enum roster_news news;
    enum log_level level = term->refuses ? LOG_DEBUG : LOG_WARN;

    tell_election(term, report, now_ns);
    if (roster_hear(&term->roster, report, now_ns, &news, &node)) {
        log_event(level, "node_refused", "why=\"there are %d nodes already, or no memory\"",
                  ROSTER_MOST_NODES);
        term->refuses = true;
        return;
    }
    term->refuses &= news != ROSTER_JOINED;
    term->outdated = true;
    if (news == ROSTER_JOINED && term->has_limits && !term->started)
        roster_log_heard(node); /* it was there under the leader before */
    else
        roster_log_news(news, node);
}

static void take_report(struct term *term, const struct post_message *message, int64_t now_ns)
{
    struct report_message report;
    struct why why = {0};
    char key[POST_NAME_SIZE];
    int error = report_message_read(message->json, &report, &why);

    members_release(message->json);
    if (error) {
        post_refuse(&term->post, message->key, &why);
        return;
    }
    /* The broker's permissions may let a user write by one key alone. */
    snprintf(key, sizeof key, REPORT_KEY ".%s", report.node);
    if (post_came_by(message, key))
        hear(term, &report, now_ns);
    else
        report_message_clear(&report);
}

static void take_return(struct term *term, struct broker_bytes key, int64_t now_ns)
{
    const size_t prefix = strlen(TARGET_KEY ".");
    char name[NODE_NAME_SIZE];

    if (key.length <= prefix || key.length - prefix >= sizeof name)
        return;
    memcpy(name, key.bytes + prefix, key.length - prefix);
    name[key.length - prefix] = '\0';
    if (roster_returned(&term->roster, name, now_ns))
        post_check(&term->post, now_ns);
}

static void take_news(struct term *term, int64_t now_ns)
{
    struct post_message message;
    const struct roster_node *node = NULL;
    enum roster_news lost;
    enum post_news news;

    while ((news = post_next(&term->post, now_ns, &message)) != POST_NOTHING) {
        term->read_ns = now_ns + REPORTS_NS;
        if (news == POST_MESSAGE)
            take_report(term, &message, now_ns);
        else
            take_return(term, message.key, now_ns);
    }
    while ((lost = roster_step(&term->roster, now_ns, &node)) != ROSTER_NO_NEWS) {
        roster_log_news(lost, node);
        term->outdated = true;
    }
}

/* ---- orders ---- */

/* False when it could not be sent. */
static bool send_order(struct term *term, size_t index, const struct target_message *common,
                       const struct docket *docket)
{
    const struct roster_node *node = term->roster.nodes[index];
    struct target_message target = *common;
    struct event_record events[EVENT_RECORDS_MOST];
    struct envelope envelope;
    struct order_stamp stamp;
    char key[POST_NAME_SIZE], *text = NULL;
    size_t length;

    if (!token_stamp(term->settings.token, &stamp))
        return false;
    snprintf(target.node, sizeof target.node, "%s", node->report.node);
    target.epoch = stamp.epoch;
    target.sequence = stamp.sequence;
    target.workers = node->order;
    target.drained = node->drained;
    if (docket) {
        target.event_count = docket_for(docket, index, events);
        target.events = events;
    }
    if (term->target.stop.pid && strcmp(term->target.stop.node, target.node) == 0) {
        target.stop_slot = term->target.stop.slot;
        target.stop_pid = term->target.stop.pid;
    }
    snprintf(key, sizeof key, TARGET_KEY ".%s", target.node);
    envelope = post_begin(&term->post);
    bool sent = !target_message_write(&envelope, &target, &text, &length) &&
                post_send(&term->post, key, TARGET_KEY, text, length, true);
    if (sent)
        roster_sent(&term->roster, index, stamp);
    free(text);
    return sent;
}

/* What all orders say. */
static struct target_message common_of(const struct term *term, int64_t now_ns)
{
    const struct roster_node *next = roster_view_successor(&term->roster, term->settings.node);
    const struct policy_params *params = &term->settings.leader->params;
    double living = roster_living(&term->roster);
    struct target_message common = {
        .farm_workers = term->started ? term->target.workers : term->workers,
        .farm_nodes = term->started ? living : fmax(living, term->expected),
        .leader_capacity = term->settings.capacity,
        .leader_rank = term->settings.token->election.self.rank,
        .limits = term->started      ? leader_limits(term->leader, now_ns)
                  : term->has_limits ? term->limits
                                     : steering_limits(&(struct steering){.params = *params}, 0)};

    snprintf(common.leader, sizeof common.leader, "%s", term->settings.node);
    if (next) {
        snprintf(common.successor, sizeof common.successor, "%s", next->report.node);
        common.successor_rank = next->report.rank;
    }
    return common;
}

/* Every node is to be told soon what is held against events by now. */
static void look_at_events(struct term *term)
{
    if (term->roster.events_outdated)
        term->send_ns = sooner(term->send_ns, term->sent_ns + EVENTS_NS);
    term->roster.events_outdated = false;
}

static void send_orders(struct term *term, int64_t now_ns)
{
    bool all = now_ns >= term->send_ns;
    struct target_message common = common_of(term, now_ns);
    struct docket docket;
    /* Before it has heard all nodes a leader does not know. */
    bool knows = term->started && !docket_gather(&docket, &term->roster);
    bool said = all;

    for (size_t i = 0; i < term->roster.count && post_is_there(&term->post); i++) {
        const struct roster_node *node = term->roster.nodes[i];
        if (!node->lost && (all || !node->told.epoch))
            said &= send_order(term, i, &common, knows ? &docket : NULL);
    }
    if (said && post_is_there(&term->post))
        promises_said(&term->promises, term->post.sent);
    if (all) {
        term->sent_ns = now_ns;
        term->send_ns = now_ns + TERM_SEND_NS;
    }
    if (knows)
        docket_clear(&docket);
    post_flush(&term->post);
}

/* ---- the leader ---- */

static int64_t epoch_of(const struct term *term)
{
    int64_t epoch = 0;

    token_leads(term->settings.token, &epoch);
    return epoch;
}

/* The farm's lock is its own, and all nodes have had the time to report. */
static void start(struct term *term, int64_t now_ns)
{
    struct node_target target;
    /* What a node that is gone was ordered is part of what the farm had, and goes elsewhere. */
    uint32_t workers =
        isnan(term->workers) ? roster_ordered(&term->roster) : (uint32_t)term->workers;
    const struct leader_heritage heritage = {.epoch = epoch_of(term),
                                             .goes_on = !isnan(term->workers) || workers,
                                             .workers = workers,
                                             .limits = term->has_limits ? &term->limits : NULL};

    term->fault = leader_start(term->leader, now_ns, &target, &term->why);
    if (term->fault)
        return;
    leader_inherit(term->leader, &heritage, &term->target);
    log_event(LOG_INFO, "leading", "epoch=%lld node=%s nodes=%u workers=%u goes_on=%s%s%s",
              (long long)heritage.epoch, term->settings.node, roster_living(&term->roster),
              heritage.workers, heritage.goes_on ? "true" : "false",
              *term->before.name ? " after=" : "", term->before.name);
    term->started = true;
    term->outdated = true;
}

static int64_t step_hearing(struct term *term, int64_t now_ns)
{
    int64_t settles_ns = roster_settles_ns(&term->roster);
    int64_t wake_ns = leader_connect(term->leader, now_ns);

    term->fault = leader_fault(term->leader, &term->why);
    if (term->fault)
        return now_ns;
    if (leader_is_ready(term->leader) && post_is_there(&term->post) && now_ns >= settles_ns) {
        start(term, now_ns);
        return now_ns;
    }
    return now_ns < settles_ns ? sooner(wake_ns, settles_ns) : wake_ns;
}

/* Limits outlive a leader in the nodes' memory. So every node is told at once, also when it is to
 * run as many workers as before: somebody is to be told that they hold. */
static void look_at_limits(struct term *term, int64_t now_ns)
{
    struct status_limits limits = leader_limits(term->leader, now_ns);

    if (!status_limits_are_same(&limits, &term->limits) || promises_are_unsaid(&term->promises))
        term->send_ns = 0;
    term->limits = limits;
}

static int64_t step_leading(struct term *term, int64_t now_ns)
{
    struct node_report report;
    struct node_target target;
    bool decided;

    if (roster_view_report(&term->roster, now_ns, &report))
        return now_ns + CLOCK_NS_PER_S;
    int64_t wake_ns = leader_step(term->leader, now_ns, &report, &target, &decided);
    term->outdated |=
        target.workers != term->target.workers || target.max_workers != term->target.max_workers;
    look_at_limits(term, now_ns);
    term->target = target;
    if (term->outdated)
        roster_divide(&term->roster, target.workers, target.max_workers);
    term->outdated = false;
    if (decided)
        leader_record(term->leader, &report);
    term->fault = leader_fault(term->leader, &term->why);
    return wake_ns;
}

int64_t term_step(struct term *term, int64_t now_ns)
{
    if (!term->leader)
        return CLOCK_NEVER;
    if (post_step(&term->post, now_ns)) {
        term->send_ns = now_ns;
        promises_reconnected(&term->promises);
        if (!term->started) {
            begin_to_hear(term, now_ns);
            say_hello(term);
        }
    }
    take_news(term, now_ns);
    promises_arrived(&term->promises, term->post.arrived);
    look_at_events(term);
    int64_t wake_ns = term->started ? step_leading(term, now_ns) : step_hearing(term, now_ns);
    if (!term->fault)
        send_orders(term, now_ns);
    wake_ns = sooner(wake_ns, post_due_ns(&term->post, now_ns));
    wake_ns = sooner(wake_ns, roster_due_ns(&term->roster));
    /* Somebody waits for what the broker confirms. */
    term->rests = now_ns < term->read_ns && !term->promises.count;
    if (term->rests)
        wake_ns = sooner(wake_ns, term->read_ns);
    return post_is_there(&term->post) ? sooner(wake_ns, term->send_ns) : wake_ns;
}

void term_tell(struct term *term)
{
    if (term->leader)
        leader_tell(term->leader);
}

size_t term_poll(const struct term *term, struct pollfd fds[TERM_FDS])
{
    if (!term->leader)
        return 0;
    size_t count = leader_poll(term->leader, fds);
    return term->rests ? count : count + post_poll(&term->post, fds + count);
}

bool term_has_others(const struct term *term)
{
    for (size_t i = 0; i < term->roster.count; i++) {
        const struct roster_node *node = term->roster.nodes[i];
        if (!node->lost && strcmp(node->report.node, term->settings.node) != 0)
            return true;
    }
    return false;
}

int term_fault(const struct term *term, struct why *why)
{
    if (term->fault)
        *why = term->why;
    return term->fault;
}
