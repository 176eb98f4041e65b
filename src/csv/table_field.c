#include "table_field.h"

#include "number.h"

#include <math.h>
#include <stdio.h>

int table_field_error(const char *path, size_t line, const char *name, struct why *why,
                      const char *format, va_list args)
{
    struct why what;

    vsnprintf(what.text, sizeof what.text, format, args);
    return error_set(why, ERR_CONFIG, "%s:%zu: column '%s': %s", path, line, name, what.text);
}

int table_field_number(const char *path, size_t line, const char *name, const char *text,
                       double *number, struct why *why)
{
    if (*text == '\0') {
        *number = NAN;
        return 0;
    }
    if (number_parse(text, number) == 0)
        return 0;
    return error_set(why, ERR_CONFIG,
                     "%s:%zu: column '%s': '%.40s' is not a number, expected " NUMBER_FORM, path,
                     line, name, text);
}

int table_field_find(const char *path, size_t line, int found, const char *name, int *column,
                     struct why *why)
{
    *column = found;
    if (found < 0)
        return error_set(why, ERR_CONFIG, "%s:%zu: no column '%s', expected one of that name", path,
                         line, name);
    return 0;
}
