#include "control/lamport.h"
#include "log.h"
#include "printable.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* What follows `event=tried ` in the line that is logged. */
#define CLAIM(expected, ...)                                                                       \
    do {                                                                                           \
        int before = begin();                                                                      \
        log_event(LOG_INFO, "tried", __VA_ARGS__);                                                 \
        assert_string_equal(end(before), expected);                                                \
    } while (0)

static int ends[2];

static int begin(void)
{
    int before = dup(STDERR_FILENO);

    assert_int_equal(pipe(ends), 0);
    assert_true(before >= 0 && dup2(ends[1], STDERR_FILENO) == STDERR_FILENO);
    close(ends[1]);
    return before;
}

static const char *end(int before)
{
    static char line[4096];
    ssize_t length = read(ends[0], line, sizeof line - 1);

    dup2(before, STDERR_FILENO);
    close(before);
    close(ends[0]);
    assert_true(length > 0 && line[length - 1] == '\n');
    line[length - 1] = '\0';
    assert_null(strchr(line, '\n'));
    char *told = strstr(line, "event=tried ");
    assert_non_null(told);
    return told + strlen("event=tried ");
}

static void values_from_outside_forge_no_pair(void **state)
{
    (void)state;
    CLAIM("why=\"a\\\" level=error event=x worker=\\\"1\"", "why=\"%s\"",
          "a\" level=error event=x worker=\"1");
    CLAIM("why=\"\\\\\\\" b=\\\"\"", "why=\"%s\"", "\\\" b=\"");
    CLAIM("queue=\"a b=1\" n=2", "queue=%s n=%d", "a b=1", 2);
    CLAIM("queue=\"\" n=2", "queue=%s n=%d", "", 2);
    CLAIM("queue=shop.dead", "queue=%s", "shop.dead");
    CLAIM("body=\"a\\\"\"", "body=\"%.*s\"", 2, "a\"b=1");
}

static void values_from_outside_end_no_line_and_steer_no_terminal(void **state)
{
    (void)state;
    CLAIM("why=\"a\\nb\\r\\tc\\x1b[2J\\x7f\"", "why=\"%s\"", "a\nb\r\tc\x1b[2J\x7f");
    CLAIM("why=\"\\u0085 \\u2028 \\u202e \\u009b\"", "why=\"%s\"",
          "\xc2\x85 \xe2\x80\xa8 \xe2\x80\xae \xc2\x9b");
    CLAIM("why=\"\\xff\\xc3\"", "why=\"%s\"", "\xff\xc3");
    CLAIM("why=\"contraseña λ 🖕\"", "why=\"%s\"", "contraseña λ 🖕");
}

static void numbers_are_written_as_printf_does(void **state)
{
    (void)state;
    CLAIM("a=-1 b=2 c=3 d=-4 e=00ff f=1.50 g=100% h=7",
          "a=%d b=%u c=%zu d=%lld e=%04x f=%.2f g=%d%% h=%lu", -1, 2U, (size_t)3, -4LL, 255U, 1.5,
          100, 7UL);
    CLAIM("event=0000000000000001ffffffffffffffff", "event=%016llx%016llx", 1ULL,
          UINT64_MAX + 0ULL);
}

static void pairs_of_the_programs_own_stay_as_they_are(void **state)
{
    (void)state;
    CLAIM("why=\"x\" a=1 b=\"2\"", "why=\"%s\"%s", "x", " a=1 b=\"2\"");
}

static void a_long_value_is_cut_and_ends_the_line(void **state)
{
    char text[5000];

    (void)state;
    memset(text, '"', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    int before = begin();
    log_event(LOG_INFO, "tried", "why=\"%s\" n=%d", text, 1);
    const char *told = end(before);
    assert_true(strlen(told) < 2048 && strncmp(told, "why=\"\\\"\\\"", 9) == 0);
    before = begin();
    log_event(LOG_INFO, "tried", "n=%d q=%s%s", 1, text, text);
    assert_true(strlen(end(before)) < 2048);
}

static void a_text_that_does_not_fit_is_cut_between_characters(void **state)
{
    char out[6];

    (void)state;
    assert_int_equal(printable_write("ab\x1b", 3, false, out, sizeof out), 2);
    assert_string_equal(out, "ab");
    assert_int_equal(printable_write("aaa🖕", 7, false, out, sizeof out), 3);
    assert_int_equal(printable_write("a\"\\", 3, false, out, sizeof out), 3);
    assert_string_equal(out, "a\"\\");
    assert_int_equal(printable_write("x", 1, false, out, 1), 0);
    assert_string_equal(out, "");
}

/* ---- the clock, and who listens ---- */

static struct log_heard heard;
static char heard_pairs[2048];
static int times_heard;

static void hear(void *context, const struct log_heard *what)
{
    assert_ptr_equal(context, &heard);
    heard = *what;
    snprintf(heard_pairs, sizeof heard_pairs, "%s", what->pairs);
    times_heard++;
    log_event(LOG_INFO, "within", "n=1");
}

static void each_line_has_a_later_time_than_what_was_sent_or_came_in(void **state)
{
    char expected[64];
    int64_t sent = lamport_send(log_clock());

    (void)state;
    lamport_receive(log_clock(), sent + 1000);
    int before = begin();
    log_event(LOG_INFO, "tried", "n=1");
    const char *told = end(before);
    snprintf(expected, sizeof expected, " pid=%d clock=%lld event=tried ", (int)getpid(),
             (long long)sent + 1002);
    assert_memory_equal(told - strlen(expected), expected, strlen(expected));
}

static void a_line_says_whose_it_is_and_only_its_own_listener_hears_it(void **state)
{
    struct log_scope scope = {.farm = "a shop"};
    unsigned before_heard = (unsigned)times_heard;
    char written[4096] = "";

    (void)state;
    log_listen(hear, &heard);
    log_enter(&scope);
    int before = begin();
    log_event(LOG_INFO, "tried", "n=1");
    ssize_t length = read(ends[0], written, sizeof written - 1);
    assert_int_equal(times_heard, before_heard);
    log_listen(hear, &heard);
    log_event(LOG_INFO, "tried", "n=2");
    log_enter(NULL);
    log_listen(NULL, NULL);
    log_event(LOG_INFO, "tried", "n=3");
    dup2(before, STDERR_FILENO);
    close(before);
    close(ends[0]);

    assert_true(length > 0);
    assert_non_null(strstr(written, " event=tried farm=\"a shop\" n=1\n"));
    assert_int_equal(times_heard, before_heard + 1);
    assert_string_equal(heard_pairs, "n=2");
    times_heard = (int)before_heard;
}

static void a_listener_hears_what_is_in_the_line_but_not_what_it_logs_itself(void **state)
{
    char written[4096] = "";

    (void)state;
    log_listen(hear, &heard);
    int before = begin();
    log_event(LOG_DEBUG, "below", "n=1");
    log_event(LOG_WARN, "tried", "why=\"%s\" queue=%s", "a\nb", "x y");
    ssize_t length = read(ends[0], written, sizeof written - 1);
    log_event(LOG_INFO, "tried", "n=2");
    log_listen(NULL, NULL);
    log_event(LOG_INFO, "tried", "n=3");
    dup2(before, STDERR_FILENO);
    close(before);
    close(ends[0]);

    assert_true(length > 0);
    assert_non_null(strstr(written, "event=tried why=\"a\\nb\" queue=\"x y\"\n"));
    assert_non_null(strstr(written, "event=within n=1\n"));
    assert_int_equal(times_heard, 2);
    assert_int_equal(heard.level, LOG_INFO);
    assert_string_equal(heard.event, "tried");
    assert_string_equal(heard_pairs, "n=2");
    assert_true(heard.clock > 0 && heard.clock < lamport_send(log_clock()));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_from_outside_forge_no_pair),
        cmocka_unit_test(values_from_outside_end_no_line_and_steer_no_terminal),
        cmocka_unit_test(numbers_are_written_as_printf_does),
        cmocka_unit_test(pairs_of_the_programs_own_stay_as_they_are),
        cmocka_unit_test(a_long_value_is_cut_and_ends_the_line),
        cmocka_unit_test(each_line_has_a_later_time_than_what_was_sent_or_came_in),
        cmocka_unit_test(a_listener_hears_what_is_in_the_line_but_not_what_it_logs_itself),
        cmocka_unit_test(a_line_says_whose_it_is_and_only_its_own_listener_hears_it),
        cmocka_unit_test(a_text_that_does_not_fit_is_cut_between_characters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
