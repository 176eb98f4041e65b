/* Schedules. Input of more than one line is a schedule's file, else it is phases with
 * spaces between them. */
#include "loadgen/schedule.h"

#include "fuzz.h"
#include "loadgen/phase_parse.h"
#include "loadgen/schedule_file.h"

#include <float.h>
#include <math.h>

#define EVENTS_MAX 300

static double max_rate_per_s(const struct schedule *schedule)
{
    double max = 0;

    for (size_t i = 0; i < schedule->count; i++)
        max = fmax(max, fmax(schedule->phases[i].from_per_s, schedule->phases[i].to_per_s));
    return max;
}

/* Within a burst the integral jumps, so that it does not tell an event's number. */
static bool has_bursts(const struct schedule *schedule)
{
    for (size_t i = 0; i < schedule->count; i++)
        if (schedule->phases[i].burst_msgs > 0)
            return true;
    return false;
}

static void check_arrivals(const struct schedule *schedule, enum schedule_arrival arrival)
{
    int64_t end_ns = llround(schedule->duration_s * 1e9), last_ns = 0, now_ns = -1;
    double whole = schedule_expected_msgs(schedule, INFINITY);
    /* A time is no more exact than a nanosecond and a double in seconds. */
    double time_error_s = 1e-9 + 8 * DBL_EPSILON * schedule->duration_s;
    double slack = 1e-6 + max_rate_per_s(schedule) * time_error_s + 1e-9 * whole;
    struct schedule_cursor cursor;
    size_t k;

    schedule_cursor_init(&cursor, schedule, arrival, schedule->count);
    for (k = 0; k < EVENTS_MAX && schedule_next(&cursor, &now_ns); k++) {
        CLAIM(now_ns >= last_ns && now_ns <= end_ns);
        last_ns = now_ns;
        if (arrival == SCHEDULE_CONSTANT && !has_bursts(schedule))
            CLAIM(fabs(schedule_expected_msgs(schedule, (double)now_ns / 1e9) -
                       ((double)k + 0.5)) <= slack);
    }
    if (arrival == SCHEDULE_CONSTANT && k < EVENTS_MAX)
        CLAIM(fabs((double)k - whole) <= 0.5 + slack);
    if (k < EVENTS_MAX) {
        int64_t untouched = -2;
        CLAIM(!schedule_next(&cursor, &untouched) && untouched == -2);
    }
}

static void check_schedule(const struct schedule *schedule)
{
    double sum_s = 0;

    for (size_t i = 0; i < schedule->count; i++) {
        const struct phase *phase = &schedule->phases[i];
        CLAIM(phase->duration_s >= 0);
        CLAIM(phase->from_per_s >= 0 && phase->from_per_s <= PHASE_MAX_PER_S);
        CLAIM(phase->to_per_s >= 0 && phase->to_per_s <= PHASE_MAX_PER_S);
        double rate = schedule_rate_per_s(schedule, sum_s);
        CLAIM(rate >= 0 && rate <= max_rate_per_s(schedule) * (1 + 1e-9));
        sum_s += phase->duration_s;
    }
    CLAIM(sum_s == schedule->duration_s && sum_s <= SCHEDULE_MAX_DURATION_S);
    CLAIM(schedule_rate_per_s(schedule, -1) == 0);
    CLAIM(schedule_rate_per_s(schedule, nextafter(sum_s, INFINITY) * 1.000001) == 0);
    CLAIM(schedule_expected_msgs(schedule, 0) == 0);
    check_arrivals(schedule, SCHEDULE_CONSTANT);
    check_arrivals(schedule, SCHEDULE_POISSON);
}

static void read_file(struct schedule *schedule, const uint8_t *data, size_t size)
{
    struct fuzz_file file = fuzz_file_open(data, size);
    struct why why = {0};
    int error = schedule_file_read(file.path, schedule, &why);

    if (error) {
        CLAIM(schedule->count == 0);
        fuzz_claim_refusal(error, &why, file.path);
    } else {
        CLAIM(schedule->duration_s > 0);
    }
    fuzz_file_close(&file);
}

static void parse_phases(struct schedule *schedule, char *text)
{
    char *rest = text, *word;

    while ((word = strsep(&rest, " "))) {
        struct phase phase = {.duration_s = -1};
        struct why why = {0};
        int error = phase_parse(word, &phase, &why);
        if (error) {
            CLAIM(phase.duration_s == -1);
            fuzz_claim_refusal(error, &why, NULL);
            continue;
        }
        CLAIM(phase.duration_s > 0);
        double before_s = schedule->duration_s;
        if (schedule_add(schedule, &phase, &why) != 0)
            CLAIM(before_s + phase.duration_s > SCHEDULE_MAX_DURATION_S &&
                  schedule->duration_s == before_s);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct schedule schedule;

    schedule_init(&schedule);
    if (size > 0 && memchr(data, '\n', size)) {
        read_file(&schedule, data, size);
    } else {
        char *text = fuzz_text(data, size);
        parse_phases(&schedule, text);
        free(text);
    }
    check_schedule(&schedule);
    schedule_clear(&schedule);
    return 0;
}
