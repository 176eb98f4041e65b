#include "topology.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct topology of_farm(const char *farm)
{
    struct topology topology;

    if (topology_init(&topology, farm, QUEUE_CLASSIC))
        fail_msg("'%s' was refused", farm);
    return topology;
}

static void every_name_starts_with_the_farms(void **state)
{
    struct topology topology = of_farm("shop");

    (void)state;
    assert_string_equal(topology.farm, "shop");
    assert_string_equal(topology.events, "shop.events");
    assert_string_equal(topology.work, "shop.work");
    assert_string_equal(topology.count, "shop.count");
    assert_string_equal(topology.results, "shop.results");
    assert_string_equal(topology.dead, "shop.dead");
    assert_string_equal(topology.control, "shop.control");
    assert_string_equal(of_farm(TOPOLOGY_DEFAULT_FARM).work, "winnow.work");
}

static void the_queue_type_is_kept(void **state)
{
    struct topology topology;

    (void)state;
    for (int type = QUEUE_CLASSIC; type <= QUEUE_QUORUM; type++) {
        assert_int_equal(topology_init(&topology, "shop", (enum queue_type)type), 0);
        assert_int_equal(topology.queue_type, type);
    }
}

static void a_farm_is_named_by_1_to_100_printable_characters(void **state)
{
    char longest[102];
    struct topology topology;

    (void)state;
    memset(longest, 'x', sizeof longest - 1);
    longest[101] = '\0';
    assert_int_equal(topology_init(&topology, longest, QUEUE_CLASSIC), -ERR_INVALID);
    longest[100] = '\0';
    topology = of_farm(longest);
    assert_string_equal(topology.farm, longest);
    assert_int_equal(strlen(topology.results), 108);
    assert_string_equal(topology.results + 100, ".results");
    assert_string_equal(topology.events + 100, ".events");

    assert_string_equal(of_farm("a").work, "a.work");
    assert_string_equal(of_farm("with spaces, commas \"and\" quotes").work,
                        "with spaces, commas \"and\" quotes.work");
    assert_string_equal(of_farm("caf\xC3\xA9").work, "caf\xC3\xA9.work");
    assert_string_equal(of_farm("amq").work, "amq.work");
    assert_string_equal(of_farm("amqp.x").work, "amqp.x.work");
}

static void other_farm_names_are_refused(void **state)
{
    static const char *const names[] = {"",   "amq.",  "amq.topic", "a\nb",
                                        "\t", "a\x1f", "a\x7fz",    "\x01"};
    struct topology topology;

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (topology_init(&topology, names[i], QUEUE_CLASSIC) != -ERR_INVALID)
            fail_msg("name %zu was accepted", i);
}

static void queue_types_are_read_and_named(void **state)
{
    static const char *const names[] = {
        [QUEUE_CLASSIC] = "classic", [QUEUE_CLASSIC_V2] = "classic-v2", [QUEUE_QUORUM] = "quorum"};
    static const char *const others[] = {"", "Classic", "classic ", "classicv2", "quoru", "stream"};
    enum queue_type type;

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        type = (enum queue_type)99;
        assert_int_equal(topology_parse_queue_type(names[i], &type), 0);
        assert_int_equal(type, i);
        assert_string_equal(topology_queue_type_name(type), names[i]);
    }
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        type = (enum queue_type)99;
        assert_int_equal(topology_parse_queue_type(others[i], &type), -ERR_INVALID);
        assert_int_equal(type, 99);
    }
}

static void the_farms_own_queues_but_the_results_are_reserved(void **state)
{
    struct topology topology = of_farm("shop");
    static const char *const reserved[] = {"shop.work", "shop.count", "shop.dead"};
    static const char *const free_to_use[] = {
        "shop.results", "shop.events", "shop",       "shop.wor", "shop.work2", "shop.workshop",
        "Shop.work",    "x.shop.work", "other.work", "",         "amq.gen-1"};

    (void)state;
    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++)
        assert_true(topology_reserves(&topology, broker_text(reserved[i])));
    for (size_t i = 0; i < sizeof free_to_use / sizeof free_to_use[0]; i++)
        assert_false(topology_reserves(&topology, broker_text(free_to_use[i])));
    assert_false(topology_reserves(&topology, (struct broker_bytes){NULL, 0}));
    assert_true(topology_reserves(&topology, (struct broker_bytes){"shop.worked", 9}));
    assert_false(topology_reserves(&topology, (struct broker_bytes){"shop.work\0", 10}));
}

static void only_the_work_queue_and_the_exchange_hold_events_that_nobody_handled(void **state)
{
    struct topology topology = of_farm("shop");
    static const struct {
        enum error_subject about;
        const char *missing;
        bool lost;
    } cases[] = {{ABOUT_QUEUE, "shop.work", true},
                 {ABOUT_EXCHANGE, "shop.events", true},
                 {ABOUT_QUEUE, "shop.results", false},
                 {ABOUT_EXCHANGE, "shop.dead", false},
                 {ABOUT_QUEUE, "shop.events", false},
                 {ABOUT_EXCHANGE, "shop.work", false},
                 {ABOUT_QUEUE, "x.shop.work", false},
                 {ABOUT_QUEUE, "shop.work2", false},
                 {ABOUT_QUEUE, "", false},
                 {ABOUT_NOTHING, "shop.work", false}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct why why;
        error_set(&why, ERR_MISSING, "the broker says: NOT_FOUND - 'shop.work'");
        error_set_about(&why, cases[i].about, cases[i].missing, strlen(cases[i].missing));
        assert_int_equal(topology_lost_events(&topology, &why), cases[i].lost);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_name_starts_with_the_farms),
        cmocka_unit_test(the_queue_type_is_kept),
        cmocka_unit_test(a_farm_is_named_by_1_to_100_printable_characters),
        cmocka_unit_test(other_farm_names_are_refused),
        cmocka_unit_test(queue_types_are_read_and_named),
        cmocka_unit_test(the_farms_own_queues_but_the_results_are_reserved),
        cmocka_unit_test(only_the_work_queue_and_the_exchange_hold_events_that_nobody_handled),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
