#include "amounts.h"

#include "printable.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *unknown(char text[AMOUNTS_SIZE])
{
    memcpy(text, "?", 2);
    return text;
}

const char *amounts_number(double value, char text[AMOUNTS_SIZE])
{
    if (isnan(value))
        return unknown(text);
    /* What would be rounded to 10.0 has no fraction either. */
    bool fraction = fabs(value) < 9.95 && fabs(value - round(value)) >= 0.05;
    snprintf(text, AMOUNTS_SIZE, fabs(value) >= 1e15 ? "%.3g" : fraction ? "%.1f" : "%.0f", value);
    return text;
}

/* As the number is shown: what is rounded to 1 is one. */
static const char *count_things(double count, const char *thing, char text[AMOUNTS_SIZE])
{
    char number[AMOUNTS_SIZE];

    amounts_number(count, number);
    snprintf(text, AMOUNTS_SIZE, "%.20s %s%s", number, thing, strcmp(number, "1") == 0 ? "" : "s");
    return text;
}

const char *amounts_workers(double count, char text[AMOUNTS_SIZE])
{
    return count_things(count, "worker", text);
}

const char *amounts_events(double count, char text[AMOUNTS_SIZE])
{
    return count_things(count, "event", text);
}

const char *amounts_span(double seconds, char text[AMOUNTS_SIZE])
{
    if (isnan(seconds))
        return unknown(text);
    if (seconds < 9.95)
        snprintf(text, AMOUNTS_SIZE, "%.1f s", fmax(seconds, 0));
    else if (seconds < 120)
        snprintf(text, AMOUNTS_SIZE, "%.0f s", floor(seconds));
    else if (seconds < 2 * 3600)
        snprintf(text, AMOUNTS_SIZE, "%.0f min", floor(seconds / 60));
    else if (seconds < 48 * 3600)
        snprintf(text, AMOUNTS_SIZE, "%.0f h %.0f min", floor(seconds / 3600),
                 floor(fmod(seconds, 3600) / 60));
    else
        snprintf(text, AMOUNTS_SIZE, "%.0f days", fmin(floor(seconds / 86400), 1e9));
    return text;
}

const char *amounts_percent(double share, char text[AMOUNTS_SIZE])
{
    if (isnan(share))
        return unknown(text);
    snprintf(text, AMOUNTS_SIZE, "%.0f%%", 100 * fmin(fmax(share, 0), 1));
    return text;
}

const char *amounts_shown(const char *from, char text[AMOUNTS_SHOWN_SIZE])
{
    printable_write(from, strlen(from), false, text, AMOUNTS_SHOWN_SIZE);
    return text;
}
