#include "units.h"

#include "error.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct unit {
    const char *name;
    uint64_t scale;
};

/* Descending: units_format_duration takes the first that divides a duration. */
static const struct unit durations[] = {
    {"h", UINT64_C(3600000000000)}, {"m", UINT64_C(60000000000)}, {"s", UINT64_C(1000000000)},
    {"ms", UINT64_C(1000000)},      {"us", UINT64_C(1000)},       {"ns", UINT64_C(1)},
};
static const struct unit counts[] = {{"", 1}, {"k", 1000}, {"M", 1000000}};
static const struct unit sizes[] = {
    {"", 1}, {"KiB", UINT64_C(1) << 10}, {"MiB", UINT64_C(1) << 20}, {"GiB", UINT64_C(1) << 30}};

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])

/* A text taken apart: digits[.digits]suffix. */
struct decimal {
    const char *whole;
    size_t whole_length;
    const char *fraction;
    size_t fraction_length;
    const char *suffix;
};

/* Not isdigit or strspn over a class: what a digit is must not depend on the locale. */
static size_t digits(const char *text)
{
    size_t length = 0;

    while (text[length] >= '0' && text[length] <= '9')
        length++;
    return length;
}

static bool decimal_split(const char *text, struct decimal *decimal)
{
    *decimal = (struct decimal){.whole = text, .whole_length = digits(text)};
    decimal->suffix = text + decimal->whole_length;
    if (decimal->whole_length == 0)
        return false;
    if (*decimal->suffix != '.')
        return true;
    decimal->fraction = decimal->suffix + 1;
    decimal->fraction_length = digits(decimal->fraction);
    decimal->suffix = decimal->fraction + decimal->fraction_length;
    return decimal->fraction_length > 0;
}

static const struct unit *unit_find(const struct unit *units, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(units[i].name, name) == 0)
            return &units[i];
    return NULL;
}

/* Sets *value to decimal * scale. False when that is no whole number or more than 64 bits hold. */
static bool decimal_scale(const struct decimal *decimal, uint64_t scale, uint64_t *value)
{
    uint64_t whole = 0;
    uint64_t numerator = 0;
    uint64_t denominator = 1;
    size_t fraction_length = decimal->fraction_length;

    for (size_t i = 0; i < decimal->whole_length; i++)
        if (__builtin_mul_overflow(whole, 10, &whole) ||
            __builtin_add_overflow(whole, (uint64_t)(decimal->whole[i] - '0'), &whole))
            return false;

    while (fraction_length > 0 && decimal->fraction[fraction_length - 1] == '0')
        fraction_length--;
    /* No unit has so many factors of two or five that more decimals could make a whole number. */
    if (fraction_length > 18)
        return false;
    for (size_t i = 0; i < fraction_length; i++) {
        numerator = numerator * 10 + (uint64_t)(decimal->fraction[i] - '0');
        denominator *= 10;
    }

    unsigned __int128 part = (unsigned __int128)numerator * scale;
    if (part % denominator != 0)
        return false;
    if (__builtin_mul_overflow(whole, scale, &whole) ||
        __builtin_add_overflow(whole, (uint64_t)(part / denominator), &whole))
        return false;
    *value = whole;
    return true;
}

int units_parse_duration(const char *text, int64_t *ns)
{
    struct decimal decimal;
    uint64_t value;

    if (strcmp(text, "0") == 0) {
        *ns = 0;
        return 0;
    }
    if (!decimal_split(text, &decimal))
        return -ERR_INVALID;
    const struct unit *unit = unit_find(durations, LENGTH(durations), decimal.suffix);
    if (!unit || !decimal_scale(&decimal, unit->scale, &value) || value > INT64_MAX)
        return -ERR_INVALID;
    *ns = (int64_t)value;
    return 0;
}

int units_parse_count(const char *text, uint64_t *count)
{
    struct decimal decimal;

    if (!decimal_split(text, &decimal))
        return -ERR_INVALID;
    const struct unit *unit = unit_find(counts, LENGTH(counts), decimal.suffix);
    if (!unit || (decimal.fraction && unit->scale == 1))
        return -ERR_INVALID;
    return decimal_scale(&decimal, unit->scale, count) ? 0 : -ERR_INVALID;
}

int units_parse_rate(const char *text, double *per_s)
{
    struct decimal decimal;
    char plain[1024];

    if (!decimal_split(text, &decimal))
        return -ERR_INVALID;
    const struct unit *unit = unit_find(counts, LENGTH(counts), decimal.suffix);
    size_t length = decimal.whole_length + decimal.fraction_length;
    if (!unit || length >= sizeof plain - sizeof "e-1234")
        return -ERR_INVALID;

    /* strtod rounds correctly but expects the locale's decimal point. So it gets none: 1.5k is
     * given to it as 15e2. */
    memcpy(plain, decimal.whole, decimal.whole_length);
    if (decimal.fraction)
        memcpy(plain + decimal.whole_length, decimal.fraction, decimal.fraction_length);
    int exponent = (unit->scale == 1 ? 0 : unit->scale == 1000 ? 3 : 6);
    exponent -= (int)decimal.fraction_length;
    plain[length++] = 'e';
    plain[length++] = exponent < 0 ? '-' : '+';
    exponent = abs(exponent);
    for (int power = 1000; power > 0; power /= 10)
        plain[length++] = (char)('0' + exponent / power % 10);
    plain[length] = '\0';

    double value = strtod(plain, NULL);
    if (!isfinite(value))
        return -ERR_INVALID;
    *per_s = value;
    return 0;
}

int units_parse_size(const char *text, size_t *bytes)
{
    struct decimal decimal;
    uint64_t value;

    if (!decimal_split(text, &decimal) || decimal.fraction)
        return -ERR_INVALID;
    const struct unit *unit = unit_find(sizes, LENGTH(sizes), decimal.suffix);
    if (!unit || !decimal_scale(&decimal, unit->scale, &value) || value > SIZE_MAX)
        return -ERR_INVALID;
    *bytes = (size_t)value;
    return 0;
}

/* Each of the following takes something off the beginning of a text. False when it is not there. */

/* A number of exactly so many digits, from min to max. */
static bool take_digits(const char **text, int count, int64_t min, int64_t max, int64_t *value)
{
    *value = 0;
    for (; count > 0 && **text >= '0' && **text <= '9'; count--)
        *value = *value * 10 + *(*text)++ - '0';
    return count == 0 && *value >= min && *value <= max;
}

static bool take_char(const char **text, char c)
{
    return **text == c && *(*text)++ != '\0';
}

/* Days from 1970-01-01 in the Gregorian calendar. Years begin with March here, so that the leap day
 * is the last of one.
 * Source: Howard Hinnant: chrono-compatible low-level date algorithms. */
static int64_t days_from_civil(int64_t year, int64_t month, int64_t day)
{
    int64_t shifted = month > 2 ? year : year - 1;
    int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

    return 365 * shifted + shifted / 4 - shifted / 100 + shifted / 400 + day_of_year - 719468;
}

static bool take_date(const char **text, int64_t *days)
{
    static const int lengths[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t year, month, day;

    if (!take_digits(text, 4, 1700, 2200, &year) || !take_char(text, '-') ||
        !take_digits(text, 2, 1, 12, &month) || !take_char(text, '-') ||
        !take_digits(text, 2, 1, lengths[month - 1], &day) ||
        (month == 2 && day == 29 && (year % 4 != 0 || (year % 100 == 0 && year % 400 != 0))))
        return false;
    *days = days_from_civil(year, month, day);
    return true;
}

static bool take_time(const char **text, int64_t *ns)
{
    int64_t hours, minutes, seconds = 0, fraction = 0;

    if (!take_digits(text, 2, 0, 23, &hours) || !take_char(text, ':') ||
        !take_digits(text, 2, 0, 59, &minutes))
        return false;
    if (take_char(text, ':')) {
        if (!take_digits(text, 2, 0, 59, &seconds))
            return false;
        if (take_char(text, '.')) {
            size_t length = digits(*text);
            if (length == 0)
                return false;
            for (size_t i = 0; i < 9; i++)
                fraction = fraction * 10 + (i < length ? (*text)[i] - '0' : 0);
            *text += length;
        }
    }
    *ns = ((hours * 60 + minutes) * 60 + seconds) * 1000000000 + fraction;
    return true;
}

static bool take_offset(const char **text, int64_t *ns)
{
    int64_t hours, minutes;
    int64_t sign = take_char(text, '-') ? -1 : 1;

    *ns = 0;
    if (sign > 0 && !take_char(text, '+')) {
        (void)take_char(text, 'Z');
        return true;
    }
    if (!take_digits(text, 2, 0, 23, &hours) || !take_char(text, ':') ||
        !take_digits(text, 2, 0, 59, &minutes))
        return false;
    *ns = sign * (hours * 60 + minutes) * 60 * 1000000000;
    return true;
}

int units_parse_timestamp(const char *text, int64_t *ns)
{
    int64_t days, time_ns, offset_ns;

    if (!take_date(&text, &days) || !(take_char(&text, ' ') || take_char(&text, 'T')) ||
        !take_time(&text, &time_ns) || !take_offset(&text, &offset_ns) || *text != '\0')
        return -ERR_INVALID;
    *ns = days * INT64_C(86400000000000) + time_ns - offset_ns;
    return 0;
}

void units_format_duration(int64_t ns, char text[UNITS_TEXT_SIZE])
{
    char reversed[UNITS_TEXT_SIZE];
    uint64_t value = ns < 0 ? -(uint64_t)ns : (uint64_t)ns;
    const char *unit = "";
    size_t length = 0;
    size_t out = 0;

    for (size_t i = 0; value != 0 && i < LENGTH(durations); i++)
        if (value % durations[i].scale == 0) {
            value /= durations[i].scale;
            unit = durations[i].name;
            break;
        }

    do {
        reversed[length++] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    if (ns < 0)
        text[out++] = '-';
    while (length > 0)
        text[out++] = reversed[--length];
    memcpy(text + out, unit, strlen(unit) + 1);
}
