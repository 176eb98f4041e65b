/* summary.h - how a run went, as one JSON object for programs. */
#ifndef WINNOW_SUMMARY_H
#define WINNOW_SUMMARY_H

#include "report.h"

#include <stdio.h>

/* Unknown is null. Whether all could be written is for the caller to ask (ferror). */
void summary_write(FILE *out, const struct report *report);

#endif
