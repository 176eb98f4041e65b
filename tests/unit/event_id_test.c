#include "loadgen/event_id.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define RUN UINT64_C(0x00c0ffee12345678)

static void a_name_is_read_back_as_it_was_written(void **state)
{
    static const struct event_id ids[] = {
        {0, 0}, {1, 999}, {255, 16}, {UINT64_MAX, INT64_MAX}, {UINT64_C(1) << 32, 1000000000}};

    (void)state;
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        char name[EVENT_ID_SIZE];
        struct event_id id = {7, 7};
        size_t length = event_id_format(RUN, &ids[i], name);
        assert_int_equal(length, strlen(name));
        assert_true(length < EVENT_ID_SIZE);
        assert_true(event_id_parse(RUN, (struct broker_bytes){name, length}, &id));
        assert_true(id.sequence == ids[i].sequence && id.intended_ns == ids[i].intended_ns);
    }
}

static void a_name_of_another_run_or_form_is_not_ours(void **state)
{
    static const char *const names[] = {
        "",
        "00c0ffee12345678",
        "00c0ffee12345678.1",
        "00c0ffee12345678.1.",
        "00c0ffee12345678..1",
        "00c0ffee12345678.1.1.1",
        "00c0ffee12345678.1.1 ",
        "00c0ffee12345678.01.1",
        "00c0ffee12345678.1.0A",
        "00c0ffee12345678.-1.1",
        "00c0ffee12345678.1.8000000000000000",
        "00c0ffee12345678.11111111111111111.1",
        "00c0ffee12345679.1.1",
        "c0ffee12345678.1.1",
        "000c0ffee12345678.1.1",
    };
    struct event_id id = {7, 7};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (event_id_parse(RUN, broker_text(names[i]), &id))
            fail_msg("'%s' was taken for a name", names[i]);
    assert_false(event_id_parse(RUN, broker_text(NULL), &id));
    assert_true(event_id_parse(RUN, broker_text("00c0ffee12345678.1.1"), &id));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_read_back_as_it_was_written),
        cmocka_unit_test(a_name_of_another_run_or_form_is_not_ours),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
