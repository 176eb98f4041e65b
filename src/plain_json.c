#include "plain_json.h"

#include "buffer.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <unistr.h>

#define BASE64_PIECE ((size_t)3 << 18) /* whole groups of three */

/* Room for so many more bytes; NULL when there is no memory. */
static char *reserve(struct plain_json *text, size_t more)
{
    size_t needed = text->length + more;

    if (needed > text->capacity && needed < 2 * text->capacity)
        needed = 2 * text->capacity;
    if (!text->failed && !buffer_reserve(&text->bytes, &text->capacity, needed))
        text->failed = true;
    return text->failed ? NULL : text->bytes + text->length;
}

void plain_json_add(struct plain_json *text, const char *bytes, size_t length)
{
    char *to = length ? reserve(text, length) : NULL;

    if (!to)
        return;
    memcpy(to, bytes, length);
    text->length += length;
}

void plain_json_put(struct plain_json *text, const char *literal)
{
    plain_json_add(text, literal, strlen(literal));
}

void plain_json_add_int(struct plain_json *text, int64_t number)
{
    char digits[24];

    snprintf(digits, sizeof digits, "%" PRId64, number);
    plain_json_put(text, digits);
}

static void add_escaped(struct plain_json *text, unsigned char byte)
{
    char escape[8];

    switch (byte) {
    case '"':
    case '\\':
        snprintf(escape, sizeof escape, "\\%c", byte);
        break;
    case '\n':
        snprintf(escape, sizeof escape, "\\n");
        break;
    default:
        snprintf(escape, sizeof escape, "\\u%04x", byte);
    }
    plain_json_put(text, escape);
}

void plain_json_add_string(struct plain_json *text, const char *bytes, size_t length)
{
    size_t from = 0;

    plain_json_put(text, "\"");
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)bytes[i];
        if (byte >= 0x20 && byte != '"' && byte != '\\')
            continue;
        plain_json_add(text, bytes + from, i - from);
        add_escaped(text, byte);
        from = i + 1;
    }
    if (from < length)
        plain_json_add(text, bytes + from, length - from);
    plain_json_put(text, "\"");
}

void plain_json_add_base64(struct plain_json *text, const char *bytes, size_t length)
{
    plain_json_put(text, "\"");
    while (length) {
        size_t piece = length < BASE64_PIECE ? length : BASE64_PIECE;
        char *to = reserve(text, (piece + 2) / 3 * 4 + 1); /* it writes a NUL too */
        if (!to)
            return;
        text->length +=
            (size_t)EVP_EncodeBlock((unsigned char *)to, (const unsigned char *)bytes, (int)piece);
        bytes += piece;
        length -= piece;
    }
    plain_json_put(text, "\"");
}

void plain_json_add_bytes(struct plain_json *text, const char *bytes, size_t length)
{
    if (!length || !u8_check((const uint8_t *)bytes, length)) {
        plain_json_add_string(text, bytes, length);
        return;
    }
    plain_json_put(text, "{\"base64\":");
    plain_json_add_base64(text, bytes, length);
    plain_json_put(text, "}");
}
