#include "matcher.h"

#include "error.h"
#include "matcher_compile.h"
#include "matcher_hidden.h"
#include "matcher_kinds.h"
#include "matcher_search.h"

#include <stdlib.h>
#include <string.h>

#define MAX_TEXT_BYTES (UINT64_C(1) << 30)

/* ---- opening ---- */

int matcher_open(const struct wordlist *list, enum matcher_level level, struct matcher **matcher)
{
    void *image = NULL;
    size_t length;

    if (level > MATCHER_LOOSE)
        return -ERR_INVALID;
    int error = matcher_compile(list, level, &image, &length);
    if (!error)
        error = matcher_from_image(image, length, matcher);
    if (error)
        free(image);
    else
        (*matcher)->owned = image;
    return error;
}

int matcher_from_image(const void *bytes, size_t length, struct matcher **matcher)
{
    const struct image_header *header = bytes;
    const uint8_t *base = bytes;

    if (!matcher_image_is_sound(bytes, length))
        return -ERR_INVALID;
    struct matcher *new = malloc(sizeof *new);
    if (!new)
        return -ERR_MEMORY;
    *new = (struct matcher){
        .header = header,
        .nodes = (const void *)(base + header->nodes),
        .firsts = base + header->firsts,
        .entries = (const void *)(base + header->entries),
        .sources = (const void *)(base + header->sources),
        .keys = base + header->keys,
        .trails = (const void *)(base + header->trails),
        .repeats = (const void *)(base + header->repeats),
        .texts = base + header->texts,
        .level = (enum matcher_level)header->level,
    };
    folding_table(new->level, new->table);
    for (uint32_t i = 0; i < new->nodes->child_count; i++)
        new->roots[new->firsts[new->nodes->child + i]] = new->nodes->child + i;
    *matcher = new;
    return 0;
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

/* ---- searching ---- */

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

/* Makes a view of the text folded, unless the text can be searched as it is. */
static int fold_view(struct search *search)
{
    struct folded *folded = &search->spans->scratch->folded;
    struct view *view = &search->view;

    if (is_ascii(view->text, view->text_length))
        return 0;
    int error = folding_fold(search->matcher->level, view->text, view->text_length, folded);
    if (error)
        return error;
    view->bytes = folded->bytes;
    view->offsets = folded->offsets;
    view->length = folded->length;
    return 0;
}

/* Searches the view, then what is hidden in it, then what is spelled out: the matches compete. */
static void search_all(struct search *search)
{
    struct matcher_scratch *scratch = search->spans->scratch;
    struct view whole = search->view;

    search->gathers = true;
    matcher_scan(search);
    if (!search->error)
        matcher_hidden_scan(search);
    if (search->error)
        return;
    search->view = matcher_spelled_view(&scratch->spelled, &whole);
    matcher_scan(search);
    if (!search->error)
        matcher_spans_resolve(search);
}

static void search_text(struct search *search)
{
    struct spelled *spelled = &search->spans->scratch->spelled;
    const bool is_loose = search->matcher->level == MATCHER_LOOSE;

    search->error = fold_view(search);
    if (!search->error && is_loose)
        search->error = matcher_spelled_find(&search->view, search->matcher->table, spelled);
    if (search->error)
        return;
    if (is_loose && (spelled->length > 0 || matcher_hidden_may_be(&search->view)))
        search_all(search);
    else
        matcher_scan(search);
}

/* More than one letter with its marks has. */
#define MAX_LETTER_BYTES 24

/* Where the last letter of a text begins, if it stands alone, so that it may be spelled out
 * together with what follows the text; else the text's length. */
static size_t find_lone_letter(const uint8_t *text, size_t length)
{
    size_t end = length, begin;
    bool is_only_ascii = true;

    while (end > 0 && (text[end - 1] == ' ' || (text[end - 1] >= '\t' && text[end - 1] <= '\r')))
        end--;
    for (begin = end; begin > 0; begin--) {
        uint8_t byte = text[begin - 1];
        if (byte < 0x80 && !is_letter_sign(byte) && (!is_word_byte(byte) || byte == '_'))
            break;
        is_only_ascii &= byte < 0x80;
        if (end - begin == MAX_LETTER_BYTES || (is_only_ascii && end - begin == 1))
            return length;
    }
    return begin < end ? begin : length;
}

int matcher_find(const struct matcher *matcher, const char *text, size_t length,
                 struct matcher_spans *spans)
{
    spans->count = 0;
    spans->unfinished = length;
    if (!matcher)
        return 0;
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
                 .is_loose = matcher->level == MATCHER_LOOSE,
                 .text = (const uint8_t *)text,
                 .text_length = length},
    };
    if (matcher->level == MATCHER_LOOSE)
        spans->unfinished = find_lone_letter(search.view.text, length);
    search_text(&search);
    if (search.error)
        spans->count = 0;
    return search.error;
}
