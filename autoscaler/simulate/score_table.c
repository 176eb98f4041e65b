#include "score_table.h"

#include "csv/table.h"

#include <errno.h>
#include <math.h>
#include <string.h>

static const char header[] =
    "policy,wait_p50_s,wait_p95_s,wait_p99_s,wait_max_s,worker_s,oracle_ratio,under_share,"
    "over_share,reversals_per_h,starts_per_h,peak_workers,work_ratio,under_mean_workers,"
    "over_mean_workers,late_share,events,unserved,duration_s\n";

static const char *seconds(double s, char text[24])
{
    if (isnan(s))
        return "-";
    if (s < 9.9995)
        snprintf(text, 24, "%.0fms", s * 1e3);
    else
        snprintf(text, 24, "%.1fs", s);
    return text;
}

static const char *number(double value, int digits, char text[24])
{
    if (isnan(value))
        return "-";
    snprintf(text, 24, "%.*f", digits, value);
    return text;
}

static const char *share(double value, double mean, char text[24])
{
    if (isnan(value))
        return "-";
    snprintf(text, 24, "%.0f%% by %.1f", value * 100, mean);
    return text;
}

void score_table_print(FILE *file, const struct score_table_row *rows, size_t count)
{
    char t[12][24];
    int width = 12;

    for (size_t i = 0; i < count; i++)
        if ((int)strlen(rows[i].policy) > width)
            width = (int)strlen(rows[i].policy);
    fprintf(file, "%-*s %8s %8s %8s %8s %10s %6s %7s %13s %13s %7s %8s %5s\n", width, "policy",
            "p50", "p95", "p99", "max", "worker-s", "/work", "/oracle", "under", "over", "turns/h",
            "starts/h", "peak");
    for (size_t i = 0; i < count; i++) {
        const struct score *s = &rows[i].score;
        fprintf(file, "%-*s %8s %8s %8s %8s %10.0f %6s %7s %13s %13s %7s %8s %5s\n", width,
                rows[i].policy, seconds(s->wait_p50_s, t[0]), seconds(s->wait_p95_s, t[1]),
                seconds(s->wait_p99_s, t[2]), seconds(s->wait_max_s, t[3]), s->worker_s,
                number(s->work_s > 0 ? s->worker_s / s->work_s : (double)NAN, 2, t[4]),
                number(s->oracle_ratio, 2, t[5]), share(s->under_share, s->under_mean, t[6]),
                share(s->over_share, s->over_mean, t[7]), number(s->reversals_per_h, 0, t[8]),
                number(s->starts_per_h, 0, t[9]), number(s->peak_workers, 0, t[10]));
        if (s->unserved > 0)
            fprintf(file, "%-*s %.0f events were never served\n", width, "", s->unserved);
    }
}

static int format(struct table_row *row, const struct score_table_row *of)
{
    const struct score *s = &of->score;
    double numbers[] = {
        s->wait_p50_s,   s->wait_p95_s,   s->wait_p99_s,
        s->wait_max_s,   s->worker_s,     s->oracle_ratio,
        s->under_share,  s->over_share,   s->reversals_per_h,
        s->starts_per_h, s->peak_workers, s->work_s > 0 ? s->worker_s / s->work_s : (double)NAN,
        s->under_mean,   s->over_mean,    s->late_share};

    table_row_begin(row);
    table_row_text(row, of->policy);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        table_row_number(row, numbers[i]);
    table_row_count(row, s->events);
    table_row_number(row, s->unserved);
    table_row_number(row, s->duration_s);
    return table_row_end(row);
}

int score_table_write(const char *path, const struct score_table_row *rows, size_t count,
                      struct why *why)
{
    FILE *file = fopen(path, "we");
    struct table_row row;
    int error = 0;

    if (!file)
        return error_set(why, ERR_CONFIG, "cannot write the scores '%s': %s", path,
                         strerror(errno));
    table_row_init(&row);
    fputs(header, file);
    for (size_t i = 0; !error && i < count; i++) {
        error = format(&row, &rows[i]);
        if (!error)
            fwrite(row.text, 1, row.length, file);
    }
    table_row_clear(&row);
    bool torn = ferror(file);
    if ((fclose(file) || torn) && !error)
        return error_set(why, ERR_CONFIG, "cannot write the scores '%s': %s", path,
                         strerror(errno));
    return error ? error_set(why, ERR_MEMORY, "out of memory") : 0;
}
