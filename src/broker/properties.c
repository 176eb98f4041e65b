#include "internal.h"

#include <limits.h>
#include <stdlib.h>

/* The flags of all properties, which are neighbouring bits: content_type's is the highest,
 * cluster_id's the lowest. */
#define DEFINED_FLAGS                                                                              \
    ((amqp_flags_t)(2 * AMQP_BASIC_CONTENT_TYPE_FLAG - AMQP_BASIC_CLUSTER_ID_FLAG))

struct broker_properties *broker_properties_open(void)
{
    struct broker_properties *properties = calloc(1, sizeof *properties);

    if (properties)
        init_amqp_pool(&properties->pool, 4096);
    return properties;
}

void broker_properties_close(struct broker_properties *properties)
{
    if (!properties)
        return;
    empty_amqp_pool(&properties->pool);
    free(properties);
}

void broker_properties_clear(struct broker_properties *properties)
{
    if (properties->pool_used)
        recycle_amqp_pool(&properties->pool);
    properties->pool_used = false;
    properties->amqp = (amqp_basic_properties_t){0};
}

int broker_properties_decode(struct broker_properties *properties, struct broker_bytes raw)
{
    void *decoded = NULL;

    broker_properties_clear(properties);
    properties->pool_used = true;
    int status =
        amqp_decode_properties(AMQP_BASIC_CLASS, &properties->pool, broker_to_amqp(raw), &decoded);
    if (status < 0)
        return status == AMQP_STATUS_NO_MEMORY ? -ERR_MEMORY : -ERR_INVALID;
    properties->amqp = *(amqp_basic_properties_t *)decoded;
    /* A flag that the protocol does not define has no value. Some of them, sent on, would need a
     * second word of flags, at which RabbitMQ closes the connection. */
    properties->amqp._flags &= DEFINED_FLAGS;
    if (!(properties->amqp._flags & AMQP_BASIC_HEADERS_FLAG))
        properties->amqp.headers = amqp_empty_table;
    return 0;
}

/* The field of a text property and the flag that says it is there. */
static amqp_bytes_t *field_of(amqp_basic_properties_t *amqp, enum broker_property property,
                              amqp_flags_t *flag)
{
    switch (property) {
    case BROKER_CONTENT_TYPE:
        *flag = AMQP_BASIC_CONTENT_TYPE_FLAG;
        return &amqp->content_type;
    case BROKER_CONTENT_ENCODING:
        *flag = AMQP_BASIC_CONTENT_ENCODING_FLAG;
        return &amqp->content_encoding;
    case BROKER_CORRELATION_ID:
        *flag = AMQP_BASIC_CORRELATION_ID_FLAG;
        return &amqp->correlation_id;
    case BROKER_REPLY_TO:
        *flag = AMQP_BASIC_REPLY_TO_FLAG;
        return &amqp->reply_to;
    case BROKER_EXPIRATION:
        *flag = AMQP_BASIC_EXPIRATION_FLAG;
        return &amqp->expiration;
    case BROKER_MESSAGE_ID:
        *flag = AMQP_BASIC_MESSAGE_ID_FLAG;
        return &amqp->message_id;
    case BROKER_TYPE:
        *flag = AMQP_BASIC_TYPE_FLAG;
        return &amqp->type;
    case BROKER_USER_ID:
    default:
        *flag = AMQP_BASIC_USER_ID_FLAG;
        return &amqp->user_id;
    }
}

struct broker_bytes broker_properties_get(const struct broker_properties *properties,
                                          enum broker_property property)
{
    amqp_basic_properties_t amqp = properties->amqp;
    amqp_flags_t flag;
    const amqp_bytes_t *field = field_of(&amqp, property, &flag);

    return amqp._flags & flag ? broker_from_amqp(*field) : (struct broker_bytes){0};
}

int broker_properties_set(struct broker_properties *properties, enum broker_property property,
                          struct broker_bytes value)
{
    amqp_flags_t flag;
    amqp_bytes_t *field = field_of(&properties->amqp, property, &flag);

    if (value.length > 255)
        return -ERR_INVALID;
    if (value.bytes)
        properties->amqp._flags |= flag;
    else
        properties->amqp._flags &= ~flag;
    *field = broker_to_amqp(value);
    return 0;
}

void broker_properties_set_persistent(struct broker_properties *properties, bool persistent)
{
    properties->amqp._flags |= AMQP_BASIC_DELIVERY_MODE_FLAG;
    properties->amqp.delivery_mode =
        persistent ? AMQP_DELIVERY_PERSISTENT : AMQP_DELIVERY_NONPERSISTENT;
}

void broker_properties_set_timestamp(struct broker_properties *properties, uint64_t seconds)
{
    properties->amqp._flags |= AMQP_BASIC_TIMESTAMP_FLAG;
    properties->amqp.timestamp = seconds;
}

void broker_properties_reduce(struct broker_properties *properties)
{
    properties->amqp._flags &= AMQP_BASIC_MESSAGE_ID_FLAG | AMQP_BASIC_DELIVERY_MODE_FLAG;
    properties->amqp.headers = amqp_empty_table;
}

void broker_headers_filter(struct broker_properties *properties,
                           bool (*keep)(struct broker_bytes name))
{
    amqp_table_t *headers = &properties->amqp.headers;
    int kept = 0;

    for (int i = 0; i < headers->num_entries; i++)
        if (keep(broker_from_amqp(headers->entries[i].key)))
            headers->entries[kept++] = headers->entries[i];
    headers->num_entries = kept;
    if (!kept)
        properties->amqp._flags &= ~(amqp_flags_t)AMQP_BASIC_HEADERS_FLAG;
}

void broker_headers_clear(struct broker_properties *properties)
{
    properties->amqp.headers = amqp_empty_table;
    properties->amqp._flags &= ~(amqp_flags_t)AMQP_BASIC_HEADERS_FLAG;
}

/* Appends a header without a value: copies the table, as a decoded one has no place to spare. */
static amqp_field_value_t *append(struct broker_properties *properties, const char *name)
{
    amqp_table_t *headers = &properties->amqp.headers;
    size_t count = (size_t)headers->num_entries;

    properties->pool_used = true;
    amqp_table_entry_t *entries = amqp_pool_alloc(&properties->pool, (count + 1) * sizeof *entries);
    if (!entries)
        return NULL;
    if (count)
        memcpy(entries, headers->entries, count * sizeof *entries);
    entries[count].key = amqp_cstring_bytes(name);
    headers->entries = entries;
    headers->num_entries++;
    properties->amqp._flags |= AMQP_BASIC_HEADERS_FLAG;
    return &entries[count].value;
}

int broker_headers_add_text(struct broker_properties *properties, const char *name,
                            struct broker_bytes text)
{
    amqp_field_value_t *value = append(properties, name);

    if (!value)
        return -ERR_MEMORY;
    value->kind = AMQP_FIELD_KIND_UTF8;
    value->value.bytes = broker_to_amqp(text);
    return 0;
}

int broker_headers_add_int(struct broker_properties *properties, const char *name, int64_t number)
{
    amqp_field_value_t *value = append(properties, name);

    if (!value)
        return -ERR_MEMORY;
    value->kind = AMQP_FIELD_KIND_I64;
    value->value.i64 = number;
    return 0;
}

int broker_headers_add_true(struct broker_properties *properties, const char *name)
{
    amqp_field_value_t *value = append(properties, name);

    if (!value)
        return -ERR_MEMORY;
    value->kind = AMQP_FIELD_KIND_BOOLEAN;
    value->value.boolean = 1;
    return 0;
}

static const amqp_field_value_t *find(const struct broker_properties *properties, const char *name)
{
    const amqp_table_t *headers = &properties->amqp.headers;
    size_t length = strlen(name);

    for (int i = 0; i < headers->num_entries; i++)
        if (headers->entries[i].key.len == length &&
            memcmp(headers->entries[i].key.bytes, name, length) == 0)
            return &headers->entries[i].value;
    return NULL;
}

bool broker_headers_has(const struct broker_properties *properties, const char *name)
{
    return find(properties, name) != NULL;
}

struct broker_bytes broker_headers_get_text(const struct broker_properties *properties,
                                            const char *name)
{
    const amqp_field_value_t *value = find(properties, name);
    bool is_text =
        value && (value->kind == AMQP_FIELD_KIND_UTF8 || value->kind == AMQP_FIELD_KIND_BYTES);

    return is_text ? broker_from_amqp(value->value.bytes) : (struct broker_bytes){0};
}

bool broker_headers_get_int(const struct broker_properties *properties, const char *name,
                            int64_t *number)
{
    const amqp_field_value_t *value = find(properties, name);

    if (!value)
        return false;
    switch (value->kind) {
    case AMQP_FIELD_KIND_I64:
        *number = value->value.i64;
        return true;
    case AMQP_FIELD_KIND_I32:
        *number = value->value.i32;
        return true;
    default:
        return false;
    }
}

int broker_properties_size(const struct broker_properties *properties, size_t limit_bytes)
{
    size_t capacity = limit_bytes < INT_MAX ? limit_bytes : INT_MAX;
    char small[1024];
    char *buffer = small;

    /* Most messages fit the small buffer; only a message near the limit costs an allocation. */
    size_t try_bytes = capacity < sizeof small ? capacity : sizeof small;
    for (;;) {
        int size = amqp_encode_properties(AMQP_BASIC_CLASS, (void *)(uintptr_t)&properties->amqp,
                                          (amqp_bytes_t){try_bytes, buffer});
        if (size >= 0 || try_bytes == capacity) {
            if (buffer != small)
                free(buffer);
            return size >= 0 ? size : -ERR_INVALID;
        }
        buffer = malloc(capacity);
        if (!buffer)
            return -ERR_INVALID;
        try_bytes = capacity;
    }
}
