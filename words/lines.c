#include "lines.h"

#include "buffer.h"
#include "filter/wordlist.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A tab, the digits of a severity, a newline, and the NUL of snprintf. */
#define BEHIND_SIZE 16

void lines_clear(struct lines *lines)
{
    free(lines->bytes);
    *lines = (struct lines){0};
}

int lines_add(struct lines *lines, const struct lines_entry *entry)
{
    if (!buffer_reserve(&lines->bytes, &lines->capacity,
                        lines->length + entry->length + BEHIND_SIZE))
        return -ERR_MEMORY;
    memcpy(lines->bytes + lines->length, entry->text, entry->length);
    lines->length += entry->length;
    lines->length +=
        (size_t)snprintf(lines->bytes + lines->length, BEHIND_SIZE, "\t%d\n", (int)entry->severity);
    lines->count++;
    return 0;
}

int lines_add_line(struct lines *lines, const char *line, size_t length)
{
    if (!buffer_reserve(&lines->bytes, &lines->capacity, lines->length + length + 1))
        return -ERR_MEMORY;
    memcpy(lines->bytes + lines->length, line, length);
    lines->bytes[lines->length + length] = '\n';
    lines->length += length + 1;
    lines->count++;
    return 0;
}

int lines_compare(const struct lines_entry *a, const struct lines_entry *b)
{
    size_t common = a->length < b->length ? a->length : b->length;
    int order = common ? memcmp(a->text, b->text, common) : 0;

    return order ? order : (a->length > b->length) - (a->length < b->length);
}

bool lines_next(const struct lines *lines, size_t *at, struct lines_entry *entry)
{
    if (*at >= lines->length)
        return false;
    const char *begin = lines->bytes + *at;
    const char *tab = memchr(begin, '\t', lines->length - *at);
    char *end;

    entry->text = begin;
    entry->length = (size_t)(tab - begin);
    entry->severity = (int32_t)strtol(tab + 1, &end, 10);
    *at = (size_t)(end + 1 - lines->bytes);
    return true;
}

bool lines_is_insult(const struct lines_entry *entry)
{
    return entry->text[0] != '!';
}

/* ---- from the text of a list ---- */

static void count_repeated(void *context, const char *text)
{
    size_t *repeated = context;

    (void)text;
    ++*repeated;
}

static int add_all(struct lines *lines, const struct wordlist *list)
{
    char written[WORDLIST_WRITTEN_SIZE];
    int error = 0;

    for (size_t i = 0; !error && i < list->count; i++) {
        const struct wordlist_entry *entry = &list->entries[i];
        size_t length = wordlist_write_entry(entry, written);
        error = lines_add(lines, &(struct lines_entry){written, length, entry->severity});
    }
    return error;
}

/* wordlist_add puts "NAME:LINE: " before its reason; the fault has the line beside it. */
static void take_fault(struct lines_fault *fault, const char *name, uint32_t line)
{
    char head[32];
    size_t length = (size_t)snprintf(head, sizeof head, "%s:%u: ", name, line);
    char *text = fault->why.text;

    fault->line = line;
    if (strncmp(text, head, length) == 0)
        memmove(text, text + length, strlen(text + length) + 1);
}

int lines_read(struct lines *lines, const char *text, size_t length, size_t *repeated,
               struct lines_fault *fault)
{
    static const char name[] = "line";
    struct wordlist list;

    wordlist_init(&list);
    list.warnings.tell = count_repeated;
    list.warnings.context = repeated;
    *repeated = 0;
    *fault = (struct lines_fault){0};
    int error = wordlist_add(&list, name, text, length, &fault->why);
    if (error == -ERR_CONFIG) {
        take_fault(fault, name, list.line);
        error = -ERR_INVALID;
    } else if (!error) {
        error = add_all(lines, &list);
    }
    wordlist_clear(&list);
    return error;
}
