/* units: workers/wordlist.c workers/censor.c workers/matcher.c workers/matcher_compile.c workers/matcher_view.c workers/folding.c */
/* wordlist.c - word lists and the censor made of them: the list ends where a byte FF stands, which no
 * UTF-8 text holds; the rest is the text to censor. */
#include "../../workers/wordlist.h"

#include "../filter.h"
#include "fuzz.h"

#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

/* A character that nobody uses, to see where the masks are. */
#define MARK "\uf8ff"

static bool is_utf8(const char *text, size_t length)
{
    return length == 0 || u8_check((const uint8_t *)text, length) == NULL;
}

static void apply(const struct filter *censor, const char *text, size_t length,
                  struct filter_result *result)
{
    CLAIM(filter_apply(censor, text, length, result) == 0);
    CLAIM(result->text != NULL && result->text[result->length] == '\0');
    CLAIM(!is_utf8(text, length) || is_utf8(result->text, result->length));
    if (result->matches == 0)
        CLAIM(result->length == length && (length == 0 || !memcmp(result->text, text, length)));
}

static struct filter *open_censor(const struct wordlist *list, const char *mask)
{
    struct filter *censor = NULL;

    CLAIM(filter_open(list, mask, &censor) == 0);
    return censor;
}

static bool is_word(ucs4_t character)
{
    return character == '_' ||
           uc_is_general_category_withtable(character, UC_CATEGORY_MASK_L | UC_CATEGORY_MASK_M |
                                                           UC_CATEGORY_MASK_N);
}

/* No mask touches a character that is part of a word. */
static void check_neighbours(const struct filter_result *marked)
{
    const uint8_t *start = (const uint8_t *)marked->text, *end = start + marked->length;
    const uint8_t *mark = start;
    ucs4_t character;

    if (!is_utf8(marked->text, marked->length))
        return;
    while ((mark = memmem(mark, (size_t)(end - mark), MARK, strlen(MARK)))) {
        CLAIM(!u8_prev(&character, mark, start) || !is_word(character));
        mark += strlen(MARK);
        CLAIM(mark == end || u8_mbtouc(&character, mark, (size_t)(end - mark)) == 0 ||
              !is_word(character));
    }
}

/* What stands between the masks stands in the text too, in this order, and is all that was kept. */
static void check_kept(const struct wordlist *list, const char *text, size_t length)
{
    struct filter *censor = open_censor(list, MARK), *deleter = open_censor(list, "");
    struct filter_result marked, deleted;
    size_t at = 0, kept = 0, marks = 0;

    filter_result_init(&marked);
    filter_result_init(&deleted);
    apply(censor, text, length, &marked);
    apply(deleter, text, length, &deleted);
    CLAIM(deleted.matches == marked.matches);
    CLAIM(marked.length == deleted.length + marked.matches * strlen(MARK));
    CLAIM(length - deleted.length >= marked.matches);

    if (!memmem(text, length, MARK, strlen(MARK))) {
        const char *piece = marked.text, *end = marked.text + marked.length;
        for (;;) {
            const char *mark = memmem(piece, (size_t)(end - piece), MARK, strlen(MARK));
            size_t piece_length = (size_t)((mark ? mark : end) - piece);
            const char *place =
                piece_length ? memmem(text + at, length - at, piece, piece_length) : text + at;
            CLAIM(place != NULL);
            CLAIM(marks > 0 || place == text);
            CLAIM(memcmp(deleted.text + kept, piece, piece_length) == 0);
            at = (size_t)(place - text) + piece_length;
            kept += piece_length;
            if (!mark)
                break;
            marks++;
            piece = mark + strlen(MARK);
        }
        CLAIM(marks == marked.matches && kept == deleted.length);
        check_neighbours(&marked);
    }
    filter_result_clear(&deleted);
    filter_result_clear(&marked);
    filter_close(deleter);
    filter_close(censor);
}

/* A censored text is clean, unless the list forbids the mask itself. */
static void check_clean(const struct wordlist *list, const struct filter *censor,
                        const struct filter_result *once)
{
    struct filter_result twice;

    for (size_t i = 0; i < list->count; i++)
        if (strstr(list->entries[i].text, "censored"))
            return;
    filter_result_init(&twice);
    apply(censor, once->text, once->length, &twice);
    CLAIM(twice.matches == 0);
    filter_result_clear(&twice);
}

static void check_case(const struct filter *censor, const char *text, size_t length,
                       uint32_t matches)
{
    struct filter_result result;
    char *upper = fuzz_text(text, length);

    for (size_t i = 0; i < length; i++)
        if (upper[i] >= 'a' && upper[i] <= 'z')
            upper[i] = (char)(upper[i] - 'a' + 'A');
    filter_result_init(&result);
    apply(censor, upper, length, &result);
    CLAIM(result.matches == matches);
    filter_result_clear(&result);
    free(upper);
}

/* Every entry is found where it stands alone. */
static void check_entries(const struct wordlist *list, const struct filter *censor)
{
    struct filter_result result;

    filter_result_init(&result);
    for (size_t i = 0; i < list->count; i++) {
        const struct wordlist_entry *entry = &list->entries[i];
        CLAIM(entry->length > 0 && strlen(entry->text) == entry->length);
        CLAIM(entry->length <= WORDLIST_ENTRY_MAX_BYTES);
        CLAIM(is_utf8(entry->text, entry->length));
        apply(censor, entry->text, entry->length, &result);
        CLAIM(result.matches == 1 && strcmp(result.text, "CENSORED") == 0);
    }
    filter_result_clear(&result);
}

/* True when it holds a character that is part of no word and composed: its parts are no match for it. */
static bool has_composed_sign(const struct wordlist_entry *entry)
{
    ucs4_t character, parts[UC_DECOMPOSITION_MAX_LENGTH];
    const uint8_t *at = (const uint8_t *)entry->text;

    while ((at = u8_next(&character, at)))
        if (!is_word(character) && uc_canonical_decomposition(character, parts) > 1)
            return true;
    return false;
}

/* The list as it was written holds nothing but entries, comments and white space. */
static void check_list(const struct wordlist *list, const struct filter *censor, const char *bytes,
                       size_t length)
{
    struct wordlist twice;
    struct why why = {""};

    wordlist_init(&twice);
    CLAIM(wordlist_add(&twice, "once", bytes, length, &why) == 0);
    CLAIM(wordlist_add(&twice, "twice", bytes, length, &why) == 0);
    CLAIM(twice.count == list->count);
    for (size_t i = 0; i < list->count; i++)
        CLAIM(strcmp(twice.entries[i].text, list->entries[i].text) == 0);
    wordlist_clear(&twice);

    /* The first line as it is written: no entry is in the list for nothing. */
    const char *end = length ? memchr(bytes, '\n', length) : NULL;
    size_t line = end ? (size_t)(end - bytes) : length;
    struct wordlist first;
    wordlist_init(&first);
    CLAIM(wordlist_add(&first, "first", bytes, line, &why) == 0 && first.count <= 1);
    if (first.count == 1 && !has_composed_sign(&first.entries[0])) {
        struct filter_result result;
        filter_result_init(&result);
        apply(censor, bytes, line, &result);
        CLAIM(result.matches > 0);
        filter_result_clear(&result);
    }
    wordlist_clear(&first);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = size ? memchr(data, 0xff, size) : NULL;
    size_t list_length = end ? (size_t)(end - data) : size;
    const char *text = (const char *)data + list_length + (end ? 1 : 0);
    size_t text_length = size - list_length - (end ? 1 : 0);
    struct wordlist list;
    struct why why = {""};

    wordlist_init(&list);
    int error = wordlist_add(&list, "words.txt", (const char *)data, list_length, &why);
    if (error) {
        fuzz_claim_refusal(error, &why, "words.txt:");
    } else {
        struct filter *censor = open_censor(&list, "CENSORED");
        struct filter_result result;
        filter_result_init(&result);
        apply(censor, text, text_length, &result);
        CLAIM(list.count > 0 || result.matches == 0);
        check_clean(&list, censor, &result);
        check_case(censor, text, text_length, result.matches);
        check_kept(&list, text, text_length);
        check_entries(&list, censor);
        check_list(&list, censor, (const char *)data, list_length);
        filter_result_clear(&result);
        filter_close(censor);
    }
    wordlist_clear(&list);
    return 0;
}
