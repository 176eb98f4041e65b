"""A TCP line to the broker that can be cut (reset) or pulled (half-open), that counts redeliveries, and that hears
what an autoscaler says to others over the control plane.

Run as a program it carries the connections, so that a busy test does not delay them; Proxy is the test's end.
"""

import asyncio
import json
import re
import socket
import struct
import subprocess
import sys
import threading
import time

PROTOCOL_HEADER_BYTES = 8
METHOD, BODY = 1, 3  # kinds of frames
PUBLISH = struct.pack(">HH", 60, 40)
DELIVER = struct.pack(">HH", 60, 60)
HEARD = (b"target.", b"report.")
NAME = re.compile(rb"connection_nameS....[^/]+/(winnow-\w+|[\w-]+)/[^/]+/(\d+)", re.DOTALL)


class Proxy:
    """url goes through to the port. Each line is a dict: id, program, pid."""

    def __init__(self, port):
        self._process = subprocess.Popen(
            [sys.executable, __file__, str(port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.port = int(self._process.stdout.readline())
        self._asking = threading.Lock()

    def _ask(self, *command):
        with self._asking:
            self._process.stdin.write(json.dumps(command) + "\n")
            self._process.stdin.flush()
            return json.loads(self._process.stdout.readline())

    def lines(self, pid=None):
        return [line for line in self._ask("list") if pid in (None, line["pid"])]

    def redelivered(self):
        """(deliveries, of which redelivered) that have passed so far."""
        return tuple(self._ask("counts"))

    def reset(self, *ids):
        """Both ends see the connection reset. No ids: all connections."""
        return self._ask("reset", *ids)

    def pull(self, *ids):
        """Nothing goes either way any more, and neither end is told."""
        return self._ask("pull", *ids)

    def cut(self):
        """All connections are reset, and new ones refused, until it is mended."""
        return self._ask("cut")

    def unplug(self):
        """Nothing goes either way any more, in connections that there are and in new ones, until it is mended."""
        return self._ask("unplug")

    def mend(self):
        """What was unplugged goes on where it was, for whoever has not given up."""
        return self._ask("mend")

    def heard(self):
        """[time, routing key, message] of each order and report that went to the broker since the last call, the time
        on the monotonic clock. None is missing: they are read from the autoscalers' own connections."""
        return self._ask("heard")

    def close(self):
        self._process.stdin.close()
        self._process.wait()


class Line:
    def __init__(self, number):
        self.number = number
        self.ends = []
        self.program, self.pid = None, None
        self.pulled = False
        self.head = b""


class End(asyncio.Protocol):
    """One of a line's two connections; `other` is set when both are up."""

    def __init__(self, server, line, is_near):
        self.server, self.line, self.is_near = server, line, is_near
        self.other = self.transport = None
        self.early = []
        self.pending = b""
        self.skip = PROTOCOL_HEADER_BYTES if is_near else 0
        self.said = {}  # channel -> routing key of what is being published there

    def connection_made(self, transport):
        self.transport = transport
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.line.ends.append(self)
        if self.is_near:
            self.server.begin(self)

    def data_received(self, data):
        if self.is_near and self.line.program is None:
            self._find_name(data)
        self._read(data)
        if self.other:
            self.other.transport.write(data)
        else:
            self.early.append(data)

    def _find_name(self, data):
        self.line.head += data
        found = NAME.search(self.line.head)
        if found:
            self.line.program, self.line.pid = found[1].decode(), int(found[2])
        if found or len(self.line.head) > 8192:
            self.line.program = self.line.program or ""
            self.line.head = b""

    def _read(self, data):
        """A frame: kind, channel, size, payload, end."""
        if self.is_near and self.line.program not in (None, "winnow-autoscaler"):
            return
        data = self.pending + data
        at = min(self.skip, len(data))
        self.skip -= at
        while len(data) - at >= 7:
            kind, channel, size = struct.unpack_from(">BHI", data, at)
            if len(data) - at < size + 8:
                break
            payload = data[at + 7 : at + 7 + size]
            self._hear(kind, channel, payload) if self.is_near else self._count(kind, payload)
            at += size + 8
        self.pending = data[at:]

    def _count(self, kind, payload):
        """Of a delivery: class, method, tag, number, redelivered."""
        if kind == METHOD and payload.startswith(DELIVER):
            self.server.deliveries += 1
            self.server.redelivered += payload[5 + payload[4] + 8] & 1

    def _hear(self, kind, channel, payload):
        """Of what is published: class, method, a number, exchange, routing key; then its body, in one frame."""
        if kind == METHOD and payload.startswith(PUBLISH):
            at = 7 + payload[6]
            self.said[channel] = payload[at + 1 : at + 1 + payload[at]]
        elif kind == BODY and self.said.get(channel, b"").startswith(HEARD):
            self.server.heard.append((time.monotonic(), self.said[channel].decode(), json.loads(payload)))

    def pause_writing(self):
        if self.other and not self.line.pulled:
            self.other.transport.pause_reading()

    def resume_writing(self):
        if self.other and not self.line.pulled:
            self.other.transport.resume_reading()

    def connection_lost(self, _):
        if self.line.pulled:
            return
        self.server.lines.pop(self.line.number, None)
        for end in self.line.ends:
            if end is not self:
                end.transport.close()


class Server:
    def __init__(self, port):
        self.target = port
        self.lines = {}
        self.number = 0
        self.deliveries = self.redelivered = 0
        self.heard = []
        self.is_cut = self.is_unplugged = False

    def accept(self):
        self.number += 1
        line = self.lines[self.number] = Line(self.number)
        return End(self, line, True)

    def begin(self, near):
        loop = asyncio.get_running_loop()
        # A connection that has only just been made cannot be paused yet.
        if self.is_cut:
            loop.call_soon(self.abort, near.line)
        elif self.is_unplugged:
            loop.call_soon(self.pull, near.line)
        else:
            loop.create_task(self._reach(near))

    async def _reach(self, near):
        try:
            _, far = await asyncio.get_running_loop().create_connection(
                lambda: End(self, near.line, False), "127.0.0.1", self.target
            )
        except OSError:
            self.abort(near.line)
            return
        if near.transport.is_closing():
            far.transport.abort()
            return
        near.other, far.other = far, near
        if near.line.pulled:
            far.transport.pause_reading()
        for data in near.early:
            far.transport.write(data)

    def abort(self, line):
        self.lines.pop(line.number, None)
        for end in line.ends:
            line.pulled = True
            handle = end.transport.get_extra_info("socket")
            if handle.fileno() >= 0:
                # With no time to linger, closing sends a reset.
                handle.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            end.transport.abort()

    def pull(self, line):
        line.pulled = True
        for end in line.ends:
            end.transport.pause_reading()

    def mend(self):
        self.is_cut = self.is_unplugged = False
        for line in [line for line in list(self.lines.values()) if line.pulled]:
            if any(end.transport.is_closing() for end in line.ends):
                self.abort(line)
                continue
            line.pulled = False
            for end in line.ends:
                end.transport.resume_reading()
            if len(line.ends) == 1:
                asyncio.get_running_loop().create_task(self._reach(line.ends[0]))

    def obey(self, command, *ids):
        if command == "list":
            return [
                {"id": line.number, "program": line.program, "pid": line.pid, "pulled": line.pulled}
                for line in self.lines.values()
            ]
        if command == "counts":
            return [self.deliveries, self.redelivered]
        if command == "heard":
            heard, self.heard = self.heard, []
            return heard
        if command == "mend":
            return self.mend()
        self.is_cut |= command == "cut"
        self.is_unplugged |= command == "unplug"
        chosen = [line for line in list(self.lines.values()) if not ids or line.number in ids]
        for line in chosen:
            self.abort(line) if command in ("reset", "cut") else self.pull(line)
        return len(chosen)


async def main():
    loop = asyncio.get_running_loop()
    server = Server(int(sys.argv[1]))
    listener = await loop.create_server(server.accept, "127.0.0.1", 0, backlog=1000)
    print(listener.sockets[0].getsockname()[1], flush=True)
    commands = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    while line := await commands.readline():
        print(json.dumps(server.obey(*json.loads(line))), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
