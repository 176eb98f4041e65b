#include "wordlist.h"

#include "error.h"
#include "wordlist_syntax.h"

#include <stdlib.h>
#include <string.h>

/* Two entries of one text are the same only when they are of one kind. */
enum kind { KIND_OPEN_START = 1, KIND_OPEN_END = 2, KIND_ALLOWED = 4 };

void wordlist_init(struct wordlist *list)
{
    *list = (struct wordlist){0};
}

void wordlist_clear(struct wordlist *list)
{
    for (size_t i = 0; i < list->file_count; i++) {
        free(list->files[i]);
        free(list->blocks[i]);
    }
    free(list->files);
    free(list->blocks);
    free(list->entries);
    free(list->slots);
    wordlist_init(list);
}

static void warn(const struct wordlist *list, const struct why *warning)
{
    if (list->warnings.tell)
        list->warnings.tell(list->warnings.context, warning->text);
}

/* ---- finding an entry ---- */

static unsigned kind_of(const struct wordlist_entry *entry)
{
    return (entry->open_start ? KIND_OPEN_START : 0u) | (entry->open_end ? KIND_OPEN_END : 0u) |
           (entry->allowed ? KIND_ALLOWED : 0u);
}

/* The slot of the entry with this text and kind, or the free one where it belongs. */
static uint32_t *find_slot(const struct wordlist *list, const char *text, size_t length,
                           unsigned kind)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325) + kind;

    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (uint8_t)text[i]) * UINT64_C(0x100000001b3);
    for (size_t i = hash ^ hash >> 32;; i++) {
        uint32_t *slot = &list->slots[i & (list->slot_count - 1)];
        if (*slot == 0)
            return slot;
        const struct wordlist_entry *entry = &list->entries[*slot - 1];
        if (entry->length == length && kind_of(entry) == kind &&
            memcmp(entry->text, text, length) == 0)
            return slot;
    }
}

/* Makes place for one more entry. */
static int reserve_entry(struct wordlist *list)
{
    if (list->count < list->capacity)
        return 0;

    size_t capacity = list->capacity ? 2 * list->capacity : 64;
    if (capacity > UINT32_MAX / 2)
        return -ERR_MEMORY;
    struct wordlist_entry *entries = realloc(list->entries, capacity * sizeof *entries);
    if (!entries)
        return -ERR_MEMORY;
    list->entries = entries;
    list->capacity = capacity;

    uint32_t *slots = calloc(2 * capacity, sizeof *slots);
    if (!slots)
        return -ERR_MEMORY;
    free(list->slots);
    list->slots = slots;
    list->slot_count = 2 * capacity;
    for (size_t i = 0; i < list->count; i++) {
        const struct wordlist_entry *entry = &list->entries[i];
        *find_slot(list, entry->text, entry->length, kind_of(entry)) = (uint32_t)i + 1;
    }
    return 0;
}

/* ---- adding a file ---- */

/* Raises the severity of an entry to that of its repetition. Different lists may well agree in an
 * entry; within one list a repetition is worth a warning. */
static void repeat(const struct wordlist *list, struct wordlist_entry *first,
                   const struct wordlist_entry *again)
{
    struct why warning;

    error_set(&warning, ERR_CONFIG, "%s:%u: '%.*s' is there already, from line %u%s",
              list->files[again->file], again->line,
              wordlist_syntax_quoted_length(again->text, again->length), again->text, first->line,
              again->severity == first->severity ? "" : "; the higher severity counts");
    if (again->file == first->file)
        warn(list, &warning);
    if (again->severity > first->severity)
        first->severity = again->severity;
}

/* Adds the entry of a line to the file that was begun last. *text is where its text goes, and is
 * then behind it. */
static int add_line(struct wordlist *list, const struct wordlist_line *line, char **text,
                    struct why *why)
{
    struct wordlist_entry entry;

    int found = wordlist_syntax_read(line, *text, &entry, why);
    if (found <= 0 || (!entry.allowed && entry.severity < list->min_severity))
        return found < 0 ? found : 0;
    if (reserve_entry(list))
        return error_set(why, ERR_MEMORY, "%s:%u: out of memory", line->name, line->number);

    entry.file = (uint32_t)list->file_count - 1;
    uint32_t *slot = find_slot(list, entry.text, entry.length, kind_of(&entry));
    if (*slot) {
        repeat(list, &list->entries[*slot - 1], &entry);
        return 0;
    }
    list->entries[list->count++] = entry;
    *slot = (uint32_t)list->count;
    *text += entry.length + 1;
    return 0;
}

static int begin_file(struct wordlist *list, const char *name, size_t length)
{
    size_t count = list->file_count + 1;

    char **files = realloc(list->files, count * sizeof *files);
    if (!files)
        return -ERR_MEMORY;
    list->files = files;
    char **blocks = realloc(list->blocks, count * sizeof *blocks);
    if (!blocks)
        return -ERR_MEMORY;
    list->blocks = blocks;

    /* No text is longer than its line, and its NUL takes the place of the line's end. The last line
     * may have none. */
    files[count - 1] = strdup(name);
    blocks[count - 1] = malloc(length + 1);
    list->file_count = count;
    return files[count - 1] && blocks[count - 1] ? 0 : -ERR_MEMORY;
}

int wordlist_add(struct wordlist *list, const char *name, const char *bytes, size_t length,
                 struct why *why)
{
    if (length > UINT32_MAX)
        return error_set(why, ERR_CONFIG, "%s:1: a list of %zu bytes; expected less than 4 GiB",
                         name, length);
    if (begin_file(list, name, length))
        return error_set(why, ERR_MEMORY, "%s: out of memory", name);

    struct wordlist_line line = {.name = name, .number = 1, .bytes = (const uint8_t *)bytes};
    char *text = list->blocks[list->file_count - 1];
    if (length >= 3 && memcmp(bytes, "\ufeff", 3) == 0) {
        line.bytes += 3;
        length -= 3;
    }
    for (; length > 0; line.number++) {
        const uint8_t *end = memchr(line.bytes, '\n', length);
        line.length = end ? (size_t)(end - line.bytes) : length;
        list->line = line.number;
        int error = add_line(list, &line, &text, why);
        if (error)
            return error;
        size_t taken = line.length + (end ? 1 : 0);
        line.bytes += taken;
        length -= taken;
    }
    return 0;
}

/* ---- what can never match ---- */

/* The allowed entry of the same text that reaches as far at both ends, or NULL. */
static const struct wordlist_entry *find_cover(const struct wordlist *list,
                                               const struct wordlist_entry *entry)
{
    unsigned own = kind_of(entry) | KIND_ALLOWED;

    for (unsigned kind = KIND_ALLOWED; kind < 2 * KIND_ALLOWED; kind++) {
        uint32_t slot =
            (kind & own) == own ? *find_slot(list, entry->text, entry->length, kind) : 0;
        if (slot)
            return &list->entries[slot - 1];
    }
    return NULL;
}

void wordlist_check(const struct wordlist *list)
{
    bool any_allowed = false;

    for (size_t i = 0; i < list->count && !any_allowed; i++)
        any_allowed = list->entries[i].allowed;
    for (size_t i = 0; any_allowed && i < list->count; i++) {
        const struct wordlist_entry *entry = &list->entries[i];
        const struct wordlist_entry *cover = entry->allowed ? NULL : find_cover(list, entry);
        struct why warning;
        if (!cover)
            continue;
        error_set(&warning, ERR_CONFIG, "%s:%u: '%.*s' can never match: %s:%u allows it",
                  list->files[entry->file], entry->line,
                  wordlist_syntax_quoted_length(entry->text, entry->length), entry->text,
                  list->files[cover->file], cover->line);
        warn(list, &warning);
    }
}
