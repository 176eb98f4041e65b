#include "gazette.h"

#include "clock.h"

#include <stdio.h>
#include <stdlib.h>

/* Fits a notice in bytes of UTF-8, cut in the middle of a character or not. */
#define TEXT_BYTES 1000

void gazette_hear(struct notices *notices, const struct log_heard *heard)
{
    if (heard->level > LOG_INFO)
        return;
    struct notices_event *event = notices_add(notices);
    struct notice *notice = &event->notice;
    *event = (struct notices_event){.clock = heard->clock};
    clock_stamp(event->time);
    snprintf(notice->level, sizeof notice->level, "%s", log_level_name(heard->level));
    snprintf(notice->event, sizeof notice->event, "%s", heard->event);
    snprintf(notice->text, sizeof notice->text, "%.*s", TEXT_BYTES, heard->pairs);
}

static void hear(void *context, const struct log_heard *heard)
{
    struct gazette *gazette = context;

    gazette_hear(&gazette->notices, heard);
}

void gazette_open(struct gazette *gazette, struct post *post)
{
    gazette->post = post;
    log_listen(hear, gazette);
}

void gazette_close(struct gazette *gazette)
{
    if (gazette->post)
        log_listen(NULL, NULL);
    gazette->post = NULL;
}

void gazette_reconnected(struct gazette *gazette)
{
    notices_reconnected(&gazette->notices);
}

/* False when it could not be sent. */
static bool send_notice(struct post *post, struct notices_event *event)
{
    char *text = NULL;
    size_t length;

    if (!notices_write(event, post_begin(post), &text, &length) &&
        post_send(post, "log", "log", text, length, false))
        event->sequence = post->sent;
    free(text);
    return event->sequence > 0;
}

void gazette_tell(struct gazette *gazette)
{
    struct notices_event *event;

    if (!gazette->post || !post_is_there(gazette->post))
        return;
    notices_arrived(&gazette->notices, gazette->post->arrived);
    while ((event = notices_next(&gazette->notices)) && send_notice(gazette->post, event))
        ;
    post_flush(gazette->post);
}
