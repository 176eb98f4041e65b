#include "event_type.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static int read_type(const char *type, const char *encoding, bool *json, struct why *why)
{
    return event_type_read(broker_text(type), broker_text(encoding), json, why);
}

static void assert_read(const char *type, const char *encoding, bool expected)
{
    struct why why;
    bool json = !expected;

    if (read_type(type, encoding, &json, &why))
        fail_msg("'%s', '%s': %s", type, encoding ? encoding : "", why.text);
    if (json != expected)
        fail_msg("'%s' is %staken for JSON", type, json ? "" : "not ");
}

static void assert_refused(const char *type, const char *encoding, const char *said)
{
    struct why why;
    bool json;

    if (read_type(type, encoding, &json, &why) != -ERR_INVALID)
        fail_msg("'%s', '%s' is accepted", type ? type : "", encoding ? encoding : "");
    if (!strstr(why.text, said))
        fail_msg("'%s' is refused with: %s", said, why.text);
}

static void content_types_of_json_are_known(void **state)
{
    static const char *const json[] = {
        "application/json",
        "Application/JSON",
        "application/json;charset=utf-8",
        "application/json ; x",
        "application/vnd.api+json",
        "application/ld+JSON; profile=\"x\"",
        "x/y+json",
    };
    static const char *const plain[] = {NULL,
                                        "text/plain",
                                        "",
                                        "application/jsonx",
                                        "application/json5",
                                        "xapplication/json",
                                        "application/xml",
                                        "json",
                                        "text/plain; application/json",
                                        "text/json-seq",
                                        "+jso",
                                        ";application/json",
                                        "application/octet-stream",
                                        "application/ json"};

    (void)state;
    for (size_t i = 0; i < sizeof json / sizeof json[0]; i++)
        assert_read(json[i], NULL, true);
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++)
        assert_read(plain[i], NULL, false);
}

static void utf8_and_ascii_are_read_however_they_are_written(void **state)
{
    static const char *const types[] = {
        "text/plain; charset=utf-8",
        "text/plain;charset=UTF-8",
        "text/plain; CharSet=\"Utf8\"",
        "text/plain; charset = us-ascii",
        "text/plain; charset=ASCII",
        "text/plain; charset=us-ascii (Plain text)",
        "text/plain; charset=\"us-ascii\" (Plain; text)",
        "text/plain; format=flowed; charset=utf-8; delsp=yes",
        "text/plain; charset=utf-8;",
        "text/plain; charset=utf-8; charset=us-ascii",
        "text/plain;; \t;charset=utf-8\t",
        "text/plain; title=\"a; charset=utf-16\"",
        "text/plain; title=\"a\\\"; charset=utf-16\"",
    };

    (void)state;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        assert_read(types[i], NULL, false);
    assert_read("application/json; charset=\"utf-8\"", NULL, true);
}

static void any_other_charset_is_refused_by_its_name(void **state)
{
    static const char *const types[] = {
        "text/plain; charset=utf-16le",
        "text/plain; charset=UTF-16",
        "text/plain; charset=\"utf-16\"",
        "text/plain; charset=iso-8859-1",
        "text/plain; charset=utf-7",
        "text/plain; charset=utf-8x",
        "application/json; charset=utf-16",
        "application/vnd.api+json;charset=latin1",
        /* twice */
        "text/plain; charset=utf-8; charset=utf-16",
        "text/plain; charset=utf-16; charset=utf-8",
        /* not as RFC 2045 writes it, or in pieces, as RFC 2231 does */
        "text/plain; charset",
        "text/plain; charset=",
        "text/plain; charset=\"\"",
        "text/plain; charset=\"utf-8",
        "text/plain; charset=\"utf-8\"x",
        "text/plain; charset='utf-8'",
        "text/plain; charset:utf-16",
        "text/plain; charset utf-16",
        "text/plain charset=utf-16",
        "text/plain, charset=utf-16",
        "text/plain; x=\"; charset=utf-16",
        "text/plain; charset=utf-8, utf-16",
        "text/plain; charset*=us-ascii'en'utf-16",
        "text/plain; charset*0=utf-; charset*1=16",
        "charset=utf-16",
    };

    (void)state;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        char said[100];
        snprintf(said, sizeof said, "content_type '%s': not a charset", types[i]);
        assert_refused(types[i], NULL, said);
    }
}

static void encodings_that_change_no_byte_are_read(void **state)
{
    static const char *const read[] = {"",      "identity", "Identity", "utf-8",
                                       "UTF-8", "utf8",     "Utf8"};
    static const char *const refused[] = {"gzip",   "utf-16", "utf-8 ",         "utf",     "utf--8",
                                          "base64", "binary", "identity, gzip", "us-ascii"};

    (void)state;
    for (size_t i = 0; i < sizeof read / sizeof read[0]; i++)
        assert_read("text/plain", read[i], false);
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        char said[64];
        snprintf(said, sizeof said, "content_encoding '%s'; expected utf-8", refused[i]);
        assert_refused("text/plain; charset=utf-8", refused[i], said);
    }
}

static void lengths_count_and_not_a_nul(void **state)
{
    struct why why;
    bool json;

    (void)state;
    assert_int_equal(event_type_read((struct broker_bytes){"application/json", 15},
                                     (struct broker_bytes){"gzip", 0}, &json, &why),
                     0);
    assert_false(json);
    assert_int_equal(event_type_read((struct broker_bytes){"text/plain; charset=utf-8\0x", 27},
                                     (struct broker_bytes){NULL, 0}, &json, &why),
                     -ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(content_types_of_json_are_known),
        cmocka_unit_test(utf8_and_ascii_are_read_however_they_are_written),
        cmocka_unit_test(any_other_charset_is_refused_by_its_name),
        cmocka_unit_test(encodings_that_change_no_byte_are_read),
        cmocka_unit_test(lengths_count_and_not_a_nul),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
