#include "autoscaler/leader/election.h"

#include "autoscaler/node/fence.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define MS      INT64_C(1000000)
#define SEC     INT64_C(1000000000)
#define WALL_MS INT64_C(1800000000000)

/* One candidate, and what it publishes. */
static struct election election;
static int64_t now_ns, wall_ms;
static uint64_t last_tag;
static struct token_message last_claim, last_knock;
static int claims, knocks, yields, renewals;

static void step(void)
{
    struct token_message message;

    for (;;) {
        enum election_action action = election_step(&election, now_ns, wall_ms, &message);
        if (action == ELECTION_NOTHING)
            break;
        if (action == ELECTION_YIELD) {
            yields++;
        } else if (action == ELECTION_ANEW) {
            renewals++;
        } else if (message.kind == TOKEN_CLAIM) {
            claims++;
            last_claim = message;
        } else {
            knocks++;
            last_knock = message;
        }
    }
    assert_true(election_due_ns(&election, now_ns) > now_ns);
}

static void pass(int64_t span_ns)
{
    now_ns += span_ns;
    wall_ms += span_ns / MS;
    step();
}

/* A delivery; returns which message is acknowledged for it. */
static uint64_t deliver(const struct token_message *message, bool redelivered)
{
    uint64_t tag = election_deliver(&election, message, ++last_tag, redelivered, now_ns);

    step();
    return tag;
}

static struct token_message token_of(const char *owner, int64_t epoch)
{
    struct token_message message = {.kind = TOKEN_CLAIM, .epoch = epoch};

    snprintf(message.owner, sizeof message.owner, "%s", owner);
    return message;
}

static uint64_t deliver_from(const char *owner, int64_t epoch)
{
    struct token_message message = token_of(owner, epoch);

    return deliver(&message, false);
}

static bool leads(void)
{
    return election_leads(&election, now_ns, NULL);
}

static void enter(void)
{
    election_enter(&election, now_ns);
    last_tag = 0;
    step();
}

static void stand(const char *name, int64_t rank)
{
    election_init(&election, &(struct election_self){"me", name, rank});
    now_ns = SEC;
    wall_ms = WALL_MS;
    claims = knocks = yields = renewals = 0;
    enter();
}

/* It stands, was handed its knock, and has claimed. */
static void claim(void)
{
    stand("b", 0);
    assert_int_equal(deliver(&last_knock, false), 1);
    assert_int_equal(claims, 1);
}

static void lead(void)
{
    claim();
    assert_int_equal(deliver(&last_claim, false), 0);
    assert_true(leads());
}

static void it_leads_once_its_own_token_is_delivered(void **state)
{
    int64_t epoch = 0;
    (void)state;

    stand("b", 0);
    pass(3 * SEC);
    assert_int_equal(claims, 0);
    deliver(&last_knock, false);
    assert_int_equal(claims, 1);
    assert_string_equal(last_claim.owner, "me");
    assert_false(leads());
    pass(SEC);
    assert_int_equal(claims, 1);
    assert_false(election_leads(&election, now_ns, &epoch));
    assert_true(epoch == 0);
    deliver(&last_claim, false);
    assert_true(election_leads(&election, now_ns, &epoch));
    assert_true(epoch == last_claim.epoch);
}

static void the_lease_counts_from_the_publication(void **state)
{
    (void)state;

    claim();
    struct token_message first = last_claim;
    pass(ELECTION_LEASE_NS - MS);
    deliver(&first, false);
    assert_true(leads());
    pass(MS);
    assert_false(leads());

    claim();
    first = last_claim;
    pass(ELECTION_LEASE_NS);
    deliver(&first, false);
    assert_false(leads());
}

static void it_renews_as_long_as_its_tokens_come_back(void **state)
{
    int64_t epoch = 0, before;
    (void)state;

    lead();
    for (int i = 2; i < 50; i++) {
        before = last_claim.epoch;
        pass(ELECTION_RENEW_NS - MS);
        assert_int_equal(claims, i - 1);
        pass(MS);
        assert_int_equal(claims, i);
        assert_true(last_claim.epoch > before);
        assert_true(election_leads(&election, now_ns, &epoch) && epoch == before);
        deliver(&last_claim, false);
        assert_true(election_leads(&election, now_ns, &epoch) && epoch == last_claim.epoch);
    }
    assert_int_equal(knocks, 1);
    pass(ELECTION_LEASE_NS);
    assert_false(leads());
}

static void what_is_delivered_again_makes_no_leader(void **state)
{
    (void)state;

    claim();
    deliver(&last_claim, true);
    assert_false(leads());

    claim();
    struct token_message before = last_claim;
    election_leave(&election);
    enter();
    deliver(&before, false);
    assert_false(leads());
    assert_int_equal(claims, 2);
    assert_true(last_claim.epoch > before.epoch);
    deliver(&last_claim, false);
    assert_true(leads());
}

static void a_connection_that_ends_takes_the_leadership_with_it(void **state)
{
    (void)state;

    lead();
    election_leave(&election);
    assert_false(leads());
    pass(60 * SEC);
    assert_true(claims == 1 && knocks == 1);
    assert_true(election_due_ns(&election, now_ns) == INT64_MAX);
    enter();
    assert_false(leads());
    assert_int_equal(knocks, 2);
    assert_int_equal(claims, 1);
}

static void epochs_rise_and_are_its_own(void **state)
{
    (void)state;

    claim();
    int64_t first = last_claim.epoch;
    assert_in_range(first, WALL_MS * 1000, WALL_MS * 1000 + 999);

    /* Whatever it has heard of. */
    election_hear(&election, first + 5000000);
    step();
    assert_in_range(last_claim.epoch, first + 5000001, first + 5001001);
    assert_true(last_claim.epoch % 1000 == first % 1000);

    /* Whatever it has published, however its clock is set, and on whatever connection. */
    int64_t newest = last_claim.epoch;
    wall_ms = 0;
    election_leave(&election);
    enter();
    deliver(NULL, false);
    assert_true(last_claim.epoch == newest + 1000);

    /* Nobody else has the same, whatever both have heard. */
    struct election other;
    struct token_message message;
    election_init(&other, &(struct election_self){"you", "b", 0});
    election_hear(&other, newest);
    election_enter(&other, now_ns);
    assert_int_equal(election_step(&other, now_ns, wall_ms, &message), ELECTION_PUBLISH);
    election_deliver(&other, NULL, 1, false, now_ns);
    assert_int_equal(election_step(&other, now_ns, wall_ms, &message), ELECTION_PUBLISH);
    assert_true(message.kind == TOKEN_CLAIM && message.epoch > newest);
    assert_true(message.epoch != last_claim.epoch);
}

static void clocks_that_are_far_off_end_nothing(void **state)
{
    static const int64_t walls_ms[] = {0, -1, INT64_MIN, INT64_MAX, INT64_C(9007199254740)};
    (void)state;

    for (size_t i = 0; i < sizeof walls_ms / sizeof walls_ms[0]; i++) {
        stand("b", 0);
        wall_ms = walls_ms[i];
        deliver(&last_knock, false);
        assert_int_equal(claims, 1);
        assert_in_range(last_claim.epoch, 1, TOKEN_EPOCH_MAX);
        deliver(&last_claim, false);
        assert_true(leads());
    }
}

static void no_epoch_is_beyond_the_greatest(void **state)
{
    (void)state;

    lead();
    election_hear(&election, TOKEN_EPOCH_MAX - 1000);
    step();
    assert_true(claims == 2 && last_claim.epoch <= TOKEN_EPOCH_MAX);
    election_hear(&election, TOKEN_EPOCH_MAX);
    pass(10 * SEC);
    deliver(&last_knock, false);
    assert_int_equal(claims, 2);
    assert_false(leads());
}

static void the_newest_token_is_held(void **state)
{
    (void)state;

    stand("b", 0);
    assert_int_equal(deliver_from("other", 50), 0);
    assert_int_equal(deliver(&last_knock, false), 2);
    assert_int_equal(deliver(NULL, false), 3);
    assert_int_equal(deliver_from("other", 40), 4);
    assert_int_equal(deliver_from("third", 60), 1);
    assert_int_equal(deliver_from("third", 60), 5);
    assert_int_equal(deliver(&last_claim, false), 6);
    assert_true(leads());
    pass(2 * SEC);
    assert_int_equal(deliver(&last_claim, false), 7);
}

static void a_token_behind_a_successors_makes_no_leader(void **state)
{
    (void)state;

    claim();
    struct token_message own = last_claim;
    deliver_from("successor", own.epoch + 10);
    assert_int_equal(claims, 2);
    deliver(&own, false);
    assert_false(leads());
    deliver(&last_claim, false);
    assert_true(leads());

    /* An equal one does not either. */
    claim();
    own = last_claim;
    deliver_from("successor", own.epoch);
    deliver(&own, false);
    assert_false(leads());
}

static void a_greater_epoch_ends_it(void **state)
{
    struct order_stamp stamp;
    int64_t more;
    (void)state;

    for (int i = 0; i < 5; i++) {
        lead();
        more = last_claim.epoch + 1;
        election_hear(&election, more - 1);
        election_hear_order(&election, more - 1, now_ns);
        assert_true(leads());
        if (i == 0)
            election_hear(&election, more);
        else if (i == 1)
            election_hear_order(&election, more, now_ns);
        else if (i == 2)
            election_hear_refusal(&election, (struct order_stamp){more, 1});
        else if (i == 3)
            deliver_from("other", more);
        else
            deliver(&(struct token_message){TOKEN_KNOCK, more, "other"}, false);
        assert_false(leads());
        assert_false(election_stamp(&election, now_ns, &stamp));
        deliver(NULL, false);
        assert_int_equal(claims, 2);
        deliver(&last_claim, false);
        assert_true(leads());
    }
}

static void orders_are_numbered_and_refused_to_who_does_not_lead(void **state)
{
    struct order_stamp first, next;
    (void)state;

    claim();
    assert_false(election_stamp(&election, now_ns, &first));
    deliver(&last_claim, false);
    assert_true(election_stamp(&election, now_ns, &first));
    assert_true(first.epoch == last_claim.epoch && first.sequence == 1);
    assert_true(election_stamp(&election, now_ns, &next));
    assert_true(next.epoch == first.epoch && next.sequence == 2);
    /* Orders that overtake each other are refused as well, and mean nothing. */
    election_hear_refusal(&election, next);
    assert_true(leads());
    /* But nobody else can have given more of them under its own epoch. */
    election_hear_refusal(&election, (struct order_stamp){first.epoch, 3});
    assert_false(leads());
    step();
    deliver(&last_claim, false);
    assert_true(leads());
}

static void it_knocks_when_it_enters_and_in_silence(void **state)
{
    (void)state;

    stand("b", 0);
    assert_true(knocks == 1 && last_knock.epoch == 0);
    pass(ELECTION_SILENCE_NS - MS);
    assert_int_equal(knocks, 1);
    pass(MS);
    assert_int_equal(knocks, 2);
    pass(SEC);
    election_hear_order(&election, 77, now_ns);
    pass(ELECTION_SILENCE_NS - MS);
    assert_int_equal(knocks, 2);
    pass(MS);
    assert_true(knocks == 3 && last_knock.epoch == 77);
    /* Orders of one who was succeeded break no silence. */
    pass(SEC);
    election_hear_order(&election, 76, now_ns);
    pass(SEC);
    assert_int_equal(knocks, 4);
}

static void whoever_is_handed_nothing_claims_no_more(void **state)
{
    (void)state;

    lead();
    pass(ELECTION_LEASE_NS);
    int before = claims;
    pass(10 * SEC);
    assert_int_equal(claims, before);
    deliver(&last_knock, false);
    assert_int_equal(claims, before + 1);
}

static void whoever_hears_another_give_orders_claims_no_more(void **state)
{
    (void)state;

    lead();
    int64_t epoch = last_claim.epoch + 1;
    for (int i = 0; i < 10; i++) {
        election_hear_order(&election, epoch + i, now_ns);
        pass(SEC);
    }
    assert_false(leads());
    assert_int_equal(claims, 1);
    pass(ELECTION_SILENCE_NS);
    assert_int_equal(claims, 1);
    deliver(&last_knock, false);
    assert_int_equal(claims, 2);
    /* Its own, and those of one that it succeeded, are nobody's who leads. */
    election_hear_order(&election, last_claim.epoch, now_ns);
    election_hear_order(&election, epoch, now_ns);
    pass(ELECTION_RENEW_NS);
    assert_int_equal(claims, 3);
}

static void whoever_is_forgotten_enters_anew(void **state)
{
    (void)state;

    stand("b", 0);
    pass(ELECTION_FORGOTTEN_NS - MS);
    assert_int_equal(renewals, 0);
    pass(2 * SEC);
    assert_int_equal(renewals, 1);
    assert_true(election_due_ns(&election, now_ns) == INT64_MAX);

    /* Orders are a sign that another is served, and what is delivered that it is served itself. */
    stand("b", 0);
    for (int i = 0; i < 100; i++) {
        pass(SEC);
        election_hear_order(&election, 5, now_ns);
    }
    assert_true(renewals == 0 && knocks == 1);
    pass(ELECTION_FORGOTTEN_NS - MS);
    deliver(&last_knock, false);
    pass(ELECTION_FORGOTTEN_NS - MS);
    assert_int_equal(renewals, 0);
    pass(2 * SEC);
    assert_int_equal(renewals, 1);
}

static void it_makes_way_for_a_higher_rank(void **state)
{
    (void)state;

    stand("b", 5);
    election_hear_candidate(&election, "c", 4, now_ns);
    election_hear_candidate(&election, "a", 5, now_ns);
    election_hear_candidate(&election, "b", 5, now_ns);
    deliver(&last_knock, false);
    assert_true(claims == 1 && yields == 0);

    for (int i = 0; i < 2; i++) {
        stand("b", 5);
        election_hear_candidate(&election, i ? "c" : "a", i ? 5 : 6, now_ns);
        pass(ELECTION_REPORT_NS - MS);
        assert_int_equal(yields, 0);
        deliver(&last_knock, false);
        assert_true(claims == 0 && yields == 1);
        assert_true(election_due_ns(&election, now_ns) == INT64_MAX);
    }
}

static void it_makes_way_seldom_and_not_while_it_leads(void **state)
{
    (void)state;

    lead();
    election_hear_candidate(&election, "c", 9, now_ns);
    step();
    assert_true(leads() && yields == 0);
    election_hear(&election, last_claim.epoch + 1);
    step();
    assert_int_equal(yields, 1);
    int64_t yielded_ns = now_ns;

    /* The other is not handed anything: then it leads all the same. */
    enter();
    deliver(&last_knock, false);
    deliver(&last_claim, false);
    assert_true(leads() && yields == 1);
    now_ns = yielded_ns + ELECTION_YIELD_NS;
    election_hear_candidate(&election, "c", 9, now_ns);
    deliver(&last_knock, false);
    assert_int_equal(yields, 2);

    /* A report that is old tells nothing. */
    stand("b", 0);
    election_hear_candidate(&election, "c", 9, now_ns);
    pass(ELECTION_REPORT_NS);
    deliver(&last_knock, false);
    assert_true(yields == 0 && claims == 1);
}

static void a_node_takes_only_what_is_newer(void **state)
{
    static const struct {
        struct order_stamp stamp;
        bool taken;
    } orders[] = {
        {{0, 0}, false},
        {{5, 1}, true},
        {{5, 1}, false},
        {{5, 3}, true},
        {{5, 2}, false},
        {{4, 9}, false},
        {{6, 1}, true},
        {{5, 4}, false},
        {{6, 1}, false},
        {{6, 2}, true},
        {{TOKEN_EPOCH_MAX, 1}, true},
        {{7, INT64_MAX}, false},
    };
    struct fence fence = {0};
    (void)state;

    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
        struct order_stamp before = fence.last;
        assert_int_equal(fence_admit(&fence, orders[i].stamp), orders[i].taken);
        const struct order_stamp *last = orders[i].taken ? &orders[i].stamp : &before;
        assert_true(fence.last.epoch == last->epoch && fence.last.sequence == last->sequence);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_leads_once_its_own_token_is_delivered),
        cmocka_unit_test(the_lease_counts_from_the_publication),
        cmocka_unit_test(it_renews_as_long_as_its_tokens_come_back),
        cmocka_unit_test(what_is_delivered_again_makes_no_leader),
        cmocka_unit_test(a_connection_that_ends_takes_the_leadership_with_it),
        cmocka_unit_test(epochs_rise_and_are_its_own),
        cmocka_unit_test(clocks_that_are_far_off_end_nothing),
        cmocka_unit_test(no_epoch_is_beyond_the_greatest),
        cmocka_unit_test(the_newest_token_is_held),
        cmocka_unit_test(a_token_behind_a_successors_makes_no_leader),
        cmocka_unit_test(a_greater_epoch_ends_it),
        cmocka_unit_test(orders_are_numbered_and_refused_to_who_does_not_lead),
        cmocka_unit_test(it_knocks_when_it_enters_and_in_silence),
        cmocka_unit_test(whoever_is_handed_nothing_claims_no_more),
        cmocka_unit_test(whoever_hears_another_give_orders_claims_no_more),
        cmocka_unit_test(whoever_is_forgotten_enters_anew),
        cmocka_unit_test(it_makes_way_for_a_higher_rank),
        cmocka_unit_test(it_makes_way_seldom_and_not_while_it_leads),
        cmocka_unit_test(a_node_takes_only_what_is_newer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
