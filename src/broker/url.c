/* AMQP URLs, as RFC 3986 reads them: any byte may be percent-encoded, in every part. Several are
 * separated by commas. */
#include "internal.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#define VHOST_MAX_BYTES 255

/* What may be wrong. Nothing of the URL is quoted, as there may be a password anywhere in it. */
#define BAD_SCHEME "it does not begin with amqp:// or amqps://"
#define BAD_QUERY                                                                                  \
    "it has a query part (?...), which is not supported; as a letter, ? is written %3F"
#define BAD_LETTER  "in a user name or password, @ : / # [ ] are written %40 %3A %2F %23 %5B %5D"
#define BAD_CONTROL "a control character or a line's end is in it; is it one line?"
#define BAD_PERCENT "a % is not followed by two hexadecimal digits"
#define BAD_NUL     "no name can have the byte that is written %00"
#define BAD_COMMA                                                                                  \
    "between two URLs there is one comma, and no blank; each begins with amqp:// or amqps://"
#define BAD_PORT   "its port is not a number from 1 to 65535"
#define BAD_HOST   "its host is not a name, nor an address; an IPv6 one is written [2001:db8::1]"
#define BAD_VHOST  "in the name of a virtual host, / is written %2F"
#define LONG_VHOST "the name of its virtual host has more than 255 bytes"

/* Ends the text at the first of the delimiters. Returns what follows it, or NULL: there is none. */
static char *cut(char *text, const char *delimiters)
{
    char *at = strpbrk(text, delimiters);

    if (!at)
        return NULL;
    *at = '\0';
    return at + 1;
}

static unsigned hex_digit(char digit)
{
    return isdigit((unsigned char)digit) ? (unsigned)(digit - '0')
                                         : (unsigned)(tolower((unsigned char)digit) - 'a' + 10);
}

/* Each of these returns NULL, or what is wrong. */

/* Decodes a part, in place; it may be NULL. */
static const char *decode(char *text)
{
    char *to = text;

    for (char *from = text; from && *from; from++) {
        if (*from != '%') {
            *to++ = *from;
            continue;
        }
        if (!isxdigit((unsigned char)from[1]) || !isxdigit((unsigned char)from[2]))
            return BAD_PERCENT;
        *to = (char)(hex_digit(from[1]) << 4 | hex_digit(from[2]));
        if (!*to++)
            return BAD_NUL;
        from += 2;
    }
    if (to)
        *to = '\0';
    return NULL;
}

static const char *read_port(struct broker_url *url, const char *text)
{
    char *end;

    if (!text)
        return NULL;
    long port = strtol(text, &end, 10);
    if (!isdigit((unsigned char)text[0]) || *end || port < 1 || port > 65535)
        return BAD_PORT;
    url->port = (int)port;
    return NULL;
}

/* An address in brackets, which may have a zone: fe80::1%eth0, where % is written %25. */
static const char *read_literal(struct broker_url *url, char *text)
{
    struct in6_addr address;
    char plain[INET6_ADDRSTRLEN];
    char *port = cut(text, "]");

    if (!port || (*port && *port != ':'))
        return BAD_HOST;
    const char *mistake = decode(text);
    if (mistake)
        return mistake;
    snprintf(plain, sizeof plain, "%.*s", (int)strcspn(text, "%"), text);
    if (strcspn(text, "%") >= sizeof plain || inet_pton(AF_INET6, plain, &address) != 1)
        return BAD_HOST;
    url->host = text;
    return read_port(url, *port ? port + 1 : NULL);
}

static const char *read_host(struct broker_url *url, char *text)
{
    if (strchr(text, ','))
        return BAD_COMMA;
    if (text[0] == '[')
        return read_literal(url, text + 1);

    char *port = cut(text, ":");
    const char *mistake = decode(text);
    if (mistake)
        return mistake;
    if (strpbrk(text, ":/@[], "))
        return BAD_HOST;
    if (text[0])
        url->host = text;
    return read_port(url, port);
}

static const char *read_user(struct broker_url *url, char *text)
{
    if (strpbrk(text, "@[]"))
        return BAD_LETTER;
    char *password = cut(text, ":");
    const char *mistake = decode(text);

    url->user = text;
    if (password)
        url->password = password;
    return mistake ? mistake : decode(password);
}

static const char *read_vhost(struct broker_url *url, char *text)
{
    /* Somebody's password has a slash in it, rather than a virtual host an @. */
    if (strchr(text, '@'))
        return BAD_LETTER;
    if (strpbrk(text, "/[]"))
        return BAD_VHOST;
    url->vhost = text;
    const char *mistake = decode(text);
    return !mistake && strlen(text) > VHOST_MAX_BYTES ? LONG_VHOST : mistake;
}

/* Cuts the buffer up into its parts. */
static const char *read_parts(struct broker_url *url)
{
    char *rest = url->buffer;

    url->tls = strncmp(rest, "amqps://", 8) == 0;
    if (!url->tls && strncmp(rest, "amqp://", 7) != 0)
        return BAD_SCHEME;
    url->port = url->tls ? 5671 : 5672;
    rest += url->tls ? 8 : 7;
    for (const char *at = rest; *at; at++)
        if (iscntrl((unsigned char)*at))
            return BAD_CONTROL;
    if (strchr(rest, '?'))
        return BAD_QUERY;
    if (strchr(rest, '#'))
        return BAD_LETTER;
    if (strstr(rest, "amqp://") || strstr(rest, "amqps://"))
        return BAD_COMMA;

    char *vhost = cut(rest, "/");
    const char *mistake = vhost ? read_vhost(url, vhost) : NULL;
    char *at = strrchr(rest, '@');
    char *host = at ? at + 1 : rest;
    if (at) {
        *at = '\0';
        mistake = mistake ? mistake : read_user(url, rest);
    }
    return mistake ? mistake : read_host(url, host);
}

/* The comma behind a URL, or the end of the text. A comma that no URL follows is a letter of this
 * one, of a password for example. */
static const char *end_of(const char *text)
{
    for (const char *comma = text; (comma = strchr(comma, ',')); comma++)
        if (strncmp(comma + 1, "amqp://", 7) == 0 || strncmp(comma + 1, "amqps://", 8) == 0)
            return comma;
    return text + strlen(text);
}

size_t broker_url_count(const char *text)
{
    size_t count = 1;

    while (*(text = end_of(text))) {
        text++;
        count++;
    }
    return count;
}

int broker_url_parse(const char *text, size_t turn, struct broker_url *url, struct why *why)
{
    for (turn %= broker_url_count(text); turn > 0; turn--)
        text = end_of(text) + 1;
    size_t length = (size_t)(end_of(text) - text);

    *url = (struct broker_url){.buffer = strndup(text, length),
                               .buffer_length = length,
                               .user = "guest",
                               .password = "guest",
                               .host = "localhost",
                               .vhost = "/"};
    if (!url->buffer)
        return error_set(why, ERR_MEMORY, "out of memory");

    const char *mistake = read_parts(url);
    if (!mistake)
        return 0;
    broker_url_clear(url);
    return error_set(why, ERR_INVALID, "malformed AMQP URL: %s; expected %s", mistake,
                     BROKER_URL_FORM);
}

void broker_url_clear(struct broker_url *url)
{
    if (url->buffer)
        explicit_bzero(url->buffer, url->buffer_length);
    free(url->buffer);
    *url = (struct broker_url){0};
}

void broker_url_where(const struct broker_url *url, char where[BROKER_WHERE_SIZE])
{
    bool literal = strchr(url->host, ':') != NULL;

    snprintf(where, BROKER_WHERE_SIZE, literal ? "[%s]:%d" : "%s:%d", url->host, url->port);
}

/* In another virtual host the farm would be another. */
static int check_one(const char *text, size_t turn, struct why *why)
{
    struct broker_url first = {0}, url;
    struct why ignored;
    int error = broker_url_parse(text, turn, &url, why);

    if (!error && !broker_url_parse(text, 0, &first, &ignored) &&
        strcmp(url.vhost, first.vhost) != 0)
        error = error_set(why, ERR_INVALID, "it names another virtual host than the first");
    broker_url_clear(&first);
    broker_url_clear(&url);
    return error;
}

int broker_check_url(const char *text, struct why *why)
{
    size_t count = broker_url_count(text);
    int error = 0;

    for (size_t turn = 0; turn < count && !error; turn++) {
        error = check_one(text, turn, why);
        if (error && count > 1)
            error_prefix(why, "URL %zu of %zu", turn + 1, count);
    }
    return error;
}

static bool same_host(const char *a, size_t turn_a, const char *b, size_t turn_b)
{
    struct broker_url one, other;
    struct why why;
    bool same = false;

    int error = broker_url_parse(a, turn_a, &one, &why);
    if (!broker_url_parse(b, turn_b, &other, &why))
        same = !error && strcmp(one.host, other.host) == 0 && one.port == other.port &&
               strcmp(one.vhost, other.vhost) == 0;
    broker_url_clear(&one);
    broker_url_clear(&other);
    return same;
}

bool broker_same_host(const char *a, const char *b)
{
    size_t count_a = broker_url_count(a), count_b = broker_url_count(b);

    for (size_t turn = 0; turn < count_a * count_b; turn++)
        if (same_host(a, turn / count_b, b, turn % count_b))
            return true;
    return false;
}
