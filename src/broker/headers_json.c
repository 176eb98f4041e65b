/* A message's headers as JSON: see properties.h. */
#include "internal.h"
#include "plain_json.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <unistr.h>

/* Whoever asks may have a small stack. */
#define DEEPEST 100

static bool add_table(struct plain_json *text, const amqp_table_t *table, int depth);

static void add_double(struct plain_json *text, double number)
{
    char digits[40];

    /* JSON has no other numbers. */
    if (isfinite(number))
        snprintf(digits, sizeof digits, "%.17g", number);
    else
        snprintf(digits, sizeof digits, "null");
    plain_json_put(text, digits);
}

static void add_unsigned(struct plain_json *text, uint64_t number)
{
    char digits[24];

    snprintf(digits, sizeof digits, "%" PRIu64, number);
    plain_json_put(text, digits);
}

static void add_decimal(struct plain_json *text, amqp_decimal_t decimal)
{
    char digits[24];

    snprintf(digits, sizeof digits, "%" PRId32 "e-%u", (int32_t)decimal.value,
             (unsigned)decimal.decimals);
    plain_json_put(text, digits);
}

static bool add_value(struct plain_json *text, const amqp_field_value_t *value, int depth);

static bool add_array(struct plain_json *text, const amqp_array_t *array, int depth)
{
    bool fits = depth < DEEPEST;

    plain_json_put(text, "[");
    for (int i = 0; fits && i < array->num_entries; i++) {
        plain_json_put(text, i ? "," : "");
        fits = add_value(text, &array->entries[i], depth);
    }
    plain_json_put(text, "]");
    return fits;
}

static bool add_value(struct plain_json *text, const amqp_field_value_t *value, int depth)
{
    switch (value->kind) {
    case AMQP_FIELD_KIND_BOOLEAN:
        plain_json_put(text, value->value.boolean ? "true" : "false");
        break;
    case AMQP_FIELD_KIND_I8:
        plain_json_add_int(text, value->value.i8);
        break;
    case AMQP_FIELD_KIND_U8:
        plain_json_add_int(text, value->value.u8);
        break;
    case AMQP_FIELD_KIND_I16:
        plain_json_add_int(text, value->value.i16);
        break;
    case AMQP_FIELD_KIND_U16:
        plain_json_add_int(text, value->value.u16);
        break;
    case AMQP_FIELD_KIND_I32:
        plain_json_add_int(text, value->value.i32);
        break;
    case AMQP_FIELD_KIND_U32:
        plain_json_add_int(text, value->value.u32);
        break;
    case AMQP_FIELD_KIND_I64:
        plain_json_add_int(text, value->value.i64);
        break;
    case AMQP_FIELD_KIND_U64:
    case AMQP_FIELD_KIND_TIMESTAMP:
        add_unsigned(text, value->value.u64);
        break;
    case AMQP_FIELD_KIND_F32:
        add_double(text, (double)value->value.f32);
        break;
    case AMQP_FIELD_KIND_F64:
        add_double(text, value->value.f64);
        break;
    case AMQP_FIELD_KIND_DECIMAL:
        add_decimal(text, value->value.decimal);
        break;
    case AMQP_FIELD_KIND_UTF8:
    case AMQP_FIELD_KIND_BYTES:
        plain_json_add_bytes(text, value->value.bytes.bytes, value->value.bytes.len);
        break;
    case AMQP_FIELD_KIND_TABLE:
        return add_table(text, &value->value.table, depth + 1);
    case AMQP_FIELD_KIND_ARRAY:
        return add_array(text, &value->value.array, depth + 1);
    default:
        plain_json_put(text, "null");
    }
    return true;
}

/* A name is a string whatever bytes it has: in one that is no UTF-8, those beyond ASCII become
 * question marks. So do NULs, which many readers of JSON do not take in a name. */
static void add_name(struct plain_json *text, amqp_bytes_t name)
{
    char copy[256]; /* AMQP has no longer ones */
    size_t length = name.len < sizeof copy ? name.len : sizeof copy;
    bool is_utf8 = !length || !u8_check(name.bytes, length);

    for (size_t i = 0; i < length; i++) {
        unsigned char byte = ((const unsigned char *)name.bytes)[i];
        copy[i] = byte && (is_utf8 || byte < 0x80) ? (char)byte : '?';
    }
    plain_json_add_string(text, copy, length);
}

static bool add_table(struct plain_json *text, const amqp_table_t *table, int depth)
{
    bool fits = depth < DEEPEST;

    plain_json_put(text, "{");
    for (int i = 0; fits && i < table->num_entries; i++) {
        plain_json_put(text, i ? "," : "");
        add_name(text, table->entries[i].key);
        plain_json_put(text, ":");
        fits = add_value(text, &table->entries[i].value, depth);
    }
    plain_json_put(text, "}");
    return fits;
}

int broker_headers_write_json(const struct broker_properties *properties, struct plain_json *text)
{
    bool fits = add_table(text, &properties->amqp.headers, 0);

    if (text->failed)
        return -ERR_MEMORY;
    return fits ? 0 : -ERR_INVALID;
}
