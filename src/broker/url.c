#include "internal.h"

#include <stdlib.h>

int broker_url_parse(const char *text, struct broker_url *url, struct why *why)
{
    *url = (struct broker_url){0};

    /* The parser knows no query part and would say only that the URL is bad. */
    if (strchr(text, '?'))
        return error_set(
            why, ERR_INVALID,
            "the AMQP URL has a query part (?...), which is not supported; expected %s",
            BROKER_URL_FORM);
    url->buffer = strdup(text);
    if (!url->buffer)
        return error_set(why, ERR_MEMORY, "out of memory");

    /* The parser puts NULs between the texts. */
    url->buffer_length = strlen(text);

    struct amqp_connection_info info;
    amqp_default_connection_info(&info);
    if (amqp_parse_url(url->buffer, &info) != AMQP_STATUS_OK || !info.host[0] || info.port == 0) {
        broker_url_clear(url);
        return error_set(why, ERR_INVALID, "malformed AMQP URL; expected %s", BROKER_URL_FORM);
    }
    url->user = info.user;
    url->password = info.password;
    url->host = info.host;
    url->vhost = info.vhost;
    url->port = info.port;
    url->tls = info.ssl;
    return 0;
}

void broker_url_clear(struct broker_url *url)
{
    if (url->buffer)
        explicit_bzero(url->buffer, url->buffer_length);
    free(url->buffer);
    *url = (struct broker_url){0};
}

int broker_check_url(const char *url, struct why *why)
{
    struct broker_url parsed;
    int error = broker_url_parse(url, &parsed, why);

    broker_url_clear(&parsed);
    return error;
}
