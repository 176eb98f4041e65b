/* terms.h - a farm's last decision in words: each of its terms, what bound it, and what other
 * policies would have said to the same measurements. */
#ifndef WINNOW_TERMS_H
#define WINNOW_TERMS_H

#include "control/status.h"

#include <stdio.h>

/* A line each. Nothing, when nothing was decided yet. */
void terms_print(const struct status *status, FILE *out);

#endif
