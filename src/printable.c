#include "printable.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unictype.h>
#include <unistr.h>

#define ESCAPED_SIZE 16

static bool is_hidden(ucs4_t character)
{
    return uc_is_general_category_withtable(character, UC_CATEGORY_MASK_Cc | UC_CATEGORY_MASK_Cf |
                                                           UC_CATEGORY_MASK_Zl |
                                                           UC_CATEGORY_MASK_Zp);
}

/* How one character is to be written, in place or escaped. *size is how many bytes of the text it
 * takes. Returns how many bytes it is written as. */
static size_t write_character(const uint8_t *text, size_t length, bool quotes, size_t *size,
                              char escaped[ESCAPED_SIZE])
{
    ucs4_t character;
    int read = u8_mbtoucr(&character, text, length);

    *size = read > 0 ? (size_t)read : 1;
    if (read <= 0)
        return (size_t)snprintf(escaped, ESCAPED_SIZE, "\\x%02x", text[0]);
    if (quotes && (character == '"' || character == '\\'))
        return (size_t)snprintf(escaped, ESCAPED_SIZE, "\\%c", (int)character);
    if (character == '\n' || character == '\t' || character == '\r')
        return (size_t)snprintf(escaped, ESCAPED_SIZE, "\\%c",
                                character == '\n'   ? 'n'
                                : character == '\t' ? 't'
                                                    : 'r');
    if (character < 0x20 || character == 0x7f)
        return (size_t)snprintf(escaped, ESCAPED_SIZE, "\\x%02x", (unsigned)character);
    if (character >= 0x80 && is_hidden(character))
        return (size_t)snprintf(escaped, ESCAPED_SIZE, "\\u%04x", (unsigned)character);
    memcpy(escaped, text, *size);
    return *size;
}

size_t printable_write(const char *text, size_t length, bool quotes, char *out, size_t size)
{
    size_t written = 0, taken;

    for (size_t at = 0; at < length; at += taken) {
        char escaped[ESCAPED_SIZE];
        size_t more =
            write_character((const uint8_t *)text + at, length - at, quotes, &taken, escaped);
        if (written + more >= size)
            break;
        memcpy(out + written, escaped, more);
        written += more;
    }
    out[written] = '\0';
    return written;
}
