#include "redis_link.h"

#include "redis_script.h"
#include "store.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATIENCE_S       ((int)(STORE_PATIENCE_NS / 1000000000))
#define LARGE_PATIENCE_S (3 * PATIENCE_S)

#define URL_PREFIX   "redis://"
#define DEFAULT_PORT 6379

/* In the environment, as an argument can be read by everybody. */
#define PASSWORD_VARIABLE "WINNOW_REDIS_PASSWORD"

static struct redis_text text_of(const char *text)
{
    return (struct redis_text){text, strlen(text)};
}

int redis_link_init(struct redis_link *link, const char *url, bool relaxed, struct why *why)
{
    char behind, after;
    const char *place = url + strlen(URL_PREFIX);

    *link = (struct redis_link){.name = strdup(url), .port = DEFAULT_PORT, .relaxed = relaxed};
    if (!link->name)
        return error_set(why, ERR_MEMORY, "out of memory");
    size_t length = strcspn(place, ":/@");
    const char *rest = place + length;
    int taken = sscanf(rest, ":%5d%c", &link->port, &behind);
    if (taken >= 1)
        rest += 1 + strspn(rest + 1, "0123456789");
    bool whole =
        !*rest || strcmp(rest, "/") == 0 || sscanf(rest, "/%5d%c", &link->database, &after) == 1;
    if (!length || length >= sizeof link->host || !whole || link->port < 1 ||
        link->port > UINT16_MAX || link->database < 0)
        return error_set(why, ERR_INVALID, "--store: '%s' is not a Redis; expected %sHOST:PORT/DB",
                         url, URL_PREFIX);
    memcpy(link->host, place, length);
    return 0;
}

static void disconnect(struct redis_link *link)
{
    redisFree(link->context);
    link->context = NULL;
}

void redis_link_close(struct redis_link *link)
{
    disconnect(link);
    free(link->name);
    link->name = NULL;
}

/* ---- commands ---- */

int redis_link_send(struct redis_link *link, const struct redis_text *words, size_t count,
                    struct why *why)
{
    const char **bytes = calloc(count, sizeof *bytes);
    size_t *lengths = calloc(count, sizeof *lengths);
    int failed = !bytes || !lengths;

    for (size_t i = 0; !failed && i < count; i++) {
        bytes[i] = words[i].bytes ? words[i].bytes : "";
        lengths[i] = words[i].length;
    }
    if (!failed)
        failed = redisAppendCommandArgv(link->context, (int)count, bytes, lengths) != REDIS_OK;
    free(bytes);
    free(lengths);
    return failed ? error_set(why, ERR_MEMORY, "out of memory") : 0;
}

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* What Redis answers with instead of doing it begins with a word that says why. */
static int refusal(const struct redis_link *link, const char *text, struct why *why)
{
    static const char own[] = "WINNOW ";

    if (begins(text, own))
        return error_set(why, ERR_CONFIG, "%s: %s", link->name, text + strlen(own));
    if (begins(text, "LOADING") || begins(text, "BUSY"))
        return error_set(why, ERR_LOCKED, "%s: %s", link->name, text);
    return error_set(why, ERR_SYSTEM, "%s: %s", link->name, text);
}

static int lose(struct redis_link *link, const char *reason, struct why *why)
{
    int error = error_set(why, ERR_UNAVAILABLE, "%s: %s", link->name, reason);

    disconnect(link);
    return error;
}

static int give_up(struct redis_link *link, struct why *why)
{
    int error =
        error_set(why, ERR_LOCKED, "%s: gave no answer within %d s", link->name, link->patience_s);

    disconnect(link);
    return error;
}

int redis_link_take(struct redis_link *link, redisReply **reply, struct why *why)
{
    void *got = NULL;

    errno = 0;
    if (redisGetReply(link->context, &got) != REDIS_OK || !got)
        return link->context->err == REDIS_ERR_IO && errno == EAGAIN
                   ? give_up(link, why)
                   : lose(link, link->context->errstr, why);
    *reply = got;
    if ((*reply)->type != REDIS_REPLY_ERROR)
        return 0;
    const char *text = (*reply)->str;
    int error = begins(text, "NOSCRIPT") ? lose(link, text, why) : refusal(link, text, why);
    redis_link_free(*reply);
    *reply = NULL;
    return error;
}

void redis_link_free(redisReply *reply)
{
    freeReplyObject(reply);
}

void redis_link_be_patient(struct redis_link *link, bool is_large)
{
    link->patience_s = is_large ? LARGE_PATIENCE_S : PATIENCE_S;
    redisSetTimeout(link->context, (struct timeval){.tv_sec = link->patience_s});
}

/* ---- connecting ---- */

static int ask(struct redis_link *link, const struct redis_text *words, size_t count,
               redisReply **reply, struct why *why)
{
    int error = redis_link_send(link, words, count, why);

    return error ? error : redis_link_take(link, reply, why);
}

static int order(struct redis_link *link, const char *command, const char *argument,
                 struct why *why)
{
    const struct redis_text words[] = {text_of(command), text_of(argument)};
    redisReply *reply = NULL;
    int error = ask(link, words, 2, &reply, why);

    redis_link_free(reply);
    return error;
}

/* A setting of Redis has this value. */
static int check_setting(struct redis_link *link, const char *name, const char *value,
                         struct why *why)
{
    const struct redis_text words[] = {text_of("CONFIG"), text_of("GET"), text_of(name)};
    redisReply *reply = NULL;
    int error = ask(link, words, 3, &reply, why);

    bool is_so = !error && reply && reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 &&
                 reply->element[1]->type == REDIS_REPLY_STRING &&
                 strcmp(reply->element[1]->str, value) == 0;
    redis_link_free(reply);
    if (error == -ERR_SYSTEM || (!error && !is_so))
        error = error_set(why, ERR_CONFIG,
                          "%s: may lose what it has answered; expected '%s %s' in its "
                          "configuration, or --redis-relaxed",
                          link->name, name, value);
    return error;
}

/* A script that Redis knows is run by its name, which is shorter than the script. */
static int load_script(struct redis_link *link, struct why *why)
{
    const struct redis_text words[] = {text_of("SCRIPT"), text_of("LOAD"), text_of(redis_script)};
    redisReply *reply = NULL;
    int error = ask(link, words, 3, &reply, why);

    if (!error &&
        (!reply || reply->type != REDIS_REPLY_STRING || reply->len != sizeof link->script))
        error = error_set(why, ERR_CONFIG, "%s: takes no scripts", link->name);
    else if (!error)
        memcpy(link->script, reply->str, sizeof link->script);
    redis_link_free(reply);
    return error;
}

static int set_up(struct redis_link *link, struct why *why)
{
    const char *password = getenv(PASSWORD_VARIABLE);
    char database[16];
    int error = password && *password ? order(link, "AUTH", password, why) : 0;

    snprintf(database, sizeof database, "%d", link->database);
    if (!error)
        error = order(link, "SELECT", database, why);
    if (!error && !link->relaxed)
        error = check_setting(link, "appendonly", "yes", why);
    if (!error && !link->relaxed)
        error = check_setting(link, "appendfsync", "always", why);
    return error ? error : load_script(link, why);
}

int redis_link_connect(struct redis_link *link, struct why *why)
{
    const struct timeval patience = {.tv_sec = PATIENCE_S};

    if (link->context)
        return 0;
    link->context = redisConnectWithTimeout(link->host, link->port, patience);
    if (!link->context)
        return error_set(why, ERR_MEMORY, "out of memory");
    int error = link->context->err
                    ? error_set(why, ERR_UNAVAILABLE, "%s: %s", link->name, link->context->errstr)
                    : 0;
    if (!error)
        redis_link_be_patient(link, false);
    if (!error)
        error = set_up(link, why);
    if (error)
        disconnect(link);
    return error;
}
