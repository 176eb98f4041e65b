#include "shared_text.h"

#include <stdlib.h>
#include <string.h>

struct shared_text *shared_text_make(char *bytes, size_t length)
{
    struct shared_text *text = bytes ? malloc(sizeof *text) : NULL;

    if (!text) {
        free(bytes);
        return NULL;
    }
    *text = (struct shared_text){.bytes = bytes, .length = length, .holders = 1};
    return text;
}

struct shared_text *shared_text_copy(const char *bytes, size_t length)
{
    char *copy = malloc(length + 1);

    if (copy)
        *(char *)mempcpy(copy, bytes, length) = '\0';
    return shared_text_make(copy, length);
}

struct shared_text *shared_text_hold(struct shared_text *text)
{
    if (text)
        text->holders++;
    return text;
}

void shared_text_drop(struct shared_text *text)
{
    if (!text || --text->holders)
        return;
    free(text->bytes);
    free(text);
}
