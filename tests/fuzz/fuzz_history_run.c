/* One run out of a history file, as the plots read it. */
#include "plots/history_run.h"

#include "fuzz.h"

#include <math.h>

static bool is_unknown_or(double value, bool holds)
{
    return isnan(value) || (isfinite(value) && holds);
}

static void check_row(const struct history_row *row)
{
    CLAIM(isfinite(row->time_s));
    CLAIM(is_unknown_or(row->interval_s, row->interval_s >= 0));
    CLAIM(is_unknown_or(row->arrival_per_s, row->arrival_per_s >= 0));
    CLAIM(is_unknown_or(row->backlog_msgs, row->backlog_msgs >= 0));
    CLAIM(is_unknown_or(row->horizon_s, row->horizon_s > 0));
    CLAIM(is_unknown_or(row->capacity_msgs, row->capacity_msgs > 0));
    CLAIM(is_unknown_or(row->min_workers, row->min_workers >= 0));
    CLAIM(is_unknown_or(row->max_workers, row->max_workers >= 0));
    CLAIM(!(row->min_workers > row->max_workers));
    CLAIM(is_unknown_or(row->desired_workers, row->desired_workers >= 0));
    CLAIM(is_unknown_or(row->running_workers, row->running_workers >= 0));
    CLAIM(is_unknown_or(row->starting_workers, row->starting_workers >= 0));
    CLAIM(is_unknown_or(row->simulated_service_s, row->simulated_service_s >= 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_file file = fuzz_file_open(data, size);
    struct history_run last, same, first;
    struct why why = {0};
    int error = history_run_read(file.path, HISTORY_READER_LAST_RUN, &last, &why);

    if (error) {
        fuzz_claim_refusal(error, &why, file.path);
    } else {
        CLAIM(last.row_count > 0 && last.policy != NULL);
        for (size_t i = 0; i < last.row_count; i++) {
            check_row(&last.rows[i]);
            CLAIM(i == 0 || last.rows[i].time_s >= last.rows[i - 1].time_s);
        }
        CLAIM(history_run_read(file.path, last.number, &same, &why) == 0);
        CLAIM(same.number == last.number && same.row_count == last.row_count);
        history_run_clear(&same);
    }
    error = history_run_read(file.path, 1, &first, &why);
    if (error)
        fuzz_claim_refusal(error, &why, file.path);
    history_run_clear(&first);
    history_run_clear(&last);
    fuzz_file_close(&file);
    return 0;
}
