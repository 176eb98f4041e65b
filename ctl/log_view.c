#include "log_view.h"

#include "amounts.h"
#include "clock.h"
#include "control/feed.h"
#include "control/notice.h"
#include "input.h"
#include "log.h"
#include "log_merge.h"
#include "printable.h"
#include "signals.h"
#include "verbatim.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- files ---- */

static void complain(const char *path, const char *reason, bool *complete)
{
    fprintf(stderr, "%s: cannot read '%s': %s\n", CTL_OPTIONS_PROGRAM, path, reason);
    *complete = false;
}

/* NULL with errno. */
static FILE *open_log(const char *path)
{
    int fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : input_open(path, INPUT_PATIENCE_MS);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "r");

    if (fd >= 0 && !file)
        close(fd);
    return file;
}

/* Of each log that was not read to its end. */
static void complain_of_ends(const struct log_merge_source *sources, const char *const *names,
                             size_t count, bool *complete)
{
    char reason[96];

    for (size_t i = 0; i < count; i++) {
        snprintf(reason, sizeof reason, "line %" PRIu64 " is longer than %d bytes; expected a log",
                 sources[i].number, LOG_MERGE_MOST_BYTES);
        if (sources[i].end != LOG_MERGE_WHOLE)
            complain(names[i],
                     sources[i].end == LOG_MERGE_TOO_LONG ? reason
                                                          : "reading failed before its end",
                     complete);
    }
}

int log_view_files(char *const *paths, size_t count, bool *complete, FILE *out, struct why *why)
{
    struct log_merge_source *sources = calloc(count, sizeof *sources);
    const char **names = calloc(count, sizeof *names);
    size_t opened = 0;
    int error = 0;

    if (!sources || !names)
        error = -ERR_MEMORY;
    for (size_t i = 0; !error && i < count; i++) {
        sources[opened].file = open_log(paths[i]);
        names[opened] = paths[i];
        if (sources[opened].file)
            opened++;
        else
            complain(paths[i], input_reason(errno), complete);
    }
    if (!error) {
        error = log_merge(sources, opened, out);
        if (error == -ERR_CONFIG) {
            complain_of_ends(sources, names, opened, complete);
            error = 0;
        }
    }
    if (error == -ERR_MEMORY)
        error_set(why, ERR_MEMORY, "out of memory");
    if (error == -ERR_SYSTEM)
        error_set(why, ERR_SYSTEM, "cannot write to standard output: %s", strerror(errno));
    for (size_t i = 0; i < opened; i++)
        fclose(sources[i].file);
    free(sources);
    free(names);
    return error;
}

/* ---- what happens ---- */

/* As a line of the log, but for who says it. */
static void print_notice(const struct client_message *message, const struct notice *notice,
                         FILE *out)
{
    const struct envelope *envelope = &message->envelope;
    char time[AMOUNTS_SHOWN_SIZE], from[AMOUNTS_SHOWN_SIZE], level[AMOUNTS_SHOWN_SIZE],
        event[AMOUNTS_SHOWN_SIZE], text[4 * sizeof notice->text];

    printable_write(notice->text, strlen(notice->text), false, text, sizeof text);
    fprintf(out, "time=%s level=%s from=%s clock=%" PRId64 " event=%s %s\n",
            amounts_shown(envelope->time, time), amounts_shown(notice->level, level),
            amounts_shown(envelope->from, from), envelope->clock,
            amounts_shown(notice->event, event), text);
}

#define SENDERS_MOST 256

/* Whom something was heard from, and when the last of it was said. */
struct senders {
    struct sender {
        char from[ENVELOPE_FROM_SIZE];
        char time[ENVELOPE_TIME_SIZE];
        int64_t clock;
    } known[SENDERS_MOST];
    size_t next; /* whose place another one gets */
};

static struct sender *sender_of(struct senders *senders, const char *from)
{
    for (size_t i = 0; i < SENDERS_MOST; i++)
        if (strcmp(senders->known[i].from, from) == 0)
            return &senders->known[i];
    struct sender *sender = &senders->known[senders->next++ % SENDERS_MOST];
    snprintf(sender->from, sizeof sender->from, "%s", from);
    sender->clock = -1;
    return sender;
}

/* After a lost connection what may not have arrived is told once more, in between what others
 * tell. A lower clock at a later time is that of another process under the same number, as in
 * a container that was started again. */
static bool is_repeated(const struct envelope *envelope, struct senders *senders)
{
    struct sender *sender = sender_of(senders, envelope->from);
    bool repeated = envelope->clock <= sender->clock && strcmp(envelope->time, sender->time) <= 0;

    if (!repeated) {
        sender->clock = envelope->clock;
        snprintf(sender->time, sizeof sender->time, "%s", envelope->time);
    }
    return repeated;
}

static void show(const struct client_message *message, struct senders *senders, bool json,
                 FILE *out)
{
    struct notice notice;
    struct why why;

    if (message->kind != CLIENT_NOTICE || is_repeated(&message->envelope, senders))
        return;
    if (json)
        verbatim_print(message->text, message->length, out);
    else if (notice_read(message->json, &notice, &why) == 0)
        print_notice(message, &notice, out);
    else
        log_event(LOG_WARN, "message_ignored", "bytes=%zu why=\"%s\"", message->length, why.text);
}

int log_view_follow(const struct ctl_options *options, FILE *out, struct why *why)
{
    static const char *const keys[] = {"log", NULL};
    enum feed_state logged = FEED_STARTING;
    struct client_message message;
    struct senders senders = {0};
    struct feed feed;
    int signal_fd;
    int error = signals_open(&signal_fd, why);

    if (error)
        return error;
    error = feed_open(&options->common, keys, signal_fd, &feed, why);
    while (!error && !signals_next(signal_fd)) {
        int taken = 0;
        for (; taken < FEED_MOST && feed_step(&feed, &message); taken++)
            show(&message, &senders, options->json, out);
        feed_log(&feed, options->common.topology.farm, &logged);
        if (fflush(out))
            error =
                error_set(why, ERR_SYSTEM, "cannot write to standard output: %s", strerror(errno));
        else if (taken < FEED_MOST)
            feed_wait(&feed, signal_fd, CLOCK_NEVER);
    }
    feed_close(&feed);
    close(signal_fd);
    return error == -ERR_TIMEOUT ? 0 : error; /* told to end before it was connected */
}
