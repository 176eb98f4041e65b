/* The properties and headers of a message: decoded, changed as for a result,
 * measured, and decoded again as the receiver of the result would. */
#include "broker/properties.h"

#include "broker/internal.h"
#include "fuzz.h"
#include "plain_json.h"

#include <jansson.h>

#define FRAME_MAX 131072

static bool keep(struct broker_bytes name)
{
    return name.length < 2 || memcmp(name.bytes, "x-", 2) != 0;
}

static size_t size_of(const struct broker_properties *properties)
{
    int size = broker_properties_size(properties, FRAME_MAX);

    CLAIM(size >= 2);
    /* They fit into exactly their size, and into no byte less. */
    CLAIM(broker_properties_size(properties, (size_t)size) == size);
    CLAIM(broker_properties_size(properties, (size_t)size - 1) == -ERR_INVALID);
    return (size_t)size;
}

static bool same_text(struct broker_bytes a, struct broker_bytes b)
{
    return !a.bytes == !b.bytes && a.length == b.length &&
           (a.length == 0 || memcmp(a.bytes, b.bytes, a.length) == 0);
}

/* Encodes and decodes them; *again borrows *encoded. */
static void travel(const struct broker_properties *properties, struct broker_properties *again,
                   char **encoded)
{
    size_t size = size_of(properties);
    *encoded = malloc(size);
    CLAIM(*encoded != NULL);
    CLAIM(amqp_encode_properties(AMQP_BASIC_CLASS, (void *)(uintptr_t)&properties->amqp,
                                 (amqp_bytes_t){size, *encoded}) == (int)size);
    CLAIM(broker_properties_decode(again, (struct broker_bytes){*encoded, size}) == 0);
    CLAIM(size_of(again) == size);
}

static void check_change(struct broker_properties *properties, struct broker_properties *again)
{
    static const char long_text[256];
    struct broker_bytes text = broker_text("vhost/1234");
    int64_t number = 0;
    char *encoded;

    broker_headers_filter(properties, keep);
    size_t filtered = size_of(properties);
    CLAIM(!broker_headers_has(properties, "x-death"));

    CLAIM(broker_properties_set(properties, BROKER_USER_ID, (struct broker_bytes){0}) == 0);
    CLAIM(broker_properties_set(properties, BROKER_EXPIRATION, (struct broker_bytes){0}) == 0);
    CLAIM(broker_properties_set(properties, BROKER_CORRELATION_ID, text) == 0);
    CLAIM(broker_properties_set(properties, BROKER_REPLY_TO,
                                (struct broker_bytes){long_text, 256}) == -ERR_INVALID);
    CLAIM(size_of(properties) <= filtered + 1 + text.length + 2);
    broker_properties_set_persistent(properties, true);

    size_t before = size_of(properties);
    bool had_headers = properties->amqp.headers.num_entries > 0;
    CLAIM(broker_headers_add_text(properties, "winnow-a", text) == 0);
    CLAIM(size_of(properties) - before ==
          1 + strlen("winnow-a") + 1 + 4 + text.length +
              (had_headers || properties->amqp.headers.num_entries > 1 ? 0 : 4));
    CLAIM(broker_headers_add_int(properties, "winnow-b", INT64_MIN) == 0);
    CLAIM(broker_headers_add_true(properties, "winnow-c") == 0);
    CLAIM(broker_headers_has(properties, "winnow-c"));

    travel(properties, again, &encoded);
    for (int i = BROKER_CONTENT_TYPE; i <= BROKER_USER_ID; i++)
        CLAIM(same_text(broker_properties_get(again, (enum broker_property)i),
                        broker_properties_get(properties, (enum broker_property)i)));
    CLAIM(!broker_properties_get(again, BROKER_USER_ID).bytes);
    CLAIM(again->amqp.headers.num_entries == properties->amqp.headers.num_entries);
    for (int i = 0; i < again->amqp.headers.num_entries; i++)
        CLAIM(same_text(broker_from_amqp(again->amqp.headers.entries[i].key),
                        broker_from_amqp(properties->amqp.headers.entries[i].key)));
    /* winnow-a, the first of the three headers that were added. */
    const amqp_field_value_t *added =
        &again->amqp.headers.entries[again->amqp.headers.num_entries - 3].value;
    CLAIM(added->kind == AMQP_FIELD_KIND_UTF8);
    CLAIM(same_text(broker_from_amqp(added->value.bytes), text));
    if (broker_headers_get_int(properties, "winnow-b", &number))
        CLAIM(broker_headers_get_int(again, "winnow-b", &number));
    free(encoded);

    broker_headers_clear(properties);
    CLAIM(!broker_headers_has(properties, "winnow-a"));
    CLAIM(size_of(properties) <= before);
}

/* Whatever the headers are, it is one line of JSON. */
static void claim_json(const struct broker_properties *properties)
{
    struct plain_json json = {0};
    json_error_t problem;

    if (broker_headers_write_json(properties, &json) == 0) {
        json_t *read =
            json_loadb(json.bytes, json.length, JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, &problem);
        CLAIM(json_is_object(read) && !memchr(json.bytes, '\n', json.length));
        CLAIM(!memchr(json.bytes, '\0', json.length));
        json_decref(read);
    }
    free(json.bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct broker_bytes raw = {(const char *)data, size};
    struct broker_properties *properties = broker_properties_open();
    struct broker_properties *again = broker_properties_open();
    char *encoded;

    CLAIM(properties && again && size <= FRAME_MAX);
    int error = broker_properties_decode(properties, raw);
    if (error) {
        CLAIM(error == -ERR_INVALID);
        CLAIM(size_of(properties) == 2);
    } else {
        CLAIM(size_of(properties) <= size);
        travel(properties, again, &encoded);
        free(encoded);
        claim_json(properties);
    }
    check_change(properties, again);
    broker_properties_close(again);
    broker_properties_close(properties);
    return 0;
}
