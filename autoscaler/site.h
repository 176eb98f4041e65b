/* site.h - this host's part in a farm over several hosts: it is a node, which reports and takes
 * orders, and a candidate, which may lead. Nothing here waits.
 *
 *     CONNECTING ---------------> MEMBER <--------------> LEADING
 *         |  its name is taken      |    elected, succeeded   |
 *         v                         v                         |
 *      a fault: another        leaving: its share goes <------'
 *      node has that name      to others, then it may drain
 *
 * The orders of whoever leads, be it this process, come over the broker and are fenced. Without a
 * leader the node keeps the last. */
#ifndef WINNOW_SITE_H
#define WINNOW_SITE_H

#include "error.h"
#include "leader/leader.h"
#include "leader/term.h"
#include "node/supervisor.h"
#include "options.h"

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct site_settings {
    const char *name;  /* of the node; NULL: the farm is on this host alone */
    uint32_t capacity; /* workers that it can run: 1 .. POOL_MAX_WORKERS */
    int64_t rank;      /* of the candidates that live, the highest is preferred */
};

struct site;

/* Connects to nothing yet. Borrows everything. 0, -ERR_MEMORY, or the errors of record_check and
 * connection_open. */
int site_open(const struct site_settings *settings, const struct leader_settings *leader,
              const struct options *options, struct site **site, struct why *why);
/* Takes NULL. */
void site_close(struct site *site);

/* Does what is due, and tells the supervisor what was ordered, unless that drains. Returns when to
 * call it next, if none of its descriptors becomes readable before. */
int64_t site_step(struct site *site, struct supervisor *supervisor, bool draining, int64_t now_ns);
/* At the end of each step, as leader_tell. */
void site_tell(struct site *site);

#define SITE_FDS (TERM_FDS + 2)
size_t site_poll(const struct site *site, struct pollfd fds[SITE_FDS]);

/* The node's name is its own. */
bool site_is_ready(const struct site *site);

/* Says that the node leaves, and leads no more. */
void site_leave(struct site *site, int64_t now_ns);
/* Its share has gone to others, or nobody is there to take it. */
bool site_may_drain(const struct site *site, int64_t now_ns);

/* Why it cannot go on: 0; -ERR_LOCKED when another node has its name; -ERR_UNAVAILABLE when the
 * broker was not there at the start; what the broker refuses it at the start; or the errors of
 * term_fault. */
int site_fault(const struct site *site, struct why *why);

#endif
