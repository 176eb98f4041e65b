#include "session.h"

#include "clock.h"
#include "give_back.h"
#include "intake.h"

#include <string.h>

/* A worker holds about this much measured work: enough to keep it busy while the broker answers,
 * little enough that a drain is short and others find something to do. An event that takes longer
 * takes long. */
#define HOLD_NS (250 * CLOCK_NS_PER_MS)

/* Between quick events the socket is read, and all else done, this often and not after each: that
 * costs two system calls. */
#define TEND_EVERY_NS (CLOCK_NS_PER_MS / 2)

/* Each time that something is sent wakes the broker, which costs it more than a few answers do. So
 * while there is other work answers wait for others: about so many, and not longer than this. */
#define ANSWERS_TOGETHER 10
#define ANSWER_WITHIN_NS (10 * CLOCK_NS_PER_MS)

/* So many events that go to FARM.dead are logged in a second. */
#define DEAD_LOGGED 2

/* How long an event that its job wants later is kept before it goes back to the queue. */
#define LATER_PAUSE_NS (1 * CLOCK_NS_PER_S)

static int64_t sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static bool may_publish(const struct session *session)
{
    return !broker_blocked(session->broker) && !broker_backed_up(session->broker);
}

/* A state other than blocked counts as a sign of life, unless it is the job that is to show
 * some. */
static void tell_state(struct session *session, int64_t now_ns)
{
    enum scoreboard_state state = !session->may_publish ? SCOREBOARD_BLOCKED
                                  : session->draining   ? SCOREBOARD_DRAINING
                                                        : SCOREBOARD_WORKING;
    enum handling_stage stage = session->handling.stage;
    bool idle = stage == HANDLING_NOTHING || stage == HANDLING_WAITING;
    bool changes =
        atomic_load_explicit(&session->slot->state, memory_order_relaxed) != (int32_t)state;

    if (idle || (changes && state != SCOREBOARD_BLOCKED && stage != HANDLING_ON_THREAD))
        scoreboard_progress(session->slot, now_ns);
    if (changes)
        scoreboard_set_state(session->slot, state);
}

/* When an event can be taken to hand; CLOCK_NEVER when none is there. */
static int64_t next_ns(const struct session *session)
{
    int64_t trial_ns = trials_due_ns(&session->trials);

    return session->inbox.first ? sooner(session->inbox.first->settled_ns, trial_ns) : trial_ns;
}

/* An event that could be worked on now. */
static bool has_work(const struct session *session, int64_t now_ns)
{
    return session->handling.stage == HANDLING_NOTHING
               ? next_ns(session) <= now_ns
               : !handling_is_on_thread(&session->handling) &&
                     !handling_awaits_quiet(&session->handling);
}

/* What became of the event at hand: it was answered, or its job wants it later. */
static int take_end(struct session *session, enum handling_end end, int64_t now_ns, struct why *why)
{
    struct delivery *delivery = handling_take(&session->handling);
    int error = 0;

    if (end == HANDLING_LATER) {
        delivery->due_ns = now_ns + LATER_PAUSE_NS;
        unacked_leave_out(&session->unacked, delivery);
        inbox_put(&session->aside, delivery);
    } else {
        error = unacked_answered(&session->unacked, session->broker, delivery,
                                 session->handling.answer, now_ns, why);
    }
    return error;
}

/* When the event at hand will take long; CLOCK_NEVER when there is none, or it does already. */
static int64_t until_long_ns(const struct session *session, int64_t now_ns)
{
    int64_t long_ns = session->handling.since_ns + HOLD_NS;

    return session->handling.stage != HANDLING_NOTHING && now_ns < long_ns ? long_ns : CLOCK_NEVER;
}

/* While the broker takes no answers nobody can tell. */
static bool takes_long(const struct session *session, int64_t now_ns)
{
    return session->may_publish && session->handling.stage != HANDLING_NOTHING &&
           now_ns >= session->handling.since_ns + HOLD_NS;
}

/* False when that event is set aside instead. */
static bool take_to_hand(struct session *session, int64_t now_ns)
{
    bool trial = trials_due_ns(&session->trials) <= now_ns;
    struct delivery *delivery = trial ? trials_take(session) : inbox_take(&session->inbox);

    if (refusals_set_aside(session, delivery, now_ns))
        return false;
    if (!trial && handling_is_suspect(&session->handling, delivery)) {
        trials_put(session, delivery, now_ns);
        return false;
    }
    handling_begin(&session->handling, delivery, now_ns);
    return true;
}

/* Works on the event at hand, or takes one to hand, as far as that is possible now. */
static int work(struct session *session, int64_t now_ns, int64_t *until_ns, struct why *why)
{
    struct handling *handling = &session->handling;

    if (!has_work(session, now_ns) || !session->may_publish) {
        if (handling->stage == HANDLING_NOTHING && session->may_publish)
            *until_ns = sooner(*until_ns, next_ns(session));
        return 0;
    }
    if (handling->stage == HANDLING_NOTHING && !take_to_hand(session, now_ns)) {
        *until_ns = now_ns;
        return 0;
    }
    int64_t again_ns;
    int end = handling_step(handling, now_ns, &again_ns, why);
    if (end == HANDLING_GOES_ON)
        *until_ns = sooner(*until_ns, sooner(again_ns, until_long_ns(session, now_ns)));
    if (end <= HANDLING_GOES_ON)
        return end;
    *until_ns = now_ns;
    return take_end(session, (enum handling_end)end, now_ns, why);
}

static int acknowledge(struct session *session, int64_t now_ns, int64_t *until_ns, struct why *why)
{
    int64_t again_ns;
    int error = unacked_acknowledge(&session->unacked, session->broker, !has_work(session, now_ns),
                                    now_ns, &again_ns, why);

    *until_ns = sooner(*until_ns, again_ns);
    return error;
}

/* How many events the broker is to hand out to this worker. Beside one that takes long none, unless
 * it hands out no second one anyway. */
static uint16_t wanted_prefetch(const struct session *session)
{
    const struct consumer *consumer = &session->consumer;
    const struct handling *handling = &session->handling;
    size_t limit = session->settings->prefetch, aside = session->aside.count;
    double most = limit > aside ? (double)(limit - aside) : 0;
    bool abandoned = handling->stage != HANDLING_NOTHING && !handling_is_wanted(handling);

    if (session->draining || abandoned ||
        refusals_aside(&session->refusals) + session->trials.aside.count >= REFUSALS_ASIDE_MOST)
        return 0;
    if (session->takes_long)
        return consumer->state == CONSUMER_ACTIVE && consumer->prefetch == 1 ? 1 : 0;
    /* One at first: how many it may hold is known after the first. */
    double fits = handling->service_ns > 0 ? (double)HOLD_NS / handling->service_ns : 1;
    if (fits < 1)
        fits = 1;
    return (uint16_t)(fits < most ? fits : most);
}

static int consume(struct session *session, int64_t now_ns, struct why *why)
{
    const struct unacked *unacked = &session->unacked;

    return consumer_step(&session->consumer, session->broker, wanted_prefetch(session),
                         unacked->left_out_now, unacked->count - unacked->left_out, now_ns, why);
}

static int64_t answer_pause_ns(const struct session *session)
{
    double pause_ns = ANSWERS_TOGETHER * session->handling.service_ns;

    return pause_ns < (double)ANSWER_WITHIN_NS ? (int64_t)pause_ns : ANSWER_WITHIN_NS;
}

/* All but the work itself: takes in what has come, and does what that or the time makes due. */
static int tend(struct session *session, int64_t now_ns, int64_t *until_ns, struct why *why)
{
    broker_pace(session->broker, answer_pause_ns(session));
    int error = intake_receive(session, why);

    if (error)
        return error;
    handling_collect(&session->handling);
    session->takes_long = takes_long(session, now_ns);
    *until_ns = until_long_ns(session, now_ns);
    if (session->draining) {
        error = give_back_late(session, now_ns, why);
        *until_ns = sooner(*until_ns, give_back_due_ns(session, now_ns));
    }
    if (!error)
        error = give_back_aside(session, now_ns, until_ns, why);
    if (!error)
        error = refusals_step(session, now_ns, until_ns, why);
    if (!error)
        error = trials_step(session, now_ns, until_ns, why);
    if (!error)
        error = acknowledge(session, now_ns, until_ns, why);
    if (!error)
        error = consume(session, now_ns, why);
    return error ? error : give_back_beside(session, why);
}

/* Does what is due and sets *until_ns to when there will be more to do, if nothing comes in
 * before. */
static int step(struct session *session, int64_t *until_ns, struct why *why)
{
    int64_t now_ns = clock_now_ns();
    int64_t tend_ns = session->received_ns + TEND_EVERY_NS;
    int error = 0;

    *until_ns = CLOCK_NEVER;
    session->may_publish = may_publish(session);
    if (!has_work(session, now_ns) || now_ns >= tend_ns)
        error = tend(session, now_ns, until_ns, why);
    else
        *until_ns = tend_ns;
    if (error)
        return error;
    tell_state(session, now_ns);
    return work(session, now_ns, until_ns, why);
}

static bool drained(const struct session *session)
{
    return session->draining && session->consumer.state == CONSUMER_NONE &&
           session->unacked.count == 0;
}

/* Nothing is left to be done but to wait for confirms. */
static bool answered_all(const struct session *session)
{
    return !session->inbox.first && !handling_is_wanted(&session->handling);
}

int session_run(struct session *session, struct broker *broker, size_t published, struct why *why)
{
    int error = 0;

    session->broker = session->answerer.broker = broker;
    session->answerer.has_dead = !session->topology->foreign;
    session->confirmed = false;
    trials_reconnected(&session->trials, scoreboard_running(session->scoreboard), clock_now_ns());
    for (; !error && published; published--)
        error = unacked_published(&session->unacked, NULL, why);
    while (!error && !drained(session)) {
        int64_t until_ns;
        error = step(session, &until_ns, why);
        if (error || drained(session))
            break;
        int64_t now_ns = clock_now_ns();
        if (session->draining && now_ns >= session->drain_by_ns && answered_all(session))
            error = error_set(why, ERR_TIMEOUT,
                              "the drain time-out passed with %zu results unconfirmed",
                              session->unacked.count);
        else if (until_ns > now_ns)
            broker_wait(broker, handling_wake_fd(&session->handling), until_ns);
    }
    return error;
}

void session_lose_connection(struct session *session)
{
    session->broker = session->answerer.broker = NULL;
    session->may_publish = false;
    consumer_forget(&session->consumer);
    inbox_clear(&session->inbox);
    inbox_clear(&session->aside);
    refusals_forget(&session->refusals);
    trials_forget(&session->trials);
    unacked_forget(&session->unacked);
    handling_abandon(&session->handling);
    tell_state(session, clock_now_ns());
}

/* ---- the beginning and the end ---- */

int session_init(struct session *session, const struct worker_settings *settings,
                 const struct job *job, const char *name, int signal_fd, struct why *why)
{
    const struct topology *topology = &settings->options->topology;
    const char *program = settings->options->program;

    *session = (struct session){
        .settings = settings,
        .topology = topology,
        .signal_fd = signal_fd,
        .consumer = {.queue = topology->work, .tag = name},
    };
    inbox_init(&session->inbox);
    inbox_init(&session->aside);
    refusals_init(&session->refusals);
    trials_init(&session->trials);
    int error = scoreboard_attach(&session->scoreboard, &session->slot, why);
    if (error)
        return error;
    session->refusals.max_attempts = scoreboard_max_attempts(session->scoreboard);
    scoreboard_sign_on(session->slot, settings->simulated_service_ns, settings->takes_hangup);
    unacked_init(&session->unacked, session->scoreboard, session->slot);
    session->answerer = (struct answerer){
        .topology = topology,
        .worker = name + strlen(topology->farm) + strlen("/") + strlen(program) + strlen("/"),
        .max_body_bytes = settings->max_body_bytes,
        .slot = session->slot,
        .back_properties = broker_properties_open(),
        .dead_log = {.most_per_s = DEAD_LOGGED},
    };
    if (!session->answerer.back_properties)
        return error_set(why, ERR_MEMORY, "out of memory");
    session->handling = (struct handling){
        .job = job,
        .answerer = &session->answerer,
        .unacked = &session->unacked,
        .scoreboard = session->scoreboard,
        .slot = session->slot,
        .simulated_service_ns = settings->simulated_service_ns,
        .signal_fd = signal_fd,
    };
    return handling_init(&session->handling, why);
}

void session_clear(struct session *session)
{
    handling_clear(&session->handling);
    inbox_clear(&session->inbox);
    inbox_clear(&session->aside);
    refusals_forget(&session->refusals);
    trials_forget(&session->trials);
    window_clear(&session->unacked.window);
    broker_properties_close(session->answerer.back_properties);
    scoreboard_close(session->scoreboard);
}
