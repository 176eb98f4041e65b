#include "render.h"

#include "clock.h"
#include "ctl/sentence.h"
#include "ctl/terms.h"
#include "plain_json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistr.h>

/* ---- pieces ---- */

/* With U+FFFD for a NUL, which programs in C stumble over, and for bytes that are no UTF-8. */
static char *clean(const char *bytes, size_t length, size_t *clean_length)
{
    static const char replacement[] = "\xef\xbf\xbd";
    char *copy = malloc(3 * length + 1), *end = copy;

    for (size_t i = 0; copy && i < length;) {
        ucs4_t character;
        int taken = u8_mbtoucr(&character, (const uint8_t *)bytes + i, length - i);
        bool kept = taken > 0 && character;
        end = kept ? mempcpy(end, bytes + i, (size_t)taken) : mempcpy(end, replacement, 3);
        i += taken > 0 ? (size_t)taken : 1;
    }
    *clean_length = (size_t)(end - copy);
    return copy;
}

static void put_bytes(struct plain_json *text, const char *bytes, size_t length)
{
    size_t clean_length;
    char *copy = clean(bytes, length, &clean_length);

    if (copy)
        plain_json_add_string(text, copy, clean_length);
    text->failed |= !copy;
    free(copy);
}

/* From this program, or checked when it came in. */
static void put_text(struct plain_json *text, const char *string)
{
    plain_json_add_string(text, string, strlen(string));
}

static void put_number(struct plain_json *text, double number)
{
    char digits[32];

    snprintf(digits, sizeof digits, "%.12g", number);
    plain_json_put(text, isfinite(number) ? digits : "null");
}

static void put_seconds(struct plain_json *text, int64_t from_ns, int64_t to_ns)
{
    char digits[32];

    snprintf(digits, sizeof digits, "%.3f", (double)(to_ns - from_ns) / (double)CLOCK_NS_PER_S);
    plain_json_put(text, digits);
}

/* Whole lines, as a list of strings. */
static void put_lines(struct plain_json *text, const char *lines)
{
    const char *between = "";

    plain_json_put(text, "[");
    for (const char *end; (end = strchr(lines, '\n')); lines = end + 1) {
        lines += strspn(lines, " ");
        plain_json_put(text, between);
        plain_json_add_string(text, lines, (size_t)(end - lines));
        between = ",";
    }
    plain_json_put(text, "]");
}

/* What is printed of a status, as a string for the caller to free; NULL: out of memory. */
static char *print(void (*printer)(const struct status *status, FILE *out),
                   const struct status *status)
{
    char *lines = NULL;
    size_t length;
    FILE *out = open_memstream(&lines, &length);

    if (!out)
        return NULL;
    printer(status, out);
    if (fclose(out) == 0)
        return lines;
    free(lines);
    return NULL;
}

static struct shared_text *finish(struct plain_json *text)
{
    plain_json_add(text, "", 1); /* a NUL behind it */
    if (!text->failed)
        return shared_text_make(text->bytes, text->length - 1);
    free(text->bytes);
    return NULL;
}

/* ---- small ones ---- */

struct shared_text *render_problem(const struct problem *problem)
{
    struct plain_json text = {0};

    plain_json_put(&text, "{\"type\":\"about:blank\",\"title\":");
    put_text(&text, problem_title(problem->kind));
    plain_json_put(&text, ",\"status\":");
    plain_json_add_int(&text, problem_status(problem->kind));
    plain_json_put(&text, ",\"code\":");
    put_text(&text, problem_code(problem->kind));
    plain_json_put(&text, ",\"detail\":");
    put_bytes(&text, problem->detail, strlen(problem->detail));
    plain_json_put(&text, "}\n");
    return finish(&text);
}

static void put_health(struct plain_json *text, const struct live *live)
{
    plain_json_put(text, "{\"farm\":");
    put_text(text, live->farm);
    plain_json_put(text, ",\"health\":");
    put_text(text, health_name(live->health));
    plain_json_put(text, ",\"level\":");
    put_text(text, health_level(live->health));
}

struct shared_text *render_farms(const struct live *const *farms, size_t count, bool control)
{
    struct plain_json text = {0};

    plain_json_put(&text, "{\"farms\":[");
    for (size_t i = 0; i < count; i++) {
        plain_json_put(&text, i ? "," : "");
        put_health(&text, farms[i]);
        plain_json_put(&text, "}");
    }
    plain_json_put(&text, control ? "],\"control\":true}\n" : "],\"control\":false}\n");
    return finish(&text);
}

struct shared_text *render_done(const char *said)
{
    struct plain_json text = {0};

    plain_json_put(&text, "{\"outcome\":\"done\",\"said\":");
    put_bytes(&text, said, strcspn(said, "\n"));
    plain_json_put(&text, "}\n");
    return finish(&text);
}

struct shared_text *render_sent(const char *message_id, const char *result, size_t length)
{
    struct plain_json text = {0};

    plain_json_put(&text, "{\"message_id\":");
    put_text(&text, message_id);
    if (result) {
        plain_json_put(&text, ",\"result\":");
        put_bytes(&text, result, length);
    }
    plain_json_put(&text, "}\n");
    return finish(&text);
}

struct shared_text *render_scale(const struct status *status)
{
    const struct status_limits *limits = &status->limits;
    const char *reason = status->decision.reason;
    struct plain_json text = {0};

    plain_json_put(&text, "{\"spec\":{\"min\":");
    plain_json_add_int(&text, limits->min_workers);
    plain_json_put(&text, ",\"max\":");
    plain_json_add_int(&text, limits->max_workers);
    plain_json_put(&text, limits->paused ? ",\"paused\":true" : ",\"paused\":false");
    plain_json_put(&text, ",\"replicas\":");
    put_number(&text, limits->replicas);
    plain_json_put(&text, "},\"status\":{\"desired\":");
    put_number(&text, status->decision.desired_workers);
    plain_json_put(&text, ",\"running\":");
    plain_json_add_int(&text, status->running);
    plain_json_put(&text, ",\"starting\":");
    plain_json_add_int(&text, status->starting);
    plain_json_put(&text, ",\"draining\":");
    plain_json_add_int(&text, status->draining);
    plain_json_put(&text, ",\"reason\":");
    if (reason)
        put_text(&text, reason);
    else
        plain_json_put(&text, "null");
    plain_json_put(&text, ",\"known\":");
    plain_json_put(&text, health_is_known(status) ? "true}}\n" : "false}}\n");
    return finish(&text);
}

/* ---- the status ---- */

static void put_words(struct plain_json *text, const struct status *status)
{
    char *sentence = print(sentence_print, status), *rest = print(sentence_print_rest, status),
         *terms = print(terms_print, status);

    if (sentence && rest && terms) {
        plain_json_put(text, ",\"sentence\":");
        plain_json_add_string(text, sentence, strcspn(sentence, "\n"));
        plain_json_put(text, ",\"details\":");
        put_lines(text, rest);
        plain_json_put(text, ",\"terms\":");
        put_lines(text, terms);
    } else {
        text->failed = true;
    }
    free(sentence);
    free(rest);
    free(terms);
}

static void put_connection(struct plain_json *text, const struct feed *feed, int64_t now_ns)
{
    plain_json_put(text, ",\"broker_away_s\":");
    if (feed->state == FEED_AWAY) {
        put_seconds(text, feed->since_ns, now_ns);
        plain_json_put(text, ",\"broker_why\":");
        put_bytes(text, feed->why.text, strlen(feed->why.text));
    } else {
        plain_json_put(text, "null,\"broker_why\":null");
    }
}

static void put_status(struct plain_json *text, const struct live *live, int64_t now_ns)
{
    put_health(text, live);
    plain_json_put(text, ",\"health_reason\":");
    put_text(text, health_reason(live->health));
    plain_json_put(text, ",\"health_s\":");
    put_seconds(text, live->health_since_ns, now_ns);
    if (live->has_status)
        put_words(text, &live->status);
    else
        plain_json_put(text, ",\"sentence\":\"\",\"details\":[],\"terms\":[]");
    plain_json_put(text, ",\"received_age_s\":");
    if (live->has_status)
        put_seconds(text, live->received_ns, now_ns);
    else
        plain_json_put(text, "null");
    put_connection(text, &live->feed, now_ns);
    plain_json_put(text, ",\"status\":");
    if (live->has_status)
        plain_json_add(text, live->message, live->message_length);
    else
        plain_json_put(text, "null");
    plain_json_put(text, "}\n");
}

struct shared_text *render_status(const struct live *live, int64_t now_ns)
{
    struct plain_json text = {0};

    put_status(&text, live, now_ns);
    return finish(&text);
}

struct shared_text *render_status_event(const struct live *live, int64_t now_ns)
{
    struct plain_json text = {0};

    plain_json_put(&text, "event: status\ndata: ");
    put_status(&text, live, now_ns);
    plain_json_put(&text, "\n");
    return finish(&text);
}

struct shared_text *render_log_event(const struct envelope *envelope, const struct notice *notice)
{
    struct plain_json text = {0};

    plain_json_put(&text, "event: log\ndata: {\"time\":");
    put_text(&text, envelope->time);
    plain_json_put(&text, ",\"level\":");
    put_text(&text, notice->level);
    plain_json_put(&text, ",\"event\":");
    put_text(&text, notice->event);
    plain_json_put(&text, ",\"text\":");
    put_text(&text, notice->text);
    plain_json_put(&text, ",\"from\":");
    put_text(&text, envelope->from);
    plain_json_put(&text, ",\"clock\":");
    plain_json_add_int(&text, envelope->clock);
    plain_json_put(&text, "}\n\n");
    return finish(&text);
}

/* ---- the history ---- */

static void put_list(struct plain_json *text, const char *name, const struct past_point *points,
                     size_t count, size_t offset)
{
    plain_json_put(text, ",\"");
    plain_json_put(text, name);
    plain_json_put(text, "\":[");
    for (size_t i = 0; i < count; i++) {
        plain_json_put(text, i ? "," : "");
        put_number(text, *(const double *)(const void *)((const char *)&points[i].values + offset));
    }
    plain_json_put(text, "]");
}

static void put_times(struct plain_json *text, const struct past_point *points, size_t count,
                      int64_t now_ns, int64_t now_ms)
{
    plain_json_put(text, ",\"now_ms\":");
    plain_json_add_int(text, now_ms);
    plain_json_put(text, ",\"every_s\":");
    plain_json_add_int(text, PAST_EVERY_S);
    plain_json_put(text, ",\"time_ms\":[");
    for (size_t i = 0; i < count; i++) {
        plain_json_put(text, i ? "," : "");
        plain_json_add_int(text, now_ms - (now_ns - points[i].at_ns) / CLOCK_NS_PER_MS);
    }
    plain_json_put(text, "]");
}

struct shared_text *render_history(const char *farm, const struct past *past, int64_t now_ns)
{
    struct past_point *points = malloc(PAST_POINTS * sizeof *points);
    size_t count = points ? past_read(past, now_ns, points) : 0;
    struct plain_json text = {.failed = !points};

    plain_json_put(&text, "{\"farm\":");
    put_text(&text, farm);
    put_times(&text, points, count, now_ns, clock_wall_ms());
    put_list(&text, "arrival_per_s", points, count, offsetof(struct past_values, arrival_per_s));
    put_list(&text, "workers", points, count, offsetof(struct past_values, workers));
    put_list(&text, "desired", points, count, offsetof(struct past_values, desired));
    put_list(&text, "backlog_msgs", points, count, offsetof(struct past_values, backlog_msgs));
    plain_json_put(&text, "}\n");
    free(points);
    return finish(&text);
}
