#include "buffer.h"

#include <stdlib.h>

bool buffer_reserve(char **buffer, size_t *capacity, size_t needed)
{
    if (needed <= *capacity)
        return true;
    char *grown = realloc(*buffer, needed);
    if (!grown)
        return false;
    *buffer = grown;
    *capacity = needed;
    return true;
}
