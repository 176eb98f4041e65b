#include "give_back.h"

#include "clock.h"
#include "log.h"
#include "session.h"

/* A drain leaves the last result this long to be confirmed. */
#define CONFIRM_NS (50 * CLOCK_NS_PER_MS)

static int return_first(struct session *session, struct inbox *inbox, struct why *why)
{
    struct delivery *delivery = inbox_take(inbox);
    int error = unacked_give_back(&session->unacked, session->broker, delivery, why);

    delivery_free(delivery);
    return error;
}

/* Gives back the whole inbox; *given grows by how many events that was. */
static int return_inbox(struct session *session, size_t *given, struct why *why)
{
    int error = 0;

    for (; !error && session->inbox.first; (*given)++)
        error = return_first(session, &session->inbox, why);
    return error;
}

static int return_handling(struct session *session, size_t *given, struct why *why)
{
    int error =
        unacked_give_back(&session->unacked, session->broker, session->handling.delivery, why);

    (*given)++;
    handling_abandon(&session->handling);
    return error;
}

/* What is published after this time would not be confirmed in time. */
static int64_t last_publish_ns(const struct session *session)
{
    return session->drain_by_ns - CONFIRM_NS;
}

int64_t give_back_due_ns(const struct session *session, int64_t now_ns)
{
    int64_t last_ns = last_publish_ns(session);

    return now_ns < last_ns ? last_ns : session->drain_by_ns;
}

int give_back_late(struct session *session, int64_t now_ns, struct why *why)
{
    struct handling *handling = &session->handling;
    bool wanted = handling_is_wanted(handling);
    bool on_thread = wanted && handling_is_on_thread(handling);
    int64_t begin_ns = wanted && handling->started_ns ? handling->started_ns : now_ns;
    bool late = (double)begin_ns + handling->service_ns > (double)last_publish_ns(session);
    size_t given = 0;
    int error = 0;

    if (late)
        error = return_inbox(session, &given, why);
    if (!error && now_ns >= last_publish_ns(session))
        error = refusals_give_back_waiting(session, &given, why);
    if (!error && wanted && (on_thread ? now_ns >= session->drain_by_ns : late))
        error = return_handling(session, &given, why);
    if (!given)
        return error;
    scoreboard_count_given_back(session->slot, given);
    log_event(LOG_WARN, "given_back", "events=%zu why=\"the drain time-out would pass\"", given);
    return error;
}

int give_back_beside(struct session *session, struct why *why)
{
    size_t given = 0;

    if (!session->inbox.first || !session->takes_long || !consumer_is_stopped(&session->consumer))
        return 0;
    int error = return_inbox(session, &given, why);
    log_event(LOG_DEBUG, "given_back", "events=%zu why=\"the event at hand takes long\"", given);
    return error;
}

int give_back_aside(struct session *session, int64_t now_ns, int64_t *until_ns, struct why *why)
{
    const struct inbox *aside = &session->aside;
    int error = 0;

    while (!error && aside->first && (session->draining || aside->first->due_ns <= now_ns))
        error = return_first(session, &session->aside, why);
    if (aside->first && aside->first->due_ns < *until_ns)
        *until_ns = aside->first->due_ns;
    return error;
}
