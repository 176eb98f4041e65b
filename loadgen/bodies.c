#include "bodies.h"

#include "buffer.h"
#include "csv/table_reader.h"
#include "random.h"
#include "units.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_FILE_BYTES ((size_t)BODIES_MAX_MIB << 20)

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

struct text {
    size_t start, length; /* in the bytes */
};

struct bodies {
    char *bytes;
    size_t length, bytes_capacity;
    struct text *texts; /* each not blank */
    size_t count, capacity;
    bool cut;
    struct bodies_size size;
    uint64_t seed;
    char *made; /* the last body of a drawn size */
};

static bool is_blank(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (!strchr(" \t\r\n\v\f", text[i]) || text[i] == '\0')
            return false;
    return true;
}

/* The text is in the bytes already. */
static int add(struct bodies *bodies, size_t start, size_t length)
{
    if (is_blank(bodies->bytes + start, length))
        return 0;
    if (bodies->count == bodies->capacity) {
        size_t wanted = bodies->capacity ? bodies->capacity * 2 : 64;
        struct text *moved = reallocarray(bodies->texts, wanted, sizeof *moved);
        if (!moved)
            return -ERR_MEMORY;
        bodies->texts = moved;
        bodies->capacity = wanted;
    }
    bodies->texts[bodies->count++] = (struct text){start, length};
    return 0;
}

static bool make_room(struct bodies *bodies, size_t more)
{
    size_t needed = bodies->length + more;

    return buffer_reserve(&bodies->bytes, &bodies->bytes_capacity,
                          needed > bodies->bytes_capacity ? 2 * needed : needed);
}

static int add_copy(struct bodies *bodies, const char *text)
{
    size_t length = strlen(text);

    if (!make_room(bodies, length + 1))
        return -ERR_MEMORY;
    memcpy(bodies->bytes + bodies->length, text, length);
    bodies->length += length;
    return add(bodies, bodies->length - length, length);
}

/* Reads a file, or a pipe, as far as is taken of it. */
static int read_file(struct bodies *bodies, const char *path, struct why *why)
{
    ssize_t got = 1;
    int error = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return error_set(why, ERR_CONFIG, "--body: cannot read '%s': %s", path, strerror(errno));
    while (!error && got != 0 && !bodies->cut) {
        if (!make_room(bodies, 65536)) {
            error = -ERR_MEMORY;
            break;
        }
        got = read(fd, bodies->bytes + bodies->length, 65536);
        if (got > 0)
            bodies->length += (size_t)got;
        else if (got < 0 && errno != EINTR)
            error =
                error_set(why, ERR_CONFIG, "--body: cannot read '%s': %s", path, strerror(errno));
        bodies->cut = bodies->length > MAX_FILE_BYTES;
    }
    close(fd);
    return error;
}

static int add_lines(struct bodies *bodies, const char *path, struct why *why)
{
    int error = read_file(bodies, path, why);
    size_t at = 0;

    if (error)
        return error;
    if (bodies->length >= 3 && memcmp(bodies->bytes, "\xef\xbb\xbf", 3) == 0)
        at = 3;
    for (size_t line = 1; !error && at < bodies->length; line++) {
        const char *start = bodies->bytes + at;
        const char *stop = memchr(start, '\n', bodies->length - at);
        /* The last line of what was taken of a larger file is not whole. */
        if (!stop && bodies->cut)
            break;
        size_t length = stop ? (size_t)(stop - start) : bodies->length - at;
        if (memchr(start, '\0', length))
            return error_set(
                why, ERR_CONFIG,
                "--body: '%s' is not a text: a NUL byte in line %zu, expected " BODIES_FORM, path,
                line);
        error = add(bodies, at, length > 0 && start[length - 1] == '\r' ? length - 1 : length);
        at += length + 1;
    }
    return error;
}

static int add_column(struct bodies *bodies, const char *path, const char *name, struct why *why)
{
    struct table_reader *reader = NULL;
    int column = 0;
    int got = 0;
    int error = table_reader_open(path, &reader, why);

    if (!error)
        error = table_reader_need_column(reader, name, &column, why);
    while (!error && !bodies->cut && (got = table_reader_next(reader, why)) == 1) {
        error = add_copy(bodies, table_reader_cell(reader, column));
        bodies->cut = bodies->length > MAX_FILE_BYTES;
    }
    if (got < 0)
        error = got;
    table_reader_close(reader);
    if (error == -ERR_CONFIG)
        error_prefix(why, "--body");
    return error;
}

static int add_all(struct bodies *bodies, const char *source, struct why *why)
{
    int error = 0;

    if (!source) {
        for (size_t i = 0; !error && i < sizeof default_texts / sizeof default_texts[0]; i++)
            error = add_copy(bodies, default_texts[i]);
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

/* ---- sizes ---- */

int bodies_parse_size(const char *text, struct bodies_size *out, struct why *why)
{
    struct bodies_size size = {.kind = BODIES_UNIFORM};
    const char *dots = strstr(text, "..");
    char from[64];
    bool good;

    if (strncmp(text, "exp:", 4) == 0) {
        size.kind = BODIES_EXPONENTIAL;
        good = units_parse_size(text + 4, &size.mean_bytes) == 0 && size.mean_bytes >= 1;
        if (good && size.mean_bytes > BODIES_MAX_MEAN_BYTES)
            return error_set(why, ERR_INVALID, "'%s' is too large, expected a mean of at most %zu",
                             text, BODIES_MAX_MEAN_BYTES);
    } else {
        size_t length = dots ? (size_t)(dots - text) : strlen(text);
        good = length < sizeof from;
        memcpy(from, text, good ? length : 0);
        from[good ? length : 0] = '\0';
        good = good && units_parse_size(from, &size.from_bytes) == 0 &&
               units_parse_size(dots ? dots + 2 : from, &size.to_bytes) == 0 &&
               size.from_bytes >= 1 && size.from_bytes <= size.to_bytes;
        if (good && size.to_bytes > BODIES_MAX_BYTES)
            return error_set(why, ERR_INVALID, "'%s' is too large, expected at most %zu", text,
                             BODIES_MAX_BYTES);
    }
    if (!good)
        return error_set(why, ERR_INVALID, "'%s' is not a size, expected " BODIES_SIZE_FORM, text);
    *out = size;
    return 0;
}

static size_t draw_size(const struct bodies_size *size, uint64_t *random)
{
    if (size->kind == BODIES_EXPONENTIAL)
        return 1 + (size_t)((double)(size->mean_bytes - 1) * random_exponential(random) + 0.5);
    return size->from_bytes +
           (size_t)(random_uniform(random) * (double)(size->to_bytes - size->from_bytes + 1));
}

/* A character that the cut goes through becomes dots. */
static void mend_end(char *bytes, size_t length)
{
    size_t start = length;

    while (start > 0 && length - start < 4 && ((unsigned char)bytes[start - 1] & 0xc0) == 0x80)
        start--;
    if (start == 0)
        return;
    unsigned char lead = (unsigned char)bytes[start - 1];
    size_t needed = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
    if (length - start + 1 < needed)
        memset(bytes + start - 1, '.', length - start + 1);
}

static struct broker_bytes make(const struct bodies *bodies, uint64_t sequence)
{
    uint64_t random = bodies->seed + sequence;
    /* Mixed once, or one event's numbers would be the next one's, shifted. */
    random = random_bits(&random);
    size_t size = draw_size(&bodies->size, &random);
    size_t next = random_bits(&random) % bodies->count;

    for (size_t used = 0; used < size;) {
        const struct text *text = &bodies->texts[next];
        size_t part = text->length < size - used ? text->length : size - used;
        memcpy(bodies->made + used, bodies->bytes + text->start, part);
        used += part;
        if (used < size)
            bodies->made[used++] = ' ';
        next = next + 1 < bodies->count ? next + 1 : 0;
    }
    mend_end(bodies->made, size);
    return (struct broker_bytes){bodies->made, size};
}

/* ---- opening and asking ---- */

int bodies_open(const char *source, const struct bodies_size *size, uint64_t seed,
                struct bodies **out, struct why *why)
{
    struct bodies *bodies = calloc(1, sizeof *bodies);
    int error = bodies ? add_all(bodies, source, why) : -ERR_MEMORY;

    if (!error && size) {
        bodies->size = *size;
        bodies->seed = seed;
        /* No exponential number is beyond 40 times its mean: a uniform one has 53 bits. */
        bodies->made =
            malloc(size->kind == BODIES_EXPONENTIAL ? 40 * size->mean_bytes : size->to_bytes);
        error = bodies->made ? 0 : -ERR_MEMORY;
    }
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
    free(bodies->made);
    free(bodies->bytes);
    free(bodies->texts);
    free(bodies);
}

size_t bodies_count(const struct bodies *bodies)
{
    return bodies->count;
}

bool bodies_cut(const struct bodies *bodies)
{
    return bodies->cut;
}

struct broker_bytes bodies_of(const struct bodies *bodies, uint64_t sequence)
{
    if (bodies->size.kind != BODIES_AS_IS)
        return make(bodies, sequence);
    const struct text *text = &bodies->texts[sequence % bodies->count];
    return (struct broker_bytes){bodies->bytes + text->start, text->length};
}
