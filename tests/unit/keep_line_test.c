/* The lines of a program that lives on. */
#include "workers/keep_line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct keep_answer answer;

static void expect(const char *line, enum keep_verdict verdict, const char *body)
{
    struct why why = {0};

    assert_int_equal(keep_line_read(&answer, line, strlen(line), &why), 0);
    assert_int_equal(answer.verdict, verdict);
    assert_int_equal(answer.body.length, strlen(body));
    assert_memory_equal(answer.body.bytes, body, strlen(body));
}

static void expect_refused(const char *line, const char *reason)
{
    struct why why = {0};

    assert_int_equal(keep_line_read(&answer, line, strlen(line), &why), -ERR_INVALID);
    assert_non_null(strstr(why.text, reason));
}

static void an_event_is_one_line(void **state)
{
    struct broker_properties *properties = broker_properties_open();
    struct job_event event = {
        .body = broker_text("a\n\"b"), .properties = properties, .attempt = 2, .redelivered = true};
    struct plain_json line = {0};

    (void)state;
    broker_properties_set(properties, BROKER_MESSAGE_ID, broker_text("m\xff"));
    broker_headers_add_int(properties, "n", 3);
    assert_int_equal(keep_line_write(&line, 7, &event), 0);
    const char *first = "{\"id\":7,\"text\":\"a\\n\\\"b\",\"message_id\":{\"base64\":\"bf8=\"},"
                        "\"redelivered\":true,\"attempt\":2,\"headers\":{\"n\":3}}\n";
    assert_int_equal(line.length, strlen(first));
    assert_memory_equal(line.bytes, first, line.length);
    broker_properties_clear(properties);
    event.body = (struct broker_bytes){"\xff\0", 2};
    assert_int_equal(keep_line_write(&line, 8, &event), 0);
    const char *second = "{\"id\":8,\"base64\":\"/wA=\",\"redelivered\":true,\"attempt\":2,"
                         "\"headers\":{}}\n";
    assert_int_equal(line.length, strlen(second));
    assert_memory_equal(line.bytes, second, line.length);
    broker_properties_close(properties);
    free(line.bytes);
}

static void answers_are_read(void **state)
{
    (void)state;
    expect("{\"id\":7,\"text\":\"x\"}", KEEP_RESULT, "x");
    assert_true(answer.id == 7);
    assert_null(answer.content_type.bytes);
    expect(" {\"text\":\"\",\"id\":7.0,\"content_type\":\"a/b\"} \r", KEEP_RESULT, "");
    assert_int_equal(answer.content_type.length, 3);
    expect("{\"id\":1,\"dead\":\"no\"}", KEEP_DEAD, "no");
    expect("{\"id\":1,\"later\":\"busy\"}", KEEP_LATER, "busy");
    expect("{\"id\":1,\"text\":\"x\",\"n\":99999999999999999999,\"headers\":{\"text\":1}}",
           KEEP_RESULT, "x");
}

static void base64_is_decoded(void **state)
{
    (void)state;
    expect("{\"id\":1,\"base64\":\"\"}", KEEP_RESULT, "");
    expect("{\"id\":1,\"base64\":\"YQ==\"}", KEEP_RESULT, "a");
    expect("{\"id\":1,\"base64\":\"YWI=\"}", KEEP_RESULT, "ab");
    expect("{\"id\":1,\"base64\":\"YWJj\"}", KEEP_RESULT, "abc");
    expect("{\"id\":1,\"base64\":\"+/\\/+\"}", KEEP_RESULT, "\xfb\xff\xfe");
    const char *const wrong[] = {"YQ",   "YQ=",      "YQ===",          "=YQ=",
                                 "Y===", "====",     " YQ=",           "YQ=\\n",
                                 "YQ-_", "YQ==YQ==", "YWJj\\u0000YW=", "\xc3\xa9Y="};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char line[64] = "{\"id\":1,\"base64\":\"";
        strcat(strcat(line, wrong[i]), "\"}");
        expect_refused(line, "is no base64");
    }
}

static void what_is_no_answer_is_refused(void **state)
{
    (void)state;
    expect_refused("", "no JSON object");
    expect_refused("hello", "no JSON object");
    expect_refused("[1]", "no JSON object");
    expect_refused("{\"id\":1,\"text\":\"x\"}{}", "no JSON object");
    expect_refused("{\"id\":1,\"text\":\"x\",\"text\":\"y\"}", "duplicate");
    expect_refused("{\"id\":1,\"text\":\"\xff\"}", "no JSON object");
    expect_refused("{\"text\":\"x\"}", "no number");
    expect_refused("{\"id\":\"1\",\"text\":\"x\"}", "no number");
    expect_refused("{\"id\":1}", "not one of");
    expect_refused("{\"id\":1,\"text\":\"x\",\"base64\":\"\"}", "not one of");
    expect_refused("{\"id\":1,\"text\":null}", "no string");
    expect_refused("{\"id\":1,\"text\":\"x\",\"content_type\":1}", "no string");
}

static int clear(void **state)
{
    (void)state;
    keep_line_clear(&answer);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_is_one_line),
        cmocka_unit_test(answers_are_read),
        cmocka_unit_test(base64_is_decoded),
        cmocka_unit_test(what_is_no_answer_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, clear);
}
