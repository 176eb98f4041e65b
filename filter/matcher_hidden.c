/* matcher_hidden.c - finds words some of whose letters are hidden by stars, for MATCHER_LOOSE; and
 * those in which a sign stands for a letter that is not of its class. Pure.
 *
 * A star may be any letter, so the tree is followed along many ways at once. That is tried only
 * near such signs, and in a bounded number of steps from each place. */
#include "disguises.h"
#include "matcher_kinds.h"
#include "matcher_search.h"

#include <string.h>

/* Entries of fewer letters are too often innocent. */
#define MIN_LETTERS 3
/* What is found has at most so many bytes in the view. */
#define MAX_REACH 64
/* From one place so many bytes of the tree are followed: with lists of some ten thousand entries
 * words with more than two stars before their first letter may be missed. */
#define MAX_STEPS 512

/* A place in the tree: behind so many bytes of a node's label. */
struct place {
    const struct image_node *node;
    uint32_t matched;
};

/* A place in the tree that was reached before. Many ways lead to the same, and all go on alike. */
struct seen {
    size_t begin, at;
    struct place place;
    bool is_disguised;
};

/* A power of two. What has no room is forgotten. */
#define SEEN 128

/* What is tried from one place in the view. */
struct trial {
    struct search *search;
    size_t begin, limit;
    bool start_is_free;
    unsigned steps; /* that are left */
    /* Bit n: at begin + n is a star that hides a letter, or a sign for letters of other classes. */
    uint64_t stars, signs;
    struct seen *seen; /* SEEN of them */
};

/* How far a trial has come on one way. */
struct way {
    struct place place;
    size_t at; /* in the view */
    unsigned hidden;
    uint32_t last;    /* the letter of the tree that was read last, its bytes packed; 0 for none */
    unsigned pending; /* so many bytes are left of the letter that a star hides */
    bool is_disguised;
};

/* ---- stars ---- */

static bool is_star(uint8_t byte)
{
    return byte == '*';
}

/* Whether a character is of a word with hidden letters: a letter, a digit, or a sign for one. */
static bool is_of_word(uint8_t byte)
{
    return byte >= 0x80 || is_letter_byte(byte) || is_letter_sign(byte) || is_star(byte);
}

/* The word around a place, and the part of it in which stars hide letters: stars on both sides of a
 * word emphasise it. */
struct word {
    size_t end;
    size_t hidden_first, hidden_end;
};

static struct word read_word(const struct view *view, size_t begin)
{
    const uint8_t *bytes = view->bytes;
    struct word word = {.end = begin, .hidden_first = begin};

    while (word.end < view->length && is_of_word(bytes[word.end]))
        word.end++;
    word.hidden_end = word.end;
    if (begin < word.end && is_star(bytes[begin]) && is_star(bytes[word.end - 1])) {
        while (word.hidden_first < word.end && is_star(bytes[word.hidden_first]))
            word.hidden_first++;
        while (word.hidden_end > word.hidden_first && is_star(bytes[word.hidden_end - 1]))
            word.hidden_end--;
    }
    return word;
}

/* ---- whether a text is that of an entry ---- */

/* The character of a folded text at a place, its bytes packed. */
static uint32_t pack(const uint8_t *bytes, size_t size)
{
    uint32_t packed = 0;

    for (size_t i = 0; i < size; i++)
        packed = packed << 8 | bytes[i];
    return packed;
}

static bool stands_for(uint32_t character, uint32_t wanted, bool is_last)
{
    if (character >= 0x80 || wanted >= 0x80)
        return character == wanted;
    if (is_last && character == '!')
        return wanted == '!'; /* after a word it is punctuation */
    return disguise_stands_for((uint8_t)character, (uint8_t)wanted);
}

/* Whether the text up to `end` is the entry: a star hides one letter, for each other letter stands
 * one character or more, and at least half of the letters are shown. */
static bool is_entry(const struct trial *trial, const struct image_entry *entry, size_t end,
                     unsigned hidden)
{
    const struct matcher *matcher = trial->search->matcher;
    const uint8_t *folded = matcher->texts + entry->check;
    const uint8_t *bytes = trial->search->view.bytes;
    uint32_t letters[MAX_REACH];
    unsigned count = 0, spaces = 0;
    uint64_t reached = 1; /* bit n: what has been read may be the entry's first n letters */

    for (size_t at = 0, size; at < entry->check_length; at += size) {
        size = folded_size(folded[at]);
        if (count == MAX_REACH - 1)
            return false;
        letters[count++] = size == 1 ? matcher->table[folded[at]] == ' ' ? ' ' : folded[at]
                                     : pack(folded + at, size);
        spaces += letters[count - 1] == ' ';
    }
    if (count - spaces < MIN_LETTERS || 2 * hidden > count - spaces)
        return false;
    for (size_t at = trial->begin, size; at < end; at += size) {
        bool is_hidden = trial->stars >> (at - trial->begin) & 1;
        uint64_t fits = 0;
        size = folded_size(bytes[at]);
        uint32_t character = pack(bytes + at, size);
        if (size == 1 && matcher->table[character] == ' ')
            character = ' ';
        for (unsigned i = 0; i < count; i++)
            fits |= (uint64_t)(is_hidden ? letters[i] != ' '
                                         : stands_for(character, letters[i], at + size == end))
                    << (i + 1);
        reached = (reached << 1 | (is_hidden ? 0 : reached)) & fits;
    }
    return reached >> count & 1;
}

static void note(struct trial *trial, const struct way *way)
{
    const struct matcher *matcher = trial->search->matcher;
    const struct view *view = &trial->search->view;
    const struct image_entry *entry = &matcher->entries[way->place.node->entry];

    if (!is_character_end(view, way->at))
        return;
    bool end_is_free = matcher_view_class_after(view, way->at) != CLASS_WORD;
    for (uint32_t i = 0; i < way->place.node->entry_count; i++, entry++)
        if ((trial->start_is_free || entry->open_start) && (end_is_free || entry->open_end) &&
            is_entry(trial, entry, way->at, way->hidden))
            matcher_spans_offer(trial->search,
                                (struct hit){
                                    .start = (uint32_t)text_start(view, trial->begin),
                                    .end = (uint32_t)text_end(view, way->at),
                                    .entry = entry->index,
                                    .allowed = entry->allowed,
                                });
}

/* ---- ways through the tree ---- */

/* The bytes that lead on from a place: from *first on, so many. */
static uint32_t list_next(const struct matcher *matcher, const struct place *place,
                          const uint8_t **first)
{
    if (place->matched < place->node->label_length) {
        *first = matcher->texts + place->node->label + place->matched;
        return 1;
    }
    *first = matcher->firsts + place->node->child;
    return place->node->child_count;
}

/* The place to which the byte of that index in the list leads. */
static struct place take_next(const struct matcher *matcher, struct place place, uint32_t index)
{
    if (place.matched < place.node->label_length)
        return (struct place){place.node, place.matched + 1};
    return (struct place){&matcher->nodes[place.node->child + index], 0};
}

static bool follow(const struct matcher *matcher, struct place *place, const uint8_t *bytes,
                   size_t size)
{
    for (size_t i = 0; i < size; i++) {
        const uint8_t *first;
        uint32_t count = list_next(matcher, place, &first);
        const uint8_t *found = memchr(first, bytes[i], count);
        if (!found)
            return false;
        *place = take_next(matcher, *place, (uint32_t)(found - first));
    }
    return true;
}

/* Whether this place was reached before; notes it. */
static bool was_seen(const struct trial *trial, const struct way *way)
{
    uintptr_t key = (uintptr_t)way->place.node / sizeof *way->place.node;
    struct seen *seen = &trial->seen[(key * 7 + way->place.matched + way->at) % SEEN];
    bool is_same = seen->place.node == way->place.node && seen->begin == trial->begin &&
                   seen->at == way->at && seen->place.matched == way->place.matched &&
                   seen->is_disguised == way->is_disguised;

    *seen = (struct seen){trial->begin, way->at, way->place, way->is_disguised};
    return is_same;
}

static void go_on(struct trial *trial, const struct way *way);

/* Goes on with each letter that a star may hide, or with the rest of one of several bytes. */
static void go_on_hidden(struct trial *trial, const struct way *way)
{
    const struct matcher *matcher = trial->search->matcher;
    struct way next = *way;
    const uint8_t *first;
    uint32_t count = list_next(matcher, &way->place, &first);

    if (way->pending == 0) {
        next.at++;
        next.hidden++;
        next.is_disguised = true;
        if (way->last && way->last != ' ')
            go_on(trial, &next); /* a letter that the entry has twice is there once */
    }
    for (uint32_t i = 0; i < count; i++) {
        if (way->pending == 0 && first[i] == ' ')
            continue;
        next.place = take_next(matcher, way->place, i);
        next.last = way->pending == 0 ? first[i] : way->last << 8 | first[i];
        next.pending = (unsigned)(way->pending == 0 ? folded_size(first[i]) : way->pending) - 1;
        go_on(trial, &next);
    }
}

/* Goes on where the character of the text is read as these bytes of the tree. */
static void go_on_read(struct trial *trial, const struct way *way, const uint8_t *bytes,
                       size_t size, bool is_disguised)
{
    struct way next = *way;
    uint32_t letter = pack(bytes, size);

    next.at += size;
    next.is_disguised |= is_disguised;
    if (letter == way->last) {
        go_on(trial, &next);
    } else if (follow(trial->search->matcher, &next.place, bytes, size)) {
        next.last = letter;
        go_on(trial, &next);
    }
}

/* Whether more letters are hidden by the next star than could be shown: the rest of the trial may
 * show one for each of its bytes. */
static bool is_hopeless(const struct trial *trial, const struct way *way)
{
    size_t read = way->at - trial->begin, whole = trial->limit - trial->begin;
    unsigned more = (unsigned)__builtin_popcountll(trial->stars >> read);
    size_t shown = read - way->hidden + (whole - read) - more;

    return way->hidden + 1 > shown;
}

static void go_on(struct trial *trial, const struct way *way)
{
    const struct matcher *matcher = trial->search->matcher;
    const struct view *view = &trial->search->view;
    const uint8_t *byte = view->bytes + way->at;

    if (trial->steps == 0)
        return;
    trial->steps--;
    if (way->pending > 0) {
        go_on_hidden(trial, way);
        return;
    }
    if (was_seen(trial, way))
        return;
    if (way->is_disguised && way->place.matched == way->place.node->label_length)
        note(trial, way);
    if (way->at == view->length &&
        text_start(view, trial->begin) < trial->search->spans->unfinished)
        trial->search->spans->unfinished = text_start(view, trial->begin);
    if (way->at >= trial->limit)
        return;
    if (trial->stars >> (way->at - trial->begin) & 1) {
        if (!is_hopeless(trial, way))
            go_on_hidden(trial, way);
        return;
    }
    size_t size = folded_size(*byte);
    if (way->at + size > trial->limit)
        return;
    go_on_read(trial, way, size == 1 ? &matcher->table[*byte] : byte, size, false);
    for (unsigned i = 1; *byte < 0x80 && i < 2 && disguises[*byte][i]; i++) {
        const uint8_t *other = &matcher->table[(uint8_t)disguises[*byte][i]];
        if (*other != matcher->table[*byte])
            go_on_read(trial, way, other, 1, true);
    }
}

/* ---- where ways begin ---- */

/* Whether the character at a place only repeats the one before it, with which nothing begins. */
static bool is_repeated(const struct search *search, size_t at)
{
    const uint8_t *bytes = search->view.bytes, *table = search->matcher->table;

    return at > 0 && table[bytes[at - 1]] == table[bytes[at]];
}

static void try_from(struct search *search, struct trial *trial)
{
    const struct view *view = &search->view;
    size_t begin = trial->begin, left = view->length - begin;

    if (!is_character_end(view, begin) || (view->bytes[begin] & 0xc0) == 0x80 ||
        (!(trial->stars & 1) && is_repeated(search, begin)))
        return;
    enum word_class before = matcher_view_class_before(view, begin);
    trial->start_is_free = before == CLASS_OTHER || before == CLASS_UNSPACED;
    if (!trial->start_is_free && !search->matcher->header->any_inside)
        return;
    trial->limit = begin + (left < MAX_REACH ? left : MAX_REACH);
    trial->steps = MAX_STEPS;
    go_on(trial, &(struct way){.place = {search->matcher->nodes, 0}, .at = begin});
}

bool matcher_hidden_may_be(const struct view *view)
{
    return memchr(view->bytes, '*', view->length) || memchr(view->bytes, '@', view->length);
}

void matcher_hidden_scan(struct search *search)
{
    const struct view *view = &search->view;
    struct seen seen[SEEN] = {0};
    struct trial trial = {.search = search, .seen = seen};
    struct word word = {0};
    size_t known = 0; /* the signs up to here are in the trial */

    for (; trial.begin < view->length && !search->error; trial.begin++) {
        for (; known < view->length && known < trial.begin + MAX_REACH; known++) {
            uint64_t bit = UINT64_C(1) << (known - trial.begin);
            if (known >= word.end)
                word = read_word(view, known);
            if (is_star(view->bytes[known]) && known >= word.hidden_first &&
                known < word.hidden_end)
                trial.stars |= bit;
            else if (view->bytes[known] == '@')
                trial.signs |= bit;
        }
        if (trial.stars | trial.signs)
            try_from(search, &trial);
        trial.stars >>= 1;
        trial.signs >>= 1;
    }
}
