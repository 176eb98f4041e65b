#!/usr/bin/python3
# quiet: no claim about time
"""winnow-filter over TLS: the broker's certificate is always verified, and one's own is shown when asked for."""

import os
import re
import subprocess

from client import TOOL, Client
from tap import done_testing, equal, farm, like, ok, spawn


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL).stdout.strip()


BROKER = run(TOOL, "directory")


def authority(name):
    run(
        *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
        *("-days", "2", "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.pem"),
    )
    return os.path.abspath(f"{name}.pem")


def certificate(name, authority_name, usage, alternative):
    """NAME.pem and NAME.key."""
    with open(f"{name}.ext", "w", encoding="ascii") as file:
        file.write(f"extendedKeyUsage={usage}\nsubjectAltName={alternative}\n")
    run(
        *("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
        *("-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr"),
    )
    run(
        *("openssl", "x509", "-req", "-in", f"{name}.csr", "-CA", f"{authority_name}.pem"),
        *("-CAkey", f"{authority_name}.key", "-CAcreateserial", "-days", "2"),
        *("-extfile", f"{name}.ext", "-out", f"{name}.pem"),
    )
    os.chmod(f"{name}.key", 0o644)
    return os.path.abspath(f"{name}.pem"), os.path.abspath(f"{name}.key")


def broker_config(port, own, trusted, asks_clients):
    asks = "true" if asks_clients else "false"
    verify = "verify_peer" if asks_clients else "verify_none"
    with open("broker.conf", "w", encoding="ascii") as file:
        file.write(
            f"listeners.ssl.1 = 127.0.0.1:{port}\n"
            f"ssl_options.cacertfile = {trusted}\n"
            f"ssl_options.certfile = {own[0]}\n"
            f"ssl_options.keyfile = {own[1]}\n"
            f"ssl_options.verify = {verify}\n"
            f"ssl_options.fail_if_no_peer_cert = {asks}\n"
        )
    return "broker.conf"


def fails(code, pattern, what, *args, url, env=None):
    with spawn("winnow-filter", "--connect-timeout", "2s", *args, farm=farm(), amqp=url, env=env) as worker:
        equal(worker.wait(30), code, f"{what} ends with {code}")
        message = worker.stderr().strip().splitlines()[-1]
        like(message, f"^winnow-filter: .*{pattern}", f"... saying so ({what})")
        ok(not re.search("guest|AMQP_STATUS|SSL_", message), f"... in words and without a password ({what})")


def works(what, *args, url, plain_url, env=None):
    name = farm()
    with spawn("winnow-filter", *args, farm=name, amqp=url, env=env) as worker, Client(name, plain_url) as client:
        answer = client.ask("an airhead")
        ok(answer and answer[2] == b"an CENSORED", f"{what}: events are answered over TLS")
        # More than a TLS record, and in both directions at once.
        for _ in range(20):
            client.publish(b"airhead " * 50000, reply_to=client.replies)
        answers = [client.get(client.replies) for _ in range(20)]
        ok(all(a and a[2] == b"CENSORED " * 50000 for a in answers), f"{what}: large ones too")
        ok("connection_lost" not in worker.stderr(), f"{what}: on one connection")
        equal(worker.end(), 0, f"{what}: the worker drains")


authority("ca")
authority("stranger")
server = certificate("server", "ca", "serverAuth", "DNS:localhost")
own = certificate("client", "ca", "clientAuth", "DNS:client")
strange = certificate("strange", "stranger", "clientAuth", "DNS:client")
try:
    port = run(TOOL, "port")
    plain = run(TOOL, "start", BROKER, "--config", broker_config(port, server, os.path.abspath("ca.pem"), False))
    url = f"amqps://guest:guest@localhost:{port}"

    works("with --tls-ca", "--tls-ca", "ca.pem", url=url, plain_url=plain)
    works("with $WINNOW_TLS_CA", url=url, plain_url=plain, env={"WINNOW_TLS_CA": "ca.pem"})
    fails(78, "certificate of localhost.* is not trusted.*--tls-ca", "an authority nobody trusts", url=url)
    fails(78, "certificate of localhost.* is not trusted", "another authority", "--tls-ca", "stranger.pem", url=url)
    fails(
        78,
        "certificate of 127.0.0.1.* another host",
        "a certificate for another host name",
        *("--tls-ca", "ca.pem"),
        url=url.replace("localhost", "127.0.0.1"),
    )
    fails(78, "no-such.pem.*No such file", "a --tls-ca file that is not there", "--tls-ca", "no-such.pem", url=url)
    with open("empty.pem", "w", encoding="ascii"):
        pass
    fails(78, "empty.pem", "an empty --tls-ca file", "--tls-ca", "empty.pem", url=url)
    fails(
        78,
        "--tls-cert and --tls-key",
        "a certificate without its key",
        *("--tls-ca", "ca.pem", "--tls-cert", own[0]),
        url=url,
    )
    fails(
        78,
        "--tls-cert and --tls-key",
        "a key without its certificate",
        *("--tls-ca", "ca.pem", "--tls-key", own[1]),
        url=url,
    )
    fails(
        78,
        "client.pem.*server.key.*are not",
        "a key of another certificate",
        *("--tls-ca", "ca.pem", "--tls-cert", own[0], "--tls-key", server[1]),
        url=url,
    )
    fails(
        78,
        "no-such.key.*No such file",
        "a key that is not there",
        *("--tls-ca", "ca.pem", "--tls-cert", own[0], "--tls-key", "no-such.key"),
        url=url,
    )
    fails(69, ".", "TLS where the broker talks none", "--tls-ca", "ca.pem", url=plain.replace("amqp:", "amqps:"))
    fails(69, "TLS port .amqps://", "no TLS where the broker wants it", url=url.replace("amqps:", "amqp:"))

    run(TOOL, "stop", BROKER)
    plain = run(TOOL, "start", BROKER, "--config", broker_config(port, server, os.path.abspath("ca.pem"), True))
    with_own = ("--tls-ca", "ca.pem", "--tls-cert", own[0], "--tls-key", own[1])
    works("with a client certificate", *with_own, url=url, plain_url=plain)
    fails(69, "--tls-cert", "no certificate where the broker wants one", "--tls-ca", "ca.pem", url=url)
    fails(
        69,
        "--tls-cert",
        "a certificate that the broker does not trust",
        *("--tls-ca", "ca.pem", "--tls-cert", strange[0], "--tls-key", strange[1]),
        url=url,
    )
finally:
    subprocess.run([TOOL, "stop", BROKER], check=True)
done_testing()
