/* posts.h - events that are sent to a farm over the page, over a connection of their own, which is
 * made with the first of them. None is said to be with the farm before the broker has confirmed it.
 */
#ifndef WINNOW_POSTS_H
#define WINNOW_POSTS_H

#include "http.h"
#include "options.h"
#include "problem.h"

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

/* So many wait at most for what becomes of them. */
#define POSTS_MOST 64

struct posts;

/* waits  whether results are waited for, and not only confirms
 *
 * The options, of the farm, must live as long as the process. 0 (release with posts_close),
 * -ERR_MEMORY or -ERR_SYSTEM. */
int posts_open(const struct options *options, bool waits, struct posts **posts, struct why *why);
/* Takes NULL. */
void posts_close(struct posts *posts);

/* An event as a request has it. */
struct post {
    char *body; /* taken over when it is sent */
    size_t length;
    const char *content_type, *type, *message_id; /* NULL: none */
    int64_t wait_ns;
};

/* Sends an event, mandatory and persistent. The request is answered when it is known what became of
 * it. False when nothing can be sent: then it is still to be answered, with the problem. */
bool posts_send(struct posts *posts, struct http_request *request, struct post *post,
                struct problem *problem);

/* As those of feed.h; nothing is due and polled before the first event. */
void posts_step(struct posts *posts);
void posts_poll(const struct posts *posts, struct pollfd *fd);
int64_t posts_due_ns(const struct posts *posts);

/* The request is gone. Harmless when it is none of these. */
void posts_forget(struct posts *posts, const struct http_request *request);

#endif
