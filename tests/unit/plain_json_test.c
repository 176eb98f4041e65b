/* JSON as it is written, and a message's headers as JSON. */
#include "plain_json.h"

#include "broker/internal.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void expect(struct plain_json *json, const char *text)
{
    assert_false(json->failed);
    plain_json_add(json, "", 1);
    assert_string_equal(json->bytes, text);
    free(json->bytes);
    *json = (struct plain_json){0};
}

static void strings_are_one_line(void **state)
{
    struct plain_json json = {0};

    (void)state;
    plain_json_add_string(&json, "a\"b\\c\nd\te\0f\x7f\xc3\xa9", 14);
    expect(&json, "\"a\\\"b\\\\c\\nd\\u0009e\\u0000f\x7f\xc3\xa9\"");
    plain_json_add_string(&json, "", 0);
    expect(&json, "\"\"");
}

static void bytes_are_base64_when_they_are_no_text(void **state)
{
    struct plain_json json = {0};

    (void)state;
    plain_json_add_bytes(&json, "\xc3\xa9", 2);
    expect(&json, "\"\xc3\xa9\"");
    plain_json_add_bytes(&json, "\xff\0a", 3);
    expect(&json, "{\"base64\":\"/wBh\"}");
    plain_json_add_base64(&json, "", 0);
    expect(&json, "\"\"");
    plain_json_add_base64(&json, "a", 1);
    expect(&json, "\"YQ==\"");
}

/* More than one piece: no padding in between. */
static void long_base64_is_one_string(void **state)
{
    size_t length = ((size_t)3 << 18) + 1;
    char *zeros = calloc(1, length);
    struct plain_json json = {0};

    (void)state;
    assert_non_null(zeros);
    plain_json_add_base64(&json, zeros, length);
    assert_int_equal(json.length, 2 + (length + 2) / 3 * 4);
    assert_ptr_equal(memchr(json.bytes, '=', json.length), json.bytes + json.length - 3);
    free(zeros);
    free(json.bytes);
}

/* ---- headers ---- */

#define FIELD(type, member, number)                                                                \
    {                                                                                              \
        .kind = AMQP_FIELD_KIND_##type, .value.member = number                                     \
    }

static void headers_of_every_kind_are_written(void **state)
{
    static amqp_field_value_t items[] = {FIELD(I8, i8, -8), FIELD(VOID, i8, 0)};
    amqp_table_entry_t entries[] = {
        {amqp_cstring_bytes("yes"), FIELD(BOOLEAN, boolean, 1)},
        {amqp_cstring_bytes("big"), FIELD(U64, u64, UINT64_MAX)},
        {amqp_cstring_bytes("least"), FIELD(I64, i64, INT64_MIN)},
        {amqp_cstring_bytes("half"), FIELD(F64, f64, 0.5)},
        {amqp_cstring_bytes("none"), FIELD(F32, f32, NAN)},
        {amqp_cstring_bytes("price"), {.kind = 'D', .value.decimal = {2, (uint32_t)-1234}}},
        {amqp_cstring_bytes("n\xff"), {.kind = 'S', .value.bytes = amqp_cstring_bytes("a\nb")}},
        {{3, "a\0b"}, FIELD(U16, u16, 16)},
        {amqp_cstring_bytes("raw"), {.kind = 'x', .value.bytes = amqp_cstring_bytes("\xff")}},
        {amqp_cstring_bytes("list"), {.kind = 'A', .value.array = {2, items}}},
    };
    struct broker_properties properties = {.amqp.headers = {10, entries}};
    struct plain_json json = {0};

    (void)state;
    assert_int_equal(broker_headers_write_json(&properties, &json), 0);
    expect(&json, "{\"yes\":true,\"big\":18446744073709551615,\"least\":-9223372036854775808,"
                  "\"half\":0.5,\"none\":null,\"price\":-1234e-2,\"n?\":\"a\\nb\",\"a?b\":16,"
                  "\"raw\":{\"base64\":\"/w==\"},\"list\":[-8,null]}");
    properties.amqp.headers = amqp_empty_table;
    assert_int_equal(broker_headers_write_json(&properties, &json), 0);
    expect(&json, "{}");
}

static void headers_that_are_nested_too_deep_are_refused(void **state)
{
    enum { LEVELS = 101 };
    amqp_table_entry_t tables[LEVELS];
    struct broker_properties properties = {.amqp.headers = {1, tables}};
    struct plain_json json = {0};

    (void)state;
    for (int i = 0; i < LEVELS; i++)
        tables[i] =
            (amqp_table_entry_t){amqp_cstring_bytes("t"),
                                 {.kind = 'F', .value.table = {i + 1 < LEVELS, &tables[i + 1]}}};
    assert_int_equal(broker_headers_write_json(&properties, &json), -ERR_INVALID);
    json.length = 0;
    tables[98].value.value.table.num_entries = 0;
    assert_int_equal(broker_headers_write_json(&properties, &json), 0);
    free(json.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strings_are_one_line),
        cmocka_unit_test(bytes_are_base64_when_they_are_no_text),
        cmocka_unit_test(long_base64_is_one_string),
        cmocka_unit_test(headers_of_every_kind_are_written),
        cmocka_unit_test(headers_that_are_nested_too_deep_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
