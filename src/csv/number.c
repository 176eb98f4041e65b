#include "number.h"

#include "error.h"

#include <locale.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

/* The C locale is part of the C library: asking for it allocates nothing and cannot fail. */
static locale_t c_locale(void)
{
    return newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

static const char *skip_digits(const char *text)
{
    while (*text >= '0' && *text <= '9')
        text++;
    return text;
}

/* Whether the text is what number_parse accepts: strtod takes much else. */
static bool is_number(const char *text)
{
    const char *end;

    if (*text == '-' || *text == '+')
        text++;
    if ((end = skip_digits(text)) == text)
        return false;
    text = end;
    if (*text == '.') {
        text++;
        if ((end = skip_digits(text)) == text)
            return false;
        text = end;
    }
    if (*text == 'e' || *text == 'E') {
        text++;
        if (*text == '-' || *text == '+')
            text++;
        if ((end = skip_digits(text)) == text)
            return false;
        text = end;
    }
    return *text == '\0';
}

int number_parse(const char *text, double *number)
{
    double value = is_number(text) ? strtod_l(text, NULL, c_locale()) : NAN;

    if (!isfinite(value))
        return -ERR_INVALID;
    *number = value;
    return 0;
}

size_t number_format(double number, char text[NUMBER_TEXT_SIZE])
{
    text[0] = '\0';
    if (!isfinite(number))
        return 0;
    locale_t before = uselocale(c_locale());
    int length = snprintf(text, NUMBER_TEXT_SIZE, "%.17g", number);
    uselocale(before);
    return (size_t)length;
}
