#include "audience.h"

#include <stdlib.h>
#include <string.h>

struct viewer {
    struct audience *audience;
    struct viewer *next, *previous;
    const struct live *live;
    struct http_request *request;
    struct shared_text *current; /* what is being sent; NULL: nothing */
    size_t offset;               /* so much of it was */
    uint64_t notices, frames;    /* so many were sent, or missed */
};

/* What comes next; NULL when all was sent. */
static struct shared_text *take_next(struct viewer *viewer)
{
    const struct live *live = viewer->live;
    uint64_t oldest = live->notice_count > LIVE_NOTICES ? live->notice_count - LIVE_NOTICES : 0;

    if (viewer->notices < oldest)
        viewer->notices = oldest;
    if (viewer->notices < live->notice_count)
        return shared_text_hold(live->notices[viewer->notices++ % LIVE_NOTICES]);
    if (viewer->frames == live->frames)
        return NULL;
    viewer->frames = live->frames;
    return shared_text_hold(live->frame);
}

static size_t read_next(void *context, char *bytes, size_t most)
{
    struct viewer *viewer = context;
    size_t got = 0;

    while (got < most) {
        if (!viewer->current) {
            viewer->current = take_next(viewer);
            viewer->offset = 0;
        }
        if (!viewer->current)
            break;
        size_t left = viewer->current->length - viewer->offset;
        size_t length = left < most - got ? left : most - got;
        memcpy(bytes + got, viewer->current->bytes + viewer->offset, length);
        got += length;
        viewer->offset += length;
        if (length == left) {
            shared_text_drop(viewer->current);
            viewer->current = NULL;
        }
    }
    return got;
}

static void end(void *context)
{
    struct viewer *viewer = context;

    *(viewer->previous ? &viewer->previous->next : &viewer->audience->first) = viewer->next;
    if (viewer->next)
        viewer->next->previous = viewer->previous;
    shared_text_drop(viewer->current);
    free(viewer);
}

bool audience_add(struct audience *audience, const struct live *live, struct http_request *request)
{
    struct viewer *viewer = calloc(1, sizeof *viewer);

    if (!viewer)
        return false;
    *viewer = (struct viewer){
        .audience = audience, .next = audience->first, .live = live, .request = request};
    if (audience->first)
        audience->first->previous = viewer;
    audience->first = viewer;
    http_begin_stream(request, "text/event-stream",
                      &(struct http_stream){.context = viewer, .read = read_next, .close = end});
    return true;
}

void audience_wake(const struct audience *audience)
{
    for (const struct viewer *viewer = audience->first; viewer; viewer = viewer->next)
        http_wake(viewer->request);
}
