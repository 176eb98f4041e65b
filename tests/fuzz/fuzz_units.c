/* Durations, counts, rates and sizes as people write them. */
#include "units.h"

#include "fuzz.h"

#include <math.h>

static void check_format(int64_t ns)
{
    char text[UNITS_TEXT_SIZE];
    int64_t again = -1;

    units_format_duration(ns, text);
    CLAIM(memchr(text, '\0', sizeof text) != NULL);
    if (ns >= 0) {
        CLAIM(units_parse_duration(text, &again) == 0);
        CLAIM(again == ns);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size);
    int64_t ns = -1, number = 0;
    uint64_t count = 0;
    double per_s = -1;
    size_t bytes = 0;

    if (units_parse_duration(text, &ns) == 0) {
        CLAIM(ns >= 0);
        check_format(ns);
    } else {
        CLAIM(ns == -1);
    }
    bool is_count = units_parse_count(text, &count) == 0;
    bool is_rate = units_parse_rate(text, &per_s) == 0;
    CLAIM(is_count || count == 0);
    if (is_rate)
        CLAIM(isfinite(per_s) && per_s >= 0);
    else
        CLAIM(per_s == -1);
    /* A count is also a rate of the same value, but for one with so many digits that no rate is
     * read from it. */
    if (is_count && size < 1000)
        CLAIM(is_rate && per_s == (double)count);
    if (units_parse_size(text, &bytes) == 0) {
        char plain[32];
        size_t again = 0;
        snprintf(plain, sizeof plain, "%zu", bytes);
        CLAIM(units_parse_size(plain, &again) == 0 && again == bytes);
    } else {
        CLAIM(bytes == 0);
    }
    ns = -1;
    CLAIM(units_parse_timestamp(text, &ns) == 0 || ns == -1);
    free(text);

    memcpy(&number, data, size < sizeof number ? size : sizeof number);
    check_format(number);
    return 0;
}
