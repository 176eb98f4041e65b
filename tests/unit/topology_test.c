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
    static const char *const reserved[] = {"shop.work", "shop.count", "shop.dead", "shop.words",
                                           "shop.leader"};
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

/* ---- somebody else's queue ---- */

static struct topology on_queue(const char *farm, const char *queue)
{
    struct topology topology = of_farm(farm);
    const struct topology_queue there = {.name = queue,
                                         .results = "out",
                                         .rejects_dead = true,
                                         .sources = {{"some.topic", "jobs.#"}},
                                         .source_count = 1};

    if (topology_use_queue(&topology, &there))
        fail_msg("'%s' was refused", queue);
    return topology;
}

static bool reserves(const struct topology *topology, const char *queue)
{
    return topology_reserves(topology, (struct broker_bytes){queue, strlen(queue)});
}

static void what_is_somebody_elses_keeps_its_name(void **state)
{
    struct topology topology = on_queue("shop", "tasks");

    (void)state;
    assert_true(topology.foreign);
    assert_true(topology.rejects_dead);
    assert_string_equal(topology.work, "tasks");
    assert_string_equal(topology.results, "out");
    assert_string_equal(topology.events, "");
    assert_string_equal(topology.lock, "tasks.lock");
    assert_string_equal(topology.count, "shop.count");
    assert_string_equal(topology.dead, "shop.dead");
    assert_string_equal(topology.control, "shop.control");
    assert_string_equal(topology.sources[0].key, "jobs.#");
    assert_true(topology_counts(&topology));
    assert_true(topology_may_be_quorum(&topology));
    assert_true(reserves(&topology, "tasks") && reserves(&topology, "tasks.lock") &&
                reserves(&topology, "shop.count") && reserves(&topology, "shop.dead"));
    assert_false(reserves(&topology, "out") || reserves(&topology, "shop.work"));
    /* Its loss is for its owner to tell. */
    struct why why = {0};
    error_set_about(&why, ABOUT_QUEUE, "tasks", strlen("tasks"));
    assert_false(topology_lost_events(&topology, &why));
}

static void the_work_queue_of_a_farm_is_its_own_by_whatever_name_it_comes(void **state)
{
    struct topology own = of_farm("shop"), same = on_queue("shop", "shop.work");

    (void)state;
    assert_memory_equal(&own, &same, sizeof own);
    /* Of another farm's work queue the lock is that farm's. */
    assert_string_equal(own.lock, "shop.count");
    assert_string_equal(on_queue("shop.work", "shop.work").lock, "shop.count");
    assert_string_equal(on_queue("some", ".work").lock, ".work.lock");
}

static void without_sources_nothing_counts(void **state)
{
    struct topology topology = of_farm("tasks");
    const struct topology_queue queue = {.name = "tasks"};

    (void)state;
    assert_true(topology_counts(&topology));
    assert_int_equal(topology_use_queue(&topology, &queue), 0);
    assert_false(topology_counts(&topology));
    assert_string_equal(topology.results, "");
}

static void a_queues_name_has_1_to_250_bytes(void **state)
{
    struct topology topology = of_farm("shop");
    char name[252];

    (void)state;
    memset(name, 'x', sizeof name - 1);
    name[251] = '\0';
    assert_int_equal(topology_use_queue(&topology, &(struct topology_queue){.name = name}),
                     -ERR_INVALID);
    assert_int_equal(topology_use_queue(&topology, &(struct topology_queue){.name = ""}),
                     -ERR_INVALID);
    name[250] = '\0';
    topology = on_queue("shop", name);
    assert_string_equal(topology.work, name);
    assert_int_equal(strlen(topology.lock), 255);
}

static void assert_source(const char *text, const char *exchange, const char *key)
{
    char copy[64];
    struct topology_source source;

    snprintf(copy, sizeof copy, "%s", text);
    assert_int_equal(topology_parse_source(copy, &source), 0);
    assert_string_equal(source.exchange, exchange);
    assert_string_equal(source.key, key);
}

static void a_source_is_an_exchange_and_a_key_behind_the_last_colon(void **state)
{
    char text[600];
    struct topology_source source;

    (void)state;
    assert_source("some.topic", "some.topic", "");
    assert_source("some.topic:", "some.topic", "");
    assert_source("some.topic:jobs.#", "some.topic", "jobs.#");
    assert_source("Some:Messages:Order:", "Some:Messages:Order", "");
    assert_int_equal(topology_parse_source(strcpy(text, ""), &source), -ERR_REFUSED);
    assert_int_equal(topology_parse_source(strcpy(text, ":key"), &source), -ERR_REFUSED);
    assert_int_equal(topology_parse_source(strcpy(text, "amq.default"), &source), -ERR_REFUSED);
    assert_int_equal(topology_parse_source(strcpy(text, "amq.default:key"), &source), -ERR_REFUSED);
    assert_string_equal(text, "amq.default:key");
    memset(text, 'x', sizeof text);
    text[255] = ':';
    text[511] = '\0';
    assert_int_equal(topology_parse_source(text, &source), 0);
    text[255] = ':';
    text[511] = 'x';
    text[512] = '\0';
    assert_int_equal(topology_parse_source(text, &source), -ERR_INVALID);
    text[255] = 'x';
    text[256] = ':';
    text[257] = '\0';
    assert_int_equal(topology_parse_source(text, &source), -ERR_INVALID);
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
        cmocka_unit_test(what_is_somebody_elses_keeps_its_name),
        cmocka_unit_test(the_work_queue_of_a_farm_is_its_own_by_whatever_name_it_comes),
        cmocka_unit_test(without_sources_nothing_counts),
        cmocka_unit_test(a_queues_name_has_1_to_250_bytes),
        cmocka_unit_test(a_source_is_an_exchange_and_a_key_behind_the_last_colon),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
