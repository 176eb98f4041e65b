#include "page/metrics.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct status status;
static struct metrics_farm farm;
static struct metrics_text text;

/* A farm that works, and of which all is known. */
static int begin(void **state)
{
    static struct status_worker workers[] = {
        {.slot = 0, .state = "running", .tells = true, .busy_share = 0.5, .in_flight_msgs = 3},
        {.slot = 7, .state = "starting", .busy_share = NAN, .in_flight_msgs = NAN},
    };
    struct history_row *row = &status.decision;

    (void)state;
    status = (struct status){
        .epoch = 1767225600123,
        .state = "running",
        .age_s = 3600,
        .decided_s = 0.5,
        .broker_away_s = NAN,
        .starting = 1,
        .running = 2,
        .draining = 3,
        .limits = {.min_workers = 1, .max_workers = 8, .replicas = NAN, .changed_s = NAN},
        .counters = {.arrived_msgs = 1234567, .handled_msgs = 1000, .spawned = 5, .dead_msgs = 2},
        .workers = workers,
        .worker_count = 2,
        .handling = {.sum_s = 12.5, .count = {[0] = 1, [4] = 2, [TIME_CLASSES - 1] = 4}},
        .measured = {.sum_s = 0.25, .count = {[5] = 9}},
    };
    history_format_clear(row);
    row->horizon_s = 2;
    row->capacity_msgs = 1000;
    row->desired_workers = 4;
    row->silent_workers = 0;
    row->backlog_msgs = 250;
    row->arrival_source = HISTORY_OFFERED;
    row->reason = "max";
    farm =
        (struct metrics_farm){.farm = "shop", .status = &status, .age_s = 0.25, .connected = true};
    return 0;
}

static int end(void **state)
{
    (void)state;
    free(text.bytes);
    text = (struct metrics_text){0};
    return 0;
}

/* What is said of so many farms, as a string until the next call. */
static const char *told_of(const struct metrics_farm *farms, size_t count)
{
    static char *copy;

    assert_int_equal(metrics_write(farms, count, &text), 0);
    free(copy);
    copy = malloc(text.length + 1);
    assert_non_null(copy);
    memcpy(copy, text.bytes, text.length);
    copy[text.length] = '\0';
    return copy;
}

static const char *told(void)
{
    return told_of(&farm, 1);
}

/* Whether it is a whole line. */
static bool has(const char *all, const char *line)
{
    size_t length = strlen(line);

    for (const char *at = all; (at = strstr(at, line)); at++)
        if ((at == all || at[-1] == '\n') && at[length] == '\n')
            return true;
    return false;
}

static void assert_has(const char *line)
{
    if (!has(told(), line))
        fail_msg("no line '%s' in\n%s", line, told());
}

/* Whether there is any line of that name, with a label or without. */
static bool has_any(const char *name)
{
    char begins[100];

    snprintf(begins, sizeof begins, "\n%s{", name);
    return strstr(told(), begins);
}

static void what_a_status_says_has_a_line_with_its_farm(void **state)
{
    (void)state;
    assert_has("winnow_up{farm=\"shop\"} 1");
    assert_has("winnow_status_age_seconds{farm=\"shop\"} 0.25");
    assert_has("winnow_workers{farm=\"shop\",state=\"starting\"} 1");
    assert_has("winnow_workers{farm=\"shop\",state=\"running\"} 2");
    assert_has("winnow_workers{farm=\"shop\",state=\"draining\"} 3");
    assert_has("winnow_epoch{farm=\"shop\"} 1767225600123");
    assert_has("winnow_desired_workers{farm=\"shop\"} 4");
    assert_has("winnow_max_workers{farm=\"shop\"} 8");
    assert_has("winnow_paused{farm=\"shop\"} 0");
    assert_has("winnow_backlog_events{farm=\"shop\"} 250");
    assert_has("winnow_arrived_events_total{farm=\"shop\"} 1234567");
    assert_has("winnow_dead_events_total{farm=\"shop\"} 2");
    assert_has("winnow_decision_reason{farm=\"shop\",reason=\"max\"} 1");
    assert_has("winnow_worker_busy_ratio{farm=\"shop\",slot=\"0\"} 0.5");
    assert_has("winnow_worker_in_flight_events{farm=\"shop\",slot=\"0\"} 3");
}

static void spans_go_on_while_the_status_ages(void **state)
{
    (void)state;
    assert_has("winnow_decision_age_seconds{farm=\"shop\"} 0.75");
    assert_has("winnow_autoscaler_uptime_seconds{farm=\"shop\"} 3600.25");
}

static void the_service_time_is_that_of_the_decision(void **state)
{
    (void)state;
    assert_has("winnow_service_time_seconds{farm=\"shop\"} 0.002");
    status.decision.capacity_msgs = 0;
    assert_false(has_any("winnow_service_time_seconds"));
}

static void a_histogram_has_the_sums_of_its_classes(void **state)
{
    (void)state;
    assert_has("winnow_handling_seconds_bucket{farm=\"shop\",le=\"1e-05\"} 1");
    assert_has("winnow_handling_seconds_bucket{farm=\"shop\",le=\"0.0003\"} 1");
    assert_has("winnow_handling_seconds_bucket{farm=\"shop\",le=\"0.001\"} 3");
    assert_has("winnow_handling_seconds_bucket{farm=\"shop\",le=\"100\"} 3");
    assert_has("winnow_handling_seconds_bucket{farm=\"shop\",le=\"+Inf\"} 7");
    assert_has("winnow_handling_seconds_sum{farm=\"shop\"} 12.5");
    assert_has("winnow_handling_seconds_count{farm=\"shop\"} 7");
    assert_has("winnow_measurement_age_seconds_count{farm=\"shop\"} 9");
}

static void what_is_unknown_has_no_line(void **state)
{
    static const char *const names[] = {
        "winnow_fixed_workers",   "winnow_useful_workers",         "winnow_arrivals_per_second",
        "winnow_startup_seconds", "winnow_handling_seconds_count", "winnow_given_back_events_total",
        "winnow_decision_reason", "winnow_decision_age_seconds",   "winnow_arrived_events_total",
    };

    (void)state;
    status.decision.arrival_per_s = INFINITY;
    status.decision.startup_s = -INFINITY;
    status.decision.reason = NULL;
    status.decision.arrival_source = NULL;
    status.counters.given_back_msgs = NAN;
    status.handling.sum_s = NAN;
    status.decided_s = NAN;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (has_any(names[i]))
            fail_msg("there is a line of %s", names[i]);
    assert_null(strstr(told(), "slot=\"7\""));
    assert_null(strstr(told(), "nan"));
    assert_null(strstr(told(), "} \n"));
    status.decision.arrival_source = HISTORY_NOT_MEASURED;
    assert_false(has_any("winnow_arrived_events_total"));
}

static void of_workers_that_tell_nothing_nobody_knows_what_they_do(void **state)
{
    static const char *const names[] = {
        "winnow_handled_events_total",
        "winnow_dead_events_total",
        "winnow_given_back_events_total",
        "winnow_handling_seconds_count",
    };

    (void)state;
    status.counters.handled_msgs = 0;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_true(has_any(names[i]));
    status.decision.silent_workers = 1;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_false(has_any(names[i]));
}

static void of_an_old_status_only_its_age_is_said(void **state)
{
    (void)state;
    farm.age_s = METRICS_FRESH_S;
    assert_has("winnow_up{farm=\"shop\"} 1");
    farm.age_s = METRICS_FRESH_S + 0.5;
    assert_has("winnow_up{farm=\"shop\"} 0");
    assert_has("winnow_status_age_seconds{farm=\"shop\"} 10.5");
    assert_has("winnow_broker_up{farm=\"shop\",from=\"page\"} 1");
    assert_null(strstr(told(), "from=\"autoscaler\""));
    assert_false(has_any("winnow_workers"));
    assert_false(has_any("winnow_handled_events_total"));
}

static void a_farm_of_which_nothing_was_heard_is_not_up(void **state)
{
    (void)state;
    farm = (struct metrics_farm){.farm = "shop", .age_s = NAN};
    assert_has("winnow_up{farm=\"shop\"} 0");
    assert_has("winnow_broker_up{farm=\"shop\",from=\"page\"} 0");
    assert_false(has_any("winnow_status_age_seconds"));
    assert_false(has_any("winnow_workers"));
}

static void the_autoscaler_may_have_lost_the_broker_alone(void **state)
{
    (void)state;
    assert_has("winnow_broker_up{farm=\"shop\",from=\"autoscaler\"} 1");
    status.broker_away_s = 3;
    assert_has("winnow_broker_up{farm=\"shop\",from=\"autoscaler\"} 0");
    assert_has("winnow_broker_up{farm=\"shop\",from=\"page\"} 1");
}

static void labels_are_escaped(void **state)
{
    (void)state;
    farm.farm = "a\"b\\c\nd{}\t\xc3\xa4";
    status.decision.reason = "\n\n\"";
    assert_has("winnow_up{farm=\"a\\\"b\\\\c\\nd{}\t\xc3\xa4\"} 1");
    assert_true(strstr(told(), ",reason=\"\\n\\n\\\"\"} 1\n"));
}

/* Every line that begins like this one up to its first blank. */
static size_t lines_like(const char *all, const char *line)
{
    size_t length = strcspn(line, " "), count = 0;

    for (const char *at = all; at && *at; at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL)
        count += strncmp(at, line, length + 1) == 0;
    return count;
}

static void two_farms_share_each_name_and_no_series_is_there_twice(void **state)
{
    const struct metrics_farm farms[] = {farm, {.farm = "mail", .status = &status, .age_s = 1}};
    const char *all = told_of(farms, 2);
    char *copy = strdup(all), *rest = copy;

    (void)state;
    assert_non_null(copy);
    assert_true(has(all, "winnow_up{farm=\"shop\"} 1") && has(all, "winnow_up{farm=\"mail\"} 1"));
    for (char *line; (line = strsep(&rest, "\n"));)
        if (*line && *line != '#' && lines_like(all, line) != 1)
            fail_msg("more than once: %s", line);
    for (const char *at = all; (at = strstr(at, "# TYPE ")); at++) {
        const char *name = at + strlen("# TYPE ");
        char head[100];
        snprintf(head, sizeof head, "# TYPE %.*s ", (int)strcspn(name, " "), name);
        assert_null(strstr(at + 1, head));
    }
    free(copy);
}

static void a_thousand_workers_have_a_line_each_by_their_slots(void **state)
{
    enum { WORKERS = 1000 };
    struct status_worker *workers = calloc(WORKERS, sizeof *workers);
    size_t lines = 0;

    (void)state;
    assert_non_null(workers);
    for (size_t i = 0; i < WORKERS; i++)
        workers[i] = (struct status_worker){.slot = (int64_t)(3 * i), .pid = 4242};
    status.workers = workers;
    status.worker_count = WORKERS;
    assert_has("winnow_worker_busy_ratio{farm=\"shop\",slot=\"2997\"} 0");
    for (const char *at = told(); (at = strstr(at, ",slot=\"")); at++)
        lines++;
    assert_int_equal(lines, 2 * WORKERS);
    assert_null(strstr(told(), "4242"));
    free(workers);
}

static void over_several_hosts_nodes_have_lines_and_workers_their_nodes(void **state)
{
    static struct status_node nodes[] = {
        {.name = "a", .state = "up", .capacity = 4, .target = 3, .running = 2, .age_s = 0.5},
        {.name = "b\"", .state = "lost", .capacity = 8, .age_s = 12},
    };
    static struct status_worker workers[] = {
        {.node = "a", .slot = 0, .busy_share = 0.5},
        {.node = "b\"", .slot = 0, .busy_share = 1},
    };

    (void)state;
    assert_false(has_any("winnow_node_state"));
    status.nodes = nodes;
    status.node_count = 2;
    status.workers = workers;
    assert_has("winnow_node_state{farm=\"shop\",node=\"a\",state=\"up\"} 1");
    assert_has("winnow_node_state{farm=\"shop\",node=\"b\\\"\",state=\"lost\"} 1");
    assert_has("winnow_node_workers{farm=\"shop\",node=\"a\",state=\"running\"} 2");
    assert_has("winnow_node_target_workers{farm=\"shop\",node=\"a\"} 3");
    assert_has("winnow_node_capacity_workers{farm=\"shop\",node=\"a\"} 4");
    assert_has("winnow_node_report_age_seconds{farm=\"shop\",node=\"a\"} 0.75");
    assert_has("winnow_worker_busy_ratio{farm=\"shop\",node=\"a\",slot=\"0\"} 0.5");
    assert_has("winnow_worker_busy_ratio{farm=\"shop\",node=\"b\\\"\",slot=\"0\"} 1");
}

static void no_farm_at_all_is_a_text_without_samples(void **state)
{
    const char *all = told_of(NULL, 0);

    (void)state;
    assert_true(*all);
    for (const char *at = all; at && *at; at = strchr(at, '\n') + 1)
        assert_true(*at == '#');
}

#define claim(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        claim(what_a_status_says_has_a_line_with_its_farm),
        claim(spans_go_on_while_the_status_ages),
        claim(the_service_time_is_that_of_the_decision),
        claim(a_histogram_has_the_sums_of_its_classes),
        claim(what_is_unknown_has_no_line),
        claim(of_workers_that_tell_nothing_nobody_knows_what_they_do),
        claim(of_an_old_status_only_its_age_is_said),
        claim(a_farm_of_which_nothing_was_heard_is_not_up),
        claim(the_autoscaler_may_have_lost_the_broker_alone),
        claim(labels_are_escaped),
        claim(two_farms_share_each_name_and_no_series_is_there_twice),
        claim(a_thousand_workers_have_a_line_each_by_their_slots),
        claim(over_several_hosts_nodes_have_lines_and_workers_their_nodes),
        claim(no_farm_at_all_is_a_text_without_samples),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
