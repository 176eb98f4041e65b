#include "report.h"

#include "clock.h"

#include <inttypes.h>

/* A run that ends no more than this behind its schedule has kept to it. */
#define BEHIND_S    0.5
#define BEHIND_PART 0.01

bool report_is_behind(const struct report *report)
{
    return report->behind_s > BEHIND_S && report->behind_s > BEHIND_PART * report->schedule_s;
}

/* Events that were answered by a dead letter, where that is no answer. */
static uint64_t unexpected_dead(const struct report *report)
{
    return report->expect_dead ? 0 : report->ledger->counts.dead;
}

bool report_is_good(const struct report *report)
{
    const struct ledger_counts *counts = &report->ledger->counts;

    return !counts->returned && !report->unconfirmed && !report_is_behind(report) &&
           (!report->unsent || report->interrupted) &&
           (!report->verify || (!counts->lost && !counts->corrupted && !unexpected_dead(report)));
}

double report_percentile_ms(const struct histogram *histogram, double percent)
{
    return (double)histogram_percentile_ns(histogram, percent) / CLOCK_NS_PER_MS;
}

static void print_latency(FILE *out, const char *name, const struct histogram *histogram)
{
    if (histogram->count)
        fprintf(out, "%-14s %10.3f %10.3f %10.3f %10.3f\n", name,
                report_percentile_ms(histogram, 50), report_percentile_ms(histogram, 99),
                report_percentile_ms(histogram, 99.9), report_percentile_ms(histogram, 100));
    else
        fprintf(out, "%-14s %10s %10s %10s %10s\n", name, "-", "-", "-", "-");
}

static void print_fault(FILE *out, uint64_t count, const char *what, const char **before)
{
    if (!count)
        return;
    fprintf(out, "%s%" PRIu64 " %s", *before, count, what);
    *before = ", ";
}

static const char *what_lost_means(const struct report *report)
{
    if (report->work_known && report->work.ready_msgs >= report->ledger->counts.lost)
        return "unanswered (as many still wait in the work queue)";
    return report->persistent ? "lost (confirmed but not answered)"
                              : "unanswered (transient, so not called lost)";
}

static void print_faults(FILE *out, const struct report *report)
{
    const struct ledger_counts *counts = &report->ledger->counts;
    const char *before = "bad: ";

    if (report->verify) {
        print_fault(out, counts->lost, what_lost_means(report), &before);
        print_fault(out, unexpected_dead(report), "dead (not answered; see winnow-reason)",
                    &before);
        print_fault(out, counts->corrupted, "corrupted", &before);
    }
    print_fault(out, counts->returned, "returned (no queue took them)", &before);
    print_fault(out, report->unconfirmed, "unconfirmed", &before);
    print_fault(out, report->interrupted ? 0 : report->unsent, "not sent", &before);
    if (report_is_behind(report))
        fprintf(out,
                "%s%.1f s behind its schedule: %.0f/s achieved of %.0f/s offered, %.0f %% short",
                before, report->behind_s, report->achieved_per_s, report->offered_per_s,
                100 * (1 - report->achieved_per_s / report->offered_per_s));
    fputs("\n", out);
}

/* Answers that are missing may only be late. */
static void print_work(FILE *out, const struct report *report)
{
    if (report->work_known && report->work.ready_msgs)
        fprintf(out,
                "               %" PRIu32 " events still wait in the work queue, which has %" PRIu32
                " consumers: %s\n",
                report->work.ready_msgs, report->work.consumers,
                report->work.consumers ? "the missing answers may yet come"
                                       : "no worker runs on this farm");
}

static const char *good_news(const struct report *report)
{
    const struct ledger_counts *counts = &report->ledger->counts;

    if (!counts->published)
        return "no events were sent";
    if (!report->verify)
        return "good: every event was confirmed; results were not looked at";
    if (counts->destroyed)
        return "good: every event was confirmed, and answered unless it went with a deleted queue";
    if (counts->dead)
        return "good: every event was confirmed and answered, by a right result or a dead letter";
    return "good: every event was confirmed and answered by a right result";
}

static void print_verdict(FILE *out, const struct report *report)
{
    fprintf(out, "verdict        %s", report->interrupted ? "interrupted; " : "");
    if (report_is_good(report)) {
        fprintf(out, "%s\n", good_news(report));
    } else {
        print_faults(out, report);
        print_work(out, report);
    }
}

static void print_answers(FILE *out, const struct ledger_counts *counts)
{
    fprintf(out,
            "answered       %" PRIu64 " results, %" PRIu64 " dead, %" PRIu64 " lost, %" PRIu64
            " duplicates, %" PRIu64 " corrupted",
            counts->results, counts->dead, counts->lost, counts->duplicates, counts->corrupted);
    if (counts->destroyed)
        fprintf(out, "; %" PRIu64 " destroyed with a deleted queue", counts->destroyed);
    if (counts->foreign)
        fprintf(out, "; %" PRIu64 " messages were not of this run", counts->foreign);
    fputs("\n", out);
}

void report_print(FILE *out, const struct report *report)
{
    const struct ledger *ledger = report->ledger;
    const struct ledger_counts *counts = &ledger->counts;

    fprintf(out,
            "\nsent           %" PRIu64 " published, %" PRIu64 " confirmed, %" PRIu64
            " returned, %" PRIu64 " nacked\n",
            counts->published, counts->confirmed, counts->returned, counts->nacked);
    if (report->verify)
        print_answers(out, counts);
    fprintf(out,
            "late           %" PRIu64 " sent more than %g ms after their time, %" PRIu64
            " not sent at all\n",
            report->late, REPORT_LATE_NS / 1e6, report->unsent);
    fprintf(out, "rate           %.1f/s offered, %.1f/s achieved\n", report->offered_per_s,
            report->achieved_per_s);
    fprintf(out, "time           %.1f s, blocked by the broker for %.1f s\n", report->elapsed_s,
            report->blocked_s);
    fprintf(out, "%-14s %10s %10s %10s %10s\n", "from intended", "p50 ms", "p99 ms", "p99.9 ms",
            "max ms");
    print_latency(out, "  to sent", &ledger->lag);
    print_latency(out, "  to confirmed", &ledger->confirm);
    if (report->verify)
        print_latency(out, "  to result", &ledger->end_to_end);
    print_verdict(out, report);
    fflush(out);
}
