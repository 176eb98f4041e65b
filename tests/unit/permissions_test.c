#include "permissions.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct topology of_queue(const char *queue, size_t sources, bool rejects_dead)
{
    struct topology topology;
    struct topology_queue there = {.name = queue, .rejects_dead = rejects_dead};

    for (size_t i = 0; i < sources; i++)
        there.sources[there.source_count++] = (struct topology_source){"some.topic", ""};
    assert_int_equal(topology_init(&topology, "tasks", QUEUE_CLASSIC), 0);
    assert_int_equal(topology_use_queue(&topology, &there), 0);
    return topology;
}

static struct why refusal(void)
{
    struct why why;

    error_set(&why, ERR_REFUSED, "the broker says: no");
    return why;
}

static void an_autoscaler_is_told_of_its_queues_and_sources(void **state)
{
    struct topology topology = of_queue("tasks", 1, false);
    struct why why = refusal();

    (void)state;
    permissions_explain(&topology, PERMISSIONS_AUTOSCALER, &why);
    assert_string_equal(
        why.text, "for the queue 'tasks' an autoscaler's user needs configure on 'tasks.lock' and "
                  "'tasks.count', write on 'tasks.count', read on 'tasks.count' and 'some.topic', "
                  "and all three on 'tasks.control' to be asked and told: the broker says: no");
}

static void a_worker_is_told_of_what_is_dead_unless_it_rejects_that(void **state)
{
    struct topology topology = of_queue("tasks", 0, false);
    struct why why = refusal();

    (void)state;
    permissions_explain(&topology, PERMISSIONS_WORKER, &why);
    assert_string_equal(why.text,
                        "for the queue 'tasks' a worker's user needs read on it, and write on "
                        "'amq.default' if there are results; configure, write and read on "
                        "'tasks.dead' for what is dead: the broker says: no");
    topology = of_queue("tasks", 0, true);
    why = refusal();
    permissions_explain(&topology, PERMISSIONS_WORKER, &why);
    assert_null(strstr(why.text, "tasks.dead"));
}

static void nothing_is_said_where_that_would_not_help(void **state)
{
    struct topology topology = of_queue("tasks.work", 0, false);
    struct why why = refusal();

    (void)state;
    assert_false(topology.foreign);
    permissions_explain(&topology, PERMISSIONS_AUTOSCALER, &why);
    assert_string_equal(why.text, "the broker says: no");
    topology = of_queue("tasks", 0, false);
    error_set_about(&why, ABOUT_LIMIT, "queues", strlen("queues"));
    permissions_explain(&topology, PERMISSIONS_AUTOSCALER, &why);
    assert_string_equal(why.text, "the broker says: no");
}

static void a_long_list_is_cut_before_the_brokers_words_are(void **state)
{
    char name[TOPOLOGY_WORK_MAX_BYTES + 1] = "";

    (void)state;
    memset(name, 'x', sizeof name - 1);
    for (size_t sources = 0; sources <= TOPOLOGY_MOST_SOURCES; sources++)
        for (int who = PERMISSIONS_AUTOSCALER; who <= PERMISSIONS_WORKER; who++) {
            struct topology topology = of_queue(sources % 2 ? name : "tasks", sources, false);
            struct why why = refusal();
            permissions_explain(&topology, (enum permissions_of)who, &why);
            assert_non_null(strstr(why.text, ": the broker says: no"));
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_autoscaler_is_told_of_its_queues_and_sources),
        cmocka_unit_test(a_worker_is_told_of_what_is_dead_unless_it_rejects_that),
        cmocka_unit_test(nothing_is_said_where_that_would_not_help),
        cmocka_unit_test(a_long_list_is_cut_before_the_brokers_words_are),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
