#include "internal.h"

#include "input.h"

#include <amqp_ssl_socket.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <unistd.h>

/* Debian's bundle; --tls-ca names another. */
#define SYSTEM_CA_FILE "/etc/ssl/certs/ca-certificates.crt"

static int readable(const char *what, const char *path, struct why *why)
{
    /* Each connection reads it. */
    if (faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) == 0)
        return input_check_repeatable(path, why);
    return error_set(why, ERR_CONFIG, "cannot read the TLS %s '%s': %s", what, path,
                     strerror(errno));
}

/* ---- the broker's certificate ---- */

/* OpenSSL's words are kept for what is not in this table. */
static const struct {
    int code;
    const char *what;  /* follows "the certificate of HOST:PORT" */
    bool of_authority; /* worth telling when it is that of an authority, not the broker's own */
} refusals[] = {
#define NOT_TRUSTED "is not trusted; name its authority with --tls-ca"
#define OTHER_HOST  "is for another host; use the name or address it was issued for"
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, NOT_TRUSTED, false},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, NOT_TRUSTED, false},
    {X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, NOT_TRUSTED, false},
    {X509_V_ERR_CERT_SIGNATURE_FAILURE, NOT_TRUSTED, false},
    {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, NOT_TRUSTED, false},
    {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, NOT_TRUSTED, false},
    {X509_V_ERR_HOSTNAME_MISMATCH, OTHER_HOST, false},
    {X509_V_ERR_IP_ADDRESS_MISMATCH, OTHER_HOST, false},
    {X509_V_ERR_CERT_HAS_EXPIRED, "has expired; the broker needs a new one", true},
    {X509_V_ERR_CERT_NOT_YET_VALID, "is not valid yet; is this host's clock right?", true},
    {X509_V_ERR_INVALID_PURPOSE, "is not for servers; the broker needs another one", true},
};

/* OpenSSL asks for each certificate of the chain whether it goes on; it stops at the first bad one,
 * of which the library would tell no more than that there is one. */
static int note_refusal(int good, X509_STORE_CTX *chain)
{
    if (!good) {
        const SSL *ssl = X509_STORE_CTX_get_ex_data(chain, SSL_get_ex_data_X509_STORE_CTX_idx());
        struct broker *broker = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
        broker->refused_certificate.code = X509_STORE_CTX_get_error(chain);
        broker->refused_certificate.is_authoritys = X509_STORE_CTX_get_error_depth(chain) > 0;
    }
    return good;
}

/* The library compares names alone, even where the host is an address, and so OpenSSL does it.
 * False when out of memory. */
static bool verify(struct broker *broker, struct amqp_socket_t_ *socket, const char *host)
{
    SSL_CTX *context = amqp_ssl_socket_get_context(socket);
    X509_VERIFY_PARAM *expected = SSL_CTX_get0_param(context);
    char address[INET6_ADDRSTRLEN];

    amqp_ssl_socket_set_verify_peer(socket, 1);
    amqp_ssl_socket_set_verify_hostname(socket, 0);
    SSL_CTX_set_app_data(context, broker);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, note_refusal);
    X509_VERIFY_PARAM_set_hostflags(expected, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    /* In fe80::1%eth0 the zone is this host's own affair. */
    snprintf(address, sizeof address, "%.*s", (int)strcspn(host, "%"), host);
    return X509_VERIFY_PARAM_set1_ip_asc(expected, address) ||
           X509_VERIFY_PARAM_set1_host(expected, host, 0);
}

int broker_tls_fail_certificate(struct broker *broker, struct why *why)
{
    int code = broker->refused_certificate.code;

    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        bool authority = refusals[i].of_authority && broker->refused_certificate.is_authoritys;
        if (refusals[i].code == code)
            return error_set(why, ERR_CONFIG, "the certificate of %s%s %s",
                             authority ? "an authority of " : "", broker->where, refusals[i].what);
    }
    return error_set(why, ERR_CONFIG, "the certificate of %s is refused: %s", broker->where,
                     X509_verify_cert_error_string(code));
}

int broker_tls_socket(struct broker *broker, const struct broker_options *options, const char *host,
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
    if (!*socket || !verify(broker, *socket, host))
        return error_set(why, ERR_MEMORY, "cannot create a TLS socket");
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
