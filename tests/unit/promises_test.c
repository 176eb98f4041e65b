#include "autoscaler/leader/promises.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct promises promises;

static int begin(void **state)
{
    (void)state;
    promises = (struct promises){0};
    return 0;
}

static void promise(char name)
{
    promises_add(&promises, &(struct control_message){.correlation_id = {{name}, 1}});
}

/* The names of those that are kept now. */
static const char *kept(void)
{
    static char names[PROMISES_MOST + 1];
    struct control_message message;
    size_t count = 0;

    while (promises_keep(&promises, &message))
        names[count++] = message.correlation_id.bytes[0];
    names[count] = '\0';
    return names;
}

static void a_promise_is_kept_when_its_orders_have_arrived(void **state)
{
    (void)state;
    assert_false(promises_are_unsaid(&promises));
    promise('a');
    assert_true(promises_are_unsaid(&promises));
    promises_arrived(&promises, 100);
    assert_string_equal(kept(), "");
    promises_said(&promises, 103);
    assert_false(promises_are_unsaid(&promises));
    promises_arrived(&promises, 102);
    assert_string_equal(kept(), "");
    promises_arrived(&promises, 103);
    assert_string_equal(kept(), "a");
    assert_string_equal(kept(), "");
}

static void what_is_promised_later_waits_for_later_orders(void **state)
{
    (void)state;
    promise('a');
    promise('b');
    promises_said(&promises, 3);
    promise('c');
    assert_true(promises_are_unsaid(&promises));
    promises_arrived(&promises, 5);
    assert_string_equal(kept(), "ab");
    promises_said(&promises, 6);
    promises_arrived(&promises, 6);
    assert_string_equal(kept(), "c");
}

static void on_another_connection_all_is_said_once_more(void **state)
{
    (void)state;
    promise('a');
    promises_said(&promises, 3);
    promises_reconnected(&promises);
    assert_true(promises_are_unsaid(&promises));
    promises_arrived(&promises, 3);
    assert_string_equal(kept(), "");
    promises_said(&promises, 4);
    promises_arrived(&promises, 4);
    assert_string_equal(kept(), "a");
}

static void there_is_room_for_so_many_at_any_time(void **state)
{
    (void)state;
    for (uint64_t round = 1; round <= 3; round++) {
        for (int i = 0; i < PROMISES_MOST; i++) {
            assert_false(promises_are_full(&promises));
            promise('a');
        }
        assert_true(promises_are_full(&promises));
        promises_said(&promises, round);
        promises_arrived(&promises, round);
        assert_int_equal(strlen(kept()), PROMISES_MOST);
        promise('b'); /* the next round begins elsewhere */
        promises_said(&promises, round);
        assert_string_equal(kept(), "b");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_promise_is_kept_when_its_orders_have_arrived, begin),
        cmocka_unit_test_setup(what_is_promised_later_waits_for_later_orders, begin),
        cmocka_unit_test_setup(on_another_connection_all_is_said_once_more, begin),
        cmocka_unit_test_setup(there_is_room_for_so_many_at_any_time, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
