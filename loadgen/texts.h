/* texts.h - the texts that events are made of: built in, the lines of a file or a column of a
 * table. */
#ifndef WINNOW_TEXTS_H
#define WINNOW_TEXTS_H

#include "broker/properties.h"
#include "error.h"

#include <stdbool.h>
#include <stddef.h>

#define TEXTS_FORM "FILE.txt, one event a line, or FILE.csv:COLUMN, one event a row"

/* Of a larger file the texts at its beginning are taken, so much of it. */
#define TEXTS_MAX_MIB 64

struct texts;

/* Reads the texts from a source of TEXTS_FORM, in the file's order; empty and blank lines and
 * fields are skipped. NULL: a small built-in set of plain sentences, some with an insult in them.
 *
 * Returns 0 and *texts (release with texts_close), -ERR_MEMORY, or -ERR_CONFIG: unreadable, not a
 * table, no such column, binary (a NUL byte), or no text in it. */
int texts_open(const char *source, struct texts **texts, struct why *why);
/* Takes NULL. */
void texts_close(struct texts *texts);

/* How many texts there are, at least 1; and whether the file has more than were taken. */
size_t texts_count(const struct texts *texts);
bool texts_cut(const struct texts *texts);

/* One of them, by its number from 0. Not empty; borrowed until texts_close. */
struct broker_bytes texts_get(const struct texts *texts, size_t number);

#endif
