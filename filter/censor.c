#include "censor.h"

#include "buffer.h"
#include "error.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unictype.h>
#include <unigbrk.h>
#include <unistr.h>

/* A short piece is copied as a block of this size, whatever its length: that costs one instruction
 * or two instead of a call. reserve() makes the place behind the text that this needs. */
#define BLOCK 32

void censor_result_init(struct censor_result *result)
{
    *result = (struct censor_result){0};
}

void censor_result_clear(struct censor_result *result)
{
    free(result->text);
    free(result->starts);
    censor_result_init(result);
}

/* Makes place for so many bytes, a NUL, and a block behind them. What was there is not kept. */
static int reserve(struct censor_result *result, size_t needed)
{
    size_t capacity = needed + 1 + BLOCK;

    if (capacity <= result->capacity)
        return 0;
    free(result->text);
    capacity += capacity / 4;
    result->text = malloc(capacity);
    result->capacity = result->text ? capacity : 0;
    return result->text ? 0 : -ERR_MEMORY;
}

/* Copies length bytes, of which `readable` bytes or more may be read. Up to a block may be written.
 * Returns where the next piece goes. */
static inline char *copy(char *to, const char *from, size_t length, size_t readable)
{
    if (length <= BLOCK && readable >= BLOCK)
        memcpy(to, from, BLOCK);
    else if (length > 0)
        memcpy(to, from, length);
    return to + length;
}

static bool is_ascii(const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (bytes[i] >= 0x80)
            return false;
    return true;
}

/* Sets starts[i] where a character as a person counts them starts; starts has length elements. */
static void find_characters(const char *text, size_t length, char *starts)
{
    const uint8_t *bytes = (const uint8_t *)text;

    if (!is_ascii(bytes, length)) {
        u8_grapheme_breaks(bytes, length, starts);
        return;
    }
    /* The only two ASCII characters that are one together are those of a line end. */
    for (size_t i = 0; i < length; i++)
        starts[i] = i == 0 || bytes[i - 1] != '\r' || bytes[i] != '\n';
}

static bool is_white_space(const uint8_t *at, const uint8_t *end)
{
    ucs4_t character;

    u8_mbtouc(&character, at, (size_t)(end - at));
    return uc_is_property_white_space(character);
}

static bool is_more_than_one(const char *text, size_t length)
{
    char starts[CENSOR_CHARACTER_MAX_BYTES];

    find_characters(text, length, starts);
    return memchr(starts + 1, 1, length - 1) != NULL;
}

int censor_check(const struct censor_mask *mask)
{
    const uint8_t *character = (const uint8_t *)mask->character;

    if (!character)
        return u8_check((const uint8_t *)mask->text, strlen(mask->text)) ? -ERR_INVALID : 0;
    size_t length = strlen(mask->character);
    if (length == 0 || length > CENSOR_CHARACTER_MAX_BYTES || u8_check(character, length) ||
        is_more_than_one(mask->character, length))
        return -ERR_INVALID;
    return 0;
}

/* Masks one match character by character. `starts` has as many elements as the match has bytes.
 * With `to` NULL nothing is written. Returns how many bytes the masked match has. */
static size_t mask_characters(const struct censor_mask *mask, size_t mask_length, const char *text,
                              size_t length, char *starts, char *to)
{
    const uint8_t *bytes = (const uint8_t *)text;
    size_t written = 0;

    find_characters(text, length, starts);
    for (size_t at = 0, next; at < length; at = next) {
        for (next = at + 1; next < length && !starts[next];)
            next++;
        bool as_it_is = (mask->keep_first && at == 0) || is_white_space(bytes + at, bytes + length);
        size_t size = as_it_is ? next - at : mask_length;
        if (to)
            memcpy(to + written, as_it_is ? text + at : mask->character, size);
        written += size;
    }
    return written;
}

/* Makes result->starts long enough for the longest span. */
static int reserve_starts(const struct matcher_span *spans, size_t count,
                          struct censor_result *result)
{
    size_t longest = 0;

    for (size_t i = 0; i < count; i++)
        longest = spans[i].length > longest ? spans[i].length : longest;
    return buffer_reserve(&result->starts, &result->starts_capacity, longest) ? 0 : -ERR_MEMORY;
}

/* How many bytes the text has with each match masked. result->starts is long enough. */
static size_t measure(const struct censor_mask *mask, size_t mask_length, const char *text,
                      size_t length, const struct matcher_span *spans, size_t count,
                      struct censor_result *result)
{
    size_t needed = length;

    for (size_t i = 0; i < count; i++) {
        size_t masked = mask->character ? mask_characters(mask, mask_length, text + spans[i].start,
                                                          spans[i].length, result->starts, NULL)
                                        : mask_length;
        needed += masked - spans[i].length;
    }
    return needed;
}

int censor_apply(const struct censor_mask *mask, const char *text, size_t length,
                 const struct matcher_span *spans, size_t count, struct censor_result *result)
{
    size_t mask_length = strlen(mask->character ? mask->character : mask->text);
    size_t done = 0; /* so much of the text is in the result, as it was or masked */
    char block[BLOCK] = {0};

    result->length = 0;
    if (mask->character && reserve_starts(spans, count, result))
        return -ERR_MEMORY;
    if (reserve(result, measure(mask, mask_length, text, length, spans, count, result)))
        return -ERR_MEMORY;
    if (!mask->character && mask_length <= BLOCK)
        memcpy(block, mask->text, mask_length);

    char *to = result->text;
    for (size_t i = 0; i < count; i++) {
        const struct matcher_span *span = &spans[i];
        to = copy(to, text + done, span->start - done, length - done);
        if (mask->character)
            to += mask_characters(mask, mask_length, text + span->start, span->length,
                                  result->starts, to);
        else if (mask_length <= BLOCK)
            to = copy(to, block, mask_length, BLOCK);
        else
            to = copy(to, mask->text, mask_length, mask_length);
        done = span->start + span->length;
    }
    to = copy(to, text ? text + done : "", length - done, length - done);
    *to = '\0';
    result->length = (size_t)(to - result->text);
    return 0;
}
