/* history_writer.h - the file in which every decision of a farm is written down: one row a
 * decision, in the columns of history_format.h. */
#ifndef WINNOW_HISTORY_WRITER_H
#define WINNOW_HISTORY_WRITER_H

#include "error.h"
#include "history_format.h"

struct history_writer;

/* Whether history_writer_open would find the file wrong now. Makes the file when there is none, and
 * leaves it empty; else changes nothing. For those who open it only later, because another may
 * still be writing to it.
 *
 * Returns 0 or -ERR_CONFIG, as history_writer_open. */
int history_writer_check(const char *path, struct why *why);

/* Opens the file for appending and locks it until it is closed.
 *
 * A new or empty file gets the header. A file with the same header is continued with the number
 * after its greatest run; a torn last row, as a full disk may leave it, is cut off. A file with the
 * header of an earlier version is moved to PATH.1 (or .2 and so on: nothing is overwritten), which
 * is logged, and a new one begun.
 *
 * Returns 0; -ERR_LOCKED when another process or another part of this one has it open for writing
 * (on a file system that has no locks this is not noticed); -ERR_CONFIG when it cannot be written,
 * is no history, or is one of a version that is not known; -ERR_MEMORY. A file that is refused
 * stays as it is. */
int history_writer_open(const char *path, struct history_writer **writer, struct why *why);
/* Takes NULL. */
void history_writer_close(struct history_writer *writer);

/* Writes the row whole or not at all; run and timestamp are the writer's. 0; -ERR_SYSTEM when it
 * could not be written (the file is as before, and the next row may succeed); -ERR_MEMORY. */
int history_writer_append(struct history_writer *writer, const struct history_row *row,
                          struct why *why);

#endif
