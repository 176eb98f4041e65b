"""What tests of winnow-page share: the program, and requests to it, well-formed and other.

    from web import *
    with page(name) as web:
        equal(web.get("/healthz").status, 200, "it answers")
"""

import contextlib
import http.client
import json
import os
import re
import secrets
import socket
import threading
import urllib.parse

from tap import URL, spawn, wait_until

PATIENCE_S = 20


class Answer:
    def __init__(self, response, body):
        self.status, self.headers, self.body = response.status, response.headers, body

    def json(self):
        return json.loads(self.body)

    def code(self):
        """(status, the word for programs) of a problem."""
        problem = json.loads(self.body) if self.headers["Content-Type"] == "application/problem+json" else {}
        return self.status, problem.get("code")

    def detail(self):
        return self.json()["detail"]


class Web:
    def __init__(self, program, port, name, tokens):
        self.program, self.port, self.name, self.tokens = program, port, name, tokens
        self.host = f"127.0.0.1:{port}"

    def path(self, rest):
        """Of the farm; one that begins with a slash stands for itself."""
        return rest if rest.startswith("/") else f"/api/v1/farms/{urllib.parse.quote(self.name, safe='')}/{rest}"

    def request(self, method, path, body=None, token=None, **headers):
        """token: the name of one, or a text. Headers: with _ for -; None leaves out what would be there."""
        headers = {key.replace("_", "-"): value for key, value in headers.items()}
        if token:
            headers.setdefault("Authorization", f"Bearer {self.tokens.get(token, token)}")
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
            headers.setdefault("Content-Type", "application/json")
        headers = {key: value for key, value in headers.items() if value is not None}
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)) as connection:
            connection.request(method, self.path(path), body, headers)
            response = connection.getresponse()
            return Answer(response, response.read())

    def get(self, path, **more):
        return self.request("GET", path, **more)

    def tell(self, path, body=None, method="POST", **more):
        """A write by somebody who may."""
        return self.request(method, path, {} if body is None else body, **{"token": "control", **more})

    def status(self):
        return self.get("status").json()

    def wait_for(self, condition, seconds=PATIENCE_S):
        """Until the page's status is so; returns it, or None."""

        def look():
            status = self.status()
            return status if condition(status) else None

        return wait_until(look, seconds)

    def healthy(self, word="ok"):
        return self.wait_for(lambda status: status["health"] == word)

    def raw(self, text, ends=True):
        """What comes back to bytes that are sent as they are, until the connection is closed; or, with ends=False,
        as much of it as is one answer."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S) as connection:
            with contextlib.suppress(OSError):
                connection.sendall(text)
                if ends:
                    connection.shutdown(socket.SHUT_WR)
            got = b""
            with contextlib.suppress(OSError):
                while data := connection.recv(65536):
                    got += data
                    if not ends:
                        break
            return got

    def stream(self, **headers):
        return Stream(self, headers)


class Stream:
    """Server-sent events, read in a thread of their own."""

    def __init__(self, web, headers):
        self.connection = http.client.HTTPConnection("127.0.0.1", web.port, timeout=PATIENCE_S)
        self.connection.request("GET", web.path("stream"), headers=headers)
        self.response = self.connection.getresponse()
        self.events, self.ended = [], threading.Event()
        threading.Thread(target=self._read, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self.connection.sock.shutdown(socket.SHUT_RDWR)
        self.ended.wait(PATIENCE_S)
        self.connection.close()

    def _read(self):
        kind = None
        with contextlib.suppress(OSError, http.client.HTTPException, ValueError, AttributeError):
            while line := self.response.readline():
                line = line.rstrip(b"\n").decode()
                if line.startswith("event: "):
                    kind = line.removeprefix("event: ")
                elif line.startswith("data: "):
                    self.events.append((kind, json.loads(line.removeprefix("data: "))))
        self.ended.set()

    def wait_for(self, kind, condition=lambda data: True, seconds=PATIENCE_S, since=0):
        found = lambda: next((data for own, data in list(self.events)[since:] if own == kind and condition(data)), None)
        return wait_until(found, seconds)


def token_file(name, text=None, mode=0o600):
    """A file of that name with a token; returns the token."""
    token = secrets.token_hex(24) if text is None else text
    with open(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(token + "\n")
    os.chmod(name, mode)
    return token


@contextlib.contextmanager
def page(name, *args, read=False, amqp=None):
    """A page of the farm, on a free port, with a token to control and, if wanted, one to read."""
    tokens = {"control": token_file(f"{os.getpid()}.control")}
    args = ["--control-token", f"{os.getpid()}.control", *args]
    if read:
        tokens["read"] = token_file(f"{os.getpid()}.read")
        args = ["--read-token", f"{os.getpid()}.read", *args]
    with spawn("winnow-page", "--listen", "127.0.0.1:0", *args, farm=name, amqp=amqp or URL) as program:
        said = lambda: re.search(r"event=page_served .*port=(\d+)", program.stderr())
        found = wait_until(said, PATIENCE_S)
        if not found:
            raise RuntimeError(f"winnow-page does not serve: {program.stderr()}")
        yield Web(program, int(found[1]), name, tokens)
