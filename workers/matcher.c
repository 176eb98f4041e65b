#include "matcher.h"

#include "error.h"
#include "matcher_image.h"
#include "matcher_view.h"

#include <stdlib.h>
#include <string.h>
#include <unistring/version.h>

#define MAX_TEXT_BYTES (UINT64_C(1) << 30)

/* Fewer letters spelled out are too often innocent. */
#define MIN_SPELLED_LETTERS 3

struct matcher {
    const struct image_header *header;
    const struct image_node *nodes;
    const uint8_t *firsts;
    const struct image_entry *entries;
    const struct image_source *sources;
    const uint8_t *keys;
    const uint8_t *texts;
    uint8_t table[256];
    uint32_t roots[256]; /* by first byte: the child of the root, or 0 */
    enum matcher_level level;
    void *owned; /* the image, or NULL */
};

struct hit {
    uint32_t start, end; /* in the text; end 0 when there is none */
    uint32_t entry;
    bool allowed;
};

struct matcher_scratch {
    struct folded folded;
    struct spelled spelled;
    struct hit *hits; /* when hits of two views have to be merged */
    size_t hit_count;
    size_t hit_capacity;
};

/* One search. */
struct search {
    const struct matcher *matcher;
    struct matcher_spans *spans;
    struct view view;
    bool collects;          /* into scratch.hits, to be sorted later */
    uint32_t taken_until;   /* the end of the last span */
    uint32_t allowed_until; /* the furthest end of an allowed match so far */
    int error;
};

static uint32_t header_check(const struct image_header *header)
{
    struct image_header copy;
    const uint8_t *bytes = (const uint8_t *)&copy;
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    memcpy(&copy, header, sizeof copy); /* padding and all */
    copy.check = 0;
    for (size_t i = 0; i < sizeof copy; i++)
        hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    return (uint32_t)(hash ^ hash >> 32);
}

void matcher_seal(struct image_header *header)
{
    header->magic = IMAGE_MAGIC;
    header->version = IMAGE_VERSION;
    header->unicode = (uint32_t)_libunistring_version;
    header->check = header_check(header);
}

int matcher_from_image(const void *bytes, size_t length, struct matcher **matcher)
{
    const struct image_header *header = bytes;

    if (length < sizeof *header || (uintptr_t)bytes % 8 != 0 || header->magic != IMAGE_MAGIC ||
        header->version != IMAGE_VERSION || header->length != length ||
        header->unicode != (uint32_t)_libunistring_version || header->check != header_check(header))
        return -ERR_INVALID;
    struct matcher *new = malloc(sizeof *new);
    if (!new)
        return -ERR_MEMORY;
    const uint8_t *base = bytes;
    *new = (struct matcher){
        .header = header,
        .nodes = (const void *)(base + header->nodes),
        .firsts = base + header->firsts,
        .entries = (const void *)(base + header->entries),
        .sources = (const void *)(base + header->sources),
        .keys = base + header->keys,
        .texts = base + header->texts,
        .level = (enum matcher_level)header->level,
    };
    folding_bytes(new->level, new->table);
    for (uint32_t i = 0; i < new->nodes->child_count; i++)
        new->roots[new->firsts[new->nodes->child + i]] = new->nodes->child + i;
    *matcher = new;
    return 0;
}

int matcher_own(void *image, size_t length, struct matcher **matcher)
{
    int error = matcher_from_image(image, length, matcher);

    if (error)
        free(image);
    else
        (*matcher)->owned = image;
    return error;
}

void matcher_close(struct matcher *matcher)
{
    if (matcher)
        free(matcher->owned);
    free(matcher);
}

void matcher_image(const struct matcher *matcher, const void **bytes, size_t *length)
{
    *bytes = matcher->header;
    *length = (size_t)matcher->header->length;
}

enum matcher_level matcher_level(const struct matcher *matcher)
{
    return matcher->level;
}

size_t matcher_entry_count(const struct matcher *matcher)
{
    return matcher->header->source_count;
}

struct matcher_entry matcher_entry(const struct matcher *matcher, uint32_t index)
{
    const struct image_source *source = &matcher->sources[index];

    return (struct matcher_entry){
        .text = (const char *)matcher->texts + source->text,
        .length = source->length,
        .file = source->file,
        .line = source->line,
        .severity = source->severity,
    };
}

void matcher_spans_init(struct matcher_spans *spans)
{
    *spans = (struct matcher_spans){0};
}

void matcher_spans_clear(struct matcher_spans *spans)
{
    if (spans->scratch) {
        folded_clear(&spans->scratch->folded);
        spelled_clear(&spans->scratch->spelled);
        free(spans->scratch->hits);
    }
    free(spans->scratch);
    free(spans->items);
    matcher_spans_init(spans);
}

/* Hits come in the order of their starts, an allowed one before others of the same start. */
static void resolve(struct search *search, struct hit hit)
{
    struct matcher_spans *spans = search->spans;

    if (hit.allowed) {
        if (hit.end > search->allowed_until)
            search->allowed_until = hit.end;
        return;
    }
    if (hit.start < search->taken_until || hit.end <= search->allowed_until)
        return;
    if (spans->count == spans->capacity) {
        size_t capacity = spans->capacity ? 2 * spans->capacity : 16;
        struct matcher_span *items = realloc(spans->items, capacity * sizeof *items);
        if (!items) {
            search->error = -ERR_MEMORY;
            return;
        }
        spans->items = items;
        spans->capacity = capacity;
    }
    spans->items[spans->count++] = (struct matcher_span){
        .start = hit.start,
        .length = hit.end - hit.start,
        .entry = hit.entry,
    };
    search->taken_until = hit.end;
}

static void offer(struct search *search, struct hit hit)
{
    struct matcher_scratch *scratch = search->spans->scratch;

    if (hit.end == 0)
        return;
    if (!search->collects) {
        resolve(search, hit);
        return;
    }
    if (scratch->hit_count == scratch->hit_capacity) {
        size_t capacity = scratch->hit_capacity ? 2 * scratch->hit_capacity : 64;
        struct hit *hits = realloc(scratch->hits, capacity * sizeof *hits);
        if (!hits) {
            search->error = -ERR_MEMORY;
            return;
        }
        scratch->hits = hits;
        scratch->hit_capacity = capacity;
    }
    scratch->hits[scratch->hit_count++] = hit;
}

static int compare_hits(const void *left, const void *right)
{
    const struct hit *a = left, *b = right;

    if (a->start != b->start)
        return a->start < b->start ? -1 : 1;
    if (a->allowed != b->allowed)
        return a->allowed ? -1 : 1;
    return a->end != b->end ? (a->end > b->end ? -1 : 1) : a->entry < b->entry ? -1 : 1;
}

/* MATCHER_EXACT: whether the i of a text may be those of the entry. */
static bool same_dots(const struct search *search, const struct image_entry *entry, size_t start,
                      size_t end)
{
    const uint8_t *text = search->view.text + start;
    const uint8_t *kinds = search->matcher->texts + entry->check;
    size_t length = end - start, at = 0;

    for (uint32_t i = 0; i < entry->check_length; i++)
        if (!(folding_next_dots(text, length, &at) & kinds[i]))
            return false;
    return folding_next_dots(text, length, &at) == 0;
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

    while (text_left > 0 && wanted_left > 0) {
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
    struct hit match;
    struct hit allowed;
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
        if ((entry->allowed ? has_allowed : has_match) || !(start_is_free || entry->open_start) ||
            !(end_is_free || entry->open_end) ||
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

/* Where a run ends of the character that ends at this place, in MATCHER_LOOSE. */
static size_t skip_repeated(const struct view *view, const uint8_t *table, size_t at)
{
    const uint8_t *bytes = view->bytes;
    size_t first = at - 1;

    if (bytes[first] < 0x80) {
        while (at < view->length && table[bytes[at]] == table[bytes[first]])
            at++;
        return at;
    }
    if (at < view->length && (bytes[at] & 0xc0) == 0x80)
        return at; /* in the middle of it */
    while (first > 0 && (bytes[first] & 0xc0) == 0x80)
        first--;
    size_t size = at - first;
    while (at + size <= view->length && memcmp(bytes + at, bytes + first, size) == 0)
        at += size;
    return at;
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
    bool repeats = matcher->level == MATCHER_LOOSE;
    size_t at = found->begin, run = at;

    while (at < view->length && node->child_count > 0) {
        uint8_t wanted = table[bytes[at]];
        uint32_t child = find_child(matcher, node, wanted);
        if (child == 0)
            return;
        node = &matcher->nodes[child];
        const uint8_t *label = matcher->texts + node->label;
        for (uint32_t i = 0;; i++) {
            run = at++;
            if (wanted == ' ')
                while (at < view->length && table[bytes[at]] == ' ')
                    at++;
            else if (repeats)
                at = skip_repeated(view, table, at);
            if (i == node->label_length)
                break;
            wanted = label[i];
            if (at == view->length || table[bytes[at]] != wanted)
                return;
        }
        if (node->entry_count > 0)
            consider_run(search, node, run, at, found);
    }
}

/* Looks for matches that begin at this place of the view. */
static void try_place(struct search *search, size_t begin)
{
    const struct view *view = &search->view;

    if (!is_character_end(view, begin) || search->error)
        return;
    /* Nothing that begins within a match counts, but for what an allowed one covers. */
    if (!search->collects && !search->matcher->header->any_allowed &&
        text_start(view, begin) < search->taken_until)
        return;
    struct found found = {.begin = begin, .before = class_before(view, begin)};
    walk(search, &found);
    offer(search, found.allowed);
    offer(search, found.match);
}

static bool is_key(const struct matcher *matcher, uint64_t bytes, size_t length)
{
    return has_bit(matcher->keys,
                   hash_key(make_key(bytes, length), 64 - matcher->header->key_bits));
}

/* The 8 bytes from a place in the view, the first lowest; 0 where it has fewer. */
static inline uint64_t load_bytes(const struct view *view, size_t at)
{
    uint64_t bytes = 0;

    if (at + 8 <= view->length)
        memcpy(&bytes, view->bytes + at, 8);
    else
        memcpy(&bytes, view->bytes + at, view->length - at);
    return bytes;
}

static bool is_prefix_key(const struct matcher *matcher, uint64_t bytes, size_t length)
{
    for (unsigned lengths = matcher->header->prefix_lengths; lengths; lengths &= lengths - 1) {
        size_t prefix = (size_t)__builtin_ctz(lengths) + 1;
        if (prefix < length && is_key(matcher, bytes, prefix))
            return true;
    }
    return false;
}

/* Whether an entry may begin with the word that begins here. */
static bool is_first_word(const struct matcher *matcher, const struct view *view, size_t begin)
{
    uint64_t bytes = load_bytes(view, begin);
    size_t length = 0;

    while (length < KEY_BYTES && begin + length < view->length &&
           is_word_byte(view->bytes[begin + length]))
        length++;
    return is_key(matcher, bytes, length) || is_prefix_key(matcher, bytes, length);
}

/* The same where letters may be repeated and signs be letters: every sign may end the word. */
static bool is_first_loose_word(const struct matcher *matcher, const struct view *view,
                                size_t begin)
{
    uint64_t bytes = 0;
    size_t length = 0;
    uint8_t last = 0;

    for (size_t at = begin; at < view->length && length < KEY_BYTES; at++) {
        uint8_t byte = view->bytes[at];
        bool is_sign = is_letter_sign(byte);
        if (!is_sign && !is_word_byte(byte))
            break;
        if (is_sign && length > 0 && is_key(matcher, bytes, length))
            return true;
        byte = matcher->table[byte];
        if (byte != last)
            bytes |= (uint64_t)byte << 8 * length++;
        last = byte;
    }
    return is_key(matcher, bytes, length) || is_prefix_key(matcher, bytes, length);
}

/* Whether an entry that may begin inside a word begins here, but for MATCHER_LOOSE. */
static bool may_begin_inside(const struct matcher *matcher, const struct view *view, size_t at)
{
    const struct image_header *header = matcher->header;
    const uint8_t *bytes = view->bytes + at;
    size_t left = view->length - at, length = header->inside_length;

    if (left < length || !has_bit(header->pairs, bytes[0] | (left > 1 ? bytes[1] : 0U) << 8))
        return false;
    return is_key(matcher, load_bytes(view, at), length);
}

/* Any text at any level. */
static void search_view(struct search *search)
{
    const struct matcher *matcher = search->matcher;
    const struct image_header *header = matcher->header;
    const struct view *view = &search->view;
    const uint8_t *bytes = view->bytes;
    bool loose = matcher->level == MATCHER_LOOSE, after_word = false;

    for (size_t at = 0, size; at < view->length && !search->error; at += size) {
        uint8_t byte = bytes[at];
        bool may_begin = false;
        size = 1;
        if (byte >= 0x80) {
            size = character_size(byte);
            may_begin = byte != 0xff && is_key(matcher, load_bytes(view, at), size) &&
                        !(loose && at >= size && memcmp(bytes + at - size, bytes + at, size) == 0);
            after_word = false;
        } else {
            bool is_word = is_word_byte(byte);
            bool is_repeated =
                loose && at > 0 && matcher->table[bytes[at - 1]] == matcher->table[byte];
            if (is_repeated) {
            } else if (is_word || (loose && is_letter_sign(byte))) {
                may_begin = !after_word && (loose ? is_first_loose_word(matcher, view, at)
                                                  : is_first_word(matcher, view, at));
            } else {
                may_begin = header->any_sign && has_bit(header->signs, byte);
            }
            if (header->any_inside && !may_begin && !is_repeated)
                may_begin = loose ? has_bit(header->first_bytes, matcher->table[byte])
                                  : may_begin_inside(matcher, view, at);
            after_word = is_word;
        }
        if (may_begin)
            try_place(search, at);
    }
}

/* Of the words that begin in a block of 64 characters, bit n: with the word that begins at n an entry may begin.
 * `words` says which characters belong to words, `next` the same for the block behind; the 8 bytes from each start
 * are there. Most words begin no entry, so nothing branches on what is found. */
static inline uint64_t match_keys(const struct matcher *matcher, const uint8_t *block,
                                  uint64_t starts, uint64_t words, uint64_t next)
{
    const uint8_t *keys = matcher->keys;
    const unsigned shift = 64 - matcher->header->key_bits;
    uint64_t found = 0;

    for (; starts; starts &= starts - 1) {
        unsigned start = (unsigned)__builtin_ctzll(starts);
        uint64_t rest = words >> start | next << 1 << (63 - start), bytes;
        size_t length = (size_t)__builtin_ctzll(~(rest & 0xff));
        memcpy(&bytes, block + start, sizeof bytes);
        found |= (uint64_t)has_bit(keys, hash_key(make_key(bytes, length), shift)) << start;
    }
    return found;
}

/* What search_view does, for an ASCII text and a list whose entries all begin at the beginning of a word:
 * finds those 64 characters at a time. */
static void search_words(struct search *search)
{
    const struct matcher *matcher = search->matcher;
    const struct view *view = &search->view;
    const bool has_prefixes = matcher->header->prefix_lengths != 0;
    uint64_t words = kind_mask(view, 0, KIND_LETTER | KIND_UNDERSCORE), before = 0;

    for (size_t at = 0; at < view->length; at += 64) {
        uint64_t next = kind_mask(view, at + 64, KIND_LETTER | KIND_UNDERSCORE);
        uint64_t starts = words & ~(words << 1 | before), found;
        if (has_prefixes) {
            found = 0;
            for (; starts; starts &= starts - 1) {
                unsigned start = (unsigned)__builtin_ctzll(starts);
                found |= (uint64_t)is_first_word(matcher, view, at + start) << start;
            }
        } else if (at + 64 + 8 <= view->length) {
            found = match_keys(matcher, view->bytes + at, starts, words, next);
        } else {
            uint8_t rest[64 + 8] = {0};
            memcpy(rest, view->bytes + at, view->length - at);
            found = match_keys(matcher, rest, starts, words, next);
        }
        for (; found; found &= found - 1)
            try_place(search, at + (unsigned)__builtin_ctzll(found));
        before = words >> 63;
        words = next;
    }
}

/* Whether an entry may begin with these letters, when they are but letters, none twice in a row, so that their key
 * needs no look at each: 1, 0, or -1 for other words. */
static int is_plain_loose_word(const struct matcher *matcher, uint64_t bytes, size_t length)
{
    uint64_t whole = UINT64_MAX >> (64 - 8 * length);
    uint64_t small = bytes | 0x20 * LOW_BITS;
    /* Bytes that are l become i, as in the table. */
    uint64_t other = (small ^ 'l' * LOW_BITS) & 0x7f * LOW_BITS;
    uint64_t is_l = ~(other + 0x7f * LOW_BITS) & HIGH_BITS;
    uint64_t folded = small ^ (is_l >> 7) * ('l' ^ 'i');
    uint64_t pairs = (folded ^ folded >> 8) & 0x7f * LOW_BITS;
    uint64_t repeats = ~(pairs + 0x7f * LOW_BITS) & HIGH_BITS & whole >> 8;
    uint64_t no_letter = ~bytes & 0x40 * LOW_BITS & whole;

    if (repeats || no_letter)
        return -1;
    return is_key(matcher, folded & whole, length) || is_prefix_key(matcher, folded, length);
}

/* The same for MATCHER_LOOSE, where words begin with signs too, and a letter that repeats the one before it
 * begins nothing. */
static void search_loose_words(struct search *search)
{
    const struct matcher *matcher = search->matcher;
    const struct view *view = &search->view;
    uint64_t words = kind_mask(view, 0, KIND_LETTER | KIND_UNDERSCORE),
             signs = kind_mask(view, 0, KIND_SIGN);
    uint64_t before = 0;

    for (size_t at = 0; at < view->length; at += 64) {
        uint64_t next_words = kind_mask(view, at + 64, KIND_LETTER | KIND_UNDERSCORE);
        uint64_t next_signs = kind_mask(view, at + 64, KIND_SIGN);
        for (uint64_t starts = (words | signs) & ~(words << 1 | before); starts;
             starts &= starts - 1) {
            unsigned bit = (unsigned)__builtin_ctzll(starts);
            size_t start = at + bit;
            uint64_t letters =
                ((words | signs) >> bit | (next_words | next_signs) << 1 << (63 - bit)) & 0xff;
            uint64_t near_signs = (signs >> bit | next_signs << 1 << (63 - bit)) & 0xff, bytes;
            size_t length = (size_t)__builtin_ctzll(~letters);
            int may_begin = -1;
            if (start > 0 &&
                matcher->table[view->bytes[start - 1]] == matcher->table[view->bytes[start]])
                continue;
            if (start + 8 <= view->length && !near_signs) {
                memcpy(&bytes, view->bytes + start, 8);
                may_begin = is_plain_loose_word(matcher, bytes, length);
            }
            if (may_begin < 0 ? is_first_loose_word(matcher, view, start) : may_begin)
                try_place(search, start);
        }
        before = words >> 63;
        words = next_words;
        signs = next_signs;
    }
}

/* Everything may begin and end within what is spelled out. */
static void search_spelled(struct search *search)
{
    const struct view *view = &search->view;

    for (size_t at = 0; at < view->length && !search->error;
         at += character_size(view->bytes[at])) {
        if (view->bytes[at] < 0x80 && at > 0 &&
            search->matcher->table[view->bytes[at]] == search->matcher->table[view->bytes[at - 1]])
            continue;
        try_place(search, at);
    }
}

static bool is_ascii(const uint8_t *text, size_t length)
{
    uint64_t bits = 0;
    size_t at = 0;

    for (; at + 32 <= length; at += 32) {
        uint64_t bytes[4];
        memcpy(bytes, text + at, sizeof bytes);
        bits |= bytes[0] | bytes[1] | bytes[2] | bytes[3];
    }
    for (; at < length; at++)
        bits |= text[at];
    return !(bits & UINT64_C(0x8080808080808080));
}

static void search_text(struct search *search)
{
    struct matcher_scratch *scratch = search->spans->scratch;
    struct view *view = &search->view;

    if (!is_ascii(view->text, view->text_length)) {
        search->error =
            fold_text(search->matcher->level, view->text, view->text_length, &scratch->folded);
        if (search->error)
            return;
        view->bytes = scratch->folded.bytes;
        view->offsets = scratch->folded.offsets;
        view->length = scratch->folded.length;
    }
    if (search->matcher->level == MATCHER_LOOSE) {
        search->error = find_spelled(view, search->matcher->table, &scratch->spelled);
        search->collects = scratch->spelled.length > 0;
    }
    const struct image_header *header = search->matcher->header;
    if (search->error)
        return;
    if (view->offsets || header->any_inside || header->any_sign)
        search_view(search);
    else if (search->matcher->level == MATCHER_LOOSE)
        search_loose_words(search);
    else
        search_words(search);
    if (!search->collects || search->error)
        return;

    struct view whole = *view;
    *view = spelled_view(&scratch->spelled, &whole);
    search_spelled(search);
    *view = whole;
    if (search->error || scratch->hit_count == 0)
        return;
    qsort(scratch->hits, scratch->hit_count, sizeof *scratch->hits, compare_hits);
    for (size_t i = 0; i < scratch->hit_count && !search->error; i++)
        resolve(search, scratch->hits[i]);
}

int matcher_find(const struct matcher *matcher, const char *text, size_t length,
                 struct matcher_spans *spans)
{
    spans->count = 0;
    if (length >= MAX_TEXT_BYTES)
        return -ERR_INVALID;
    if (!spans->scratch) {
        spans->scratch = calloc(1, sizeof *spans->scratch);
        if (!spans->scratch)
            return -ERR_MEMORY;
    }
    spans->scratch->hit_count = 0;
    if (length == 0)
        return 0;

    struct search search = {
        .matcher = matcher,
        .spans = spans,
        .view = {.bytes = (const uint8_t *)text,
                 .length = length,
                 .text = (const uint8_t *)text,
                 .text_length = length},
    };
    search_text(&search);
    if (search.error)
        spans->count = 0;
    return search.error;
}
