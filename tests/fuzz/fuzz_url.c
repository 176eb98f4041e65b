/* AMQP URLs: what is accepted means what was written, and what rabbitmq-c takes it to mean;
 * no refusal tells a password. */
#include "broker/broker.h"
#include "broker/internal.h"
#include "fuzz.h"

#include <ctype.h>

/* Escapes whatever is neither a letter nor a digit. */
static void append_escaped(char *url, size_t *length, const char *text)
{
    for (const unsigned char *at = (const unsigned char *)text; *at; at++)
        *length +=
            (size_t)sprintf(url + *length, isascii(*at) && isalnum(*at) ? "%c" : "%%%02X", *at);
}

static void check_accepted(const char *text)
{
    struct broker_url url, again;
    struct why why = {0};

    CLAIM(broker_url_parse(text, 0, &url, &why) == 0);
    CLAIM(url.host[0] != '\0');
    CLAIM(url.port > 0 && url.port <= 65535);

    char *written = malloc(3 * strlen(text) + 200);
    CLAIM(written != NULL);
    size_t length = (size_t)sprintf(written, "amqp%s://", url.tls ? "s" : "");
    append_escaped(written, &length, url.user);
    written[length++] = ':';
    append_escaped(written, &length, url.password);
    written[length++] = '@';
    bool literal = strchr(url.host, ':') != NULL;
    length += (size_t)sprintf(written + length, "%s", literal ? "[" : "");
    append_escaped(written, &length, url.host);
    length += (size_t)sprintf(written + length, "%s", literal ? "]" : "");
    length += (size_t)sprintf(written + length, ":%d/", url.port);
    append_escaped(written, &length, url.vhost);
    written[length] = '\0';

    CLAIM(broker_url_parse(written, 0, &again, &why) == 0);
    CLAIM(strcmp(again.user, url.user) == 0);
    CLAIM(strcmp(again.password, url.password) == 0);
    CLAIM(strcmp(again.host, url.host) == 0);
    CLAIM(strcmp(again.vhost, url.vhost) == 0);
    CLAIM(again.port == url.port && again.tls == url.tls);
    free(written);
    broker_url_clear(&again);
    broker_url_clear(&url);
}

/* Where the two parsers may differ; in all else they must agree. */

/* Ours takes escaped bytes outside ASCII, and a colon in a password or a virtual host. */
static bool may_be_accepted_here_alone(const char *text)
{
    const char *rest = strstr(text, "://") + 3;
    const char *slash = strchr(rest, '/'), *colon = strchr(rest, ':');

    for (const char *at = text; (at = strchr(at, '%')); at++)
        if (strchr("89abcdefABCDEF", at[1]))
            return true;
    return colon && (strchr(colon + 1, ':') || (slash && colon > slash));
}

/* The library lets scanf and strtol read escapes and ports, takes port 0, an escaped NUL, a control
 * character, anything in brackets, and a virtual host of any length. */
static bool may_be_refused_here_alone(const char *text, const struct why *why)
{
    static const char *const mistakes[] = {"two hexadecimal digits",
                                           "%00",
                                           "its port",
                                           "control character",
                                           "its host",
                                           "255 bytes",
                                           "one comma"};

    for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++)
        if (strstr(why->text, mistakes[i]))
            return true;
    return strchr(text, '[') && strstr(why->text, "in a user name");
}

static void compare(const char *text)
{
    struct amqp_connection_info theirs;
    struct broker_url ours;
    struct why why = {0};

    if (broker_url_count(text) > 1) /* the library knows one alone */
        return;
    char *copy = fuzz_text(text, strlen(text));
    amqp_default_connection_info(&theirs);
    bool accepted_there = amqp_parse_url(copy, &theirs) == AMQP_STATUS_OK;
    if (broker_url_parse(text, 0, &ours, &why)) {
        CLAIM(!accepted_there || may_be_refused_here_alone(text, &why));
    } else if (!accepted_there) {
        CLAIM(may_be_accepted_here_alone(text));
    } else {
        CLAIM(strcmp(ours.user, theirs.user) == 0);
        CLAIM(strcmp(ours.password, theirs.password) == 0);
        CLAIM(strcmp(ours.host, theirs.host) == 0);
        CLAIM(strcmp(ours.vhost, theirs.vhost) == 0);
        CLAIM(ours.port == theirs.port && ours.tls == !!theirs.ssl);
    }
    broker_url_clear(&ours);
    free(copy);
}

/* True when a refusal that knows nothing of the text says it too. */
static bool is_said_anyway(const char *text)
{
    static const char *const malformed[] = {
        "x",           "amqp://h?q",  "amqp://h:0", "amqp://a@b@h", "amqp://h/%z", "amqp://h/a/b",
        "amqp://h/\n", "amqp://%00h", "amqp://[h]"};
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
    compare(text);
    free(text);
    return 0;
}
