/* matcher_compile.c - word list in, image out. */
#include "character.h"
#include "dotted_i.h"
#include "error.h"
#include "matcher_image.h"
#include "wordlist.h"

#include <stdlib.h>
#include <string.h>

#define MAX_ENTRIES    (UINT32_C(4) << 20)
#define MAX_TEXT_BYTES (UINT64_C(1) << 30)

struct bytes {
    uint8_t *at;
    size_t length;
    size_t capacity;
};

/* An entry while it is compiled. */
struct draft {
    const uint8_t *skeleton; /* in compiler.texts once that grows no more */
    uint32_t at;             /* of the skeleton in compiler.texts */
    uint32_t length;
    int32_t severity;
    struct image_entry entry;
};

struct compiler {
    enum matcher_level level;
    uint8_t table[256];
    struct folded folded;
    struct bytes texts;
    struct draft *drafts;
    size_t draft_count;
    struct image_node *nodes;
    uint8_t *firsts;
    size_t node_count;
    struct image_trail *trails;
    uint32_t *repeats;
    size_t repeat_count;
    struct image_header header;
};

static int add_bytes(struct bytes *bytes, const void *from, size_t length)
{
    if (bytes->length + length > bytes->capacity) {
        size_t capacity = 2 * (bytes->length + length) + 4096;
        uint8_t *at = realloc(bytes->at, capacity);
        if (!at)
            return -ERR_MEMORY;
        bytes->at = at;
        bytes->capacity = capacity;
    }
    memcpy(bytes->at + bytes->length, from, length);
    bytes->length += length;
    return bytes->length < UINT32_MAX ? 0 : -ERR_INVALID;
}

/* Whether an entry that begins or ends with this character needs no boundary there: it is of a script without
 * spaces, or a picture. */
static bool stands_alone(uint32_t character)
{
    return character_class(character) == CLASS_UNSPACED || character_is_picture(character);
}

/* Whether the two ends of an entry need no boundary. */
static void find_ends(const struct wordlist_entry *source, struct image_entry *entry)
{
    const uint8_t *text = (const uint8_t *)source->text;
    uint32_t character, base = 0;

    character_read(text, source->length, &character);
    entry->open_start =
        !character_continues(character) && (source->open_start || stands_alone(character));
    for (size_t at = 0; at < source->length;) {
        at += character_read(text + at, source->length - at, &character);
        if (!character_continues(character) && !character_is_invisible(character))
            base = character;
    }
    entry->open_end =
        source->open_end || stands_alone(base) || character_class(base) == CLASS_HANGUL;
}

/* What tells the i of an entry apart, a byte each. */
static int check_dots(struct compiler *c, const struct wordlist_entry *source,
                      struct image_entry *entry)
{
    size_t at = 0;
    bool special = false;
    uint32_t begin = (uint32_t)c->texts.length;
    unsigned dots;

    while ((dots = dotted_i_next((const uint8_t *)source->text, source->length, &at))) {
        /* A capital letter of the list is what it is by the common folding. */
        uint8_t kind = dots & DOTTED_I_COMBINED ? DOTTED_I_COMBINED
                       : dots & DOTTED_I_PLAIN  ? DOTTED_I_PLAIN
                                                : DOTTED_I_DOTLESS;
        special |= kind != DOTTED_I_PLAIN;
        entry->has_dots = true;
        int error = add_bytes(&c->texts, &kind, 1);
        if (error)
            return error;
    }
    entry->check = begin;
    entry->check_length = (uint32_t)c->texts.length - begin;
    if (special)
        entry->has_dots = false;
    return 0;
}

/* Adds the skeleton of what has been folded. */
static int add_skeleton(struct compiler *c, struct draft *draft)
{
    const uint8_t *bytes = c->folded.bytes;
    size_t length = c->folded.length, last = 0, last_size = 0;
    bool has_space = false, ambiguous = false;

    /* White space that only something invisible kept inside the entry. */
    for (; length > 0 && *bytes == ' '; length--)
        bytes++;
    while (length > 0 && bytes[length - 1] == ' ')
        length--;
    draft->at = (uint32_t)c->texts.length;
    for (size_t at = 0; at < length;) {
        size_t size = character_size(bytes[at]);
        uint8_t plain = c->table[bytes[at]];
        bool same = last_size == size && (size == 1 ? c->table[bytes[last]] == plain
                                                    : memcmp(bytes + last, bytes + at, size) == 0);
        bool repeats = same && c->level == MATCHER_LOOSE;
        has_space |= plain == ' ';
        ambiguous |= repeats || plain != bytes[at] || (c->level == MATCHER_LOOSE && plain == 'i');
        if (!repeats) {
            int error = size == 1 ? add_bytes(&c->texts, &plain, 1)
                                  : add_bytes(&c->texts, bytes + at, size);
            if (error)
                return error;
            draft->entry.letters++;
        }
        last = at;
        last_size = size;
        at += size;
    }
    draft->length = (uint32_t)(c->texts.length - draft->at);
    if (has_space)
        draft->entry.letters = 0;
    if (c->level != MATCHER_LOOSE || !ambiguous)
        return 0;
    draft->entry.check = (uint32_t)c->texts.length;
    draft->entry.check_length = (uint32_t)length;
    return add_bytes(&c->texts, bytes, length);
}

static int draft_entry(struct compiler *c, const struct wordlist *list, size_t index)
{
    const struct wordlist_entry *source = &list->entries[index];
    struct draft *draft = &c->drafts[c->draft_count];
    int error = folding_fold(c->level, (const uint8_t *)source->text, source->length, &c->folded);

    *draft = (struct draft){
        .severity = source->severity,
        .entry = {.index = (uint32_t)index, .allowed = source->allowed},
    };
    find_ends(source, &draft->entry);
    c->header.any_allowed |= source->allowed;
    if (!error)
        error = add_skeleton(c, draft);
    if (!error && c->level == MATCHER_EXACT)
        error = check_dots(c, source, &draft->entry);
    /* An entry of nothing but invisible characters is left out: it matches nothing. */
    if (!error && draft->length > 0)
        c->draft_count++;
    return error;
}

static int compare(const void *left, const void *right)
{
    const struct draft *a = left, *b = right;
    int order = memcmp(a->skeleton, b->skeleton, a->length < b->length ? a->length : b->length);

    if (order != 0)
        return order;
    if (a->length != b->length)
        return a->length < b->length ? -1 : 1;
    if (a->severity != b->severity)
        return a->severity > b->severity ? -1 : 1;
    return a->entry.index < b->entry.index ? -1 : 1;
}

/* The drafts that a node stands for, which agree in their first `depth` bytes. */
struct range {
    uint32_t first, end;
    uint32_t depth;
};

static void build_node(struct compiler *c, struct range *ranges, size_t index)
{
    struct range range = ranges[index];
    const struct draft *first = &c->drafts[range.first], *last = &c->drafts[range.end - 1];
    struct image_node *node = &c->nodes[index];
    uint32_t depth = range.depth;

    /* Sorted, so what the first and the last have in common all have. The root leads nowhere. */
    if (index > 0)
        while (depth < first->length && depth < last->length &&
               first->skeleton[depth] == last->skeleton[depth])
            depth++;
    *node = (struct image_node){
        .label = first->at + range.depth,
        .label_length = depth - range.depth,
        .entry = range.first,
        .child = (uint32_t)c->node_count,
    };
    uint32_t next = range.first;
    while (next < range.end && c->drafts[next].length == depth)
        next++;
    node->entry_count = next - range.first;
    while (next < range.end) {
        uint8_t byte = c->drafts[next].skeleton[depth];
        uint32_t begin = next;
        while (next < range.end && c->drafts[next].skeleton[depth] == byte)
            next++;
        c->firsts[c->node_count] = byte;
        ranges[c->node_count++] = (struct range){.first = begin, .end = next, .depth = depth + 1};
        node->child_count++;
    }
}

static int build_tree(struct compiler *c)
{
    /* Each draft adds at most its own node and one where it leaves the others. */
    size_t capacity = 2 * c->draft_count + 2;
    struct range *ranges = calloc(capacity, sizeof *ranges);

    c->nodes = calloc(capacity, sizeof *c->nodes);
    c->firsts = calloc(capacity, 1);
    if (!ranges || !c->nodes || !c->firsts) {
        free(ranges);
        return -ERR_MEMORY;
    }
    c->node_count = 1;
    if (c->draft_count > 0) {
        ranges[0] = (struct range){.end = (uint32_t)c->draft_count};
        for (size_t index = 0; index < c->node_count; index++)
            build_node(c, ranges, index);
    }
    free(ranges);
    return 0;
}

/* By byte of a text: how many from there on are the same as at its beginning. What is known of one part of the
 * text tells of the next (Gusfield's Z). */
static void find_repeats(const uint8_t *text, uint32_t length, uint32_t *repeats)
{
    uint32_t from = 0,
             end = 0; /* text[from .. end] is as at the beginning, as far as it was looked */

    repeats[0] = length;
    for (uint32_t at = 1; at < length; at++) {
        uint32_t same = 0;
        if (at < end)
            same = repeats[at - from] < end - at ? repeats[at - from] : end - at;
        while (at + same < length && text[same] == text[at + same])
            same++;
        repeats[at] = same;
        if (at + same > end) {
            from = at;
            end = at + same;
        }
    }
}

static int build_trails(struct compiler *c)
{
    size_t count = 0, bytes = 0;

    for (size_t i = 0; i < c->node_count; i++) {
        bool is_long = c->nodes[i].label_length >= LONG_LABEL;
        count += is_long;
        bytes += is_long ? c->nodes[i].label_length : 0;
    }
    c->trails = calloc(count + 1, sizeof *c->trails);
    c->repeats = calloc(bytes + 1, sizeof *c->repeats);
    if (!c->trails || !c->repeats)
        return -ERR_MEMORY;
    for (size_t i = 0; i < c->node_count; i++) {
        const struct image_node *node = &c->nodes[i];
        if (node->label_length < LONG_LABEL)
            continue;
        c->trails[c->header.trail_count++] = (struct image_trail){
            .node = (uint32_t)i,
            .repeats = (uint32_t)c->repeat_count,
        };
        find_repeats(c->texts.at + node->label, node->label_length, c->repeats + c->repeat_count);
        c->repeat_count += node->label_length;
    }
    return 0;
}

/* How much of the beginning of a skeleton is the same bytes in any text. */
static size_t steady_length(const struct draft *draft, size_t most)
{
    size_t length = 0;

    while (length < most && length < draft->length && draft->skeleton[length] != ' ')
        length++;
    return length;
}

static void note_key(struct compiler *c, const struct draft *draft, uint8_t *keys)
{
    const uint8_t *bytes = draft->skeleton;
    struct image_header *header = &c->header;
    size_t length = 0;
    uint64_t key = 0;

    if (bytes[0] >= 0x80) {
        length = character_size(bytes[0]);
    } else if (is_word_byte(bytes[0])) {
        while (length < draft->length && length < KEY_BYTES && is_word_byte(bytes[length]))
            length++;
        if (length == draft->length && length < KEY_BYTES && draft->entry.open_end)
            header->prefix_lengths |= (uint8_t)(1U << (length - 1));
    } else {
        length = 1;
        set_bit(header->signs, bytes[0]);
        header->any_sign = true;
    }
    memcpy(&key, bytes, length);
    set_bit(keys, hash_key(make_key(key, length), 64 - header->key_bits));

    if (draft->entry.open_start && bytes[0] < 0x80) {
        uint64_t inside = 0;
        memcpy(&inside, bytes, header->inside_length);
        set_bit(keys, hash_key(make_key(inside, header->inside_length), 64 - header->key_bits));
        header->any_inside = true;
        set_bit(header->first_bytes, bytes[0]);
        for (unsigned second = 0; second < 256; second++)
            if (draft->length == 1 || c->table[second] == bytes[1])
                for (unsigned first = 0; first < 256; first++)
                    if (c->table[first] == bytes[0])
                        set_bit(header->pairs, first | second << 8);
    }
}

/* Where a section of this size goes. */
static uint64_t place(struct image_header *header, size_t size)
{
    uint64_t at = header->length;

    header->length = (at + size + 63) & ~UINT64_C(63);
    return at;
}

static int write_image(struct compiler *c, const struct wordlist *list,
                       const struct image_source *sources, void **image)
{
    struct image_header *header = &c->header;

    header->source_count = (uint32_t)list->count;
    header->key_bits = 16;
    while (header->key_bits < 30 && UINT64_C(1) << header->key_bits < 64 * (uint64_t)c->draft_count)
        header->key_bits++;
    header->inside_length = 3;
    for (size_t i = 0; i < c->draft_count; i++)
        if (c->drafts[i].entry.open_start && c->drafts[i].skeleton[0] < 0x80)
            header->inside_length = (uint8_t)steady_length(&c->drafts[i], header->inside_length);
    header->length = (sizeof *header + 63) & ~UINT64_C(63);
    header->nodes = place(header, c->node_count * sizeof *c->nodes);
    header->firsts = place(header, c->node_count);
    header->entries = place(header, c->draft_count * sizeof(struct image_entry));
    header->sources = place(header, list->count * sizeof *sources);
    header->keys = place(header, (size_t)1 << (header->key_bits - 3));
    header->texts = place(header, c->texts.length);
    header->trails = place(header, header->trail_count * sizeof *c->trails);
    header->repeats = place(header, c->repeat_count * sizeof *c->repeats);

    uint8_t *bytes = aligned_alloc(64, (size_t)header->length);
    if (!bytes)
        return -ERR_MEMORY;
    memset(bytes, 0, (size_t)header->length);
    memcpy(bytes + header->nodes, c->nodes, c->node_count * sizeof *c->nodes);
    memcpy(bytes + header->firsts, c->firsts, c->node_count);
    for (size_t i = 0; i < c->draft_count; i++) {
        memcpy(bytes + header->entries + i * sizeof(struct image_entry), &c->drafts[i].entry,
               sizeof(struct image_entry));
        note_key(c, &c->drafts[i], bytes + header->keys);
    }
    if (list->count > 0)
        memcpy(bytes + header->sources, sources, list->count * sizeof *sources);
    if (c->texts.length > 0)
        memcpy(bytes + header->texts, c->texts.at, c->texts.length);
    memcpy(bytes + header->trails, c->trails, header->trail_count * sizeof *c->trails);
    memcpy(bytes + header->repeats, c->repeats, c->repeat_count * sizeof *c->repeats);
    matcher_seal(header);
    memcpy(bytes, header, sizeof *header);
    *image = bytes;
    return 0;
}

static int compile(struct compiler *c, const struct wordlist *list, struct image_source *sources,
                   void **image)
{
    int error = 0;

    for (size_t i = 0; i < list->count && !error; i++) {
        const struct wordlist_entry *entry = &list->entries[i];
        sources[i] = (struct image_source){
            .text = (uint32_t)c->texts.length,
            .length = entry->length,
            .file = entry->file,
            .line = entry->line,
            .severity = entry->severity,
        };
        error = add_bytes(&c->texts, entry->text, (size_t)entry->length + 1);
        if (!error)
            error = draft_entry(c, list, i);
    }
    if (error)
        return error;
    for (size_t i = 0; i < c->draft_count; i++)
        c->drafts[i].skeleton = c->texts.at + c->drafts[i].at;
    qsort(c->drafts, c->draft_count, sizeof *c->drafts, compare);
    error = build_tree(c);
    if (!error)
        error = build_trails(c);
    return error ? error : write_image(c, list, sources, image);
}

int matcher_open(const struct wordlist *list, enum matcher_level level, struct matcher **matcher)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < list->count; i++)
        bytes += list->entries[i].length;
    if (level > MATCHER_LOOSE || list->count > MAX_ENTRIES || bytes >= MAX_TEXT_BYTES)
        return -ERR_INVALID;

    struct compiler c = {.level = level};
    struct image_source *sources = calloc(list->count + 1, sizeof *sources);
    void *image = NULL;
    int error = -ERR_MEMORY;
    c.drafts = calloc(list->count + 1, sizeof *c.drafts);
    c.header.level = level;
    folding_table(level, c.table);
    folding_init(&c.folded);
    if (sources && c.drafts)
        error = compile(&c, list, sources, &image);
    free(sources);
    free(c.drafts);
    free(c.nodes);
    free(c.firsts);
    free(c.trails);
    free(c.repeats);
    free(c.texts.at);
    folding_clear(&c.folded);
    return error ? error : matcher_own(image, (size_t)c.header.length, matcher);
}
