#include "filtering.h"

#include "cache.h"
#include "default_words.h"
#include "log.h"
#include "options.h"
#include "version.h"
#include "wordlist.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A list made for something else may be one complaint a line. */
#define MAX_WARNINGS 5

/* ---- options ---- */

enum {
    KEY_WORDS = 0x400, /* beside each program's own */
    KEY_MATCH,
    KEY_MIN_SEVERITY,
    KEY_MASK,
    KEY_MASK_CHAR,
    KEY_MASK_KEEP_FIRST,
};

static const struct argp_option option_table[] = {
    {NULL, 0, NULL, 0, "Filtering:", 1},
    {"words", KEY_WORDS, "FILE", 0,
     "Word list, one word or phrase a line; give it again to add up several (default: the built-in "
     "Catalan, "
     "Spanish and English lists)",
     1},
    {"match", KEY_MATCH, "LEVEL", 0,
     "How alike text and entry must be: exact, folded or loose; none looks for nothing, to measure "
     "what the "
     "filter costs (default: exact)",
     1},
    {"min-severity", KEY_MIN_SEVERITY, "N", 0,
     "Leave out entries of a lower severity (default: 0, none)", 1},
    {"mask", KEY_MASK, "TEXT", 0, "What replaces a match (default: " CENSOR_DEFAULT_TEXT ")", 1},
    {"mask-char", KEY_MASK_CHAR, "CHARACTER", 0,
     "Replace each character of a match but white space by this one, instead of --mask", 1},
    {"mask-keep-first", KEY_MASK_KEEP_FIRST, NULL, 0,
     "With --mask-char: leave the first character of a match", 1},
    {0}};

void filtering_settings_init(struct filtering_settings *settings)
{
    *settings = (struct filtering_settings){.level = MATCHER_EXACT};
}

void filtering_add_file(struct filtering_settings *settings, char *path, struct argp_state *state)
{
    if (settings->file_count == FILTERING_MAX_FILES)
        argp_error(state, "--words: at most %d files are possible", FILTERING_MAX_FILES);
    settings->files[settings->file_count++] = path;
}

static void parse_level(struct filtering_settings *settings, const char *text,
                        struct argp_state *state)
{
    settings->off = strcmp(text, "none") == 0;
    if (strcmp(text, "folded") == 0)
        settings->level = MATCHER_FOLDED;
    else if (strcmp(text, "loose") == 0)
        settings->level = MATCHER_LOOSE;
    else if (strcmp(text, "exact") == 0 || settings->off)
        settings->level = MATCHER_EXACT;
    else
        argp_error(state, "--match: '%s' is not a level; expected exact, folded, loose or none",
                   text);
}

/* What does not go together is named. */
static void check_masks(struct filtering_settings *settings, struct argp_state *state)
{
    struct censor_mask *mask = &settings->mask;

    if (mask->text && mask->character)
        argp_error(state, "--mask and --mask-char contradict each other; expected one of them");
    if (mask->keep_first && !mask->character)
        argp_error(state, "--mask-keep-first: expected --mask-char beside it");
    if (!mask->text)
        mask->text = CENSOR_DEFAULT_TEXT;
    if (censor_check(mask)) {
        if (mask->character)
            argp_error(state, "--mask-char: '%s' is not one character; expected one, in UTF-8",
                       mask->character);
        argp_error(state, "--mask: '%s' is not valid UTF-8", mask->text);
    }
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    struct filtering_settings *settings = state->input;

    switch (key) {
    case KEY_WORDS:
        filtering_add_file(settings, argument, state);
        return 0;
    case KEY_MATCH:
        parse_level(settings, argument, state);
        return 0;
    case KEY_MIN_SEVERITY:
        settings->min_severity =
            (int32_t)options_count(state, "--min-severity", argument, 0, WORDLIST_MAX_SEVERITY);
        return 0;
    case KEY_MASK:
        settings->mask.text = argument;
        return 0;
    case KEY_MASK_CHAR:
        settings->mask.character = argument;
        return 0;
    case KEY_MASK_KEEP_FIRST:
        settings->mask.keep_first = true;
        return 0;
    case ARGP_KEY_END:
        check_masks(settings, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp filtering_argp = {option_table, parse_option, NULL, NULL, NULL, NULL, NULL};

/* ---- lists ---- */

struct list {
    const char *name;
    const char *bytes;
    char *own; /* to be freed */
    size_t length;
};

struct lists {
    struct list items[FILTERING_MAX_FILES];
    size_t count;
};

struct filtering {
    const struct filtering_settings *settings;
    struct matcher *matcher; /* NULL: off */
    struct cache_image image;
};

/* Reads a whole file; *bytes is for the caller to free. */
static int read_file(const char *path, char **bytes, size_t *length, struct why *why)
{
    char *buffer = NULL;
    size_t capacity = 0, used = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = -1;

    while (fd >= 0) {
        if (used == capacity) {
            capacity = capacity ? capacity * 2 : 65536;
            char *grown = realloc(buffer, capacity);
            if (!grown) {
                got = -1;
                break;
            }
            buffer = grown;
        }
        got = read(fd, buffer + used, capacity - used);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        used += (size_t)got;
    }
    int error = got < 0 ? error_set(why, ERR_CONFIG, "cannot read the word list '%s': %s", path,
                                    strerror(errno))
                        : 0;
    if (fd >= 0)
        close(fd);
    if (error) {
        free(buffer);
        return error;
    }
    *bytes = buffer;
    *length = used;
    return 0;
}

static int read_lists(const struct filtering_settings *settings, struct lists *lists,
                      struct why *why)
{
    int error = 0;

    lists->count = 0;
    for (size_t i = 0; !error && i < settings->file_count; i++) {
        struct list *list = &lists->items[i];
        *list = (struct list){.name = settings->files[i]};
        error = read_file(list->name, &list->own, &list->length, why);
        list->bytes = list->own;
        lists->count++;
    }
    for (size_t i = 0; !settings->file_count && i < default_words_count; i++)
        lists->items[lists->count++] = (struct list){.name = default_words[i].name,
                                                     .bytes = default_words[i].bytes,
                                                     .length = default_words[i].length};
    return error;
}

static void forget_lists(struct lists *lists)
{
    for (size_t i = 0; i < lists->count; i++)
        free(lists->items[i].own);
}

struct warnings {
    size_t told;
};

static void tell(void *context, const char *text)
{
    struct warnings *warnings = context;

    if (warnings->told++ < MAX_WARNINGS)
        log_event(LOG_WARN, "word_list", "why=\"%s\"", text);
}

static int compile(const struct filtering_settings *settings, const struct lists *lists,
                   struct matcher **matcher, struct why *why)
{
    struct warnings warnings = {0};
    struct wordlist list;
    int error = 0;

    wordlist_init(&list);
    list.min_severity = settings->min_severity;
    list.warnings = (struct wordlist_warnings){tell, &warnings};
    for (size_t i = 0; !error && i < lists->count; i++)
        error = wordlist_add(&list, lists->items[i].name, lists->items[i].bytes,
                             lists->items[i].length, why);
    if (!error && list.count == 0)
        error = error_set(
            why, ERR_CONFIG,
            "the word list '%s' has no entry of severity %d or more; expected one word or phrase "
            "a line, or --match none",
            lists->items[0].name, settings->min_severity);
    if (!error) {
        wordlist_check(&list);
        if (warnings.told > MAX_WARNINGS)
            log_event(LOG_WARN, "word_list", "why=\"and %zu more of this kind\"",
                      warnings.told - MAX_WARNINGS);
        error = matcher_open(&list, settings->level, matcher);
        if (error)
            error_set(why, ERR_MEMORY, "cannot compile the word list: %s", error_text(error));
    }
    wordlist_clear(&list);
    return error;
}

/* ---- compiled or mapped ---- */

/* All that the compiled form depends on: the lists, how they are compiled, and the program that does it. */
static struct cache_key key_of(const struct filtering_settings *settings, const struct lists *lists)
{
    struct cache_key key = {0};
    struct stat program = {0};

    cache_key_add(&key, WINNOW_VERSION, strlen(WINNOW_VERSION));
    /* A program built anew has a file of its own, whether or not its version says so. */
    (void)stat("/proc/self/exe", &program);
    cache_key_add(&key, &program.st_mtim, sizeof program.st_mtim);
    cache_key_add(&key, &program.st_size, sizeof program.st_size);
    cache_key_add(&key, &settings->level, sizeof settings->level);
    cache_key_add(&key, &settings->min_severity, sizeof settings->min_severity);
    for (size_t i = 0; i < lists->count; i++)
        cache_key_add(&key, lists->items[i].bytes, lists->items[i].length);
    return key;
}

static bool map(struct filtering *filtering, const struct cache *cache, struct cache_key key)
{
    struct why why;

    if (cache_map(cache, key, &filtering->image, &why)) {
        if (why.text[0])
            log_event(LOG_WARN, "cache_not_used", "why=\"%s\"", why.text);
        return false;
    }
    if (!matcher_from_image(filtering->image.bytes, filtering->image.length, &filtering->matcher))
        return true;
    log_event(LOG_WARN, "cache_not_used", "why=\"it holds no compiled list of this version\"");
    cache_unmap(&filtering->image);
    return false;
}

/* Compiles the lists, and keeps them for whoever comes after; then this process uses what is shared, too. */
static int compile_and_keep(struct filtering *filtering, const struct lists *lists,
                            const struct cache *cache, struct cache_key key, struct why *why)
{
    struct matcher *matcher = NULL;
    const void *bytes;
    size_t length;
    struct why reason;

    int error = compile(filtering->settings, lists, &matcher, why);
    if (error)
        return error;
    matcher_image(matcher, &bytes, &length);
    if (cache_keep(cache, key, bytes, length, &reason))
        log_event(LOG_WARN, "cache_not_used", "why=\"%s\"", reason.text);
    else if (map(filtering, cache, key)) {
        matcher_close(matcher);
        return 0;
    }
    filtering->matcher = matcher;
    return 0;
}

static int obtain(struct filtering *filtering, const struct lists *lists, struct why *why)
{
    struct cache_key key = key_of(filtering->settings, lists);
    struct cache *cache;
    struct why reason;
    int error = 0, lock;

    if (cache_open(&cache, &reason)) {
        log_event(LOG_WARN, "cache_not_used", "why=\"%s\"", reason.text);
        return compile(filtering->settings, lists, &filtering->matcher, why);
    }
    if (!map(filtering, cache, key)) {
        if (cache_lock(cache, key, &lock, &reason)) {
            log_event(LOG_WARN, "cache_not_used", "why=\"%s\"", reason.text);
            error = compile(filtering->settings, lists, &filtering->matcher, why);
        } else {
            if (!map(filtering, cache, key))
                error = compile_and_keep(filtering, lists, cache, key, why);
            cache_unlock(cache, key, lock);
        }
    }
    cache_close(cache);
    return error;
}

int filtering_open(const struct filtering_settings *settings, struct filtering **out,
                   struct why *why)
{
    struct filtering *filtering = calloc(1, sizeof *filtering);
    struct lists *lists = calloc(1, sizeof *lists);
    int error = filtering && lists ? 0 : error_set(why, ERR_MEMORY, "out of memory");

    if (!error) {
        filtering->settings = settings;
        if (!settings->off)
            error = read_lists(settings, lists, why);
        if (!error && !settings->off)
            error = obtain(filtering, lists, why);
        forget_lists(lists);
    }
    free(lists);
    if (error)
        free(filtering);
    else
        *out = filtering;
    return error;
}

void filtering_close(struct filtering *filtering)
{
    if (!filtering)
        return;
    matcher_close(filtering->matcher);
    cache_unmap(&filtering->image);
    free(filtering);
}

size_t filtering_entries(const struct filtering *filtering)
{
    return filtering->matcher ? matcher_entry_count(filtering->matcher) : 0;
}

struct matcher_entry filtering_entry(const struct filtering *filtering, uint32_t index,
                                     const char **file)
{
    struct matcher_entry entry = matcher_entry(filtering->matcher, index);

    *file = filtering->settings->file_count ? filtering->settings->files[entry.file]
                                            : default_words[entry.file].name;
    return entry;
}

/* ---- a text ---- */

void filtering_room_clear(struct filtering_room *room)
{
    matcher_spans_clear(&room->spans);
    censor_result_clear(&room->result);
}

int filtering_find(const struct filtering *filtering, const char *text, size_t length,
                   struct filtering_room *room)
{
    room->spans.count = 0;
    room->spans.unfinished = length;
    return filtering->matcher ? matcher_find(filtering->matcher, text, length, &room->spans) : 0;
}

int filtering_apply(const struct filtering *filtering, const char *text, size_t length,
                    struct filtering_room *room)
{
    int error = filtering_find(filtering, text, length, room);

    return error ? error
                 : censor_apply(&filtering->settings->mask, text, length, room->spans.items,
                                room->spans.count, &room->result);
}
