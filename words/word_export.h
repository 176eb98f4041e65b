/* word_export.h - the list as a file that `--words` takes, written anew after each change.
 *
 * The file is replaced as a whole by a rename, so whoever reads it has all of one version. Several
 * instances may export to one file: it never becomes older. Its first line says whose it is and of
 * which version; a file that says something else is not overwritten. */
#ifndef WINNOW_WORD_EXPORT_H
#define WINNOW_WORD_EXPORT_H

#include "error.h"
#include "store.h"

#include <stdint.h>

struct word_export {
    const char *path, *farm; /* borrowed; no path: nothing is exported */
    struct store *store;
    int64_t version; /* that was written; -1: none was */
    int64_t due_ns;  /* not before, however often the list changes */
    int failures;    /* one after the other */
};

/* Writes the list for the first time. 0; -ERR_CONFIG when that cannot be, or the file is not ours;
 * or an error of the store. */
int word_export_open(struct word_export *export, const char *path, const char *farm,
                     struct store *store, struct why *why);

/* Writes the list if its version is another than that which was written last, and it is time to;
 * *wait_ns is made shorter where it is not yet. A failure is logged, and tried again. Returns 0, or
 * an error of the store. */
int word_export_step(struct word_export *export, int64_t version, int64_t now_ns, int64_t *wait_ns,
                     struct why *why);

#endif
