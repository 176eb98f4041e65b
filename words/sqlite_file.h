/* sqlite_file.h - the file of an SQLite store: made, brought to the present schema, checked. */
#ifndef WINNOW_SQLITE_FILE_H
#define WINNOW_SQLITE_FILE_H

#include "error.h"

#include <stdint.h>

struct sqlite3;

struct sqlite_file {
    struct sqlite3 *db;
    char *path;
    int64_t locked_since_ns; /* since when the present call is waiting for a lock */
};

/* Opens the file, which stays where it is in memory until sqlite_file_close. Its tables are then
 * those of the present schema, and it is the farm's. The errors are those of store_open; the file
 * is to be closed after them too. */
int sqlite_file_open(struct sqlite_file *file, const char *path, const char *farm, struct why *why);
void sqlite_file_close(struct sqlite_file *file);

/* What SQLite has just failed at: an error of store.h, with its explanation. */
int sqlite_file_fail(const struct sqlite_file *file, struct why *why);

/* A file that was removed, or another in its place, would keep nothing of what is answered:
 * -ERR_CONFIG. */
int sqlite_file_check(const struct sqlite_file *file, struct why *why);

#endif
