/* reload.h - SIGHUP loads the word lists anew, in a thread of its own, while events are filtered
 * with the old ones. */
#ifndef WINNOW_RELOAD_H
#define WINNOW_RELOAD_H

#include "error.h"
#include "filter/filter.h"

struct reload;

/* From now on SIGHUP loads the lists of the options anew. To be called while the process has one
 * thread, before the lists are opened for the first time: what changes after that is then not
 * missed. Lists that cannot be loaded are logged, and nothing changes. Borrows options to the end
 * of the process. 0 or -ERR_SYSTEM. */
int reload_open(const struct filter_options *options, struct reload **reload, struct why *why);

/* The lists that were loaded since the last call, for the caller to close; NULL when there are
 * none. Costs next to nothing. */
struct filter *reload_take(struct reload *reload);

/* There is no reload_close: the thread may be in the middle of a list, and ends with the
 * process. */

#endif
