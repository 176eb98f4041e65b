/* units.h - durations, counts and rates as people write them. Pure. */
#ifndef WINNOW_UNITS_H
#define WINNOW_UNITS_H

#include <stddef.h>
#include <stdint.h>

/* What each parser accepts, for messages. */
#define UNITS_DURATION_FORM "a number with a unit: 250us, 250ms, 2s, 5m or 1h"
#define UNITS_COUNT_FORM    "a whole number, 1000 or 10k or 2M"
#define UNITS_SIZE_FORM     "a number of bytes: 4096, 64KiB or 1MiB"

/* Each parser takes the whole text, which has no spaces, sign or exponent. It writes its result
 * only on success, and returns 0, or -ERR_INVALID when the text is empty, malformed, or more than
 * the type holds. */

/* "250ms" -> nanoseconds, >= 0. Units: ns us ms s m h. A fraction is allowed ("1.5s"), and so is a
 * 0 without a unit. */
int units_parse_duration(const char *text, int64_t *ns);

/* "10k" -> 10000, >= 0. Suffixes: k (1e3), M (1e6); a fraction only with a suffix and only when the
 * result is whole ("1.5k"). */
int units_parse_count(const char *text, uint64_t *count);

/* "1.5k" -> 1500.0 per second, >= 0 and finite. Suffixes as for counts; any fraction. */
int units_parse_rate(const char *text, double *per_s);

/* "64KiB" -> 65536. Suffixes: KiB, MiB, GiB. */
int units_parse_size(const char *text, size_t *bytes);

/* "2023-11-16 18:15:46.680590" -> nanoseconds since 1970-01-01 00:00 UTC, negative before. A T may
 * stand for the space; seconds and a fraction may be missing; a Z or an offset like +02:00 may
 * follow, without which it is UTC. Digits beyond the ninth of a fraction are ignored. Years 1700 to
 * 2200. */
#define UNITS_TIMESTAMP_FORM "2023-11-16 18:15:46.680590"
int units_parse_timestamp(const char *text, int64_t *ns);

/* The shortest text that units_parse_duration reads as the same value: 1500000000 -> "1500ms". */
#define UNITS_TEXT_SIZE 32
void units_format_duration(int64_t ns, char text[UNITS_TEXT_SIZE]);

#endif
