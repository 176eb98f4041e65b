/* url.c - AMQP URLs: what is accepted means what was written, and no refusal tells a password. */
#include "broker/broker.h"
#include "broker/internal.h"
#include "fuzz.h"

#include <ctype.h>

/* Escapes whatever is neither a letter nor a digit. Bytes outside ASCII stay: the library does not
 * take them escaped. */
static void append_escaped(char *url, size_t *length, const char *text)
{
    for (; *text; text++)
        *length += (size_t)sprintf(url + *length,
                                   isascii(*text) && !isalnum(*text) ? "%%%02X" : "%c", *text);
}

static void check_accepted(const char *text)
{
    struct broker_url url, again;
    struct why why = {0};

    CLAIM(broker_url_parse(text, &url, &why) == 0);
    CLAIM(url.host[0] != '\0');
    CLAIM(url.port > 0 && url.port <= 65535);

    char *written = malloc(3 * strlen(text) + 200);
    CLAIM(written != NULL);
    size_t length = (size_t)sprintf(written, "amqp%s://", url.tls ? "s" : "");
    append_escaped(written, &length, url.user);
    written[length++] = ':';
    append_escaped(written, &length, url.password);
    written[length++] = '@';
    append_escaped(written, &length, url.host);
    length += (size_t)sprintf(written + length, ":%d/", url.port);
    append_escaped(written, &length, url.vhost);
    written[length] = '\0';

    CLAIM(broker_url_parse(written, &again, &why) == 0);
    CLAIM(strcmp(again.user, url.user) == 0);
    CLAIM(strcmp(again.password, url.password) == 0);
    CLAIM(strcmp(again.host, url.host) == 0);
    CLAIM(strcmp(again.vhost, url.vhost) == 0);
    CLAIM(again.port == url.port && again.tls == url.tls);
    free(written);
    broker_url_clear(&again);
    broker_url_clear(&url);
}

/* True when a refusal that knows nothing of the text says it too. */
static bool is_said_anyway(const char *text)
{
    static const char *const malformed[] = {
        "x", "amqp://h?q", "amqp://h:0", "amqp://a@b@h", "amqp://h/%z", "amqp://h/a/b", "amqp://"};
    struct why why = {0};

    for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++) {
        CLAIM(broker_check_url(malformed[i], &why) == -ERR_INVALID);
        if (strstr(why.text, text))
            return true;
    }
    return false;
}

static void check_refused(const char *text, const struct why *why)
{
    const char *start = strstr(text, "://");
    const char *colon = start ? strchr(start + 3, ':') : NULL;
    const char *end = colon ? strchr(colon, '@') : NULL;

    if (!end || end - colon < 5)
        return;
    char *password = fuzz_text(colon + 1, (size_t)(end - colon - 1));
    CLAIM(!strstr(why->text, password) || is_said_anyway(password));
    free(password);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size);
    struct why why = {0};
    int error = broker_check_url(text, &why);

    if (error) {
        fuzz_claim_refusal(error, &why, NULL);
        check_refused(text, &why);
    } else {
        check_accepted(text);
    }
    free(text);
    return 0;
}
