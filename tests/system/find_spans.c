/* find_spans.c - what the matcher finds: find_spans LEVEL WORDS... <TEXTS. Each text ends with a
 * NUL; for each it prints a line with the start, length and entry of every span. */
#include "error.h"
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

static void add_file(struct wordlist *list, const char *path)
{
    size_t length = 0;
    struct why why = {0};
    FILE *file = fopen(path, "r");
    char *bytes = file ? read_all(file, &length) : NULL;

    if (!bytes || wordlist_add(list, path, bytes, length, &why) != 0) {
        fprintf(stderr, "find_spans: %s: %s\n", path, why.text);
        exit(EX_DATAERR);
    }
    fclose(file);
    free(bytes);
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
    for (int i = 2; i < argc; i++)
        add_file(&list, argv[i]);
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
