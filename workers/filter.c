/* winnow-filter: a worker that replaces insults in the text of each event. */
#include "censor.h"
#include "default_words.h"
#include "error.h"
#include "options.h"
#include "units.h"
#include "wordlist.h"
#include "worker.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#define PROGRAM        "winnow-filter"
#define MAX_WORD_FILES 64

struct settings {
    struct worker_settings worker;
    const char *word_files[MAX_WORD_FILES];
    size_t word_file_count;
    const char *mask;
};

enum {
    KEY_WORDS = OPTIONS_KEY_OWN,
    KEY_MASK,
    KEY_PREFETCH,
    KEY_MAX_BODY,
    KEY_SERVICE_TIME,
    KEY_DRAIN_TIMEOUT,
};

static const struct argp_option option_table[] = {
    {NULL, 0, NULL, 0, "Filtering:", 1},
    {"words", KEY_WORDS, "FILE", 0,
     "Word list, one word or phrase a line, # for comments; give it again to add up several "
     "(default: the "
     "built-in Catalan, Spanish and English lists)",
     1},
    {"mask", KEY_MASK, "TEXT", 0, "What replaces a match (default: CENSORED)", 1},
    {NULL, 0, NULL, 0, "Working:", 2},
    {"prefetch", KEY_PREFETCH, "N", 0,
     "Most events held at once; less when they take long, so that about one second of work is held "
     "(default: 100)",
     2},
    {"max-body", KEY_MAX_BODY, "SIZE", 0, "Larger bodies go to FARM.dead (default: 1MiB)", 2},
    {"service-time", KEY_SERVICE_TIME, "DURATION", 0,
     "Simulated cost added to each event, for experiments (default: none)", 2},
    {"drain-timeout", KEY_DRAIN_TIMEOUT, "DURATION", 0,
     "Longest from SIGTERM to the end; what would pass it is given back to the queue (default: "
     "$WINNOW_DRAIN_TIMEOUT, else 30s)",
     2},
    {0}};

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    struct settings *settings = state->input;

    switch (key) {
    case KEY_WORDS:
        if (settings->word_file_count == MAX_WORD_FILES)
            argp_error(state, "--words: at most %d files are possible", MAX_WORD_FILES);
        settings->word_files[settings->word_file_count++] = argument;
        return 0;
    case KEY_MASK:
        settings->mask = argument;
        return 0;
    case KEY_PREFETCH:
        settings->worker.prefetch =
            (uint16_t)options_count(state, "--prefetch", argument, 1, UINT16_MAX);
        return 0;
    case KEY_MAX_BODY:
        settings->worker.max_body_bytes =
            options_size(state, "--max-body", argument, 0, (size_t)512 << 20);
        return 0;
    case KEY_SERVICE_TIME:
        settings->worker.simulated_service_ns =
            options_duration(state, "--service-time", argument, 0, INT64_C(3600000000000));
        return 0;
    case KEY_DRAIN_TIMEOUT:
        settings->worker.drain_timeout_ns =
            options_duration(state, "--drain-timeout", argument, 0, INT64_C(86400000000000));
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "unexpected argument '%s'", argument);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const char doc[] = "Consumes events from FARM.work, replaces insults in their text, and "
                          "sends each result to the event's "
                          "reply_to queue, or to FARM.results.\v"
                          "An event is acknowledged only after the broker has confirmed its "
                          "result. SIGTERM and SIGINT drain: "
                          "what is held is finished, then the worker exits with 0. What cannot be "
                          "handled goes to FARM.dead with "
                          "the reason in the header winnow-reason.\n\n"
                          "Exit codes: 0 drained, 64 usage, 69 broker unavailable, 75 drain "
                          "time-out passed, 77 permission "
                          "refused, 78 configuration.";

static const struct argp argp = {option_table, parse_option, NULL, doc, NULL, NULL, NULL};

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
            if (!grown)
                break;
            buffer = grown;
        }
        got = read(fd, buffer + used, capacity - used);
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

static int read_words(const struct settings *settings, struct wordlist *list, struct why *why)
{
    int error = 0;

    for (size_t i = 0; !error && i < settings->word_file_count; i++) {
        char *bytes = NULL;
        size_t length = 0;
        error = read_file(settings->word_files[i], &bytes, &length, why);
        if (!error)
            error = wordlist_add(list, settings->word_files[i], bytes, length, why);
        free(bytes);
    }
    for (size_t i = 0; !error && !settings->word_file_count && i < default_words_count; i++)
        error = wordlist_add(list, default_words[i].name, default_words[i].bytes,
                             default_words[i].length, why);
    if (!error && list->count == 0)
        error = error_set(why, ERR_CONFIG,
                          "the word list '%s' has no entry; expected one word or phrase a line",
                          settings->word_files[0]);
    return error;
}

struct filter {
    struct censor *censor;
    struct censor_result result;
};

static int filter_handle(void *context, const char *text, size_t length,
                         struct worker_output *output, struct why *why)
{
    struct filter *filter = context;

    if (censor_apply(filter->censor, text, length, &filter->result))
        return error_set(why, ERR_MEMORY, "out of memory");
    *output = (struct worker_output){
        .text = filter->result.text,
        .length = filter->result.length,
        .matches = filter->result.matches,
    };
    return 0;
}

int main(int argc, char **argv)
{
    struct options options;
    struct settings settings = {.worker = {.options = &options,
                                           .prefetch = WORKER_DEFAULT_PREFETCH,
                                           .max_body_bytes = WORKER_DEFAULT_MAX_BODY_BYTES,
                                           .drain_timeout_ns = WORKER_DEFAULT_DRAIN_TIMEOUT_NS},
                                .mask = "CENSORED"};
    const char *drain_timeout = getenv(WORKER_DRAIN_TIMEOUT_VARIABLE);
    if (drain_timeout && units_parse_duration(drain_timeout, &settings.worker.drain_timeout_ns)) {
        fprintf(stderr, "%s: $%s: '%s' is not a duration; expected %s\n", PROGRAM,
                WORKER_DRAIN_TIMEOUT_VARIABLE, drain_timeout, UNITS_DURATION_FORM);
        return EX_USAGE;
    }
    options_parse(&options, PROGRAM, &argp, argc, argv, &settings);

    struct why why = {0};
    struct wordlist list;
    struct filter filter = {0};
    wordlist_init(&list);
    censor_result_init(&filter.result);
    int error = read_words(&settings, &list, &why);
    if (!error) {
        error = censor_open(&list, settings.mask, &filter.censor);
        if (error == -ERR_INVALID)
            error_set(&why, ERR_INVALID, "--mask: '%s' is not valid UTF-8", settings.mask);
    }
    wordlist_clear(&list);
    if (!error)
        error = worker_run(&settings.worker,
                           &(struct worker_job){.handle = filter_handle, .context = &filter}, &why);

    censor_close(filter.censor);
    censor_result_clear(&filter.result);
    return error ? options_fail(PROGRAM, error, &why) : EX_OK;
}
