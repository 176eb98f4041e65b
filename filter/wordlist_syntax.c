#include "wordlist_syntax.h"

#include "character.h"

#include <string.h>
#include <unictype.h>
#include <unistr.h>

#define BYTE_ORDER_MARK 0xfeff

/* Messages quote no more of an entry, which may be thousands of bytes long. */
#define QUOTED_MAX_BYTES 60

struct span {
    const uint8_t *bytes;
    size_t length;
};

int wordlist_syntax_quoted_length(const void *text, size_t length)
{
    if (length > QUOTED_MAX_BYTES)
        for (length = QUOTED_MAX_BYTES; (((const uint8_t *)text)[length] & 0xc0) == 0x80;)
            length--;
    return (int)length;
}

static bool is_control(ucs4_t character)
{
    /* Not uc_is_cntrl, which counts the line and paragraph separators in. */
    return uc_is_general_category_withtable(character, UC_CATEGORY_MASK_Cc);
}

/* White space. Of the control characters only the tab is: a form feed or a lone carriage return
 * between two words is a damaged file, whatever Unicode calls it. */
static bool is_blank(ucs4_t character)
{
    return character == '\t' || (uc_is_property_white_space(character) && !is_control(character));
}

static struct span trim(struct span text)
{
    ucs4_t character;

    while (text.length > 0) {
        int size = u8_mbtouc(&character, text.bytes, text.length);
        if (!is_blank(character))
            break;
        text.bytes += size;
        text.length -= (size_t)size;
    }
    while (text.length > 0) {
        const uint8_t *last = u8_prev(&character, text.bytes + text.length, text.bytes);
        if (!last || !is_blank(character))
            break;
        text.length = (size_t)(last - text.bytes);
    }
    return text;
}

static int read_severity(const struct wordlist_line *line, struct span text, int32_t *severity,
                         struct why *why)
{
    int32_t number = 0;
    size_t i = 0;

    for (; i < text.length && text.bytes[i] >= '0' && text.bytes[i] <= '9'; i++)
        if (number <= WORDLIST_MAX_SEVERITY)
            number = number * 10 + (text.bytes[i] - '0');
    if (i < text.length || number > WORDLIST_MAX_SEVERITY)
        return error_set(why, ERR_CONFIG,
                         "%s:%u: '%.*s' after the tab is not a severity; expected a whole number "
                         "from 0 to %d, and no tab inside a phrase",
                         line->name, line->number,
                         wordlist_syntax_quoted_length(text.bytes, text.length),
                         (const char *)text.bytes, WORDLIST_MAX_SEVERITY);
    *severity = number;
    return 0;
}

/* Whether the last byte is a star that no backslash makes an ordinary character. */
static bool ends_with_star(struct span text)
{
    size_t backslashes = 0;

    if (text.length == 0 || text.bytes[text.length - 1] != '*')
        return false;
    while (backslashes + 1 < text.length && text.bytes[text.length - 2 - backslashes] == '\\')
        backslashes++;
    return backslashes % 2 == 0;
}

/* Takes the exclamation mark and the stars off an entry. */
static int read_ends(const struct wordlist_line *line, struct span *text,
                     struct wordlist_entry *entry, struct why *why)
{
    if (text->length > 0 && text->bytes[0] == '!') {
        entry->allowed = true;
        *text = trim((struct span){text->bytes + 1, text->length - 1});
    }
    if (text->length > 0 && text->bytes[0] == '*') {
        entry->open_start = true;
        text->bytes++;
        text->length--;
    }
    if (ends_with_star(*text)) {
        entry->open_end = true;
        text->length--;
    }
    if (trim(*text).length < text->length || (text->length > 0 && text->bytes[0] == '*') ||
        ends_with_star(*text))
        return error_set(why, ERR_CONFIG,
                         "%s:%u: a * that stands beside no word; expected one right before or "
                         "after a word, or \\* for the character itself",
                         line->name, line->number);
    return 0;
}

static bool can_be_escaped(uint8_t byte)
{
    return byte == '#' || byte == '!' || byte == '*' || byte == '\\';
}

/* An entry of nothing but punctuation, marks and separators is a slip, not something to find. */
static bool is_worth_finding(ucs4_t character)
{
    return uc_is_general_category_withtable(character, UC_CATEGORY_MASK_L | UC_CATEGORY_MASK_N) ||
           character_is_picture(character);
}

/* Copies an entry's text with each run of white space made one space and its escapes resolved. */
static int read_text(const struct wordlist_line *line, struct span raw, char *text,
                     struct wordlist_entry *entry, struct why *why)
{
    uint32_t length = 0;
    bool after_blank = false, is_worth_it = false;

    if (raw.length > WORDLIST_ENTRY_MAX_BYTES)
        return error_set(why, ERR_CONFIG, "%s:%u: an entry of %zu bytes; expected at most %d",
                         line->name, line->number, raw.length, WORDLIST_ENTRY_MAX_BYTES);
    for (size_t i = 0; i < raw.length;) {
        ucs4_t character;
        if (raw.bytes[i] == '\\' && i + 1 < raw.length && can_be_escaped(raw.bytes[i + 1]))
            i++;
        size_t size = (size_t)u8_mbtouc(&character, raw.bytes + i, raw.length - i);
        if (is_blank(character)) {
            after_blank = true;
        } else if (is_control(character) || character == BYTE_ORDER_MARK) {
            return error_set(why, ERR_CONFIG,
                             "%s:%u: control character U+%04X; expected one word or phrase a line",
                             line->name, line->number, (unsigned)character);
        } else {
            if (after_blank)
                text[length++] = ' ';
            after_blank = false;
            memcpy(text + length, raw.bytes + i, size);
            length += (uint32_t)size;
            is_worth_it = is_worth_it || is_worth_finding(character);
        }
        i += size;
    }
    if (!is_worth_it)
        return error_set(why, ERR_CONFIG,
                         "%s:%u: an entry without a letter, digit or emoji; expected a word or "
                         "phrase, or # before a comment",
                         line->name, line->number);
    text[length] = '\0';
    entry->text = text;
    entry->length = length;
    return 0;
}

/* Reads what a trimmed line has: an entry, and after a tab its severity. */
static int read_entry(const struct wordlist_line *line, struct span all, char *text,
                      struct wordlist_entry *entry, struct why *why)
{
    const uint8_t *tab = memchr(all.bytes, '\t', all.length);
    struct span raw = all;
    int error = 0;

    *entry = (struct wordlist_entry){.line = line->number, .severity = WORDLIST_DEFAULT_SEVERITY};
    if (tab) {
        size_t length = (size_t)(tab - all.bytes);
        raw = trim((struct span){all.bytes, length});
        error = read_severity(line, trim((struct span){tab + 1, all.length - length - 1}),
                              &entry->severity, why);
    }
    if (!error)
        error = read_ends(line, &raw, entry, why);
    return error ? error : read_text(line, raw, text, entry, why);
}

int wordlist_syntax_read(const struct wordlist_line *line, char *text, struct wordlist_entry *entry,
                         struct why *why)
{
    struct span all = {line->bytes, line->length};
    const uint8_t *bad = u8_check(all.bytes, all.length);

    if (bad)
        return error_set(why, ERR_CONFIG, "%s:%u: byte %td is not valid UTF-8; expected UTF-8 text",
                         line->name, line->number, bad - all.bytes + 1);
    if (all.length > 0 && all.bytes[all.length - 1] == '\r')
        all.length--;
    all = trim(all);
    if (all.length == 0 || all.bytes[0] == '#')
        return 0;
    int error = read_entry(line, all, text, entry, why);
    return error ? error : 1;
}
