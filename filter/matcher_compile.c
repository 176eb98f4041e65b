#include "matcher_compile.h"

#include "character.h"
#include "dotted_i.h"
#include "error.h"
#include "wordlist.h"

#include <stdlib.h>
#include <string.h>

#define MAX_ENTRIES    (UINT32_C(4) << 20)
#define MAX_TEXT_BYTES (UINT64_C(1) << 30)

static int append(struct texts *texts, const void *bytes, size_t length)
{
    if (texts->length + length > texts->capacity) {
        size_t capacity = 2 * (texts->length + length) + 4096;
        uint8_t *grown = realloc(texts->bytes, capacity);
        if (!grown)
            return -ERR_MEMORY;
        texts->bytes = grown;
        texts->capacity = capacity;
    }
    memcpy(texts->bytes + texts->length, bytes, length);
    texts->length += length;
    return texts->length < UINT32_MAX ? 0 : -ERR_INVALID;
}

/* Whether an entry that begins or ends with this character needs no boundary there: it is of a
 * script without spaces, or a picture. */
static bool stands_alone(uint32_t character)
{
    return character_class(character) == CLASS_UNSPACED || character_is_picture(character);
}

/* Sets which ends of an entry need no boundary. */
static void set_ends(const struct wordlist_entry *source, struct image_entry *entry)
{
    const uint8_t *text = (const uint8_t *)source->text;
    uint32_t character, last = 0;

    character_read(text, source->length, &character);
    entry->open_start =
        !character_continues(character) && (source->open_start || stands_alone(character));
    for (size_t at = 0; at < source->length;) {
        at += character_read(text + at, source->length - at, &character);
        if (!character_continues(character) && !character_is_invisible(character))
            last = character;
    }
    entry->open_end =
        source->open_end || stands_alone(last) || character_class(last) == CLASS_HANGUL;
}

/* Notes for MATCHER_EXACT which i the entry has. */
static int add_dots(struct compiler *compiler, const struct wordlist_entry *source,
                    struct image_entry *entry)
{
    const uint8_t *text = (const uint8_t *)source->text;
    size_t at = 0;
    unsigned may_be;

    entry->check = (uint32_t)compiler->texts.length;
    entry->skeleton_tells = true;
    while ((may_be = dotted_i_next(text, source->length, &at))) {
        /* A capital letter of the list is what it is in most languages. */
        uint8_t is = may_be & DOTTED_I_COMBINED ? DOTTED_I_COMBINED
                     : may_be & DOTTED_I_PLAIN  ? DOTTED_I_PLAIN
                                                : DOTTED_I_DOTLESS;
        entry->skeleton_tells &= is == DOTTED_I_PLAIN;
        int error = append(&compiler->texts, &is, 1);
        if (error)
            return error;
    }
    entry->check_length = (uint32_t)compiler->texts.length - entry->check;
    return 0;
}

/* The folded entry without the white space around it, which stands there when only something
 * invisible made it a part of the entry. */
static const uint8_t *trim(const struct folded *folded, size_t *length)
{
    const uint8_t *bytes = folded->bytes;

    for (*length = folded->length; *length > 0 && *bytes == ' '; --*length)
        bytes++;
    while (*length > 0 && bytes[*length - 1] == ' ')
        --*length;
    return bytes;
}

/* Adds the skeleton of a folded entry and, for MATCHER_LOOSE, the folded entry itself when it is
 * not the same: other entries may have that skeleton. */
static int add_skeleton(struct compiler *compiler, const uint8_t *bytes, size_t length,
                        struct draft *draft)
{
    const uint8_t *table = compiler->table;
    const bool is_loose = compiler->level == MATCHER_LOOSE;
    size_t before = 0, before_size = 0;
    bool has_space = false, is_ambiguous = false;
    int error = 0;

    draft->at = (uint32_t)compiler->texts.length;
    for (size_t at = 0, size; at < length && !error; before = at, before_size = size, at += size) {
        size = folded_size(bytes[at]);
        uint8_t plain = table[bytes[at]];
        bool repeats = is_loose && before_size == size &&
                       (size == 1 ? table[bytes[before]] == plain
                                  : memcmp(bytes + before, bytes + at, size) == 0);
        has_space |= plain == ' ';
        is_ambiguous |= repeats || plain != bytes[at] || plain == 'i';
        if (repeats)
            continue;
        error = append(&compiler->texts, size == 1 ? &plain : bytes + at, size);
        draft->entry.letters++;
    }
    draft->length = (uint32_t)(compiler->texts.length - draft->at);
    if (has_space)
        draft->entry.letters = 0;
    if (error || !is_loose)
        return error;
    draft->entry.skeleton_tells = !is_ambiguous;
    draft->entry.check_length = (uint32_t)length;
    if (!is_ambiguous) {
        draft->entry.check = draft->at;
        return 0;
    }
    draft->entry.check = (uint32_t)compiler->texts.length;
    return append(&compiler->texts, bytes, length);
}

/* For MATCHER_LOOSE: adds the entry once more, with ph for each f however often it is repeated. */
static int draft_with_ph(struct compiler *compiler, const uint8_t *bytes, size_t length,
                         const struct draft *plain)
{
    struct draft *draft = &compiler->drafts[compiler->draft_count];
    uint8_t *spelled = NULL;
    size_t written = 0;

    if (!memchr(bytes, 'f', length))
        return 0;
    if (!(spelled = malloc(2 * length)))
        return -ERR_MEMORY;
    for (size_t at = 0; at < length; at++) {
        if (bytes[at] != 'f') {
            spelled[written++] = bytes[at];
        } else if (at == 0 || bytes[at - 1] != 'f') {
            spelled[written++] = 'p';
            spelled[written++] = 'h';
        }
    }
    *draft = *plain;
    draft->entry.letters = 0;
    int error = add_skeleton(compiler, spelled, written, draft);
    compiler->draft_count += !error;
    free(spelled);
    return error;
}

static int draft_entry(struct compiler *compiler, const struct wordlist_entry *source,
                       uint32_t index)
{
    struct draft *draft = &compiler->drafts[compiler->draft_count];
    size_t length;

    *draft = (struct draft){
        .severity = source->severity,
        .entry = {.index = index, .allowed = source->allowed},
    };
    set_ends(source, &draft->entry);
    compiler->header.any_allowed |= source->allowed;
    int error = folding_fold(compiler->level, (const uint8_t *)source->text, source->length,
                             &compiler->folded);
    if (error)
        return error;
    const uint8_t *bytes = trim(&compiler->folded, &length);
    error = add_skeleton(compiler, bytes, length, draft);
    if (!error && compiler->level == MATCHER_EXACT)
        error = add_dots(compiler, source, &draft->entry);
    /* An entry of nothing but invisible characters matches nothing and is left out. */
    if (error || draft->length == 0)
        return error;
    compiler->draft_count++;
    return compiler->level == MATCHER_LOOSE ? draft_with_ph(compiler, bytes, length, draft) : 0;
}

static int add_entries(struct compiler *compiler, const struct wordlist *list)
{
    int error = 0;

    for (size_t i = 0; i < list->count && !error; i++) {
        const struct wordlist_entry *entry = &list->entries[i];
        compiler->sources[i] = (struct image_source){
            .text = (uint32_t)compiler->texts.length,
            .length = entry->length,
            .file = entry->file,
            .line = entry->line,
            .severity = entry->severity,
        };
        error = append(&compiler->texts, entry->text, (size_t)entry->length + 1);
        if (!error)
            error = draft_entry(compiler, entry, (uint32_t)i);
    }
    return error;
}

static int compare_drafts(const void *left, const void *right)
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

static void sort_drafts(struct compiler *compiler)
{
    for (size_t i = 0; i < compiler->draft_count; i++)
        compiler->drafts[i].skeleton = compiler->texts.bytes + compiler->drafts[i].at;
    qsort(compiler->drafts, compiler->draft_count, sizeof *compiler->drafts, compare_drafts);
}

static void clear(struct compiler *compiler)
{
    folding_clear(&compiler->folded);
    free(compiler->texts.bytes);
    free(compiler->sources);
    free(compiler->drafts);
    free(compiler->nodes);
    free(compiler->firsts);
    free(compiler->trails);
    free(compiler->repeats);
}

int matcher_compile(const struct wordlist *list, enum matcher_level level, void **image,
                    size_t *length)
{
    struct compiler compiler = {.level = level, .source_count = list->count};
    uint64_t bytes = 0;

    for (size_t i = 0; i < list->count; i++)
        bytes += list->entries[i].length;
    if (list->count > MAX_ENTRIES || bytes >= MAX_TEXT_BYTES)
        return -ERR_INVALID;

    compiler.header.level = level;
    folding_table(level, compiler.table);
    folding_init(&compiler.folded);
    compiler.sources = calloc(list->count + 1, sizeof *compiler.sources);
    compiler.drafts = calloc(2 * list->count + 1, sizeof *compiler.drafts);
    int error = -ERR_MEMORY;
    if (compiler.sources && compiler.drafts)
        error = add_entries(&compiler, list);
    if (!error) {
        sort_drafts(&compiler);
        error = matcher_tree_build(&compiler);
    }
    if (!error)
        error = matcher_image_write(&compiler, image);
    *length = (size_t)compiler.header.length;
    clear(&compiler);
    return error;
}
