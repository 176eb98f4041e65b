#include "workers/inbox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct inbox inbox;

static int open_inbox(void **state)
{
    (void)state;
    memset(&inbox, 0x5a, sizeof inbox);
    inbox_init(&inbox);
    return 0;
}

static int clear_inbox(void **state)
{
    (void)state;
    inbox_clear(&inbox);
    return 0;
}

static void add(uint64_t tag, char *raw_properties, char *body)
{
    const struct broker_event event = {.type = BROKER_DELIVERY,
                                       .tag = tag,
                                       .redelivered = tag % 2,
                                       .raw_properties = broker_text(raw_properties),
                                       .body = broker_text(body)};

    assert_int_equal(inbox_add(&inbox, &event, 0), 0);
}

static void assert_first(uint64_t tag, size_t count)
{
    assert_non_null(inbox.first);
    assert_int_equal(inbox.first->tag, tag);
    assert_int_equal(inbox.count, count);
    free(inbox_take(&inbox));
    assert_int_equal(inbox.count, count - 1);
}

static void an_event_is_kept_whole_and_apart_from_where_it_came_from(void **state)
{
    char raw_properties[] = "properties", body[] = "a body";

    (void)state;
    add(7, raw_properties, body);
    memset(raw_properties, 'x', sizeof raw_properties);
    memset(body, 'x', sizeof body);
    struct delivery *delivery = inbox_take(&inbox);
    assert_int_equal(delivery->tag, 7);
    assert_true(delivery->redelivered);
    assert_int_equal(delivery->raw_properties.length, strlen("properties"));
    assert_memory_equal(delivery->raw_properties.bytes, "properties", strlen("properties"));
    assert_int_equal(delivery->body.length, strlen("a body"));
    assert_memory_equal(delivery->body.bytes, "a body", strlen("a body"));
    free(delivery);
}

static void the_oldest_comes_first(void **state)
{
    char empty[] = "";

    (void)state;
    assert_null(inbox.first);
    for (int round = 0; round < 2; round++) {
        add(1, empty, empty);
        add(2, empty, empty);
        assert_first(1, 2);
        add(3, empty, empty);
        assert_first(2, 2);
        assert_first(3, 1);
        assert_null(inbox.first);
    }
}

static void a_delivery_can_go_to_another_inbox(void **state)
{
    struct inbox other;
    char empty[] = "";

    (void)state;
    inbox_init(&other);
    for (uint64_t tag = 1; tag <= 3; tag++)
        add(tag, empty, empty);
    while (inbox.first) {
        inbox_put(&other, inbox_take(&inbox));
        assert_null(*other.last);
    }
    assert_int_equal(other.count, 3);
    inbox = other;
    for (uint64_t tag = 1; tag <= 3; tag++)
        assert_first(tag, 4 - tag);
}

static void any_can_be_taken_out(void **state)
{
    char empty[] = "";

    (void)state;
    for (uint64_t tag = 1; tag <= 3; tag++)
        add(tag, empty, empty);
    delivery_free(inbox_take_out(&inbox, inbox.first->next));
    delivery_free(inbox_take_out(&inbox, inbox.first->next));
    add(4, empty, empty); /* the last is taken out: the end is where it was */
    assert_first(1, 2);
    assert_first(4, 1);
    assert_null(inbox.first);
}

static void nothing_is_left_after_clearing(void **state)
{
    char empty[] = "";

    (void)state;
    add(1, empty, empty);
    add(2, empty, empty);
    inbox_clear(&inbox);
    assert_null(inbox.first);
    assert_int_equal(inbox.count, 0);
    add(3, empty, empty);
    assert_first(3, 1);
}

#define claim(name) cmocka_unit_test_setup_teardown(name, open_inbox, clear_inbox)

int main(void)
{
    const struct CMUnitTest tests[] = {
        claim(an_event_is_kept_whole_and_apart_from_where_it_came_from),
        claim(the_oldest_comes_first),
        claim(a_delivery_can_go_to_another_inbox),
        claim(any_can_be_taken_out),
        claim(nothing_is_left_after_clearing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
