#include "event_type.h"

#include <string.h>
#include <strings.h>

/* What Winnow reads: UTF-8 and its part. */
static const char *const charsets[] = {"utf-8", "utf8", "us-ascii", "ascii", NULL};
static const char *const encodings[] = {"identity", "utf-8", "utf8", NULL};

static bool is(struct broker_bytes text, const char *word)
{
    return text.length == strlen(word) && strncasecmp(text.bytes, word, text.length) == 0;
}

static bool is_one_of(struct broker_bytes text, const char *const *words)
{
    for (; *words; words++)
        if (is(text, *words))
            return true;
    return false;
}

static bool contains(struct broker_bytes text, const char *word)
{
    for (size_t length = strlen(word); text.length >= length; text.bytes++, text.length--)
        if (strncasecmp(text.bytes, word, length) == 0)
            return true;
    return false;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

static struct broker_bytes trim(struct broker_bytes text)
{
    for (; text.length && is_space(text.bytes[0]); text.bytes++)
        text.length--;
    while (text.length && is_space(text.bytes[text.length - 1]))
        text.length--;
    return text;
}

/* From an opening quote to behind the closing one; 0: there is none. */
static size_t quoted_length(struct broker_bytes text)
{
    for (size_t i = 1; i < text.length; i++) {
        if (text.bytes[i] == '"')
            return i + 1;
        if (text.bytes[i] == '\\')
            i++;
    }
    return 0;
}

/* Takes the part up to the next semicolon that is not within quotes off the rest. False: a quote is
 * not closed. */
static bool next_part(struct broker_bytes *rest, struct broker_bytes *part)
{
    size_t length = 0;

    while (length < rest->length && rest->bytes[length] != ';') {
        size_t step = 1;
        if (rest->bytes[length] == '"')
            step =
                quoted_length((struct broker_bytes){rest->bytes + length, rest->length - length});
        if (!step)
            return false;
        length += step;
    }
    *part = trim((struct broker_bytes){rest->bytes, length});
    length += length < rest->length;
    *rest = (struct broker_bytes){rest->bytes + length, rest->length - length};
    return true;
}

/* The value of a parameter, without its quotes and the comment that may follow it. */
static struct broker_bytes value_of(struct broker_bytes text)
{
    size_t length = 0;

    text = trim(text);
    if (text.length && text.bytes[0] == '"') {
        length = quoted_length(text);
        if (length == text.length || is_space(text.bytes[length]) || text.bytes[length] == '(')
            return (struct broker_bytes){text.bytes + 1, length - 2};
        return text;
    }
    while (length < text.length && text.bytes[length] != '(')
        length++;
    return trim((struct broker_bytes){text.bytes, length});
}

/* Whether a part of a content type leaves the text in a charset that is read. Whatever speaks of a
 * charset must do so as a parameter does: `charset utf-16` is none, nor is `charset*0=utf-16`. */
static bool is_readable(struct broker_bytes part)
{
    const char *equals = part.length ? memchr(part.bytes, '=', part.length) : NULL;
    size_t length = equals ? (size_t)(equals - part.bytes) : part.length;
    struct broker_bytes name = trim((struct broker_bytes){part.bytes, length});

    if (!contains(name, "charset"))
        return true;
    return equals && is(name, "charset") &&
           is_one_of(value_of((struct broker_bytes){equals + 1, part.length - length - 1}),
                     charsets);
}

static bool is_json(struct broker_bytes type)
{
    const size_t length = strlen("+json");

    return is(type, "application/json") ||
           (type.length >= length &&
            is((struct broker_bytes){type.bytes + type.length - length, length}, "+json"));
}

static int refuse(struct broker_bytes type, struct why *why)
{
    return error_set(why, ERR_INVALID,
                     "content_type '%.*s': not a charset that Winnow reads; expected utf-8 or "
                     "us-ascii",
                     (int)type.length, type.bytes);
}

int event_type_read(struct broker_bytes content_type, struct broker_bytes content_encoding,
                    bool *json, struct why *why)
{
    struct broker_bytes rest = content_type, part;

    if (content_encoding.length && !is_one_of(content_encoding, encodings))
        return error_set(why, ERR_INVALID, "content_encoding '%.*s'; expected utf-8 or none",
                         (int)content_encoding.length, content_encoding.bytes);
    *json = false;
    for (bool first = true; rest.length; first = false) {
        if (!next_part(&rest, &part) || !is_readable(part))
            return refuse(content_type, why);
        if (first)
            *json = is_json(part);
    }
    return 0;
}
