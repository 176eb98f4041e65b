#include "findings.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistr.h>

/* A JSON string of any bytes; NULL when out of memory. */
static json_t *string_of(const char *bytes, size_t length)
{
    json_t *string = json_stringn(bytes, length);
    if (string)
        return string;

    /* A byte becomes the three of U+FFFD at most. */
    uint8_t *clean = malloc(3 * length + 1);
    size_t written = 0;
    for (size_t i = 0; clean && i < length;) {
        ucs4_t character;
        int size = u8_mbtoucr(&character, (const uint8_t *)bytes + i, length - i);
        int put = u8_uctomb(clean + written, size > 0 ? character : 0xfffd, 4);
        written += (size_t)put;
        i += size > 0 ? (size_t)size : 1;
    }
    if (clean)
        string = json_stringn((const char *)clean, written);
    free(clean);
    return string;
}

int findings_write(FILE *stream, const struct finding *finding)
{
    json_t *object = json_pack("{s:o*, s:I, s:I, s:o*, s:o*, s:o*, s:I, s:i}", "file",
                               string_of(finding->file, strlen(finding->file)), "offset",
                               (json_int_t)finding->offset, "length", (json_int_t)finding->length,
                               "text", string_of(finding->text, (size_t)finding->length), "entry",
                               string_of(finding->entry, strlen(finding->entry)), "list",
                               string_of(finding->list, strlen(finding->list)), "line",
                               (json_int_t)finding->line, "severity", (int)finding->severity);
    if (!object)
        return -ERR_MEMORY;
    int failed = json_dumpf(object, stream, JSON_COMPACT) || putc('\n', stream) == EOF;
    json_decref(object);
    return failed ? -ERR_SYSTEM : 0;
}
