#include "loadgen/phase_parse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void assert_phase(const char *text, double duration_s, double from_per_s, double to_per_s)
{
    struct phase phase;
    struct why why;

    if (phase_parse(text, &phase, &why) != 0)
        fail_msg("%s", why.text);
    assert_true(phase.duration_s == duration_s);
    assert_true(phase.from_per_s == from_per_s);
    assert_true(phase.to_per_s == to_per_s);
}

static void phases_are_read_from_flags(void **state)
{
    (void)state;
    assert_phase("10s@500", 10, 500, 500);
    assert_phase("30s@1000..5000", 30, 1000, 5000);
    assert_phase("30s@1k..5.5k", 30, 1000, 5500);
    assert_phase("1.5m@0.5..0", 90, 0.5, 0);
    assert_phase("250ms@0", 0.25, 0, 0);

    struct phase phase;
    assert_int_equal(phase_parse("60s@100~500/20s", &phase, NULL), 0);
    assert_true(phase.from_per_s == 100 && phase.to_per_s == 500 && phase.period_s == 20);
    assert_int_equal(phase.burst_msgs, 0);
    assert_int_equal(phase_parse("60s@1..2+1.5k/2.5s", &phase, NULL), 0);
    assert_true(phase.from_per_s == 1 && phase.to_per_s == 2 && phase.period_s == 0);
    assert_true(phase.burst_msgs == 1500 && phase.burst_every_s == 2.5);
    assert_int_equal(phase_parse("60s@100~500/20s+1/1s", &phase, NULL), 0);
    assert_true(phase.period_s == 20 && phase.burst_msgs == 1 && phase.burst_every_s == 1);
}

static void assert_bad_phase(const char *text, const char *expected)
{
    struct phase phase = {.duration_s = 7};
    struct why why;

    assert_int_equal(phase_parse(text, &phase, &why), -ERR_INVALID);
    assert_string_equal(why.text, expected);
    assert_true(phase.duration_s == 7);
}

static void bad_phases_are_refused_with_what_is_wrong_in_them(void **state)
{
    static const char rate[] = ", expected events per second: 0.5, 1000 or 10k";
    char expected[256];

    (void)state;
    assert_bad_phase("10s", "phase '10s': no rate, expected " PHASE_PARSE_FORM);
    assert_bad_phase("", "phase '': no rate, expected " PHASE_PARSE_FORM);
    assert_bad_phase("10@500", "phase '10@500': duration '10', expected a number with a unit: "
                               "250us, 250ms, 2s, 5m or 1h");
    assert_bad_phase("@500", "phase '@500': duration '', expected a number with a unit: "
                             "250us, 250ms, 2s, 5m or 1h");
    assert_bad_phase("0s@500", "phase '0s@500': duration '0s', expected more than zero");
    static const char *const rates[][2] = {{"", ""},        {"x", "x"},     {"-5", "-5"},
                                           {"5..", ""},     {"..5", ""},    {"1..2..3", "2..3"},
                                           {"1...5", ".5"}, {"5@6", "5@6"}, {"5 ..6", "5 "},
                                           {"1..x", "x"},   {"nan", "nan"}, {"1e3", "1e3"}};
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        char text[32];
        snprintf(text, sizeof text, "1s@%s", rates[i][0]);
        snprintf(expected, sizeof expected, "phase '%s': rate '%s'%s", text, rates[i][1], rate);
        assert_bad_phase(text, expected);
    }
    assert_bad_phase("1m@1~5",
                     "phase '1m@1~5': waves of what length? Expected RATE~RATE/PERIOD, as "
                     "100~500/20s");
    assert_bad_phase("1m@1~5/2", "phase '1m@1~5/2': period '2', expected a number with a unit: "
                                 "250us, 250ms, 2s, 5m or 1h");
    assert_bad_phase("1m@1~5/0s", "phase '1m@1~5/0s': period '0s', expected more than zero");
    assert_bad_phase("1m@1~x/5s", "phase '1m@1~x/5s': rate 'x', expected events per second: 0.5, "
                                  "1000 or 10k");
    assert_bad_phase("1m@1+5", "phase '1m@1+5': bursts '5' of what distance? Expected COUNT/EVERY, "
                               "as 1k/10s");
    assert_bad_phase("1m@1+0/5s", "phase '1m@1+0/5s': bursts of '0' events, expected a whole "
                                  "number, 1000 or 10k or 2M, over 0");
    assert_bad_phase("1m@1+5/0s",
                     "phase '1m@1+5/0s': time between bursts '0s', expected more than zero");
    assert_bad_phase("1m@1+2000M/1s", "phase '1m@1+2000M/1s': bursts of 2000000000 events every 1 "
                                      "s, expected at most 1e+09 per second");
    assert_bad_phase("1s@1..2000M",
                     "phase '1s@1..2000M': too fast, expected at most 1e+09 per second");
    /* At most 127 bytes. */
    char long_text[] = "10s@1.00000000000000000000000000000000000000000000000000000000000000"
                       "000000000000000000000000000000000000000000000000000000000000";
    struct why why;
    assert_int_equal(strlen(long_text), 128);
    assert_int_equal(phase_parse(long_text, &(struct phase){0}, &why), -ERR_INVALID);
    assert_non_null(strstr(why.text, ": too long, expected "));
    long_text[127] = '\0';
    assert_phase(long_text, 10, 1, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(phases_are_read_from_flags),
        cmocka_unit_test(bad_phases_are_refused_with_what_is_wrong_in_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
