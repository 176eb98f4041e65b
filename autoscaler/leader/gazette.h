/* gazette.h - tells whoever follows a farm over several hosts what one of its nodes logs, whether
 * that leads or not: so nothing is missed when another comes to lead. */
#ifndef WINNOW_GAZETTE_H
#define WINNOW_GAZETTE_H

#include "log.h"
#include "notices.h"
#include "post.h"

/* Starts zeroed. */
struct gazette {
    struct post *post; /* NULL: it hears nothing */
    struct notices notices;
};

/* Adds what was heard just now, if it is for others: from the level info on. */
void gazette_hear(struct notices *notices, const struct log_heard *heard);

/* From now on what is logged is heard. The post is borrowed, and to be one with confirms. */
void gazette_open(struct gazette *gazette, struct post *post);
/* Harmless when it was not opened. */
void gazette_close(struct gazette *gazette);

/* The post's connection is another: what may not have arrived is told once more. */
void gazette_reconnected(struct gazette *gazette);
/* Sends what was heard, as far as the connection takes it. */
void gazette_tell(struct gazette *gazette);

#endif
