/* gnuplot.h - the only room that knows gnuplot: how to write to it, and how to run it. */
#ifndef WINNOW_GNUPLOT_H
#define WINNOW_GNUPLOT_H

#include "error.h"

#include <stdio.h>

/* Writes `name = 'text'`. Whatever the text holds, gnuplot takes it as text: quotes are doubled,
 * control characters become spaces, what else cannot be printed and bytes that are not UTF-8 U+FFFD,
 * and `]]>` becomes `]] >`. */
void gnuplot_write_text(FILE *script, const char *name, const char *text);

/* Writes `name = number`; NAN as gnuplot writes it. */
void gnuplot_write_number(FILE *script, const char *name, double number);

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
