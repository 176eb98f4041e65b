#include "internal.h"

#include <ctype.h>
#include <stdlib.h>

/* The likely reason why a URL cannot be parsed; it quotes nothing, as there may be a password
 * anywhere. */
static const char *mistake(const char *text)
{
    if (strncmp(text, "amqp://", 7) != 0 && strncmp(text, "amqps://", 8) != 0)
        return "it does not begin with amqp:// or amqps://";

    const char *authority = strstr(text, "://") + 3;
    const char *at = strrchr(authority, '@');
    size_t user_length = at ? (size_t)(at - authority) : 0;
    if (memchr(authority, '@', user_length) || memchr(authority, '/', user_length))
        return "in a user name or password, @ : / are written %40 %3A %2F";

    const char *host = at ? at + 1 : authority;
    const char *port = host + strcspn(host, ":/");
    size_t port_length = *port == ':' ? strcspn(port + 1, "/") : 0;
    if (*port == ':' && (strspn(port + 1, "0123456789") != port_length || atol(port + 1) < 1 ||
                         atol(port + 1) > 65535))
        return "its port is not a number from 1 to 65535";
    for (const char *percent = text; (percent = strchr(percent, '%')); percent++)
        if (!isxdigit((unsigned char)percent[1]) || !isxdigit((unsigned char)percent[2]))
            return "a % is not followed by two hexadecimal digits";
    const char *vhost = strchr(host, '/');
    if (vhost && strchr(vhost + 1, '/'))
        return "in the name of a virtual host, / is written %2F";
    return "its parts are not those that are expected";
}

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

    /* To be wiped later, when the parser has put NULs between the texts. */
    url->buffer_length = strlen(text);

    struct amqp_connection_info info;
    amqp_default_connection_info(&info);
    if (amqp_parse_url(url->buffer, &info) != AMQP_STATUS_OK || !info.host[0] || info.port == 0) {
        broker_url_clear(url);
        return error_set(why, ERR_INVALID, "malformed AMQP URL: %s; expected %s", mistake(text),
                         BROKER_URL_FORM);
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
