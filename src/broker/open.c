/* Opening a connection, up to its channel, and closing it. */
#include "internal.h"

#include "clock.h"
#include "version.h"

#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

/* The broker's own default; larger frames would only delay the frames of others. */
#define FRAME_MAX  131072
#define STEP_NS    (2 * CLOCK_NS_PER_S)
#define ANSWER_NS  (10 * CLOCK_NS_PER_S)
#define GOODBYE_NS (2 * CLOCK_NS_PER_S)

static struct timeval to_timeval(int64_t ns)
{
    return (struct timeval){.tv_sec = ns / CLOCK_NS_PER_S, .tv_usec = ns % CLOCK_NS_PER_S / 1000};
}

static int connect_socket(struct broker *broker, const struct broker_options *options,
                          const struct broker_url *url, struct why *why)
{
    amqp_socket_t *socket;

    if (url->tls) {
        int error = broker_tls_socket(broker, options, url->host, &socket, why);
        if (error)
            return error;
    } else {
        socket = amqp_tcp_socket_new(broker->amqp);
        if (!socket)
            return error_set(why, ERR_MEMORY, "out of memory");
    }

    struct timeval timeout = to_timeval(STEP_NS);
    int status = amqp_socket_open_noblock(socket, url->host, url->port, &timeout);
    if (broker->refused_certificate.code)
        return broker_tls_fail_certificate(broker, why);
    switch (status) {
    case AMQP_STATUS_OK:
        return 0;
    case AMQP_STATUS_HOSTNAME_RESOLUTION_FAILED:
        return error_set(why, ERR_UNAVAILABLE, "no address is known for the broker's host '%s'",
                         url->host);
    case AMQP_STATUS_TIMEOUT:
        return error_set(why, ERR_UNAVAILABLE, "the broker at %s does not answer", broker->where);
    case AMQP_STATUS_SSL_ERROR:
    case AMQP_STATUS_SSL_CONNECTION_FAILED:
        return error_set(
            why, ERR_UNAVAILABLE,
            "no TLS connection with %s: %s; is it the broker's TLS port (usually 5671)?",
            broker->where, amqp_error_string2(status));
    default:
        return error_set(why, ERR_UNAVAILABLE,
                         "no broker answers at %s; is it running, and is the address in --amqp or "
                         "$AMQP_URL right?",
                         broker->where);
    }
}

static amqp_table_entry_t entry_text(const char *key, const char *text)
{
    return (amqp_table_entry_t){
        .key = amqp_cstring_bytes(key),
        .value = {.kind = AMQP_FIELD_KIND_UTF8, .value.bytes = amqp_cstring_bytes(text)}};
}

static amqp_table_entry_t entry_true(const char *key)
{
    return (amqp_table_entry_t){.key = amqp_cstring_bytes(key),
                                .value = {.kind = AMQP_FIELD_KIND_BOOLEAN, .value.boolean = 1}};
}

/* The error of the log-in, in the words of somebody who has to set it right. */
static int explain_log_in(struct broker *broker, const struct broker_url *url,
                          amqp_rpc_reply_t reply, struct why *why)
{
    bool library = reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION;
    int error = broker_fail_reply(broker, reply, why);

    /* In TLS 1.3 the broker reads our certificate only after the connection is there. */
    if (library && reply.library_error == AMQP_STATUS_SSL_ERROR)
        return error_set(why, ERR_UNAVAILABLE,
                         "%s ended the TLS connection; does it want a certificate that it trusts "
                         "(--tls-cert, --tls-key)?",
                         broker->where);
    /* A broker that is still starting up resets connections in the middle of the log-in, too. */
    if (library && error == -ERR_UNAVAILABLE && reply.library_error != AMQP_STATUS_TIMEOUT &&
        !url->tls)
        return error_set(why, ERR_UNAVAILABLE,
                         "no log-in to the broker at %s: %s; is it still starting, or is this its "
                         "TLS port (amqps://)?",
                         broker->where, amqp_error_string2(reply.library_error));
    if (error != -ERR_REFUSED || why->about == ABOUT_LIMIT)
        return error;
    if (url->vhost[0] == '\0')
        return error_set(
            why, ERR_REFUSED,
            "the broker at %s has no virtual host with an empty name, which is what a URL "
            "that ends with a slash asks for; leave the slash out for the default one",
            broker->where);
    error_prefix(why, "user '%s', with the password given, may not use virtual host '%s'",
                 url->user, url->vhost);
    return error;
}

static int log_in(struct broker *broker, const struct broker_options *options,
                  const struct broker_url *url, struct why *why)
{
    amqp_table_entry_t capabilities[] = {entry_true("consumer_cancel_notify"),
                                         entry_true("connection.blocked"),
                                         entry_true("publisher_confirms"), entry_true("basic.nack"),
                                         entry_true("authentication_failure_close")};
    amqp_table_entry_t properties[] = {
        entry_text("product", "Winnow"),
        entry_text("version", WINNOW_VERSION),
        entry_text("connection_name", options->name ? options->name : "winnow"),
        {.key = amqp_cstring_bytes("capabilities"),
         .value = {.kind = AMQP_FIELD_KIND_TABLE,
                   .value.table = {sizeof capabilities / sizeof capabilities[0], capabilities}}}};
    amqp_table_t table = {sizeof properties / sizeof properties[0], properties};
    struct timeval timeout = to_timeval(STEP_NS);
    int heartbeat_s = options->heartbeat_s ? options->heartbeat_s : BROKER_HEARTBEAT_S;

    amqp_set_handshake_timeout(broker->amqp, &timeout);
    amqp_rpc_reply_t reply =
        amqp_login_with_properties(broker->amqp, url->vhost, 0, FRAME_MAX, heartbeat_s, &table,
                                   AMQP_SASL_METHOD_PLAIN, url->user, url->password);
    return explain_log_in(broker, url, reply, why);
}

static int open_one(const struct broker_options *options, size_t turn, struct broker **out,
                    struct why *why)
{
    struct broker_url url;
    int error = broker_url_parse(options->url, turn, &url, why);
    if (error)
        return error;

    struct broker *broker = calloc(1, sizeof *broker);
    if (broker)
        broker->amqp = amqp_new_connection();
    if (!broker || !broker->amqp) {
        error = error_set(why, ERR_MEMORY, "out of memory");
        goto out;
    }
    broker_url_where(&url, broker->where);
    snprintf(broker->vhost, sizeof broker->vhost, "%s", url.vhost);

    error = connect_socket(broker, options, &url, why);
    if (error)
        goto out;
    error = log_in(broker, options, &url, why);
    if (error)
        goto out;

    struct timeval answer = to_timeval(ANSWER_NS);
    amqp_set_rpc_timeout(broker->amqp, &answer);
    amqp_channel_open(broker->amqp, BROKER_CHANNEL);
    error = broker_fail_reply(broker, amqp_get_rpc_reply(broker->amqp), why);
    if (error)
        goto out;

    broker->frame_max = (size_t)amqp_get_frame_max(broker->amqp);
    broker->heartbeat_ns = (int64_t)amqp_get_heartbeat(broker->amqp) * CLOCK_NS_PER_S;
    broker->tls = url.tls;
    error = broker_tune(broker, why);
    if (error)
        goto out;
    broker->opened = true;
    *out = broker;
    broker = NULL;

out:
    broker_url_clear(&url);
    broker_close(broker);
    return error;
}

/* Different for most hosts, the same for all programs of one. */
static size_t host_number(void)
{
    char host[65] = "";
    uint32_t hash = 2166136261; /* FNV-1a */

    gethostname(host, sizeof host - 1);
    for (const char *at = host; *at; at++)
        hash = (hash ^ (unsigned char)*at) * 16777619;
    return hash;
}

int broker_open(const struct broker_options *options, struct broker **out, struct why *why)
{
    size_t count = broker_url_count(options->url);
    size_t first = host_number() % count + options->turn % count;
    int error = 0;

    for (size_t i = 0; i < count; i++) {
        struct why here;
        int failed = open_one(options, first + i, out, &here);
        if (!failed) {
            (*out)->turn = options->turn + i;
            return 0;
        }
        if (!error || error == -ERR_UNAVAILABLE) {
            error = failed;
            *why = here;
        }
    }
    if (count > 1 && error == -ERR_UNAVAILABLE)
        error_prefix(why, "none of %zu brokers can be used, the last because", count);
    return error;
}

void broker_drop(struct broker *broker)
{
    if (!broker)
        return;
    amqp_destroy_connection(broker->amqp);
    free(broker->incoming.saved);
    free(broker->incoming.body);
    free(broker->outgoing.bytes);
    free(broker);
}

void broker_close(struct broker *broker)
{
    struct why why;

    /* Blocked, the broker would not read the goodbye. */
    if (broker && broker->opened && !broker->end && !broker->blocked &&
        broker_flush_all(broker, clock_now_ns() + GOODBYE_NS, &why) == 0) {
        struct timeval goodbye = to_timeval(GOODBYE_NS);
        amqp_set_rpc_timeout(broker->amqp, &goodbye);
        amqp_connection_close(broker->amqp, AMQP_REPLY_SUCCESS);
    }
    broker_drop(broker);
}

void broker_client_name(const char *farm, const char *program, char name[BROKER_NAME_SIZE])
{
    char host[65] = "";

    gethostname(host, sizeof host - 1);
    snprintf(name, BROKER_NAME_SIZE, "%s/%s/%s/%d", farm, program, host, (int)getpid());
}
