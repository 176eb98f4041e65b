#include "workers/unacked.h"

#include "clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define NOW_NS   INT64_C(1000000000000)
#define BATCH    50
#define DELAY_NS (5 * CLOCK_NS_PER_MS)
#define NO_ASIDE UINT64_MAX

static const struct scoreboard_fingerprint NO_EVENT;
static struct unacked unacked;
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

static int start(void **state)
{
    (void)state;
    memset(&unacked, 0x5a, sizeof unacked);
    unacked_init(&unacked, NULL, &slot);
    sent[0] = '\0';
    return 0;
}

static int forget(void **state)
{
    (void)state;
    unacked_forget(&unacked);
    return 0;
}

/* Events 1 to count are delivered, and for each a result is published: message n for event n. */
static void publish(uint64_t count)
{
    for (uint64_t tag = 1; tag <= count; tag++) {
        unacked_add(&unacked);
        assert_int_equal(unacked_published(&unacked, tag, NO_EVENT, NULL), 0);
    }
}

static void confirm(uint64_t message, bool multiple)
{
    unacked_confirmed(
        &unacked,
        &(struct broker_event){.type = BROKER_CONFIRMED, .tag = message, .multiple = multiple});
}

static int refuse(uint64_t message, bool multiple)
{
    const struct broker_event event = {.type = BROKER_NACKED, .tag = message, .multiple = multiple};

    return unacked_refused(&unacked, NULL, &event, NULL);
}

/* What goes to the broker, and when the worker is to come again. */
static void assert_acknowledged(uint64_t before_tag, bool hurry, int64_t now_ns,
                                const char *expected, int64_t again_ns)
{
    int64_t until_ns = 0;

    sent[0] = '\0';
    assert_int_equal(
        unacked_acknowledge(&unacked, NULL, before_tag, hurry, now_ns, &until_ns, NULL), 0);
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
    unacked_add(&unacked);
    assert_count(4);
    assert_int_equal(unacked_give_back(&unacked, NULL, 4, NULL), 0);
    assert_string_equal(sent, "requeue 4, ");
    assert_count(3);
    confirm(2, true);
    assert_acknowledged(NO_ASIDE, true, NOW_NS, "ack 2 and before, ", CLOCK_NEVER);
    assert_count(1);
    unacked_forget(&unacked);
    assert_count(0);
    assert_acknowledged(NO_ASIDE, true, NOW_NS, "", CLOCK_NEVER);
}

static void only_what_the_broker_has_confirmed_is_acknowledged(void **state)
{
    (void)state;
    publish(3);
    assert_acknowledged(NO_ASIDE, true, NOW_NS, "", CLOCK_NEVER);
    confirm(3, false);
    confirm(2, false);
    assert_acknowledged(NO_ASIDE, true, NOW_NS, "", CLOCK_NEVER);
    confirm(1, false);
    assert_acknowledged(NO_ASIDE, true, NOW_NS, "ack 3 and before, ", CLOCK_NEVER);
    assert_acknowledged(NO_ASIDE, true, NOW_NS, "", CLOCK_NEVER);
}

static void acknowledgements_gather_while_there_is_other_work(void **state)
{
    (void)state;
    publish(BATCH);
    confirm(1, false);
    assert_acknowledged(NO_ASIDE, false, NOW_NS, "", NOW_NS + DELAY_NS);
    confirm(BATCH - 1, true);
    assert_acknowledged(NO_ASIDE, false, NOW_NS + 1, "", NOW_NS + DELAY_NS);
    assert_acknowledged(NO_ASIDE, false, NOW_NS + DELAY_NS - 1, "", NOW_NS + DELAY_NS);
    assert_count(BATCH);
    confirm(BATCH, false);
    assert_acknowledged(NO_ASIDE, false, NOW_NS + 2, "ack 50 and before, ", CLOCK_NEVER);
    assert_count(0);
}

static void acknowledgements_wait_no_longer_than_five_milliseconds(void **state)
{
    (void)state;
    publish(3);
    confirm(1, false);
    assert_acknowledged(NO_ASIDE, false, NOW_NS, "", NOW_NS + DELAY_NS);
    confirm(2, false);
    assert_acknowledged(NO_ASIDE, false, NOW_NS + DELAY_NS, "ack 2 and before, ", CLOCK_NEVER);
    confirm(3, false);
    assert_acknowledged(NO_ASIDE, false, NOW_NS + DELAY_NS, "", NOW_NS + 2 * DELAY_NS);
    assert_acknowledged(NO_ASIDE, true, NOW_NS + DELAY_NS, "ack 3 and before, ", CLOCK_NEVER);
}

static void what_comes_after_an_event_set_aside_is_acknowledged_alone(void **state)
{
    (void)state;
    for (uint64_t tag = 1; tag <= 5; tag++) {
        unacked_add(&unacked);
        if (tag != 3)
            assert_int_equal(unacked_published(&unacked, tag, NO_EVENT, NULL), 0);
    }
    confirm(4, true);
    assert_acknowledged(3, true, NOW_NS, "ack 4, ack 5, ack 2 and before, ", CLOCK_NEVER);
    assert_count(1);
}

static void the_events_of_refused_results_go_back(void **state)
{
    (void)state;
    publish(4);
    assert_int_equal(refuse(2, false), 0);
    assert_string_equal(sent, "requeue 2, ");
    assert_count(3);
    confirm(1, false);
    confirm(3, false);
    /* The one that was given back is none of the acknowledged. */
    assert_acknowledged(NO_ASIDE, true, NOW_NS, "ack 3 and before, ", CLOCK_NEVER);
    assert_count(1);
}

static void a_refusal_of_several_is_of_all_before_that_are_open(void **state)
{
    (void)state;
    publish(5);
    confirm(1, false);
    assert_acknowledged(NO_ASIDE, true, NOW_NS, "ack 1 and before, ", CLOCK_NEVER);
    confirm(3, false);
    sent[0] = '\0';
    assert_int_equal(refuse(4, true), 0);
    assert_string_equal(sent, "requeue 2, requeue 4, ");
    assert_count(2);
}

static void a_refused_message_that_answers_no_event_is_an_error(void **state)
{
    struct why why;
    const struct broker_event event = {.type = BROKER_NACKED, .tag = 2};

    (void)state;
    publish(1);
    assert_int_equal(unacked_published(&unacked, 0, NO_EVENT, NULL), 0);
    assert_int_equal(unacked_refused(&unacked, NULL, &event, &why), -ERR_UNAVAILABLE);
    assert_non_null(strstr(why.text, "dead message"));
    assert_string_equal(sent, "");
}

#define claim(name) cmocka_unit_test_setup_teardown(name, start, forget)

int main(void)
{
    const struct CMUnitTest tests[] = {
        claim(what_is_delivered_counts_until_it_is_acknowledged_or_given_back),
        claim(only_what_the_broker_has_confirmed_is_acknowledged),
        claim(acknowledgements_gather_while_there_is_other_work),
        claim(acknowledgements_wait_no_longer_than_five_milliseconds),
        claim(what_comes_after_an_event_set_aside_is_acknowledged_alone),
        claim(the_events_of_refused_results_go_back),
        claim(a_refusal_of_several_is_of_all_before_that_are_open),
        claim(a_refused_message_that_answers_no_event_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
