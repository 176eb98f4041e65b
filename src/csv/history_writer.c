#include "history_writer.h"

#include "clock.h"
#include "history_reader.h"
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* So many earlier histories are kept beside the present one. */
#define MOST_ASIDE 999

/* No header is longer. */
#define MOST_HEADER_BYTES 4096

struct history_writer {
    int fd;
    uint64_t run;
    struct table_row cells;
    char path[];
};

static int fail(const struct history_writer *writer, const char *doing, struct why *why)
{
    return error_set(why, ERR_CONFIG, "cannot %s the history '%s': %s", doing, writer->path,
                     strerror(errno));
}

static int no_memory(struct why *why)
{
    return error_set(why, ERR_MEMORY, "out of memory");
}

/* ---- what is in the file ---- */

enum content {
    CONTENT_NONE,    /* it is empty */
    CONTENT_PRESENT, /* it begins with this version's header */
    CONTENT_EARLIER, /* it begins with an earlier version's header */
};

static bool begins_with(const char *start, size_t length, const char *text, size_t text_length)
{
    return length >= text_length && memcmp(start, text, text_length) == 0;
}

static int refuse_content(const struct history_writer *writer, bool is_history, struct why *why)
{
    return error_set(why, ERR_CONFIG,
                     "'%s' is %s; name another file with --history, or move this one away",
                     writer->path,
                     is_history ? "a history of another version: its header differs"
                                : "no history: it begins with something else than its header");
}

static int find_content(struct history_writer *writer, enum content *content, struct why *why)
{
    static const char first_columns[] = "run,time_s,";
    char start[MOST_HEADER_BYTES];
    ssize_t length = pread(writer->fd, start, sizeof start, 0);
    int got;

    *content = CONTENT_NONE;
    if (length < 0)
        return fail(writer, "read", why);
    if (length == 0)
        return 0;
    for (size_t age = 0; (got = history_format_header(age, &writer->cells)) == 1; age++)
        if (begins_with(start, (size_t)length, writer->cells.text, writer->cells.length)) {
            *content = age ? CONTENT_EARLIER : CONTENT_PRESENT;
            return 0;
        }
    if (got < 0)
        return no_memory(why);
    return refuse_content(
        writer, begins_with(start, (size_t)length, first_columns, sizeof first_columns - 1), why);
}

/* ---- opening ---- */

static int open_file(struct history_writer *writer, struct why *why)
{
    struct stat status;

    writer->fd = open(writer->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (writer->fd < 0 || fstat(writer->fd, &status))
        return fail(writer, "write", why);
    if (!S_ISREG(status.st_mode))
        return error_set(why, ERR_CONFIG, "the history '%s' is not a regular file", writer->path);
    return 0;
}

static void close_file(struct history_writer *writer)
{
    if (writer->fd >= 0)
        close(writer->fd);
    writer->fd = -1;
}

static int lock_file(const struct history_writer *writer, struct why *why)
{
    if (flock(writer->fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK)
        return error_set(why, ERR_LOCKED,
                         "another program writes to the history '%s'; name another "
                         "file with --history, or end that one first",
                         writer->path);
    return 0;
}

/* The path may name another file by the time this one is locked: whoever had it moved it aside. */
static bool is_at_its_path(const struct history_writer *writer)
{
    struct stat opened, named;

    return fstat(writer->fd, &opened) == 0 && stat(writer->path, &named) == 0 &&
           opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

/* To the first name that is free. A link and not rename, which would overwrite a file made
 * meanwhile. */
static int move_aside(const struct history_writer *writer, struct why *why)
{
    char *aside = NULL;
    int linked = -1;

    errno = EEXIST;
    for (int number = 1; linked && errno == EEXIST && number <= MOST_ASIDE; number++) {
        free(aside);
        if (asprintf(&aside, "%s.%d", writer->path, number) < 0)
            return no_memory(why);
        linked = link(writer->path, aside);
    }
    int error = linked || unlink(writer->path) ? fail(writer, "move aside", why) : 0;
    if (!error)
        log_event(LOG_INFO, "history_moved",
                  "from=\"%s\" to=\"%s\" why=\"it has the columns of an earlier version\"",
                  writer->path, aside);
    free(aside);
    return error;
}

/* Opens and locks what is at the path, until it is a file of this version. */
static int take_file(struct history_writer *writer, enum content *content, struct why *why)
{
    for (;;) {
        int error = open_file(writer, why);
        if (!error)
            error = lock_file(writer, why);
        if (error)
            return error;
        if (is_at_its_path(writer)) {
            error = find_content(writer, content, why);
            if (error || *content != CONTENT_EARLIER)
                return error;
            error = move_aside(writer, why);
            if (error)
                return error;
        }
        close_file(writer);
    }
}

static int write_header(struct history_writer *writer, struct why *why)
{
    if (history_format_header(0, &writer->cells) != 1)
        return no_memory(why);
    if (write(writer->fd, writer->cells.text, writer->cells.length) ==
        (ssize_t)writer->cells.length)
        return 0;
    int error = fail(writer, "write", why);
    if (ftruncate(writer->fd, 0)) {
        /* What is left is no header, and the next start will say so. */
    }
    return error;
}

/* Where the last whole row ends. */
static int find_end(const struct history_writer *writer, off_t *end, struct why *why)
{
    char chunk[4096];
    off_t size = lseek(writer->fd, 0, SEEK_END);

    for (*end = size; *end > 0;) {
        size_t length = *end < (off_t)sizeof chunk ? (size_t)*end : sizeof chunk;
        if (pread(writer->fd, chunk, length, *end - (off_t)length) != (ssize_t)length)
            return fail(writer, "read", why);
        const char *newline = memrchr(chunk, '\n', length);
        if (newline) {
            *end += newline + 1 - chunk - (off_t)length;
            return 0;
        }
        *end -= (off_t)length;
    }
    return 0;
}

/* A torn last row is cut off. */
static int continue_file(struct history_writer *writer, struct why *why)
{
    struct history_reader_runs runs;
    off_t end;
    int error = find_end(writer, &end, why);

    if (!error && ftruncate(writer->fd, end))
        return fail(writer, "write", why);
    if (!error)
        error = history_reader_scan(writer->path, &runs, why);
    if (!error && runs.rows && (double)runs.highest >= HISTORY_MOST)
        error = error_set(why, ERR_CONFIG,
                          "%s: run %" PRIu64 " can have no next, expected a lower number",
                          writer->path, runs.highest);
    if (!error && runs.rows)
        writer->run = runs.highest + 1;
    return error;
}

static struct history_writer *make(const char *path)
{
    struct history_writer *writer = calloc(1, sizeof *writer + strlen(path) + 1);

    if (!writer)
        return NULL;
    memcpy(writer->path, path, strlen(path) + 1);
    writer->fd = -1;
    writer->run = 1;
    table_row_init(&writer->cells);
    return writer;
}

int history_writer_check(const char *path, struct why *why)
{
    struct history_writer *writer = make(path);
    enum content content;

    if (!writer)
        return no_memory(why);
    int error = open_file(writer, why);
    if (!error)
        error = find_content(writer, &content, why);
    history_writer_close(writer);
    return error;
}

int history_writer_open(const char *path, struct history_writer **out, struct why *why)
{
    struct history_writer *writer = make(path);
    enum content content;

    if (!writer)
        return no_memory(why);
    int error = take_file(writer, &content, why);
    if (!error)
        error = content == CONTENT_NONE ? write_header(writer, why) : continue_file(writer, why);
    if (error)
        history_writer_close(writer);
    else
        *out = writer;
    return error;
}

void history_writer_close(struct history_writer *writer)
{
    if (!writer)
        return;
    close_file(writer);
    table_row_clear(&writer->cells);
    free(writer);
}

/* ---- rows ---- */

int history_writer_append(struct history_writer *writer, const struct history_row *row,
                          struct why *why)
{
    struct history_row whole = *row;
    char stamp[CLOCK_STAMP_SIZE];

    clock_stamp(stamp);
    whole.run = (double)writer->run;
    whole.timestamp = stamp;
    if (history_format_line(&whole, &writer->cells))
        return no_memory(why);

    off_t before = lseek(writer->fd, 0, SEEK_END);
    ssize_t written = write(writer->fd, writer->cells.text, writer->cells.length);
    if (written == (ssize_t)writer->cells.length)
        return 0;
    int error = error_set(why, ERR_SYSTEM, "cannot write the history '%s': %s", writer->path,
                          strerror(written < 0 ? errno : ENOSPC));
    /* A row is written whole or not at all. */
    if (written > 0 && ftruncate(writer->fd, before))
        error_prefix(why, "the last row is torn");
    return error;
}
