#include "roster.h"

#include "autoscaler/policy/sharing.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_S 1e9

void roster_clear(struct roster *roster)
{
    for (size_t i = 0; i < roster->count; i++) {
        report_message_clear(&roster->nodes[i]->report);
        free(roster->nodes[i]);
    }
    free(roster->readings);
    *roster = (struct roster){0};
}

static uint32_t greatest(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* ---- orders ---- */

static uint32_t working(const struct roster_node *node)
{
    return (uint32_t)(node->report.starting + node->report.running);
}

/* It goes on with what it was told by whomever. */
static void adopt(struct roster_node *node)
{
    node->order = node->share = (uint32_t)node->report.target;
    node->most = greatest(node->order, working(node));
    node->told = (struct order_stamp){0};
}

static void lose(struct roster *roster, struct roster_node *node, enum roster_loss loss,
                 int64_t now_ns)
{
    roster->outdated = roster->events_outdated = true;
    node->lost = true;
    node->loss = loss;
    node->heard_ns = now_ns;
    node->order = node->share = node->most = 0;
    node->told = (struct order_stamp){0};
}

static void order(struct roster_node *node, uint32_t workers)
{
    if (workers == node->order)
        return;
    node->order = workers;
    node->most = greatest(node->most, workers);
    node->told = (struct order_stamp){0};
}

/* The most that it may have now, in the worst case. */
static uint32_t taken(const struct roster_node *node)
{
    return node->lost ? 0 : greatest(node->most, working(node));
}

/* The most that it shall have. */
static uint32_t limit(const struct roster_node *node)
{
    if (node->lost || node->drained || node->report.leaving || (node->retry_ns && !node->trying))
        return 0;
    return node->trying ? 1 : (uint32_t)node->report.capacity;
}

static void share(struct roster *roster, uint32_t workers)
{
    struct sharing_taker takers[ROSTER_MOST_NODES];

    if (workers == roster->workers && !roster->outdated)
        return;
    roster->workers = workers;
    roster->outdated = false;
    for (size_t i = 0; i < roster->count; i++)
        takers[i] = (struct sharing_taker){.most = limit(roster->nodes[i]),
                                           .weight = (double)roster->nodes[i]->report.capacity};
    sharing_divide(workers, takers, roster->count);
    for (size_t i = 0; i < roster->count; i++)
        roster->nodes[i]->share = takers[i].share;
}

void roster_divide(struct roster *roster, uint32_t workers, uint32_t max)
{
    uint64_t sum = 0;

    share(roster, workers);
    for (size_t i = 0; i < roster->count; i++) {
        struct roster_node *node = roster->nodes[i];
        if (node->share < node->order)
            order(node, node->share);
        sum += taken(node);
    }
    for (size_t i = 0; i < roster->count; i++) {
        struct roster_node *node = roster->nodes[i];
        uint32_t had = taken(node), room = sum < max ? max - (uint32_t)sum : 0;
        if (node->share <= node->order)
            continue;
        order(node, least(node->share, greatest(node->order, had + room)));
        sum += taken(node) - had;
    }
}

void roster_sent(struct roster *roster, size_t index, struct order_stamp stamp)
{
    struct roster_node *node = roster->nodes[index];

    if (!node->told.epoch)
        node->told = stamp;
}

uint32_t roster_ordered(const struct roster *roster)
{
    int64_t sum = 0;

    for (size_t i = 0; i < roster->count; i++)
        if (!roster->nodes[i]->lost)
            sum += roster->nodes[i]->report.target;
    return (uint32_t)sum;
}

/* ---- what is heard ---- */

/* The node of that name, or where it would be. */
static bool find(const struct roster *roster, const char *name, size_t *index)
{
    for (*index = 0; *index < roster->count; ++*index) {
        int order_of = strcmp(roster->nodes[*index]->report.node, name);
        if (order_of >= 0)
            return order_of == 0;
    }
    return false;
}

static void forget(struct roster *roster, size_t index)
{
    report_message_clear(&roster->nodes[index]->report);
    free(roster->nodes[index]);
    roster->count--;
    for (size_t i = index; i < roster->count; i++)
        roster->nodes[i] = roster->nodes[i + 1];
}

/* Of the nodes that are lost, the one that was longest ago makes room for one that is there. */
static void make_room(struct roster *roster)
{
    size_t oldest = ROSTER_MOST_NODES;

    for (size_t i = 0; i < roster->count; i++)
        if (roster->nodes[i]->lost &&
            (oldest == ROSTER_MOST_NODES ||
             roster->nodes[i]->heard_ns < roster->nodes[oldest]->heard_ns))
            oldest = i;
    if (roster->count == ROSTER_MOST_NODES && oldest < ROSTER_MOST_NODES)
        forget(roster, oldest);
}

static int add(struct roster *roster, size_t index)
{
    struct roster_node *node;

    if (roster->count == ROSTER_MOST_NODES)
        return -ERR_INVALID;
    node = calloc(1, sizeof *node);
    if (!node)
        return -ERR_MEMORY;
    for (size_t i = roster->count++; i > index; i--)
        roster->nodes[i] = roster->nodes[i - 1];
    roster->nodes[index] = node;
    return 0;
}

/* What a node has done since the report before; another start of it counts from zero. */
static void count(struct roster_done *done, const struct report_message *report,
                  const struct report_message *before)
{
    static const struct report_message nothing;

    if (strcmp(before->boot, report->boot) != 0)
        before = &nothing;
    done->handled_msgs += report->handled_msgs - before->handled_msgs;
    done->dead_msgs += report->dead_msgs - before->dead_msgs;
    done->given_back_msgs += report->given_back_msgs - before->given_back_msgs;
    done->spawned += report->spawned - before->spawned;
    done->stopped += report->stopped - before->stopped;
    done->crashed += report->crashed - before->crashed;
    done->hung += report->hung - before->hung;
    time_classes_add_growth(&done->handling, &before->handling, &report->handling);
}

static bool is_before(struct order_stamp a, struct order_stamp b)
{
    return a.epoch < b.epoch || (a.epoch == b.epoch && a.sequence < b.sequence);
}

/* It has taken the order that is in force, so that nothing earlier counts. */
static void check_order(struct roster_node *node)
{
    const struct order_stamp took = {node->report.epoch, node->report.sequence};

    if (node->told.epoch && !is_before(took, node->told))
        node->most = greatest(node->order, working(node));
}

/* Whether its workers can start at all. */
static enum roster_news judge(struct roster_node *node, int64_t crashed_before, int64_t now_ns)
{
    const struct report_message *report = &node->report;
    bool was_unable = node->retry_ns > 0;

    if (report->running > 0) {
        node->failing_ns = node->retry_ns = 0;
        node->trying = false;
        return was_unable ? ROSTER_ABLE : ROSTER_NO_NEWS;
    }
    if (report->target == 0)
        node->failing_ns = 0;
    else if (!node->failing_ns && report->crashed > crashed_before)
        node->failing_ns = now_ns;
    if (!node->failing_ns || now_ns - node->failing_ns < ROSTER_FAILING_NS)
        return ROSTER_NO_NEWS;
    node->failing_ns = 0;
    node->retry_ns = now_ns + ROSTER_RETRY_NS;
    node->trying = false;
    return ROSTER_UNABLE;
}

/* What the report says of a node that is known, whose last one was `before`. */
static enum roster_news take(struct roster_node *node, const struct report_message *before,
                             int64_t now_ns)
{
    bool restarted = strcmp(before->boot, node->report.boot) != 0;
    bool was_lost = node->lost;
    uint32_t most = node->most;

    node->lost = false;
    if (restarted || was_lost)
        adopt(node);
    if (restarted) {
        /* Orders of its predecessor that were on their way are obeyed by the new process. */
        node->most = greatest(node->most, most);
        node->failing_ns = node->retry_ns = 0;
        node->trying = false;
        return ROSTER_RESTARTED;
    }
    check_order(node);
    enum roster_news news = judge(node, before->crashed, now_ns);
    if (was_lost)
        return ROSTER_BACK;
    return node->report.leaving && !before->leaving ? ROSTER_LEAVES : news;
}

/* A report that was long on its way makes no worker younger than one before it has said: nobody
 * who was told of a worker shall be taken for somebody who cannot know it. Both are by slot. */
static void keep_ages(const struct report_message *before, double passed_s,
                      struct report_message *report)
{
    size_t i = 0;

    for (struct report_worker *worker = report->workers;
         worker < report->workers + report->worker_count; worker++) {
        while (i < before->worker_count && before->workers[i].slot < worker->slot)
            i++;
        if (i < before->worker_count && before->workers[i].slot == worker->slot &&
            before->workers[i].pid == worker->pid)
            worker->since_s = fmax(worker->since_s, before->workers[i].since_s + passed_s);
    }
}

int roster_hear(struct roster *roster, struct report_message *report, int64_t now_ns,
                enum roster_news *news, const struct roster_node **out)
{
    size_t index;
    bool known = find(roster, report->node, &index);

    if (!known) {
        make_room(roster);
        find(roster, report->node, &index);
    }
    int error = known ? 0 : add(roster, index);
    struct roster_node *node = error ? NULL : roster->nodes[index];

    if (error) {
        report_message_clear(report);
        return error;
    }
    struct report_message before = node->report;
    bool heard = *before.boot; /* else it is new, or only missed */
    uint32_t limit_before = limit(node);
    roster->events_outdated |=
        node->lost || !event_records_are_same(before.events, before.event_count, report->events,
                                              report->event_count);
    if (heard) {
        count(&roster->done, report, &before);
        keep_ages(&before, (double)(now_ns - node->heard_ns) / NS_PER_S, report);
    }
    node->report = *report;
    *report = (struct report_message){0};
    node->heard_ns = now_ns;
    node->returned_ns = 0;
    if (heard) {
        *news = take(node, &before, now_ns);
    } else {
        adopt(node);
        node->lost = false;
        node->drained = node->report.drained;
        *news = ROSTER_JOINED;
    }
    report_message_clear(&before);
    roster->outdated |= *news != ROSTER_NO_NEWS || limit(node) != limit_before;
    *out = node;
    return 0;
}

bool roster_returned(struct roster *roster, const char *name, int64_t now_ns)
{
    size_t index;

    if (!find(roster, name, &index) || roster->nodes[index]->returned_ns)
        return false;
    roster->nodes[index]->returned_ns = now_ns;
    return true;
}

bool roster_drain(struct roster *roster, const char *name, bool drained)
{
    size_t index;

    if (!find(roster, name, &index))
        return false;
    roster->nodes[index]->drained = drained;
    roster->outdated = true;
    return true;
}

/* ---- time ---- */

void roster_begin(struct roster *roster, int64_t now_ns, uint32_t expected)
{
    roster->begun_ns = now_ns;
    roster->expected = expected;
    roster->outdated = true;
    for (size_t i = 0; i < roster->count; i++) {
        struct roster_node *node = roster->nodes[i];
        if (node->lost)
            continue;
        node->heard_ns = now_ns;
        node->returned_ns = 0;
        adopt(node);
    }
}

void roster_miss(struct roster *roster, const struct roster_missed *missed)
{
    roster->missed = *missed;
}

static bool has_reported(const struct roster *roster, const struct roster_node *node)
{
    return !node->lost && node->heard_ns > roster->begun_ns;
}

static bool is_expected(const struct roster *roster, const struct roster_node *node)
{
    const struct roster_missed *missed = &roster->missed;

    return missed->may_return || strcmp(node->report.node, missed->name) != 0;
}

static bool have_enough_reported(const struct roster *roster)
{
    uint32_t count = 0;

    for (size_t i = 0; i < roster->count; i++)
        count += has_reported(roster, roster->nodes[i]) && is_expected(roster, roster->nodes[i]);
    return roster->expected && count >= roster->expected;
}

int64_t roster_settles_ns(const struct roster *roster)
{
    if (have_enough_reported(roster))
        return roster->begun_ns + ROSTER_GONE_NS;
    if (roster_living(roster) < roster->expected)
        return roster->begun_ns + ROSTER_LOST_NS;
    return roster->begun_ns + ROSTER_SETTLE_NS;
}

uint32_t roster_living(const struct roster *roster)
{
    uint32_t living = 0;

    for (size_t i = 0; i < roster->count; i++)
        living += !roster->nodes[i]->lost;
    return living;
}

/* When the node is lost, unless it reports before. */
static int64_t lost_ns(const struct roster_node *node)
{
    int64_t silent_ns = node->heard_ns + ROSTER_LOST_NS;
    int64_t gone_ns = node->returned_ns + ROSTER_GONE_NS;

    return node->returned_ns && gone_ns < silent_ns ? gone_ns : silent_ns;
}

/* When the node is next looked at. */
static int64_t due_ns(const struct roster_node *node)
{
    if (node->lost)
        return node->heard_ns + ROSTER_FORGET_NS;
    int64_t end_ns = lost_ns(node);
    return node->retry_ns && !node->trying && node->retry_ns < end_ns ? node->retry_ns : end_ns;
}

/* When whoever led before is lost, unless it reports. */
static int64_t missed_ns(const struct roster *roster)
{
    if (!*roster->missed.name)
        return INT64_MAX;
    if (roster->missed.may_return)
        return roster->begun_ns + ROSTER_LOST_NS;
    return roster_settles_ns(roster);
}

/* Whether somebody is missed now, with *out as that node; it is added if only its name is known. */
static bool is_missed(struct roster *roster, int64_t now_ns, const struct roster_node **out)
{
    struct roster_missed missed = roster->missed;
    size_t index;

    if (now_ns < missed_ns(roster))
        return false;
    roster->missed = (struct roster_missed){0};
    if (!find(roster, missed.name, &index)) {
        if (add(roster, index))
            return false;
        struct report_message *report = &roster->nodes[index]->report;
        memcpy(report->node, missed.name, sizeof report->node);
        report->capacity = missed.capacity;
        report->rank = missed.rank;
    } else if (has_reported(roster, roster->nodes[index])) {
        return false;
    }
    *out = roster->nodes[index];
    lose(roster, roster->nodes[index], ROSTER_SUCCEEDED, now_ns);
    return true;
}

enum roster_news roster_step(struct roster *roster, int64_t now_ns, const struct roster_node **out)
{
    if (is_missed(roster, now_ns, out))
        return ROSTER_LOST;
    for (size_t i = roster->count; i-- > 0;) {
        struct roster_node *node = roster->nodes[i];
        *out = node;
        if (now_ns < due_ns(node))
            continue;
        if (node->lost) {
            forget(roster, i);
        } else if (now_ns >= lost_ns(node)) {
            lose(roster, node, node->returned_ns ? ROSTER_GONE : ROSTER_SILENT, now_ns);
            return ROSTER_LOST;
        } else {
            node->trying = true;
            roster->outdated = true;
            return ROSTER_TRIES;
        }
    }
    return ROSTER_NO_NEWS;
}

int64_t roster_due_ns(const struct roster *roster)
{
    int64_t soonest_ns = missed_ns(roster);

    for (size_t i = 0; i < roster->count; i++)
        if (due_ns(roster->nodes[i]) < soonest_ns)
            soonest_ns = due_ns(roster->nodes[i]);
    return soonest_ns;
}
