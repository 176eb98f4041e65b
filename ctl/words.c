#include "words.h"

#include "control/members.h"
#include "plain_json.h"
#include "printable.h"
#include "verbatim.h"
#include "word_client.h"
#include "word_lines.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* The severity of an entry that is written without one. */
#define DEFAULT_SEVERITY 1
#define MAX_SEVERITY     INT32_MAX

struct talk {
    const struct ctl_options *options;
    struct word_client *client;
    bool *done;
    FILE *out;
    struct why *why;
};

static int ask(const struct talk *talk, const char *type, struct broker_bytes body,
               struct word_client_answer *answer)
{
    int error = word_client_ask(talk->client, type, body, answer, talk->why);

    if (error || !answer->refused)
        return error;
    char reason[400];
    printable_write(answer->refused, strlen(answer->refused), false, reason, sizeof reason);
    error_set(talk->why, ERR_INVALID, "%s", reason);
    *talk->done = false;
    return 0;
}

/* An answer that is not as docs/words.md has it. */
static int unreadable(int error, struct why *why)
{
    if (error)
        error_prefix(why, "the word service is of another version");
    return error ? -ERR_CONFIG : 0;
}

/* ---- add and remove ---- */

static int gather(const struct ctl_options *options, struct word_lines *lines, struct why *why)
{
    int error = 0;

    for (size_t i = 0; !error && i < options->argument_count; i++) {
        if (strcmp(options->arguments[i], "-") == 0)
            error = word_lines_add_file(lines, "-", why);
        else if ((error = word_lines_add_argument(lines, options->arguments[i])))
            error_set(why, ERR_MEMORY, "out of memory");
    }
    for (size_t i = 0; !error && i < options->file_count; i++)
        error = word_lines_add_file(lines, options->files[i], why);
    if (!options->argument_count && !options->file_count)
        error = word_lines_add_file(lines, "-", why);
    return error;
}

/* What the answers to all requests say together. */
struct change {
    const char *changed, *same; /* what they call it */
    int64_t changed_count, same_count, version;
    bool answered;
};

static int add_up(const struct json_t *json, struct change *change, struct why *why)
{
    int64_t changed, same;
    int error = members_integer(json, change->changed, 0, INT64_MAX / 2, &changed, why);

    if (!error)
        error = members_integer(json, change->same, 0, INT64_MAX / 2, &same, why);
    if (!error)
        error = members_integer(json, "version", 0, INT64_MAX, &change->version, why);
    if (error)
        return unreadable(error, why);
    change->answered = true;
    change->changed_count += changed;
    change->same_count += same;
    return 0;
}

/* What comes next. */
struct place {
    size_t from, line;
};

/* The line where it stood, and what had been changed by requests before. */
static void say_where(const struct word_lines *lines, size_t line, const struct change *change,
                      struct why *why)
{
    struct why reason = *why;
    char place[WORD_LINES_PLACE_SIZE] = "";
    const char *text = reason.text;

    if (line)
        word_lines_place(lines, line, place);
    if (change->answered)
        error_set(why, ERR_INVALID, "%s%s (%" PRId64 " of the lines before it were %s)", place,
                  text, change->changed_count, change->changed);
    else
        error_set(why, ERR_INVALID, "%s%s", place, text);
}

static void print_change(const struct change *change, FILE *out)
{
    fprintf(out, "%s %" PRId64 ", %s %" PRId64 ", version %" PRId64 "\n", change->changed,
            change->changed_count, change->same, change->same_count, change->version);
}

/* One request, of whole lines. */
static int send_piece(const struct talk *talk, const char *type, const struct word_lines *lines,
                      struct place *at, struct change *change)
{
    struct word_client_answer answer;
    size_t count;
    size_t length = word_lines_next(lines, at->from, WORD_CLIENT_MOST_BYTES, &count);

    if (!length && at->from < lines->length) {
        error_set(talk->why, ERR_INVALID, "a line of more than 1 MiB is no entry");
        say_where(lines, at->line, change, talk->why);
        *talk->done = false;
        return 0;
    }
    const char *bytes = length ? lines->bytes + at->from : "";
    int error = ask(talk, type, (struct broker_bytes){bytes, length}, &answer);
    if (error)
        return error;
    if (talk->options->json)
        verbatim_print(answer.text, answer.length, talk->out);
    if (answer.refused) {
        say_where(lines, answer.error_line ? at->line + (size_t)answer.error_line - 1 : 0, change,
                  talk->why);
        return 0;
    }
    at->from += length;
    at->line += count;
    return add_up(answer.json, change, talk->why);
}

/* As many requests as the lines need. An empty one is sent, too: the service has words for it. */
static int send_lines(const struct talk *talk, const char *type, const struct word_lines *lines,
                      struct change *change)
{
    struct place at = {.line = 1};
    int error;

    do {
        at.from = word_lines_skip_comments(lines, at.from, &at.line);
        if (at.from == lines->length && change->answered)
            break;
        error = send_piece(talk, type, lines, &at, change);
        if (error || !*talk->done)
            return error;
    } while (at.from < lines->length);
    if (!talk->options->json)
        print_change(change, talk->out);
    return 0;
}

static int change_words(const struct talk *talk, const struct word_lines *lines)
{
    struct change change = {.changed = "added", .same = "known"};

    if (talk->options->words == CTL_WORDS_ADD)
        return send_lines(talk, "add", lines, &change);
    change = (struct change){.changed = "removed", .same = "unknown"};
    return send_lines(talk, "remove", lines, &change);
}

/* ---- list and random ---- */

static void print_entry(const char *text, size_t length, int64_t severity, FILE *out)
{
    fwrite(text, 1, length, out);
    if (severity != DEFAULT_SEVERITY)
        fprintf(out, "\t%" PRId64, severity);
    fputc('\n', out);
}

/* As a word list has them; out NULL: they are only read. *last becomes the last entry, borrowed. */
static int print_entries(const struct json_t *json, FILE *out, const char **last, struct why *why)
{
    const struct json_t *entries, *element;
    int error = members_array(json, "entries", &entries, why);

    for (size_t i = 0; !error && (element = members_element(entries, i)); i++) {
        size_t length;
        int64_t severity;
        error = members_string(element, "entry", last, &length, why);
        if (!error)
            error = members_integer(element, "severity", 0, MAX_SEVERITY, &severity, why);
        if (!error && out)
            print_entry(*last, length, severity, out);
    }
    return unreadable(error, why);
}

/* {"prefix":...,"after":...} */
static int write_question(struct plain_json *text, const char *prefix, const char *after,
                          struct why *why)
{
    text->length = 0;
    plain_json_put(text, "{\"prefix\":");
    plain_json_add_bytes(text, prefix, strlen(prefix));
    if (after) {
        plain_json_put(text, ",\"after\":");
        plain_json_add_bytes(text, after, strlen(after));
    }
    plain_json_put(text, "}");
    return text->failed ? error_set(why, ERR_MEMORY, "out of memory") : 0;
}

/* In as many pieces as the service makes of it. */
static int list_words(const struct talk *talk, const char *prefix)
{
    struct word_client_answer answer;
    struct plain_json question = {0};
    const char *last = NULL;
    bool more = true;
    int error = 0;

    while (!error && more && *talk->done) {
        error = write_question(&question, prefix, last, talk->why);
        if (!error)
            error =
                ask(talk, "list", (struct broker_bytes){question.bytes, question.length}, &answer);
        if (error)
            break;
        if (talk->options->json)
            verbatim_print(answer.text, answer.length, talk->out);
        if (answer.refused)
            break;
        error =
            print_entries(answer.json, talk->options->json ? NULL : talk->out, &last, talk->why);
        if (!error)
            error = unreadable(members_bool(answer.json, "more", &more, talk->why), talk->why);
    }
    free(question.bytes);
    return error;
}

static int random_words(const struct talk *talk, const char *text)
{
    struct word_client_answer answer;
    const char *last;
    int error = ask(talk, "random", broker_text(text), &answer);

    if (error || (answer.refused && !talk->options->json))
        return error;
    if (!talk->options->json)
        return print_entries(answer.json, talk->out, &last, talk->why);
    verbatim_print(answer.text, answer.length, talk->out);
    return 0;
}

/* ---- broadcast ---- */

static int broadcast(const struct talk *talk, const char *text)
{
    struct word_client_answer answer;
    bool on;
    double every_s;
    int error = ask(talk, "broadcast", broker_text(text), &answer);

    if (error)
        return error;
    if (talk->options->json) {
        verbatim_print(answer.text, answer.length, talk->out);
        return 0;
    }
    if (answer.refused)
        return 0;
    error = members_bool(answer.json, "broadcast", &on, talk->why);
    if (!error)
        error = members_real(answer.json, "every_s", &every_s, talk->why);
    if (error)
        return unreadable(error, talk->why);
    if (on)
        fprintf(talk->out, "broadcasting every %g s\n", every_s);
    else
        fputs("not broadcasting\n", talk->out);
    return 0;
}

/* ---- all of it ---- */

static int carry_out(const struct talk *talk, const struct word_lines *lines)
{
    const struct ctl_options *options = talk->options;
    const char *argument = options->argument_count ? options->arguments[0] : "";

    switch (options->words) {
    case CTL_WORDS_LIST:
        return list_words(talk, argument);
    case CTL_WORDS_RANDOM:
        return random_words(talk, argument);
    case CTL_WORDS_BROADCAST:
        return broadcast(talk, argument);
    default:
        return change_words(talk, lines);
    }
}

int words(const struct ctl_options *options, bool *done, FILE *out, struct why *why)
{
    struct word_lines lines = {0};
    struct word_client *client = NULL;
    int error = 0;

    *done = true;
    if (options->words == CTL_WORDS_ADD || options->words == CTL_WORDS_REMOVE)
        error = gather(options, &lines, why);
    if (!error)
        error = word_client_open(&options->common, options->wait_ns, &client, why);
    if (!error)
        error = carry_out(
            &(struct talk){
                .options = options, .client = client, .done = done, .out = out, .why = why},
            &lines);
    /* Who reads it need not wait for the goodbye to the broker. What goes wrong main says. */
    (void)fflush(out);
    word_client_close(client);
    word_lines_clear(&lines);
    return error;
}
