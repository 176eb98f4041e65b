#include "event_id.h"

/* As many digits as are needed, and at least `digits`, which is 1 or more. */
static char *put_hex(char *at, uint64_t value, int digits)
{
    while (digits < 16 && value >> 4 * digits)
        digits++;
    for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4)
        *at++ = "0123456789abcdef"[value >> shift & 15];
    return at;
}

size_t event_id_format(uint64_t run, const struct event_id *id, char text[EVENT_ID_SIZE])
{
    char *at = put_hex(text, run, 16);

    *at++ = '.';
    at = put_hex(at, id->sequence, 1);
    *at++ = '.';
    at = put_hex(at, (uint64_t)id->intended_ns, 1);
    *at = '\0';
    return (size_t)(at - text);
}

/* Takes only what put_hex writes, so that a number has one text. */
static bool take_hex(const char **at, const char *end, int digits, uint64_t *value)
{
    const char *start = *at;
    uint64_t taken = 0;

    for (; *at < end && **at != '.'; (*at)++) {
        char c = **at;
        if (*at - start == 16)
            return false;
        if (c >= '0' && c <= '9')
            taken = taken << 4 | (uint64_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            taken = taken << 4 | (uint64_t)(c - 'a' + 10);
        else
            return false;
    }
    if (*at - start < digits || (*at - start > digits && *start == '0'))
        return false;
    *value = taken;
    return true;
}

static bool take_dot(const char **at, const char *end)
{
    return *at < end && *(*at)++ == '.';
}

bool event_id_parse(uint64_t run, struct broker_bytes text, struct event_id *id)
{
    const char *at = text.bytes, *end = text.bytes + text.length;
    uint64_t of_run, sequence, intended;

    if (!text.length || !take_hex(&at, end, 16, &of_run) || of_run != run || !take_dot(&at, end) ||
        !take_hex(&at, end, 1, &sequence) || !take_dot(&at, end) ||
        !take_hex(&at, end, 1, &intended) || at != end || intended > INT64_MAX)
        return false;
    *id = (struct event_id){sequence, (int64_t)intended};
    return true;
}
