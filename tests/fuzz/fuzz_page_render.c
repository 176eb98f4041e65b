/* What winnow-page makes of a farm's messages: whatever they say, its answers are JSON, and its
 * stream has one event for each, in one line. */
#include "clock.h"
#include "control/members.h"
#include "fuzz.h"
#include "page/render.h"

#define NOW_NS (1000 * CLOCK_NS_PER_S)

static void claim_json(struct shared_text *text)
{
    struct json_t *json;
    struct why why;

    CLAIM(text && strlen(text->bytes) == text->length);
    CLAIM(members_read(text->bytes, text->length, &json, &why) == 0);
    members_release(json);
    shared_text_drop(text);
}

/* "event: NAME", "data: {...}" and an empty line. */
static void claim_event(struct shared_text *text, const char *begin)
{
    struct json_t *json;
    struct why why;

    CLAIM(text && strncmp(text->bytes, begin, strlen(begin)) == 0);
    const char *data = text->bytes + strlen(begin);
    size_t length = strcspn(data, "\r\n");
    CLAIM(strcmp(data + length, "\n\n") == 0);
    CLAIM(members_read(data, length, &json, &why) == 0);
    members_release(json);
    shared_text_drop(text);
}

static void check_status(struct json_t *message, const char *bytes, size_t length)
{
    struct live live = {
        .farm = "<b>\"shop\\", .feed = {.state = FEED_HEARD}, .received_ns = NOW_NS};
    struct why why;

    if (status_read(message, &live.status, &why))
        return;
    live.message = live_copy_line(bytes, length);
    CLAIM(live.message);
    live.message_length = length;
    live.has_status = true;
    live.health = health_find(&live.feed, &live.status, NOW_NS, NOW_NS);
    claim_json(render_status(&live, NOW_NS));
    claim_json(render_scale(&live.status));
    claim_event(render_status_event(&live, NOW_NS), "event: status\ndata: ");
    status_clear(&live.status);
    free(live.message);
}

static void check_notice(const struct envelope *envelope, struct json_t *message)
{
    struct notice notice;
    struct why why;

    if (notice_read(message, &notice, &why) == 0)
        claim_event(render_log_event(envelope, &notice), "event: log\ndata: ");
}

/* Results, and reasons of the broker, are any bytes. */
static void check_bytes(const char *bytes, size_t length)
{
    struct problem problem;

    claim_json(render_sent("id", bytes, length));
    problem_set(&problem, PROBLEM_DEAD, "%.*s", (int)length, bytes);
    claim_json(render_problem(&problem));
    char *text = fuzz_text(bytes, length);
    claim_json(render_done(text));
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *bytes = size ? (const char *)data : "";
    struct envelope envelope;
    struct json_t *message;
    struct why why;

    check_bytes(bytes, size);
    if (envelope_read(bytes, size, &envelope, &message, &why))
        return 0;
    check_status(message, bytes, size);
    check_notice(&envelope, message);
    members_release(message);
    return 0;
}
