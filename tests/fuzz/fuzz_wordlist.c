/* Fuzzes word lists, and masks over what their entries match. The input is a list, a
 * byte FF, which no UTF-8 text has, and a text to censor. */
#include "filter/wordlist.h"

#include "filter/censor.h"
#include "filter/matcher.h"
#include "fuzz.h"

#include <unictype.h>
#include <unistr.h>

static bool is_utf8(const char *text, size_t length)
{
    return length == 0 || u8_check((const uint8_t *)text, length) == NULL;
}

static bool same(const struct wordlist_entry *a, const struct wordlist_entry *b)
{
    return a->length == b->length && memcmp(a->text, b->text, a->length) == 0 &&
           a->open_start == b->open_start && a->open_end == b->open_end && a->allowed == b->allowed;
}

static void check_entry(const struct wordlist *list, size_t index, size_t length)
{
    const struct wordlist_entry *entry = &list->entries[index];
    bool seen = false, after_space = true;
    ucs4_t character;

    CLAIM(entry->length > 0 && entry->length <= WORDLIST_ENTRY_MAX_BYTES);
    CLAIM(strlen(entry->text) == entry->length && is_utf8(entry->text, entry->length));
    CLAIM(entry->file == 0 && entry->line >= 1 && entry->line <= length + 1);
    CLAIM(entry->severity >= 0 && entry->severity <= WORDLIST_MAX_SEVERITY);
    for (const uint8_t *at = (const uint8_t *)entry->text; (at = u8_next(&character, at));) {
        bool space = uc_is_property_white_space(character);
        CLAIM(!space || (character == ' ' && !after_space));
        after_space = space;
        seen |= uc_is_general_category_withtable(
                    character, UC_CATEGORY_MASK_L | UC_CATEGORY_MASK_N | UC_CATEGORY_MASK_So) ||
                uc_is_property(character, UC_PROPERTY_EXTENDED_PICTOGRAPHIC);
    }
    CLAIM(seen && !after_space);
    for (size_t i = 0; i < index && i < 200; i++)
        CLAIM(!same(entry, &list->entries[i]));
}

/* Writes the entries down by the rules and reads them again: each has to be the same. */
static void check_written(const struct wordlist *list)
{
    struct wordlist again;
    struct why why = {0};
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);

    CLAIM(stream != NULL);
    for (size_t i = 0; i < list->count; i++) {
        const struct wordlist_entry *entry = &list->entries[i];
        fprintf(stream, "%s%s", entry->allowed ? "!" : "", entry->open_start ? "*" : "");
        for (const char *at = entry->text; *at; at++)
            fprintf(stream, "%s%c", strchr("#!*\\", *at) ? "\\" : "", *at);
        fprintf(stream, "%s\t%d\n", entry->open_end ? "*" : "", entry->severity);
    }
    fclose(stream);
    wordlist_init(&again);
    int error = wordlist_add(&again, "again", text, size, &why);
    /* With its escapes an entry may be too long. */
    if (error) {
        CLAIM(strstr(why.text, "expected at most") != NULL);
    } else {
        CLAIM(again.count == list->count);
        for (size_t i = 0; i < list->count; i++)
            CLAIM(same(&again.entries[i], &list->entries[i]) &&
                  again.entries[i].severity == list->entries[i].severity);
    }
    wordlist_clear(&again);
    free(text);
}

static void check_severities(const struct wordlist *list, const char *bytes, size_t length)
{
    struct wordlist severe;
    struct why why = {0};
    size_t count = 0;

    wordlist_init(&severe);
    severe.min_severity = 2;
    CLAIM(wordlist_add(&severe, "words.txt", bytes, length, &why) == 0);
    for (size_t i = 0; i < list->count; i++)
        count += list->entries[i].allowed || list->entries[i].severity >= 2;
    CLAIM(severe.count == count);
    CLAIM(wordlist_add(&severe, "words.txt", bytes, length, &why) == 0 && severe.count == count);
    wordlist_check(&severe);
    wordlist_clear(&severe);
}

/* Claims that all outside the spans is kept and each span is the mask. */
static void check_masks(const struct matcher_spans *spans, const char *text, size_t length)
{
    static const struct censor_mask masks[] = {
        {.text = "CENSORED"},
        {.text = ""},
        {.character = "*"},
        {.character = "\u2588", .keep_first = true},
    };
    struct censor_result result;

    censor_result_init(&result);
    for (size_t m = 0; m < sizeof masks / sizeof masks[0]; m++) {
        CLAIM(censor_apply(&masks[m], text, length, spans->items, spans->count, &result) == 0);
        CLAIM(result.text[result.length] == '\0');
        CLAIM(!is_utf8(text, length) || is_utf8(result.text, result.length));
        if (!masks[m].text)
            continue;
        size_t mask_length = strlen(masks[m].text), at = 0, kept = 0;
        for (size_t i = 0; i < spans->count; i++) {
            const struct matcher_span *span = &spans->items[i];
            CLAIM(memcmp(result.text + at, text + kept, span->start - kept) == 0);
            at += span->start - kept;
            CLAIM(memcmp(result.text + at, masks[m].text, mask_length) == 0);
            at += mask_length;
            kept = span->start + span->length;
        }
        CLAIM(result.length - at == length - kept);
        CLAIM(length == kept || memcmp(result.text + at, text + kept, length - kept) == 0);
    }
    censor_result_clear(&result);
}

static void check_text(const struct wordlist *list, const char *text, size_t length)
{
    struct matcher *matcher = NULL;
    struct matcher_spans spans;
    size_t end = 0;

    matcher_spans_init(&spans);
    CLAIM(matcher_open(list, MATCHER_EXACT, &matcher) == 0);
    CLAIM(matcher_find(matcher, text, length, &spans) == 0);
    for (size_t i = 0; i < spans.count; i++) {
        CLAIM(spans.items[i].length > 0 && spans.items[i].start >= end);
        end = spans.items[i].start + spans.items[i].length;
        CLAIM(end <= length && spans.items[i].entry < list->count);
        CLAIM(!list->entries[spans.items[i].entry].allowed);
    }
    check_masks(&spans, text, length);
    matcher_spans_clear(&spans);
    matcher_close(matcher);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = size ? memchr(data, 0xff, size) : NULL;
    size_t list_length = end ? (size_t)(end - data) : size;
    const char *text = (const char *)data + list_length + (end ? 1 : 0);
    size_t text_length = size - list_length - (end ? 1 : 0);
    struct wordlist list;
    struct why why = {0};

    wordlist_init(&list);
    int error = wordlist_add(&list, "words.txt", (const char *)data, list_length, &why);
    if (error) {
        fuzz_claim_refusal(error, &why, "words.txt:");
    } else {
        for (size_t i = 0; i < list.count; i++)
            check_entry(&list, i, list_length);
        check_written(&list);
        check_severities(&list, (const char *)data, list_length);
        check_text(&list, text, text_length);
    }
    wordlist_clear(&list);
    return 0;
}
