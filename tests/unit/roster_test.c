/* roster: the nodes that a leader knows, and how it divides workers among them. */
#include "autoscaler/leader/roster_view.h"

#include "roster_reports.h"

static void order_and_carry_out(struct roster *roster, uint32_t workers, int64_t now_ns)
{
    static int64_t sequence;

    roster_divide(roster, workers, workers);
    for (size_t i = 0; i < roster->count; i++) {
        struct roster_node *node = roster->nodes[i];
        struct report_message report = node->report;
        if (node->lost)
            continue;
        roster_sent(roster, i, (struct order_stamp){1, ++sequence});
        report.workers = NULL;
        report.worker_count = 0;
        report.epoch = 1;
        report.sequence = sequence;
        report.target = report.running = node->order;
        hear(roster, report, now_ns);
    }
}

/* Two nodes that could run four workers each, and have been told to run two. */
static void two_share_four(struct roster *roster)
{
    hear(roster, said("a", 4, 0), 0);
    hear(roster, said("b", 4, 0), 0);
    order_and_carry_out(roster, 4, 0);
}

static uint32_t order_of(const struct roster *roster, const char *name)
{
    for (size_t i = 0; i < roster->count; i++)
        if (strcmp(roster->nodes[i]->report.node, name) == 0)
            return roster->nodes[i]->order;
    fail_msg("no node %s", name);
    return 0;
}

static void workers_are_shared_by_capacity(void **state)
{
    struct roster roster = {0};

    (void)state;
    assert_int_equal(hear(&roster, said("b", 8, 0), 0), ROSTER_JOINED);
    assert_int_equal(hear(&roster, said("a", 4, 0), 0), ROSTER_JOINED);
    order_and_carry_out(&roster, 6, 0);
    assert_int_equal(order_of(&roster, "a"), 2);
    assert_int_equal(order_of(&roster, "b"), 4);
    order_and_carry_out(&roster, 100, 0);
    assert_int_equal(order_of(&roster, "a"), 4);
    assert_int_equal(order_of(&roster, "b"), 8);
    roster_clear(&roster);
}

static void a_new_leader_begins_with_what_runs(void **state)
{
    struct roster roster = {0};

    (void)state;
    roster_begin(&roster, S_NS, 0);
    hear(&roster, said("a", 4, 3), S_NS);
    hear(&roster, said("b", 4, 1), S_NS);
    assert_int_equal(roster_ordered(&roster), 4);
    assert_int_equal(order_of(&roster, "a"), 3);
    assert_int_equal(order_of(&roster, "b"), 1);
    assert_int_equal(roster_settles_ns(&roster), S_NS + ROSTER_SETTLE_NS);
    roster_clear(&roster);
}

static void a_new_leader_waits_for_nodes_that_are_still_connecting(void **state)
{
    struct roster roster = {0};

    (void)state;
    roster_begin(&roster, S_NS, 2);
    hear(&roster, said("a", 4, 3), S_NS);
    assert_int_equal(roster_settles_ns(&roster), S_NS + ROSTER_LOST_NS);
    hear(&roster, said("a", 4, 3), 2 * S_NS);
    hear(&roster, said("b", 4, 1), 2 * S_NS);
    assert_int_equal(roster_settles_ns(&roster), S_NS + ROSTER_GONE_NS);
    /* Of those whom it knows from an earlier term, it goes by what they say now. */
    roster_begin(&roster, 5 * S_NS, 2);
    assert_int_equal(roster_settles_ns(&roster), 5 * S_NS + ROSTER_SETTLE_NS);
    hear(&roster, said("a", 4, 3), 5 * S_NS + 1);
    assert_int_equal(roster_settles_ns(&roster), 5 * S_NS + ROSTER_SETTLE_NS);
    hear(&roster, said("b", 4, 3), 5 * S_NS + 2);
    assert_int_equal(roster_settles_ns(&roster), 5 * S_NS + ROSTER_GONE_NS);
    roster_clear(&roster);
}

static void a_silent_node_is_lost_after_ten_seconds_and_its_share_goes_elsewhere(void **state)
{
    struct roster roster = {0};
    const struct roster_node *node;

    (void)state;
    hear(&roster, said("a", 4, 0), 0);
    hear(&roster, said("b", 4, 0), S_NS);
    order_and_carry_out(&roster, 4, S_NS);
    hear(&roster, said("b", 4, 2), 10 * S_NS);
    assert_int_equal(roster_due_ns(&roster), 11 * S_NS);
    assert_int_equal(roster_step(&roster, 11 * S_NS - 1, &node), ROSTER_NO_NEWS);
    assert_int_equal(roster_step(&roster, 11 * S_NS, &node), ROSTER_LOST);
    assert_string_equal(node->report.node, "a");
    assert_int_equal(roster_step(&roster, 11 * S_NS, &node), ROSTER_NO_NEWS);
    order_and_carry_out(&roster, 4, 11 * S_NS);
    assert_int_equal(order_of(&roster, "b"), 4);
    /* It was only silent. */
    assert_int_equal(hear(&roster, said("a", 4, 2), 12 * S_NS), ROSTER_BACK);
    roster_divide(&roster, 4, 4);
    assert_int_equal(order_of(&roster, "a"), 2);
    assert_int_equal(order_of(&roster, "b"), 2);
    roster_clear(&roster);
}

static void a_node_whose_targets_come_back_is_lost_soon(void **state)
{
    struct roster roster = {0};
    const struct roster_node *node;

    (void)state;
    two_share_four(&roster);
    assert_false(roster_returned(&roster, "c", S_NS)); /* nobody knows it */
    assert_true(roster_returned(&roster, "a", S_NS));
    /* It goes by the first. */
    assert_false(roster_returned(&roster, "a", S_NS + ROSTER_GONE_NS - 1));
    assert_int_equal(roster_due_ns(&roster), S_NS + ROSTER_GONE_NS);
    assert_int_equal(roster_step(&roster, S_NS + ROSTER_GONE_NS - 1, &node), ROSTER_NO_NEWS);
    assert_int_equal(roster_step(&roster, S_NS + ROSTER_GONE_NS, &node), ROSTER_LOST);
    assert_string_equal(node->report.node, "a");
    roster_returned(&roster, "a", S_NS + ROSTER_GONE_NS);
    assert_int_equal(roster_step(&roster, 2 * S_NS, &node), ROSTER_NO_NEWS);
    roster_divide(&roster, 4, 4);
    assert_int_equal(order_of(&roster, "b"), 4);
    assert_int_equal(hear(&roster, said("a", 4, 0), 2 * S_NS), ROSTER_BACK);
    assert_int_equal(roster_step(&roster, 4 * S_NS, &node), ROSTER_NO_NEWS);
    roster_clear(&roster);
}

/* Only its connection was: else its workers would run on beside those that replace them. */
static void a_node_that_reports_again_at_once_was_never_lost(void **state)
{
    struct roster roster = {0};
    const struct roster_node *node;

    (void)state;
    two_share_four(&roster);
    roster_returned(&roster, "a", S_NS);
    roster_divide(&roster, 4, 4);
    assert_int_equal(order_of(&roster, "b"), 2);
    assert_int_equal(hear(&roster, said("a", 4, 2), S_NS + 50 * S_NS / 1000), ROSTER_NO_NEWS);
    assert_int_equal(roster_step(&roster, 2 * S_NS, &node), ROSTER_NO_NEWS);
    /* What comes back later counts from then. */
    roster_returned(&roster, "a", 2 * S_NS);
    assert_int_equal(roster_step(&roster, 2 * S_NS + ROSTER_GONE_NS - 1, &node), ROSTER_NO_NEWS);
    assert_int_equal(roster_step(&roster, 2 * S_NS + ROSTER_GONE_NS, &node), ROSTER_LOST);
    roster_clear(&roster);
}

static void a_node_that_comes_back_as_another_process_starts_from_nothing(void **state)
{
    struct roster roster = {0};
    struct report_message again = said("a", 4, 0);
    struct node_report sum;

    (void)state;
    struct report_message first = said("a", 4, 3);
    /* What it did before this leader heard of it is another leader's. */
    first.handled_msgs = 1000;
    hear(&roster, first, 0);
    first.handled_msgs = 1100;
    first.crashed = 2;
    first.hung = 1;
    first.dead_msgs = first.given_back_msgs = 5;
    first.handling = (struct time_classes){.sum_s = 3, .count = {[2] = 100}};
    hear(&roster, first, 0);
    snprintf(again.boot, sizeof again.boot, "another");
    again.handled_msgs = 7;
    again.dead_msgs = again.given_back_msgs = 1;
    again.handling = (struct time_classes){.sum_s = 0.5, .count = {[2] = 6, [3] = 1}};
    assert_int_equal(hear(&roster, again, S_NS), ROSTER_RESTARTED);
    assert_int_equal(order_of(&roster, "a"), 0);
    /* What its predecessor has done counts on. */
    assert_int_equal(roster_view_report(&roster, S_NS, &sum), 0);
    assert_true(sum.handled_msgs == 107);
    assert_int_equal(sum.counts.crashed, 2);
    assert_int_equal(sum.counts.hung, 1);
    assert_true(sum.dead_msgs == 6 && sum.given_back_msgs == 6 && sum.handling.sum_s == 3.5);
    assert_int_equal(sum.handling.count[2], 106);
    assert_int_equal(sum.handling.count[3], 1);
    assert_int_equal(sum.counts.running, 0);
    /* And so it does when nobody knows the node any more. */
    const struct roster_node *node;
    int64_t lost_ns = S_NS + ROSTER_LOST_NS;
    assert_int_equal(roster_step(&roster, lost_ns, &node), ROSTER_LOST);
    roster_step(&roster, lost_ns + ROSTER_FORGET_NS, &node);
    assert_int_equal(roster.count, 0);
    assert_int_equal(roster_view_report(&roster, lost_ns + ROSTER_FORGET_NS, &sum), 0);
    assert_true(sum.handled_msgs == 107 && sum.handling.sum_s == 3.5);
    roster_clear(&roster);
}

static void a_node_that_leaves_or_is_drained_gets_nothing(void **state)
{
    struct roster roster = {0};
    struct report_message leaving;

    (void)state;
    hear(&roster, said("a", 4, 0), 0);
    hear(&roster, said("b", 4, 0), 0);
    hear(&roster, said("c", 4, 0), 0);
    order_and_carry_out(&roster, 6, 0);
    leaving = said("a", 4, 2);
    leaving.leaving = true;
    assert_int_equal(hear(&roster, leaving, 0), ROSTER_LEAVES);
    assert_int_equal(hear(&roster, leaving, 0), ROSTER_NO_NEWS);
    assert_true(roster_drain(&roster, "b", true));
    assert_false(roster_drain(&roster, "x", true));
    roster_divide(&roster, 6, 100);
    assert_int_equal(order_of(&roster, "a"), 0);
    assert_int_equal(order_of(&roster, "b"), 0);
    assert_int_equal(order_of(&roster, "c"), 4);
    roster_drain(&roster, "b", false);
    roster_divide(&roster, 6, 100);
    assert_int_equal(order_of(&roster, "b"), 3);
    roster_clear(&roster);
}

static void a_drained_node_stays_so_under_a_new_leader(void **state)
{
    struct roster roster = {0};
    struct report_message report = said("a", 4, 0);

    (void)state;
    report.drained = true;
    hear(&roster, report, 0);
    roster_divide(&roster, 4, 4);
    assert_int_equal(order_of(&roster, "a"), 0);
    roster_clear(&roster);
}

static void what_a_node_may_still_have_is_not_given_to_another(void **state)
{
    struct roster roster = {0};

    (void)state;
    hear(&roster, said("a", 4, 4), 0);
    hear(&roster, said("b", 4, 0), 0);
    roster_divide(&roster, 4, 4);
    assert_int_equal(order_of(&roster, "a"), 2);
    assert_int_equal(order_of(&roster, "b"), 0);
    roster_sent(&roster, 0, (struct order_stamp){5, 1});
    /* A report from before the order tells nothing of it. */
    struct report_message early = said("a", 4, 2);
    early.epoch = 4;
    early.sequence = 9;
    hear(&roster, early, 0);
    roster_divide(&roster, 4, 4);
    assert_int_equal(order_of(&roster, "b"), 0);
    struct report_message took = said("a", 4, 2);
    took.epoch = 5;
    took.sequence = 1;
    hear(&roster, took, 0);
    roster_divide(&roster, 4, 4);
    assert_int_equal(order_of(&roster, "b"), 2);
    roster_clear(&roster);
}

static struct report_message crashing(int64_t target, int64_t crashed)
{
    struct report_message report = said("a", 4, 0);

    report.target = target;
    report.crashed = crashed;
    return report;
}

static void a_node_whose_workers_cannot_start_is_passed_over_and_tried_again_with_one(void **state)
{
    struct roster roster = {0};
    const struct roster_node *node;

    (void)state;
    hear(&roster, said("a", 4, 0), 0);
    hear(&roster, said("b", 4, 0), 0);
    roster_divide(&roster, 4, 8);
    assert_int_equal(hear(&roster, crashing(2, 1), S_NS), ROSTER_NO_NEWS);
    assert_int_equal(hear(&roster, crashing(2, 5), 5 * S_NS), ROSTER_NO_NEWS);
    assert_int_equal(hear(&roster, crashing(2, 6), 6 * S_NS), ROSTER_UNABLE);
    hear(&roster, said("b", 4, 2), 6 * S_NS);
    roster_divide(&roster, 4, 8);
    assert_int_equal(order_of(&roster, "a"), 0);
    assert_int_equal(order_of(&roster, "b"), 4);
    for (int64_t t = 7; t < 36; t++) {
        assert_int_equal(hear(&roster, crashing(0, 6), t * S_NS), ROSTER_NO_NEWS);
        hear(&roster, said("b", 4, 4), t * S_NS);
        assert_int_equal(roster_step(&roster, t * S_NS, &node), ROSTER_NO_NEWS);
    }
    assert_int_equal(roster_step(&roster, 36 * S_NS, &node), ROSTER_TRIES);
    roster_divide(&roster, 4, 8);
    assert_int_equal(order_of(&roster, "a"), 1);
    struct report_message one = said("a", 4, 1);
    assert_int_equal(hear(&roster, one, 37 * S_NS), ROSTER_ABLE);
    roster_divide(&roster, 4, 8);
    assert_int_equal(order_of(&roster, "a"), 2);
    roster_clear(&roster);
}

/* Slow is not unable, and one crash among workers that run is no reason either. */
static void a_node_that_starts_slowly_keeps_its_share(void **state)
{
    struct roster roster = {0};

    (void)state;
    hear(&roster, crashing(2, 3), 0);
    for (int64_t t = 1; t < 100; t++)
        assert_int_equal(hear(&roster, crashing(2, 3), t * S_NS), ROSTER_NO_NEWS);
    roster_divide(&roster, 2, 8);
    assert_int_equal(order_of(&roster, "a"), 2);
    roster_clear(&roster);
}

static void what_a_report_says_is_unknown_when_it_is_old(void **state)
{
    struct roster roster = {0};
    struct report_message a = said("a", 4, 1), b = said("b", 4, 2);
    struct node_report sum;

    (void)state;
    a.in_flight_msgs = 5;
    a.startup_s = 0.5;
    a.worker_count = 1;
    a.workers = calloc(1, sizeof *a.workers);
    assert_non_null(a.workers);
    a.workers[0] = (struct report_worker){
        .slot = 9, .pid = 77, .state = "running", .since_s = 3, .tells = true, .handled_msgs = 8};
    b.in_flight_msgs = 2;
    hear(&roster, b, 0);
    hear(&roster, a, S_NS);
    assert_int_equal(roster_view_report(&roster, 2 * S_NS, &sum), 0);
    assert_true(sum.in_flight_msgs == 7 && !sum.unknown && sum.age_s == 2 && sum.startup_s == 0.5);
    assert_int_equal(sum.counts.running, 3);
    assert_int_equal(sum.reading_count, 1);
    assert_int_equal(sum.readings[0].slot, 9);
    assert_int_equal(sum.readings[0].started_ns, -2 * S_NS);
    assert_string_equal(sum.node_names[sum.readings[0].node], "a");
    assert_int_equal(roster_view_report(&roster, 2 * S_NS + 1, &sum), 0);
    assert_true(sum.unknown);
    roster_clear(&roster);
}

static void the_successor_is_the_highest_that_could_lead(void **state)
{
    struct roster roster = {0};
    struct report_message b = said("b", 1, 0), c = said("c", 1, 0);

    (void)state;
    assert_null(roster_view_successor(&roster, "a"));
    hear(&roster, said("a", 1, 0), 0);
    assert_null(roster_view_successor(&roster, "a"));
    b.rank = 5;
    hear(&roster, b, 0);
    hear(&roster, c, 0);
    assert_string_equal(roster_view_successor(&roster, "a")->report.node, "b");
    assert_string_equal(roster_view_successor(&roster, "b")->report.node, "c");
    b.consuming = false;
    hear(&roster, b, 0);
    assert_string_equal(roster_view_successor(&roster, "a")->report.node, "c");
    roster_clear(&roster);
}

static void a_new_leader_gives_every_known_node_ten_seconds(void **state)
{
    struct roster roster = {0};
    const struct roster_node *node;

    (void)state;
    hear(&roster, said("a", 4, 0), 0);
    roster_begin(&roster, 9 * S_NS, 1);
    assert_int_equal(roster_step(&roster, 19 * S_NS - 1, &node), ROSTER_NO_NEWS);
    assert_int_equal(roster_step(&roster, 19 * S_NS, &node), ROSTER_LOST);
    roster_clear(&roster);
}

static void whoever_led_before_is_lost_when_it_has_not_reported_in_time(void **state)
{
    struct roster roster = {0};
    const struct roster_node *node;
    const struct roster_missed missed = {.name = "a", .capacity = 7, .rank = 2};
    int64_t end_ns = S_NS + ROSTER_GONE_NS;

    (void)state;
    roster_begin(&roster, S_NS, 1);
    roster_miss(&roster, &missed);
    assert_int_equal(roster_due_ns(&roster), S_NS + ROSTER_LOST_NS);
    hear(&roster, said("b", 4, 1), S_NS + 1);
    assert_int_equal(roster_living(&roster), 1);
    assert_int_equal(roster_due_ns(&roster), end_ns);
    assert_int_equal(roster_step(&roster, end_ns - 1, &node), ROSTER_NO_NEWS);
    assert_int_equal(roster_step(&roster, end_ns, &node), ROSTER_LOST);
    assert_string_equal(node->report.node, "a");
    assert_true(node->report.capacity == 7 && node->report.rank == 2 && node->lost);
    assert_int_equal(roster_step(&roster, end_ns, &node), ROSTER_NO_NEWS);
    /* When it is there again, what it did before is nothing that this leader has seen. */
    struct report_message back = said("a", 4, 1);
    back.handled_msgs = 500;
    assert_int_equal(hear(&roster, back, 4 * S_NS), ROSTER_JOINED);
    assert_true(roster.done.handled_msgs == 0);
    assert_int_equal(roster_living(&roster), 2);
    assert_int_equal(order_of(&roster, "a"), 1);
    roster_clear(&roster);
}

static void whoever_led_before_and_reports_is_not_missed(void **state)
{
    struct roster roster = {0};
    const struct roster_node *node;
    struct roster_missed missed = {.name = "a", .capacity = 7};

    (void)state;
    roster_begin(&roster, S_NS, 1);
    roster_miss(&roster, &missed);
    hear(&roster, said("a", 4, 1), 2 * S_NS);
    /* It is not one of those that are waited for. */
    assert_int_equal(roster_settles_ns(&roster), S_NS + ROSTER_SETTLE_NS);
    assert_int_equal(roster_step(&roster, 3 * S_NS, &node), ROSTER_NO_NEWS);
    assert_int_equal(roster_due_ns(&roster), 12 * S_NS);
    /* It was known from an earlier term, but has not been heard in this one. */
    roster_begin(&roster, 5 * S_NS, 1);
    roster_miss(&roster, &missed);
    assert_int_equal(roster_step(&roster, 5 * S_NS + ROSTER_SETTLE_NS, &node), ROSTER_LOST);
    /* One that may be connecting still is given the time. */
    hear(&roster, said("a", 4, 1), 7 * S_NS);
    roster_begin(&roster, 8 * S_NS, 2);
    missed.may_return = true;
    roster_miss(&roster, &missed);
    hear(&roster, said("b", 4, 1), 9 * S_NS);
    assert_int_equal(roster_step(&roster, 18 * S_NS - 1, &node), ROSTER_NO_NEWS);
    assert_int_equal(roster_step(&roster, 18 * S_NS, &node), ROSTER_LOST);
    roster_clear(&roster);
}

static void hear_of_as_many_as_may_be(struct roster *roster)
{
    for (int i = 0; i < ROSTER_MOST_NODES; i++) {
        char name[16];
        snprintf(name, sizeof name, "n%d", i);
        hear(roster, said(name, 1, 0), 0);
    }
}

static void a_lost_node_is_forgotten_in_the_end_and_too_many_are_refused(void **state)
{
    struct roster roster = {0};
    const struct roster_node *node;
    enum roster_news news;

    (void)state;
    hear_of_as_many_as_may_be(&roster);
    struct report_message extra = said("x", 1, 0);
    assert_int_equal(roster_hear(&roster, &extra, 0, &news, &node), -ERR_INVALID);
    roster_returned(&roster, "n7", S_NS);
    assert_int_equal(roster_step(&roster, S_NS + ROSTER_GONE_NS, &node), ROSTER_LOST);
    for (int i = 0; i < ROSTER_MOST_NODES; i++)
        if (!roster.nodes[i]->lost)
            roster.nodes[i]->heard_ns = ROSTER_FORGET_NS + 2 * S_NS;
    while (roster_step(&roster, ROSTER_FORGET_NS + 2 * S_NS, &node) != ROSTER_NO_NEWS)
        ;
    assert_int_equal(roster.count, ROSTER_MOST_NODES - 1);
    extra = said("x", 1, 0);
    assert_int_equal(roster_hear(&roster, &extra, ROSTER_FORGET_NS, &news, &node), 0);
    roster_clear(&roster);
}

static void a_node_that_is_lost_makes_room_for_one_that_is_there(void **state)
{
    struct roster roster = {0};
    const struct roster_node *node;
    enum roster_news news;

    (void)state;
    hear_of_as_many_as_may_be(&roster);
    roster_returned(&roster, "n7", S_NS);
    assert_int_equal(roster_step(&roster, S_NS + ROSTER_GONE_NS, &node), ROSTER_LOST);
    roster_returned(&roster, "n3", 2 * S_NS);
    assert_int_equal(roster_step(&roster, 2 * S_NS + ROSTER_GONE_NS, &node), ROSTER_LOST);
    struct report_message extra = said("a", 1, 0);
    assert_int_equal(roster_hear(&roster, &extra, 3 * S_NS, &news, &node), 0);
    assert_int_equal(news, ROSTER_JOINED);
    assert_int_equal(roster.count, ROSTER_MOST_NODES);
    assert_string_equal(roster.nodes[0]->report.node, "a");
    /* The one that was lost first is gone. */
    extra = said("n3", 1, 0);
    assert_int_equal(roster_hear(&roster, &extra, 3 * S_NS, &news, &node), 0);
    assert_int_equal(news, ROSTER_BACK);
    extra = said("n7", 1, 0);
    assert_int_equal(roster_hear(&roster, &extra, 3 * S_NS, &news, &node), -ERR_INVALID);
    roster_clear(&roster);
}

static struct report_message with_workers(double since_s, int32_t pid)
{
    struct report_message report = said("a", 4, 2);

    report.worker_count = 2;
    report.workers = calloc(2, sizeof *report.workers);
    assert_non_null(report.workers);
    report.workers[0] = (struct report_worker){.slot = 1, .pid = 7, .since_s = 5};
    report.workers[1] = (struct report_worker){.slot = 3, .pid = pid, .since_s = since_s};
    return report;
}

static int64_t second_started_ns(struct roster *roster)
{
    struct node_report sum;

    assert_int_equal(roster_view_report(roster, 4 * S_NS, &sum), 0);
    assert_int_equal(sum.reading_count, 2);
    return sum.readings[1].started_ns;
}

static void a_late_report_makes_no_worker_younger(void **state)
{
    struct roster roster = {0};

    (void)state;
    hear(&roster, with_workers(0.5, 9), S_NS);
    assert_int_equal(second_started_ns(&roster), S_NS / 2);
    hear(&roster, with_workers(0.75, 9), 3 * S_NS);
    assert_int_equal(second_started_ns(&roster), S_NS / 2);
    hear(&roster, with_workers(3, 9), 3 * S_NS);
    assert_int_equal(second_started_ns(&roster), 0);
    hear(&roster, with_workers(0.25, 10), 3 * S_NS);
    assert_int_equal(second_started_ns(&roster), 3 * S_NS - S_NS / 4);
    hear(&roster, said("a", 4, 0), 3 * S_NS);
    hear(&roster, with_workers(0.25, 9), 4 * S_NS);
    assert_int_equal(second_started_ns(&roster), 4 * S_NS - S_NS / 4);
    roster_clear(&roster);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(workers_are_shared_by_capacity),
        cmocka_unit_test(a_new_leader_begins_with_what_runs),
        cmocka_unit_test(a_new_leader_waits_for_nodes_that_are_still_connecting),
        cmocka_unit_test(a_silent_node_is_lost_after_ten_seconds_and_its_share_goes_elsewhere),
        cmocka_unit_test(a_node_whose_targets_come_back_is_lost_soon),
        cmocka_unit_test(a_node_that_reports_again_at_once_was_never_lost),
        cmocka_unit_test(a_node_that_comes_back_as_another_process_starts_from_nothing),
        cmocka_unit_test(a_node_that_leaves_or_is_drained_gets_nothing),
        cmocka_unit_test(a_drained_node_stays_so_under_a_new_leader),
        cmocka_unit_test(what_a_node_may_still_have_is_not_given_to_another),
        cmocka_unit_test(a_node_whose_workers_cannot_start_is_passed_over_and_tried_again_with_one),
        cmocka_unit_test(a_node_that_starts_slowly_keeps_its_share),
        cmocka_unit_test(what_a_report_says_is_unknown_when_it_is_old),
        cmocka_unit_test(a_late_report_makes_no_worker_younger),
        cmocka_unit_test(the_successor_is_the_highest_that_could_lead),
        cmocka_unit_test(a_new_leader_gives_every_known_node_ten_seconds),
        cmocka_unit_test(whoever_led_before_is_lost_when_it_has_not_reported_in_time),
        cmocka_unit_test(whoever_led_before_and_reports_is_not_missed),
        cmocka_unit_test(a_lost_node_is_forgotten_in_the_end_and_too_many_are_refused),
        cmocka_unit_test(a_node_that_is_lost_makes_room_for_one_that_is_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
