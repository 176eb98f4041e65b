#include "log_merge.h"

#include "control/lamport.h"
#include "error.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define KEY "clock="

/* A whole number of decimal digits up to a space or the end, at most LAMPORT_MAX; -1 for others. */
static int64_t read_number(const char *at, const char *end)
{
    const char *start = at;
    int64_t number = 0;

    for (; at < end && *at >= '0' && *at <= '9'; at++) {
        number = number * 10 + (*at - '0');
        if (number > LAMPORT_MAX)
            return -1;
    }
    return at > start && (at == end || *at == ' ' || *at == '\n') ? number : -1;
}

int64_t log_merge_clock(const char *line, size_t length)
{
    const char *end = line + length;
    bool quoted = false, starts = true; /* a pair */

    for (const char *at = line; at < end; at++) {
        if (!quoted && starts && (size_t)(end - at) > strlen(KEY) &&
            memcmp(at, KEY, strlen(KEY)) == 0)
            return read_number(at + strlen(KEY), end);
        starts = !quoted && *at == ' ';
        if (*at == '"')
            quoted = !quoted;
        else if (quoted && *at == '\\')
            at++;
    }
    return -1;
}

/* ---- merging ---- */

static void end(struct log_merge_source *source, enum log_merge_end how)
{
    free(source->line);
    source->line = NULL;
    source->end = how;
}

/* Takes the next line. A line without a clock has that of the line before it, so that it comes
 * next. */
static void advance(struct log_merge_source *source)
{
    int byte = 0;

    source->length = 0;
    source->number++;
    while (byte != '\n' && (byte = getc_unlocked(source->file)) != EOF) {
        if (source->length == LOG_MERGE_MOST_BYTES && byte != '\n') {
            end(source, LOG_MERGE_TOO_LONG);
            return;
        }
        source->line[source->length++] = (char)byte;
    }
    if (!source->length) {
        end(source, ferror(source->file) ? LOG_MERGE_UNREADABLE : LOG_MERGE_WHOLE);
        return;
    }
    int64_t clock = log_merge_clock(source->line, source->length);
    if (clock >= 0)
        source->clock = clock;
}

/* Every source has room for the longest line from the start, so that memory cannot run out in the
 * middle of a log. */
static int start(struct log_merge_source *sources, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        sources[i].line = malloc(LOG_MERGE_MOST_BYTES + 1);
        if (sources[i].line)
            continue;
        while (i--)
            end(&sources[i], LOG_MERGE_UNREADABLE);
        return -ERR_MEMORY;
    }
    for (size_t i = 0; i < count; i++)
        advance(&sources[i]);
    return 0;
}

/* NULL when all have ended. */
static struct log_merge_source *first_of(struct log_merge_source *sources, size_t count,
                                         const struct log_merge_source *last)
{
    struct log_merge_source *first = NULL;

    for (size_t i = 0; i < count; i++) {
        struct log_merge_source *source = &sources[i];
        if (!source->line)
            continue;
        if (source == last && log_merge_clock(source->line, source->length) < 0)
            return source;
        if (!first || source->clock < first->clock)
            first = source;
    }
    return first;
}

/* The last line of a log may lack its newline, and another one follows. */
static bool write_line(const struct log_merge_source *source, FILE *out)
{
    if (fwrite(source->line, 1, source->length, out) != source->length)
        return false;
    return source->line[source->length - 1] == '\n' || fputc('\n', out) != EOF;
}

int log_merge(struct log_merge_source *sources, size_t count, FILE *out)
{
    struct log_merge_source *source = NULL;
    bool written = true;
    int error = start(sources, count);

    if (error)
        return error;
    while (written && (source = first_of(sources, count, source))) {
        written = write_line(source, out);
        advance(source);
    }
    for (size_t i = 0; i < count; i++) {
        if (sources[i].end != LOG_MERGE_WHOLE)
            error = -ERR_CONFIG;
        free(sources[i].line);
        sources[i].line = NULL;
    }
    return !written || fflush(out) ? -ERR_SYSTEM : error;
}
