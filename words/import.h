/* import.h - a word list taken into the store. */
#ifndef WINNOW_IMPORT_H
#define WINNOW_IMPORT_H

#include "error.h"
#include "store.h"

/* Adds the entries of the file, all or none, and says on standard output how many were new. 0;
 * -ERR_CONFIG for a file that cannot be read or is no word list, with its line; or an error of the
 * store. */
int import_run(const char *path, struct store *store, struct why *why);

#endif
