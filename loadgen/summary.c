#include "summary.h"

#include <inttypes.h>
#include <stdbool.h>

static void put_count(FILE *out, const char *key, uint64_t count, bool known)
{
    if (known)
        fprintf(out, "  \"%s\": %" PRIu64 ",\n", key, count);
    else
        fprintf(out, "  \"%s\": null,\n", key);
}

static void put_number(FILE *out, const char *key, double number)
{
    fprintf(out, "  \"%s\": %.6f,\n", key, number);
}

static void put_latency(FILE *out, const char *key, const struct histogram *histogram)
{
    static const struct {
        const char *key;
        double percent;
    } parts[] = {{"p50", 50},     {"p90", 90},  {"p99", 99},
                 {"p99_9", 99.9}, {"max", 100}, {"p99_99", 99.99}};

    fprintf(out, "  \"%s\": {", key);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        fprintf(out, "%s\"%s\": ", i ? ", " : "", parts[i].key);
        if (histogram->count)
            fprintf(out, "%.6f", report_percentile_ms(histogram, parts[i].percent));
        else
            fputs("null", out);
    }
    fputs("},\n", out);
}

void summary_write(FILE *out, const struct report *report)
{
    const struct ledger *ledger = report->ledger;
    const struct ledger_counts *counts = &ledger->counts;

    fputs("{\n", out);
    put_count(out, "published", counts->published, true);
    put_count(out, "confirmed", counts->confirmed, true);
    put_count(out, "returned", counts->returned, true);
    put_count(out, "nacked", counts->nacked, true);
    put_count(out, "results", counts->results, report->verify);
    put_count(out, "dead", counts->dead, report->verify);
    put_count(out, "destroyed", counts->destroyed, report->verify);
    put_count(out, "lost", report->persistent ? counts->lost : 0, report->verify);
    put_count(out, "duplicates", counts->duplicates, report->verify);
    put_count(out, "corrupted", counts->corrupted, report->verify);
    put_number(out, "blocked_s", report->blocked_s);
    put_number(out, "offered_per_s", report->offered_per_s);
    put_number(out, "achieved_per_s", report->achieved_per_s);
    put_latency(out, "lag_ms", &ledger->lag);
    put_latency(out, "confirm_ms", &ledger->confirm);
    put_latency(out, "end_to_end_ms", &ledger->end_to_end);
    put_count(out, "late", report->late, true);
    put_count(out, "unsent", report->unsent, true);
    put_count(out, "unconfirmed", report->unconfirmed, true);
    put_count(out, "unanswered", counts->lost, report->verify);
    put_count(out, "waiting", report->work.ready_msgs, report->work_known);
    put_count(out, "foreign", counts->foreign, report->verify);
    put_number(out, "behind_s", report->behind_s);
    fprintf(out, "  \"interrupted\": %s\n", report->interrupted ? "true" : "false");
    fputs("}\n", out);
}
