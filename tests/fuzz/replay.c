/* replay.c - a history read back. The input stands behind the header; when it begins with a NUL,
 * the rest of it is the whole file. */
#include "autoscaler/simulate/replay.h"

#include "fuzz.h"

static const char header[] = "run,time_s,interval_s,arrival_per_s,ready_msgs,backlog_msgs,capacity_"
                             "msgs,min_workers,max_workers,"
                             "formula_workers,desired_workers,running_workers,starting_workers,"
                             "draining_workers,policy,params,reason,"
                             "trigger,workers,blocked,useful_workers\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bool whole = size > 0 && data[0] == '\0';
    struct fuzz_file file = fuzz_file_open(header, whole ? 0 : sizeof header - 1);
    struct recording recording;
    struct why why = {""};

    fuzz_file_append(&file, data + whole, size - whole);
    int error = recording_read(file.path, RECORDING_LAST_RUN, &recording, &why);
    if (error) {
        fuzz_claim_refusal(error, &why, file.path);
    } else {
        struct policy_state state;
        CLAIM(recording.count > 0);
        policy_start(&state, &recording.rows[0].params);
        for (size_t i = 0; i < recording.count; i++) {
            const struct recording_row *row = &recording.rows[i];
            struct policy_decision decision;
            CLAIM(row->policy != NULL);
            /* Whatever the file says, a decision is within its limits, or refused. */
            if (policy_decide(row->policy, &row->sample, &row->params, &state, &decision) == 0)
                CLAIM(decision.desired_workers >= row->params.min_workers &&
                      decision.desired_workers <= row->params.max_workers);
        }
        recording_clear(&recording);
    }
    fuzz_file_close(&file);
    return 0;
}
