#include "texts.h"

#include "buffer.h"
#include "csv/table_reader.h"
#include "input.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_FILE_BYTES ((size_t)TEXTS_MAX_MIB << 20)
#define READ_BYTES     ((size_t)64 << 10)

static const char *const default_texts[] = {
    "The train to Girona leaves at a quarter past nine.",
    "You fool, the door was open all along!",
    "We watered the plants and fed the cat.",
    "No siguis tonto, agafa el paraigua.",
    "Her answer came by the next post.",
    "Mañana compramos pan, queso y tomates.",
    "What an idiot I was to trust the weather forecast.",
    "The foolish wind took my hat and gave it back.",
    "El tonto del pueblo sabe más que el alcalde.",
    "Seven queues, two brokers and one very long night.",
    "Ahir a la nit vam veure la pluja d'estels des de la teulada.",
    "Only a fool's errand ends where it began.",
};

/* Where a text is in the bytes. */
struct span {
    size_t start, length;
};

struct texts {
    char *bytes;
    size_t length, bytes_capacity;
    struct span *spans; /* of texts that are not blank */
    size_t count, capacity;
    bool cut;
};

static bool is_blank(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (!strchr(" \t\r\n\v\f", text[i]) || text[i] == '\0')
            return false;
    return true;
}

/* Adds a text that is in the bytes already; a blank one is left out. */
static int add_span(struct texts *texts, size_t start, size_t length)
{
    if (is_blank(texts->bytes + start, length))
        return 0;
    if (texts->count == texts->capacity) {
        size_t wanted = texts->capacity ? texts->capacity * 2 : 64;
        struct span *moved = reallocarray(texts->spans, wanted, sizeof *moved);
        if (!moved)
            return -ERR_MEMORY;
        texts->spans = moved;
        texts->capacity = wanted;
    }
    texts->spans[texts->count++] = (struct span){start, length};
    return 0;
}

static bool reserve(struct texts *texts, size_t more)
{
    size_t needed = texts->length + more;

    return buffer_reserve(&texts->bytes, &texts->bytes_capacity,
                          needed > texts->bytes_capacity ? 2 * needed : needed);
}

static int add_copy(struct texts *texts, const char *text)
{
    size_t length = strlen(text);

    if (!reserve(texts, length + 1))
        return -ERR_MEMORY;
    memcpy(texts->bytes + texts->length, text, length);
    texts->length += length;
    return add_span(texts, texts->length - length, length);
}

/* Reads a file, or a pipe, to its end or to the limit. */
static int read_file(struct texts *texts, const char *path, struct why *why)
{
    ssize_t got = 1;
    int error = 0;
    int fd = input_open(path, INPUT_PATIENCE_MS);

    if (fd < 0)
        return error_set(why, ERR_CONFIG, "cannot read '%s': %s", path, input_reason(errno));
    while (!error && got != 0 && !texts->cut) {
        if (!reserve(texts, READ_BYTES)) {
            error = -ERR_MEMORY;
            break;
        }
        got = input_read(fd, texts->bytes + texts->length, READ_BYTES, INPUT_PATIENCE_MS);
        if (got > 0)
            texts->length += (size_t)got;
        else if (got < 0)
            error = error_set(why, ERR_CONFIG, "cannot read '%s': %s", path, input_reason(errno));
        texts->cut = texts->length > MAX_FILE_BYTES;
    }
    close(fd);
    return error;
}

static int add_lines(struct texts *texts, const char *path, struct why *why)
{
    int error = read_file(texts, path, why);
    size_t at = 0;

    if (error)
        return error;
    if (texts->length >= 3 && memcmp(texts->bytes, "\xef\xbb\xbf", 3) == 0)
        at = 3;
    for (size_t line = 1; !error && at < texts->length; line++) {
        const char *start = texts->bytes + at;
        const char *stop = memchr(start, '\n', texts->length - at);
        /* The last line of what was taken of a larger file is not whole. */
        if (!stop && texts->cut)
            break;
        size_t length = stop ? (size_t)(stop - start) : texts->length - at;
        if (memchr(start, '\0', length))
            return error_set(why, ERR_CONFIG,
                             "'%s' is not a text: a NUL byte in line %zu, expected " TEXTS_FORM,
                             path, line);
        error = add_span(texts, at, length > 0 && start[length - 1] == '\r' ? length - 1 : length);
        at += length + 1;
    }
    return error;
}

static int add_column(struct texts *texts, const char *path, const char *name, struct why *why)
{
    struct table_reader *reader = NULL;
    int column = 0;
    int got = 0;
    int error = table_reader_open(path, &reader, why);

    if (!error)
        error = table_reader_need_column(reader, name, &column, why);
    while (!error && !texts->cut && (got = table_reader_next(reader, why)) == 1) {
        error = add_copy(texts, table_reader_cell(reader, column));
        texts->cut = texts->length > MAX_FILE_BYTES;
    }
    if (got < 0)
        error = got;
    table_reader_close(reader);
    return error;
}

static int add_default_texts(struct texts *texts)
{
    int error = 0;

    for (size_t i = 0; !error && i < sizeof default_texts / sizeof default_texts[0]; i++)
        error = add_copy(texts, default_texts[i]);
    return error;
}

static int add_source(struct texts *texts, const char *source, struct why *why)
{
    static const char extension[] = ".csv";
    const char *column = strstr(source, ".csv:");
    size_t length = strlen(source);
    int error;

    if (column) {
        char *path = strndup(source, (size_t)(column - source) + strlen(extension));
        error = path ? add_column(texts, path, column + strlen(".csv:"), why) : -ERR_MEMORY;
        free(path);
    } else if (length >= strlen(extension) &&
               strcmp(source + length - strlen(extension), extension) == 0) {
        error = error_set(why, ERR_CONFIG, "'%s': which column? Expected FILE.csv:COLUMN", source);
    } else {
        error = add_lines(texts, source, why);
    }
    if (!error && texts->count == 0)
        error = error_set(why, ERR_CONFIG, "'%s' has no text in it, expected " TEXTS_FORM, source);
    return error;
}

int texts_open(const char *source, struct texts **out, struct why *why)
{
    struct texts *texts = calloc(1, sizeof *texts);
    int error = -ERR_MEMORY;

    if (texts)
        error = source ? add_source(texts, source, why) : add_default_texts(texts);
    if (error == -ERR_MEMORY)
        error_set(why, ERR_MEMORY, "out of memory");
    if (error)
        texts_close(texts);
    else
        *out = texts;
    return error;
}

void texts_close(struct texts *texts)
{
    if (!texts)
        return;
    free(texts->bytes);
    free(texts->spans);
    free(texts);
}

size_t texts_count(const struct texts *texts)
{
    return texts->count;
}

bool texts_cut(const struct texts *texts)
{
    return texts->cut;
}

struct broker_bytes texts_get(const struct texts *texts, size_t number)
{
    const struct span *span = &texts->spans[number];

    return (struct broker_bytes){texts->bytes + span->start, span->length};
}
