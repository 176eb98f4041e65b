/* stream.h - a long text filtered in pieces, with the result of filtering it as a whole.
 *
 * Matches are found from left to right without overlaps. So a text can be cut in two wherever no match lies across the
 * cut and the part behind it, found by itself, begins with the same matches: then what follows is the same, too.
 * stream_next looks for such a cut far enough from the end of what has come, and tries it. This holds as long
 * as no match, with the allowed text around it, is longer than STREAM_REACH_BYTES (by white space between its
 * words, say). */
#ifndef WINNOW_STREAM_H
#define WINNOW_STREAM_H

#include "filtering.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STREAM_REACH_BYTES  ((size_t)64 << 10)
#define STREAM_BUFFER_BYTES ((size_t)4 << 20)
/* A text in which no cut is found so far grows the buffer up to this; then it is cut anywhere. */
#define STREAM_MAX_BYTES ((size_t)64 << 20)

struct stream {
    const struct filtering *filtering;
    size_t reach, wanted; /* STREAM_REACH_BYTES; how much is gathered before a cut is looked for */
    char *buffer;
    size_t capacity, length;
    size_t pause_from; /* stream_pause waits for so many bytes in the buffer */
    size_t done;       /* bytes at the beginning of the buffer that stream_next gave last */
    uint64_t offset;   /* of the buffer in the text */
    struct filtering_room room, trial;
};

/* What is settled: a part of the text, and the matches in it. Borrowed until the next call. */
struct stream_piece {
    const char *text;
    size_t length;
    uint64_t offset; /* of text in the whole */
    const struct matcher_span *spans;
    size_t count;
};

/* Starts a text. buffer_bytes and reach_bytes are STREAM_BUFFER_BYTES and STREAM_REACH_BYTES but in tests;
 * at least four times the reach is gathered. */
void stream_init(struct stream *stream, const struct filtering *filtering, size_t buffer_bytes,
                 size_t reach_bytes);
void stream_clear(struct stream *stream);

/* Where the next bytes of the text go, and how many there is room for; stream_took says how many came. 0 or
 * -ERR_MEMORY. */
int stream_room(struct stream *stream, char **at, size_t *bytes);
void stream_took(struct stream *stream, size_t bytes);

/* The next piece, when enough has come; `end`: nothing more will. 1, 0 (more is needed, or at the end: that was all),
 * or -ERR_MEMORY. */
int stream_next(struct stream *stream, bool end, struct stream_piece *piece);

/* The same when nothing more has come for now: the whole lines that are settled whatever comes, without a phrase, say,
 * that may go on in the next line. 1, 0 or -ERR_MEMORY. */
int stream_pause(struct stream *stream, struct stream_piece *piece);

#endif
