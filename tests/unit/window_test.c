#include "workers/window.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

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
    for (uint64_t tag = first; tag <= last; tag++) {
        struct delivery *delivery = calloc(1, sizeof *delivery);
        assert_non_null(delivery);
        delivery->tag = tag;
        assert_int_equal(window_add(window, delivery), 0);
    }
}

/* The tag of an event that left the window; 0 when there was none. */
static uint64_t tag_of(struct delivery *delivery)
{
    uint64_t tag = delivery ? delivery->tag : 0;

    delivery_free(delivery);
    return tag;
}

/* These events leave the window, and no others. */
static void assert_settled(struct window *window, uint64_t first, uint64_t last)
{
    for (uint64_t tag = first; tag <= last; tag++)
        assert_int_equal(tag_of(window_settled(window)), tag);
    assert_null(window_settled(window));
}

static void assert_none_settled(struct window *window)
{
    assert_null(window_settled(window));
}

static void assert_pending(const struct window *window, uint64_t from, uint64_t sequence,
                           uint64_t tag)
{
    const struct delivery *pending = window_pending(window, &from);

    assert_non_null(pending);
    assert_int_equal(from, sequence);
    assert_int_equal(pending->tag, tag);
}

static void assert_none_pending(const struct window *window, uint64_t from)
{
    uint64_t sequence = from;

    assert_null(window_pending(window, &sequence));
    assert_int_equal(sequence, from);
}

static void an_empty_window_settles_nothing(void **state)
{
    struct window window = {0};

    (void)state;
    assert_none_settled(&window);
    assert_none_pending(&window, 0);
    window_confirm(&window, 1, false);
    window_confirm(&window, 1, true);
    assert_null(window_take_out(&window, 1));
    window_clear(&window);
    window_clear(&window);
}

static void an_event_waits_for_those_before_it(void **state)
{
    struct window window = {0};

    (void)state;
    add(&window, 11, 14);
    assert_none_settled(&window);
    window_confirm(&window, 2, false);
    window_confirm(&window, 4, false);
    assert_none_settled(&window);
    window_confirm(&window, 1, false);
    assert_settled(&window, 11, 12);
    window_confirm(&window, 3, false);
    assert_settled(&window, 13, 14);
    window_clear(&window);
}

static void multiple_confirms_all_up_to_it(void **state)
{
    struct window window = {0};

    (void)state;
    add(&window, 1, 10);
    window_confirm(&window, 7, true);
    assert_settled(&window, 1, 7);
    window_confirm(&window, 7, true);
    window_confirm(&window, 3, false);
    assert_none_settled(&window);
    window_confirm(&window, 10, true);
    assert_settled(&window, 8, 10);
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
    assert_none_settled(&window);
    add(&window, 4, 4);
    window_confirm(&window, 3, true);
    assert_settled(&window, 1, 3);
    window_clear(&window);
}

static void a_message_that_answers_no_event_is_waited_for_like_any_other(void **state)
{
    struct window window = {0};

    (void)state;
    assert_int_equal(window_add(&window, NULL), 0);
    add(&window, 1, 2);
    window_confirm(&window, 2, false);
    assert_none_settled(&window);
    window_confirm(&window, 1, false);
    assert_settled(&window, 1, 1);
    assert_int_equal(window_add(&window, NULL), 0);
    window_confirm(&window, 4, true);
    assert_settled(&window, 2, 2);
    assert_int_equal(window.count, 0);
    window_clear(&window);
}

static void what_is_taken_out_is_not_waited_for(void **state)
{
    struct window window = {0};

    (void)state;
    add(&window, 21, 24);
    assert_int_equal(tag_of(window_take_out(&window, 2)), 22);
    assert_null(window_take_out(&window, 2));
    window_confirm(&window, 3, false);
    assert_int_equal(tag_of(window_take_out(&window, 1)), 21);
    assert_settled(&window, 23, 23);
    /* Its confirm comes all the same when the message was returned. */
    window_confirm(&window, 4, true);
    assert_settled(&window, 24, 24);
    window_clear(&window);
}

static void what_is_taken_out_can_be_published_again(void **state)
{
    struct window window = {0};
    struct delivery *taken;

    (void)state;
    add(&window, 1, 3);
    taken = window_take_out(&window, 1);
    assert_int_equal(window_add(&window, taken), 0);
    window_confirm(&window, 3, true);
    assert_settled(&window, 2, 3);
    window_confirm(&window, 4, false);
    assert_settled(&window, 1, 1);
    window_clear(&window);
}

static void a_confirmed_event_can_no_longer_be_taken_out(void **state)
{
    struct window window = {0};

    (void)state;
    add(&window, 1, 2);
    window_confirm(&window, 2, false);
    assert_null(window_take_out(&window, 2));
    window_confirm(&window, 1, false);
    assert_settled(&window, 1, 2);
    window_clear(&window);
}

static void pending_is_what_is_neither_settled_nor_taken_out(void **state)
{
    struct window window = {0};

    (void)state;
    assert_int_equal(window_add(&window, NULL), 0);
    add(&window, 11, 14);
    window_confirm(&window, 3, false);
    delivery_free(window_take_out(&window, 4));
    assert_pending(&window, 0, 2, 11);
    assert_pending(&window, 2, 2, 11);
    assert_pending(&window, 3, 5, 14);
    assert_none_pending(&window, 6);
    window_confirm(&window, 1, false);
    window_confirm(&window, 2, false);
    assert_settled(&window, 11, 12);
    assert_pending(&window, 0, 5, 14);
    window_clear(&window);
}

static void a_cleared_window_counts_from_one_again(void **state)
{
    struct window window = {0};

    (void)state;
    add(&window, 1, 5);
    assert_int_equal(window_add(&window, NULL), 0);
    window_confirm(&window, 3, true);
    window_clear(&window);
    assert_none_pending(&window, 0);
    add(&window, 7, 8);
    assert_pending(&window, 0, 1, 7);
    window_confirm(&window, 2, true);
    assert_settled(&window, 7, 8);
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
        assert_settled(&window, first, first + size / 2 - 1);
        window_confirm(&window, tag - 1, true);
        assert_settled(&window, first + size / 2, tag);
    }
    assert_true(window.capacity >= 2048);
    window_clear(&window);

    struct window small = {0};
    for (tag = 1; tag <= 100000; tag++) {
        add(&small, tag, tag);
        if (tag > 40) {
            window_confirm(&small, tag - 40, false);
            assert_settled(&small, tag - 40, tag - 40);
        }
    }
    assert_int_equal(small.capacity, 64);
    window_clear(&small);
}

/* The same, without a ring and without hurry: every message ever published. */
enum fate { PENDING, CONFIRMED, TAKEN };
struct model {
    size_t published, left; /* all messages before this index have left the window */
    struct {
        uint64_t tag; /* 0: it answers no event */
        enum fate fate;
    } messages[4096];
};

static void model_confirm(struct model *model, uint64_t sequence)
{
    if (sequence >= 1 && sequence <= model->published &&
        model->messages[sequence - 1].fate == PENDING)
        model->messages[sequence - 1].fate = CONFIRMED;
}

static uint64_t model_take_out(struct model *model, uint64_t sequence)
{
    if (sequence < 1 || sequence > model->published ||
        model->messages[sequence - 1].fate != PENDING)
        return 0;
    model->messages[sequence - 1].fate = TAKEN;
    return model->messages[sequence - 1].tag;
}

static uint64_t model_settled(struct model *model)
{
    while (model->left < model->published && model->messages[model->left].fate != PENDING) {
        size_t first = model->left++;
        if (model->messages[first].tag && model->messages[first].fate == CONFIRMED)
            return model->messages[first].tag;
    }
    return 0;
}

static uint64_t model_pending(const struct model *model)
{
    for (size_t i = model->left; i < model->published; i++)
        if (model->messages[i].tag && model->messages[i].fate == PENDING)
            return i + 1;
    return 0;
}

static void any_sequence_of_events_agrees_with_a_naive_model(void **state)
{
    static struct model model;
    uint64_t random = 2025;
    size_t settled = 0, taken = 0;

    (void)state;
    for (int round = 0; round < 400; round++) {
        struct window window = {0};
        uint64_t delivery_tag = 0;
        /* Some rounds publish faster than they confirm, so that the ring grows. */
        uint64_t eagerness = 2 + next_random(&random) % 6;
        size_t length = 1 + (size_t)(next_random(&random) % 4000);

        memset(&model, 0, sizeof model);
        while (model.published < length) {
            uint64_t open = model.published - model.left;
            uint64_t sequence = model.left + next_random(&random) % (open + 3);

            if (next_random(&random) % 10 < eagerness) {
                uint64_t tag = next_random(&random) % 50 ? ++delivery_tag : 0;
                if (tag)
                    add(&window, tag, tag);
                else
                    assert_int_equal(window_add(&window, NULL), 0);
                model.messages[model.published++].tag = tag;
            } else if (next_random(&random) % 20 == 0) {
                uint64_t tag = tag_of(window_take_out(&window, sequence));
                assert_int_equal(tag, model_take_out(&model, sequence));
                taken += tag != 0;
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

            for (uint64_t tag = next_random(&random) % 3; tag;) {
                tag = model_settled(&model);
                assert_int_equal(tag_of(window_settled(&window)), tag);
                settled += tag != 0;
            }
            uint64_t first = 0;
            window_pending(&window, &first);
            assert_int_equal(first, model_pending(&model));
        }
        window_clear(&window);
    }
    /* The sequences were such that everything happened. */
    assert_true(settled > 10000);
    assert_true(taken > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_window_settles_nothing),
        cmocka_unit_test(an_event_waits_for_those_before_it),
        cmocka_unit_test(multiple_confirms_all_up_to_it),
        cmocka_unit_test(what_was_never_published_is_not_confirmed),
        cmocka_unit_test(a_message_that_answers_no_event_is_waited_for_like_any_other),
        cmocka_unit_test(what_is_taken_out_is_not_waited_for),
        cmocka_unit_test(what_is_taken_out_can_be_published_again),
        cmocka_unit_test(a_confirmed_event_can_no_longer_be_taken_out),
        cmocka_unit_test(pending_is_what_is_neither_settled_nor_taken_out),
        cmocka_unit_test(a_cleared_window_counts_from_one_again),
        cmocka_unit_test(the_ring_goes_round_and_grows_in_mid_way),
        cmocka_unit_test(any_sequence_of_events_agrees_with_a_naive_model),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
