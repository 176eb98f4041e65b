#include "filter_options.h"

#include "options.h"
#include "wordlist.h"

#include <string.h>

/* Numbers that no program gives to options of its own. */
enum {
    KEY_WORDS = 0x400,
    KEY_WATCH,
    KEY_MAX_WORDS,
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
     "Catalan, Spanish and English lists)",
     1},
    {"watch", KEY_WATCH, NULL, 0,
     "Go on with the new list whenever a FILE of --words changes, by whatever means; one that "
     "cannot be read or is broken is logged, and the old list stays; one that is not there at the "
     "start is waited for, for half a minute",
     1},
    {"max-words", KEY_MAX_WORDS, "SIZE", 0,
     "Most bytes that all word lists may have together (default: 64MiB)", 1},
    {"match", KEY_MATCH, "LEVEL", 0,
     "How alike text and entry must be: exact, folded or loose; none looks for nothing, to measure "
     "what the filter costs (default: exact)",
     1},
    {"min-severity", KEY_MIN_SEVERITY, "N", 0,
     "Leave out entries of a lower severity (default: 0, none)", 1},
    {"mask", KEY_MASK, "TEXT", 0, "What replaces a match (default: " CENSOR_DEFAULT_TEXT ")", 1},
    {"mask-char", KEY_MASK_CHAR, "CHARACTER", 0,
     "Replace each character of a match but white space by this one, instead of --mask", 1},
    {"mask-keep-first", KEY_MASK_KEEP_FIRST, NULL, 0,
     "With --mask-char: leave the first character of a match", 1},
    {0}};

void filter_options_init(struct filter_options *options)
{
    *options = (struct filter_options){.max_list_bytes = FILTER_OPTIONS_LIST_BYTES,
                                       .level = MATCHER_EXACT};
}

void filter_options_add_file(struct filter_options *options, char *path, struct argp_state *state)
{
    if (options->file_count == FILTER_OPTIONS_MAX_FILES)
        argp_error(state, "--words: at most %d files are possible", FILTER_OPTIONS_MAX_FILES);
    options->files[options->file_count++] = path;
}

static void parse_level(struct filter_options *options, const char *text, struct argp_state *state)
{
    options->off = strcmp(text, "none") == 0;
    if (strcmp(text, "folded") == 0)
        options->level = MATCHER_FOLDED;
    else if (strcmp(text, "loose") == 0)
        options->level = MATCHER_LOOSE;
    else if (strcmp(text, "exact") == 0 || options->off)
        options->level = MATCHER_EXACT;
    else
        argp_error(state, "--match: '%s' is not a level; expected exact, folded, loose or none",
                   text);
}

/* Refuses options that contradict each other, and takes the default where no mask is given. */
static void check_mask(struct censor_mask *mask, struct argp_state *state)
{
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
    struct filter_options *options = state->input;

    switch (key) {
    case KEY_WORDS:
        filter_options_add_file(options, argument, state);
        return 0;
    case KEY_WATCH:
        options->watch = true;
        return 0;
    case KEY_MAX_WORDS:
        options->max_list_bytes = options_size(state, "--max-words", argument, 0, UINT32_MAX);
        return 0;
    case KEY_MATCH:
        parse_level(options, argument, state);
        return 0;
    case KEY_MIN_SEVERITY:
        options->min_severity =
            (int32_t)options_count(state, "--min-severity", argument, 0, WORDLIST_MAX_SEVERITY);
        return 0;
    case KEY_MASK:
        options->mask.text = argument;
        return 0;
    case KEY_MASK_CHAR:
        options->mask.character = argument;
        return 0;
    case KEY_MASK_KEEP_FIRST:
        options->mask.keep_first = true;
        return 0;
    case ARGP_KEY_END:
        check_mask(&options->mask, state);
        if (options->watch && !options->file_count)
            argp_error(state, "--watch: expected --words FILE beside it");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp filter_options_argp = {.options = option_table, .parser = parse_option};
