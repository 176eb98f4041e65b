#include "bodies.h"

#include "table.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

struct bodies {
    struct table *table;        /* what the texts borrow from: a table ... */
    char *bytes;                /* ... or a file's bytes; neither when they are built in */
    struct broker_bytes *texts; /* each not blank */
    size_t count, capacity;
};

static bool is_blank(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (!strchr(" \t\r\n\v\f", text[i]) || text[i] == '\0')
            return false;
    return true;
}

static int add(struct bodies *bodies, const char *text, size_t length)
{
    if (is_blank(text, length))
        return 0;
    if (bodies->count == bodies->capacity) {
        size_t wanted = bodies->capacity ? bodies->capacity * 2 : 64;
        struct broker_bytes *moved = reallocarray(bodies->texts, wanted, sizeof *moved);
        if (!moved)
            return -ERR_MEMORY;
        bodies->texts = moved;
        bodies->capacity = wanted;
    }
    bodies->texts[bodies->count++] = (struct broker_bytes){text, length};
    return 0;
}

/* Reads a whole file, or a pipe; *length bytes of bodies->bytes. */
static int read_file(struct bodies *bodies, const char *path, size_t *length, struct why *why)
{
    size_t capacity = 0, used = 0;
    ssize_t got;
    int error = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return error_set(why, ERR_CONFIG, "--body: cannot read '%s': %s", path, strerror(errno));
    do {
        if (used == capacity) {
            capacity = capacity ? capacity * 2 : 65536;
            char *grown = realloc(bodies->bytes, capacity);
            if (!grown) {
                error = -ERR_MEMORY;
                break;
            }
            bodies->bytes = grown;
        }
        got = read(fd, bodies->bytes + used, capacity - used);
        if (got > 0)
            used += (size_t)got;
        else if (got < 0 && errno != EINTR)
            error =
                error_set(why, ERR_CONFIG, "--body: cannot read '%s': %s", path, strerror(errno));
    } while (!error && got != 0);
    close(fd);
    *length = used;
    return error;
}

static int add_lines(struct bodies *bodies, const char *path, struct why *why)
{
    size_t length = 0;
    int error = read_file(bodies, path, &length, why);

    if (error)
        return error;
    const char *at = bodies->bytes, *end = at + length;
    if (length >= 3 && memcmp(at, "\xef\xbb\xbf", 3) == 0)
        at += 3;
    while (!error && at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        const char *next = stop ? stop + 1 : end;
        if (!stop)
            stop = end;
        if (stop > at && stop[-1] == '\r')
            stop--;
        error = add(bodies, at, (size_t)(stop - at));
        at = next;
    }
    return error;
}

static int add_column(struct bodies *bodies, const char *path, const char *name, struct why *why)
{
    int column;
    int error = table_read(path, &bodies->table, why);

    if (!error)
        error = table_need_column(bodies->table, name, &column, why);
    if (error == -ERR_CONFIG)
        error_prefix(why, "--body");
    for (size_t row = 0; !error && row < table_rows(bodies->table); row++) {
        const char *text = table_cell(bodies->table, row, column);
        error = add(bodies, text, strlen(text));
    }
    return error;
}

static int add_all(struct bodies *bodies, const char *source, struct why *why)
{
    int error = 0;

    if (!source) {
        for (size_t i = 0; !error && i < sizeof default_texts / sizeof default_texts[0]; i++)
            error = add(bodies, default_texts[i], strlen(default_texts[i]));
        return error;
    }

    const char *extension = strstr(source, ".csv:");
    size_t length = strlen(source);
    if (extension) {
        char *path = strndup(source, (size_t)(extension - source) + strlen(".csv"));
        error = path ? add_column(bodies, path, extension + strlen(".csv:"), why) : -ERR_MEMORY;
        free(path);
    } else if (length >= 4 && strcmp(source + length - 4, ".csv") == 0) {
        error = error_set(why, ERR_CONFIG, "--body: '%s': which column? Expected FILE.csv:COLUMN",
                          source);
    } else {
        error = add_lines(bodies, source, why);
    }
    if (!error && bodies->count == 0)
        error = error_set(why, ERR_CONFIG, "--body: '%s' has no text in it, expected " BODIES_FORM,
                          source);
    return error;
}

int bodies_open(const char *source, struct bodies **out, struct why *why)
{
    struct bodies *bodies = calloc(1, sizeof *bodies);
    int error = bodies ? add_all(bodies, source, why) : -ERR_MEMORY;

    if (error == -ERR_MEMORY)
        error_set(why, ERR_MEMORY, "out of memory");
    if (error) {
        bodies_close(bodies);
        return error;
    }
    *out = bodies;
    return 0;
}

void bodies_close(struct bodies *bodies)
{
    if (!bodies)
        return;
    table_close(bodies->table);
    free(bodies->bytes);
    free(bodies->texts);
    free(bodies);
}

size_t bodies_count(const struct bodies *bodies)
{
    return bodies->count;
}

struct broker_bytes bodies_of(const struct bodies *bodies, uint64_t sequence)
{
    return bodies->texts[sequence % bodies->count];
}
