#include "arguments.h"

#include <stdlib.h>
#include <string.h>

#define SPACES " \t\n"

/* Copies one word, without its quotes, to *to, which ends up behind its NUL. Returns where the text
 * goes on, or NULL when a quote does not end. */
static const char *take_word(const char *at, char **to)
{
    while (*at && !strchr(SPACES, *at)) {
        char quote = *at;
        const char *end = at + 1;
        if (quote == '\'' || quote == '"') {
            end = strchr(++at, quote);
            if (!end)
                return NULL;
        }
        size_t length = (size_t)(end - at);
        memcpy(*to, at, length);
        *to += length;
        at = end + (quote == '\'' || quote == '"');
    }
    *(*to)++ = '\0';
    return at;
}

int arguments_split(const char *text, char ***out, struct why *why)
{
    /* No word is shorter than the space before it, and none has more bytes than the text. */
    size_t length = strlen(text), most = length / 2 + 1;
    char **words = malloc((most + 1) * sizeof *words + length + 1);
    size_t count = 0;

    if (!words)
        return error_set(why, ERR_MEMORY, "out of memory");
    char *to = (char *)(words + most + 1);
    for (text += strspn(text, SPACES); text && *text; text += strspn(text, SPACES)) {
        words[count++] = to;
        text = take_word(text, &to);
        if (!text)
            break;
    }
    if (!text || !count) {
        free(words);
        return error_set(why, ERR_INVALID, text ? "there is no word" : "a quote does not end");
    }
    words[count] = NULL;
    *out = words;
    return 0;
}
