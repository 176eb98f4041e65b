#include "loadgen/hdr.h"

#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct histogram histogram;

/* As the plotters do: rows of four numbers, then the footer. */
struct parsed {
    size_t rows;
    double value[1000], percentile[1000], inverse[1000];
    uint64_t count[1000];
    double mean, deviation, max;
    uint64_t total;
};

static struct parsed parsed;

static void write_and_parse(void)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    char *rest, *line;

    assert_non_null(out);
    hdr_write(out, &histogram);
    assert_int_equal(fclose(out), 0);
    memset(&parsed, 0, sizeof parsed);
    rest = text;
    assert_string_equal(strsep(&rest, "\n"),
                        "       Value     Percentile TotalCount 1/(1-Percentile)");
    assert_string_equal(strsep(&rest, "\n"), "");
    while ((line = strsep(&rest, "\n")) && line[0] != '#') {
        size_t i = parsed.rows++;
        assert_int_equal(sscanf(line, "%lf %lf %" SCNu64 " %lf", &parsed.value[i],
                                &parsed.percentile[i], &parsed.count[i], &parsed.inverse[i]),
                         4);
    }
    assert_int_equal(
        sscanf(line, "#[Mean = %lf, StdDeviation = %lf]", &parsed.mean, &parsed.deviation), 2);
    assert_int_equal(sscanf(strsep(&rest, "\n"), "#[Max = %lf, Total count = %" SCNu64 "]",
                            &parsed.max, &parsed.total),
                     2);
    assert_string_equal(strsep(&rest, "\n"),
                        "#[Buckets =           33, SubBuckets     =         1024]");
    assert_string_equal(rest, "");
    free(text);
}

static int start_empty(void **state)
{
    (void)state;
    histogram_init(&histogram);
    return 0;
}

static void an_empty_histogram_has_a_footer_alone(void **state)
{
    (void)state;
    write_and_parse();
    assert_int_equal(parsed.rows, 0);
    assert_int_equal(parsed.total, 0);
    assert_true(parsed.mean == 0 && parsed.max == 0);
}

static void every_row_tells_what_the_histogram_does(void **state)
{
    (void)state;
    for (int64_t us = 1; us <= 100000; us++)
        histogram_record(&histogram, us * 1000);
    write_and_parse();
    assert_true(parsed.rows > 30);
    for (size_t i = 0; i < parsed.rows; i++) {
        /* In milliseconds: value v is at rank 1000 v. */
        assert_true(fabs(parsed.value[i] - fmax(parsed.percentile[i] * 100, 0.001)) <=
                    parsed.value[i] / 500 + 0.001);
        assert_true(fabs((double)parsed.count[i] - parsed.value[i] * 1000) <=
                    parsed.value[i] * 1000 / 500 + 1);
        assert_true(i == 0 || (parsed.value[i] >= parsed.value[i - 1] &&
                               parsed.percentile[i] > parsed.percentile[i - 1] &&
                               parsed.count[i] >= parsed.count[i - 1]));
        assert_true(i + 1 == parsed.rows ||
                    fabs(parsed.inverse[i] * (1 - parsed.percentile[i]) - 1) < 0.006);
    }
    assert_true(parsed.percentile[0] == 0 && parsed.percentile[parsed.rows - 1] == 1);
    assert_true(isinf(parsed.inverse[parsed.rows - 1]));
    assert_int_equal(parsed.count[parsed.rows - 1], 100000);
    assert_int_equal(parsed.total, 100000);
    assert_true(parsed.max == 100);
    assert_true(fabs(parsed.mean - 50.0005) < 0.05);
    assert_true(fabs(parsed.deviation - 100 / sqrt(12)) < 0.05);
}

static void each_half_of_what_is_left_has_five_rows(void **state)
{
    static const double percentiles[] = {0,   0.1,  0.2, 0.3,  0.4,   0.5, 0.55,
                                         0.6, 0.65, 0.7, 0.75, 0.775, 0.8};

    (void)state;
    for (int64_t us = 1; us <= 1000; us++)
        histogram_record(&histogram, us * 1000);
    write_and_parse();
    for (size_t i = 0; i < sizeof percentiles / sizeof percentiles[0]; i++)
        assert_true(fabs(parsed.percentile[i] - percentiles[i]) < 1e-9);
}

static void one_value_is_one_row(void **state)
{
    (void)state;
    histogram_record(&histogram, 1500000);
    write_and_parse();
    assert_int_equal(parsed.rows, 1);
    assert_true(parsed.value[0] == 1.5 && parsed.percentile[0] == 1 && parsed.count[0] == 1);
    assert_true(fabs(parsed.mean - 1.5) < 0.0015 && parsed.deviation == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(an_empty_histogram_has_a_footer_alone, start_empty),
        cmocka_unit_test_setup(every_row_tells_what_the_histogram_does, start_empty),
        cmocka_unit_test_setup(each_half_of_what_is_left_has_five_rows, start_empty),
        cmocka_unit_test_setup(one_value_is_one_row, start_empty),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
