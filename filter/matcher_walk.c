/* matcher_walk.c - follows the tree from a place of a view and decides what matches. Pure. */
#include "disguises.h"
#include "dotted_i.h"
#include "matcher_kinds.h"
#include "matcher_search.h"
#include "matcher_trail.h"

#include <assert.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* Entries of fewer letters that are spelled out are too often innocent. */
#define MIN_SPELLED_LETTERS 3

/* ---- what the skeleton of an entry does not tell ---- */

/* For MATCHER_EXACT: whether each i of a text may be that of the entry. */
static bool has_same_dots(const struct search *search, const struct image_entry *entry,
                          size_t start, size_t end)
{
    const uint8_t *text = search->view.text + start;
    const uint8_t *wanted = search->matcher->texts + entry->check;
    size_t length = end - start, at = 0;

    for (uint32_t i = 0; i < entry->check_length; i++)
        if (!(dotted_i_next(text, length, &at) & wanted[i]))
            return false;
    return dotted_i_next(text, length, &at) == 0;
}

/* Whether a byte of a text stands for one of an entry. */
static bool stands_for(uint8_t byte, uint8_t wanted, bool is_last)
{
    /* After a word it is punctuation. */
    if (byte == '!' && is_last)
        return wanted == '!';
    return disguise_stands_for(byte, wanted);
}

/* How many bytes a run has of characters that the table takes for one. *count is of characters. */
static size_t measure_run(const uint8_t *table, const uint8_t *bytes, size_t length, size_t *count)
{
    size_t size = folded_size(bytes[0]), at = size;

    *count = 1;
    while (at + size <= length && (size == 1 ? table[bytes[at]] == table[bytes[0]]
                                             : memcmp(bytes, bytes + at, size) == 0)) {
        at += size;
        ++*count;
    }
    return at;
}

/* Of longer runs, in which one sign may stand for either of two letters, only the length counts. */
#define MAX_RUN 64

/* Whether a run of letters, digits and signs is that of an entry's letters, each of them one or
 * more times. */
static bool is_same_run(const uint8_t *text, size_t length, const uint8_t *wanted, size_t count,
                        bool is_last)
{
    uint64_t reached = 0; /* bit n: what has been read may end with the entry's letter n */

    assert(count > 0);
    if (length < count)
        return false;
    if (count > MAX_RUN)
        return true;
    for (size_t i = 0; i < length; i++) {
        uint64_t fits = 0;
        for (size_t n = 0; n < count; n++)
            fits |= (uint64_t)stands_for(text[i], wanted[n], is_last && i + 1 == length) << n;
        reached = (reached | reached << 1 | (i == 0)) & fits;
    }
    return reached >> (count - 1) & 1;
}

/* For MATCHER_LOOSE: whether the letters of an entry are there, each at least as often as it has
 * them in a row. */
static bool has_same_letters(const struct search *search, const struct image_entry *entry,
                             size_t begin, size_t end)
{
    const uint8_t *table = search->matcher->table;
    const uint8_t *text = search->view.bytes + begin;
    const uint8_t *wanted = search->matcher->texts + entry->check;
    size_t text_left = end - begin, wanted_left = entry->check_length;

    /* A letter of the text takes as many bytes as the entry's, or more. */
    while (wanted_left > 0 && wanted_left <= text_left) {
        size_t text_count, wanted_count;
        size_t text_run = measure_run(table, text, text_left, &text_count);
        size_t wanted_run = measure_run(table, wanted, wanted_left, &wanted_count);
        if (wanted[0] < 0x80 && wanted[0] != ' '
                ? !is_same_run(text, text_run, wanted, wanted_run, text_run == text_left)
                : text_count < wanted_count)
            return false;
        text += text_run;
        text_left -= text_run;
        wanted += wanted_run;
        wanted_left -= wanted_run;
    }
    return text_left == 0 && wanted_left == 0;
}

/* ---- the entries of a node ---- */

/* The longest matches that begin at one place. */
struct found {
    size_t begin; /* in the view */
    enum word_class before;
    bool is_taken; /* within a match, so that only what is allowed counts */
    struct hit match;
    struct hit allowed;
    bool is_unfinished; /* the view ended before the tree did */
};

/* Notes the entries of a node that match from found->begin to this end in the view. Longer matches
 * are noted later and take the place of shorter ones. */
static void note_matches(const struct search *search, const struct image_node *node, size_t end,
                         struct found *found)
{
    const struct view *view = &search->view;
    const struct image_entry *entry = &search->matcher->entries[node->entry];
    bool has_match = false, has_allowed = false;

    if (!is_character_end(view, end))
        return;
    bool start_is_free = found->before == CLASS_OTHER || found->before == CLASS_UNSPACED;
    bool end_is_free = matcher_view_class_after(view, end) != CLASS_WORD;
    size_t from = text_start(view, found->begin), to = text_end(view, end);

    for (uint32_t i = 0; i < node->entry_count; i++, entry++) {
        if ((entry->allowed ? has_allowed : has_match || found->is_taken) ||
            !(start_is_free || entry->open_start) || !(end_is_free || entry->open_end) ||
            (view->is_spelled && entry->letters < MIN_SPELLED_LETTERS))
            continue;
        const bool is_exact = search->matcher->level == MATCHER_EXACT;
        if (entry->check_length > 0 && !(entry->skeleton_tells && !(is_exact && view->offsets)) &&
            !(is_exact ? has_same_dots(search, entry, from, to)
                       : has_same_letters(search, entry, found->begin, end)))
            continue;
        struct hit hit = {.start = (uint32_t)from,
                          .end = (uint32_t)to,
                          .entry = entry->index,
                          .allowed = entry->allowed};
        if (entry->allowed) {
            found->allowed = hit;
            has_allowed = true;
        } else {
            found->match = hit;
            has_match = true;
        }
    }
}

/* Notes the entries of a node whose last letter may be repeated from `run` to `end`. Signs at the
 * end of the run may be meant as such, as in "ass!" and "hell$". So the matches that end before the
 * first of the signs and before the last exclamation marks are noted too. */
static void note_run(const struct search *search, const struct image_node *node, size_t run,
                     size_t end, struct found *found)
{
    const uint8_t *bytes = search->view.bytes;

    if (search->matcher->level == MATCHER_LOOSE && is_letter_sign(bytes[end - 1])) {
        size_t first = run + 1, last = end;
        while (first < end && !is_letter_sign(bytes[first]))
            first++;
        while (last > run + 1 && bytes[last - 1] == '!')
            last--;
        if (first < last)
            note_matches(search, node, first, found);
        if (last < end)
            note_matches(search, node, last, found);
    }
    note_matches(search, node, end, found);
}

/* ---- the tree ---- */

/* The child of a node to which a byte leads, or 0. */
static uint32_t find_child(const struct matcher *matcher, const struct image_node *node,
                           uint8_t byte)
{
    const uint8_t *firsts = matcher->firsts + node->child;

    if (node == matcher->nodes)
        return matcher->roots[byte];
    if (node->child_count == 1)
        return *firsts == byte ? node->child : 0;
#ifdef __SSE2__
    /* What is read behind the last child's byte is of the image too. */
    if (node->child_count <= 16) {
        __m128i same =
            _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)firsts), _mm_set1_epi8((char)byte));
        unsigned found = (unsigned)_mm_movemask_epi8(same) & ((2U << (node->child_count - 1)) - 1);
        return found ? node->child + (uint32_t)__builtin_ctz(found) : 0;
    }
#endif
    const uint8_t *first = memchr(firsts, byte, node->child_count);
    return first ? node->child + (uint32_t)(first - firsts) : 0;
}

/* Follows the tree along the view and notes the entries on the way. One function, because most of a
 * search is spent here: parted in two it is slower by some hundredths. */
static void walk(const struct search *search, struct found *found)
{
    const struct matcher *matcher = search->matcher;
    const struct view *view = &search->view;
    const uint8_t *table = matcher->table, *bytes = view->bytes;
    const struct image_node *node = matcher->nodes;
    const bool may_repeat = matcher->level == MATCHER_LOOSE;
    size_t at = found->begin;

    while (at < view->length && node->child_count > 0) {
        uint32_t child = find_child(matcher, node, table[bytes[at]]);
        if (child == 0)
            return;
        node = &matcher->nodes[child];

        /* The first byte of the way to the child matches; the rest is its label. */
        const uint8_t *label = matcher->texts + node->label;
        uint32_t i = 0; /* of the label's bytes match */
        struct trail *trail = NULL;
        size_t run = at, start = at = next_unit(view, table, may_repeat, at);
        if (node->label_length >= LONG_LABEL) {
            trail = matcher_trail_find(search, child);
            if (!matcher_trail_resume(search, trail, &at, &i))
                return;
        }
        for (; i < node->label_length && at < view->length && table[bytes[at]] == label[i]; i++) {
            run = at;
            at = next_unit(view, table, may_repeat, at);
        }
        if (trail)
            matcher_trail_leave(trail, start, at, i);
        found->is_unfinished = at == view->length;
        if (i < node->label_length)
            return;
        if (node->entry_count > 0)
            note_run(search, node, run, at, found);
    }
}

void matcher_walk(struct search *search, size_t begin)
{
    const struct view *view = &search->view;

    if (!is_character_end(view, begin) || search->error)
        return;
    /* What begins within a match counts only where it is allowed and may cover other matches. */
    bool is_taken = !search->gathers && text_start(view, begin) < search->taken_until;
    if (is_taken && !search->matcher->header->any_allowed)
        return;
    struct found found = {
        .begin = begin, .before = matcher_view_class_before(view, begin), .is_taken = is_taken};
    walk(search, &found);
    if (found.is_unfinished && text_start(view, begin) < search->spans->unfinished)
        search->spans->unfinished = text_start(view, begin);
    matcher_spans_offer(search, found.allowed);
    matcher_spans_offer(search, found.match);
}
