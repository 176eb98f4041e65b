#include "broadcast.h"

#include "clock.h"
#include "log.h"
#include "turn.h"

#include <inttypes.h>
#include <stdio.h>

static int publish(struct broadcast *broadcast, struct broker *broker, int64_t version,
                   const struct lines_entry *entry, struct why *why)
{
    struct broker_properties *properties = broadcast->properties;
    char id[STORE_HOLDER_SIZE + 24];

    snprintf(id, sizeof id, "%s/%" PRIu64, broadcast->instance, broadcast->sent + 1);
    broker_properties_clear(properties);
    broker_properties_set(properties, BROKER_TYPE, broker_text("insult"));
    broker_properties_set(properties, BROKER_MESSAGE_ID, broker_text(id));
    broker_properties_set(properties, BROKER_CONTENT_TYPE, broker_text("text/plain"));
    broker_properties_set_timestamp(properties, (uint64_t)(clock_wall_ms() / 1000));
    if (broker_headers_add_int(properties, "winnow-version", version) ||
        broker_headers_add_int(properties, "winnow-severity", entry->severity) ||
        broker_headers_add_text(properties, "winnow-worker", broker_text(broadcast->instance)))
        return error_set(why, ERR_MEMORY, "out of memory");
    return broker_publish(broker, broadcast->topology->insults, broker_text(""), properties,
                          (struct broker_bytes){entry->text, entry->length}, false,
                          &broadcast->sequence, why);
}

/* Claims the turn and sends; an empty list sends nothing. */
static int send_one(struct broadcast *broadcast, struct broker *broker,
                    const struct store_turn *from, bool *lost, struct why *why)
{
    struct store_operation random = {.verb = STORE_RANDOM, .limit = 1};
    struct store_operation *operation = &random;
    struct lines_entry entry;
    size_t at = 0;
    bool claimed = false;
    int error = store_apply(broadcast->store, &operation, 1, why);

    bool any = !error && lines_next(&random.found, &at, &entry);
    if (any)
        error = store_swap_turn(broadcast->store, from, &broadcast->claim, &claimed, why);
    if (claimed) {
        error = publish(broadcast, broker, random.version, &entry, why);
        *lost = error && error != -ERR_MEMORY;
    }
    store_clear_operation(&random);
    return error;
}

int broadcast_step(struct broadcast *broadcast, struct broker *broker,
                   const struct store_state *state, int64_t *wait_ns, bool *lost, struct why *why)
{
    *lost = false;
    *wait_ns = INT64_MAX;
    if (broadcast->sequence ||
        !turn_claim(state, broadcast->instance, broadcast->every_ns, &broadcast->claim, wait_ns))
        return 0;
    return send_one(broadcast, broker, &state->turn, lost, why);
}

int broadcast_settled(struct broadcast *broadcast, const struct broker_event *event, bool taken,
                      struct why *why)
{
    bool own = broadcast->sequence && (event->multiple ? broadcast->sequence <= event->tag
                                                       : broadcast->sequence == event->tag);
    bool swapped;

    if (!own)
        return 0;
    broadcast->sequence = 0;
    if (!taken)
        return 0;
    broadcast->sent++;
    log_event(LOG_DEBUG, "broadcast", "exchange=%s", broadcast->topology->insults);
    struct store_turn next = turn_sent(&broadcast->claim, broadcast->every_ns);
    return store_swap_turn(broadcast->store, &broadcast->claim, &next, &swapped, why);
}

void broadcast_forget(struct broadcast *broadcast)
{
    broadcast->sequence = 0;
}

void broadcast_give_up(struct broadcast *broadcast)
{
    struct store_state state;
    bool swapped;

    if (store_look(broadcast->store, &state, NULL) || !turn_is_of(&state.turn, broadcast->instance))
        return;
    struct store_turn next = turn_give_up(&state.turn);
    store_swap_turn(broadcast->store, &state.turn, &next, &swapped, NULL);
}
