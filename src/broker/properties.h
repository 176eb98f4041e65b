/* properties.h - the properties and headers of an AMQP message: read, changed, measured. */
#ifndef WINNOW_PROPERTIES_H
#define WINNOW_PROPERTIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Bytes of another owner; NULL bytes mean absent, which is not the same as empty. */
struct broker_bytes {
    const char *bytes;
    size_t length;
};

static inline struct broker_bytes broker_text(const char *text)
{
    return (struct broker_bytes){text, text ? strlen(text) : 0};
}

/* The text properties a program may read and set. Each holds at most 255 bytes. */
enum broker_property {
    BROKER_CONTENT_TYPE,
    BROKER_CONTENT_ENCODING,
    BROKER_CORRELATION_ID,
    BROKER_REPLY_TO,
    BROKER_EXPIRATION,
    BROKER_MESSAGE_ID,
    BROKER_TYPE,
    BROKER_USER_ID,
};

/* A message's properties, decoded. Reusable: decoding anew drops what was there. */
struct broker_properties;

/* Makes empty ones, to be released with broker_properties_close. NULL when out of memory. */
struct broker_properties *broker_properties_open(void);
void broker_properties_close(struct broker_properties *properties);

/* Decodes what broker_next gave as raw_properties. The result borrows raw until the next decode or
 * clear. 0, -ERR_INVALID (malformed) or -ERR_MEMORY; the properties are empty after an error. */
int broker_properties_decode(struct broker_properties *properties, struct broker_bytes raw);
void broker_properties_clear(struct broker_properties *properties);

/* A text property, borrowed from what was decoded or set; absent bytes when it is not there. */
struct broker_bytes broker_properties_get(const struct broker_properties *properties,
                                          enum broker_property property);
/* Borrows value; absent bytes remove the property. 0, or -ERR_INVALID for more than 255 bytes. */
int broker_properties_set(struct broker_properties *properties, enum broker_property property,
                          struct broker_bytes value);
void broker_properties_set_persistent(struct broker_properties *properties, bool persistent);
/* Seconds since 1970. */
void broker_properties_set_timestamp(struct broker_properties *properties, uint64_t seconds);

/* Removes all but message_id and delivery_mode. */
void broker_properties_reduce(struct broker_properties *properties);

/* Removes the headers for whose names keep returns false. */
void broker_headers_filter(struct broker_properties *properties,
                           bool (*keep)(struct broker_bytes name));
void broker_headers_clear(struct broker_properties *properties);

/* Each appends a header; name and text are borrowed. 0 or -ERR_MEMORY. */
int broker_headers_add_text(struct broker_properties *properties, const char *name,
                            struct broker_bytes text);
int broker_headers_add_int(struct broker_properties *properties, const char *name, int64_t value);
int broker_headers_add_true(struct broker_properties *properties, const char *name);

/* An integer header by name: true when it is there and of that kind. */
bool broker_headers_get_int(const struct broker_properties *properties, const char *name,
                            int64_t *value);
bool broker_headers_has(const struct broker_properties *properties, const char *name);

/* A text header by name; absent bytes when it is not there, or of another kind. */
struct broker_bytes broker_headers_get_text(const struct broker_properties *properties,
                                            const char *name);

/* Appends all headers as one JSON object. Text that is no UTF-8 is {"base64":"..."}, a timestamp
 * its seconds, a number that JSON does not have null. 0; -ERR_INVALID, when tables are nested
 * deeper than 100 levels, and what was written is not whole; or -ERR_MEMORY. */
struct plain_json;
int broker_headers_write_json(const struct broker_properties *properties, struct plain_json *text);

/* Bytes that the properties take in a header frame, or -ERR_INVALID when more than limit_bytes. */
int broker_properties_size(const struct broker_properties *properties, size_t limit_bytes);

#endif
