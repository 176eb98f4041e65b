/* Policies as winnow-simulate's command line names them, with their parameters. */
#include "autoscaler/simulate/candidate_spec.h"

#include "fuzz.h"

#include <math.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct candidate_defaults defaults = {.params = POLICY_DEFAULT_PARAMS,
                                                       .wait_s = 0.2};
    char *text = fuzz_text(data, size);
    struct candidate_spec spec;
    struct why why = {0};

    int error = candidate_spec_parse(text, &defaults, &spec, &why);
    if (error) {
        CLAIM(error == -ERR_INVALID && why.text[0]);
    } else {
        CLAIM(strcmp(spec.name, text) == 0);
        CLAIM((spec.kind == CANDIDATE_POLICY) == (spec.policy != NULL));
        CLAIM((spec.kind == CANDIDATE_PEER) == (spec.peer != NULL));
        CLAIM(spec.window_ns > 0);
        for (size_t i = 0; i < 2; i++)
            CLAIM(isnan(spec.number[i]) || (spec.number[i] >= 0 && spec.number[i] <= 1e6));
        if (spec.policy)
            CLAIM(policy_check(spec.policy, &spec.params) == 0 && spec.interval_ns > 0);
    }
    free(text);
    return 0;
}
