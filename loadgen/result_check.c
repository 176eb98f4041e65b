#include "result_check.h"

#include <stdlib.h>
#include <string.h>

/* So that nobody's text can hold up the run. */
#define MAX_STEPS ((size_t)1 << 26)

#define IMPOSSIBLE SIZE_MAX

static bool same(struct broker_bytes a, struct broker_bytes b)
{
    return a.length == b.length && (!a.length || memcmp(a.bytes, b.bytes, a.length) == 0);
}

/* Where `part` starts in `text` at or after `from`, or SIZE_MAX. */
static size_t find(struct broker_bytes text, struct broker_bytes part, size_t from)
{
    const char *found = memmem(text.bytes + from, text.length - from, part.bytes, part.length);

    return found ? (size_t)(found - text.bytes) : SIZE_MAX;
}

/* Whether bytes are missing from the text, as many as `least` or more, and nothing else is
 * changed. */
static bool only_lacks(struct broker_bytes original, struct broker_bytes text, size_t least)
{
    size_t kept = 0;

    for (size_t i = 0; i < original.length && kept < text.length; i++)
        kept += original.bytes[i] == text.bytes[kept];
    return kept == text.length && original.length - text.length >= least;
}

/* A search for those masks in the text that are replacements; the others were in the original. */
struct search {
    struct broker_bytes original, text, mask;
    size_t *starts; /* of every mask in the text, overlapping ones too */
    size_t start_count;
    size_t *steps_left;
};

/* Charges for work; false when it has become too much. */
static bool spend(struct search *search, size_t steps)
{
    if (steps > *search->steps_left) {
        *search->steps_left = 0;
        return false;
    }
    *search->steps_left -= steps;
    return true;
}

/* How far into the original the text reaches, up to and with a replacement. The least is enough to
 * know, because a replaced stretch may always be longer. reach_first and reach_next answer it. */

/* When the mask at `start` is the first replacement: what is before it must be the same in both. */
static size_t reach_first(struct search *search, size_t start)
{
    if (start >= search->original.length || !spend(search, start) ||
        memcmp(search->original.bytes, search->text.bytes, start) != 0)
        return IMPOSSIBLE;
    return start + 1;
}

/* When the mask at `start` is the next replacement after one that ends at `end` in the text and
 * reached `from` in the original: what is between the two must come in the original. */
static size_t reach_next(struct search *search, size_t from, size_t end, size_t start)
{
    struct broker_bytes between = {search->text.bytes + end, start - end};
    size_t at = find(search->original, between, from);
    size_t reached = at == SIZE_MAX ? search->original.length : at + between.length;

    if (!spend(search, reached - from + 1) || at == SIZE_MAX || reached == search->original.length)
        return IMPOSSIBLE;
    return reached + 1;
}

/* After the last replacement: whether the original can end as the text does. */
static bool ends_alike(struct search *search, size_t from, size_t end)
{
    struct broker_bytes original = search->original;
    size_t rest = search->text.length - end;

    return rest <= original.length && original.length - rest >= from && spend(search, rest) &&
           memcmp(original.bytes + original.length - rest, search->text.bytes + end, rest) == 0;
}

/* One row of the search from the row before it. reach[skipped] is the answer when the replacement
 * number `done` is the mask number `done` + skipped, both counted from 0; before[skipped] is the
 * same of the replacement before it. */
static bool fill_row(struct search *search, size_t done, size_t width, const size_t *before,
                     size_t *reach)
{
    const size_t *starts = search->starts;

    for (size_t to = 0; to < width; to++) {
        reach[to] = IMPOSSIBLE;
        for (size_t from = 0; from <= to; from++) {
            size_t end = starts[done - 1 + from] + search->mask.length;
            if (!spend(search, 1))
                return false;
            if (before[from] == IMPOSSIBLE || end > starts[done + to])
                continue;
            size_t reached = reach_next(search, before[from], end, starts[done + to]);
            if (reached < reach[to])
                reach[to] = reached;
        }
    }
    return true;
}

/* Whether `count` of the masks can be the replacements. reach and before are memory for a row
 * each. */
static bool choose(struct search *search, size_t count, size_t *reach, size_t *before)
{
    size_t width = search->start_count - count + 1;

    for (size_t skipped = 0; skipped < width; skipped++)
        reach[skipped] = reach_first(search, search->starts[skipped]);
    for (size_t done = 1; done < count; done++) {
        memcpy(before, reach, width * sizeof *reach);
        if (!fill_row(search, done, width, before, reach))
            return false;
    }
    for (size_t skipped = 0; skipped < width; skipped++) {
        size_t end = search->starts[count - 1 + skipped] + search->mask.length;
        if (reach[skipped] != IMPOSSIBLE && ends_alike(search, reach[skipped], end))
            return true;
    }
    return false;
}

static size_t count_masks(const struct search *search)
{
    size_t count = 0;

    for (size_t at = 0; (at = find(search->text, search->mask, at)) != SIZE_MAX; at++)
        count++;
    return count;
}

bool result_check_text(struct broker_bytes original, struct broker_bytes text,
                       struct broker_bytes mask, int64_t matches, size_t *steps_left)
{
    struct search search = {
        .original = original, .text = text, .mask = mask, .steps_left = steps_left};
    size_t count = (size_t)matches;

    if (matches <= 0)
        return matches == 0 && same(original, text);
    if (count > original.length)
        return false;
    if (!mask.length)
        return only_lacks(original, text, count);
    if (count > text.length / mask.length)
        return false;
    search.start_count = count_masks(&search);
    if (search.start_count < count)
        return false;

    size_t width = search.start_count - count + 1;
    size_t *memory = reallocarray(NULL, search.start_count + 2 * width, sizeof *memory);
    if (!memory)
        return false;
    search.starts = memory;
    for (size_t i = 0, at = 0; i < search.start_count; i++, at++)
        search.starts[i] = at = find(text, mask, at);
    bool right =
        choose(&search, count, memory + search.start_count, memory + search.start_count + width);
    free(memory);
    return right;
}

const char *result_check(const struct result *result, struct broker_bytes original,
                         struct broker_bytes mask)
{
    size_t steps_left = MAX_STEPS;

    if (!result->message_id.bytes || !result->correlation_id.bytes ||
        !same(result->message_id, result->correlation_id))
        return "correlation_id is not the event's message_id";
    if (!result->has_matches)
        return "no integer header winnow-matches";
    if (!result_check_text(original, result->body, mask, result->matches, &steps_left))
        return "the body is not the event's text with winnow-matches masks in it";
    return NULL;
}
