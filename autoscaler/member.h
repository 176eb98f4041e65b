/* member.h - one farm of those in this process, with all that it keeps: its settings, its workers'
 * environment, its place in what the farms share, and its name in the log. */
#ifndef WINNOW_MEMBER_H
#define WINNOW_MEMBER_H

#include "error.h"
#include "farm.h"
#include "fleet_file.h"
#include "log.h"
#include "node/guardian.h"
#include "total.h"
#include "worker_environment.h"

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What all members have from the process. Everything is borrowed. */
struct member_process {
    char **default_worker;     /* program and NULL */
    struct guardian *guardian; /* NULL: none */
    bool several;              /* there is a configuration, so that each says which farm it is */
};

/* It does not move, for its farm keeps pointers into it. */
struct member {
    struct fleet_file_farm plan; /* of a farm that no file has: the settings alone */
    const struct member_process *process;
    struct worker_environment environment;
    struct farm *farm; /* NULL: it waits until it is opened */
    struct total_place place;
    struct log_scope scope;
    int64_t due_ns;            /* when it is to be stepped */
    size_t first_fd, fd_count; /* among those that were polled */
    bool stopped, removed;     /* it was told to end; it is in the configuration no more */
    bool ended;
    int error; /* for which it was given up; 0: for none */
    struct why why;
};

/* All of a process; the place in the total is theirs. */
struct members {
    struct member *at[TOTAL_MOST_PLACES];
    size_t count;
    struct total total;
};

/* Takes what the plan has, also when it fails. 0 or -ERR_MEMORY. */
int member_new(const struct member_process *process, struct fleet_file_farm *plan,
               struct member **member, struct why *why);
/* Takes NULL. */
void member_close(struct member *member);

/* Opens its farm, as farm_open, and takes a place in the total. */
int member_open(struct member *member, struct total *total, struct why *why);
/* Whether that could be done, but for what it needs that another still has: errors of farm_open. */
int member_try(const struct member *member, struct why *why);

/* Writes its descriptors to fds, of which the first will be that in all; returns how many. */
size_t member_poll(struct member *member, struct pollfd *fds, size_t first);

/* Whether it is to be stepped: it is due, one of all descriptors that were polled is ready, or the
 * others have left it more or less. fds may be NULL. */
bool member_is_due(struct member *member, const struct pollfd *fds, int64_t now_ns);
/* When it is to be stepped, if nothing happens before. */
int64_t member_due_ns(struct member *member, int64_t now_ns);
/* Steps its farm; it may have ended then. A farm that is given up is logged. */
void member_step(struct member *member);
/* It cannot even be opened. */
void member_give_up(struct member *member, int error, const struct why *why);

/* Drains its workers and ends; a second call kills them. */
void member_stop(struct member *member);
/* As farm_renew. */
void member_renew(struct member *member);
/* It goes on with the limits of that plan, in which all else is as in its own. */
void member_limit(struct member *member, struct fleet_file_farm *plan);

#endif
