/* gnuplot.h - the only module that knows gnuplot: how to write a script for it, and how to run
 * it. */
#ifndef WINNOW_GNUPLOT_H
#define WINNOW_GNUPLOT_H

#include "error.h"

#include <stdio.h>

/* Writes `name = "text"`. Whatever the text holds, gnuplot takes it as text: what it
 * would obey is escaped,
 * control characters become spaces, other characters that cannot be printed and bytes that are not
 * UTF-8 become U+FFFD, and `]]>` becomes `]] >`. */
void gnuplot_write_text(FILE *script, const char *name, const char *text);

/* Writes `name = number`; NAN as gnuplot writes it. */
void gnuplot_write_number(FILE *script, const char *name, double number);

/* Writes `name_count = count`. */
void gnuplot_write_count(FILE *script, const char *name, size_t count);

/* What is written between the two is the data block $name: lines of numbers, an empty line for a
 * gap. */
void gnuplot_begin_data(FILE *script, const char *name);
void gnuplot_end_data(FILE *script);

/* Runs the whole script, from its start, and leaves what gnuplot drew in *picture: an open file
 * without a name, at its start, for the caller to fclose; written only on success.
 *
 * Returns 0; -ERR_UNAVAILABLE: gnuplot is not installed; -ERR_CONFIG: gnuplot could not draw, with
 * its own words; -ERR_SYSTEM. */
int gnuplot_run(FILE *script, FILE **picture, struct why *why);

/* A file in $TMPDIR, else /tmp, that has no name any more; NULL when there can be none, with an
 * explanation. */
FILE *gnuplot_scratch(struct why *why);

#endif
