#include "config.h"

#include <string.h>

#define BYTE_ORDER_MARK "\xef\xbb\xbf"
#define BLANKS          " \t"
#define KEY_LETTERS     "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-"

void config_begin(struct config *config, char *text, size_t length)
{
    const size_t mark = strlen(BYTE_ORDER_MARK);

    *config = (struct config){.at = text, .end = text + length, .next_line = 1};
    if (length >= mark && memcmp(text, BYTE_ORDER_MARK, mark) == 0)
        config->at += mark;
}

/* The text without the blanks around it. */
static char *trim(char *text)
{
    text += strspn(text, BLANKS);
    for (size_t length = strlen(text); length && strchr(BLANKS, text[length - 1]); length--)
        text[length - 1] = '\0';
    return text;
}

/* Cuts the next line off, as a text. */
static int next_line(struct config *config, char **line, struct why *why)
{
    char *at = config->at;
    char *newline = memchr(at, '\n', (size_t)(config->end - at));
    char *end = newline ? newline : config->end;

    config->line = config->next_line++;
    config->at = newline ? newline + 1 : config->end;
    if (newline && end > at && end[-1] == '\r')
        end--;
    *end = '\0';
    for (char *c = at; c < end; c++)
        if (((unsigned char)*c < ' ' && *c != '\t') || *c == 0x7f)
            return error_set(why, ERR_CONFIG, "the control character 0x%02x; expected text",
                             (unsigned char)*c);
    *line = trim(at);
    return 0;
}

static int read_section(char *line, struct config_item *item, struct why *why)
{
    size_t length = strlen(line);

    if (line[length - 1] != ']')
        return error_set(why, ERR_CONFIG,
                         "a section without its ]; expected [autoscaler] or [pool NAME], and no "
                         "more");
    line[length - 1] = '\0';
    char *kind = trim(line + 1);
    char *name = kind + strcspn(kind, BLANKS);
    if (*name)
        *name++ = '\0';
    if (!*kind)
        return error_set(why, ERR_CONFIG,
                         "a section without a kind; expected one such as [pool NAME]");
    *item = (struct config_item){.type = CONFIG_SECTION, .kind = kind, .name = trim(name)};
    return 1;
}

static int read_entry(char *line, struct config_item *item, struct why *why)
{
    char *equals = strchr(line, '=');

    if (!equals)
        return error_set(
            why, ERR_CONFIG,
            "neither a section nor an entry; expected key = value, or a section such as "
            "[pool NAME]");
    *equals = '\0';
    char *key = trim(line);
    if (!*key || key[strspn(key, KEY_LETTERS)])
        return error_set(
            why, ERR_CONFIG,
            "'%.60s' is no key; expected letters, digits and hyphens before the =", key);
    *item = (struct config_item){.type = CONFIG_ENTRY, .key = key, .value = trim(equals + 1)};
    return 1;
}

int config_next(struct config *config, struct config_item *item, struct why *why)
{
    char *line = NULL;

    while (config->at < config->end) {
        int error = next_line(config, &line, why);
        if (error)
            return error;
        if (*line && *line != '#' && *line != ';')
            return *line == '[' ? read_section(line, item, why) : read_entry(line, item, why);
    }
    return 0;
}

/* Cuts a word off, without its quotes; returns what follows it, or NULL when a quote has no end. */
static char *cut_word(char *at)
{
    char *to = at;

    for (; *at && !strchr(BLANKS, *at); at++) {
        if (*at != '\'' && *at != '"') {
            *to++ = *at;
            continue;
        }
        char *close = strchr(at + 1, *at);
        if (!close)
            return NULL;
        size_t length = (size_t)(close - at) - 1;
        memmove(to, at + 1, length);
        to += length;
        at = close;
    }
    char *after = *at ? at + 1 : at;
    *to = '\0';
    return after;
}

int config_words(char *value, char **words, size_t most, struct why *why)
{
    size_t count = 0;

    for (char *at = value + strspn(value, BLANKS); *at; at += strspn(at, BLANKS)) {
        if (count == most)
            return error_set(why, ERR_CONFIG, "more than %zu words", most);
        words[count++] = at;
        at = cut_word(at);
        if (!at)
            return error_set(why, ERR_CONFIG, "a quote that does not end");
    }
    return (int)count;
}
