/* Recorded arrivals, with the columns that need no naming. */
#include "csv/trace.h"

#include "fuzz.h"

#include <math.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_file file = fuzz_file_open(data, size);
    struct trace *trace = NULL;
    struct trace_row row, before = {.time_s = 0};
    struct why why = {0};
    size_t rows = 0;
    int got = trace_open(file.path, &trace, &why);

    if (got == 0) {
        while ((got = trace_next(trace, &row, &why)) == 1) {
            CLAIM(rows++ > 0 || row.time_s == 0);
            CLAIM(row.time_s >= before.time_s && row.until_s >= row.time_s);
            CLAIM(before.until_s == before.time_s || before.until_s == row.time_s);
            CLAIM(row.time_s <= TRACE_MAX_S && row.until_s <= 2 * TRACE_MAX_S);
            CLAIM(row.count <= TRACE_MAX_COUNT);
            before = row;
        }
    } else {
        CLAIM(trace == NULL);
    }
    if (got < 0)
        fuzz_claim_refusal(got, &why, file.path);
    trace_close(trace);
    fuzz_file_close(&file);
    return 0;
}
