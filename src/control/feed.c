#include "feed.h"

#include "clock.h"
#include "log.h"

#define ASK_NS (2 * CLOCK_NS_PER_S)

int feed_begin(const struct options *options, const char *const *keys, struct feed *feed,
               struct why *why)
{
    *feed = (struct feed){.since_ns = clock_now_ns(), .ask_ns = CLOCK_NEVER};
    return client_open(options, keys, &feed->client, why);
}

int feed_open(const struct options *options, const char *const *keys, int wake_fd,
              struct feed *feed, struct why *why)
{
    int error = feed_begin(options, keys, feed, why);

    feed->ask_ns = feed->since_ns;
    if (!error)
        error = client_connect(feed->client, wake_fd, feed->since_ns + options->connect_timeout_ns,
                               why);
    if (error)
        feed_close(feed);
    return error;
}

void feed_close(struct feed *feed)
{
    client_close(feed->client);
    feed->client = NULL;
}

static void enter(struct feed *feed, enum feed_state state)
{
    if (feed->state == state)
        return;
    feed->state = state;
    feed->since_ns = clock_now_ns();
}

static void lose(struct feed *feed, int error, const struct why *why)
{
    feed->error = error;
    feed->why = *why;
    feed->ask_ns = CLOCK_NEVER;
    enter(feed, FEED_AWAY);
}

static void ask(struct feed *feed)
{
    const struct command command = {.verb = COMMAND_STATUS};
    struct why why;

    feed->ask_ns = clock_now_ns() + ASK_NS;
    int error = client_send(feed->client, &command, false, NULL, &why);
    if (error)
        lose(feed, error, &why);
}

static void hear(struct feed *feed, const struct client_message *message)
{
    if (message->kind == CLIENT_UNREADABLE)
        return;
    /* One that has just begun to run the farm tells so once, and more when it is asked. */
    feed->ask_ns = clock_now_ns() + (feed->state == FEED_HEARD ? ASK_NS : 0);
    /* Of several hosts each tells what happens to it, also while none runs the farm. */
    if (feed->state != FEED_NOBODY || message->kind != CLIENT_NOTICE)
        enter(feed, FEED_HEARD);
}

bool feed_step(struct feed *feed, struct client_message *message)
{
    struct why why;
    int error;

    for (;;) {
        switch (client_step(feed->client, message, &error, &why)) {
        case CLIENT_MESSAGE:
            hear(feed, message);
            return true;
        case CLIENT_CONNECTED:
            enter(feed, FEED_STARTING);
            feed->ask_ns = clock_now_ns();
            break;
        case CLIENT_NOBODY:
            enter(feed, FEED_NOBODY);
            break;
        case CLIENT_LOST:
            lose(feed, error, &why);
            break;
        case CLIENT_NO_NEWS:
            feed->blocked = client_is_blocked(feed->client);
            if (clock_now_ns() < feed->ask_ns)
                return false;
            ask(feed);
            break;
        }
    }
}

void feed_log(const struct feed *feed, const char *farm, enum feed_state *logged)
{
    if (feed->state == *logged)
        return;
    if (feed->state == FEED_AWAY)
        log_event(LOG_WARN, "farm_silent", "farm=%s why=\"%s\"", farm, feed->why.text);
    else if (feed->state == FEED_NOBODY)
        log_event(LOG_WARN, "farm_silent", "farm=%s why=\"nobody runs it\"", farm);
    else if (feed->state == FEED_HEARD && *logged != FEED_STARTING)
        log_event(LOG_INFO, "farm_heard", "farm=%s", farm);
    if (feed->state != FEED_STARTING)
        *logged = feed->state;
}

void feed_poll(const struct feed *feed, struct pollfd *fd)
{
    client_poll(feed->client, fd);
}

int64_t feed_due_ns(const struct feed *feed)
{
    int64_t due_ns = client_due_ns(feed->client);

    return due_ns < feed->ask_ns ? due_ns : feed->ask_ns;
}

void feed_wait(const struct feed *feed, int wake_fd, int64_t deadline_ns)
{
    client_wait(feed->client, wake_fd, deadline_ns < feed->ask_ns ? deadline_ns : feed->ask_ns);
}
