/* stream.h - finds the matches of a long text that comes in pieces, with the result of searching it
 * as a whole. Pure.
 *
 * Matches are found from left to right, and none overlaps another. So a text can be cut
 * wherever no match lies across the cut and what lies behind it, searched by itself, begins
 * with the same matches: then all that follows is the same too. stream_next looks for such a
 * cut far enough from the end of what has come, and tries it. This holds as long as no match,
 * with the allowed entry around it, is longer than STREAM_REACH_BYTES, by the white space
 * between its words for example. */
#ifndef WINNOW_STREAM_H
#define WINNOW_STREAM_H

#include "matcher.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STREAM_REACH_BYTES  ((size_t)64 << 10)
#define STREAM_BUFFER_BYTES ((size_t)4 << 20)
/* While no cut is found the buffer grows up to this; then the text is cut anywhere. */
#define STREAM_MAX_BYTES ((size_t)64 << 20)

struct stream {
    const struct matcher *matcher;
    size_t reach;
    size_t wanted; /* so many bytes are gathered before a cut is sought */

    /* What has come and is not settled, behind what the last piece took from it. */
    char *buffer;
    size_t capacity, length;
    size_t taken;    /* bytes at the beginning of the buffer that the last piece consists of */
    uint64_t offset; /* of the buffer in the text */

    size_t pause_from;          /* stream_pause searches again when the buffer has so many bytes */
    struct matcher_spans spans; /* in the buffer */
    struct matcher_spans after_cut; /* behind a cut that is tried */
};

/* A part of the text that is settled, with its matches. Borrowed until the next call. */
struct stream_piece {
    const char *text;
    size_t length;
    uint64_t offset; /* of this part in the text */
    const struct matcher_span *spans;
    size_t count;
};

/* Begins a text.
 *
 * matcher       borrowed until stream_clear; may be NULL, as for matcher_find
 * buffer_bytes  how much is gathered before a cut is sought, at least four times the reach;
 *               STREAM_BUFFER_BYTES but in tests
 * reach_bytes   STREAM_REACH_BYTES but in tests */
void stream_init(struct stream *stream, const struct matcher *matcher, size_t buffer_bytes,
                 size_t reach_bytes);

/* From now on matches are found by another matcher: in all of the text that no piece has had. To be
 * called when stream_next has no more, before stream_reserve or after stream_received. */
void stream_use(struct stream *stream, const struct matcher *matcher);

void stream_clear(struct stream *stream);

/* Makes place for the next bytes of the text: at least one. They go to *at, and stream_received
 * tells how many came. Returns 0 or -ERR_MEMORY. */
int stream_reserve(struct stream *stream, char **at, size_t *bytes);
void stream_received(struct stream *stream, size_t bytes);

/* The next piece, once enough has come. at_end says that nothing more will come, so that all is
 * settled. Returns 1; 0 when more has to come or, at the end, when there is no more;
 * -ERR_MEMORY. */
int stream_next(struct stream *stream, bool at_end, struct stream_piece *piece);

/* The next piece when nothing more comes for now: the whole lines that are settled whatever comes
 * next. A line that ends in the middle of a phrase is not. Returns 1; 0 when there is no such line;
 * -ERR_MEMORY. */
int stream_pause(struct stream *stream, struct stream_piece *piece);

#endif
