/* view.h - what `status --watch` shows: a farm's last snapshot with its age, the last minutes, and
 * whether anything is heard at all. */
#ifndef WINNOW_VIEW_H
#define WINNOW_VIEW_H

#include "control/envelope.h"
#include "control/feed.h"
#include "control/status.h"
#include "graph.h"
#include "screen.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct view {
    const char *farm;
    bool has_status; /* the three below are there */
    struct envelope envelope;
    struct status status;
    int64_t heard_ns; /* when it came in, by the monotonic clock of this host */
    struct graph graph;
};

/* Takes a status over. */
void view_hear(struct view *view, const struct envelope *envelope, struct status *status,
               int64_t now_ns);
void view_clear(struct view *view);

/* Lines that fit the screen. */
void view_print(const struct view *view, const struct feed *feed, const struct screen *screen,
                int64_t now_ns, FILE *out);

#endif
