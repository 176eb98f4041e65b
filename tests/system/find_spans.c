/* find_spans.c - what the matcher finds, for the tests: find_spans LEVEL WORDS... <TEXTS
 *
 * WORDS are files of word lists. Each of the texts ends with a NUL, and a line of the output
 * belongs to it: start, length and entry of every span. */
#include "error.h"
#include "filter/list_files.h"
#include "filter/matcher.h"
#include "filter/wordlist.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

static char *read_all(FILE *file, size_t *length)
{
    size_t capacity = 1 << 16;
    char *bytes = malloc(capacity);

    *length = 0;
    while (bytes) {
        *length += fread(bytes + *length, 1, capacity - *length, file);
        if (*length < capacity)
            break;
        capacity *= 2;
        bytes = realloc(bytes, capacity);
    }
    return bytes;
}

static void add_files(struct wordlist *list, const char *const *paths, size_t count)
{
    struct list_files files;
    struct why why = {0};
    int error = list_files_read(paths, count, SIZE_MAX, &files, &why);

    for (size_t i = 0; i < count && !error; i++) {
        const struct list_file *file = &files.items[i];
        error = wordlist_add(list, file->name, file->bytes, file->length, &why);
    }
    if (error) {
        fprintf(stderr, "find_spans: %s\n", why.text);
        exit(EX_DATAERR);
    }
    list_files_clear(&files);
}

int main(int argc, char **argv)
{
    static const char *const levels[] = {"exact", "folded", "loose"};
    unsigned level = 0;
    struct wordlist list;
    struct matcher *matcher;
    struct matcher_spans spans;
    size_t length;

    while (argc > 2 && level < 3 && strcmp(argv[1], levels[level]) != 0)
        level++;
    if (argc < 3 || level == 3)
        return EX_USAGE;
    wordlist_init(&list);
    add_files(&list, (const char *const *)argv + 2, (size_t)argc - 2);
    if (matcher_open(&list, (enum matcher_level)level, &matcher) != 0)
        return EX_OSERR;
    wordlist_clear(&list);
    matcher_spans_init(&spans);
    char *texts = read_all(stdin, &length);
    for (size_t at = 0; texts && at < length;) {
        size_t size = strnlen(texts + at, length - at);
        if (matcher_find(matcher, texts + at, size, &spans) != 0)
            return EX_OSERR;
        for (size_t i = 0; i < spans.count; i++)
            printf("%s%zu %zu %u", i ? ", " : "", spans.items[i].start, spans.items[i].length,
                   spans.items[i].entry);
        putchar('\n');
        at += size + 1;
    }
    free(texts);
    matcher_spans_clear(&spans);
    matcher_close(matcher);
    return 0;
}
