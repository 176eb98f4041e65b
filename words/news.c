#include "news.h"

#include "clock.h"
#include "control/envelope.h"
#include "control/fields.h"
#include "control/lamport.h"
#include "control/members.h"
#include "log.h"

#include <stdio.h>
#include <stdlib.h>

struct news {
    int64_t version;
};

static const struct field fields[] = {FIELD(FIELD_INTEGER, news, version), {0}};

int news_publish(const struct topology *topology, struct broker *broker,
                 struct broker_properties *properties, const char *from, int64_t version,
                 struct why *why)
{
    struct envelope envelope = {.clock = lamport_send(log_clock())};
    const struct news news = {.version = version};
    char *text;
    size_t length;

    snprintf(envelope.farm, sizeof envelope.farm, "%s", topology->farm);
    snprintf(envelope.from, sizeof envelope.from, "%s", from);
    clock_stamp(envelope.time);
    if (envelope_write(&envelope, fields_write(fields, &news), &text, &length))
        return error_set(why, ERR_MEMORY, "out of memory");
    broker_properties_clear(properties);
    broker_properties_set(properties, BROKER_CONTENT_TYPE, broker_text("application/json"));
    broker_properties_set(properties, BROKER_EXPIRATION, broker_text(ENVELOPE_EXPIRATION));
    broker_properties_set(properties, BROKER_TYPE, broker_text(TOPOLOGY_KEY_WORDS));
    int error = broker_publish(broker, topology->control, broker_text(TOPOLOGY_KEY_WORDS),
                               properties, (struct broker_bytes){text, length}, false, NULL, why);
    free(text);
    return error;
}

void news_receive(struct broker_bytes body)
{
    struct envelope envelope;
    struct json_t *message;

    if (envelope_read(body.bytes, body.length, &envelope, &message, NULL))
        return;
    lamport_receive(log_clock(), envelope.clock);
    members_release(message);
}
