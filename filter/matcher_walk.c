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

/* Reads one more character of a run: whether all `count` letters of the entry's run may be read
 * then, each of them one or more times.
 *
 * reached  bit n: what was read may end with the entry's letter n; 0 before the first character */
static bool read_run(uint8_t byte, const uint8_t *wanted, size_t count, bool is_first, bool is_last,
                     uint64_t *reached)
{
    uint64_t fits = 0;

    assert(count > 0);
    for (size_t n = 0; n < count; n++)
        fits |= (uint64_t)stands_for(byte, wanted[n], is_last) << n;
    *reached = (*reached | *reached << 1 | is_first) & fits;
    return *reached >> (count - 1) & 1;
}

/* Whether a run of letters, digits and signs inside a match is that of an entry's letters. */
static bool is_same_run(const uint8_t *text, size_t length, const uint8_t *wanted, size_t count)
{
    uint64_t reached = 0;
    bool is_same = false;

    if (length < count)
        return false;
    if (count > MAX_RUN)
        return true;
    for (size_t i = 0; i < length; i++)
        is_same = read_run(text[i], wanted, count, i == 0, false, &reached);
    return is_same;
}

static bool is_letter_run(const uint8_t *wanted)
{
    return wanted[0] < 0x80 && wanted[0] != ' ';
}

/* For MATCHER_LOOSE: how many bytes of an entry's letters are read by a text without the run with
 * which the match ends, each letter at least as often as the entry has it in a row; or SIZE_MAX. */
static size_t read_letters(const struct search *search, const struct image_entry *entry,
                           size_t begin, size_t run)
{
    const uint8_t *table = search->matcher->table;
    const uint8_t *text = search->view.bytes + begin;
    const uint8_t *wanted = search->matcher->texts + entry->check;
    size_t text_left = run - begin, wanted_left = entry->check_length;

    while (text_left > 0) {
        size_t text_count, wanted_count;
        if (wanted_left == 0)
            return SIZE_MAX;
        size_t text_run = measure_run(table, text, text_left, &text_count);
        size_t wanted_run = measure_run(table, wanted, wanted_left, &wanted_count);
        if (is_letter_run(wanted) ? !is_same_run(text, text_run, wanted, wanted_run)
                                  : text_count < wanted_count)
            return SIZE_MAX;
        text += text_run;
        text_left -= text_run;
        wanted += wanted_run;
        wanted_left -= wanted_run;
    }
    return entry->check_length - wanted_left;
}

/* ---- where a match ends ---- */

static bool is_free_end(const struct view *view, size_t end, const struct image_entry *entry)
{
    return is_character_end(view, end) &&
           (entry->open_end || matcher_view_class_after(view, end) != CLASS_WORD);
}

/* The last place between `run` and `end` where a match may end that ends with a run of `count`
 * letters of the entry; 0 for none. In "ass!" and "hell$" it is not the end of the run: signs may
 * be meant as such. */
static size_t find_run_end(const struct view *view, const struct image_entry *entry,
                           const uint8_t *wanted, size_t count, size_t run, size_t end)
{
    uint64_t reached = 0;
    size_t found = 0;

    for (size_t at = run; at < end; at++) {
        uint64_t before = reached;
        bool is_there = entry->skeleton_tells ||
                        read_run(view->bytes[at], wanted, count, at == run, false, &reached);
        if (is_there && view->bytes[at] == '!' && !entry->skeleton_tells)
            is_there = read_run('!', wanted, count, at == run, true, &before);
        if (is_there && is_free_end(view, at + 1, entry))
            found = at + 1;
    }
    return found;
}

/* For MATCHER_LOOSE: the last place up to `end` where a match of the entry may end whose last
 * letter is repeated from `run` to `end`; 0 for none. */
static size_t find_loose_end(const struct search *search, const struct image_entry *entry,
                             size_t begin, size_t run, size_t end)
{
    const struct view *view = &search->view;
    size_t read = 0, count = 1;

    /* The unit of a character of several bytes is the last of them. */
    while (run > begin && (view->bytes[run] & 0xc0) == 0x80)
        run--;
    size_t size = folded_size(view->bytes[run]);
    /* A letter of the text takes as many bytes as the entry's, or more. Most are there once. */
    if (entry->check_length > end - begin || (size == end - run && !is_free_end(view, end, entry)))
        return 0;
    if (!entry->skeleton_tells) {
        read = read_letters(search, entry, begin, run);
        if (read == SIZE_MAX || read == entry->check_length)
            return 0;
    }
    const uint8_t *wanted = search->matcher->texts + entry->check + read;
    if (!entry->skeleton_tells &&
        measure_run(search->matcher->table, wanted, entry->check_length - read, &count) !=
            entry->check_length - read)
        return 0;
    if (is_letter_run(view->bytes + run) && count <= MAX_RUN)
        return find_run_end(view, entry, wanted, count, run, end);
    return count <= (end - run) / size && is_free_end(view, end, entry) ? end : 0;
}

/* Where the longest match of an entry ends; 0 for none. */
static size_t find_end(const struct search *search, const struct image_entry *entry, size_t begin,
                       size_t run, size_t end)
{
    const struct view *view = &search->view;

    if (search->matcher->level == MATCHER_LOOSE)
        return find_loose_end(search, entry, begin, run, end);
    if (!is_free_end(view, end, entry))
        return 0;
    if (entry->check_length > 0 && !(entry->skeleton_tells && !view->offsets) &&
        !has_same_dots(search, entry, text_start(view, begin), text_end(view, end)))
        return 0;
    return end;
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

/* Notes the entries of a node that match from found->begin, their last letter being what is between
 * `run` and `end` in the view. Longer matches, noted later, take the place of shorter ones. */
static void note_matches(const struct search *search, const struct image_node *node, size_t run,
                         size_t end, struct found *found)
{
    const struct view *view = &search->view;
    const struct image_entry *entry = &search->matcher->entries[node->entry];
    const bool start_is_free = found->before == CLASS_OTHER || found->before == CLASS_UNSPACED;

    for (uint32_t i = 0; i < node->entry_count; i++, entry++) {
        struct hit *noted = entry->allowed ? &found->allowed : &found->match;
        if ((!entry->allowed && found->is_taken) || !(start_is_free || entry->open_start) ||
            (view->is_spelled && entry->letters < MIN_SPELLED_LETTERS))
            continue;
        size_t entry_end = find_end(search, entry, found->begin, run, end);
        if (entry_end == 0 || text_end(view, entry_end) <= noted->end)
            continue;
        *noted = (struct hit){.start = (uint32_t)text_start(view, found->begin),
                              .end = (uint32_t)text_end(view, entry_end),
                              .entry = entry->index,
                              .allowed = entry->allowed};
    }
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
        /* In a long list both are far away, and both come as soon as one alone. */
        __builtin_prefetch(&matcher->entries[node->entry]);

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
            note_matches(search, node, run, at, found);
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
