#include "stream.h"

#include "buffer.h"
#include "error.h"

#include <stdlib.h>
#include <string.h>

/* So many cuts are tried before more text is waited for. */
#define MAX_CUTS 8

void stream_init(struct stream *stream, const struct matcher *matcher, size_t buffer_bytes,
                 size_t reach_bytes)
{
    *stream = (struct stream){
        .matcher = matcher,
        .reach = reach_bytes,
        .wanted = buffer_bytes > 4 * reach_bytes ? buffer_bytes : 4 * reach_bytes,
    };
}

void stream_use(struct stream *stream, const struct matcher *matcher)
{
    stream->matcher = matcher;
    stream->pause_from = 0;
}

void stream_clear(struct stream *stream)
{
    free(stream->buffer);
    matcher_spans_clear(&stream->spans);
    matcher_spans_clear(&stream->after_cut);
    *stream = (struct stream){0};
}

static void drop_taken(struct stream *stream)
{
    if (!stream->taken)
        return;
    stream->length -= stream->taken;
    memmove(stream->buffer, stream->buffer + stream->taken, stream->length);
    stream->offset += stream->taken;
    stream->taken = 0;
}

/* Makes a piece of the beginning of the buffer, with so many of its matches. */
static int take(struct stream *stream, size_t length, size_t count, struct stream_piece *piece)
{
    *piece = (struct stream_piece){
        .text = stream->buffer,
        .length = length,
        .offset = stream->offset,
        .spans = stream->spans.items,
        .count = count,
    };
    stream->taken = length;
    return 1;
}

int stream_reserve(struct stream *stream, char **at, size_t *bytes)
{
    drop_taken(stream);
    if (!buffer_reserve(&stream->buffer, &stream->capacity,
                        stream->wanted > stream->length ? stream->wanted : stream->length + 1))
        return -ERR_MEMORY;
    *at = stream->buffer + stream->length;
    *bytes = stream->capacity - stream->length;
    return 0;
}

void stream_received(struct stream *stream, size_t bytes)
{
    stream->length += bytes;
}

/* Whether no word, no composed character and no UTF-8 sequence goes across this place. */
static bool is_break(const char *text, size_t at)
{
    unsigned char before = (unsigned char)text[at - 1], after = (unsigned char)text[at];
    bool is_word = (before >= '0' && before <= '9') || (before >= 'A' && before <= 'Z') ||
                   (before >= 'a' && before <= 'z') || before == '_';

    return before < 0x80 && after < 0x80 && !is_word && before != '\r';
}

/* How many spans begin before a place. */
static size_t spans_before(const struct matcher_spans *spans, size_t at)
{
    size_t low = 0, high = spans->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (spans->items[middle].start < at)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The last place up to `at` and after `from` where the text breaks outside every match; else 0. */
static size_t last_break(const struct stream *stream, size_t at, size_t from)
{
    const struct matcher_spans *spans = &stream->spans;

    for (; at > from; at--) {
        size_t before = spans_before(spans, at);
        const struct matcher_span *last = before ? &spans->items[before - 1] : NULL;
        if (last && last->start + last->length > at)
            at = last->start + 1; /* the loop goes on at the match's beginning */
        else if (is_break(stream->buffer, at))
            return at;
    }
    return 0;
}

/* Whether what lies behind the cut, searched by itself, begins with the same matches as in the
 * whole buffer: 1, 0, or an error. */
static int is_good_cut(struct stream *stream, size_t cut)
{
    const struct matcher_spans *whole = &stream->spans, *after = &stream->after_cut;
    size_t left = stream->length - cut;
    size_t window = left < 2 * stream->reach ? left : 2 * stream->reach;

    int error = matcher_find(stream->matcher, stream->buffer + cut, window, &stream->after_cut);
    if (error)
        return error;
    size_t first = spans_before(whole, cut);
    size_t count = spans_before(whole, cut + stream->reach) - first;
    if (spans_before(after, stream->reach) != count)
        return 0;
    for (size_t i = 0; i < count; i++)
        if (whole->items[first + i].start != after->items[i].start + cut ||
            whole->items[first + i].length != after->items[i].length ||
            whole->items[first + i].entry != after->items[i].entry)
            return 0;
    return 1;
}

/* Sets *cut, to 0 when none is found. */
static int find_cut(struct stream *stream, size_t *cut)
{
    /* What begins in the last reach may go on in what has not come yet, and trying a cut compares
     * matches over another reach. */
    size_t at = stream->length - 2 * stream->reach;
    size_t from = at / 2;

    *cut = 0;
    for (int i = 0; i < MAX_CUTS && (at = last_break(stream, at, from)); i++) {
        int good = is_good_cut(stream, at);
        if (good < 0)
            return good;
        if (good) {
            *cut = at;
            return 0;
        }
        at -= 1;
    }
    if (stream->length >= STREAM_MAX_BYTES) {
        for (*cut = stream->length - 2 * stream->reach;
             *cut > 1 && ((unsigned char)stream->buffer[*cut] & 0xc0) == 0x80;)
            --*cut;
    }
    return 0;
}

int stream_next(struct stream *stream, bool at_end, struct stream_piece *piece)
{
    size_t cut;

    drop_taken(stream);
    if (at_end ? stream->length == 0 : stream->length < stream->wanted)
        return 0;
    int error = matcher_find(stream->matcher, stream->buffer, stream->length, &stream->spans);
    if (error)
        return error;
    if (at_end)
        cut = stream->length;
    else if ((error = find_cut(stream, &cut)))
        return error;
    if (!cut) {
        stream->wanted = 2 * stream->length;
        return 0;
    }
    return take(stream, cut, spans_before(&stream->spans, cut), piece);
}

int stream_pause(struct stream *stream, struct stream_piece *piece)
{
    const struct matcher_spans *spans = &stream->spans;

    drop_taken(stream);
    if (stream->length < stream->pause_from)
        return 0;
    stream->pause_from = 0;
    size_t cut = stream->length;
    for (int i = 0; i < MAX_CUTS && cut > 0; i++) {
        const char *line_end = memrchr(stream->buffer, '\n', cut);
        if (!line_end)
            break;
        cut = (size_t)(line_end - stream->buffer) + 1;
        int error = matcher_find(stream->matcher, stream->buffer, cut, &stream->spans);
        if (error)
            return error;
        if (spans->unfinished == cut)
            return take(stream, cut, spans->count, piece);
        cut = spans->unfinished;
    }
    /* A long text without a settled line is not searched again at each byte that comes. */
    if (stream->length > stream->reach)
        stream->pause_from = 2 * stream->length;
    return 0;
}
