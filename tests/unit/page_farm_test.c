/* A farm as winnow-page knows it: the last half hour, whether all is well, what is said of it. */
#include "autoscaler/policy/policy.h"
#include "clock.h"
#include "page/health.h"
#include "page/past.h"
#include "page/render.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SECOND CLOCK_NS_PER_S
#define NOW_NS (10000 * SECOND)

/* ---- the last half hour ---- */

static struct past past;
static struct past_point points[PAST_POINTS];

static void add(int64_t at_s, double workers)
{
    past_add(&past, at_s * SECOND, &(struct past_values){NAN, workers, workers, 0});
}

static size_t read_at(int64_t now_s)
{
    return past_read(&past, now_s * SECOND, points);
}

static void the_last_of_two_seconds_counts(void **state)
{
    (void)state;
    past = (struct past){0};
    assert_int_equal(read_at(1000), 0);
    add(1000, 1);
    add(1001, 2);
    add(1002, 3);
    assert_int_equal(read_at(1003), 2);
    assert_true(points[0].values.workers == 2 && points[0].at_ns == 1001 * SECOND);
    assert_true(points[1].values.workers == 3);
    assert_true(isnan(points[0].values.arrival_per_s));
}

static void silence_is_a_point_of_which_nothing_is_known(void **state)
{
    (void)state;
    past = (struct past){0};
    add(1000, 1);
    add(1006, 2);
    assert_int_equal(read_at(1006), 2);
    past = (struct past){0};
    add(1000, 1);
    add(1008, 2);
    assert_int_equal(read_at(1008), 3);
    assert_true(isnan(points[1].values.workers) && points[1].at_ns == 1004 * SECOND);
    assert_true(points[0].values.workers == 1 && points[2].values.workers == 2);
}

static void half_an_hour_is_kept_and_no_more(void **state)
{
    (void)state;
    past = (struct past){0};
    for (int64_t at_s = 1000; at_s < 6000; at_s++)
        add(at_s, (double)at_s);
    assert_int_equal(read_at(5999), PAST_POINTS);
    assert_true(points[PAST_POINTS - 1].values.workers == 5999);
    assert_true(points[0].values.workers == 5999 - 2 * (PAST_POINTS - 1));
    assert_int_equal(read_at(5999 + 900), PAST_POINTS / 2);
    assert_int_equal(read_at(5999 + 1797), 1);
    assert_int_equal(read_at(5999 + 1799), 0);
    /* Nor does anything come back after many rounds. */
    assert_int_equal(read_at(5999 + 2 * PAST_POINTS * 1000), 0);
}

/* With gaps everywhere there would be more points than fit. */
static void gaps_take_no_more_room_than_there_is(void **state)
{
    (void)state;
    past = (struct past){0};
    for (int64_t at_s = 1000; at_s < 6000; at_s += 8)
        add(at_s, 1);
    size_t count = read_at(6000);
    assert_true(count <= PAST_POINTS && count > PAST_POINTS / 4);
    for (size_t i = 1; i < count; i++)
        assert_true(points[i - 1].at_ns < points[i].at_ns);
}

/* ---- health ---- */

static struct status running(enum policy_reason reason)
{
    struct status status = {.state = "running",
                            .broker_away_s = NAN,
                            .decided_s = 1,
                            .running = 4,
                            .limits = {.min_workers = 1, .max_workers = 8, .replicas = NAN}};

    history_format_clear(&status.decision);
    status.decision.desired_workers = 4;
    status.decision.reason = policy_reason_text(reason);
    return status;
}

static enum health_word found(enum feed_state state, const struct status *status, int64_t age_s)
{
    const struct feed feed = {.state = state, .since_ns = NOW_NS - age_s * SECOND};

    return health_find(&feed, status, NOW_NS - age_s * SECOND, NOW_NS);
}

static void what_is_away_comes_first(void **state)
{
    struct status status = running(POLICY_FORMULA);

    (void)state;
    assert_int_equal(found(FEED_HEARD, &status, 1), HEALTH_OK);
    assert_int_equal(found(FEED_AWAY, &status, 1), HEALTH_AWAY);
    assert_int_equal(found(FEED_NOBODY, &status, 1), HEALTH_UNLED);
    assert_int_equal(found(FEED_HEARD, &status, 5), HEALTH_SILENT);
    assert_int_equal(found(FEED_STARTING, NULL, 4), HEALTH_UNKNOWN);
    assert_int_equal(found(FEED_STARTING, NULL, 5), HEALTH_SILENT);
    status.broker_away_s = 1;
    assert_int_equal(found(FEED_HEARD, &status, 1), HEALTH_BLIND);
    memcpy(status.state, "draining", sizeof "draining");
    assert_int_equal(found(FEED_HEARD, &status, 1), HEALTH_ENDING);
}

static void silence_is_noticed_when_it_begins(void **state)
{
    const struct feed feed = {.state = FEED_HEARD, .since_ns = NOW_NS - 100 * SECOND};
    struct status status = running(POLICY_FORMULA);
    int64_t due_ns = health_due_ns(&feed, &status, NOW_NS);

    (void)state;
    assert_int_equal(health_find(&feed, &status, NOW_NS, due_ns - 1), HEALTH_OK);
    assert_int_equal(health_find(&feed, &status, NOW_NS, due_ns), HEALTH_SILENT);
}

static void a_person_and_the_load_are_told(void **state)
{
    struct status status = running(POLICY_MAX);

    (void)state;
    assert_int_equal(found(FEED_HEARD, &status, 0), HEALTH_FULL);
    status = running(POLICY_TOTAL);
    assert_int_equal(found(FEED_HEARD, &status, 0), HEALTH_FULL);
    status = running(POLICY_HELD_ARRIVAL);
    assert_int_equal(found(FEED_HEARD, &status, 0), HEALTH_HELD);
    assert_false(health_is_known(&status));
    status.limits.paused = true;
    assert_int_equal(found(FEED_HEARD, &status, 0), HEALTH_PAUSED);
    status.limits.replicas = 3;
    assert_int_equal(found(FEED_HEARD, &status, 0), HEALTH_FIXED);
    status.running = 0;
    status.counters.crashed = 1;
    assert_int_equal(found(FEED_HEARD, &status, 0), HEALTH_CRASHING);
    status = running(POLICY_FIXED);
    assert_true(health_is_known(&status));
    status.decided_s = NAN;
    assert_false(health_is_known(&status));
}

static void every_word_is_said_and_explained(void **state)
{
    (void)state;
    for (enum health_word word = 0; word < HEALTH_WORDS; word++) {
        assert_non_null(health_name(word));
        assert_non_null(health_level(word));
        assert_int_equal(word == HEALTH_OK, health_reason(word)[0] == '\0');
    }
}

/* ---- what is said ---- */

static void claim(struct shared_text *text, const char *want)
{
    assert_non_null(text);
    assert_int_equal(strlen(text->bytes), text->length);
    assert_string_equal(text->bytes, want);
    shared_text_drop(text);
}

static void what_is_unknown_is_null(void **state)
{
    struct status status = running(POLICY_FORMULA);

    (void)state;
    claim(render_scale(&status),
          "{\"spec\":{\"min\":1,\"max\":8,\"paused\":false,\"replicas\":null},\"status\":"
          "{\"desired\":4,\"running\":4,\"starting\":0,\"draining\":0,\"reason\":\"formula\","
          "\"known\":true}}\n");
    status.decision.desired_workers = NAN;
    status.decision.reason = NULL;
    status.decided_s = NAN;
    claim(render_scale(&status),
          "{\"spec\":{\"min\":1,\"max\":8,\"paused\":false,\"replicas\":null},\"status\":"
          "{\"desired\":null,\"running\":4,\"starting\":0,\"draining\":0,\"reason\":null,"
          "\"known\":false}}\n");
}

static void bytes_that_are_no_text_are_replaced(void **state)
{
    struct problem problem;

    (void)state;
    claim(render_sent("i", "a\0\xff\xc3\xb6\"\n", 7),
          "{\"message_id\":\"i\",\"result\":\"a\xef\xbf\xbd\xef\xbf\xbd\xc3\xb6\\\"\\n\"}\n");
    claim(render_sent("i", "\xc3", 1), "{\"message_id\":\"i\",\"result\":\"\xef\xbf\xbd\"}\n");
    claim(render_sent("i", "", 0), "{\"message_id\":\"i\",\"result\":\"\"}\n");
    claim(render_sent("i", NULL, 0), "{\"message_id\":\"i\"}\n");
    problem_set(&problem, PROBLEM_NOBODY, "no '%s'", "\xff");
    claim(render_problem(&problem),
          "{\"type\":\"about:blank\",\"title\":\"Conflict\",\"status\":409,\"code\":\"nobody\","
          "\"detail\":\"no '\xef\xbf\xbd'\"}\n");
}

static void every_problem_has_its_status(void **state)
{
    (void)state;
    for (enum problem_kind kind = PROBLEM_MALFORMED; kind < PROBLEM_KINDS; kind++) {
        assert_in_range(problem_status(kind), 400, 504);
        assert_true(problem_code(kind)[0] && problem_title(kind)[0]);
    }
}

static void a_message_becomes_one_line(void **state)
{
    const char *text = "{\r\n\t\"a\": \"\xc3\xb6\"}\n";
    char *line = live_copy_line(text, strlen(text));

    (void)state;
    assert_memory_equal(line, "{   \"a\": \"\xc3\xb6\"} ", strlen(text));
    free(line);
}

static void a_text_lives_as_long_as_somebody_holds_it(void **state)
{
    struct shared_text *text = shared_text_copy("x", 1);

    (void)state;
    assert_ptr_equal(shared_text_hold(text), text);
    shared_text_drop(text);
    assert_string_equal(text->bytes, "x");
    shared_text_drop(text);
    shared_text_drop(NULL);
    assert_null(shared_text_make(NULL, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_of_two_seconds_counts),
        cmocka_unit_test(silence_is_a_point_of_which_nothing_is_known),
        cmocka_unit_test(half_an_hour_is_kept_and_no_more),
        cmocka_unit_test(gaps_take_no_more_room_than_there_is),
        cmocka_unit_test(what_is_away_comes_first),
        cmocka_unit_test(silence_is_noticed_when_it_begins),
        cmocka_unit_test(a_person_and_the_load_are_told),
        cmocka_unit_test(every_word_is_said_and_explained),
        cmocka_unit_test(what_is_unknown_is_null),
        cmocka_unit_test(bytes_that_are_no_text_are_replaced),
        cmocka_unit_test(every_problem_has_its_status),
        cmocka_unit_test(a_message_becomes_one_line),
        cmocka_unit_test(a_text_lives_as_long_as_somebody_holds_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
