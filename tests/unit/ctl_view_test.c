/* The screen of `status --watch`, as text: the graph, wrapping, and the whole at several sizes. */
#include "clock.h"
#include "ctl/graph.h"
#include "ctl/view.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uniwidth.h>

#include <cmocka.h>

#define SECOND CLOCK_NS_PER_S

static char said[65536];

static FILE *listen(void)
{
    FILE *out = fmemopen(said, sizeof said, "w");

    assert_non_null(out);
    return out;
}

/* ---- the graph ---- */

static void draw_graph(const struct graph *graph, struct graph_form form, int64_t now_ns)
{
    FILE *out = listen();

    graph_print(graph, &form, now_ns, out);
    fclose(out);
}

static void bars_are_as_high_as_their_share_of_the_greatest(void **state)
{
    static struct graph graph;
    int64_t now_ns = 1000 * SECOND;

    (void)state;
    /* Unknown, then 0, a trace, a half, all. */
    graph_add(&graph, now_ns - 8 * SECOND, NAN, 8);
    graph_add(&graph, now_ns - 6 * SECOND, 0, 8);
    graph_add(&graph, now_ns - 4 * SECOND, 1, 4);
    graph_add(&graph, now_ns - 2 * SECOND, 500, 2);
    graph_add(&graph, now_ns, 1000, 0);
    draw_graph(&graph, (struct graph_form){.width = 17 + 6, .height = 2, .blocks = true}, now_ns);
    assert_string_equal(said, "events/s   1000 |     █\n"
                              "              0 |   ▁██\n"
                              "workers       8 | ██   \n"
                              "              0 | ███▄ \n"
                              "\n");
    draw_graph(&graph, (struct graph_form){.width = 17 + 6, .height = 2}, now_ns);
    assert_string_equal(said, "events/s   1000 |     #\n"
                              "              0 |   .##\n"
                              "workers       8 | ##   \n"
                              "              0 | ###: \n"
                              "\n");
}

static void what_is_older_than_the_graph_is_gone(void **state)
{
    static struct graph graph;
    int64_t now_ns = 1000 * SECOND;

    (void)state;
    graph_add(&graph, now_ns, 1000, 8);
    draw_graph(&graph, (struct graph_form){.width = 80, .height = 1}, now_ns + 200 * SECOND);
    assert_null(strchr(said, '#'));
    /* Nor does it come back where a new round of columns begins. */
    draw_graph(&graph, (struct graph_form){.width = 600, .height = 1},
               now_ns + 2 * (GRAPH_MOST_COLUMNS + GRAPH_HELD_COLUMNS) * SECOND);
    assert_null(strchr(said, '#'));
}

/* Decisions do not keep to the columns, and may be further apart. */
static void what_was_said_holds_for_a_while(void **state)
{
    static struct graph graph;
    int64_t now_ns = 1000 * SECOND;

    (void)state;
    graph_add(&graph, now_ns, 1000, 8);
    graph_add(&graph, now_ns + 6 * SECOND, 500, 4);
    draw_graph(&graph, (struct graph_form){.width = 17 + 14, .height = 2}, now_ns + 24 * SECOND);
    assert_string_equal(said, "events/s   1000 | ###          \n"
                              "              0 | ###########  \n"
                              "workers       8 | ###          \n"
                              "              0 | ###########  \n"
                              "                 28 s ago   now\n");
}

static void the_axis_says_how_far_back_it_goes(void **state)
{
    static struct graph graph;

    (void)state;
    draw_graph(&graph, (struct graph_form){.width = 80, .height = 1}, 1000 * SECOND);
    assert_non_null(strstr(said, "2 min ago"));
    assert_string_equal(said + strlen(said) - 4, "now\n");
    draw_graph(&graph, (struct graph_form){.width = 3, .height = 1}, 1000 * SECOND);
}

/* ---- wrapping ---- */

static void wrap(const char *text, size_t columns, size_t most)
{
    FILE *out = listen();

    screen_print_wrapped(text, columns, most, out);
    fclose(out);
}

static void words_wrap_where_the_line_ends(void **state)
{
    (void)state;
    wrap("one two three", 7, 5);
    assert_string_equal(said, "one two\nthree\n");
    wrap("one two three", 6, 5);
    assert_string_equal(said, "one\ntwo\nthree\n");
    wrap("one\ntwo\n", 80, 5);
    assert_string_equal(said, "one two\n");
    wrap("äöü äöü", 7, 5);
    assert_string_equal(said, "äöü äöü\n");
    wrap("immeasurable", 4, 5);
    assert_string_equal(said, "immeasurable\n");
    wrap("one two three", 3, 2);
    assert_string_equal(said, "one\ntwo...\n");
}

/* ---- the whole ---- */

#define WORKERS 40

static void some_view(struct view *view)
{
    struct status status = {.state = "running",
                            .age_s = 3720,
                            .broker_away_s = NAN,
                            .decided_s = 1,
                            .running = WORKERS,
                            .limits = {.max_workers = 50, .replicas = NAN}};

    history_format_clear(&status.decision);
    status.decision.desired_workers = WORKERS;
    status.decision.arrival_per_s = 1520;
    status.decision.reason = "saturated: more workers do not help";
    status.workers = calloc(WORKERS, sizeof *status.workers); /* view_clear frees it */
    assert_non_null(status.workers);
    status.worker_count = WORKERS;
    for (int64_t i = 0; i < WORKERS; i++)
        status.workers[i] =
            (struct status_worker){.slot = i, .pid = 1000 + i, .state = "running", .tells = true};
    *view = (struct view){.farm = "shop"};
    view_hear(view, &(struct envelope){.farm = "shop", .from = "winnow-autoscaler/far.example/17"},
              &status, 1000 * SECOND);
}

static void show(const struct view *view, const struct feed *feed, struct screen screen,
                 int64_t now_ns)
{
    FILE *out = listen();

    view_print(view, feed, &screen, now_ns, out);
    fclose(out);
}

static size_t count_lines(void)
{
    size_t lines = 0;

    for (const char *at = said; (at = strchr(at, '\n')); at++)
        lines++;
    return lines;
}

static void no_size_of_the_screen_is_exceeded_in_lines(void **state)
{
    const struct feed feed = {.state = FEED_HEARD, .since_ns = 900 * SECOND};
    struct view view;

    (void)state;
    some_view(&view);
    for (size_t rows = 8; rows < 120; rows++)
        for (size_t columns = 40; columns <= 200; columns += 40) {
            show(&view, &feed, (struct screen){columns, rows, true}, 1001 * SECOND);
            if (count_lines() > rows)
                fail_msg("%zu lines on %zu rows:\n%s", count_lines(), rows, said);
        }
    view_clear(&view);
}

static void a_screen_is_used_to_its_end(void **state)
{
    const struct feed feed = {.state = FEED_HEARD, .since_ns = 900 * SECOND};
    struct view view;

    (void)state;
    some_view(&view);
    for (size_t rows = 10; rows < 60; rows++) {
        show(&view, &feed, (struct screen){80, rows, true}, 1001 * SECOND);
        if (rows < 50 && count_lines() != rows)
            fail_msg("%zu lines on %zu rows:\n%s", count_lines(), rows, said);
    }
    assert_non_null(strstr(said, "█"));
    view_clear(&view);
}

static void what_is_shown_tells_its_age(void **state)
{
    struct feed feed = {.state = FEED_HEARD, .since_ns = 900 * SECOND};
    const struct screen screen = {80, 24, true};
    struct view view;

    (void)state;
    some_view(&view);
    show(&view, &feed, screen, 1000 * SECOND + SECOND / 2);
    assert_non_null(strstr(said, "0.5 s old\n"));
    assert_int_equal(strchr(said, '\n') - said, 80);
    assert_null(strstr(said, "HAS NOT ANSWERED"));
    show(&view, &feed, screen, 1012 * SECOND);
    assert_non_null(strstr(said, "12 s old\n"));
    assert_non_null(strstr(said, "THE AUTOSCALER HAS NOT ANSWERED for 12 s."));
    feed.blocked = true;
    show(&view, &feed, screen, 1012 * SECOND);
    assert_non_null(strstr(said, "THE BROKER TAKES NOTHING"));
    feed = (struct feed){
        .state = FEED_AWAY, .since_ns = 1010 * SECOND, .why.text = "gone\x1b[2J for good"};
    show(&view, &feed, screen, 1130 * SECOND);
    assert_non_null(strstr(said, "THE BROKER HAS BEEN AWAY for 2 min: gone\\x1b[2J for good"));
    feed.state = FEED_NOBODY;
    show(&view, &feed, screen, 1130 * SECOND);
    assert_non_null(strstr(said, "NOBODY RUNS THE FARM"));
    view_clear(&view);
    show(&view, &feed, screen, 1130 * SECOND);
    assert_non_null(strstr(said, "NOBODY RUNS THE FARM"));
    assert_null(strstr(said, "old"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bars_are_as_high_as_their_share_of_the_greatest),
        cmocka_unit_test(what_is_older_than_the_graph_is_gone),
        cmocka_unit_test(what_was_said_holds_for_a_while),
        cmocka_unit_test(the_axis_says_how_far_back_it_goes),
        cmocka_unit_test(words_wrap_where_the_line_ends),
        cmocka_unit_test(no_size_of_the_screen_is_exceeded_in_lines),
        cmocka_unit_test(a_screen_is_used_to_its_end),
        cmocka_unit_test(what_is_shown_tells_its_age),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
