#include "workers/window.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct scoreboard_fingerprint NO_EVENT;

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Adds events with the delivery tags first..last. */
static void add(struct window *window, uint64_t first, uint64_t last)
{
    for (uint64_t tag = first; tag <= last; tag++)
        assert_int_equal(window_add(window, tag, NO_EVENT), 0);
}

static void assert_settled(struct window *window, size_t events, uint64_t tag)
{
    uint64_t got = 999999;

    assert_int_equal(window_settled(window, UINT64_MAX, &got), events);
    assert_int_equal(got, events ? tag : 999999);
}

static void an_empty_window_settles_nothing(void **state)
{
    struct window window = {0};

    (void)state;
    assert_settled(&window, 0, 0);
    assert_int_equal(window_oldest(&window), 0);
    window_confirm(&window, 1, false);
    window_confirm(&window, 1, true);
    assert_int_equal(window_refuse(&window, 1), 0);
    window_clear(&window);
    window_clear(&window);
}

static void an_event_waits_for_those_before_it(void **state)
{
    struct window window = {0};

    (void)state;
    add(&window, 11, 14);
    assert_settled(&window, 0, 0);
    window_confirm(&window, 2, false);
    window_confirm(&window, 4, false);
    assert_settled(&window, 0, 0);
    window_confirm(&window, 1, false);
    assert_settled(&window, 2, 12);
    assert_int_equal(window_oldest(&window), 3);
    window_confirm(&window, 3, false);
    assert_settled(&window, 2, 14);
    assert_settled(&window, 0, 0);
    assert_int_equal(window_oldest(&window), 0);
    window_clear(&window);
}

static void multiple_confirms_all_up_to_it(void **state)
{
    struct window window = {0};

    (void)state;
    add(&window, 1, 10);
    window_confirm(&window, 7, true);
    assert_settled(&window, 7, 7);
    window_confirm(&window, 7, true);
    window_confirm(&window, 3, false);
    assert_settled(&window, 0, 0);
    window_confirm(&window, 10, true);
    assert_settled(&window, 3, 10);
    window_clear(&window);
}

static void what_was_never_published_is_not_confirmed(void **state)
{
    struct window window = {0};

    (void)state;
    add(&window, 1, 3);
    window_confirm(&window, 0, false);
    window_confirm(&window, 4, false);
    window_confirm(&window, UINT64_MAX, false);
    window_confirm(&window, 0, true);
    assert_settled(&window, 0, 0);
    add(&window, 4, 4);
    window_confirm(&window, 3, true);
    assert_settled(&window, 3, 3);
    window_clear(&window);
}

static void a_replacement_holds_everything_until_its_confirm(void **state)
{
    struct window window = {0};

    (void)state;
    add(&window, 1, 2);
    assert_int_equal(window_add(&window, 0, NO_EVENT), 0);
    add(&window, 3, 3);
    window_confirm(&window, 2, true);
    window_confirm(&window, 4, false);
    assert_settled(&window, 0, 0);
    window_confirm(&window, 3, false);
    assert_settled(&window, 3, 3);
    window_clear(&window);
}

static void each_of_several_replacements_holds(void **state)
{
    struct window window = {0};

    (void)state;
    add(&window, 1, 1);
    assert_int_equal(window_add(&window, 0, NO_EVENT), 0);
    assert_int_equal(window_add(&window, 0, NO_EVENT), 0);
    window_confirm(&window, 2, true);
    window_confirm(&window, 2, true);
    assert_settled(&window, 0, 0);
    window_confirm(&window, 3, false);
    assert_settled(&window, 1, 1);
    assert_int_equal(window_oldest(&window), 0);
    window_clear(&window);
}

static void a_refused_event_is_given_back_once_and_not_acknowledged(void **state)
{
    struct window window = {0};

    (void)state;
    add(&window, 21, 23);
    assert_int_equal(window_refuse(&window, 2), 22);
    assert_int_equal(window_refuse(&window, 2), 0);
    window_confirm(&window, 1, false);
    assert_settled(&window, 1, 21);
    window_confirm(&window, 3, false);
    assert_settled(&window, 1, 23);

    add(&window, 24, 25);
    assert_int_equal(window_refuse(&window, 5), 25);
    window_confirm(&window, 5, true);
    assert_settled(&window, 1, 24);
    window_clear(&window);
}

static void a_refused_replacement_keeps_its_hold(void **state)
{
    struct window window = {0};

    (void)state;
    add(&window, 1, 1);
    assert_int_equal(window_add(&window, 0, NO_EVENT), 0);
    window_confirm(&window, 1, false);
    assert_int_equal(window_refuse(&window, 2), 0);
    assert_settled(&window, 0, 0);
    window_clear(&window);
}

static void a_confirmed_event_can_no_longer_be_refused(void **state)
{
    struct window window = {0};

    (void)state;
    add(&window, 1, 2);
    window_confirm(&window, 2, false);
    assert_int_equal(window_refuse(&window, 2), 0);
    window_confirm(&window, 1, false);
    assert_settled(&window, 2, 2);
    window_clear(&window);
}

static void a_cleared_window_counts_from_one_again(void **state)
{
    struct window window = {0};

    (void)state;
    add(&window, 1, 5);
    assert_int_equal(window_add(&window, 0, NO_EVENT), 0);
    window_confirm(&window, 3, true);
    window_clear(&window);
    assert_int_equal(window_oldest(&window), 0);
    add(&window, 7, 8);
    assert_int_equal(window_oldest(&window), 1);
    window_confirm(&window, 2, true);
    assert_settled(&window, 2, 8);
    window_clear(&window);
}

static void the_ring_goes_round_and_grows_in_mid_way(void **state)
{
    struct window window = {0};
    uint64_t tag = 0;

    (void)state;
    /* So that the oldest stands in the middle of the ring when it must grow, each time
     * elsewhere. */
    for (uint64_t size = 4; size < 3000; size = size * 3 / 2 + 5) {
        uint64_t first = tag + 1;
        add(&window, first, first + size - 1);
        tag += size;
        window_confirm(&window, first + size / 2 - 1, true);
        window_confirm(&window, tag, false);
        assert_settled(&window, (size_t)(size / 2), size / 2 ? first + size / 2 - 1 : 0);
        window_confirm(&window, tag - 1, true);
        assert_settled(&window, (size_t)(size - size / 2), tag);
    }
    assert_true(window.capacity >= 2048);
    window_clear(&window);

    struct window small = {0};
    for (tag = 1; tag <= 100000; tag++) {
        add(&small, tag, tag);
        if (tag > 40) {
            window_confirm(&small, tag - 40, false);
            assert_settled(&small, 1, tag - 40);
        }
    }
    assert_int_equal(small.capacity, 64);
    window_clear(&small);
}

/* The same, without a ring and without hurry: every message ever published. */
enum fate { PENDING, CONFIRMED, REFUSED };
struct model {
    size_t published,
        acknowledged; /* all messages before this index are acknowledged or were refused */
    struct {
        uint64_t tag;
        enum fate fate;
    } messages[4096];
};

static bool model_holds(const struct model *model)
{
    for (size_t i = model->acknowledged; i < model->published; i++)
        if (!model->messages[i].tag && model->messages[i].fate != CONFIRMED)
            return true;
    return false;
}

static void model_confirm(struct model *model, uint64_t sequence)
{
    if (sequence >= 1 && sequence <= model->published &&
        model->messages[sequence - 1].fate == PENDING)
        model->messages[sequence - 1].fate = CONFIRMED;
}

static uint64_t model_refuse(struct model *model, uint64_t sequence)
{
    if (sequence < 1 || sequence > model->published)
        return 0;
    uint64_t tag = model->messages[sequence - 1].tag;
    if (!tag || model->messages[sequence - 1].fate != PENDING)
        return 0;
    model->messages[sequence - 1].fate = REFUSED;
    return tag;
}

static size_t model_settled(struct model *model, uint64_t *tag)
{
    size_t events = 0;

    if (model_holds(model))
        return 0;
    while (model->acknowledged < model->published &&
           model->messages[model->acknowledged].fate != PENDING) {
        if (model->messages[model->acknowledged].tag &&
            model->messages[model->acknowledged].fate == CONFIRMED) {
            *tag = model->messages[model->acknowledged].tag;
            events++;
        }
        model->acknowledged++;
    }
    return events;
}

static void any_sequence_of_events_agrees_with_a_naive_model(void **state)
{
    static struct model model;
    uint64_t random = 2025;
    size_t acknowledged = 0, refused = 0, held = 0;

    (void)state;
    for (int round = 0; round < 400; round++) {
        struct window window = {0};
        uint64_t delivery_tag = 0;
        /* Some rounds publish faster than they confirm, so that the ring grows. */
        uint64_t eagerness = 2 + next_random(&random) % 6;
        size_t length = 1 + (size_t)(next_random(&random) % 4000);

        memset(&model, 0, sizeof model);
        while (model.published < length) {
            uint64_t open = model.published - model.acknowledged;
            uint64_t sequence = model.acknowledged + next_random(&random) % (open + 3);

            if (next_random(&random) % 10 < eagerness) {
                uint64_t tag = next_random(&random) % 50 ? ++delivery_tag : 0;
                assert_int_equal(window_add(&window, tag, NO_EVENT), 0);
                model.messages[model.published++].tag = tag;
            } else if (next_random(&random) % 20 == 0) {
                uint64_t given_back = window_refuse(&window, sequence);
                assert_int_equal(given_back, model_refuse(&model, sequence));
                refused += given_back != 0;
            } else if (next_random(&random) % 8 == 0) {
                /* Never past a message that is not published: a broker does not do that. */
                if (sequence > model.published)
                    sequence = model.published;
                window_confirm(&window, sequence, true);
                for (uint64_t each = 1; each <= sequence; each++)
                    model_confirm(&model, each);
            } else {
                window_confirm(&window, sequence, false);
                model_confirm(&model, sequence);
            }

            if (next_random(&random) % 3 == 0) {
                uint64_t tag = 0, expected_tag = 0;
                held += model_holds(&model);
                size_t expected = model_settled(&model, &expected_tag);
                assert_int_equal(window_settled(&window, UINT64_MAX, &tag), expected);
                assert_int_equal(tag, expected_tag);
                acknowledged += expected;
                assert_int_equal(window_oldest(&window),
                                 model.acknowledged < model.published ? model.acknowledged + 1 : 0);
            }
        }
        window_clear(&window);
    }
    /* The sequences were such that everything happened. */
    assert_true(acknowledged > 10000);
    assert_true(refused > 1000);
    assert_true(held > 1000);
}

/* ---- events that were set aside ---- */

static void settle_before(struct window *window, uint64_t before_tag, size_t events, uint64_t tag)
{
    uint64_t got = 999999;

    assert_int_equal(window_settled(window, before_tag, &got), events);
    assert_int_equal(got, events ? tag : 999999);
}

static void those_before_one_set_aside_are_acknowledged_together(void **state)
{
    struct window window = {0};

    (void)state;
    add(&window, 1, 3);
    add(&window, 5, 7);
    window_confirm(&window, 6, true);
    settle_before(&window, 4, 3, 3);
    window_clear(&window);
}

static void those_after_one_set_aside_are_acknowledged_alone(void **state)
{
    struct window window = {0};

    (void)state;
    add(&window, 1, 3);
    add(&window, 5, 7);
    window_confirm(&window, 6, true);
    settle_before(&window, 4, 3, 3);
    settle_before(&window, 4, 1, 5);
    settle_before(&window, 4, 1, 6);
    settle_before(&window, 4, 1, 7);
    settle_before(&window, 4, 0, 0);
    window_clear(&window);
}

static void once_it_is_given_back_they_are_acknowledged_together_again(void **state)
{
    struct window window = {0};

    (void)state;
    add(&window, 5, 8);
    window_confirm(&window, 3, true);
    settle_before(&window, 4, 1, 5);
    settle_before(&window, UINT64_MAX, 2, 7);
    window_clear(&window);
}

static void what_was_given_back_counts_neither_before_nor_after(void **state)
{
    struct window window = {0};

    (void)state;
    add(&window, 1, 3);
    add(&window, 5, 7);
    assert_int_equal(window_refuse(&window, 3), 3);
    assert_int_equal(window_refuse(&window, 4), 5);
    window_confirm(&window, 6, true);
    settle_before(&window, 4, 2, 2);
    settle_before(&window, 4, 1, 6);
    settle_before(&window, 4, 1, 7);
    assert_int_equal(window_oldest(&window), 0);
    window_clear(&window);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_window_settles_nothing),
        cmocka_unit_test(an_event_waits_for_those_before_it),
        cmocka_unit_test(multiple_confirms_all_up_to_it),
        cmocka_unit_test(what_was_never_published_is_not_confirmed),
        cmocka_unit_test(a_replacement_holds_everything_until_its_confirm),
        cmocka_unit_test(each_of_several_replacements_holds),
        cmocka_unit_test(a_refused_event_is_given_back_once_and_not_acknowledged),
        cmocka_unit_test(a_refused_replacement_keeps_its_hold),
        cmocka_unit_test(a_confirmed_event_can_no_longer_be_refused),
        cmocka_unit_test(a_cleared_window_counts_from_one_again),
        cmocka_unit_test(the_ring_goes_round_and_grows_in_mid_way),
        cmocka_unit_test(any_sequence_of_events_agrees_with_a_naive_model),
        cmocka_unit_test(those_before_one_set_aside_are_acknowledged_together),
        cmocka_unit_test(those_after_one_set_aside_are_acknowledged_alone),
        cmocka_unit_test(once_it_is_given_back_they_are_acknowledged_together_again),
        cmocka_unit_test(what_was_given_back_counts_neither_before_nor_after),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
