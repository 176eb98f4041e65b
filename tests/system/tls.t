#!/usr/bin/python3
# quiet: no claim about time
# slow: half a minute or more
"""winnow-filter over TLS: the broker's certificate is always verified, and one's own is shown when asked for."""

import contextlib
import os
import re
import socket
import ssl
import subprocess
import threading
import time

from client import Client
from own_broker import OwnBroker, tool
from tap import done_testing, equal, farm, like, ok, spawn


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL).stdout.strip()


BROKER = OwnBroker()
DAY = 86400
CA_CONFIG = os.path.abspath("ca.conf")
with open(CA_CONFIG, "w", encoding="ascii") as config, open("index.txt", "w", encoding="ascii"):
    config.write("[ca]\ndefault_ca=x\n[x]\ndatabase=index.txt\nnew_certs_dir=.\nserial=serial\ndefault_md=sha256\nunique_subject=no\n")
    config.write("policy=p\n[p]\ncommonName=supplied\n")


def openssl_time(seconds):
    return time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + seconds))


def authority(name):
    run(
        *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
        *("-days", "2", "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.pem"),
    )
    return os.path.abspath(f"{name}.pem")


def certificate(name, authority_name, usage, alternative, start=-DAY, end=DAY):
    """NAME.pem and NAME.key; valid from start to end, in seconds from now."""
    with open(f"{name}.ext", "w", encoding="ascii") as file:
        file.write(f"extendedKeyUsage={usage}\nsubjectAltName={alternative}\n")
    run(
        *("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
        *("-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr"),
    )
    run(
        *("openssl", "ca", "-batch", "-config", CA_CONFIG, "-cert", f"{authority_name}.pem"),
        *("-keyfile", f"{authority_name}.key", "-startdate", openssl_time(start), "-enddate", openssl_time(end)),
        *("-extfile", f"{name}.ext", "-in", f"{name}.csr", "-out", f"{name}.pem", "-notext", "-rand_serial"),
    )
    os.chmod(f"{name}.key", 0o644)
    return os.path.abspath(f"{name}.pem"), os.path.abspath(f"{name}.key")


def broker_config(port, own, trusted, asks_clients):
    asks = "true" if asks_clients else "false"
    verify = "verify_peer" if asks_clients else "verify_none"
    with open("broker.conf", "w", encoding="ascii") as file:
        file.write(
            f"listeners.ssl.1 = 127.0.0.1:{port}\n"
            f"listeners.ssl.2 = ::1:{port}\n"
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


def refuses(host, pattern, what, *made_with):
    """Whoever shows a certificate that is made so is refused with 78 and the pattern."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate("shown", "ca", *made_with))
    family = socket.AF_INET6 if host == "[::1]" else socket.AF_INET
    with socket.create_server((host.strip("[]"), 0), family=family) as server:

        def greet():
            with server.accept()[0] as connection, contextlib.suppress(OSError):
                context.wrap_socket(connection, server_side=True)

        thread = threading.Thread(target=greet, daemon=True)
        thread.start()
        url = f"amqps://guest:guest@{host}:{server.getsockname()[1]}"
        fails(78, f"certificate of {re.escape(host)}.* {pattern}", what, "--tls-ca", "ca.pem", url=url)
        thread.join()


authority("ca")
authority("stranger")
server = certificate("server", "ca", "serverAuth", "DNS:localhost,IP:127.0.0.1,IP:::1")
own = certificate("client", "ca", "clientAuth", "DNS:client")
strange = certificate("strange", "stranger", "clientAuth", "DNS:client")
try:
    port = tool("port")
    plain = BROKER.start("--config", broker_config(port, server, os.path.abspath("ca.pem"), False))
    url = f"amqps://guest:guest@localhost:{port}"

    works("with --tls-ca", "--tls-ca", "ca.pem", url=url, plain_url=plain)
    works("with $WINNOW_TLS_CA", url=url, plain_url=plain, env={"WINNOW_TLS_CA": "ca.pem"})
    fails(78, "certificate of localhost.* is not trusted.*--tls-ca", "an authority nobody trusts", url=url)
    fails(78, "certificate of localhost.* is not trusted", "another authority", "--tls-ca", "stranger.pem", url=url)
    for host, alternative in (
        ("localhost", "DNS:elsewhere,IP:127.0.0.1,IP:::1"),
        ("127.0.0.1", "DNS:localhost,DNS:127.0.0.1,IP:127.0.0.2"),
        ("[::1]", "DNS:localhost,DNS:::1,IP:::2"),
    ):
        refuses(host, "another host", f"{host} shown {alternative}", "serverAuth", alternative)
    refuses("localhost", "has expired", "an expired one", "serverAuth", "DNS:localhost", -2 * DAY, -DAY)
    refuses("[::1]", "not valid yet", "tomorrow's", "serverAuth", "IP:::1", DAY, 2 * DAY)
    refuses("127.0.0.1", "not for servers", "a client's", "clientAuth", "IP:127.0.0.1")
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

    works("by its address", "--tls-ca", "ca.pem", url=url.replace("localhost", "127.0.0.1"), plain_url=plain)
    works("by its IPv6 address", "--tls-ca", "ca.pem", url=url.replace("localhost", "[::1]"), plain_url=plain)

    BROKER.stop()
    plain = BROKER.start("--config", broker_config(port, server, os.path.abspath("ca.pem"), True))
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
    BROKER.stop()
done_testing()
