/* reload.h - loads the word lists anew, in a thread of its own, while texts are filtered with the
 * old ones: on SIGHUP, and when a list's file has changed. */
#ifndef WINNOW_RELOAD_H
#define WINNOW_RELOAD_H

#include "error.h"
#include "filter.h"

#include <stdbool.h>
#include <stdint.h>

struct reload;

/* From now on the lists of the options are loaded anew on SIGHUP, if on_hangup, and, if the options
 * say so, when their files change; else nothing is done, and *reload is NULL. To be called while
 * the process has one thread, before the lists are opened for the first time: what changes after
 * that is then not missed. Files that are watched and not there yet are waited for so long
 * (list_await.h). Later, lists that cannot be loaded are logged, and nothing changes. Borrows
 * options to the end of the process. 0, -ERR_SYSTEM, -ERR_MEMORY, or -ERR_CONFIG for a file that
 * has not come. */
int reload_open(const struct filter_options *options, bool on_hangup, int64_t patience_ns,
                struct reload **reload, struct why *why);

/* The lists that were loaded since the last call, for the caller to close; NULL when there are
 * none. Costs next to nothing. Takes NULL. */
struct filter *reload_take(struct reload *reload);

/* There is no reload_close: the thread may be in the middle of a list, and ends with the
 * process. */

#endif
