#include "dotted_i.h"
#include "matcher_search.h"
#include "matcher_trail.h"

#include <string.h>

/* Fewer letters spelled out are too often innocent. */
#define MIN_SPELLED_LETTERS 3

/* MATCHER_EXACT: whether the i of a text may be those of the entry. */
static bool same_dots(const struct search *search, const struct image_entry *entry, size_t start,
                      size_t end)
{
    const uint8_t *text = search->view.text + start;
    const uint8_t *kinds = search->matcher->texts + entry->check;
    size_t length = end - start, at = 0;

    for (uint32_t i = 0; i < entry->check_length; i++)
        if (!(dotted_i_next(text, length, &at) & kinds[i]))
            return false;
    return dotted_i_next(text, length, &at) == 0;
}

/* Whether a byte of a text stands for one of an entry. */
static bool stands_for(uint8_t byte, uint8_t wanted, bool is_last)
{
    if (byte >= 'A' && byte <= 'Z')
        byte |= 0x20;
    if (byte == wanted)
        return true;
    switch (byte) {
    case '0':
        return wanted == 'o';
    case '1':
        return wanted == 'i' || wanted == 'l';
    case '!':
        /* After a word it is punctuation. */
        return !is_last && (wanted == 'i' || wanted == 'l');
    case '3':
        return wanted == 'e';
    case '4':
    case '@':
        return wanted == 'a';
    case '5':
    case '$':
        return wanted == 's';
    case '7':
        return wanted == 't';
    default:
        return false;
    }
}

/* How many bytes a run has of bytes or characters that the table takes for one; count is of characters. */
static size_t measure_run(const uint8_t *table, const uint8_t *bytes, size_t length, size_t *count)
{
    size_t size = character_size(bytes[0]), at = size;

    *count = 1;
    while (at + size <= length && (size == 1 ? table[bytes[at]] == table[bytes[0]]
                                             : memcmp(bytes, bytes + at, size) == 0)) {
        at += size;
        ++*count;
    }
    return at;
}

/* Longer runs of letters of which one sign may stand for either are only counted. */
#define MAX_RUN 64

/* Whether a run of letters, digits and signs is a run of an entry's letters, each one or more times. */
static bool same_run(const uint8_t *text, size_t length, const uint8_t *wanted, size_t count,
                     bool last)
{
    uint64_t reached = 0; /* bit n: what was read so far may end with the entry's letter n */

    if (length < count)
        return false;
    if (count > MAX_RUN)
        return true;
    for (size_t i = 0; i < length; i++) {
        uint64_t fits = 0;
        for (size_t n = 0; n < count; n++)
            fits |= (uint64_t)stands_for(text[i], wanted[n], last && i + 1 == length) << n;
        reached = (reached | reached << 1 | (i == 0)) & fits;
    }
    return reached >> (count - 1) & 1;
}

/* MATCHER_LOOSE: whether the letters of an entry are there, and as often as it has them. */
static bool same_letters(const struct search *search, const struct image_entry *entry, size_t begin,
                         size_t end)
{
    const uint8_t *table = search->matcher->table;
    const uint8_t *text = search->view.bytes + begin,
                  *wanted = search->matcher->texts + entry->check;
    size_t text_left = end - begin, wanted_left = entry->check_length;

    /* A letter takes as many bytes, or more. */
    while (wanted_left > 0 && wanted_left <= text_left) {
        size_t text_count, wanted_count;
        size_t text_run = measure_run(table, text, text_left, &text_count);
        size_t wanted_run = measure_run(table, wanted, wanted_left, &wanted_count);
        if (wanted[0] < 0x80 && wanted[0] != ' '
                ? !same_run(text, text_run, wanted, wanted_run, text_run == text_left)
                : text_count < wanted_count)
            return false;
        text += text_run;
        text_left -= text_run;
        wanted += wanted_run;
        wanted_left -= wanted_run;
    }
    return text_left == 0 && wanted_left == 0;
}

/* The longest matches that begin at one place. */
struct found {
    size_t begin; /* in the view */
    enum word_class before;
    bool is_taken; /* within a match, so that only what is allowed counts */
    struct hit match;
    struct hit allowed;
    bool is_unfinished; /* the view ended before the tree did */
};

/* Looks whether entries of a node match up to this end in the view. Longer ends come later and win. */
static void consider(const struct search *search, const struct image_node *node, size_t end,
                     struct found *found)
{
    const struct view *view = &search->view;
    const struct image_entry *entry = &search->matcher->entries[node->entry];
    bool has_match = false, has_allowed = false;

    if (!is_character_end(view, end))
        return;
    enum word_class after = class_after(view, end);
    bool start_is_free = found->before == CLASS_OTHER || found->before == CLASS_UNSPACED;
    bool end_is_free = after != CLASS_WORD;
    size_t from = text_start(view, found->begin), to = text_end(view, end);

    for (uint32_t i = 0; i < node->entry_count; i++, entry++) {
        if ((entry->allowed ? has_allowed : has_match || found->is_taken) ||
            !(start_is_free || entry->open_start) || !(end_is_free || entry->open_end) ||
            (view->is_spelled && entry->letters < MIN_SPELLED_LETTERS))
            continue;
        if (entry->check_length > 0 && !(entry->has_dots && !view->offsets) &&
            !(search->matcher->level == MATCHER_EXACT
                  ? same_dots(search, entry, from, to)
                  : same_letters(search, entry, found->begin, end)))
            continue;
        struct hit hit = {(uint32_t)from, (uint32_t)to, entry->index, entry->allowed};
        if (entry->allowed) {
            found->allowed = hit;
            has_allowed = true;
        } else {
            found->match = hit;
            has_match = true;
        }
    }
}

/* A run of repeated letters may end in signs that are meant as such: "ass!" and "hell$". So the end before
 * the first sign is tried too, and the one before the last exclamation marks. */
static void consider_run(const struct search *search, const struct image_node *node, size_t run,
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
            consider(search, node, first, found);
        if (last < end)
            consider(search, node, last, found);
    }
    consider(search, node, end, found);
}

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
    /* More bytes of the image follow than are read here. */
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

/* Follows the tree along the view. */
static void walk(const struct search *search, struct found *found)
{
    const struct matcher *matcher = search->matcher;
    const struct view *view = &search->view;
    const uint8_t *table = matcher->table, *bytes = view->bytes;
    const struct image_node *node = matcher->nodes;
    const bool repeats = matcher->level == MATCHER_LOOSE;
    size_t at = found->begin;

    while (at < view->length && node->child_count > 0) {
        uint32_t child = find_child(matcher, node, table[bytes[at]]), i = 0;
        if (child == 0)
            return;
        node = &matcher->nodes[child];
        const uint8_t *label = matcher->texts + node->label;
        struct trail *trail = NULL;
        size_t run = at, start = at = next_unit(view, table, repeats, at);
        if (node->label_length >= LONG_LABEL) {
            trail = find_trail(search, child);
            if (!resume_trail(search, trail, &at, &i))
                return;
        }
        for (; i < node->label_length && at < view->length && table[bytes[at]] == label[i]; i++) {
            run = at;
            at = next_unit(view, table, repeats, at);
        }
        if (trail)
            leave_trail(trail, start, at, i);
        found->is_unfinished = at == view->length;
        if (i < node->label_length)
            return;
        if (node->entry_count > 0)
            consider_run(search, node, run, at, found);
    }
}

void try_place(struct search *search, size_t begin)
{
    const struct view *view = &search->view;

    if (!is_character_end(view, begin) || search->error)
        return;
    /* Nothing that begins within a match counts, but for what an allowed one covers. */
    bool is_taken = !search->collects && text_start(view, begin) < search->taken_until;
    if (is_taken && !search->matcher->header->any_allowed)
        return;
    struct found found = {
        .begin = begin, .before = class_before(view, begin), .is_taken = is_taken};
    walk(search, &found);
    if (found.is_unfinished && text_start(view, begin) < search->spans->unfinished)
        search->spans->unfinished = text_start(view, begin);
    offer_hit(search, found.allowed);
    offer_hit(search, found.match);
}
