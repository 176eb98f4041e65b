/* time_filter.c - how fast the filter reads and rewrites texts. filter_speed runs it.
 *
 * time_filter make SEED WORDS EVERY BYTES LISTFILE TEXTFILE
 *     writes a list of made-up words, and a text that has one of them every so many bytes
 * time_filter run LEVEL LISTFILE TEXTFILE ROUNDS
 *     prints, tab-separated: seconds to compile, spans, and for each round the GB/s of finding the
 *     spans and censoring the text, in events of 4 kB */
#include "clock.h"
#include "error.h"
#include "filter/censor.h"
#include "filter/list_files.h"
#include "filter/matcher.h"
#include "filter/wordlist.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

static uint64_t state;

static uint64_t draw(uint64_t below)
{
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (state >> 33) % below;
}

/* A word like those of European languages. */
static size_t make_word(char *word, unsigned syllables)
{
    static const char *const onsets[] = {"b", "c", "d", "f", "g", "h",  "l",  "m",  "n",
                                         "p", "r", "s", "t", "v", "st", "tr", "th", ""};
    static const char *const vowels[] = {"a", "e", "i", "o", "u", "ea", "ou", "e", "a"};
    static const char *const codas[] = {"", "", "", "n", "r", "s", "t", "l", "nd"};
    size_t length = 0;

    for (unsigned i = 0; i < syllables; i++)
        length += (size_t)sprintf(word + length, "%s%s%s", onsets[draw(18)], vowels[draw(9)],
                                  codas[draw(9)]);
    return length;
}

static int make(char **argv)
{
    size_t count = strtoul(argv[3], NULL, 10), every = strtoul(argv[4], NULL, 10);
    size_t bytes = strtoul(argv[5], NULL, 10), written = 0, since = 0;
    FILE *list = fopen(argv[6], "w"), *text = fopen(argv[7], "w");
    char(*words)[64] = calloc(count, sizeof *words), (*common)[64] = calloc(4096, sizeof *common);

    if (!list || !text || !words || !common)
        return EX_CANTCREAT;
    state = strtoul(argv[2], NULL, 10);
    /* The list's words have a letter that no other has. */
    for (size_t i = 0; i < count; i++) {
        size_t length = make_word(words[i], 1 + (unsigned)draw(3));
        words[i][draw(length + 1)] = i % 2 ? 'k' : 'z';
        if (strlen(words[i]) < 3)
            strcat(words[i], "kz");
        fprintf(list, "%s\n", words[i]);
    }
    for (size_t i = 0; i < 4096; i++)
        make_word(common[i], 1 + (unsigned)draw(i < 64 ? 1 : i < 512 ? 2 : 3));
    while (written < bytes) {
        /* Few words make up most of a text. */
        const char *word = common[draw(draw(draw(4096) + 1) + 1)];
        if (since >= every) {
            word = words[draw(count)];
            since = 0;
        }
        unsigned mark = (unsigned)draw(60);
        int size = fprintf(text, "%s%s", word, mark == 0 ? ".\n" : mark < 6 ? ", " : " ");
        written += (size_t)size;
        since += (size_t)size;
    }
    return fclose(list) || fclose(text) ? EX_IOERR : EX_OK;
}

/* Events are not megabytes long. */
#define EVENT_BYTES 4096

static int run(char **argv)
{
    static const char *const levels[] = {"exact", "folded", "loose"};
    struct list_files files;
    struct wordlist list;
    struct matcher *matcher = NULL;
    struct matcher_spans spans;
    struct censor_mask mask = {.text = CENSOR_DEFAULT_TEXT};
    struct censor_result result;
    unsigned level = 0;
    size_t found = 0;

    while (level < 2 && strcmp(levels[level], argv[2]) != 0)
        level++;
    wordlist_init(&list);
    matcher_spans_init(&spans);
    censor_result_init(&result);
    if (list_files_read((const char *const *)argv + 3, 2, SIZE_MAX, &files, NULL) != 0 ||
        wordlist_add(&list, argv[3], files.items[0].bytes, files.items[0].length, NULL) != 0)
        return EX_NOINPUT;
    const char *text = files.items[1].bytes;
    const size_t text_length = files.items[1].length;
    int64_t begin = clock_cpu_ns();
    if (matcher_open(&list, (enum matcher_level)level, &matcher) != 0)
        return EX_OSERR;
    double compile_s = (double)(clock_cpu_ns() - begin) / 1e9;
    long rounds = strtol(argv[5], NULL, 10);
    for (long round = 0; round < rounds; round++) {
        found = 0;
        begin = clock_cpu_ns();
        for (size_t at = 0; at < text_length; at += EVENT_BYTES) {
            size_t length = text_length - at < EVENT_BYTES ? text_length - at : EVENT_BYTES;
            if (matcher_find(matcher, text + at, length, &spans) != 0 ||
                censor_apply(&mask, text + at, length, spans.items, spans.count, &result) != 0)
                return EX_OSERR;
            found += spans.count;
        }
        double seconds = (double)(clock_cpu_ns() - begin) / 1e9;
        if (round == 0)
            printf("%.6f\t%zu", compile_s, found);
        printf("\t%.3f", (double)text_length / seconds / 1e9);
    }
    putchar('\n');
    matcher_spans_clear(&spans);
    censor_result_clear(&result);
    matcher_close(matcher);
    wordlist_clear(&list);
    list_files_clear(&files);
    return EX_OK;
}

int main(int argc, char **argv)
{
    if (argc == 8 && strcmp(argv[1], "make") == 0)
        return make(argv);
    if (argc == 6 && strcmp(argv[1], "run") == 0)
        return run(argv);
    return EX_USAGE;
}
