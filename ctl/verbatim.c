#include "verbatim.h"

#include <stdint.h>
#include <unictype.h>
#include <unistr.h>

/* As JSON writes any character in a string. */
static void print_escaped(ucs4_t character, FILE *out)
{
    if (character < 0x10000) {
        fprintf(out, "\\u%04x", (unsigned)character);
        return;
    }
    character -= 0x10000;
    fprintf(out, "\\u%04x\\u%04x", 0xd800 + (unsigned)(character >> 10),
            0xdc00 + (unsigned)(character & 0x3ff));
}

void verbatim_print(const char *text, size_t length, FILE *out)
{
    for (size_t at = 0; at < length;) {
        ucs4_t character;
        int bytes = u8_mbtouc(&character, (const uint8_t *)text + at, length - at);
        /* JSON has these between its tokens alone, and all others that are hidden in its strings
         * alone. */
        if (character < 0x20)
            fputc(' ', out);
        else if (uc_is_general_category_withtable(character,
                                                  UC_CATEGORY_MASK_Cc | UC_CATEGORY_MASK_Cf |
                                                      UC_CATEGORY_MASK_Zl | UC_CATEGORY_MASK_Zp))
            print_escaped(character, out);
        else
            fwrite(text + at, 1, (size_t)bytes, out);
        at += (size_t)bytes;
    }
    fputc('\n', out);
}
