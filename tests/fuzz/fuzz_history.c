/* Continuing a history file: the input stands behind its header, or is the whole file
 * when it begins with a NUL, which is left out. */
#include "csv/history_writer.h"

#include "fuzz.h"
#include "plots/history_run.h"

#include <math.h>

/* Where doubles stop counting: nothing follows this run. */
#define RUN_MAX (UINT64_C(1) << 53)

static const struct history_row row = {
    .interval_s = 2,
    .arrived_msgs = NAN,
    .arrival_per_s = NAN,
    .ready_msgs = 7,
    .backlog_msgs = 7,
    .horizon_s = 2,
    .capacity_msgs = 1000,
    .max_workers = 32,
    .formula_workers = NAN,
    .handled_per_s = NAN,
    .policy = "formula",
    .params = "{}",
    .reason = "held: arrival rate unknown",
    .farm = "a,\"b\"",
    .trigger = "tick",
};

static void write_one(const char *path)
{
    struct history_writer *writer = NULL;
    struct why why = {0};

    CLAIM(history_writer_open(path, &writer, &why) == 0);
    CLAIM(history_writer_append(writer, &row, &why) == 0);
    history_writer_close(writer);
}

/* The header, which only a new file tells. */
static struct fuzz_file open_new(void)
{
    struct fuzz_file file = fuzz_file_open(NULL, 0);
    struct history_writer *writer = NULL;
    struct why why = {0};

    CLAIM(history_writer_open(file.path, &writer, &why) == 0);
    history_writer_close(writer);
    CLAIM(lseek(file.fd, 0, SEEK_END) > 0);
    return file;
}

/* What was there stays, and the row that was added is a run of its own that can be read. */
static void check_continued(const struct fuzz_file *file, const char *before, size_t before_size)
{
    struct history_run run;
    struct why why = {0};
    size_t size;

    write_one(file->path);
    char *after = fuzz_file_content(file, &size);
    /* Of a torn last row nothing is left. */
    while (before_size > 0 && before[before_size - 1] != '\n')
        before_size--;
    CLAIM(size > before_size && memcmp(before, after, before_size) == 0);
    CLAIM(after[size - 1] == '\n');
    free(after);

    CLAIM(history_run_read(file->path, HISTORY_READER_LAST_RUN, &run, &why) == 0);
    CLAIM(run.number > 0 && run.row_count == 1);
    CLAIM(strcmp(run.farm, row.farm) == 0 && strcmp(run.policy, row.policy) == 0);
    CLAIM(history_format_held(&run.rows[0]) && run.rows[0].backlog_msgs == row.backlog_msgs);
    CLAIM(isnan(run.rows[0].arrival_per_s));
    uint64_t number = run.number;
    history_run_clear(&run);

    if (number == RUN_MAX)
        return;
    write_one(file->path);
    CLAIM(history_run_read(file->path, HISTORY_READER_LAST_RUN, &run, &why) == 0);
    CLAIM(run.number == number + 1);
    history_run_clear(&run);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bool whole = size > 0 && data[0] == '\0';
    struct fuzz_file file = whole ? fuzz_file_open(data + 1, size - 1) : open_new();
    struct history_writer *writer = NULL;
    struct why why = {0};
    size_t before_size;

    if (!whole)
        fuzz_file_append(&file, data, size);
    char *before = fuzz_file_content(&file, &before_size);
    int error = history_writer_open(file.path, &writer, &why);
    if (error) {
        CLAIM(writer == NULL);
        fuzz_claim_refusal(error, &why, file.path);
    } else {
        history_writer_close(writer);
        check_continued(&file, before, before_size);
    }
    free(before);
    fuzz_file_close(&file);
    return 0;
}
