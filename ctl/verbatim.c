#include "verbatim.h"

void verbatim_print(const char *text, size_t length, FILE *out)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)text[i];
        unsigned char next = i + 1 < length ? (unsigned char)text[i + 1] : 0;
        /* JSON has the characters below 0x20 between its tokens alone. Those up to U+009F, of which
         * terminals take some for commands, it may have in its strings. */
        if (byte < 0x20) {
            fputc(' ', out);
        } else if (byte == 0x7f) {
            fputs("\\u007f", out);
        } else if (byte == 0xc2 && next >= 0x80 && next < 0xa0) {
            fprintf(out, "\\u00%02x", next);
            i++;
        } else {
            fputc(byte, out);
        }
    }
    fputc('\n', out);
}
