/* list_await.h - word lists that are watched may come later than whoever uses them: as long as one
 * is not there, nothing is filtered. */
#ifndef WINNOW_LIST_AWAIT_H
#define WINNOW_LIST_AWAIT_H

#include "error.h"

#include <stdint.h>

struct filter_options;

/* Waits until every file of --words is there and nobody writes into it any more, which is logged
 * where it takes time; without --watch, or where nothing is looked for, for nothing. A signal that
 * ends the process does so meanwhile.
 *
 * Returns 0; -ERR_CONFIG with the file that has not come within patience_ns; -ERR_SYSTEM or
 * -ERR_MEMORY. */
int list_await(const struct filter_options *options, int64_t patience_ns, struct why *why);

#endif
