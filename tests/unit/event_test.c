#include "event.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* A literal with its length, NUL bytes inside counted. */
#define BYTES(literal) (literal), sizeof(literal) - 1

/* Parses a copy that is followed by nothing, so that a sanitizer sees every byte read too far. */
static int parse(struct event *event, bool json, const char *body, size_t length, char **copy,
                 struct why *why)
{
    *copy = malloc(length ? length : 1);
    assert_non_null(*copy);
    memcpy(*copy, body, length);
    *why = (struct why){0};
    return event_parse(event, json, length ? *copy : NULL, length, why);
}

static void assert_text(bool json, const char *body, size_t length, const char *text,
                        size_t text_length)
{
    struct event event = {0};
    struct why why;
    char *copy;

    if (parse(&event, json, body, length, &copy, &why) != 0)
        fail_msg("'%s': %s", body, why.text);
    assert_int_equal(event.text_length, text_length);
    if (text_length)
        assert_memory_equal(event.text, text, text_length);
    event_clear(&event);
    free(copy);
}

static void assert_refused(bool json, const char *body, size_t length, const char *reason)
{
    struct event event = {0};
    struct why why;
    char *copy;

    int error = parse(&event, json, body, length, &copy, &why);
    if (error != -ERR_INVALID)
        fail_msg("'%s' gives %d", body, error);
    if (!strstr(why.text, reason))
        fail_msg("'%s' is refused with '%s' instead of '%s'", body, why.text, reason);
    event_clear(&event);
    free(copy);
}

/* Replaces the text of a JSON body. */
static void assert_built(const char *body, const char *text, size_t text_length,
                         const char *expected)
{
    struct event event = {0};
    struct why why;
    const char *built;
    size_t built_length;
    char *copy;

    if (parse(&event, true, body, strlen(body), &copy, &why) != 0)
        fail_msg("'%s': %s", body, why.text);
    assert_int_equal(event_build(&event, text, text_length, &built, &built_length), 0);
    assert_int_equal(built_length, strlen(expected));
    assert_memory_equal(built, expected, built_length);
    event_clear(&event);
    free(copy);
}

static void a_plain_body_is_its_text(void **state)
{
    (void)state;
    assert_text(false, BYTES("you fool"), BYTES("you fool"));
    assert_text(false, BYTES(""), BYTES(""));
    assert_text(false, BYTES("a\0b"), BYTES("a\0b"));
    assert_text(false, BYTES("{\"text\":1"), BYTES("{\"text\":1"));
    assert_text(false, BYTES("\xEF\xBB\xBF\xC3\xA9 \xF4\x8F\xBF\xBF"),
                BYTES("\xEF\xBB\xBF\xC3\xA9 \xF4\x8F\xBF\xBF"));
}

static void a_plain_body_is_replaced_whole(void **state)
{
    struct event event = {0};
    struct why why;
    const char *built;
    size_t length;

    (void)state;
    assert_int_equal(event_parse(&event, false, "you fool", 8, &why), 0);
    assert_int_equal(event_build(&event, "x\0y", 3, &built, &length), 0);
    assert_int_equal(length, 3);
    assert_memory_equal(built, "x\0y", 3);
    event_clear(&event);
}

static void text_that_is_not_utf8_is_refused_with_its_place(void **state)
{
    (void)state;
    assert_refused(false, BYTES("\xFF"), "not valid UTF-8 at byte 0");
    assert_refused(false, BYTES("caf\xE9"), "not valid UTF-8 at byte 3");
    assert_refused(false, BYTES("a\xC3"), "not valid UTF-8 at byte 1");
    assert_refused(false, BYTES("\xC0\x80"), "not valid UTF-8");
    assert_refused(false, BYTES("\xE0\x80\xAF"), "not valid UTF-8");
    assert_refused(false, BYTES("\xED\xA0\x80"), "not valid UTF-8");
    assert_refused(false, BYTES("\xF4\x90\x80\x80"), "not valid UTF-8");
    assert_refused(false, BYTES("a\x80z"), "not valid UTF-8 at byte 1");
}

static void letters_that_are_wider_than_utf8_are_refused(void **state)
{
    (void)state;
    assert_refused(false, BYTES("f\0o\0o\0l\0"), "UTF-16 or UTF-32");
    assert_refused(false, BYTES("\0f\0o\0o\0l"), "UTF-16 or UTF-32");
    assert_refused(false, BYTES("f\0\0\0o\0\0\0"), "UTF-16 or UTF-32");
    assert_refused(false, BYTES("\0\0\0f\0\0\0o"), "UTF-16 or UTF-32");
    assert_refused(false,
                   BYTES("\xFF\xFE"
                         "f\0"),
                   "not valid UTF-8 at byte 0");
    /* What ends in NULs, or has some in it, is text all the same. */
    assert_text(false, BYTES("a\0"), BYTES("a\0"));
    assert_text(false, BYTES("a\0\0\0"), BYTES("a\0\0\0"));
    assert_text(false, BYTES("fool\0\0"), BYTES("fool\0\0"));
    assert_text(false, BYTES("f\0o\0o"), BYTES("f\0o\0o"));
    assert_text(false, BYTES("f\0o\0ol"), BYTES("f\0o\0ol"));
}

static void the_text_of_an_object_is_found(void **state)
{
    (void)state;
    assert_text(true, BYTES("{\"text\":\"you fool\"}"), BYTES("you fool"));
    assert_text(true, BYTES(" \t\r\n{ \"a\" : [ 1 , {\"text\":2} ] ,\"text\" : \"x\" } \n"),
                BYTES("x"));
    assert_text(true, BYTES("{\"text\":\"\"}"), BYTES(""));
    assert_text(true, BYTES("{\"t\\u0065\\u0078t\":\"x\"}"), BYTES("x"));
    assert_text(true, BYTES("{\"text\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uD83D\\uDE00\"}"),
                BYTES("\"\\/\b\f\n\r\t\xC3\xA9\xF0\x9F\x98\x80"));
    assert_text(true, BYTES("{\"text\":\"a\\u0000b\"}"), BYTES("a\0b"));
    assert_text(true, BYTES("{\"Text\":1,\"text \":2,\"tex\":3,\"text\":\"x\",\"\":4}"),
                BYTES("x"));
}

static void members_beside_the_text_may_be_anything(void **state)
{
    (void)state;
    assert_text(true, BYTES("{\"n\":123456789012345678901234567890,\"text\":\"x\"}"), BYTES("x"));
    assert_text(true, BYTES("{\"n\":-0.0e-10,\"m\":1E+2,\"text\":\"x\"}"), BYTES("x"));
    assert_text(true, BYTES("{\"a\":1,\"a\":2,\"text\":\"x\",\"a\":3}"), BYTES("x"));
    assert_text(true, BYTES("{\"a\":\"\\u0000\",\"text\":\"x\"}"), BYTES("x"));
    assert_text(true, BYTES("{\"a\":\"}{][,:\\\"\\\\\",\"text\":\"x\"}"), BYTES("x"));
    assert_text(true, BYTES("{\"a\":{\"text\":{}},\"b\":[[[]],{\"text\":1}],\"text\":\"x\"}"),
                BYTES("x"));
    assert_text(true, BYTES("{\"a\":null,\"b\":true,\"c\":false,\"text\":\"x\"}"), BYTES("x"));
}

static void numbers_may_be_greater_than_a_double_holds(void **state)
{
    char digits[700];

    (void)state;
    assert_text(true, BYTES("{\"n\":1e400,\"text\":\"x\"}"), BYTES("x"));
    assert_text(true, BYTES("{\"n\":[-1.5E+999,2],\"text\":\"1e400 \\\"-0\"}"),
                BYTES("1e400 \"-0"));
    int length = snprintf(digits, sizeof digits, "{\"text\":\"x\",\"n\":%0600d}", 0);
    memset(digits + 16, '7', 600);
    assert_text(true, digits, (size_t)length, BYTES("x"));
    assert_built("{\"n\":1e400,\"text\":\"x\",\"m\":-1e-400}", BYTES("y"),
                 "{\"n\":1e400,\"text\":\"y\",\"m\":-1e-400}");
    /* What is wrong beside them is wrong all the same. */
    assert_refused(true, BYTES("{\"n\":1e400,\"m\":01,\"text\":\"x\"}"), "invalid JSON at ");
    assert_refused(true, BYTES("{\"n\":1e400,\"m\":1.,\"text\":\"x\"}"), "invalid JSON at ");
    assert_refused(true, BYTES("{\"n\":1e400.5,\"text\":\"x\"}"), "invalid JSON at ");
    assert_refused(true, BYTES("{\"n\":1e400e,\"text\":\"x\"}"), "invalid JSON at ");
    assert_refused(true, BYTES("{\"n\":1e400-2,\"text\":\"x\"}"), "invalid JSON at ");
    assert_refused(true, BYTES("{\"n\":1e400,\"text\":\"x"), "invalid JSON at ");
    assert_refused(true, BYTES("{\"n\":1e400,\"text\":\"x\\"), "invalid JSON at ");
}

static void invalid_json_is_refused(void **state)
{
    static const char *const bodies[] = {
        " ",
        "{",
        "}",
        "you fool",
        "{\"text\":\"x\"",
        "{\"text\":\"x\"}}",
        "{\"text\":\"x\"} {}",
        "{\"text\":\"x\",}",
        "{\"text\" \"x\"}",
        "{text:\"x\"}",
        "{'text':'x'}",
        "{\"text\":'x'}",
        "{\"text\":\"x}",
        "{\"text\":\"\\x\"}",
        "{\"text\":\"\\u12\"}",
        "{\"text\":\"\\ud83d\"}",
        "{\"text\":\"\\ude00\"}",
        "{\"text\":\"a\nb\"}",
        "{\"a\":01,\"text\":\"x\"}",
        "{\"a\":.5,\"text\":\"x\"}",
        "{\"a\":NaN,\"text\":\"x\"}",
        "{\"a\":True,\"text\":\"x\"}",
        "{\"a\":[1,],\"text\":\"x\"}",
        "{\"a\":[1},\"text\":\"x\"]",
        "{\"text\":\"x\"/**/}",
        "{\"text\":\"caf\xE9\"}",
        "{\"\xFF\":1,\"text\":\"x\"}",
        "{\"text\":\"\xED\xA0\x80\"}",
        "\xEF\xBB\xBF{\"text\":\"x\"}",
    };

    (void)state;
    assert_refused(true, BYTES(""), "invalid JSON at ");
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++)
        assert_refused(true, bodies[i], strlen(bodies[i]), "invalid JSON at ");
    assert_refused(true, BYTES("{\"text\":\"a\0b\"}"), "invalid JSON at ");
    assert_refused(true, BYTES("{\"text\":\"x\"}\0"), "invalid JSON at ");
    assert_refused(true, BYTES("{\"a\":1\0,\"text\":\"x\"}"), "invalid JSON at ");
}

static void what_is_nested_without_end_is_refused(void **state)
{
    enum { LENGTH = 1000000 };
    char *body = malloc(LENGTH);

    (void)state;
    assert_non_null(body);
    for (const char *each = "[{"; *each; each++) {
        for (size_t i = 0; i < LENGTH; i++)
            body[i] = *each == '{' ? "{\"a\":"[i % 5] : '[';
        assert_refused(true, body, LENGTH, "invalid JSON");
    }
    free(body);
}

static void the_place_of_the_mistake_is_told(void **state)
{
    (void)state;
    assert_refused(true, BYTES("{\n\"text\":\n  oops}"), "invalid JSON at line 3, column 6");
}

static void json_without_one_string_text_is_refused(void **state)
{
    (void)state;
    assert_refused(true, BYTES("[\"text\"]"), "not an object");
    assert_refused(true, BYTES("\"text\""), "not an object");
    assert_refused(true, BYTES("1"), "not an object");
    assert_refused(true, BYTES("null"), "not an object");
    assert_refused(true, BYTES("{}"), "no member \"text\"");
    assert_refused(true, BYTES("{\"Text\":\"x\",\"a\":{\"text\":\"x\"}}"), "no member \"text\"");
    static const char *const values[] = {"1",    "-1.5", "true", "false",
                                         "null", "[]",   "{}",   "[\"x\"]"};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        char body[64];
        snprintf(body, sizeof body, "{\"text\":%s}", values[i]);
        assert_refused(true, body, strlen(body), "\"text\" is not a string");
    }
}

static void a_text_that_is_there_twice_is_refused(void **state)
{
    static const char *const bodies[] = {
        "{\"text\":\"x\",\"text\":\"x\"}",
        "{\"text\":1,\"text\":\"x\"}",
        "{\"text\":\"x\",\"a\":1,\"\\u0074ext\":\"y\"}",
        "{\"\\u0074ext\":\"x\",\"t\\u0065xt\":\"y\",\"text\":\"z\"}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++)
        assert_refused(true, bodies[i], strlen(bodies[i]), "more than one member \"text\"");
}

static void only_the_text_is_replaced(void **state)
{
    (void)state;
    assert_built("{\"text\":\"you fool\"}", BYTES("you CENSORED"), "{\"text\":\"you CENSORED\"}");
    assert_built("{\"text\":\"x\"}", BYTES(""), "{\"text\":\"\"}");
    assert_built("{\"text\":\"\"}", BYTES("\"\\\n\x01\xC3\xA9/"),
                 "{\"text\":\"\\\"\\\\\\n\\u0001\xC3\xA9/\"}");
    assert_built("{\"text\":\"x\"}", BYTES("a\0b"), "{\"text\":\"a\\u0000b\"}");
    assert_built(
        " { \"n\" : 1.00e5 , \"t\\u0065xt\" :\t\"\\u0066ool\"\r\n, \"s\":\"\\u0041\\/\" } ",
        BYTES("y"), " { \"n\" : 1.00e5 , \"t\\u0065xt\" :\t\"y\"\r\n, \"s\":\"\\u0041\\/\" } ");
    assert_built("{\"a\":{\"text\":\"x\"},\"text\":\"x\",\"b\":[\"x\"]}", BYTES("y"),
                 "{\"a\":{\"text\":\"x\"},\"text\":\"y\",\"b\":[\"x\"]}");
}

static void an_event_is_used_again(void **state)
{
    struct event event = {0};
    struct why why;
    const char *built;
    size_t length;

    (void)state;
    for (int round = 0; round < 3; round++) {
        assert_int_equal(event_parse(&event, true, BYTES("{\"text\":\"long enough\"}"), &why), 0);
        assert_int_equal(event_parse(&event, true, BYTES("{\"text\":1}"), &why), -ERR_INVALID);
        assert_int_equal(event_parse(&event, true, BYTES("{\"text\":\"x\",\"a\":1}"), &why), 0);
        assert_int_equal(event.text_length, 1);
        for (int again = 0; again < 2; again++) {
            assert_int_equal(event_build(&event, "yy", 2, &built, &length), 0);
            assert_int_equal(length, strlen("{\"text\":\"yy\",\"a\":1}"));
            assert_memory_equal(built, "{\"text\":\"yy\",\"a\":1}", length);
        }
        assert_int_equal(event_parse(&event, false, BYTES("plain"), &why), 0);
        assert_int_equal(event.text_length, 5);
        assert_int_equal(event_build(&event, "z", 1, &built, &length), 0);
        assert_int_equal(length, 1);
    }
    event_clear(&event);
    event_clear(&event);
}

/* ---- random documents ---- */

/* A document in the making, always ending in a NUL that it does not count. */
struct document {
    char bytes[65536];
    size_t length;
    uint64_t random;
};

static uint64_t below(struct document *document, uint64_t limit)
{
    return next_random(&document->random) % limit;
}

static void put(struct document *document, const char *text)
{
    size_t length = strlen(text);

    assert_true(document->length + length < sizeof document->bytes);
    memcpy(document->bytes + document->length, text, length + 1);
    document->length += length;
}

static void put_space(struct document *document)
{
    static const char *const spaces[] = {"", "", "", " ", "\n", "\t", "\r\n", "  "};

    put(document, spaces[below(document, 8)]);
}

/* The inside of a string: what looks like the structure of JSON among it. */
static void put_inside(struct document *document)
{
    static const char *const parts[] = {"a",        "text",
                                        "{",        "}",
                                        "[",        "]",
                                        ",",        ":",
                                        "\\\"",     "\\\\",
                                        "\\/",      "\\n",
                                        "\\u00e9",  " ",
                                        "\\u0022",  "\\u005c",
                                        "\\u0000",  "\\ud83d\\ude00",
                                        "\xC3\xA9", "'",
                                        "\\t",      "\xF0\x9F\x98\x80",
                                        "fool",     "\x7F"};

    for (uint64_t count = below(document, 6); count; count--)
        put(document, parts[below(document, sizeof parts / sizeof parts[0])]);
}

static void put_string(struct document *document)
{
    put(document, "\"");
    put_inside(document);
    put(document, "\"");
}

static void put_value(struct document *document, int depth);

/* A key that is not "text" on the outermost level; inside it may be. A NUL in a key is refused by
 * design. */
static void put_key(struct document *document, int depth)
{
    static const char *const keys[] = {
        "\"a\"",  "\"\"",        "\"Text\"",      "\"text2\"",    "\"t\\\"\"", "\"\\\\\"",
        "\"}{\"", "\"\\u0074\"", "\"te\\u0078\"", "\"\xC3\xA9\"", "\"text \"", "\"\\u00e9,:\""};

    put(document, depth && below(document, 4) == 0
                      ? "\"text\""
                      : keys[below(document, sizeof keys / sizeof keys[0])]);
}

static void put_member(struct document *document, int depth)
{
    put_space(document);
    put_key(document, depth);
    put_space(document);
    put(document, ":");
    put_space(document);
    put_value(document, depth + 1);
    put_space(document);
}

static void put_value(struct document *document, int depth)
{
    static const char *const scalars[] = {
        "0",    "-0",    "1.50", "1e5",  "-1E-7", "123456789012345678901234567890",
        "true", "false", "null", "\"\"", "0.0",   "18446744073709551616"};
    uint64_t kind = below(document, depth > 4 ? 3 : 5);

    if (kind == 0) {
        put(document, scalars[below(document, sizeof scalars / sizeof scalars[0])]);
    } else if (kind < 3) {
        put_string(document);
    } else {
        uint64_t count = below(document, 4);
        put(document, kind == 3 ? "[" : "{");
        put_space(document);
        for (uint64_t i = 0; i < count; i++) {
            if (i)
                put(document, ",");
            if (kind == 4) {
                put_member(document, depth);
            } else {
                put_space(document);
                put_value(document, depth + 1);
                put_space(document);
            }
        }
        put(document, kind == 3 ? "]" : "}");
    }
}

static void replacing_the_text_leaves_every_other_byte_of_any_document(void **state)
{
    static struct document document;
    static char expected[sizeof document.bytes + 64];
    static const char *const text_keys[] = {"\"text\"", "\"text\"", "\"\\u0074ext\"",
                                            "\"tex\\u0074\"", "\"\\u0074\\u0065\\u0078\\u0074\""};
    struct event event = {0};
    size_t longest = 0;

    (void)state;
    document.random = 77;
    for (int round = 0; round < 20000; round++) {
        document.length = 0;
        put_space(&document);
        put(&document, "{");
        for (uint64_t before = below(&document, 4); before; before--) {
            put_member(&document, 0);
            put(&document, ",");
        }
        put_space(&document);
        put(&document, text_keys[below(&document, sizeof text_keys / sizeof text_keys[0])]);
        put_space(&document);
        put(&document, ":");
        put_space(&document);
        size_t start = document.length;
        put_string(&document);
        size_t end = document.length;
        put_space(&document);
        for (uint64_t after = below(&document, 4); after; after--) {
            put(&document, ",");
            put_member(&document, 0);
        }
        put(&document, "}");
        put_space(&document);

        struct why why;
        char *copy;
        const char *built;
        size_t length;
        if (parse(&event, true, document.bytes, document.length, &copy, &why) != 0)
            fail_msg("%s\n%s", document.bytes, why.text);
        assert_int_equal(event_build(&event, BYTES("it is \"CENSORED\""), &built, &length), 0);
        int expected_length =
            snprintf(expected, sizeof expected, "%.*s\"it is \\\"CENSORED\\\"\"%s", (int)start,
                     document.bytes, document.bytes + end);
        assert_int_equal(length, expected_length);
        assert_memory_equal(built, expected, length);

        /* Built with its own text and read again, it has the same text. */
        struct event again = {0};
        assert_int_equal(event_build(&event, event.text, event.text_length, &built, &length), 0);
        if (event_parse(&again, true, built, length, &why) != 0)
            fail_msg("%s", why.text);
        assert_int_equal(again.text_length, event.text_length);
        assert_true(!again.text_length || memcmp(again.text, event.text, again.text_length) == 0);
        event_clear(&again);
        if (document.length > longest)
            longest = document.length;
        free(copy);
    }
    event_clear(&event);
    assert_true(longest > 500);
}

static void any_bytes_are_an_event_or_a_reason(void **state)
{
    static const char alphabet[] = "{}[]\":,\\utex 01\n\xC3\xA9";
    uint64_t random = 5;
    size_t events = 0;

    (void)state;
    for (int round = 0; round < 200000; round++) {
        static const char start[] = "{\"text\":\"";
        char body[48];
        size_t length = 0;
        if (next_random(&random) % 2) {
            length = sizeof start - 1;
            memcpy(body, start, length);
        }
        for (size_t more = next_random(&random) % 16; more; more--)
            body[length++] = alphabet[next_random(&random) % sizeof alphabet];
        if (next_random(&random) % 2) {
            body[length++] = '"';
            body[length++] = '}';
        }
        struct event event = {0};
        struct why why;
        char *copy;
        int error = parse(&event, true, body, length, &copy, &why);
        if (error) {
            assert_int_equal(error, -ERR_INVALID);
            assert_true(why.text[0] != '\0');
        } else {
            const char *built;
            size_t built_length;
            assert_int_equal(event_build(&event, "x", 1, &built, &built_length), 0);
            events++;
        }
        event_clear(&event);
        free(copy);
    }
    assert_true(events > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_body_is_its_text),
        cmocka_unit_test(a_plain_body_is_replaced_whole),
        cmocka_unit_test(text_that_is_not_utf8_is_refused_with_its_place),
        cmocka_unit_test(letters_that_are_wider_than_utf8_are_refused),
        cmocka_unit_test(the_text_of_an_object_is_found),
        cmocka_unit_test(members_beside_the_text_may_be_anything),
        cmocka_unit_test(numbers_may_be_greater_than_a_double_holds),
        cmocka_unit_test(invalid_json_is_refused),
        cmocka_unit_test(what_is_nested_without_end_is_refused),
        cmocka_unit_test(the_place_of_the_mistake_is_told),
        cmocka_unit_test(json_without_one_string_text_is_refused),
        cmocka_unit_test(a_text_that_is_there_twice_is_refused),
        cmocka_unit_test(only_the_text_is_replaced),
        cmocka_unit_test(an_event_is_used_again),
        cmocka_unit_test(replacing_the_text_leaves_every_other_byte_of_any_document),
        cmocka_unit_test(any_bytes_are_an_event_or_a_reason),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
