#include "censor.h"

#include "error.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unictype.h>
#include <unigbrk.h>
#include <unistr.h>

/* Short pieces are copied as one block of this size, whatever their length: the room behind them is there. */
#define BLOCK 32

int censor_check(const struct censor_mask *mask)
{
    const uint8_t *character = (const uint8_t *)mask->character;

    if (!character)
        return u8_check((const uint8_t *)mask->text, strlen(mask->text)) ? -ERR_INVALID : 0;
    size_t length = strlen(mask->character);
    if (length == 0 || length > CENSOR_CHARACTER_MAX_BYTES || u8_check(character, length) ||
        u8_grapheme_next(character, character + length) != character + length)
        return -ERR_INVALID;
    return 0;
}

void censor_result_init(struct censor_result *result)
{
    *result = (struct censor_result){0};
}

void censor_result_clear(struct censor_result *result)
{
    free(result->text);
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

/* The end of the character at the beginning of a text that is not empty. */
static const uint8_t *character_end(const uint8_t *at, const uint8_t *end)
{
    /* Nothing joins two ASCII characters but a line end. */
    if (*at < 0x80 && *at != '\r' && (end - at == 1 || at[1] < 0x80))
        return at + 1;
    const uint8_t *next = u8_grapheme_next(at, end);
    return next && next > at ? next : at + 1;
}

static bool is_white_space(const uint8_t *at, const uint8_t *end)
{
    ucs4_t character;

    u8_mbtouc(&character, at, (size_t)(end - at));
    return uc_is_property_white_space(character);
}

/* One match, character by character. With to NULL nothing is written. Returns how many bytes it is. */
static size_t mask_characters(const struct censor_mask *mask, size_t mask_length, const char *text,
                              size_t length, char *to)
{
    const uint8_t *at = (const uint8_t *)text, *end = at + length;
    bool keep = mask->keep_first;
    size_t written = 0;

    while (at < end) {
        const uint8_t *next = character_end(at, end);
        bool as_it_is = keep || is_white_space(at, end);
        size_t size = as_it_is ? (size_t)(next - at) : mask_length;
        if (to)
            memcpy(to + written, as_it_is ? (const char *)at : mask->character, size);
        written += size;
        keep = false;
        at = next;
    }
    return written;
}

int censor_apply(const struct censor_mask *mask, const char *text, size_t length,
                 const struct matcher_span *spans, size_t count, struct censor_result *result)
{
    size_t mask_length = strlen(mask->character ? mask->character : mask->text);
    size_t needed = length, kept = 0;
    char block[BLOCK] = {0};

    for (size_t i = 0; i < count; i++) {
        size_t masked = mask->character ? mask_characters(mask, mask_length, text + spans[i].start,
                                                          spans[i].length, NULL)
                                        : mask_length;
        needed += masked - spans[i].length;
    }
    result->length = 0;
    if (reserve(result, needed))
        return -ERR_MEMORY;
    if (!mask->character && mask_length <= BLOCK)
        memcpy(block, mask->text, mask_length);

    char *to = result->text;
    for (size_t i = 0; i < count; i++) {
        const struct matcher_span *span = &spans[i];
        to = copy(to, text + kept, span->start - kept, length - kept);
        if (mask->character)
            to += mask_characters(mask, mask_length, text + span->start, span->length, to);
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
