#include "fingerprint.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Header only: no library to link. */
#define XXH_INLINE_ALL
#include <xxhash.h>

/* A word of flags: a property has a bit from the highest on, the lowest says that another word
 * follows. */
#define FIRST_FLAG 0x8000u
#define MORE_FLAGS 1u

/* The properties in the order of their flags, which is that of their values: a text of up to 255
 * bytes, the headers, or a number of so many bytes. */
enum { TEXT = 0, HEADERS = -1 };
static const int properties_in_order[] = {
    TEXT /* content_type */,
    TEXT /* content_encoding */,
    HEADERS,
    1 /* delivery_mode */,
    1 /* priority */,
    TEXT /* correlation_id */,
    TEXT /* reply_to */,
    TEXT /* expiration */,
    TEXT /* message_id */,
    8 /* timestamp */,
    TEXT /* type */,
    TEXT /* user_id */,
    TEXT /* app_id */,
    TEXT /* cluster_id */,
};
#define PROPERTIES (sizeof properties_in_order / sizeof properties_in_order[0])

/* Headers that begin so are the broker's. */
static const char *const broker_headers[] = {"x-delivery-count", "x-acquired-count", "x-death",
                                             "x-first-death", "x-last-death"};

struct reader {
    const unsigned char *at, *end;
    bool failed;
};

struct part {
    const unsigned char *bytes;
    size_t length;
};

static struct part take(struct reader *reader, size_t length)
{
    struct part part = {reader->at, length};

    if ((size_t)(reader->end - reader->at) < length) {
        reader->failed = true;
        return (struct part){reader->at, 0};
    }
    reader->at += length;
    return part;
}

/* A number of up to 8 bytes; with a sign, that of a negative one is carried on. */
static uint64_t number_of(struct part part, bool is_signed)
{
    uint64_t number = is_signed && part.length && part.bytes[0] & 0x80 ? UINT64_MAX : 0;

    for (size_t i = 0; i < part.length; i++)
        number = number << 8 | part.bytes[i];
    return number;
}

/* What follows its own length, which is a number of so many bytes. */
static struct part take_counted(struct reader *reader, size_t length_bytes)
{
    return take(reader, (size_t)number_of(take(reader, length_bytes), false));
}

/* ---- headers ---- */

/* What follows the letter that says of which kind a header's value is. */
static const struct kind {
    char letter;
    enum { SIGNED, UNSIGNED, SKIPPED, COUNTED, SKIPPED_COUNTED } what;
    unsigned char bytes; /* of the value, or of its length where that is COUNTED */
} kinds[] = {
    {'S', COUNTED, 4},  {'x', COUNTED, 4},  {'F', SKIPPED_COUNTED, 4}, {'A', SKIPPED_COUNTED, 4},
    {'t', UNSIGNED, 1}, {'b', SIGNED, 1},   {'B', UNSIGNED, 1},        {'s', SIGNED, 2},
    {'u', UNSIGNED, 2}, {'I', SIGNED, 4},   {'i', UNSIGNED, 4},        {'l', SIGNED, 8},
    {'L', UNSIGNED, 8}, {'T', UNSIGNED, 8}, {'f', SKIPPED, 4},         {'d', SKIPPED, 8},
    {'D', SKIPPED, 5},  {'V', SKIPPED, 0},
};

static const struct kind *take_kind(struct reader *reader)
{
    struct part letter = take(reader, 1);

    for (size_t i = 0; letter.length && i < sizeof kinds / sizeof kinds[0]; i++)
        if (kinds[i].letter == (char)letter.bytes[0])
            return &kinds[i];
    reader->failed = true;
    return NULL;
}

/* The hash of a header's value, as far as that stays the same. */
static uint64_t hash_value(struct reader *reader, uint64_t seed)
{
    const struct kind *kind = take_kind(reader);

    if (!kind)
        return seed;
    if (kind->what == COUNTED || kind->what == SKIPPED_COUNTED) {
        struct part text = take_counted(reader, kind->bytes);
        return kind->what == COUNTED ? XXH3_64bits_withSeed(text.bytes, text.length, seed) : seed;
    }
    struct part value = take(reader, kind->bytes);
    if (kind->what == SKIPPED)
        return seed;
    uint64_t number = number_of(value, kind->what == SIGNED);
    return XXH3_64bits_withSeed(&number, sizeof number, seed);
}

static bool is_broker_header(struct part name)
{
    for (size_t i = 0; i < sizeof broker_headers / sizeof broker_headers[0]; i++) {
        size_t length = strlen(broker_headers[i]);
        if (name.length >= length && memcmp(name.bytes, broker_headers[i], length) == 0)
            return true;
    }
    return false;
}

/* A sum, which does not depend on the order. */
static uint64_t hash_headers(struct reader *reader)
{
    struct part table = take_counted(reader, 4);
    struct reader headers = {table.bytes, table.bytes + table.length, false};
    uint64_t sum = 0;

    while (headers.at < headers.end && !headers.failed) {
        struct part name = take_counted(&headers, 1);
        uint64_t hash = hash_value(&headers, XXH3_64bits(name.bytes, name.length));
        if (!is_broker_header(name))
            sum += hash;
    }
    reader->failed |= headers.failed;
    return sum;
}

/* ---- all of it ---- */

/* Each part continues the hash of those before it. */
static void add(XXH128_hash_t *hash, const void *bytes, size_t length, uint64_t what)
{
    XXH128_hash_t next = XXH3_128bits_withSeed(bytes, length, hash->low64 + what);

    hash->low64 = next.low64;
    hash->high64 = (hash->high64 << 1 | hash->high64 >> 63) ^ next.high64;
}

static void add_property(XXH128_hash_t *hash, struct reader *reader, size_t property)
{
    int kind = properties_in_order[property];

    if (kind == HEADERS) {
        uint64_t sum = hash_headers(reader);
        if (sum)
            add(hash, &sum, sizeof sum, property);
        return;
    }
    struct part value = kind == TEXT ? take_counted(reader, 1) : take(reader, (size_t)kind);
    add(hash, value.bytes, value.length, property);
}

/* False when they cannot be read. */
static bool add_properties(XXH128_hash_t *hash, const void *bytes, size_t length)
{
    struct reader reader = {bytes, (const unsigned char *)bytes + length, false};
    unsigned flags = (unsigned)number_of(take(&reader, 2), false);

    for (unsigned more = flags; more & MORE_FLAGS && !reader.failed;)
        more = (unsigned)number_of(take(&reader, 2), false);
    for (size_t i = 0; i < PROPERTIES && !reader.failed; i++)
        if (flags & FIRST_FLAG >> i)
            add_property(hash, &reader, i);
    return !reader.failed;
}

struct scoreboard_fingerprint fingerprint_of(const void *properties, size_t properties_length,
                                             const void *body, size_t body_length)
{
    XXH128_hash_t hash = {0};

    if (!add_properties(&hash, properties, properties_length)) {
        hash = (XXH128_hash_t){0};
        add(&hash, properties, properties_length, PROPERTIES);
    }
    add(&hash, body, body_length, PROPERTIES + 1);
    return (struct scoreboard_fingerprint){hash.high64, hash.low64 | 1};
}
