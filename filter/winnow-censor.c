/* winnow-censor: the filter for files and pipes, without a broker. */
#include "descriptors.h"
#include "error.h"
#include "filter.h"
#include "filter_options.h"
#include "findings.h"
#include "input.h"
#include "list_await.h"
#include "options.h"
#include "reload.h"
#include "stream.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define PROGRAM "winnow-censor"

struct settings {
    struct filter_options filter;
    bool report;
    char **files; /* NULL at the end; none: standard input */
    size_t file_count;
};

enum { KEY_REPORT = OPTIONS_KEY_OWN };

static const struct argp_option option_table[] = {
    {NULL, 0, NULL, 0, "Output:", 2},
    {"report", KEY_REPORT, "json", 0,
     "Write the matches instead of the text: one JSON object a line, with offset and length in "
     "bytes",
     2},
    {0}};

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    struct settings *settings = state->input;

    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &settings->filter;
        return 0;
    case KEY_REPORT:
        if (strcmp(argument, "json") != 0)
            argp_error(state, "--report: '%s' is not a form; expected json", argument);
        settings->report = true;
        return 0;
    case ARGP_KEY_ARG:
        settings->files[settings->file_count++] = argument;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const char doc[] =
    "Replaces insults in FILEs, or in standard input, and writes the text to standard output.\v"
    "The text is filtered as winnow-filter does it, in pieces, with the result of the whole; lines "
    "come out as soon as they are settled. FILE may be - for standard input. Bytes that are not "
    "UTF-8 come out as they were. With --watch a list that has changed counts for what is read "
    "from "
    "then on.\n\n"
    "Exit codes: 0 done, 64 usage, 66 a file could not be read (the others were filtered), 74 the "
    "output could not be written, 78 configuration.";

static const struct argp_child children[] = {{&filter_options_argp, 0, NULL, 0}, {0}};
static const struct argp argp = {option_table, parse_option, "[FILE...]", doc,
                                 children,     NULL,         NULL};

/* Where the text or the report goes. */
struct output {
    bool report;
    const struct censor_mask *mask;
    struct filter *filter;
    struct reload *reload;
    struct censor_result censored;
};

/* Lists that have changed count from the text on that has just come. */
static void take_renewed_lists(struct output *output, struct stream *stream)
{
    struct filter *renewed = reload_take(output->reload);

    if (!renewed)
        return;
    stream_use(stream, filter_matcher(renewed));
    filter_close(output->filter);
    output->filter = renewed;
}

/* Writes everything to standard output. 0 or -ERR_SYSTEM. */
static int write_all(const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t written = write(STDOUT_FILENO, bytes, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return -ERR_SYSTEM;
        bytes += written;
        length -= (size_t)written;
    }
    return 0;
}

static int write_report(const struct output *output, const char *file,
                        const struct stream_piece *piece)
{
    int error = 0;

    for (size_t i = 0; !error && i < piece->count; i++) {
        const struct matcher_span *span = &piece->spans[i];
        const char *list;
        struct matcher_entry entry = filter_entry(output->filter, span->entry, &list);
        error = findings_write(stdout, &(struct finding){.file = file,
                                                         .offset = piece->offset + span->start,
                                                         .length = span->length,
                                                         .text = piece->text + span->start,
                                                         .entry = entry.text,
                                                         .list = list,
                                                         .line = entry.line,
                                                         .severity = entry.severity});
    }
    if (!error && fflush(stdout))
        error = -ERR_SYSTEM;
    return error;
}

static int write_piece(struct output *output, const char *file, const struct stream_piece *piece)
{
    if (output->report)
        return write_report(output, file, piece);
    if (!piece->count)
        return write_all(piece->text, piece->length);
    int error = censor_apply(output->mask, piece->text, piece->length, piece->spans, piece->count,
                             &output->censored);
    return error ? error : write_all(output->censored.text, output->censored.length);
}

/* Whether reading would wait: then the writer has written what there is for now. */
static bool is_quiet(int fd)
{
    return poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, 0) == 0;
}

/* Reads once and writes what is settled then. *at_end becomes true when there is no more, or when
 * reading fails, which is left in *why. */
static int filter_some(struct output *output, int fd, const char *file, struct stream *stream,
                       bool *at_end, struct why *why)
{
    struct stream_piece piece;
    char *to;
    size_t space;
    int more;

    int error = stream_reserve(stream, &to, &space);
    if (error)
        return error;
    ssize_t got = read(fd, to, space);
    if (got < 0 && errno == EINTR)
        return 0;
    if (got < 0)
        error_set(why, ERR_CONFIG, "cannot read '%s': %s", file, strerror(errno));
    else
        stream_received(stream, (size_t)got);
    *at_end = got <= 0;
    take_renewed_lists(output, stream);
    while (!error && (more = stream_next(stream, *at_end, &piece)))
        error = more < 0 ? more : write_piece(output, file, &piece);
    if (!error && !*at_end && is_quiet(fd) && (more = stream_pause(stream, &piece)))
        error = more < 0 ? more : write_piece(output, file, &piece);
    return error;
}

/* Filters everything from a descriptor. Returns 0; -ERR_CONFIG when it cannot be read to its end,
 * though what came before is filtered; -ERR_SYSTEM when the output takes no more; -ERR_MEMORY. */
static int filter_fd(struct output *output, int fd, const char *file, struct why *why)
{
    struct stream stream;
    bool at_end = false;
    int error = 0;

    why->text[0] = '\0';
    stream_init(&stream, filter_matcher(output->filter), STREAM_BUFFER_BYTES, STREAM_REACH_BYTES);
    while (!error && !at_end)
        error = filter_some(output, fd, file, &stream, &at_end, why);
    if (error == -ERR_SYSTEM)
        error_set(why, ERR_SYSTEM, "cannot write to standard output: %s", strerror(errno));
    else if (error)
        error_set(why, (enum error) - error, "%s: %s", file, error_text(error));
    else if (why->text[0])
        error = -ERR_CONFIG;
    stream_clear(&stream);
    return error;
}

static int filter_file(struct output *output, const char *path, struct why *why)
{
    bool is_input = strcmp(path, "-") == 0;
    int fd = is_input ? STDIN_FILENO : input_open(path, INPUT_PATIENCE_MS);

    if (fd < 0)
        return error_set(why, ERR_CONFIG, "cannot read '%s': %s", path, input_reason(errno));
    int error = filter_fd(output, fd, path, why);
    if (!is_input)
        close(fd);
    return error;
}

int main(int argc, char **argv)
{
    char standard_input[] = "-";
    struct settings settings = {.files = calloc((size_t)argc + 1, sizeof(char *))};
    struct output output = {0};
    struct why why = {0};
    int code = EX_OK;

    descriptors_open(DESCRIPTORS_FAILING);
    if (!settings.files)
        return options_fail(PROGRAM, -ERR_MEMORY, &why);
    filter_options_init(&settings.filter);
    options_parse_local(PROGRAM, &argp, argc, argv, &settings);
    if (!settings.file_count)
        settings.files[0] = standard_input;
    output.report = settings.report;
    output.mask = &settings.filter.mask;
    int error = reload_open(&settings.filter, false, &output.reload, &why);
    if (!error)
        error = list_await(&settings.filter, OPTIONS_CONNECT_TIMEOUT_NS, &why);
    if (!error)
        error = filter_open(&settings.filter, &output.filter, &why);
    if (error) {
        free(settings.files);
        return options_fail(PROGRAM, error, &why);
    }

    for (char **file = settings.files; *file && code != EX_IOERR; file++) {
        error = filter_file(&output, *file, &why);
        if (!error)
            continue;
        code = error == -ERR_SYSTEM ? EX_IOERR : error == -ERR_CONFIG ? EX_NOINPUT : EX_OSERR;
        /* Whoever closes the pipe has seen enough, and no message is due. Only where SIGPIPE is
         * ignored does the program live to see it. */
        if (error == -ERR_SYSTEM && errno == EPIPE)
            break;
        fprintf(stderr, "%s: %s\n", PROGRAM, why.text);
    }
    censor_result_clear(&output.censored);
    filter_close(output.filter);
    free(settings.files);
    return code;
}
