/* live.h - one farm as the page knows it: what it said last, the last half hour, what has happened,
 * and whether all is well. */
#ifndef WINNOW_LIVE_H
#define WINNOW_LIVE_H

#include "control/envelope.h"
#include "control/feed.h"
#include "control/notice.h"
#include "control/status.h"
#include "health.h"
#include "past.h"
#include "shared_text.h"

#include <stdbool.h>
#include <stdint.h>

/* What has happened is kept for streams that begin. */
#define LIVE_NOTICES 64

struct live {
    const char *farm;
    struct feed feed;
    enum feed_state logged;
    bool more; /* more may have come in */

    bool has_status; /* the five below are there */
    struct envelope envelope;
    struct status status;
    char *message; /* the status as it came, in one line */
    size_t message_length;
    int64_t received_ns;

    enum health_word health;
    int64_t health_since_ns;
    struct past past;

    /* As streams send them, each a whole event. The number of the newest notice is the count of all
     * that there were; those of before LIVE_NOTICES are gone. */
    struct shared_text *notices[LIVE_NOTICES];
    uint64_t notice_count;
    char noticed_from[ENVELOPE_FROM_SIZE]; /* the last one's sender, ... */
    int64_t noticed_clock;                 /* ... and its clock */
    struct shared_text *frame;
    uint64_t frames;  /* how many there were */
    int64_t frame_ns; /* of the last one */
    bool outdated;    /* it says something else by now */
};

/* An answer to a command came in; borrowed. */
typedef void live_answered(void *context, const struct client_message *message);

/* Connects to nothing yet. The options, of this farm, must live as long as the process. 0 (release
 * with live_close) or an error of feed_begin. */
int live_open(struct live *live, const struct options *options, struct why *why);
void live_close(struct live *live);

/* Takes what came in and makes the frame anew where it has to be. Calls client_poll's descriptor
 * and live_due_ns for when. True when there is something new for streams. */
bool live_step(struct live *live, live_answered *answered, void *context);
int64_t live_due_ns(const struct live *live);

/* A message as one line, for the caller to free; NULL: out of memory. JSON has control characters
 * between its tokens alone, where blanks do as well. */
char *live_copy_line(const char *text, size_t length);

/* The last status that is no older than ten seconds, so that somebody may scale by it; else NULL.
 */
const struct status *live_fresh(const struct live *live, int64_t now_ns);

#endif
