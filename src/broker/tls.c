#include "internal.h"

#include <amqp_ssl_socket.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <unistd.h>

/* Debian's bundle; --tls-ca names another. */
#define SYSTEM_CA_FILE "/etc/ssl/certs/ca-certificates.crt"

static int readable(const char *what, const char *path, struct why *why)
{
    if (faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) == 0)
        return 0;
    return error_set(why, ERR_CONFIG, "cannot read the TLS %s '%s': %s", what, path,
                     strerror(errno));
}

int broker_tls_socket(struct broker *broker, const struct broker_options *options,
                      struct amqp_socket_t_ **socket, struct why *why)
{
    const char *ca_file = options->tls_ca_file ? options->tls_ca_file : SYSTEM_CA_FILE;

    if (readable("certificate authorities", ca_file, why))
        return -ERR_CONFIG;
    if (!options->tls_cert_file != !options->tls_key_file)
        return error_set(why, ERR_CONFIG,
                         "a TLS client certificate needs both --tls-cert and --tls-key");
    if (options->tls_cert_file && (readable("certificate", options->tls_cert_file, why) ||
                                   readable("key", options->tls_key_file, why)))
        return -ERR_CONFIG;

    /* The process may end while a thread of connection.c is inside OpenSSL, which would otherwise
     * free its data at exit. */
    OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL);
    *socket = amqp_ssl_socket_new(broker->amqp);
    if (!*socket)
        return error_set(why, ERR_MEMORY, "cannot create a TLS socket");
    amqp_ssl_socket_set_verify_peer(*socket, 1);
    amqp_ssl_socket_set_verify_hostname(*socket, 1);
    amqp_ssl_socket_set_ssl_versions(*socket, AMQP_TLSv1_2, AMQP_TLSvLATEST);
    if (amqp_ssl_socket_set_cacert(*socket, ca_file) != AMQP_STATUS_OK)
        return error_set(why, ERR_CONFIG, "'%s' holds no certificate authority in PEM form",
                         ca_file);
    if (options->tls_cert_file && amqp_ssl_socket_set_key(*socket, options->tls_cert_file,
                                                          options->tls_key_file) != AMQP_STATUS_OK)
        return error_set(why, ERR_CONFIG,
                         "'%s' and '%s' are not a certificate and its unencrypted key in PEM form",
                         options->tls_cert_file, options->tls_key_file);
    return 0;
}
