/* roster: histories at random of nodes that come and go, and whose orders and reports are late. */
#include "roster_reports.h"

#include "random.h"

static uint32_t below(uint64_t *random, uint32_t limit)
{
    return (uint32_t)(random_bits(random) % limit);
}

#define NODES 6
#define CALLS 40

/* A farm: nodes that take orders and report, both late, but in their order. */
struct model {
    struct roster roster;
    uint64_t random;
    struct node {
        bool here;
        int64_t capacity, boots, target, epoch_sequence;
        struct message {
            uint32_t workers;
            int64_t sequence;
        } orders[CALLS];
        size_t first, last;
        struct report_message reports[CALLS];
        size_t first_report, last_report;
    } nodes[NODES];
    uint32_t workers, max;
    int64_t now_ns, sequence;
};

static void report(struct model *model, size_t i)
{
    struct node *node = &model->nodes[i];
    char name[2] = {(char)('a' + (int)i), '\0'};
    struct report_message now = said(name, node->capacity, node->target);

    snprintf(now.boot, sizeof now.boot, "%lld", (long long)node->boots);
    now.epoch = node->epoch_sequence ? 1 : 0;
    now.sequence = node->epoch_sequence;
    node->reports[node->last_report++] = now;
}

static void deliver_report(struct model *model, size_t i)
{
    struct node *node = &model->nodes[i];

    if (node->first_report < node->last_report)
        hear(&model->roster, node->reports[node->first_report++], model->now_ns);
}

static void deliver_order(struct model *model, size_t i)
{
    struct node *node = &model->nodes[i];

    if (!node->here || node->first == node->last)
        return;
    const struct message *order = &node->orders[node->first++];
    node->target = order->workers;
    node->epoch_sequence = order->sequence;
    report(model, i);
}

static void send_orders(struct model *model)
{
    roster_divide(&model->roster, model->workers, model->max);
    for (size_t i = 0; i < model->roster.count; i++) {
        const struct roster_node *entry = model->roster.nodes[i];
        struct node *node = &model->nodes[entry->report.node[0] - 'a'];
        if (entry->lost)
            continue;
        roster_sent(&model->roster, i, (struct order_stamp){1, ++model->sequence});
        if (!node->here)
            roster_returned(&model->roster, entry->report.node, model->now_ns);
        else
            node->orders[node->last++] = (struct message){entry->order, model->sequence};
    }
}

static void claim_never_too_many(const struct model *model)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < NODES; i++)
        sum += model->nodes[i].here ? (uint32_t)model->nodes[i].target : 0;
    if (sum > model->max)
        fail_msg("%u workers of at most %u", sum, model->max);
}

/* Those that are gone count as lost. */
static void wait_for_the_lost(struct model *model)
{
    const struct roster_node *lost;

    model->now_ns += ROSTER_GONE_NS;
    while (roster_step(&model->roster, model->now_ns, &lost) != ROSTER_NO_NEWS)
        continue;
}

/* A node comes, or goes with all its workers, which its leader learns by the next order. */
static void come_or_go(struct model *model, size_t i)
{
    struct node *node = &model->nodes[i];

    if (node->here) {
        *node = (struct node){.boots = node->boots};
    } else {
        *node = (struct node){
            .here = true, .capacity = 1 + below(&model->random, 12), .boots = node->boots + 1};
        report(model, i);
    }
}

static void act(struct model *model)
{
    size_t i = below(&model->random, NODES);

    switch (below(&model->random, 6)) {
    case 0:
        come_or_go(model, i);
        break;
    case 1:
        model->workers = below(&model->random, model->max + 1);
        break;
    case 2:
        deliver_order(model, i);
        break;
    case 3:
        deliver_report(model, i);
        break;
    case 4:
        if (model->nodes[i].here)
            roster_drain(&model->roster, (char[]){(char)('a' + (int)i), '\0'},
                         below(&model->random, 3) == 0);
        break;
    default:
        break;
    }
}

/* All that is under way arrives, until nothing changes any more. */
static void come_to_rest(struct model *model)
{
    for (int round = 0; round < 8; round++) {
        send_orders(model);
        wait_for_the_lost(model);
        for (size_t i = 0; i < NODES; i++) {
            struct node *node = &model->nodes[i];
            while (node->here && node->first < node->last) {
                deliver_order(model, i);
                claim_never_too_many(model);
            }
            while (node->first_report < node->last_report)
                deliver_report(model, i);
            node->first = node->last = node->first_report = node->last_report = 0;
        }
    }
}

static uint32_t possible(const struct model *model)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < model->roster.count; i++) {
        const struct roster_node *node = model->roster.nodes[i];
        sum += node->lost || node->drained ? 0 : (uint32_t)node->report.capacity;
    }
    return sum;
}

static void claim_all_is_shared(const struct model *model)
{
    uint32_t sum = 0, most = possible(model);

    for (size_t i = 0; i < NODES; i++)
        sum += model->nodes[i].here ? (uint32_t)model->nodes[i].target : 0;
    assert_int_equal(sum, model->workers < most ? model->workers : most);
    for (size_t i = 0; i < model->roster.count; i++)
        assert_int_equal(model->roster.nodes[i]->share, model->roster.nodes[i]->order);
}

static void claim_a_change_of_one_moves_one(struct model *model)
{
    uint32_t before[ROSTER_MOST_NODES], moved = 0;

    for (size_t i = 0; i < model->roster.count; i++)
        before[i] = model->roster.nodes[i]->share;
    roster_divide(&model->roster, model->workers + 1, model->max + 1);
    for (size_t i = 0; i < model->roster.count; i++) {
        assert_true(model->roster.nodes[i]->share >= before[i]);
        moved += model->roster.nodes[i]->share - before[i];
    }
    assert_int_equal(moved, model->workers < possible(model) ? 1 : 0);
}

static void there_are_never_too_many_workers_and_a_change_of_one_moves_one(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 10000; seed++) {
        static struct model model;
        model = (struct model){.random = seed};
        model.max = 1 + below(&model.random, 30);
        for (int i = 0; i < CALLS / 2; i++) {
            act(&model);
            claim_never_too_many(&model);
            if (below(&model.random, 2))
                send_orders(&model);
        }
        for (size_t i = 0; i < NODES; i++)
            while (model.nodes[i].first_report < model.nodes[i].last_report)
                deliver_report(&model, i);
        come_to_rest(&model);
        claim_all_is_shared(&model);
        claim_a_change_of_one_moves_one(&model);
        roster_clear(&model.roster);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_are_never_too_many_workers_and_a_change_of_one_moves_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
