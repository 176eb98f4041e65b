#include "error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

static const struct {
    const char *text;
    int exit_code;
} errors[] = {
    [0] = {"no error", EX_OK},
    [ERR_INVALID] = {"invalid value", EX_USAGE},
    [ERR_CONFIG] = {"configuration error", EX_CONFIG},
    [ERR_REFUSED] = {"permission refused", EX_NOPERM},
    [ERR_UNAVAILABLE] = {"broker unavailable", EX_UNAVAILABLE},
    [ERR_LOCKED] = {"held by another process", EX_TEMPFAIL},
    [ERR_MISSING] = {"no such entity", EX_CONFIG},
    [ERR_TIMEOUT] = {"timed out", EX_TEMPFAIL},
    [ERR_MEMORY] = {"out of memory", EX_OSERR},
    [ERR_SYSTEM] = {"system call failed", EX_OSERR},
};

static size_t error_index(int error)
{
    size_t index = (size_t)abs(error);

    return index < sizeof errors / sizeof errors[0] ? index : ERR_SYSTEM;
}

const char *error_text(int error)
{
    return errors[error_index(error)].text;
}

int error_exit_code(int error)
{
    return errors[error_index(error)].exit_code;
}

int(error_set)(struct why *why, enum error error, const char *format, ...)
{
    if (why) {
        va_list args;
        va_start(args, format);
        vsnprintf(why->text, sizeof why->text, format, args);
        va_end(args);
        why->about = ABOUT_NOTHING;
        why->name[0] = '\0';
    }
    return -(int)error;
}

void error_set_about(struct why *why, enum error_subject about, const char *name, size_t length)
{
    if (!why)
        return;
    bool whole = length && length < sizeof why->name && !memchr(name, '\0', length);
    why->about = about;
    if (whole)
        memcpy(why->name, name, length);
    why->name[whole ? length : 0] = '\0';
}

bool error_is_about(const struct why *why, enum error_subject about, const char *name)
{
    return why->about == about && strcmp(why->name, name) == 0;
}

void error_prefix(struct why *why, const char *format, ...)
{
    if (!why)
        return;

    struct why rest = *why;
    va_list args;
    va_start(args, format);
    int length = vsnprintf(why->text, sizeof why->text, format, args);
    va_end(args);
    if (length < 0 || (size_t)length + 3 > sizeof why->text)
        return;
    size_t left = sizeof why->text - (size_t)length - 3;
    size_t keep = strnlen(rest.text, left);
    memcpy(why->text + length, ": ", 2);
    memcpy(why->text + length + 2, rest.text, keep);
    why->text[(size_t)length + 2 + keep] = '\0';
}
