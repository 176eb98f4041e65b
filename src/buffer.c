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

bool buffer_extend(char **buffer, size_t *capacity, size_t needed)
{
    size_t ample = *capacity + *capacity / 2;

    return needed <= *capacity || buffer_reserve(buffer, capacity, needed > ample ? needed : ample);
}
