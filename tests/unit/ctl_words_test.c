#include "autoscaler/policy/policies.h"
#include "autoscaler/policy/policy_history.h"
#include "ctl/amounts.h"
#include "ctl/change.h"
#include "ctl/overview.h"
#include "ctl/sentence.h"
#include "ctl/terms.h"
#include "ctl/verbatim.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* What was printed last. */
static char said[8192];

static FILE *listen(void)
{
    FILE *out = fmemopen(said, sizeof said, "w");

    said[0] = '\0';
    assert_non_null(out);
    return out;
}

static void assert_said(const char *part)
{
    if (!strstr(said, part))
        fail_msg("'%s' is not in: %s", part, said);
}

static void assert_not_said(const char *part)
{
    if (strstr(said, part))
        fail_msg("'%s' is in: %s", part, said);
}

/* A farm of five workers that decided a second ago. */
static struct status some_status(void)
{
    struct status status = {.state = "running",
                            .age_s = 3720,
                            .broker_away_s = NAN,
                            .decided_s = 1,
                            .running = 5,
                            .limits = {.min_workers = 0, .max_workers = 8, .replicas = NAN}};

    history_format_clear(&status.decision);
    status.decision.desired_workers = 5;
    status.decision.formula_workers = 13;
    status.decision.reason = policy_reason_text(POLICY_FORMULA);
    return status;
}

static void say(const struct status *status)
{
    FILE *out = listen();

    sentence_print(status, out);
    sentence_print_rest(status, out);
    fclose(out);
}

/* ---- amounts ---- */

static void numbers_have_a_fraction_only_where_it_tells_something(void **state)
{
    static const struct {
        double value;
        const char *shown;
    } cases[] = {{0, "0"},     {0.04, "0"},      {0.26, "0.3"}, {3, "3"},       {9.94, "9.9"},
                 {9.97, "10"}, {1520.4, "1520"}, {NAN, "?"},    {-1.5, "-1.5"}, {1e18, "1e+18"}};
    char text[AMOUNTS_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(amounts_number(cases[i].value, text), cases[i].shown);
}

static void spans_are_told_in_the_unit_that_fits(void **state)
{
    static const struct {
        double seconds;
        const char *shown;
    } cases[] = {{NAN, "?"},
                 {-1, "0.0 s"},
                 {0.44, "0.4 s"},
                 {9.99, "9 s"},
                 {119.9, "119 s"},
                 {120, "2 min"},
                 {7199, "119 min"},
                 {7500, "2 h 5 min"},
                 {86400 * 3.5, "3 days"},
                 {1e300, "1000000000 days"}};
    char text[AMOUNTS_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(amounts_span(cases[i].seconds, text), cases[i].shown);
}

static void one_worker_is_not_workers(void **state)
{
    char text[AMOUNTS_SIZE];

    (void)state;
    assert_string_equal(amounts_workers(1, text), "1 worker");
    assert_string_equal(amounts_workers(0, text), "0 workers");
    assert_string_equal(amounts_events(1, text), "1 event");
    assert_string_equal(amounts_events(1520.4, text), "1520 events");
    assert_string_equal(amounts_percent(0.876, text), "88%");
    assert_string_equal(amounts_percent(7, text), "100%");
    assert_string_equal(amounts_percent(NAN, text), "?");
}

/* ---- the sentence ---- */

static void every_reason_has_words_of_its_own(void **state)
{
    char before[POLICY_REASONS][512];
    struct status status = some_status();

    (void)state;
    for (int i = 0; i < POLICY_REASONS; i++) {
        status.decision.reason = policy_reason_text((enum policy_reason)i);
        say(&status);
        assert_ptr_equal(strstr(said, "5 workers"), said);
        assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1);
        /* Not only the word that the history has. */
        assert_true(strlen(said) > strlen("5 workers: .\n") + strlen(status.decision.reason));
        snprintf(before[i], sizeof before[i], "%.500s", said);
        for (int other = 0; other < i; other++)
            assert_string_not_equal(before[i], before[other]);
    }
}

static void a_reason_of_a_newer_program_is_told_as_it_is(void **state)
{
    struct status status = some_status();

    (void)state;
    status.decision.reason = "tides\x1b[2J";
    say(&status);
    assert_said("5 workers: tides\\x1b[2J.\n");
    status.decision.reason = NULL;
    say(&status);
    assert_said("it is not said why");
}

static void what_keeps_the_number_goes_before_the_reason(void **state)
{
    struct status status = some_status();

    (void)state;
    status.limits.paused = true;
    say(&status);
    assert_said("Paused: the number of workers stays at 5.\n");
    strcpy(status.limits.by, "winnow-ctl/desk\x9b/7");
    status.limits.changed_s = 600;
    say(&status);
    assert_said("5 (last command 10 min ago, by winnow-ctl/desk\\x9b/7).\n");
    status.limits.replicas = 1;
    say(&status);
    assert_said("Fixed: 1 worker, whatever the load (last command 10 min ago");
    status.broker_away_s = 12;
    say(&status);
    assert_said("no connection to its broker for 12 s");
    strcpy(status.state, "draining");
    say(&status);
    assert_said("ending");
    strcpy(status.state, "standby");
    say(&status);
    assert_said("stands by");
}

static void before_the_first_decision_that_is_said(void **state)
{
    struct status status = some_status();

    (void)state;
    status.decided_s = NAN;
    status.decision.desired_workers = NAN;
    say(&status);
    assert_string_equal(said, "Nothing was decided yet.\n");
}

static void workers_that_are_missing_or_tell_nothing_are_told(void **state)
{
    struct status_worker workers[] = {
        {.state = "running", .tells = true}, {.state = "running"}, {.state = "starting"}};
    struct status status = some_status();

    (void)state;
    status.running = 2;
    status.starting = 1;
    status.workers = workers;
    status.worker_count = 3;
    say(&status);
    assert_said("2 workers still to be started.\n");
    assert_said("1 worker does not use the scoreboard");
}

static void workers_that_crash_one_after_the_other_are_told(void **state)
{
    struct status status = some_status();

    (void)state;
    status.running = 0;
    status.counters.crashed = 16;
    status.counters.spawned = 17;
    say(&status);
    assert_said("Workers do not stay: 16 of the 17 that were started have crashed.");
    status.running = 1;
    say(&status);
    assert_not_said("do not stay");
}

static void who_decides_nothing_starts_nobody(void **state)
{
    static const char *const states[] = {"draining", "standby"};
    struct status status = some_status();

    (void)state;
    status.running = 0;
    status.counters.crashed = 16;
    status.counters.spawned = 17;
    say(&status);
    assert_said("5 workers still to be started.\n");
    for (size_t i = 0; i < 2; i++) {
        strcpy(status.state, states[i]);
        say(&status);
        assert_not_said("to be started");
        assert_not_said("do not stay");
    }
}

/* ---- the terms ---- */

/* What the autoscaler writes down of a decision. */
static void decide(const char *name, struct policy_params params, struct status *status,
                   char text[POLICY_HISTORY_PARAMS_SIZE])
{
    const struct policy *policy = policies_find(name);
    const struct policy_sample sample = {.backlog_msgs = 2000,
                                         .arrival_per_s = 1500,
                                         .ready_msgs = 1900,
                                         .most_ready_msgs = 1900,
                                         .interval_s = 2,
                                         .capacity_msgs = 1000,
                                         .useful_workers = NAN,
                                         .workers = 3};
    struct policy_decision decision;
    struct policy_state state = {.desired_workers = 3};

    policy_tune(policy, &params);
    assert_int_equal(policy_decide(policy, &sample, &params, &state, &decision), 0);
    policy_history_write(policy, &params, &sample, &decision, &status->decision);
    policy_history_params(policy, &params, text);
    status->decision.params = text;
    status->decision.in_flight_msgs = 100;
}

static void explain(const struct status *status)
{
    FILE *out = listen();

    terms_print(status, out);
    fclose(out);
}

static void each_term_of_a_decision_is_told_with_its_number(void **state)
{
    struct status status = some_status();
    char params[POLICY_HISTORY_PARAMS_SIZE];
    const struct policy *other;

    (void)state;
    decide("formula", (struct policy_params)POLICY_DEFAULT_PARAMS, &status, params);
    explain(&status);
    assert_said("2000 events: 1900 ready in the queue, 100 held by workers");
    assert_said("1500 events/s, over 2.0 s");
    assert_said("5: (B + λT) / C = (2000 + 1500 × 2) / 1000 = 5\n");
    assert_said("0 to 8 workers\n");
    assert_said("5 workers by formula; what bound it: formula");
    assert_not_said("formula says");
    for (size_t i = 1; (other = policies_at(i)); i++) {
        assert_said(other->name);
        assert_said(" says ");
    }
}

static void erlang_has_two_terms(void **state)
{
    struct status status = some_status();
    char params[POLICY_HISTORY_PARAMS_SIZE];

    (void)state;
    decide("erlang", (struct policy_params)POLICY_DEFAULT_PARAMS, &status, params);
    explain(&status);
    assert_said("so that few events wait long");
    assert_said("so that the backlog goes");
    assert_said("formula says 5");
}

static void a_paused_farm_is_told_what_its_own_policy_says(void **state)
{
    struct policy_params params = POLICY_DEFAULT_PARAMS;
    struct status status = some_status();
    char text[POLICY_HISTORY_PARAMS_SIZE];

    (void)state;
    params.paused = 1;
    decide("formula", params, &status, text);
    assert_int_equal(status.decision.desired_workers, 3);
    explain(&status);
    assert_said("what bound it: paused");
    assert_said("formula says 5");
}

static void a_need_that_was_rounded_up_is_told_with_the_digits_that_show_it(void **state)
{
    static const struct {
        double need, whole;
        const char *shown;
    } cases[] = {{1.023, 2, "= 1.02\n"}, {10.3, 11, "= 10.3\n"},
                 {4.96, 5, "= 5\n"},     {2.0000004, 3, "= 2.0000004\n"},
                 {7, 7, "= 7\n"},        {1e18, 1e18, "= 1e+18\n"}};
    struct status status = some_status();

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        status.decision.need_workers = cases[i].need;
        status.decision.formula_workers = cases[i].whole;
        explain(&status);
        assert_said(cases[i].shown);
    }
}

static void no_other_policy_waits_before_it_takes_workers_away(void **state)
{
    struct policy_params params = POLICY_DEFAULT_PARAMS;
    struct status status = some_status();
    char text[POLICY_HISTORY_PARAMS_SIZE];
    const struct policy *other;
    char unwanted[64];

    (void)state;
    params.replicas = 120;
    params.max_workers = 200;
    decide("formula", params, &status, text);
    assert_int_equal(status.decision.desired_workers, 120);
    status.decision.workers = 120;
    explain(&status);
    assert_said("formula says 5");
    for (size_t i = 0; (other = policies_at(i)); i++) {
        snprintf(unwanted, sizeof unwanted, "%s says 120", other->name);
        assert_not_said(unwanted);
    }
}

static void what_was_not_decided_has_no_terms(void **state)
{
    struct status status = some_status();

    (void)state;
    status.decided_s = NAN;
    explain(&status);
    assert_string_equal(said, "");
    /* Nor do unknown numbers stand in the way of the rest. */
    status.decided_s = 0;
    explain(&status);
    assert_said("  B          ? events: ? ready in the queue, ? held by workers\n");
    status.decision.need_workers = NAN;
    status.decision.formula_workers = 3;
    explain(&status);
    assert_said("  needed     3: (B + λT) / C = (? + ? × ?) / ? = ?\n");
}

/* ---- what a command changed ---- */

static void say_change(struct command command, const struct status *before)
{
    FILE *out = listen();

    change_print(&command, before, out);
    fclose(out);
}

static void a_command_is_told_as_what_it_changed(void **state)
{
    const struct command nothing = {.verb = COMMAND_SET,
                                    .min_workers = COMMAND_UNCHANGED,
                                    .max_workers = COMMAND_UNCHANGED,
                                    .replicas = COMMAND_UNCHANGED};
    struct status_worker worker = {.slot = 3, .pid = 4711};
    struct status before = some_status();
    struct command set = nothing;

    (void)state;
    set.max_workers = 20;
    say_change(set, &before);
    assert_string_equal(said, "max is now 20 (was 8)\n");
    set.min_workers = 0;
    say_change(set, &before);
    assert_string_equal(said, "min is 0, as before, max is now 20 (was 8)\n");
    set = nothing;
    set.replicas = 1;
    say_change(set, &before);
    assert_string_equal(said, "fixed at 1 worker, whatever the load\n");
    set.replicas = COMMAND_NONE;
    say_change(set, &before);
    assert_string_equal(said, "the number of workers was not fixed\n");
    before.limits.replicas = 7;
    say_change(set, &before);
    assert_string_equal(said, "no longer fixed: the number of workers is decided again\n");
    before.limits.paused = true;
    say_change(set, &before);
    assert_string_equal(said,
                        "no longer fixed: the farm is paused, and the number of workers stays\n");
    before.limits.paused = false;
    set.replicas = 7;
    say_change(set, &before);
    assert_string_equal(said, "fixed at 7 workers, as before\n");
    set.replicas = 6;
    say_change(set, &before);
    assert_string_equal(said, "fixed at 6 workers (was 7)\n");
    before.workers = &worker;
    before.worker_count = 1;
    say_change((struct command){.verb = COMMAND_STOP, .slot = 3}, &before);
    assert_string_equal(said, "the worker in slot 3 (pid 4711) finishes what it holds and ends\n");
    say_change((struct command){.verb = COMMAND_PAUSE}, &before);
    assert_said("paused: the number of workers stays at ");
    say_change((struct command){.verb = COMMAND_RESUME}, &before);
    assert_string_equal(said, "it was not paused\n");
    before.limits.paused = true;
    say_change((struct command){.verb = COMMAND_RESUME}, &before);
    assert_said("fixed at 7");
    say_change((struct command){.verb = COMMAND_PAUSE}, &before);
    assert_said("paused already");
}

/* ---- tables ---- */

static void a_table_of_workers_says_how_many_it_leaves_out(void **state)
{
    struct status_worker workers[5] = {{.slot = 0, .state = "running", .tells = true}};
    struct status status = some_status();
    size_t lines = 0;
    FILE *out;

    (void)state;
    for (int64_t i = 1; i < 5; i++)
        workers[i] = (struct status_worker){.slot = i, .state = "starting"};
    status.workers = workers;
    status.worker_count = 5;
    for (size_t most = 0; most < 8; most++) {
        out = listen();
        overview_print_workers(&status, most, out);
        fclose(out);
        lines = 0;
        for (const char *at = said; (at = strchr(at, '\n')); at++)
            lines++;
        assert_true(lines <= most && lines >= (most < 2 ? 0 : most < 6 ? most : 6));
        if (most >= 2 && most < 6)
            assert_said(" more\n");
        else
            assert_not_said(" more\n");
    }
}

static void a_message_is_printed_as_one_line_that_says_the_same(void **state)
{
    /* DEL, CSI, and two that are hidden, of which one is beyond the first plane; then letters. */
    static const char text[] =
        "{\n\t\"farm\": \"a\x7f\xc2\x9b\xe2\x80\xae\xf3\xa0\x80\x81\xc3\xa9\xf0\x9f\x98\x80\"\r\n}";
    FILE *out = listen();

    (void)state;
    verbatim_print(text, sizeof text - 1, out);
    fclose(out);
    assert_string_equal(said, "{  \"farm\": \"a\\u007f\\u009b\\u202e\\udb40\\udc01"
                              "\xc3\xa9\xf0\x9f\x98\x80\"  }\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_have_a_fraction_only_where_it_tells_something),
        cmocka_unit_test(spans_are_told_in_the_unit_that_fits),
        cmocka_unit_test(one_worker_is_not_workers),
        cmocka_unit_test(every_reason_has_words_of_its_own),
        cmocka_unit_test(a_reason_of_a_newer_program_is_told_as_it_is),
        cmocka_unit_test(what_keeps_the_number_goes_before_the_reason),
        cmocka_unit_test(before_the_first_decision_that_is_said),
        cmocka_unit_test(workers_that_are_missing_or_tell_nothing_are_told),
        cmocka_unit_test(workers_that_crash_one_after_the_other_are_told),
        cmocka_unit_test(who_decides_nothing_starts_nobody),
        cmocka_unit_test(each_term_of_a_decision_is_told_with_its_number),
        cmocka_unit_test(erlang_has_two_terms),
        cmocka_unit_test(a_paused_farm_is_told_what_its_own_policy_says),
        cmocka_unit_test(a_need_that_was_rounded_up_is_told_with_the_digits_that_show_it),
        cmocka_unit_test(no_other_policy_waits_before_it_takes_workers_away),
        cmocka_unit_test(what_was_not_decided_has_no_terms),
        cmocka_unit_test(a_command_is_told_as_what_it_changed),
        cmocka_unit_test(a_table_of_workers_says_how_many_it_leaves_out),
        cmocka_unit_test(a_message_is_printed_as_one_line_that_says_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
