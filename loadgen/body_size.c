#include "body_size.h"

#include "random.h"
#include "units.h"

#include <stdbool.h>
#include <string.h>

static bool parse_range(const char *text, struct body_size *size)
{
    const char *dots = strstr(text, "..");
    size_t length = dots ? (size_t)(dots - text) : strlen(text);
    char from[64];

    if (length >= sizeof from)
        return false;
    memcpy(from, text, length);
    from[length] = '\0';
    return units_parse_size(from, &size->from_bytes) == 0 &&
           units_parse_size(dots ? dots + 2 : from, &size->to_bytes) == 0 &&
           size->from_bytes >= 1 && size->from_bytes <= size->to_bytes;
}

int body_size_parse(const char *text, struct body_size *out, struct why *why)
{
    struct body_size size = {.kind = BODY_SIZE_UNIFORM};
    bool good;

    if (strncmp(text, "exp:", 4) == 0) {
        size.kind = BODY_SIZE_EXPONENTIAL;
        good = units_parse_size(text + 4, &size.mean_bytes) == 0 && size.mean_bytes >= 1;
    } else {
        good = parse_range(text, &size);
    }
    if (!good)
        return error_set(why, ERR_INVALID, "'%s' is not a size, expected " BODY_SIZE_FORM, text);
    if (size.mean_bytes > BODY_SIZE_MAX_MEAN_BYTES)
        return error_set(why, ERR_INVALID, "'%s' is too large, expected a mean of at most %zu",
                         text, BODY_SIZE_MAX_MEAN_BYTES);
    if (size.to_bytes > BODY_SIZE_MAX_BYTES)
        return error_set(why, ERR_INVALID, "'%s' is too large, expected at most %zu", text,
                         BODY_SIZE_MAX_BYTES);
    *out = size;
    return 0;
}

size_t body_size_draw(const struct body_size *size, uint64_t *random)
{
    if (size->kind == BODY_SIZE_EXPONENTIAL)
        return 1 + (size_t)((double)(size->mean_bytes - 1) * random_exponential(random) + 0.5);
    return size->from_bytes +
           (size_t)(random_uniform(random) * (double)(size->to_bytes - size->from_bytes + 1));
}

size_t body_size_limit(const struct body_size *size)
{
    /* An exponential number is made of a uniform one of 53 bits, and so is below 40 times its
     * mean. */
    return size->kind == BODY_SIZE_EXPONENTIAL ? 40 * size->mean_bytes : size->to_bytes;
}
