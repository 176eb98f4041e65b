"""A TCP line to the broker that can be cut (reset) or pulled (half-open), and that counts redeliveries.

Run as a program it carries the connections, so that a busy test does not delay them; Proxy is the test's end.
"""

import asyncio
import json
import re
import socket
import struct
import subprocess
import sys

DELIVER = struct.pack(">HH", 60, 60)
NAME = re.compile(rb"connection_nameS....[^/]+/(winnow-\w+|[\w-]+)/[^/]+/(\d+)", re.DOTALL)


class Proxy:
    """url goes through to the port. Each line is a dict: id, program, pid."""

    def __init__(self, port):
        self._process = subprocess.Popen(
            [sys.executable, __file__, str(port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.port = int(self._process.stdout.readline())

    def _ask(self, *command):
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
        self.pending = b""


class End(asyncio.Protocol):
    """One of a line's two connections; `other` is set when both are up."""

    def __init__(self, server, line, is_near):
        self.server, self.line, self.is_near = server, line, is_near
        self.other = self.transport = None
        self.early = []

    def connection_made(self, transport):
        self.transport = transport
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.line.ends.append(self)

    def data_received(self, data):
        if self.is_near and self.line.program is None:
            self._find_name(data)
        if not self.is_near:
            self._count(data)
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

    def _count(self, data):
        """A frame: type, channel, size, payload, end. Of a delivery: class, method, tag, number, redelivered."""
        data = self.line.pending + data
        at = 0
        while len(data) - at >= 7:
            kind, _, size = struct.unpack_from(">BHI", data, at)
            if len(data) - at < size + 8:
                break
            if kind == 1 and data[at + 7 : at + 11] == DELIVER:
                self.server.deliveries += 1
                self.server.redelivered += data[at + 12 + data[at + 11] + 8] & 1
            at += size + 8
        self.line.pending = data[at:]

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

    def accept(self):
        self.number += 1
        line = self.lines[self.number] = Line(self.number)
        near = End(self, line, True)
        asyncio.get_running_loop().create_task(self._reach(near))
        return near

    async def _reach(self, near):
        try:
            _, far = await asyncio.get_running_loop().create_connection(
                lambda: End(self, near.line, False), "127.0.0.1", self.target
            )
        except OSError:
            self.abort(near.line)
            return
        near.other, far.other = far, near
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

    def obey(self, command, *ids):
        if command == "list":
            return [
                {"id": line.number, "program": line.program, "pid": line.pid, "pulled": line.pulled}
                for line in self.lines.values()
            ]
        if command == "counts":
            return [self.deliveries, self.redelivered]
        chosen = [line for line in list(self.lines.values()) if not ids or line.number in ids]
        for line in chosen:
            self.abort(line) if command == "reset" else self.pull(line)
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
