#include "sampler.h"

#include "clock.h"
#include "farm_lock.h"
#include "log.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define RETRY_NS (500 * CLOCK_NS_PER_MS)
#define CHECK_NS CLOCK_NS_PER_S

/* The farm's loop waits while a connection is opened: at first so long for each answer of the broker, and twice as
 * long after one that did not come in time. */
#define STEP_FIRST_NS (500 * CLOCK_NS_PER_MS)
#define STEP_LAST_NS  (2 * CLOCK_NS_PER_S)

/* A lock that is held for longer is not that of a dead connection. */
#define USURPED_NS ((3 * BROKER_HEARTBEAT_S + 1) * CLOCK_NS_PER_S)

/* Copies are taken off the socket this often: each look costs system calls, and the socket holds what comes
 * in between. */
#define LOOK_LATE_NS CLOCK_NS_PER_S
#define LOOK_NS      (20 * CLOCK_NS_PER_MS)

/* Much longer than the election of a leader takes. */
#define LEADERLESS_NS (5 * CLOCK_NS_PER_S)

/* What was asked of the broker on one connection. While an answer is to come nothing is asked again: a broker that
 * is slower than the questions would never catch up. */
struct question {
    bool outstanding;
    bool answered; /* since the last sample was read */
    int64_t answered_ns;
    struct broker_queue_state answer;
};

struct sampler {
    const struct broker_options *options;
    const struct topology *topology;
    enum sampler_count mode;

    struct broker *count_broker, *probe_broker; /* NULL while lost */
    int64_t count_retry_ns, probe_retry_ns;
    int count_error, probe_error; /* of the last attempt; 0: connected */
    int64_t step_ns;
    int64_t locked_ns; /* since then the lock is another's, as far as is known; 0: it is not */
    int64_t look_ns;   /* not before this */

    double arrived_msgs; /* since since_ns */
    int64_t since_ns;
    int64_t check_ns; /* when the farm's entities are looked for next */
    bool interrupted; /* some copies since then were not seen */
    bool missing; /* events were deleted with their queue or exchange, which is still to be told */
    int64_t tell_ns; /* not before this */
    bool checking;   /* they were asked for, and the answers are to come */
    struct question count, ready;
    int64_t leaderless_ns; /* since then the work queue seems to have no leader; 0: it has one */
    bool leaderless_told;
};

static int open_count(struct sampler *sampler, struct broker *broker, struct why *why)
{
    int error = farm_lock_take(sampler->topology, broker, why);

    if (!error && sampler->mode == SAMPLER_CONSUME)
        error =
            broker_consume(broker, sampler->topology->count, sampler->options->name, 0, true, why);
    return error;
}

static void count_from(struct sampler *sampler, int64_t now_ns, bool interrupted)
{
    sampler->arrived_msgs = 0;
    sampler->since_ns = now_ns;
    sampler->interrupted = interrupted;
}

/* The lock, at once or, on standby, when whoever has it ends; then the deadline is none any more, as it has been
 * connected. */
static int open_count_first(struct sampler *sampler, bool standby, int wake_fd,
                            int64_t *deadline_ns, struct why *why)
{
    for (bool deleted = false;;) {
        int error =
            broker_open_retry(sampler->options, wake_fd, *deadline_ns, &sampler->count_broker, why);
        if (!error && deleted)
            error = topology_declare(sampler->topology, sampler->count_broker, why);
        if (!error)
            error = open_count(sampler, sampler->count_broker, why);
        deleted = error == -ERR_MISSING;
        bool waiting = *deadline_ns == CLOCK_NEVER;
        bool away = waiting && (error == -ERR_UNAVAILABLE || error == -ERR_MISSING);
        if (!away && (error != -ERR_LOCKED || !standby))
            return error;
        broker_close(sampler->count_broker);
        sampler->count_broker = NULL;
        if (!waiting)
            log_event(LOG_INFO, "standby", "farm=%s why=\"another autoscaler runs it\"",
                      sampler->topology->farm);
        *deadline_ns = CLOCK_NEVER;
        struct pollfd wake = {.fd = wake_fd, .events = POLLIN};
        struct timespec left;
        if (ppoll(&wake, 1, clock_left(clock_now_ns() + RETRY_NS, &left), NULL) > 0)
            return error_set(why, ERR_TIMEOUT, "interrupted while on standby");
    }
}

int sampler_open(const struct broker_options *options, const struct topology *topology,
                 enum sampler_count count, bool standby, int wake_fd, int64_t deadline_ns,
                 struct sampler **out, struct why *why)
{
    struct sampler *sampler = calloc(1, sizeof *sampler);
    if (!sampler)
        return error_set(why, ERR_MEMORY, "out of memory");

    sampler->options = options;
    sampler->topology = topology;
    sampler->mode = count;
    sampler->step_ns = STEP_FIRST_NS;
    int error = broker_open_retry(options, wake_fd, deadline_ns, &sampler->probe_broker, why);
    if (!error)
        error = topology_declare(topology, sampler->probe_broker, why);
    /* On standby nobody would see to this connection's heartbeat. */
    broker_close(sampler->probe_broker);
    sampler->probe_broker = NULL;
    if (!error)
        error = open_count_first(sampler, standby, wake_fd, &deadline_ns, why);
    count_from(sampler, clock_now_ns(), false);
    if (!error)
        error = broker_open_retry(options, wake_fd, deadline_ns, &sampler->probe_broker, why);
    if (error) {
        sampler_close(sampler);
        return error;
    }
    *out = sampler;
    return 0;
}

void sampler_close(struct sampler *sampler)
{
    if (!sampler)
        return;
    broker_close(sampler->count_broker);
    broker_close(sampler->probe_broker);
    free(sampler);
}

/* The loss itself is news; an attempt to come back that failed is, when it failed otherwise than the last. */
static void tell_loss(int *last_error, int error, const char *what, const struct why *why)
{
    enum log_level level = *last_error == error ? LOG_DEBUG : LOG_WARN;

    log_event(level, "connection_lost", "for=%s why=\"%s\"", what, why->text);
    *last_error = error;
}

static void lose_count(struct sampler *sampler, int error, const struct why *why)
{
    tell_loss(&sampler->count_error, error, "count", why);
    broker_close(sampler->count_broker);
    sampler->count_broker = NULL;
    sampler->count_retry_ns = clock_now_ns() + RETRY_NS;
    sampler->interrupted = true;
    sampler->count = (struct question){0};
}

static void lose_probe(struct sampler *sampler, int error, const struct why *why)
{
    tell_loss(&sampler->probe_error, error, "backlog", why);
    broker_close(sampler->probe_broker);
    sampler->probe_broker = NULL;
    sampler->probe_retry_ns = clock_now_ns() + RETRY_NS;
    sampler->ready = (struct question){0};
    sampler->checking = false;
    sampler->leaderless_ns = 0;
}

/* Something of the farm was deleted: the probe declares it anew, and until the count queue is bound again
 * copies are missed. */
static void lose_entity(struct sampler *sampler, const struct why *why)
{
    log_event(LOG_WARN, "entity_missing", "why=\"%s\" doing=\"declaring it anew\"", why->text);
    sampler->probe_error = -ERR_MISSING; /* told */
    lose_probe(sampler, -ERR_MISSING, why);
    sampler->probe_retry_ns = 0;
    sampler->interrupted = true;
    sampler->missing |= topology_lost_events(sampler->topology, why);
}

/* Copies go nowhere while the exchange is another one than the count queue was bound to. */
static void bind_count(struct sampler *sampler)
{
    struct why why = {0};
    int error = sampler->count_broker
                    ? topology_bind_count(sampler->topology, sampler->count_broker, &why)
                    : 0;

    if (error)
        lose_count(sampler, error, &why);
}

/* On a connection of its own: the broker may block those that have published. */
static void tell_destroyed(struct sampler *sampler, const struct broker_options *options)
{
    struct broker *broker = NULL;
    struct why why = {0};
    int error = broker_open(options, &broker, &why);

    if (!error)
        error = topology_tell_destroyed(sampler->topology, broker, &why);
    if (error)
        log_event(LOG_WARN, "destroyed_untold", "why=\"%s\"", why.text);
    broker_close(broker);
    sampler->missing = error != 0;
    sampler->tell_ns = clock_now_ns() + RETRY_NS;
}

static int reconnect_probe(struct sampler *sampler, const struct broker_options *options)
{
    struct why why = {0};
    int error = broker_open(options, &sampler->probe_broker, &why);

    if (!error)
        error = topology_declare(sampler->topology, sampler->probe_broker, &why);
    if (error) {
        lose_probe(sampler, error, &why);
        return error;
    }
    log_event(LOG_INFO, "connected", "for=backlog");
    sampler->probe_error = 0;
    bind_count(sampler);
    return 0;
}

static int reconnect_count(struct sampler *sampler, const struct broker_options *options)
{
    struct why why = {0};
    int error = broker_open(options, &sampler->count_broker, &why);

    if (!error)
        error = open_count(sampler, sampler->count_broker, &why);
    if (error != -ERR_LOCKED)
        sampler->locked_ns = 0;
    else if (!sampler->locked_ns)
        sampler->locked_ns = clock_now_ns();
    if (error) {
        lose_count(sampler, error, &why);
        return error;
    }
    log_event(LOG_INFO, "connected", "for=count");
    sampler->count_error = 0;
    return 0;
}

static void reconnect(struct sampler *sampler, int64_t now_ns)
{
    struct broker_options options = *sampler->options;

    options.attempt_ns = sampler->step_ns;
    int error = 0;
    if (!sampler->probe_broker && now_ns >= sampler->probe_retry_ns)
        error = reconnect_probe(sampler, &options);
    /* Who did not get an answer would wait for the next in vain. */
    if (!error && !sampler->count_broker && now_ns >= sampler->count_retry_ns)
        error = reconnect_count(sampler, &options);
    if (!sampler->count_error && !sampler->probe_error)
        sampler->step_ns = STEP_FIRST_NS;
    else if (error && clock_now_ns() - now_ns >= sampler->step_ns &&
             sampler->step_ns < STEP_LAST_NS)
        sampler->step_ns *= 2;
    if (sampler->missing && sampler->probe_broker && now_ns >= sampler->tell_ns)
        tell_destroyed(sampler, &options);
}

bool sampler_usurped(const struct sampler *sampler)
{
    return sampler->locked_ns && clock_now_ns() - sampler->locked_ns > USURPED_NS;
}

static void answer(struct question *question, struct broker_queue_state state)
{
    question->outstanding = false;
    question->answered = true;
    question->answered_ns = clock_now_ns();
    question->answer = state;
}

static void take_count_answer(struct sampler *sampler, uint32_t msgs)
{
    answer(&sampler->count, (struct broker_queue_state){.ready_msgs = msgs});
    if (sampler->mode == SAMPLER_PURGE)
        sampler->arrived_msgs += msgs;
    /* At its greatest length the queue has dropped copies. */
    if (msgs >= TOPOLOGY_COUNT_MAX_MSGS)
        sampler->interrupted = true;
}

static void take_count(struct sampler *sampler)
{
    struct broker_event event;
    struct why why = {0};
    int got;

    while ((got = broker_next(sampler->count_broker, &event, &why)) == 1) {
        if (event.type == BROKER_DELIVERY)
            sampler->arrived_msgs++;
        else if (event.type == BROKER_QUEUE_STATE || event.type == BROKER_PURGED)
            take_count_answer(sampler, event.state.ready_msgs);
        else if (event.type == BROKER_CANCELLED) {
            error_set(&why, ERR_UNAVAILABLE, "the queue '%s' was deleted",
                      sampler->topology->count);
            got = -ERR_UNAVAILABLE;
            break;
        }
    }
    if (got < 0)
        lose_count(sampler, got, &why);
}

static bool is_work_queue(const struct sampler *sampler, struct broker_bytes name)
{
    return name.length == strlen(sampler->topology->work) &&
           memcmp(name.bytes, sampler->topology->work, name.length) == 0;
}

static void take_probe(struct sampler *sampler)
{
    struct broker_event event;
    struct why why = {0};
    int got;

    while ((got = broker_next(sampler->probe_broker, &event, &why)) == 1) {
        if (event.type != BROKER_QUEUE_STATE || !is_work_queue(sampler, event.text))
            continue;
        answer(&sampler->ready, event.state);
        /* It is the last of a check's answers: everything is there. */
        if (sampler->checking)
            bind_count(sampler);
        sampler->checking = false;
    }
    if (got == -ERR_MISSING)
        lose_entity(sampler, &why);
    else if (got < 0)
        lose_probe(sampler, got, &why);
}

/* Looks whether everything is still there and bound. */
static void check_entities(struct sampler *sampler, int64_t now_ns)
{
    struct why why = {0};

    if (now_ns < sampler->check_ns || !sampler->probe_broker || sampler->ready.outstanding)
        return;
    sampler->check_ns = now_ns + CHECK_NS;
    sampler->checking = true;
    sampler->ready.outstanding = true; /* the work queue's state is among the answers */
    int error = topology_check(sampler->topology, sampler->probe_broker, &why);
    if (error)
        lose_probe(sampler, error, &why);
}

int64_t sampler_service(struct sampler *sampler, bool may_connect, struct pollfd fds[SAMPLER_FDS],
                        size_t *count)
{
    int64_t next_ns = CLOCK_NEVER;

    if (may_connect)
        reconnect(sampler, clock_now_ns());
    int64_t now_ns = clock_now_ns();
    /* Nobody looked for so long that the count queue may have dropped copies. */
    if (sampler->look_ns && now_ns - sampler->look_ns > LOOK_LATE_NS)
        sampler->interrupted = true;
    bool asking = sampler->count.outstanding;
    if (sampler->count_broker && (asking || now_ns >= sampler->look_ns)) {
        take_count(sampler);
        sampler->look_ns = now_ns + LOOK_NS;
    }
    if (sampler->probe_broker)
        take_probe(sampler);
    check_entities(sampler, now_ns);

    *count = 0;
    struct broker *const brokers[] = {sampler->count_broker, sampler->probe_broker};
    const int64_t retries_ns[] = {sampler->count_retry_ns, sampler->probe_retry_ns};
    for (size_t i = 0; i < 2; i++) {
        int64_t due_ns = brokers[i]    ? broker_heartbeat_due_ns(brokers[i])
                         : may_connect ? retries_ns[i]
                                       : CLOCK_NEVER;
        if (due_ns < next_ns)
            next_ns = due_ns;
    }
    if (sampler->probe_broker && !sampler->ready.outstanding && sampler->check_ns < next_ns)
        next_ns = sampler->check_ns;
    if (sampler->probe_broker)
        fds[(*count)++] = (struct pollfd){.fd = broker_fd(sampler->probe_broker), .events = POLLIN};
    /* Between looks the count's descriptor is left alone; the next look is due when one was worth it. */
    if (sampler->count_broker && asking)
        fds[(*count)++] = (struct pollfd){.fd = broker_fd(sampler->count_broker), .events = POLLIN};
    if (sampler->count_broker && sampler->look_ns < next_ns)
        next_ns = sampler->look_ns;
    return next_ns;
}

void sampler_ask_ready(struct sampler *sampler)
{
    struct why why = {0};

    if (!sampler->probe_broker || sampler->ready.outstanding)
        return;
    sampler->ready.outstanding = true;
    int error = broker_ask_queue(sampler->probe_broker, sampler->topology->work, &why);
    if (error)
        lose_probe(sampler, error, &why);
}

static void ask_count(struct sampler *sampler)
{
    struct why why = {0};

    if (!sampler->count_broker || sampler->count.outstanding)
        return;
    sampler->count.outstanding = true;
    int error = sampler->mode == SAMPLER_PURGE
                    ? broker_ask_purge(sampler->count_broker, sampler->topology->count, &why)
                    : broker_ask_queue(sampler->count_broker, sampler->topology->count, &why);
    if (error)
        lose_count(sampler, error, &why);
}

void sampler_ask(struct sampler *sampler)
{
    sampler_ask_ready(sampler);
    ask_count(sampler);
}

bool sampler_answered(const struct sampler *sampler)
{
    return !sampler->count.outstanding && !sampler->ready.outstanding;
}

static double seconds(int64_t ns)
{
    return (double)ns / (double)CLOCK_NS_PER_S;
}

/* For a quorum queue whose leader it does not reach the broker answers with zeros after a while. */
static bool has_leader(struct sampler *sampler, bool consumed, int64_t now_ns)
{
    const struct broker_queue_state *answer = &sampler->ready.answer;

    if (sampler->topology->queue_type != QUEUE_QUORUM)
        return true;
    if (answer->ready_msgs || answer->consumers) {
        if (sampler->leaderless_told)
            log_event(LOG_INFO, "leader_back", "queue=%s", sampler->topology->work);
        sampler->leaderless_ns = sampler->leaderless_told = 0;
        return true;
    }
    if (!consumed) {
        sampler->leaderless_ns = 0;
        return true; /* as far as can be told */
    }
    if (!sampler->leaderless_ns)
        sampler->leaderless_ns = now_ns;
    if (!sampler->leaderless_told && now_ns - sampler->leaderless_ns >= LEADERLESS_NS) {
        sampler->leaderless_told = true;
        log_event(LOG_WARN, "no_leader",
                  "queue=%s why=\"the broker sees none of its consumers: this quorum queue seems "
                  "to have no leader\" doing=\"keeping the number of workers\"",
                  sampler->topology->work);
    }
    return false;
}

struct sampler_sample sampler_peek(struct sampler *sampler, bool consumed, int64_t now_ns)
{
    const struct question *ready = &sampler->ready;
    bool known = ready->answered && has_leader(sampler, consumed, now_ns);
    int64_t counted_ns = sampler->mode == SAMPLER_CONSUME ? sampler->look_ns - LOOK_NS : 0;

    return (struct sampler_sample){
        .interval_s = seconds(now_ns - sampler->since_ns),
        .arrived_msgs = sampler->interrupted ? (double)NAN : sampler->arrived_msgs,
        .arrival_per_s = NAN,
        .ready_msgs = known ? (double)ready->answer.ready_msgs : (double)NAN,
        .arrival_age_s = counted_ns > 0 ? seconds(now_ns - counted_ns) : (double)NAN,
        .ready_age_s = known ? seconds(now_ns - ready->answered_ns) : (double)NAN,
    };
}

struct sampler_sample sampler_read(struct sampler *sampler, bool consumed, int64_t now_ns)
{
    struct sampler_sample sample = sampler_peek(sampler, consumed, now_ns);
    bool exact = !sampler->interrupted && sampler->count.answered;

    if (!exact)
        sample.arrived_msgs = NAN;
    else if (sample.interval_s > 0)
        sample.arrival_per_s = sample.arrived_msgs / sample.interval_s;
    sample.arrival_age_s = exact ? seconds(now_ns - sampler->count.answered_ns) : (double)NAN;
    /* What comes with the first late answer is of both intervals. From then on each is later by the same. */
    bool late = sampler->count.outstanding && !sampler->count.answered;
    count_from(sampler, now_ns, !sampler->count_broker || late);
    sampler->count.answered = sampler->ready.answered = false;
    return sample;
}
