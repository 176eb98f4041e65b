#include "workers/unacked.h"

#include "clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NOW_NS   INT64_C(1000000000000)
#define BATCH    50
#define DELAY_NS (5 * CLOCK_NS_PER_MS)

static struct unacked unacked;
static struct scoreboard *board;
static struct scoreboard_slot slot;
static char sent[256]; /* what went to the broker: "ack 3, requeue 4, " */

/* In place of those of the library: they only note what they were told. */
static int note(const char *what, uint64_t tag, bool multiple)
{
    size_t length = strlen(sent);

    snprintf(sent + length, sizeof sent - length, "%s %llu%s, ", what, (unsigned long long)tag,
             multiple ? " and before" : "");
    return 0;
}

int broker_ack(struct broker *broker, uint64_t delivery_tag, bool multiple, struct why *why)
{
    (void)broker;
    (void)why;
    return note("ack", delivery_tag, multiple);
}

int broker_requeue(struct broker *broker, uint64_t delivery_tag, bool multiple, struct why *why)
{
    (void)broker;
    (void)why;
    return note("requeue", delivery_tag, multiple);
}

int broker_reject(struct broker *broker, uint64_t delivery_tag, struct why *why)
{
    (void)broker;
    (void)why;
    return note("reject", delivery_tag, false);
}

static int start(void **state)
{
    (void)state;
    if (scoreboard_create(1, 3, CLOCK_NS_PER_S, &board, NULL))
        return -1;
    memset(&unacked, 0x5a, sizeof unacked);
    unacked_init(&unacked, board, &slot);
    sent[0] = '\0';
    return 0;
}

static int forget(void **state)
{
    (void)state;
    unacked_forget(&unacked);
    scoreboard_close(board);
    return 0;
}

static struct scoreboard_fingerprint event_of(uint64_t tag)
{
    return (struct scoreboard_fingerprint){tag, tag << 32 | 1};
}

/* An event is delivered. */
static struct delivery *deliver(uint64_t tag)
{
    struct delivery *delivery = calloc(1, sizeof *delivery);

    assert_non_null(delivery);
    delivery->tag = tag;
    delivery->fingerprint = event_of(tag);
    unacked_add(&unacked, tag);
    return delivery;
}

static void answer(struct delivery *delivery)
{
    assert_int_equal(unacked_published(&unacked, delivery, NULL), 0);
}

static void answer_without(struct delivery *delivery, enum answer how)
{
    assert_int_equal(unacked_answered(&unacked, NULL, delivery, how, NOW_NS, NULL), 0);
}

/* Events 1 to count are delivered, and for each a result is published: message n for event n. */
static void publish(uint64_t count)
{
    for (uint64_t tag = 1; tag <= count; tag++)
        answer(deliver(tag));
}

static void confirm(uint64_t message, bool multiple)
{
    unacked_confirmed(
        &unacked,
        &(struct broker_event){.type = BROKER_CONFIRMED, .tag = message, .multiple = multiple});
}

/* The next event whose answer was refused; *sequence is its message. */
static struct delivery *refuse(uint64_t message, bool multiple, uint64_t *sequence)
{
    const struct broker_event event = {.type = BROKER_NACKED, .tag = message, .multiple = multiple};

    return unacked_refused(&unacked, &event, sequence);
}

static struct delivery *refuse_one(uint64_t message)
{
    uint64_t sequence = 0;
    struct delivery *refused = refuse(message, false, &sequence);

    assert_non_null(refused);
    assert_int_equal(sequence, message);
    assert_null(refuse(message, false, &sequence));
    return refused;
}

static void give_back(struct delivery *delivery)
{
    assert_int_equal(unacked_give_back(&unacked, NULL, delivery, NULL), 0);
    delivery_free(delivery);
}

/* What goes to the broker, and when the worker is to come again. */
static void assert_acknowledged(bool hurry, int64_t now_ns, const char *expected, int64_t again_ns)
{
    int64_t until_ns = 0;

    sent[0] = '\0';
    assert_int_equal(unacked_acknowledge(&unacked, NULL, hurry, now_ns, &until_ns, NULL), 0);
    assert_string_equal(sent, expected);
    assert_true(until_ns == again_ns);
}

static void assert_count(size_t count)
{
    assert_int_equal(unacked.count, count);
    assert_int_equal(slot.in_flight_msgs, count);
}

static void what_is_delivered_counts_until_it_is_acknowledged_or_given_back(void **state)
{
    (void)state;
    publish(3);
    struct delivery *fourth = deliver(4);
    assert_count(4);
    give_back(fourth);
    assert_string_equal(sent, "requeue 4, ");
    assert_count(3);
    confirm(2, true);
    assert_acknowledged(true, NOW_NS, "ack 2 and before, ", CLOCK_NEVER);
    assert_count(1);
    unacked_forget(&unacked);
    assert_count(0);
    assert_acknowledged(true, NOW_NS, "", CLOCK_NEVER);
}

static void only_what_the_broker_has_confirmed_is_acknowledged(void **state)
{
    (void)state;
    publish(3);
    assert_acknowledged(true, NOW_NS, "", CLOCK_NEVER);
    confirm(3, false);
    confirm(2, false);
    assert_acknowledged(true, NOW_NS, "", CLOCK_NEVER);
    confirm(1, false);
    assert_acknowledged(true, NOW_NS, "ack 3 and before, ", CLOCK_NEVER);
    assert_acknowledged(true, NOW_NS, "", CLOCK_NEVER);
}

static void acknowledgements_gather_while_there_is_other_work(void **state)
{
    (void)state;
    publish(BATCH);
    confirm(1, false);
    assert_acknowledged(false, NOW_NS, "", NOW_NS + DELAY_NS);
    confirm(BATCH - 1, true);
    assert_acknowledged(false, NOW_NS + 1, "", NOW_NS + DELAY_NS);
    assert_acknowledged(false, NOW_NS + DELAY_NS - 1, "", NOW_NS + DELAY_NS);
    assert_count(BATCH);
    confirm(BATCH, false);
    assert_acknowledged(false, NOW_NS + 2, "ack 50 and before, ", CLOCK_NEVER);
    assert_count(0);
}

static void acknowledgements_wait_no_longer_than_five_milliseconds(void **state)
{
    (void)state;
    publish(3);
    confirm(1, false);
    assert_acknowledged(false, NOW_NS, "", NOW_NS + DELAY_NS);
    confirm(2, false);
    assert_acknowledged(false, NOW_NS + DELAY_NS, "ack 2 and before, ", CLOCK_NEVER);
    confirm(3, false);
    assert_acknowledged(false, NOW_NS + DELAY_NS, "", NOW_NS + 2 * DELAY_NS);
    assert_acknowledged(true, NOW_NS + DELAY_NS, "ack 3 and before, ", CLOCK_NEVER);
}

/* ---- left out of the order ---- */

static void what_comes_after_an_event_left_out_is_acknowledged_alone(void **state)
{
    struct delivery *third = NULL;

    (void)state;
    for (uint64_t tag = 1; tag <= 5; tag++)
        if (tag == 3)
            unacked_leave_out(&unacked, third = deliver(tag));
        else
            answer(deliver(tag));
    confirm(4, true);
    assert_acknowledged(true, NOW_NS, "ack 4, ack 5, ack 2 and before, ", CLOCK_NEVER);
    assert_count(1);
    give_back(third);
    answer(deliver(6));
    confirm(5, false);
    assert_acknowledged(true, NOW_NS, "ack 6 and before, ", CLOCK_NEVER);
    assert_count(0);
}

static void nobody_waits_for_a_refused_answer(void **state)
{
    (void)state;
    publish(4);
    struct delivery *second = refuse_one(2);
    confirm(1, false);
    confirm(3, false);
    assert_acknowledged(true, NOW_NS, "ack 3, ack 1 and before, ", CLOCK_NEVER);
    assert_count(2);
    answer(second);
    confirm(4, false);
    assert_acknowledged(true, NOW_NS, "ack 4, ", CLOCK_NEVER);
    /* Its answer was published again, and now it is taken. */
    confirm(5, false);
    assert_acknowledged(true, NOW_NS, "ack 2, ", CLOCK_NEVER);
    assert_count(0);
    answer(deliver(5));
    answer(deliver(6));
    confirm(7, true);
    assert_acknowledged(true, NOW_NS, "ack 6 and before, ", CLOCK_NEVER);
}

static void an_answer_may_be_refused_more_than_once(void **state)
{
    (void)state;
    publish(2);
    answer(refuse_one(1));
    answer(refuse_one(3));
    confirm(2, false);
    assert_acknowledged(true, NOW_NS, "ack 2, ", CLOCK_NEVER);
    assert_int_equal(unacked.left_out, 1);
    give_back(refuse_one(4));
    assert_int_equal(unacked.left_out, 0);
    assert_count(0);
}

static void what_is_gathered_stays_right_when_a_later_answer_is_refused(void **state)
{
    (void)state;
    publish(4);
    confirm(2, true);
    assert_acknowledged(false, NOW_NS, "", NOW_NS + DELAY_NS);
    struct delivery *third = refuse_one(3);
    confirm(4, false);
    assert_acknowledged(true, NOW_NS, "ack 4, ack 2 and before, ", CLOCK_NEVER);
    answer(third);
    confirm(5, false);
    assert_acknowledged(true, NOW_NS, "ack 3, ", CLOCK_NEVER);
}

static void a_refusal_of_several_is_of_all_before_that_are_open(void **state)
{
    uint64_t sequence = 0;

    (void)state;
    publish(5);
    confirm(1, false);
    assert_acknowledged(true, NOW_NS, "ack 1 and before, ", CLOCK_NEVER);
    confirm(3, false);
    give_back(refuse(4, true, &sequence));
    give_back(refuse(4, true, &sequence));
    assert_null(refuse(4, true, &sequence));
    assert_string_equal(strstr(sent, "requeue"), "requeue 2, requeue 4, ");
    assert_count(2);
}

static void a_refused_message_that_answers_no_event_is_not_waited_for(void **state)
{
    uint64_t sequence = 0;

    (void)state;
    answer(NULL);
    publish(1);
    confirm(2, false);
    assert_acknowledged(true, NOW_NS, "", CLOCK_NEVER);
    assert_null(refuse(1, false, &sequence));
    assert_acknowledged(true, NOW_NS, "ack 1 and before, ", CLOCK_NEVER);
}

static void a_returned_answer_is_replaced_and_its_confirm_means_nothing(void **state)
{
    (void)state;
    publish(3);
    struct delivery *second = unacked_returned(&unacked, 2);
    assert_int_equal(second->tag, 2);
    answer(second);
    confirm(3, true);
    assert_acknowledged(true, NOW_NS, "ack 3, ack 1 and before, ", CLOCK_NEVER);
    confirm(4, false);
    assert_acknowledged(true, NOW_NS, "ack 2, ", CLOCK_NEVER);
    assert_count(0);
}

static void only_what_the_present_consumer_delivered_fills_its_prefetch(void **state)
{
    (void)state;
    publish(2);
    struct delivery *first = refuse_one(1), *second = refuse_one(2);
    assert_int_equal(unacked.left_out_now, 2);
    give_back(first);
    assert_int_equal(unacked.left_out_now, 1);
    unacked_consumer_began(&unacked);
    assert_int_equal(unacked.left_out_now, 0);
    struct delivery *third = deliver(3);
    unacked_leave_out(&unacked, third);
    unacked_leave_out(&unacked, third);
    assert_int_equal(unacked.left_out_now, 1);
    give_back(second);
    assert_int_equal(unacked.left_out_now, 1);
    assert_int_equal(unacked.left_out, 1);
    give_back(third);
    assert_int_equal(unacked.left_out_now, 0);
}

static void nothing_is_left_out_on_a_new_connection(void **state)
{
    (void)state;
    publish(3);
    delivery_free(refuse_one(2));
    unacked_forget(&unacked);
    assert_count(0);
    publish(3);
    confirm(3, true);
    assert_acknowledged(true, NOW_NS, "ack 3 and before, ", CLOCK_NEVER);
}

#define claim(name) cmocka_unit_test_setup_teardown(name, start, forget)

static bool is_suspect(uint64_t tag)
{
    return scoreboard_look_up(board, event_of(tag)).suspect;
}

static void an_event_is_forgiven_when_its_answer_is_confirmed_and_not_before(void **state)
{
    (void)state;
    for (uint64_t tag = 1; tag <= 5; tag++)
        scoreboard_suspect(board, event_of(tag));
    publish(5);
    give_back(refuse_one(4));
    assert_true(is_suspect(1) && is_suspect(2) && is_suspect(4));
    confirm(2, false);
    assert_true(is_suspect(1) && !is_suspect(2));
    confirm(4, true);
    assert_true(!is_suspect(1) && !is_suspect(3) && is_suspect(4) && is_suspect(5));
}

static void it_is_quiet_when_all_is_confirmed_and_acknowledged(void **state)
{
    (void)state;
    assert_true(unacked_is_quiet(&unacked));
    publish(2);
    assert_false(unacked_is_quiet(&unacked));
    confirm(2, true);
    assert_acknowledged(false, NOW_NS, "", NOW_NS + DELAY_NS);
    assert_false(unacked_is_quiet(&unacked));
    assert_acknowledged(true, NOW_NS, "ack 2 and before, ", CLOCK_NEVER);
    assert_true(unacked_is_quiet(&unacked));
    /* What waits to be answered, or answered again, is not on its way. */
    answer(deliver(3));
    struct delivery *refused = refuse_one(3);
    assert_acknowledged(true, NOW_NS, "", CLOCK_NEVER);
    assert_true(unacked_is_quiet(&unacked));
    give_back(refused);
}

static void what_is_answered_to_nobody_is_acknowledged_with_others(void **state)
{
    (void)state;
    for (uint64_t tag = 1; tag <= 3; tag++)
        answer_without(deliver(tag), ANSWER_NOWHERE);
    assert_string_equal(sent, "");
    assert_count(3);
    assert_acknowledged(false, NOW_NS, "", NOW_NS + DELAY_NS);
    assert_acknowledged(true, NOW_NS, "ack 3 and before, ", CLOCK_NEVER);
    assert_count(0);
}

static void what_is_answered_to_nobody_takes_none_before_it_along(void **state)
{
    (void)state;
    publish(2);
    answer_without(deliver(3), ANSWER_NOWHERE);
    assert_string_equal(sent, "ack 3, ");
    assert_count(2);
    answer(deliver(4));
    confirm(3, true);
    assert_acknowledged(true, NOW_NS, "ack 4 and before, ", CLOCK_NEVER);
    assert_count(0);
}

static void what_is_left_out_is_acknowledged_alone_though_nobody_is_answered(void **state)
{
    (void)state;
    struct delivery *first = deliver(1);
    unacked_leave_out(&unacked, first);
    answer_without(deliver(2), ANSWER_NOWHERE);
    assert_string_equal(sent, "ack 2, ");
    answer_without(first, ANSWER_NOWHERE);
    assert_string_equal(sent, "ack 2, ack 1, ");
    assert_count(0);
    assert_int_equal(unacked.left_out, 0);
}

static void a_dead_event_is_rejected_alone_and_forgiven(void **state)
{
    (void)state;
    answer_without(deliver(1), ANSWER_NOWHERE);
    scoreboard_suspect(board, event_of(2));
    answer_without(deliver(2), ANSWER_REJECT);
    assert_string_equal(sent, "reject 2, ");
    assert_count(1);
    assert_false(is_suspect(2));
    assert_acknowledged(true, NOW_NS, "ack 1 and before, ", CLOCK_NEVER);
    assert_count(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        claim(what_is_delivered_counts_until_it_is_acknowledged_or_given_back),
        claim(only_what_the_broker_has_confirmed_is_acknowledged),
        claim(acknowledgements_gather_while_there_is_other_work),
        claim(acknowledgements_wait_no_longer_than_five_milliseconds),
        claim(what_comes_after_an_event_left_out_is_acknowledged_alone),
        claim(nobody_waits_for_a_refused_answer),
        claim(an_answer_may_be_refused_more_than_once),
        claim(what_is_gathered_stays_right_when_a_later_answer_is_refused),
        claim(a_refusal_of_several_is_of_all_before_that_are_open),
        claim(a_refused_message_that_answers_no_event_is_not_waited_for),
        claim(a_returned_answer_is_replaced_and_its_confirm_means_nothing),
        claim(only_what_the_present_consumer_delivered_fills_its_prefetch),
        claim(nothing_is_left_out_on_a_new_connection),
        claim(an_event_is_forgiven_when_its_answer_is_confirmed_and_not_before),
        claim(it_is_quiet_when_all_is_confirmed_and_acknowledged),
        claim(what_is_answered_to_nobody_is_acknowledged_with_others),
        claim(what_is_answered_to_nobody_takes_none_before_it_along),
        claim(what_is_left_out_is_acknowledged_alone_though_nobody_is_answered),
        claim(a_dead_event_is_rejected_alone_and_forgiven),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
