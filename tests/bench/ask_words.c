/* ask_words.c - a client of the word service that keeps so many requests in flight:
 *
 *   ask_words URL FARM TYPE COUNT IN_FLIGHT
 *
 * TYPE is random, list, or add, which adds a new word each time. Prints the seconds from the first
 * request to the last answer, and the slowest answer in milliseconds. */
#include "broker/broker.h"
#include "clock.h"
#include "topology.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct broker *broker;
static struct why why;
static struct topology topology;
static struct broker_properties *properties;
static const char *type;
static char queue[64];

static void check(int error)
{
    if (error < 0)
        errx(1, "%s", why.text);
}

static void ask(long number)
{
    char word[64] = "", id[32];

    if (strcmp(type, "add") == 0)
        snprintf(word, sizeof word, "%d asked %ld", (int)getpid(), number);
    snprintf(id, sizeof id, "%lld", (long long)clock_now_ns());
    broker_properties_clear(properties);
    broker_properties_set(properties, BROKER_TYPE, broker_text(type));
    broker_properties_set(properties, BROKER_REPLY_TO, broker_text(queue));
    broker_properties_set(properties, BROKER_CORRELATION_ID, broker_text(id));
    check(broker_publish(broker, "", broker_text(topology.words), properties, broker_text(word),
                         false, NULL, &why));
}

/* How long the answer took, in nanoseconds. */
static long long age_ns(const struct broker_event *answer)
{
    char id[32] = "";

    check(broker_properties_decode(properties, answer->raw_properties));
    struct broker_bytes bytes = broker_properties_get(properties, BROKER_CORRELATION_ID);
    if (bytes.length < sizeof id)
        memcpy(id, bytes.bytes, bytes.length);
    return clock_now_ns() - strtoll(id, NULL, 10);
}

int main(int argc, char **argv)
{
    if (argc != 6)
        errx(64, "usage: ask_words URL FARM TYPE COUNT IN_FLIGHT");
    const struct broker_options options = {.url = argv[1], .name = "ask_words", .heartbeat_s = 60};
    long count = atol(argv[4]), asked = 0, answered = 0;
    long long slowest_ns = 0;

    type = argv[3];
    properties = broker_properties_open();
    check(topology_init(&topology, argv[2], QUEUE_CLASSIC));
    check(broker_open(&options, &broker, &why));
    snprintf(queue, sizeof queue, "ask_words.%d", (int)getpid());
    const struct broker_queue replies = {.name = queue, .exclusive = true};
    check(broker_declare_queue(broker, &replies, &why));
    check(broker_settle(broker, &why));
    check(broker_consume(broker, queue, "ask_words", 0, true, &why));

    int64_t begin_ns = clock_now_ns();
    for (; asked < count && asked < atol(argv[5]); asked++)
        ask(asked);
    while (answered < count) {
        struct broker_event event;
        int got = broker_next(broker, &event, &why);
        check(got);
        if (got && event.type == BROKER_DELIVERY) {
            long long ns = age_ns(&event);
            slowest_ns = ns > slowest_ns ? ns : slowest_ns;
            answered++;
            if (asked < count)
                ask(asked++);
        } else if (!got) {
            broker_wait(broker, -1, clock_now_ns() + CLOCK_NS_PER_S);
        }
    }
    printf("%.6f %.3f\n", (double)(clock_now_ns() - begin_ns) * 1e-9, (double)slowest_ns * 1e-6);
    broker_close(broker);
    broker_properties_close(properties);
    return 0;
}
