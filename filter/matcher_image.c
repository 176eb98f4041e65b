#include "matcher_image.h"

#include "error.h"
#include "matcher_compile.h"
#include "matcher_kinds.h"

#include <stdlib.h>
#include <string.h>
#include <unistring/version.h>

#define MAGIC   UINT64_C(0x31747366776f6e77)
#define VERSION 4

/* Sections begin at multiples of this, the size of a cache line. */
#define ALIGNMENT 64

static uint64_t align(uint64_t at)
{
    return (at + ALIGNMENT - 1) & ~(uint64_t)(ALIGNMENT - 1);
}

/* ---- the header ---- */

static uint32_t hash_header(const struct image_header *header)
{
    struct image_header copy;
    const uint8_t *bytes = (const uint8_t *)&copy;
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    memcpy(&copy, header, sizeof copy); /* padding and all */
    copy.check = 0;
    for (size_t i = 0; i < sizeof copy; i++)
        hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    return (uint32_t)(hash ^ hash >> 32);
}

static void seal(struct image_header *header)
{
    header->magic = MAGIC;
    header->version = VERSION;
    header->unicode = (uint32_t)_libunistring_version;
    header->check = hash_header(header);
}

bool matcher_image_is_sound(const void *bytes, size_t length)
{
    const struct image_header *header = bytes;

    return length >= sizeof *header && (uintptr_t)bytes % 8 == 0 && header->magic == MAGIC &&
           header->version == VERSION && header->length == length &&
           header->unicode == (uint32_t)_libunistring_version &&
           header->check == hash_header(header);
}

/* ---- keys ---- */

/* About 64 bits for each entry: few words that begin none have a bit set by another. */
static void size_keys(struct compiler *compiler)
{
    struct image_header *header = &compiler->header;

    header->key_bits = 16;
    while (header->key_bits < 30 &&
           UINT64_C(1) << header->key_bits < 64 * (uint64_t)compiler->draft_count)
        header->key_bits++;
}

static bool may_begin_inside(const struct draft *draft)
{
    return draft->entry.open_start && draft->skeleton[0] < 0x80;
}

/* Finds how many first bytes, up to 3, each of the entries has that may begin inside a word. White
 * space is no such byte, because it may be any in a text. */
static void measure_inside(struct compiler *compiler)
{
    size_t least = 3;

    for (size_t i = 0; i < compiler->draft_count; i++) {
        const struct draft *draft = &compiler->drafts[i];
        size_t length = 0;
        if (!may_begin_inside(draft))
            continue;
        while (length < least && length < draft->length && draft->skeleton[length] != ' ')
            length++;
        least = length;
    }
    compiler->header.inside_length = (uint8_t)least;
}

static void set_key(const struct image_header *header, const uint8_t *bytes, size_t length,
                    uint8_t *keys)
{
    uint64_t key = 0;

    memcpy(&key, bytes, length);
    set_bit(keys, hash_key(make_key(key, length), 64 - header->key_bits));
}

static void add_inside_key(struct compiler *compiler, const struct draft *draft, uint8_t *keys)
{
    const uint8_t *bytes = draft->skeleton, *table = compiler->table;
    struct image_header *header = &compiler->header;

    set_key(header, bytes, header->inside_length, keys);
    header->any_inside = true;
    set_bit(header->first_bytes, bytes[0]);
    for (unsigned second = 0; second < 256; second++)
        if (draft->length == 1 || table[second] == bytes[1])
            for (unsigned first = 0; first < 256; first++)
                if (table[first] == bytes[0])
                    set_bit(header->pairs, first | second << 8);
}

static void add_key(struct compiler *compiler, const struct draft *draft, uint8_t *keys)
{
    const uint8_t *bytes = draft->skeleton;
    struct image_header *header = &compiler->header;
    bool (*is_word)(uint8_t) = compiler->level == MATCHER_LOOSE ? is_letter_byte : is_word_byte;
    size_t length = 1;

    if (bytes[0] >= 0x80) {
        length = folded_size(bytes[0]);
    } else if (is_word(bytes[0])) {
        while (length < draft->length && length < KEY_BYTES && is_word(bytes[length]))
            length++;
        if (length == draft->length && length < KEY_BYTES && draft->entry.open_end)
            header->prefix_lengths |= (uint8_t)(1U << (length - 1));
    } else {
        set_bit(header->signs, bytes[0]);
        header->any_sign = true;
    }
    set_key(header, bytes, length, keys);
    if (may_begin_inside(draft))
        add_inside_key(compiler, draft, keys);
}

/* ---- the image ---- */

/* A part of the image. */
struct section {
    uint64_t *offset;  /* in the header, to be filled in */
    size_t size;       /* in bytes */
    const void *bytes; /* NULL: written otherwise */
};

int matcher_image_write(struct compiler *compiler, void **image)
{
    struct image_header *header = &compiler->header;

    size_keys(compiler);
    measure_inside(compiler);
    const struct section sections[] = {
        {&header->nodes, compiler->node_count * sizeof *compiler->nodes, compiler->nodes},
        {&header->firsts, compiler->node_count, compiler->firsts},
        {&header->entries, compiler->draft_count * sizeof(struct image_entry), NULL},
        {&header->sources, compiler->source_count * sizeof *compiler->sources, compiler->sources},
        {&header->keys, (size_t)1 << (header->key_bits - 3), NULL},
        {&header->texts, compiler->texts.length, compiler->texts.bytes},
        {&header->trails, header->trail_count * sizeof *compiler->trails, compiler->trails},
        {&header->repeats, compiler->repeat_count * sizeof *compiler->repeats, compiler->repeats},
    };
    const size_t count = sizeof sections / sizeof *sections;

    header->source_count = (uint32_t)compiler->source_count;
    header->length = align(sizeof *header);
    for (size_t i = 0; i < count; i++) {
        *sections[i].offset = header->length;
        header->length = align(header->length + sections[i].size);
    }
    uint8_t *bytes = aligned_alloc(ALIGNMENT, (size_t)header->length);
    if (!bytes)
        return -ERR_MEMORY;
    memset(bytes, 0, (size_t)header->length);
    for (size_t i = 0; i < count; i++)
        if (sections[i].bytes)
            memcpy(bytes + *sections[i].offset, sections[i].bytes, sections[i].size);
    for (size_t i = 0; i < compiler->draft_count; i++) {
        memcpy(bytes + header->entries + i * sizeof(struct image_entry), &compiler->drafts[i].entry,
               sizeof(struct image_entry));
        add_key(compiler, &compiler->drafts[i], bytes + header->keys);
    }
    seal(header);
    memcpy(bytes, header, sizeof *header);
    *image = bytes;
    return 0;
}
