#include "censor.h"

#include "buffer.h"
#include "error.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unictype.h>
#include <unigbrk.h>
#include <unistr.h>

/* Short pieces are copied as one block of this size, whatever their length: the room behind them is there. */
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

/* Room for so many bytes, a NUL, and a block behind them. What was there is not kept. */
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

/* Copies length bytes; readable says how many may be read. The room behind what is written is there. */
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
    /* Nothing joins two ASCII characters but a line end. */
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

/* One match, character by character. starts has room for its length. With to NULL nothing is written. Returns how
 * many bytes it is. */
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

/* Room for the starts of the characters of the longest span. */
static int reserve_starts(const struct matcher_span *spans, size_t count,
                          struct censor_result *result)
{
    size_t longest = 0;

    for (size_t i = 0; i < count; i++)
        longest = spans[i].length > longest ? spans[i].length : longest;
    return buffer_reserve(&result->starts, &result->starts_capacity, longest) ? 0 : -ERR_MEMORY;
}

int censor_apply(const struct censor_mask *mask, const char *text, size_t length,
                 const struct matcher_span *spans, size_t count, struct censor_result *result)
{
    size_t mask_length = strlen(mask->character ? mask->character : mask->text);
    size_t needed = length, kept = 0;
    char block[BLOCK] = {0};

    result->length = 0;
    if (mask->character && reserve_starts(spans, count, result))
        return -ERR_MEMORY;
    for (size_t i = 0; i < count; i++) {
        size_t masked = mask->character ? mask_characters(mask, mask_length, text + spans[i].start,
                                                          spans[i].length, result->starts, NULL)
                                        : mask_length;
        needed += masked - spans[i].length;
    }
    if (reserve(result, needed))
        return -ERR_MEMORY;
    if (!mask->character && mask_length <= BLOCK)
        memcpy(block, mask->text, mask_length);

    char *to = result->text;
    for (size_t i = 0; i < count; i++) {
        const struct matcher_span *span = &spans[i];
        to = copy(to, text + kept, span->start - kept, length - kept);
        if (mask->character)
            to += mask_characters(mask, mask_length, text + span->start, span->length,
                                  result->starts, to);
        else if (mask_length <= BLOCK)
            to = copy(to, block, mask_length, BLOCK);
        else
            to = copy(to, mask->text, mask_length, mask_length);
        kept = span->start + span->length;
    }
    to = copy(to, text ? text + kept : "", length - kept, length - kept);
    *to = '\0';
    result->length = (size_t)(to - result->text);
    return 0;
}
