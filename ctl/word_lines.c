#include "word_lines.h"

#include "buffer.h"
#include "input.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PIECE_BYTES ((size_t)64 << 10)

#define BYTE_ORDER_MARK "\xef\xbb\xbf"

static int put(struct word_lines *lines, const char *bytes, size_t length)
{
    if (!buffer_reserve(&lines->bytes, &lines->capacity, lines->length + length + 1))
        return -ERR_MEMORY;
    memcpy(lines->bytes + lines->length, bytes, length);
    lines->length += length;
    return 0;
}

/* The next lines are of that name; NULL: they are arguments. */
static int begin(struct word_lines *lines, const char *name)
{
    struct word_source *sources =
        realloc(lines->sources, (lines->source_count + 1) * sizeof *sources);

    if (!sources)
        return -ERR_MEMORY;
    lines->sources = sources;
    sources[lines->source_count++] = (struct word_source){.name = name, .first = lines->count + 1};
    return 0;
}

/* Ends the last line, and counts the lines of what was put from `from` on. */
static int end(struct word_lines *lines, size_t from)
{
    if (lines->length > from && lines->bytes[lines->length - 1] != '\n' && put(lines, "\n", 1))
        return -ERR_MEMORY;
    for (size_t at = from; at < lines->length; at++)
        lines->count += lines->bytes[at] == '\n';
    return 0;
}

int word_lines_add_argument(struct word_lines *lines, const char *text)
{
    size_t from = lines->length;
    int error = begin(lines, NULL);

    text += strspn(text, " \t");
    if (!error && text[0] == '#')
        error = put(lines, "\\", 1);
    if (!error)
        error = put(lines, text, strlen(text));
    return error ? error : end(lines, from);
}

/* All of it. 0, -ERR_MEMORY, or -ERR_CONFIG with errno. */
static int read_all(struct word_lines *lines, int fd)
{
    ssize_t got;

    do {
        if (!buffer_reserve(&lines->bytes, &lines->capacity, lines->length + PIECE_BYTES))
            return -ERR_MEMORY;
        do
            got = read(fd, lines->bytes + lines->length, PIECE_BYTES);
        while (got < 0 && errno == EINTR);
        lines->length += got > 0 ? (size_t)got : 0;
    } while (got > 0);
    return got < 0 ? -ERR_CONFIG : 0;
}

/* Only at the beginning of a list it does not count, and here the file's is in the middle. */
static void drop_byte_order_mark(struct word_lines *lines, size_t from)
{
    size_t size = strlen(BYTE_ORDER_MARK), length = lines->length - from;

    if (length < size || memcmp(lines->bytes + from, BYTE_ORDER_MARK, size) != 0)
        return;
    memmove(lines->bytes + from, lines->bytes + from + size, length - size);
    lines->length -= size;
}

int word_lines_add_file(struct word_lines *lines, const char *path, struct why *why)
{
    bool is_input = strcmp(path, "-") == 0;
    const char *name = is_input ? "standard input" : path;
    size_t from = lines->length;
    int fd = is_input ? STDIN_FILENO : input_open(path, INPUT_PATIENCE_MS);
    int error = begin(lines, name);

    if (!error)
        error = fd < 0 ? -ERR_CONFIG : read_all(lines, fd);
    int reason = errno;
    if (fd >= 0 && !is_input)
        close(fd);
    if (!error) {
        drop_byte_order_mark(lines, from);
        error = end(lines, from);
    }
    if (error == -ERR_CONFIG)
        return error_set(why, ERR_CONFIG, "cannot read '%s': %s", name, input_reason(reason));
    return error ? error_set(why, ERR_MEMORY, "out of memory") : 0;
}

void word_lines_clear(struct word_lines *lines)
{
    free(lines->bytes);
    free(lines->sources);
    *lines = (struct word_lines){0};
}

void word_lines_place(const struct word_lines *lines, size_t line,
                      char place[WORD_LINES_PLACE_SIZE])
{
    size_t i = lines->source_count;

    place[0] = '\0';
    while (i > 0 && lines->sources[i - 1].first > line)
        i--;
    if (i > 0 && lines->sources[i - 1].name)
        snprintf(place, WORD_LINES_PLACE_SIZE, "%s:%zu: ", lines->sources[i - 1].name,
                 line - lines->sources[i - 1].first + 1);
}

size_t word_lines_skip_comments(const struct word_lines *lines, size_t from, size_t *line)
{
    while (from < lines->length) {
        const char *text = lines->bytes + from;
        const char *newline = memchr(text, '\n', lines->length - from);
        while (*text == ' ' || *text == '\t' || *text == '\r')
            text++;
        if (*text != '#' && text != newline)
            break;
        from = (size_t)(newline - lines->bytes) + 1;
        ++*line;
    }
    return from;
}

size_t word_lines_next(const struct word_lines *lines, size_t from, size_t most_bytes,
                       size_t *count)
{
    const char *bytes = lines->bytes + from;
    size_t left = lines->length - from;
    const char *last = memrchr(bytes, '\n', left < most_bytes ? left : most_bytes);
    size_t length = last ? (size_t)(last - bytes) + 1 : 0;

    *count = 0;
    for (size_t i = 0; i < length; i++)
        *count += bytes[i] == '\n';
    return length;
}
