#include "error.h"
#include "random.h"
#include "units.h"

#include <float.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void assert_duration(const char *text, int64_t expected_ns)
{
    int64_t ns = -1;

    if (units_parse_duration(text, &ns) != 0 || ns != expected_ns)
        fail_msg("'%s' was not read right", text);
}

static void durations_are_read_exactly(void **state)
{
    (void)state;
    assert_duration("0", 0);
    assert_duration("0s", 0);
    assert_duration("1ns", 1);
    assert_duration("250us", 250000);
    assert_duration("250ms", 250000000);
    assert_duration("2s", 2000000000);
    assert_duration("1.5s", 1500000000);
    assert_duration("0.1s", 100000000);
    assert_duration("0.000000001s", 1);
    assert_duration("1.50000000000000000000000000s", 1500000000);
    assert_duration("5m", INT64_C(300000000000));
    assert_duration("0.25h", INT64_C(900000000000));
    assert_duration("0000000000000000000000000000001s", 1000000000);
}

static void durations_end_where_the_type_does(void **state)
{
    int64_t ns = 7;

    (void)state;
    assert_duration("9223372036854775807ns", INT64_MAX);
    assert_duration("9223372036.854775807s", INT64_MAX);
    assert_int_equal(units_parse_duration("9223372036854775808ns", &ns), -ERR_INVALID);
    assert_int_equal(units_parse_duration("9223372036.854775808s", &ns), -ERR_INVALID);
    assert_int_equal(units_parse_duration("18446744073709551616ns", &ns), -ERR_INVALID);
    assert_int_equal(units_parse_duration("18446744073709551617ns", &ns), -ERR_INVALID);
    assert_int_equal(units_parse_duration("2562048h", &ns), -ERR_INVALID);
    assert_int_equal(units_parse_duration("99999999999999999999999999h", &ns), -ERR_INVALID);
    assert_int_equal(ns, 7);
}

static void malformed_durations_are_refused_and_write_nothing(void **state)
{
    static const char *const texts[] = {
        "",
        " ",
        "1",
        "s",
        "00",
        "0.0",
        "-1s",
        "+1s",
        "1 s",
        " 1s",
        "1s ",
        "1e3s",
        "1.s",
        ".5s",
        "1..5s",
        "1.5.2s",
        "1,5s",
        "nan",
        "nans",
        "infs",
        "0x1s",
        "1S",
        "1sec",
        "1min",
        "1d",
        "1s1ms",
        "1.5ns",
        "0.1ns",
        "1\n",
        "1s\n",
        "0.3333333333333333333333m",
        "1.00000000000000000000000000001s",
        "\xc2\xb2s",
        "0.0000000000000000000000000000000000000000000000000000000000000000000001s",
    };
    int64_t ns = 7;

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (units_parse_duration(texts[i], &ns) != -ERR_INVALID)
            fail_msg("'%s' was accepted", texts[i]);
        assert_int_equal(ns, 7);
    }
}

static void assert_count(const char *text, uint64_t expected)
{
    uint64_t count = 7;

    if (units_parse_count(text, &count) != 0 || count != expected)
        fail_msg("'%s' was not read right", text);
}

static void counts_are_read_exactly(void **state)
{
    (void)state;
    assert_count("0", 0);
    assert_count("1000", 1000);
    assert_count("10k", 10000);
    assert_count("2M", 2000000);
    assert_count("1.5k", 1500);
    assert_count("0.001k", 1);
    assert_count("0.000001M", 1);
    assert_count("18446744073709551615", UINT64_MAX);
    assert_count("18446744073709551.615k", UINT64_MAX);
}

static void counts_that_are_not_whole_or_too_large_are_refused(void **state)
{
    static const char *const texts[] = {
        "",
        "k",
        "-1",
        "+1",
        "1.5",
        "1.0",
        "1K",
        "1m",
        "1kk",
        "1e3",
        "1.k",
        "0.5.k",
        "1.2345k",
        "0.0001k",
        "1 k",
        "0x10",
        "1 ",
        "inf",
        "18446744073709551616",
        "18446744073709551.616k",
        "18446744073709552k",
        "99999999999999999999M",
    };
    uint64_t count = 7;

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (units_parse_count(texts[i], &count) != -ERR_INVALID)
            fail_msg("'%s' was accepted", texts[i]);
        assert_true(count == 7);
    }
}

static void assert_rate(const char *text, double expected)
{
    double per_s = -1;

    if (units_parse_rate(text, &per_s) != 0 || per_s != expected)
        fail_msg("'%s' was not read right", text);
}

static void rates_are_the_nearest_double(void **state)
{
    (void)state;
    assert_rate("0", 0);
    assert_rate("0.0", 0);
    assert_rate("500", 500);
    assert_rate("0.1", 0.1);
    assert_rate("1.5k", 1500);
    assert_rate("0.3k", 300);
    assert_rate("0.0001k", 0.1);
    assert_rate("1.1M", 1100000);
    assert_rate("0.30000000000000004", 0.30000000000000004);
    assert_rate("9007199254740993", 9007199254740992.0);
    assert_rate("9007199254740993.00000000000000000000000001", 9007199254740994.0);
}

static void rates_round_trip_seventeen_digits(void **state)
{
    uint64_t random = 42;

    (void)state;
    for (int i = 0; i < 20000; i++) {
        double value = (double)(random_bits(&random) >> 11) * 0x1p-33;
        char text[64];

        snprintf(text, sizeof text, "%.17f", value);
        assert_rate(text, strtod(text, NULL));
    }
}

static void malformed_and_infinite_rates_are_refused(void **state)
{
    static const char *const texts[] = {"",    "k",   "-1",  "+1",  ".5",  "5.", "1e3", "1,5",
                                        "nan", "inf", "0x1", "1 k", "1kM", "1G", "1..2"};
    double per_s = 7;
    char huge[2000];

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (units_parse_rate(texts[i], &per_s) != -ERR_INVALID)
            fail_msg("'%s' was accepted", texts[i]);
    }
    memset(huge, '9', sizeof huge);
    huge[308] = '\0';
    assert_int_equal(units_parse_rate(huge, &per_s), 0);
    assert_true(per_s <= DBL_MAX);
    per_s = 7;
    huge[308] = 'k';
    huge[309] = '\0';
    assert_int_equal(units_parse_rate(huge, &per_s), -ERR_INVALID);
    memset(huge, '9', sizeof huge);
    huge[sizeof huge - 1] = '\0';
    for (size_t length = sizeof huge - 1; length > 400; length--) {
        huge[length] = '\0';
        assert_int_equal(units_parse_rate(huge, &per_s), -ERR_INVALID);
    }
    assert_true(per_s == 7);
}

static void sizes_are_powers_of_two(void **state)
{
    size_t bytes = 7;

    (void)state;
    assert_int_equal(units_parse_size("4096", &bytes), 0);
    assert_int_equal(bytes, 4096);
    assert_int_equal(units_parse_size("64KiB", &bytes), 0);
    assert_int_equal(bytes, 65536);
    assert_int_equal(units_parse_size("1MiB", &bytes), 0);
    assert_int_equal(bytes, 1 << 20);
    assert_int_equal(units_parse_size("2GiB", &bytes), 0);
    assert_true(bytes == (size_t)2 << 30);
    bytes = 7;
    static const char *const texts[] = {"",
                                        "KiB",
                                        "64K",
                                        "64kib",
                                        "1.5MiB",
                                        "1.0",
                                        "-1",
                                        "64 KiB",
                                        "1TiB",
                                        "17179869184GiB",
                                        "18446744073709551616"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (units_parse_size(texts[i], &bytes) != -ERR_INVALID)
            fail_msg("'%s' was accepted", texts[i]);
    }
    assert_int_equal(bytes, 7);
}

static void assert_format(int64_t ns, const char *expected)
{
    char text[UNITS_TEXT_SIZE];

    units_format_duration(ns, text);
    assert_string_equal(text, expected);
}

static void durations_are_written_in_the_largest_unit_that_is_whole(void **state)
{
    (void)state;
    assert_format(0, "0");
    assert_format(1, "1ns");
    assert_format(1500, "1500ns");
    assert_format(250000, "250us");
    assert_format(1500000000, "1500ms");
    assert_format(2000000000, "2s");
    assert_format(INT64_C(60000000000), "1m");
    assert_format(INT64_C(90000000000), "90s");
    assert_format(INT64_C(7200000000000), "2h");
    assert_format(INT64_MAX, "9223372036854775807ns");
    assert_format(-2000000000, "-2s");
    assert_format(INT64_MIN, "-9223372036854775808ns");
}

static void written_durations_read_back_to_the_same(void **state)
{
    static const int64_t scales[] = {
        1, 1000, 1000000, 1000000000, INT64_C(60000000000), INT64_C(3600000000000)};
    uint64_t random = 7;

    (void)state;
    for (int i = 0; i < 20000; i++) {
        int64_t scale = scales[random_bits(&random) % 6];
        int64_t ns = (int64_t)(random_bits(&random) >> (1 + random_bits(&random) % 60));
        char text[UNITS_TEXT_SIZE];
        int64_t back_ns;

        ns = ns / scale * scale;
        units_format_duration(ns, text);
        assert_int_equal(units_parse_duration(text, &back_ns), 0);
        assert_int_equal(back_ns, ns);
    }
}

static void timestamps_are_read_exactly(void **state)
{
    static const struct {
        const char *text;
        int64_t s, ns;
    } cases[] = {
        {"1970-01-01 00:00:00", 0, 0},
        {"1970-01-01T00:00Z", 0, 0},
        {"1969-12-31 23:59:59.5", -1, 500000000},
        {"1998-04-30 21:30:00", 893971800, 0},
        {"2000-02-29 12:00:00", 951825600, 0},
        {"2023-11-16 18:15:46.6805900", 1700158546, 680590000},
        {"2023-11-16T20:15:46.000000001999+02:00", 1700158546, 1},
        {"2023-11-16T14:45:46-03:30", 1700158546, 0},
        {"2026-12-31 23:59:59Z", 1798761599, 0},
        {"1700-01-01 00:00", -8520336000, 0},
        {"2200-12-31 23:59", 7289654340, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t ns = 7;
        assert_int_equal(units_parse_timestamp(cases[i].text, &ns), 0);
        assert_true(ns == cases[i].s * 1000000000 + cases[i].ns);
    }
}

static void timestamps_that_no_calendar_has_are_refused(void **state)
{
    static const char *const texts[] = {
        "",
        "2023",
        "2023-11-16",
        "2023-11-16 ",
        "2023-11-16 1:00",
        "2023-11-16 24:00",
        "2023-11-16 10:60",
        "2023-11-16 10:00:60",
        "2023-11-16 10:00:00.",
        "2023-11-16  10:00",
        " 2023-11-16 10:00",
        "2023-11-16 10:00 ",
        "2023-11-16 10:00ZZ",
        "2023-11-16 10:00+2",
        "2023-11-16 10:00+0200",
        "2023-11-16 10:00+24:00",
        "2023-11-16 10:00+02:60",
        "2023-13-16 10:00",
        "2023-00-16 10:00",
        "2023-02-29 10:00",
        "1900-02-29 10:00",
        "2023-04-31 10:00",
        "2023-11-00 10:00",
        "1699-11-16 10:00",
        "2201-11-16 10:00",
        "2023/11/16 10:00",
        "16-11-2023 10:00",
    };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        int64_t ns = 7;
        if (units_parse_timestamp(texts[i], &ns) != -ERR_INVALID || ns != 7)
            fail_msg("'%s' was read as %lld", texts[i], (long long)ns);
    }
}

static void every_month_has_its_days(void **state)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    (void)state;
    for (int month = 1; month <= 12; month++)
        for (int day = 28; day <= 32; day++) {
            char text[64];
            int64_t ns;
            snprintf(text, sizeof text, "2023-%02d-%02d 00:00", month, day);
            assert_int_equal(units_parse_timestamp(text, &ns),
                             day <= days[month - 1] ? 0 : -ERR_INVALID);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_are_read_exactly),
        cmocka_unit_test(durations_end_where_the_type_does),
        cmocka_unit_test(malformed_durations_are_refused_and_write_nothing),
        cmocka_unit_test(counts_are_read_exactly),
        cmocka_unit_test(counts_that_are_not_whole_or_too_large_are_refused),
        cmocka_unit_test(rates_are_the_nearest_double),
        cmocka_unit_test(rates_round_trip_seventeen_digits),
        cmocka_unit_test(malformed_and_infinite_rates_are_refused),
        cmocka_unit_test(sizes_are_powers_of_two),
        cmocka_unit_test(durations_are_written_in_the_largest_unit_that_is_whole),
        cmocka_unit_test(written_durations_read_back_to_the_same),
        cmocka_unit_test(timestamps_are_read_exactly),
        cmocka_unit_test(timestamps_that_no_calendar_has_are_refused),
        cmocka_unit_test(every_month_has_its_days),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
