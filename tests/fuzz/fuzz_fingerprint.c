/* What tells events apart: any bytes as properties, and the same event twice. */
#include "fingerprint.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* The first byte says where the properties end. On the heap, so that a byte too far is seen. */
    size_t length = size > 1 ? data[0] % size : 0;
    char *properties = fuzz_text(data, length), *body = fuzz_text(data + length, size - length);
    struct scoreboard_fingerprint once = fingerprint_of(properties, length, body, size - length);
    struct scoreboard_fingerprint again = fingerprint_of(properties, length, body, size - length);

    CLAIM(once.low != 0);
    CLAIM(once.high == again.high && once.low == again.low);
    free(properties);
    free(body);
    return 0;
}
