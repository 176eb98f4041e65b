/* phase_parse.h - a phase of a schedule as people write it: 10s@500. Pure. */
#ifndef WINNOW_PHASE_PARSE_H
#define WINNOW_PHASE_PARSE_H

#include "error.h"
#include "phase.h"

#define PHASE_PARSE_FORM                                                                           \
    "DURATION@RATE, DURATION@RATE..RATE or DURATION@RATE~RATE/PERIOD, with or without "            \
    "+COUNT/EVERY behind it, as 10s@500, 30s@1k..5k, 1m@100~500/20s or 1m@50+1k/10s"

/* A text of PHASE_PARSE_FORM -> a phase that phase_check accepts, written only on success. The
 * duration, the period and the time between bursts are more than zero; all are those of units.h.
 *
 * Returns 0, or -ERR_INVALID with what is wrong in the text and what was expected. */
int phase_parse(const char *text, struct phase *phase, struct why *why);

#endif
