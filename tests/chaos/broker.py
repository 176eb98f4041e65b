"""A broker of the run's own, and what can be done to it."""

import os
import shutil
import socket
import subprocess
import threading
import time

import pika

TOOL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tools/private-broker")
FARM_USER = "farm"


def _holds(pid):
    """While a thread is left, so are the sockets."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            ended = file.read().rsplit(")", 1)[1].split()[0] in "ZX"
        return not ended or len(os.listdir(f"/proc/{pid}/task")) > 1
    except OSError:
        return False


class Guest:
    """A broker that others use too, and to which nothing is done."""

    def __init__(self, url):
        self.url = url

    @property
    def port(self):
        return pika.URLParameters(self.url).port

    def farm_url(self, port):
        """How the farm reaches it by way of another port."""
        user = pika.URLParameters(self.url).credentials
        return f"amqp://{user.username}:{user.password}@127.0.0.1:{port}"

    def connect(self):
        parameters = pika.URLParameters(self.url)
        parameters.heartbeat = 0
        return pika.BlockingConnection(parameters)

    def end(self):
        pass


class Broker(Guest):
    """Its data is in memory where that can be: what is measured must not wait for a disk that others use too."""

    def __init__(self, out):
        self.logs = os.path.join(out, "broker")
        self.directory = self._run("directory").strip()
        super().__init__(None)

    def start(self):
        self.url = self._run("start", self.directory).strip()
        return self.url

    def stop(self):
        self._run("stop", self.directory)

    def end(self):
        """For good; its logs stay in OUT/broker."""
        try:
            self.stop()
            shutil.copytree(os.path.join(self.directory, "log"), self.logs)
        finally:
            shutil.rmtree(self.directory, ignore_errors=True)

    def kill(self):
        """Returns when the node is gone with everything it held: while a process of much memory ends, its ports may
        still be taken."""
        with open(os.path.join(self.directory, "node.pid")) as file:
            node = int(file.read())
        self._run("kill", self.directory)
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline and _holds(node):
            time.sleep(0.005)

    def _run(self, *args):
        run = subprocess.run([TOOL, *args], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
        if run.returncode:
            raise RuntimeError(f"private-broker {' '.join(args)}: {run.stdout}{run.stderr}")
        return run.stdout

    def farm_url(self, port):
        return f"amqp://{FARM_USER}:{FARM_USER}@127.0.0.1:{port}"

    def evaluate(self, text):
        """What these expressions are in the broker, as Erlang writes it."""
        return self._run("eval", self.directory, text).strip()

    def _permissions(self, function, *texts):
        texts = ", ".join(f'<<"{text}">>' for text in (FARM_USER, *texts, "chaos"))
        return f"rabbit_auth_backend_internal:{function}({texts})"

    def add_farm_user(self):
        """The farm logs in as a user of its own, so that its permissions alone can be taken away."""
        self.evaluate(f"ok = {self._permissions('add_user', FARM_USER)}.")
        self.allow_farm()

    def allow_farm(self):
        self.evaluate(f"ok = {self._permissions('set_permissions', '/', '.*', '.*', '.*')}.")

    def forbid_farm(self, everything):
        """Everything: it may not even enter the virtual host; else it may enter and touch nothing."""
        if everything:
            self.evaluate(f"ok = {self._permissions('clear_permissions', '/')}.")
        else:
            self.evaluate(f"ok = {self._permissions('set_permissions', '/', '^$', '^$', '^$')}.")

    def alarm(self, kind, seconds):
        """An alarm for so long; returns when it was over, on the monotonic clock."""
        set_to = {
            "memory": "vm_memory_monitor:set_vm_memory_high_watermark({})",
            "disk": "rabbit_disk_monitor:set_disk_free_limit({})",
        }[kind]
        on, off = {"memory": ("0.00001", "0.4"), "disk": ("100000000000000", "50000000")}[kind]
        last = f"timer:sleep({int(seconds * 1000)}), {set_to.format(off)}, erlang:system_time(microsecond)"
        ended = int(self.evaluate(f"{set_to.format(on)}, {last}."))
        return time.monotonic() - (time.time() - ended / 1e6)

    def when_it_accepts(self):
        """Watches from now on; call the result for the time at which it spoke AMQP again."""
        found = []
        port = self.port

        def watch():
            deadline = time.monotonic() + 120
            while not found and time.monotonic() < deadline:
                try:
                    with socket.create_connection(("127.0.0.1", port), 1) as line:
                        line.settimeout(5)
                        line.sendall(b"AMQP\0\0\x09\x01")
                        if line.recv(1) == b"\x01":
                            found.append(time.monotonic())
                except OSError:
                    time.sleep(0.005)

        thread = threading.Thread(target=watch, daemon=True)
        thread.start()

        def result():
            thread.join()
            return found[0] if found else float("inf")

        return result
