/* A history read back: rows behind a header, or the whole file when the input begins
 * with a NUL. */
#include "autoscaler/simulate/replay.h"
#include "csv/history_reader.h"

#include "fuzz.h"

static const char header[] = "run,time_s,interval_s,arrival_per_s,ready_msgs,backlog_msgs,capacity_"
                             "msgs,min_workers,max_workers,"
                             "formula_workers,desired_workers,running_workers,starting_workers,"
                             "draining_workers,policy,params,reason,"
                             "trigger,workers,blocked,useful_workers,startup_s,starting_before,"
                             "silent_workers\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bool whole = size > 0 && data[0] == '\0';
    struct fuzz_file file = fuzz_file_open(header, whole ? 0 : sizeof header - 1);
    struct replay replay;
    struct why why = {0};

    fuzz_file_append(&file, data + whole, size - whole);
    int error = replay_read(file.path, HISTORY_READER_LAST_RUN, &replay, &why);
    if (error) {
        fuzz_claim_refusal(error, &why, file.path);
    } else {
        struct policy_state state;
        CLAIM(replay.count > 0);
        policy_start(&state, &replay.rows[0].params);
        for (size_t i = 0; i < replay.count; i++) {
            const struct replay_row *row = &replay.rows[i];
            struct policy_decision decision;
            CLAIM(row->policy != NULL);
            /* Whatever a file says, a decision is within its limits, or refused. */
            if (policy_decide(row->policy, &row->sample, &row->params, &state, &decision) == 0)
                CLAIM((decision.desired_workers >= row->params.min_workers ||
                       decision.desired_workers == row->params.total_allowed) &&
                      decision.desired_workers <= row->params.max_workers);
        }
        replay_clear(&replay);
    }
    fuzz_file_close(&file);
    return 0;
}
