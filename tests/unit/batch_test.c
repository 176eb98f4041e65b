/* How many requests an instance takes in, and how many it carries out at once. */
#include "words/batch.h"

#include "topology.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct batch batch;
static struct topology topology;
static struct store *store;

static int begin(void **state)
{
    const struct store_settings settings = {.where = "batch.db", .farm = "farm"};
    (void)state;

    batch.properties = broker_properties_open();
    return !batch.properties || topology_init(&topology, "farm", QUEUE_CLASSIC) ||
           store_open(&settings, &store, NULL);
}

static int end(void **state)
{
    (void)state;
    store_close(store);
    broker_properties_close(batch.properties);
    return 0;
}

/* raw: properties as they are on the line; these have the type alone. */
#define ADD                                                                                        \
    "\x00\x20\x03"                                                                                 \
    "add"
#define LIST                                                                                       \
    "\x00\x20\x04"                                                                                 \
    "list"
#define RANDOM                                                                                     \
    "\x00\x20\x06"                                                                                 \
    "random"
#define RAW(properties) ((struct broker_bytes){properties, sizeof properties - 1})

static void take_in(struct broker_bytes raw, struct broker_bytes body)
{
    static uint64_t tag;
    const struct broker_event delivery = {
        .type = BROKER_DELIVERY, .tag = ++tag, .raw_properties = raw, .body = body};

    assert_int_equal(batch_add(&batch, &delivery), 0);
}

static void carry_out(size_t expected)
{
    struct why why = {0};

    if (batch_carry_out(&batch, &topology, store, &why))
        fail_msg("%s", why.text);
    assert_int_equal(batch.done, expected);
    for (size_t i = 0; i < batch.done; i++)
        assert_false(batch.items[i].dead || batch.items[i].faulty);
    batch_drop(&batch);
}

static void large_requests_fill_it(void **state)
{
    const size_t length = (size_t)1 << 20;
    char *body = malloc(length);
    (void)state;

    assert_non_null(body);
    memset(body, '\n', length);
    memcpy(body, "fool", 4);
    for (int i = 0; i < 8; i++) {
        assert_false(batch_is_full(&batch));
        take_in(RAW(ADD), (struct broker_bytes){body, length});
    }
    assert_true(batch_is_full(&batch));
    carry_out(8);
    assert_false(batch_is_full(&batch));
    assert_int_equal(batch.bytes, 0);
    take_in(RAW(ADD), (struct broker_bytes){body, length});
    batch_clear(&batch);
    assert_int_equal(batch.bytes, 0);
    free(body);
}

static void small_ones_are_carried_out_together(void **state)
{
    (void)state;

    for (int i = 0; i < BATCH_MOST; i++)
        take_in(i % 2 ? RAW(ADD) : RAW(RANDOM), broker_text(i % 2 ? "fool" : "3"));
    assert_false(batch_is_full(&batch));
    carry_out(BATCH_MOST);
}

static void large_answers_are_not(void **state)
{
    (void)state;

    take_in(RAW(ADD), broker_text("fool"));
    take_in(RAW(LIST), broker_text(""));
    take_in(RAW(LIST), broker_text(""));
    take_in(RAW(RANDOM), broker_text("500"));
    take_in(RAW(RANDOM), broker_text("499"));
    take_in(RAW(RANDOM), broker_text("2"));
    take_in(RAW(RANDOM), broker_text("1000"));
    take_in(RAW(ADD), broker_text("twit"));
    carry_out(2);
    carry_out(1);
    carry_out(3);
    carry_out(1);
    carry_out(1);
    assert_int_equal(batch.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(large_requests_fill_it),
        cmocka_unit_test(small_ones_are_carried_out_together),
        cmocka_unit_test(large_answers_are_not),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
