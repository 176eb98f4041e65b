/* Fuzz target: broker/failure.c, which reads RabbitMQ's reason for closing a channel. The first
 * byte of an input chooses the code, the second tells the length of the virtual host's name, which
 * follows. The rest is taken for the reason and then, once more, for the name of a missing
 * queue. */
#include "fuzz.h"

#include "broker/internal.h"

static const uint16_t codes[] = {AMQP_NOT_FOUND,      AMQP_PRECONDITION_FAILED,
                                 AMQP_NOT_ALLOWED,    AMQP_RESOURCE_LOCKED,
                                 AMQP_ACCESS_REFUSED, AMQP_CONNECTION_FORCED};

/* A text of the protocol is 255 bytes at most. */
static int close_with(struct broker *broker, uint16_t code, const char *text, size_t length,
                      struct why *why)
{
    char *exact = malloc(length ? length : 1);
    amqp_channel_close_t close = {.reply_code = code,
                                  .reply_text = {.len = length, .bytes = exact}};

    CLAIM(exact != NULL && length <= 255);
    memcpy(exact, text, length);
    int error = broker_fail_closed(
        broker, (amqp_method_t){.id = AMQP_CHANNEL_CLOSE_METHOD, .decoded = &close}, why);
    free(exact);
    return error;
}

static void check_any(struct broker *broker, uint16_t code, const char *text, size_t length)
{
    struct why why;
    int error = close_with(broker, code, text, length < 255 ? length : 255, &why);

    CLAIM(error < 0);
    CLAIM(why.about != ABOUT_LIMIT || error == -ERR_REFUSED);
    CLAIM(why.about != ABOUT_LIMIT || why.name[0]);
    CLAIM(why.about != ABOUT_NOTHING || !why.name[0]);
}

static void check_name(struct broker *broker, const char *name, size_t length)
{
    char text[1024], bytes[1024];
    struct why why;

    if (length > 255 || memchr(name, '\0', length))
        return;
    int head = snprintf(text, sizeof text, "NOT_FOUND - no queue '%.*s", (int)length, name);
    size_t whole = (size_t)(head + snprintf(text + head, sizeof text - (size_t)head,
                                            "' in vhost '%s'", broker->vhost));
    memcpy(bytes, text, whole);
    if (whole > 255)
        memcpy(bytes + 252, "...", 3);
    CLAIM(close_with(broker, AMQP_NOT_FOUND, bytes, whole < 255 ? whole : 255, &why) ==
          -ERR_MISSING);
    CLAIM(why.about == ABOUT_QUEUE);
    if (whole <= 255)
        CLAIM(strlen(why.name) == length && memcmp(why.name, name, length) == 0);
    else
        CLAIM(strlen(why.name) <= length && memcmp(why.name, name, strlen(why.name)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct broker broker = {.where = "host:5672"};

    if (size < 2)
        return 0;
    uint16_t code = codes[data[0] % (sizeof codes / sizeof codes[0])];
    size_t vhost_bytes = data[1] < size - 2 ? data[1] : size - 2;
    memcpy(broker.vhost, data + 2, vhost_bytes);
    const char *rest = (const char *)data + 2 + vhost_bytes;
    check_any(&broker, code, rest, size - 2 - vhost_bytes);
    check_name(&broker, rest, size - 2 - vhost_bytes);
    return 0;
}
