#include "bodies.h"

#include "random.h"

#include <stdlib.h>
#include <string.h>

struct bodies {
    const struct texts *texts;
    struct body_size size;
    uint64_t seed;
    char *made; /* the last body of a drawn size; NULL when bodies are texts */
};

int bodies_open(const struct texts *texts, const struct body_size *size, uint64_t seed,
                struct bodies **out, struct why *why)
{
    struct bodies *bodies = calloc(1, sizeof *bodies);

    if (!bodies)
        return error_set(why, ERR_MEMORY, "out of memory");
    *bodies = (struct bodies){.texts = texts, .size = *size, .seed = seed};
    if (size->kind != BODY_SIZE_OF_TEXT && !(bodies->made = malloc(body_size_limit(size)))) {
        bodies_close(bodies);
        return error_set(why, ERR_MEMORY, "out of memory");
    }
    *out = bodies;
    return 0;
}

void bodies_close(struct bodies *bodies)
{
    if (!bodies)
        return;
    free(bodies->made);
    free(bodies);
}

/* A character that the end cuts in two is replaced by dots, a dot a byte. */
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
    /* Mixed once, so that what is drawn for neighbouring events has nothing in common. */
    random = random_bits(&random);
    size_t count = texts_count(bodies->texts);
    size_t size = body_size_draw(&bodies->size, &random);
    size_t next = random_bits(&random) % count;

    for (size_t used = 0; used < size;) {
        struct broker_bytes text = texts_get(bodies->texts, next);
        size_t part = text.length < size - used ? text.length : size - used;
        memcpy(bodies->made + used, text.bytes, part);
        used += part;
        if (used < size)
            bodies->made[used++] = ' ';
        next = next + 1 < count ? next + 1 : 0;
    }
    mend_end(bodies->made, size);
    return (struct broker_bytes){bodies->made, size};
}

struct broker_bytes bodies_get(const struct bodies *bodies, uint64_t sequence)
{
    if (bodies->made)
        return make(bodies, sequence);
    return texts_get(bodies->texts, sequence % texts_count(bodies->texts));
}
