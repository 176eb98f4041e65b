#include "stream.h"

#include "buffer.h"

#include <stdlib.h>
#include <string.h>

/* So many cuts are tried before more text is waited for. */
#define TRIALS 8

void stream_init(struct stream *stream, const struct filtering *filtering, size_t buffer_bytes,
                 size_t reach_bytes)
{
    *stream =
        (struct stream){.filtering = filtering,
                        .reach = reach_bytes,
                        .wanted = buffer_bytes > 4 * reach_bytes ? buffer_bytes : 4 * reach_bytes};
}

void stream_clear(struct stream *stream)
{
    free(stream->buffer);
    filtering_room_clear(&stream->room);
    filtering_room_clear(&stream->trial);
    *stream = (struct stream){0};
}

static void drop_done(struct stream *stream)
{
    if (!stream->done)
        return;
    stream->length -= stream->done;
    memmove(stream->buffer, stream->buffer + stream->done, stream->length);
    stream->offset += stream->done;
    stream->done = 0;
}

int stream_room(struct stream *stream, char **at, size_t *bytes)
{
    drop_done(stream);
    if (!buffer_reserve(&stream->buffer, &stream->capacity,
                        stream->wanted > stream->length ? stream->wanted : stream->length + 1))
        return -ERR_MEMORY;
    *at = stream->buffer + stream->length;
    *bytes = stream->capacity - stream->length;
    return 0;
}

void stream_took(struct stream *stream, size_t bytes)
{
    stream->length += bytes;
}

/* No word, no composed character and no UTF-8 sequence goes across this place. */
static bool is_break(const char *text, size_t at)
{
    unsigned char before = (unsigned char)text[at - 1], after = (unsigned char)text[at];
    bool word = (before >= '0' && before <= '9') || (before >= 'A' && before <= 'Z') ||
                (before >= 'a' && before <= 'z') || before == '_';

    return before < 0x80 && after < 0x80 && !word && before != '\r';
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

/* Moves a place back to one where the text breaks, outside every match; 0 when there is none after `from`. */
static size_t break_before(const struct stream *stream, size_t at, size_t from)
{
    const struct matcher_spans *spans = &stream->room.spans;

    for (; at > from; at--) {
        size_t before = spans_before(spans, at);
        const struct matcher_span *last = before ? &spans->items[before - 1] : NULL;
        if (last && last->start + last->length > at)
            at = last->start + 1; /* the loop goes to its beginning */
        else if (is_break(stream->buffer, at))
            return at;
    }
    return 0;
}

/* Whether what lies behind the cut begins with the same matches when it is found by itself: 1, 0, or an error. */
static int is_good_cut(struct stream *stream, size_t cut)
{
    const struct matcher_spans *whole = &stream->room.spans, *part = &stream->trial.spans;
    size_t left = stream->length - cut;
    size_t window = left < 2 * stream->reach ? left : 2 * stream->reach;

    int error = filtering_find(stream->filtering, stream->buffer + cut, window, &stream->trial);
    if (error)
        return error;
    size_t first = spans_before(whole, cut);
    size_t count = spans_before(whole, cut + stream->reach) - first;
    if (spans_before(part, stream->reach) != count)
        return 0;
    for (size_t i = 0; i < count; i++)
        if (whole->items[first + i].start != part->items[i].start + cut ||
            whole->items[first + i].length != part->items[i].length ||
            whole->items[first + i].entry != part->items[i].entry)
            return 0;
    return 1;
}

/* Sets *cut, 0 when none is found. */
static int find_cut(struct stream *stream, size_t *cut)
{
    /* What begins in the last reach may go on in what has not come, and the trial needs another. */
    size_t at = stream->length - 2 * stream->reach;
    size_t from = at / 2;

    *cut = 0;
    for (int i = 0; i < TRIALS && (at = break_before(stream, at, from)); i++) {
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

int stream_next(struct stream *stream, bool end, struct stream_piece *piece)
{
    size_t cut;

    drop_done(stream);
    if (end ? stream->length == 0 : stream->length < stream->wanted)
        return 0;
    int error = filtering_find(stream->filtering, stream->buffer, stream->length, &stream->room);
    if (error)
        return error;
    if (end)
        cut = stream->length;
    else if ((error = find_cut(stream, &cut)))
        return error;
    if (!cut) {
        stream->wanted = 2 * stream->length;
        return 0;
    }
    *piece = (struct stream_piece){.text = stream->buffer,
                                   .length = cut,
                                   .offset = stream->offset,
                                   .spans = stream->room.spans.items,
                                   .count = spans_before(&stream->room.spans, cut)};
    stream->done = cut;
    return 1;
}

int stream_pause(struct stream *stream, struct stream_piece *piece)
{
    const struct matcher_spans *spans = &stream->room.spans;

    drop_done(stream);
    if (stream->length < stream->pause_from)
        return 0;
    stream->pause_from = 0;
    size_t cut = stream->length;
    for (int i = 0; i < TRIALS && cut > 0; i++) {
        const char *line_end = memrchr(stream->buffer, '\n', cut);
        if (!line_end)
            break;
        cut = (size_t)(line_end - stream->buffer) + 1;
        int error = filtering_find(stream->filtering, stream->buffer, cut, &stream->room);
        if (error)
            return error;
        if (spans->unfinished == cut) {
            *piece = (struct stream_piece){.text = stream->buffer,
                                           .length = cut,
                                           .offset = stream->offset,
                                           .spans = spans->items,
                                           .count = spans->count};
            stream->done = cut;
            return 1;
        }
        cut = spans->unfinished;
    }
    /* So that much text without a settled line is not searched at each byte that comes. */
    if (stream->length > stream->reach)
        stream->pause_from = 2 * stream->length;
    return 0;
}
