#include "handling.h"

#include "clock.h"
#include "fingerprint.h"
#include "log.h"

#include <sys/epoll.h>
#include <unistd.h>

#define SERVICE_SMOOTHING 0.125

/* The death of a redelivered event's last worker is counted within this time, and asked for so
 * often; a slot that still shows the event then is that of a worker that hangs. */
#define COUNTED_WITHIN_NS (200 * CLOCK_NS_PER_MS)
#define COUNTED_EVERY_NS  CLOCK_NS_PER_MS
#define HUNG_EVERY_NS     (20 * CLOCK_NS_PER_MS)

int handling_init(struct handling *handling, struct why *why)
{
    handling->properties = broker_properties_open();
    return handling->properties ? 0 : error_set(why, ERR_MEMORY, "out of memory");
}

void handling_clear(struct handling *handling)
{
    if (handling->thread && handling->wake_fd >= 0)
        close(handling->wake_fd);
    job_thread_close(handling->thread);
    broker_properties_close(handling->properties);
    delivery_free(handling->delivery);
}

/* Only what was delivered before can have failed. */
static struct scoreboard_record look_up(const struct handling *handling,
                                        const struct delivery *delivery)
{
    return delivery->redelivered ? scoreboard_look_up(handling->scoreboard, delivery->fingerprint)
                                 : (struct scoreboard_record){0};
}

bool handling_is_suspect(const struct handling *handling, struct delivery *delivery)
{
    delivery->fingerprint =
        fingerprint_of(delivery->raw_properties.bytes, delivery->raw_properties.length,
                       delivery->body.bytes, delivery->body.length);
    return look_up(handling, delivery).suspect;
}

void handling_begin(struct handling *handling, struct delivery *delivery, int64_t now_ns)
{
    handling->delivery = delivery;
    handling->since_ns = now_ns;
    handling->started_ns = 0;
    handling->stage = HANDLING_WAITING;
    handling->record = look_up(handling, delivery);
}

/* ---- taking it up ---- */

/* An event's last worker is killed when it hangs, and its death counted. One whose job reports
 * progress is not, and may stay on the event for longer than this; then both work on it. */
static int64_t longest_wait_ns(const struct handling *handling)
{
    return scoreboard_hang_timeout_ns(handling->scoreboard) + COUNTED_WITHIN_NS;
}

/* True while the slot of the worker that had the event before still shows it. That worker has died
 * and is to be counted, or it hangs, which cost it its connection, and this one would hang beside
 * it. */
static bool has_last_worker(const struct handling *handling, int64_t now_ns)
{
    return handling->delivery->redelivered &&
           now_ns - handling->since_ns < longest_wait_ns(handling) &&
           scoreboard_handled_elsewhere(handling->scoreboard, handling->slot,
                                        handling->delivery->fingerprint, handling->since_ns);
}

bool handling_awaits_quiet(const struct handling *handling)
{
    return handling->stage == HANDLING_WAITING && (handling->record.suspect || handling->alone) &&
           !unacked_is_quiet(handling->unacked);
}

bool handling_wants_quiet(const struct handling *handling)
{
    return (handling->stage != HANDLING_NOTHING && handling->record.suspect) ||
           (handling->alone && !unacked_is_quiet(handling->unacked));
}

/* The scoreboard shows the event before anything of it is decoded. */
static void take_up(struct handling *handling, int64_t now_ns)
{
    handling->stage = HANDLING_TAKEN_UP;
    handling->started_ns = now_ns;
    scoreboard_take_up(handling->slot, handling->delivery->fingerprint, now_ns);
    handling->record = look_up(handling, handling->delivery);
    handling->malformed =
        broker_properties_decode(handling->properties, handling->delivery->raw_properties);
}

static bool is_poison(const struct handling *handling)
{
    return handling->record.attempts &&
           handling->record.attempts >= scoreboard_max_attempts(handling->scoreboard);
}

static int explain_poison(const struct handling *handling, struct why *why)
{
    char reason[SCOREBOARD_REASON_SIZE];

    if (!scoreboard_get_reason(handling->scoreboard, handling->delivery->fingerprint, reason))
        return error_set(why, ERR_INVALID,
                         "poison: it crashed or hung its worker as often as --max-attempts allows");
    return error_set(why, ERR_INVALID, "poison: %s", reason);
}

/* Why no job gets to see the event: 0, -ERR_INVALID with the reason, or -ERR_MEMORY. */
static int check(const struct handling *handling, struct why *why)
{
    if (is_poison(handling))
        return explain_poison(handling, why);
    if (handling->malformed == -ERR_INVALID)
        return error_set(why, ERR_INVALID, "malformed properties");
    if (handling->malformed)
        return error_set(why, ERR_MEMORY, "out of memory");
    return answer_check(handling->answerer, handling->delivery, handling->properties, why);
}

/* ---- the job ---- */

/* The loop waits for signals and for the thread through one descriptor. */
static int open_thread(struct handling *handling, struct why *why)
{
    int error = job_thread_open(handling->job, &handling->thread, why);

    if (error)
        return error;
    struct epoll_event readable = {.events = EPOLLIN};
    handling->wake_fd = epoll_create1(EPOLL_CLOEXEC);
    if (handling->wake_fd < 0 ||
        epoll_ctl(handling->wake_fd, EPOLL_CTL_ADD, handling->signal_fd, &readable) ||
        epoll_ctl(handling->wake_fd, EPOLL_CTL_ADD, job_thread_fd(handling->thread), &readable))
        return error_set(why, ERR_SYSTEM, "cannot wait for a thread");
    return 0;
}

static int call_job(struct handling *handling, struct why *why)
{
    atomic_store_explicit(&handling->unwanted, false, memory_order_relaxed);
    handling->call.event = (struct job_event){
        .body = handling->delivery->body,
        .properties = handling->properties,
        .redelivered = handling->delivery->redelivered,
        .attempt = handling->record.attempts + 1,
        .slot = handling->slot,
        .unwanted = &handling->unwanted,
    };
    handling->call.event.hurried = handling->job->begins_here;
    handling->call.verdict = JOB_NOT_YET;
    if (!handling->job->may_take_long || handling->job->begins_here)
        job_call(handling->job, &handling->call);
    if (handling->call.verdict != JOB_NOT_YET) {
        handling->stage = HANDLING_HANDLED;
        return 0;
    }
    handling->call.event.hurried = false;
    int error = handling->thread ? 0 : open_thread(handling, why);
    if (error)
        return error;
    handling->stage = HANDLING_ON_THREAD;
    job_thread_start(handling->thread, &handling->call);
    return 0;
}

void handling_collect(struct handling *handling)
{
    if (handling->stage != HANDLING_ON_THREAD || !job_thread_finished(handling->thread))
        return;
    handling->stage = HANDLING_HANDLED;
    scoreboard_progress(handling->slot, clock_now_ns());
    if (atomic_load_explicit(&handling->unwanted, memory_order_relaxed))
        handling_abandon(handling);
}

/* ---- the answer ---- */

static void measure(struct handling *handling)
{
    int64_t done_ns = clock_now_ns();
    int64_t spent_ns = done_ns - handling->started_ns;

    handling->service_ns += handling->service_ns == 0
                                ? (double)spent_ns
                                : SERVICE_SMOOTHING * ((double)spent_ns - handling->service_ns);
    scoreboard_count_handled(handling->slot, spent_ns);
    scoreboard_progress(handling->slot, done_ns);
}

static int answered(struct handling *handling, int answer)
{
    handling->answer = (enum answer)answer;
    handling->alone = answer == ANSWER_PUBLISHED && handling->record.suspect &&
                      unacked_is_quiet(handling->unacked);
    handling->alone_since_ns = clock_now_ns();
    measure(handling);
    return HANDLING_ANSWERED;
}

/* How often its burial has cost the connection too decides what is left out. */
static enum delivery_burial burial_of(const struct handling *handling)
{
    uint32_t max_attempts = scoreboard_max_attempts(handling->scoreboard);
    uint32_t attempts = handling->record.attempts;

    return !handling->record.suspect || attempts <= max_attempts ? BURIED_WHOLE
           : attempts == max_attempts + 1                        ? BURIED_WITHOUT_PROPERTIES
                                                                 : BURIED_WITHOUT_BODY;
}

static int answer_dead_event(struct handling *handling, const struct why *reason, struct why *why)
{
    handling->delivery->burial = burial_of(handling);
    int answer = answer_dead(handling->answerer, handling->delivery, handling->properties,
                             reason->text, why);

    return answer < 0 ? answer : answered(handling, answer);
}

static int answer_handled_event(struct handling *handling, struct why *why)
{
    int answer = answer_result(handling->answerer, handling->delivery, handling->properties,
                               &handling->call.result, why);
    if (answer == -ERR_INVALID) {
        struct why reason = *why;
        /* The event is dead with its own properties, of which little is left. */
        broker_properties_decode(handling->properties, handling->delivery->raw_properties);
        return answer_dead_event(handling, &reason, why);
    }
    return answer < 0 ? answer : answered(handling, answer);
}

/* The job wants it later. */
static int later(struct handling *handling)
{
    scoreboard_put_down(handling->slot);
    scoreboard_progress(handling->slot, clock_now_ns());
    log_event(LOG_DEBUG, "later", "why=\"%s\"", handling->call.why.text);
    return HANDLING_LATER;
}

/* The job has failed at it. */
static int retry(struct handling *handling, struct why *why)
{
    struct scoreboard_fingerprint event = handling->delivery->fingerprint;
    struct why *reason = &handling->call.why;
    uint32_t attempts =
        scoreboard_count_attempt(handling->scoreboard, event, handling->started_ns, clock_now_ns());

    scoreboard_set_reason(handling->scoreboard, event, reason->text);
    if (attempts < scoreboard_max_attempts(handling->scoreboard))
        return later(handling);
    error_prefix(reason, "attempt %u", attempts);
    return answer_dead_event(handling, reason, why);
}

static int answer(struct handling *handling, struct why *why)
{
    switch (handling->call.verdict) {
    case JOB_RESULT:
        return answer_handled_event(handling, why);
    case JOB_DEAD:
        return answer_dead_event(handling, &handling->call.why, why);
    case JOB_LATER:
        return later(handling);
    case JOB_RETRY:
        return retry(handling, why);
    default:
        *why = handling->call.why;
        return handling->call.verdict;
    }
}

/* ---- all of it ---- */

/* With an event that is taken up: it goes to FARM.dead, waits for the end of --service-time, or is
 * the job's. */
static int work(struct handling *handling, int64_t now_ns, int64_t *until_ns, struct why *why)
{
    int64_t finish_ns = handling->started_ns + handling->simulated_service_ns;
    struct why reason;

    if (now_ns < finish_ns && !is_poison(handling)) {
        *until_ns = finish_ns;
        return HANDLING_GOES_ON;
    }
    int error = check(handling, &reason);
    if (error == -ERR_INVALID)
        return answer_dead_event(handling, &reason, why);
    if (error) {
        *why = reason;
        return error;
    }
    return call_job(handling, why);
}

int handling_step(struct handling *handling, int64_t now_ns, int64_t *until_ns, struct why *why)
{
    int end = HANDLING_GOES_ON;

    *until_ns = CLOCK_NEVER;
    if (handling_awaits_quiet(handling))
        return HANDLING_GOES_ON;
    if (handling->stage == HANDLING_WAITING && has_last_worker(handling, now_ns)) {
        bool hangs = now_ns - handling->since_ns >= COUNTED_WITHIN_NS;
        *until_ns = now_ns + (hangs ? HUNG_EVERY_NS : COUNTED_EVERY_NS);
        return HANDLING_GOES_ON;
    }
    if (handling->stage == HANDLING_WAITING)
        take_up(handling, now_ns);
    if (handling->stage == HANDLING_TAKEN_UP)
        end = work(handling, now_ns, until_ns, why);
    return handling->stage == HANDLING_HANDLED ? answer(handling, why) : end;
}

struct delivery *handling_take(struct handling *handling)
{
    struct delivery *delivery = handling->delivery;

    handling->delivery = NULL;
    handling->stage = HANDLING_NOTHING;
    return delivery;
}

void handling_abandon(struct handling *handling)
{
    handling->alone = false;
    if (handling->stage == HANDLING_ON_THREAD) {
        atomic_store_explicit(&handling->unwanted, true, memory_order_relaxed);
        return;
    }
    delivery_free(handling_take(handling));
    scoreboard_put_down(handling->slot);
}

bool handling_is_wanted(const struct handling *handling)
{
    return handling->stage != HANDLING_NOTHING &&
           !(handling->stage == HANDLING_ON_THREAD &&
             atomic_load_explicit(&handling->unwanted, memory_order_relaxed));
}

bool handling_is_on_thread(const struct handling *handling)
{
    return handling->stage == HANDLING_ON_THREAD;
}

int handling_wake_fd(const struct handling *handling)
{
    return handling->thread ? handling->wake_fd : handling->signal_fd;
}
