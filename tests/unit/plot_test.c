#include "plots/caption.h"
#include "plots/gnuplot.h"
#include "plots/history_run.h"
#include "plots/relation_chart.h"
#include "plots/scaling_chart.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* What gnuplot would be given for a text. */
static void assert_written(const char *text, const char *expected)
{
    char *written = NULL;
    size_t length;
    FILE *script = open_memstream(&written, &length);

    assert_non_null(script);
    gnuplot_write_text(script, "x", text);
    fclose(script);
    assert_string_equal(written, expected);
    free(written);
}

static void a_text_cannot_leave_its_quotes(void **state)
{
    (void)state;
    assert_written("plain", "x = \"plain\"\n");
    assert_written("", "x = \"\"\n");
    assert_written("it's", "x = \"it's\"\n");
    assert_written("'; system(\"id\") #", "x = \"'; system(\\042id\\042) #\"\n");
    assert_written("a\nb\rc\td\177e", "x = \"a b c d e\"\n");
    assert_written("back\\", "x = \"back\\134\"\n");
}

static void a_text_is_valid_utf8(void **state)
{
    (void)state;
    assert_written("λ ⌈T⌉", "x = \"λ ⌈T⌉\"\n");
    assert_written("a\xff"
                   "b",
                   "x = \"a\xef\xbf\xbd"
                   "b\"\n");
    /* A surrogate and a character that XML forbids. */
    assert_written("\xef\xbf\xbe", "x = \"\xef\xbf\xbd\"\n");
    assert_written("a]]>b", "x = \"a]] >b\"\n");
    assert_written("\xc3", "x = \"\xef\xbf\xbd\"\n");
}

#define HEADER                                                                                     \
    "run,time_s,interval_s,arrival_per_s,backlog_msgs,horizon_s,capacity_msgs,min_workers,"        \
    "max_workers,desired_workers,running_workers,starting_workers,policy,reason"
#define EXTENDED HEADER ",farm,simulated_service_s"

static int read_text(const char *text, uint64_t number, struct history_run *run, struct why *why)
{
    FILE *file = fopen("history.csv", "we");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    return history_run_read("history.csv", number, run, why);
}

static void assert_refused(const char *text, const char *message)
{
    struct history_run run;
    struct why why = {0};

    assert_int_equal(read_text(text, HISTORY_READER_LAST_RUN, &run, &why), -ERR_CONFIG);
    history_run_clear(&run);
    if (!strstr(why.text, message))
        fail_msg("'%s' does not say '%s'", why.text, message);
}

static void the_last_run_is_read_unless_another_is_asked_for(void **state)
{
    (void)state;
    const char *text = HEADER "\n"
                              "1,2,2,10,0,2,100,0,8,1,0,0,formula,formula\n"
                              "1,4,2,20,0,2,100,0,8,1,1,0,formula,formula\n"
                              "2,2,2,,5,2,100,0,8,3,0,0,formula,held: arrival rate unknown\n";
    struct history_run run;
    struct why why = {0};

    assert_int_equal(read_text(text, HISTORY_READER_LAST_RUN, &run, &why), 0);
    assert_int_equal(run.number, 2);
    assert_int_equal(run.row_count, 1);
    assert_true(isnan(run.rows[0].arrival_per_s));
    assert_true(isnan(run.rows[0].simulated_service_s));
    assert_true(run.rows[0].backlog_msgs == 5);
    assert_true(history_format_held(&run.rows[0]));
    assert_null(run.farm);
    history_run_clear(&run);

    assert_int_equal(read_text(text, 1, &run, &why), 0);
    assert_int_equal(run.row_count, 2);
    assert_true(run.rows[1].arrival_per_s == 20);
    assert_false(history_format_held(&run.rows[1]));
    history_run_clear(&run);

    assert_int_equal(read_text(text, 3, &run, &why), -ERR_INVALID);
    assert_non_null(strstr(why.text, "no run 3"));
    history_run_clear(&run);
}

static void what_is_wrong_in_a_file_is_named_with_its_line(void **state)
{
    (void)state;
    assert_refused("run,time_s\n1,2\n", "history.csv:1: no column 'interval_s'");
    assert_refused(HEADER "\n", "history.csv:1: nothing follows the header");
    assert_refused(HEADER "\n1,2,2,fast,0,2,100,0,8,1,0,0,formula,formula\n",
                   "history.csv:2: column 'arrival_per_s': 'fast' is not a number");
    assert_refused(HEADER "\n1,2,2,-1,0,2,100,0,8,1,0,0,formula,formula\n",
                   "history.csv:2: column 'arrival_per_s': '-1' is negative");
    assert_refused(HEADER "\n1,2,2,1,0,2,0,0,8,1,0,0,formula,formula\n",
                   "history.csv:2: column 'capacity_msgs': '0' is not positive");
    assert_refused(HEADER "\n1,,2,1,0,2,100,0,8,1,0,0,formula,formula\n",
                   "history.csv:2: column 'time_s': is empty");
    assert_refused(HEADER "\n1,4,2,1,0,2,100,0,8,1,0,0,f,f\n1,2,2,1,0,2,100,0,8,1,0,0,f,f\n",
                   "history.csv:3: column 'time_s': 2 is earlier than");
    assert_refused(HEADER "\n1,2,2,1,0,2,100,9,8,1,0,0,formula,formula\n",
                   "history.csv:2: column 'max_workers': 8 is less than min_workers");
    assert_refused(HEADER "\n,2,2,1,0,2,100,0,8,1,0,0,formula,formula\n",
                   "history.csv:2: column 'run': '' is not the number of a run");
    assert_refused(HEADER "\n1.5,2,2,1,0,2,100,0,8,1,0,0,formula,formula\n",
                   "'1.5' is not the number of a run");
}

enum chart { SCALING, RELATION };

/* What gnuplot would be given for a picture of the last run. */
static char *script_of(const char *text, enum chart chart, const char *title)
{
    struct history_run run;
    struct why why = {0};
    char *written = NULL;
    size_t length;
    FILE *script = open_memstream(&written, &length);

    assert_non_null(script);
    if (read_text(text, HISTORY_READER_LAST_RUN, &run, &why) ||
        caption_write(script, &run, title, &why))
        fail_msg("%s", why.text);
    if (chart == SCALING)
        scaling_chart_write(script, &run);
    else if (relation_chart_write(script, &run, &why))
        fail_msg("%s", why.text);
    history_run_clear(&run);
    fclose(script);
    return written;
}

static void assert_shows(const char *text, enum chart chart, const char *title,
                         const char *expected)
{
    char *script = script_of(text, chart, title);

    if (!strstr(script, expected))
        fail_msg("'%s' is not in:\n%s", expected, script);
    free(script);
}

static void the_title_says_what_ran(void **state)
{
    (void)state;
    const char *text = EXTENDED "\n1,2,2,10,0,2,100,0,8,1,0,0,formula,formula,demo,0\n"
                                "1,4,2,10,0,2,100,0,8,1,0,0,formula,formula,demo,0.02\n";
    assert_shows(text, SCALING, NULL,
                 "title = \"Farm \\042demo\\042: formula policy, N = ⌈(B + λT)/C⌉\"\n");
    assert_shows(text, SCALING, NULL,
                 "subtitle = \"T = 2 s, C = 100 events, 0 to 8 workers; "
                 "simulated service time 20 ms an event\"\n");
    assert_shows(text, RELATION, "Mine", "title = \"Mine\"\n");
    assert_shows(text, RELATION, "Mine", "simulated service time 20 ms an event");
    assert_shows(HEADER "\n1,2,2,10,0,0.5,95.7,0,8,1,0,0,steady,x\n"
                        "1,4,2,10,0,0.5,120.4,0,8,1,0,0,steady,x\n",
                 SCALING, NULL,
                 "title = \"steady policy\"\nsubtitle = \"T = 500 ms, C = 95.7 to 120 events, "
                 "0 to 8 workers\"\n");
}

static void what_is_unknown_is_a_gap(void **state)
{
    (void)state;
    const char *text = HEADER "\n"
                              "1,2,2,10,7,2,100,0,8,1,1,0,formula,formula\n"
                              "1,4,2,,,2,100,0,8,1,,0,formula,held: arrival rate unknown\n"
                              "1,6,2,30,9,2,100,0,8,1,1,1,formula,formula\n";
    assert_shows(text, SCALING, NULL, "$arrival << EOD\n0 10\n2 10\n\n4 30\n6 30\nEOD\n");
    assert_shows(text, SCALING, NULL, "$workers << EOD\n2 1\n4 1\n\n6 2\n6 2\nEOD\n");
    assert_shows(text, SCALING, NULL, "$backlog << EOD\n2 7\n\n6 9\nEOD\n");
    assert_shows(text, SCALING, NULL,
                 "$arrival_unknown << EOD\n2 4\nEOD\narrival_unknown_count = 1\n");
    assert_shows(text, SCALING, NULL,
                 "$backlog_unknown << EOD\n2 6\nEOD\nbacklog_unknown_count = 1\n");
    assert_shows(text, RELATION, NULL, "$decided << EOD\n10 1\n30 1\nEOD\ndecided_count = 2\n");
    assert_shows(text, RELATION, NULL, "unplaced_count = 1\n");
}

static void a_long_run_is_told_in_minutes(void **state)
{
    (void)state;
    const char *rows[] = {"1,600,2,1,0,2,100,0,8,1,1,0,formula,formula\n",
                          "1,602,2,1,0,2,100,0,8,1,1,0,formula,formula\n"};
    const char *labels[] = {"time_label = \"time (s)\"\n", "time_label = \"time (min)\"\n"};

    for (size_t i = 0; i < 2; i++) {
        char text[1024];
        snprintf(text, sizeof text, "%s\n1,2,2,1,0,2,100,0,8,1,1,0,formula,formula\n%s", HEADER,
                 rows[i]);
        assert_shows(text, SCALING, NULL, labels[i]);
    }
}

static void the_formula_is_drawn_as_steps_within_its_bounds(void **state)
{
    (void)state;
    /* 50 events/s a worker, at most 2 workers; the axis ends at 125. */
    assert_shows(HEADER "\n1,2,2,120,0,2,100,0,2,2,0,0,formula,formula\n", RELATION, NULL,
                 "$formula << EOD\n0 1 1\n50 1 1\n50 2 2\n100 2 2\n100 2 2\n");
    assert_shows(HEADER "\n1,2,2,120,0,2,100,0,2,2,0,0,formula,formula\n", RELATION, NULL,
                 "formula_varies = 0\n");
    assert_shows(HEADER "\n1,2,2,120,0,2,100,0,8,2,0,0,formula,formula\n"
                        "1,4,2,120,0,2,200,0,8,2,0,0,formula,formula\n",
                 RELATION, NULL, "$formula << EOD\n0 1 1\n50 1 1\n50 1 2\n100 1 2\n");
    /* Without bounds or capacity there is none. */
    assert_shows(HEADER "\n1,2,2,120,0,2,,0,2,2,0,0,formula,formula\n", RELATION, NULL,
                 "$formula << EOD\nEOD\nformula_known = 0\n");
}

static void more_steps_than_can_be_seen_do_no_harm(void **state)
{
    (void)state;
    assert_shows(HEADER "\n1,2,2,1e12,0,2,1e-6,0,1e15,2,0,0,formula,formula\n", RELATION, NULL,
                 "formula_known = 1\n");
    assert_shows(HEADER "\n1,2,2,0,0,2,100,0,0,0,0,0,formula,formula\n", RELATION, NULL,
                 "formula_known = 1\n");
}

static void a_relation_without_any_rate_is_refused(void **state)
{
    (void)state;
    struct history_run run;
    struct why why = {0};
    FILE *script = fopen("/dev/null", "we");

    assert_non_null(script);
    assert_int_equal(read_text(HEADER "\n1,2,2,,0,2,100,0,8,1,0,0,formula,held\n",
                               HISTORY_READER_LAST_RUN, &run, &why),
                     0);
    assert_int_equal(relation_chart_write(script, &run, &why), -ERR_CONFIG);
    assert_non_null(strstr(why.text, "no decision with a known arrival rate"));
    history_run_clear(&run);
    fclose(script);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_cannot_leave_its_quotes),
        cmocka_unit_test(a_text_is_valid_utf8),
        cmocka_unit_test(the_last_run_is_read_unless_another_is_asked_for),
        cmocka_unit_test(what_is_wrong_in_a_file_is_named_with_its_line),
        cmocka_unit_test(the_title_says_what_ran),
        cmocka_unit_test(what_is_unknown_is_a_gap),
        cmocka_unit_test(a_long_run_is_told_in_minutes),
        cmocka_unit_test(the_formula_is_drawn_as_steps_within_its_bounds),
        cmocka_unit_test(more_steps_than_can_be_seen_do_no_harm),
        cmocka_unit_test(a_relation_without_any_rate_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
