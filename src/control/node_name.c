#include "node_name.h"

#include <string.h>

static bool is_alphanumeric(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool node_name_is_valid(const char *text)
{
    size_t length = strnlen(text, NODE_NAME_SIZE);

    if (length == 0 || length == NODE_NAME_SIZE || !is_alphanumeric(text[0]) ||
        !is_alphanumeric(text[length - 1]))
        return false;
    for (size_t i = 0; i < length; i++)
        if (!is_alphanumeric(text[i]) && !strchr(".-_", text[i]))
            return false;
    return true;
}
