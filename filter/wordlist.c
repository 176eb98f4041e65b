#include "wordlist.h"

#include "error.h"
#include "character.h"

#include <stdlib.h>
#include <string.h>
#include <unictype.h>
#include <unistr.h>

#define BYTE_ORDER_MARK 0xfeff

/* An entry is quoted in a message up to so many bytes. */
#define QUOTED_MAX_BYTES 60

struct span {
    const uint8_t *bytes;
    size_t length;
};

/* What an entry agrees in with another of the same text when one repeats the other. */
enum kind { KIND_OPEN_START = 1, KIND_OPEN_END = 2, KIND_ALLOWED = 4 };

/* The file that is being added, and where in it we are. */
struct reading {
    struct wordlist *list;
    struct why *why;
    const char *name;
    uint32_t file, line;
    char *room; /* for the text of the next entry */
};

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

/* ---- finding an entry ---- */

static unsigned kind_of(const struct wordlist_entry *entry)
{
    return (entry->open_start ? KIND_OPEN_START : 0u) | (entry->open_end ? KIND_OPEN_END : 0u) |
           (entry->allowed ? KIND_ALLOWED : 0u);
}

/* The slot of this entry, or the free one where it belongs. */
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

/* Makes room for one more entry. */
static int grow(struct wordlist *list)
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

/* ---- reading a line ---- */

/* How many bytes of a text a message quotes; whole characters. */
static int quoted(const void *text, size_t length)
{
    if (length > QUOTED_MAX_BYTES)
        for (length = QUOTED_MAX_BYTES; (((const uint8_t *)text)[length] & 0xc0) == 0x80;)
            length--;
    return (int)length;
}

static void warn(const struct wordlist *list, const struct why *warning)
{
    if (list->warnings.tell)
        list->warnings.tell(list->warnings.context, warning->text);
}

static bool is_control(ucs4_t character)
{
    /* Not uc_is_cntrl, which counts the line and paragraph separators in. */
    return uc_is_general_category_withtable(character, UC_CATEGORY_MASK_Cc);
}

/* Control characters are no white space here, whatever Unicode says, but for the tab: a form feed
 * or a lone carriage return between two words is a damaged file. */
static bool is_blank(ucs4_t character)
{
    return character == '\t' || (uc_is_property_white_space(character) && !is_control(character));
}

static struct span trim(struct span text)
{
    ucs4_t character;

    while (text.length > 0) {
        int size = u8_mbtouc(&character, text.bytes, text.length);
        if (!is_blank(character))
            break;
        text.bytes += size;
        text.length -= (size_t)size;
    }
    while (text.length > 0) {
        const uint8_t *last = u8_prev(&character, text.bytes + text.length, text.bytes);
        if (!last || !is_blank(character))
            break;
        text.length = (size_t)(last - text.bytes);
    }
    return text;
}

static int read_severity(const struct reading *reading, struct span text, int32_t *severity)
{
    int32_t number = 0;
    size_t i = 0;

    for (; i < text.length && text.bytes[i] >= '0' && text.bytes[i] <= '9'; i++)
        if (number <= WORDLIST_MAX_SEVERITY)
            number = number * 10 + (text.bytes[i] - '0');
    if (i < text.length || number > WORDLIST_MAX_SEVERITY)
        return error_set(reading->why, ERR_CONFIG,
                         "%s:%u: '%.*s' after the tab is not a severity; expected a whole number "
                         "from 0 to %d, and no tab inside a phrase",
                         reading->name, reading->line, quoted(text.bytes, text.length),
                         (const char *)text.bytes, WORDLIST_MAX_SEVERITY);
    *severity = number;
    return 0;
}

/* Whether the last byte is a star that no backslash makes ordinary. */
static bool ends_with_star(struct span text)
{
    size_t backslashes = 0;

    if (text.length == 0 || text.bytes[text.length - 1] != '*')
        return false;
    while (backslashes + 1 < text.length && text.bytes[text.length - 2 - backslashes] == '\\')
        backslashes++;
    return backslashes % 2 == 0;
}

/* Takes the ! and the stars off. */
static int read_ends(const struct reading *reading, struct span *text, struct wordlist_entry *entry)
{
    if (text->length > 0 && text->bytes[0] == '!') {
        entry->allowed = true;
        *text = trim((struct span){text->bytes + 1, text->length - 1});
    }
    if (text->length > 0 && text->bytes[0] == '*') {
        entry->open_start = true;
        text->bytes++;
        text->length--;
    }
    if (ends_with_star(*text)) {
        entry->open_end = true;
        text->length--;
    }
    if (trim(*text).length < text->length || (text->length > 0 && text->bytes[0] == '*') ||
        ends_with_star(*text))
        return error_set(
            reading->why, ERR_CONFIG,
            "%s:%u: a * that stands beside no word; expected one right before or after "
            "a word, or \\* for the character itself",
            reading->name, reading->line);
    return 0;
}

static bool can_be_escaped(uint8_t byte)
{
    return byte == '#' || byte == '!' || byte == '*' || byte == '\\';
}

/* Punctuation, marks and separators alone are rather a slip than something to look for. */
static bool says_something(ucs4_t character)
{
    return uc_is_general_category_withtable(character, UC_CATEGORY_MASK_L | UC_CATEGORY_MASK_N) ||
           character_is_picture(character);
}

/* Copies an entry's text to the room with its runs of white space made one space and its escapes resolved. */
static int read_text(const struct reading *reading, struct span raw, struct wordlist_entry *entry)
{
    char *text = reading->room;
    uint32_t length = 0;
    bool gap = false, is_said = false;

    if (raw.length > WORDLIST_ENTRY_MAX_BYTES)
        return error_set(reading->why, ERR_CONFIG,
                         "%s:%u: an entry of %zu bytes; expected at most %d", reading->name,
                         reading->line, raw.length, WORDLIST_ENTRY_MAX_BYTES);
    for (size_t i = 0; i < raw.length;) {
        ucs4_t character;
        if (raw.bytes[i] == '\\' && i + 1 < raw.length && can_be_escaped(raw.bytes[i + 1]))
            i++;
        size_t size = (size_t)u8_mbtouc(&character, raw.bytes + i, raw.length - i);
        if (is_blank(character)) {
            gap = true;
        } else if (is_control(character) || character == BYTE_ORDER_MARK) {
            return error_set(reading->why, ERR_CONFIG,
                             "%s:%u: control character U+%04X; expected one word or phrase a line",
                             reading->name, reading->line, (unsigned)character);
        } else {
            if (gap)
                text[length++] = ' ';
            gap = false;
            memcpy(text + length, raw.bytes + i, size);
            length += (uint32_t)size;
            is_said = is_said || says_something(character);
        }
        i += size;
    }
    if (!is_said)
        return error_set(
            reading->why, ERR_CONFIG,
            "%s:%u: an entry without a letter, digit or emoji; expected a word or phrase, or # "
            "before a comment",
            reading->name, reading->line);
    text[length] = '\0';
    entry->text = text;
    entry->length = length;
    return 0;
}

static int read_entry(const struct reading *reading, struct span line, struct wordlist_entry *entry)
{
    const uint8_t *tab = memchr(line.bytes, '\t', line.length);
    struct span text = line;
    int error = 0;

    *entry = (struct wordlist_entry){
        .file = reading->file, .line = reading->line, .severity = WORDLIST_DEFAULT_SEVERITY};
    if (tab) {
        size_t length = (size_t)(tab - line.bytes);
        text = trim((struct span){line.bytes, length});
        error = read_severity(reading, trim((struct span){tab + 1, line.length - length - 1}),
                              &entry->severity);
    }
    if (!error)
        error = read_ends(reading, &text, entry);
    return error ? error : read_text(reading, text, entry);
}

/* An entry that is there already leaves its severity if that is higher. Lists that are added up may well agree
 * in an entry; in one list it is told. */
static void repeat(const struct wordlist *list, struct wordlist_entry *first,
                   const struct wordlist_entry *again)
{
    struct why warning;

    error_set(&warning, ERR_CONFIG, "%s:%u: '%.*s' is there already, from line %u%s",
              list->files[again->file], again->line, quoted(again->text, again->length),
              again->text, first->line,
              again->severity == first->severity ? "" : "; the higher severity counts");
    if (again->file == first->file)
        warn(list, &warning);
    if (again->severity > first->severity)
        first->severity = again->severity;
}

static int add_line(struct reading *reading, struct span line)
{
    struct wordlist *list = reading->list;
    struct wordlist_entry entry;

    const uint8_t *bad = u8_check(line.bytes, line.length);
    if (bad)
        return error_set(reading->why, ERR_CONFIG,
                         "%s:%u: byte %td is not valid UTF-8; expected UTF-8 text", reading->name,
                         reading->line, bad - line.bytes + 1);
    if (line.length > 0 && line.bytes[line.length - 1] == '\r')
        line.length--;
    line = trim(line);
    if (line.length == 0 || line.bytes[0] == '#')
        return 0;
    int error = read_entry(reading, line, &entry);
    if (error)
        return error;
    if (!entry.allowed && entry.severity < list->min_severity)
        return 0;
    if (grow(list))
        return error_set(reading->why, ERR_MEMORY, "%s:%u: out of memory", reading->name,
                         reading->line);

    uint32_t *slot = find_slot(list, entry.text, entry.length, kind_of(&entry));
    if (*slot) {
        repeat(list, &list->entries[*slot - 1], &entry);
        return 0;
    }
    list->entries[list->count++] = entry;
    *slot = (uint32_t)list->count;
    reading->room += entry.length + 1;
    return 0;
}

/* ---- reading a file ---- */

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

    /* No entry is longer than its line, whose end makes room for the NUL; the last may have none. */
    files[count - 1] = strdup(name);
    blocks[count - 1] = malloc(length + 1);
    list->file_count = count;
    return files[count - 1] && blocks[count - 1] ? 0 : -ERR_MEMORY;
}

int wordlist_add(struct wordlist *list, const char *name, const char *bytes, size_t length,
                 struct why *why)
{
    struct span rest = {.bytes = (const uint8_t *)bytes, .length = length};

    if (length > UINT32_MAX)
        return error_set(why, ERR_CONFIG, "%s:1: a list of %zu bytes; expected less than 4 GiB",
                         name, length);
    if (begin_file(list, name, length))
        return error_set(why, ERR_MEMORY, "%s: out of memory", name);
    struct reading reading = {
        .list = list,
        .why = why,
        .name = name,
        .file = (uint32_t)list->file_count - 1,
        .room = list->blocks[list->file_count - 1],
    };
    if (rest.length >= 3 && memcmp(rest.bytes, "\ufeff", 3) == 0) {
        rest.bytes += 3;
        rest.length -= 3;
    }
    for (reading.line = 1; rest.length > 0; reading.line++) {
        const uint8_t *end = memchr(rest.bytes, '\n', rest.length);
        struct span line = {
            .bytes = rest.bytes,
            .length = end ? (size_t)(end - rest.bytes) : rest.length,
        };
        int error = add_line(&reading, line);
        if (error)
            return error;
        size_t taken = line.length + (end ? 1 : 0);
        rest.bytes += taken;
        rest.length -= taken;
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
                  list->files[entry->file], entry->line, quoted(entry->text, entry->length),
                  entry->text, list->files[cover->file], cover->line);
        warn(list, &warning);
    }
}
