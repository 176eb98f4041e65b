#include "live.h"

#include "clock.h"
#include "log.h"
#include "render.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A frame is sent so often even when there is nothing new, so that a dead connection shows. */
#define FRAME_NS (5 * CLOCK_NS_PER_S)

/* Nobody may scale by what is older. */
#define FRESH_NS (10 * CLOCK_NS_PER_S)

static const char *const keys[] = {"status", "log", NULL};

int live_open(struct live *live, const struct options *options, struct why *why)
{
    *live = (struct live){.farm = options->topology.farm,
                          .health = HEALTH_UNKNOWN,
                          .health_since_ns = clock_now_ns(),
                          .outdated = true};
    return feed_begin(options, keys, &live->feed, why);
}

static void clear_status(struct live *live)
{
    if (live->has_status)
        status_clear(&live->status);
    free(live->message);
    live->message = NULL;
    live->has_status = false;
}

void live_close(struct live *live)
{
    clear_status(live);
    for (size_t i = 0; i < LIVE_NOTICES; i++)
        shared_text_drop(live->notices[i]);
    shared_text_drop(live->frame);
    if (live->feed.client)
        feed_close(&live->feed);
}

/* ---- what comes in ---- */

char *live_copy_line(const char *text, size_t length)
{
    char *copy = malloc(length ? length : 1);

    for (size_t i = 0; copy && i < length; i++)
        copy[i] = (unsigned char)text[i] < ' ' ? ' ' : text[i];
    return copy;
}

/* A snapshot that was asked for comes twice, to whoever asked and to everybody. */
static bool is_known(const struct live *live, const struct status *status)
{
    return live->has_status && live->status.epoch == status->epoch &&
           live->status.sequence == status->sequence;
}

static void hear_status(struct live *live, const struct client_message *message, int64_t now_ns)
{
    struct status status;
    struct why why;

    if (status_read(message->json, &status, &why)) {
        log_event(LOG_WARN, "message_ignored", "bytes=%zu farm=%s why=\"%s\"", message->length,
                  live->farm, why.text);
        return;
    }
    char *copy = is_known(live, &status) ? NULL : live_copy_line(message->text, message->length);
    live->received_ns = now_ns;
    if (!copy) {
        status_clear(&status);
        return;
    }
    clear_status(live);
    live->has_status = live->outdated = true;
    live->envelope = message->envelope;
    live->status = status;
    live->message = copy;
    live->message_length = message->length;
    past_add(&live->past, now_ns,
             &(struct past_values){.arrival_per_s = status.decision.arrival_per_s,
                                   .workers = (double)status.running,
                                   .desired = status.decision.desired_workers,
                                   .backlog_msgs = status.decision.backlog_msgs});
}

/* After a connection was lost, an autoscaler says once more what may not have arrived. */
static void hear_notice(struct live *live, const struct client_message *message)
{
    const struct envelope *envelope = &message->envelope;
    struct notice notice;
    struct why why;

    bool again =
        strcmp(envelope->from, live->noticed_from) == 0 && envelope->clock <= live->noticed_clock;
    if (again || notice_read(message->json, &notice, &why))
        return;
    snprintf(live->noticed_from, sizeof live->noticed_from, "%s", envelope->from);
    live->noticed_clock = envelope->clock;
    struct shared_text *event = render_log_event(envelope, &notice);
    if (!event)
        return;
    struct shared_text **place = &live->notices[live->notice_count++ % LIVE_NOTICES];
    shared_text_drop(*place);
    *place = event;
}

static void hear(struct live *live, const struct client_message *message, int64_t now_ns)
{
    if (message->kind == CLIENT_STATUS)
        hear_status(live, message, now_ns);
    else if (message->kind == CLIENT_NOTICE)
        hear_notice(live, message);
}

/* ---- the frame ---- */

static void look_at_health(struct live *live, int64_t now_ns)
{
    enum health_word word = health_find(&live->feed, live->has_status ? &live->status : NULL,
                                        live->received_ns, now_ns);

    if (word == live->health)
        return;
    live->health = word;
    live->health_since_ns = now_ns;
    live->outdated = true;
}

/* False when there is no memory for it: the one before stays. */
static bool make_frame(struct live *live, int64_t now_ns)
{
    struct shared_text *frame = render_status_event(live, now_ns);

    live->outdated = false;
    live->frame_ns = now_ns;
    if (!frame)
        return false;
    shared_text_drop(live->frame);
    live->frame = frame;
    live->frames++;
    return true;
}

bool live_step(struct live *live, live_answered *answered, void *context)
{
    struct client_message message;
    uint64_t notices = live->notice_count;
    int64_t now_ns = clock_now_ns();
    int taken = 0;

    for (; taken < FEED_MOST && feed_step(&live->feed, &message); taken++) {
        if (message.kind == CLIENT_ANSWER)
            answered(context, &message);
        else if (strcmp(message.envelope.farm, live->farm) == 0)
            hear(live, &message, now_ns);
    }
    live->more = taken == FEED_MOST;
    feed_log(&live->feed, live->farm, &live->logged);
    look_at_health(live, now_ns);
    bool made = (live->outdated || now_ns >= live->frame_ns + FRAME_NS) && make_frame(live, now_ns);
    return made || live->notice_count != notices;
}

int64_t live_due_ns(const struct live *live)
{
    int64_t due_ns = feed_due_ns(&live->feed);
    int64_t frame_ns = live->frame_ns + FRAME_NS;
    int64_t health_ns = live->health == HEALTH_SILENT
                            ? CLOCK_NEVER
                            : health_due_ns(&live->feed, live->has_status ? &live->status : NULL,
                                            live->received_ns);

    if (live->more)
        return 0;
    if (frame_ns < due_ns)
        due_ns = frame_ns;
    return health_ns < due_ns ? health_ns : due_ns;
}

const struct status *live_fresh(const struct live *live, int64_t now_ns)
{
    return live->has_status && now_ns - live->received_ns < FRESH_NS ? &live->status : NULL;
}
