/* What a worker copies from an event into what it publishes, and what it adds. */
#include "workers/reply.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define FRAME_BYTES 131000

static const struct reply reply = {.worker = "host/7", .limit_bytes = FRAME_BYTES};
static struct broker_properties *properties;

/* An event with properties of every kind. */
static int open_event(void **state)
{
    (void)state;
    properties = broker_properties_open();
    if (!properties)
        return -1;
    for (int i = BROKER_CONTENT_TYPE; i <= BROKER_USER_ID; i++)
        if (i != BROKER_CORRELATION_ID)
            broker_properties_set(properties, (enum broker_property)i, broker_text("theirs"));
    return 0;
}

static int close_event(void **state)
{
    (void)state;
    broker_properties_close(properties);
    return 0;
}

static void add_header(const char *name)
{
    assert_int_equal(broker_headers_add_text(properties, name, broker_text("theirs")), 0);
}

static void assert_property(enum broker_property property, const char *expected)
{
    struct broker_bytes found = broker_properties_get(properties, property);

    if (!expected) {
        assert_null(found.bytes);
        return;
    }
    assert_int_equal(found.length, strlen(expected));
    assert_memory_equal(found.bytes, expected, found.length);
}

static void a_result_has_the_events_properties_but_what_is_for_it_alone(void **state)
{
    (void)state;
    assert_int_equal(reply_result(properties, &reply, &(struct job_result){0}), 0);
    assert_property(BROKER_CONTENT_TYPE, "theirs");
    assert_property(BROKER_CONTENT_ENCODING, "theirs");
    assert_property(BROKER_MESSAGE_ID, "theirs");
    assert_property(BROKER_TYPE, "theirs");
    assert_property(BROKER_REPLY_TO, NULL);
    assert_property(BROKER_EXPIRATION, NULL);
    assert_property(BROKER_USER_ID, NULL);
}

static void a_result_tells_whose_answer_it_is(void **state)
{
    (void)state;
    assert_int_equal(reply_result(properties, &reply, &(struct job_result){0}), 0);
    assert_property(BROKER_CORRELATION_ID, "theirs"); /* the message_id */
    broker_properties_set(properties, BROKER_CORRELATION_ID, broker_text("own"));
    assert_int_equal(reply_result(properties, &reply, &(struct job_result){0}), 0);
    assert_property(BROKER_CORRELATION_ID, "own");
}

static void a_dead_event_keeps_where_its_answer_was_to_go(void **state)
{
    (void)state;
    assert_int_equal(reply_dead(properties, &reply, "why"), 0);
    assert_property(BROKER_REPLY_TO, "theirs");
    assert_property(BROKER_CORRELATION_ID, NULL);
    assert_property(BROKER_EXPIRATION, NULL);
    assert_property(BROKER_USER_ID, NULL);
    assert_true(broker_headers_has(properties, "winnow-reason"));
    assert_true(broker_headers_has(properties, "winnow-worker"));
}

static void headers_of_routing_and_of_ours_are_not_copied(void **state)
{
    static const char *const dropped[] = {
        "CC",      "BCC",           "x-death", "x-death-count", "x-first-death-queue",
        "winnow-", "winnow-matches"};
    static const char *const kept[] = {"cc", "CCC", "x-deat", "x-first", "winnow", "Winnow-x", ""};

    for (int dead = 0; dead < 2; dead++) {
        for (size_t i = 0; i < sizeof dropped / sizeof dropped[0]; i++)
            add_header(dropped[i]);
        for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++)
            add_header(kept[i]);
        assert_int_equal(dead ? reply_dead(properties, &reply, "why")
                              : reply_result(properties, &reply, &(struct job_result){0}),
                         0);
        for (size_t i = 0; i < sizeof dropped / sizeof dropped[0]; i++)
            assert_false(broker_headers_has(properties, dropped[i]));
        for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++)
            assert_true(broker_headers_has(properties, kept[i]));
        close_event(state);
        open_event(state);
    }
}

static void a_second_delivery_is_told_of(void **state)
{
    struct reply again = reply;

    (void)state;
    assert_int_equal(reply_result(properties, &reply, &(struct job_result){0}), 0);
    assert_false(broker_headers_has(properties, "winnow-redelivered"));
    again.redelivered = true;
    assert_int_equal(reply_result(properties, &again, &(struct job_result){0}), 0);
    assert_true(broker_headers_has(properties, "winnow-redelivered"));
}

static void a_result_of_its_own_type_has_its_own_encoding(void **state)
{
    const struct job_result result = {.content_type = broker_text("text/csv")};

    (void)state;
    assert_int_equal(reply_result(properties, &reply, &result), 0);
    assert_property(BROKER_CONTENT_TYPE, "text/csv");
    assert_property(BROKER_CONTENT_ENCODING, NULL);
}

static void a_type_or_encoding_that_no_property_holds_is_refused(void **state)
{
    char text[257];

    (void)state;
    memset(text, 'x', sizeof text);
    for (size_t length = 255; length <= 256; length++) {
        const struct broker_bytes bytes = {text, length};
        int error = length > 255 ? -ERR_INVALID : 0;
        assert_int_equal(
            reply_result(properties, &reply, &(struct job_result){.content_type = bytes}), error);
        assert_int_equal(reply_result(properties, &reply,
                                      &(struct job_result){.content_type = broker_text("x"),
                                                           .content_encoding = bytes}),
                         error);
    }
}

static void the_jobs_headers_come_along(void **state)
{
    static const struct job_header headers[] = {{.name = "winnow-text", .text = "some"},
                                                {.name = "winnow-number", .number = -7}};
    int64_t number = 0;

    (void)state;
    assert_int_equal(reply_result(properties, &reply,
                                  &(struct job_result){.headers = headers, .header_count = 2}),
                     0);
    assert_true(broker_headers_has(properties, "winnow-text"));
    assert_true(broker_headers_get_int(properties, "winnow-number", &number));
    assert_int_equal(number, -7);
}

static void copied_headers_that_do_not_fit_are_dropped_and_told_of(void **state)
{
    static const struct job_header header = {.name = "winnow-number", .number = 3};
    const struct job_result result = {.headers = &header, .header_count = 1};
    struct reply tight = reply;

    /* As much as they take, and a byte less. */
    add_header("x");
    assert_int_equal(reply_result(properties, &reply, &result), 0);
    int needed = broker_properties_size(properties, FRAME_BYTES);
    assert_true(needed > 0);
    for (int less = 0; less < 2; less++) {
        close_event(state);
        open_event(state);
        add_header("x");
        tight.limit_bytes = (size_t)(needed - less);
        assert_int_equal(reply_result(properties, &tight, &result), 0);
        assert_int_equal(broker_headers_has(properties, "x"), !less);
        assert_int_equal(broker_headers_has(properties, "winnow-headers-dropped"), less);
        assert_true(broker_headers_has(properties, "winnow-number"));
        assert_true(broker_headers_has(properties, "winnow-worker"));
        assert_property(BROKER_MESSAGE_ID, "theirs");
    }
}

static void a_result_that_came_back_keeps_what_it_says(void **state)
{
    (void)state;
    add_header("winnow-matches");
    add_header("x");
    assert_int_equal(reply_returned(properties, FRAME_BYTES, "why"), 0);
    assert_true(broker_headers_has(properties, "winnow-matches"));
    assert_true(broker_headers_has(properties, "winnow-reason"));
    assert_true(broker_headers_has(properties, "x"));
    assert_property(BROKER_CORRELATION_ID, NULL);
}

#define claim(name) cmocka_unit_test_setup_teardown(name, open_event, close_event)

int main(void)
{
    const struct CMUnitTest tests[] = {
        claim(a_result_has_the_events_properties_but_what_is_for_it_alone),
        claim(a_result_tells_whose_answer_it_is),
        claim(a_dead_event_keeps_where_its_answer_was_to_go),
        claim(headers_of_routing_and_of_ours_are_not_copied),
        claim(a_second_delivery_is_told_of),
        claim(a_result_of_its_own_type_has_its_own_encoding),
        claim(a_type_or_encoding_that_no_property_holds_is_refused),
        claim(the_jobs_headers_come_along),
        claim(copied_headers_that_do_not_fit_are_dropped_and_told_of),
        claim(a_result_that_came_back_keeps_what_it_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
