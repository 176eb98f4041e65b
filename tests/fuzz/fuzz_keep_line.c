/* Answers of a program that lives on: a result is what the program wrote, a refusal has a reason,
 * and what is written as an event reads as an answer of the same body. */
#include "fuzz.h"
#include "workers/keep_line.h"

static void claim_round_trip(const uint8_t *data, size_t size)
{
    static struct broker_properties *properties;
    struct keep_answer answer = {0};
    struct plain_json line = {0};
    struct why why = {0};

    if (!properties)
        CLAIM((properties = broker_properties_open()) != NULL);
    const struct job_event event = {.body = {(const char *)data, size}, .properties = properties};
    CLAIM(keep_line_write(&line, size, &event) == 0);
    CLAIM(memchr(line.bytes, '\n', line.length) == line.bytes + line.length - 1);
    CLAIM(keep_line_read(&answer, line.bytes, line.length - 1, &why) == 0);
    CLAIM(answer.verdict == KEEP_RESULT && answer.id == (double)size);
    CLAIM(answer.body.length == size && (!size || memcmp(answer.body.bytes, data, size) == 0));
    keep_line_clear(&answer);
    free(line.bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct keep_answer answer = {0};
    struct why why = {0};
    int error = keep_line_read(&answer, (const char *)data, size, &why);

    if (error)
        fuzz_claim_refusal(error, &why, NULL);
    else
        CLAIM(answer.body.bytes && answer.body.length <= size);
    keep_line_clear(&answer);
    claim_round_trip(data, size);
    return 0;
}
