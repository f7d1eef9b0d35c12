"""PostgreSQL's wire protocol, bare: messages are made and read byte by byte, so that any of them can be sent at any time."""

import select
import socket
import struct
import time


def message(kind, body=b""):
    return kind + struct.pack("!i", len(body) + 4) + body


def text(value):
    return value if isinstance(value, bytes) else value.encode()


def query(sql):
    return message(b"Q", text(sql) + b"\0")


def parse(name, sql, types=()):
    return message(b"P", text(name) + b"\0" + text(sql) + b"\0" + struct.pack("!H", len(types)) + b"".join(struct.pack("!I", t) for t in types))


def bind(portal, name, values, formats=(), results=()):
    body = text(portal) + b"\0" + text(name) + b"\0" + struct.pack("!H", len(formats)) + b"".join(struct.pack("!h", f) for f in formats)
    body += struct.pack("!H", len(values))
    body += b"".join(struct.pack("!i", -1) if v is None else struct.pack("!i", len(v)) + v for v in values)
    return message(b"B", body + struct.pack("!H", len(results)) + b"".join(struct.pack("!h", f) for f in results))


def describe(what, name):
    return message(b"D", what + text(name) + b"\0")


def execute(portal, rows=0):
    return message(b"E", text(portal) + b"\0" + struct.pack("!i", rows))


def close(what, name):
    return message(b"C", what + text(name) + b"\0")


def call(function, values, formats=(), result=0):
    body = struct.pack("!IH", function, len(formats)) + b"".join(struct.pack("!h", f) for f in formats) + struct.pack("!H", len(values))
    body += b"".join(struct.pack("!i", -1) if v is None else struct.pack("!i", len(v)) + v for v in values)
    return message(b"F", body + struct.pack("!h", result))


SYNC, FLUSH, TERMINATE = message(b"S"), message(b"H"), message(b"X")


class ServerError(Exception):
    def __init__(self, state, severity, said):
        super().__init__(f"{severity} {state}: {said}")
        self.state, self.severity, self.said = state, severity, said


class Closed(Exception):
    """The server has closed the connection; `last` is the error that it gave, if any."""

    def __init__(self, last):
        super().__init__(str(last))
        self.last = last


def server_error(body):
    fields = {part[:1]: part[1:].decode(errors="replace") for part in body.split(b"\0") if part}
    return ServerError(fields.get(b"C", "?"), fields.get(b"V", "?"), fields.get(b"M", "?"))


class Connection:
    def __init__(self, path, user, database, limit=120.0):
        self.path, self.limit, self.pending, self.last, self.key = path, limit, b"", None, b""
        self.record = [] # all that was received, also just before the end
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(limit)
        self.socket.connect(path)
        body = struct.pack("!i", 196608) + b"".join(text(part) + b"\0" for part in ("user", user, "database", database)) + b"\0"
        self.socket.sendall(struct.pack("!i", len(body) + 4) + body)
        self.socket.setblocking(False)
        for kind, body in self.until(lambda kind, _: kind == b"Z"):
            if kind == b"K":
                self.key = body
            elif kind == b"E":
                raise server_error(body)

    def take(self):
        """The messages that have arrived whole."""
        messages = []
        while len(self.pending) >= 5:
            length = struct.unpack("!i", self.pending[1:5])[0]
            if len(self.pending) < length + 1:
                break
            kind, body = self.pending[:1], self.pending[5:length + 1]
            self.pending = self.pending[length + 1:]
            if kind == b"E":
                self.last = server_error(body)
            messages.append((kind, body))
        self.record += messages
        return messages

    def pump(self, data, seconds):
        """Sends, reads meanwhile (a server that is not read stops reading), returns what has arrived."""
        messages, end = [], time.monotonic() + seconds
        while True:
            readable, writable, _ = select.select([self.socket], [self.socket] if data else [], [], max(0.0, min(1.0, end - time.monotonic())))
            try:
                if writable:
                    data = data[self.socket.send(data[:65536]):]
                if readable:
                    got = self.socket.recv(1 << 20)
                    if not got:
                        raise Closed(self.last)
                    self.pending += got
                    messages += self.take()
            except (BrokenPipeError, ConnectionResetError):
                self.drain()
                raise Closed(self.last) from None
            if not data and (not readable or time.monotonic() >= end):
                return messages
            if data and time.monotonic() >= end + self.limit:
                raise TimeoutError

    def drain(self):
        """What the server said before it closed."""
        try:
            while got := self.socket.recv(1 << 20):
                self.pending += got
        except OSError:
            pass
        self.take()

    def until(self, condition, seconds=None):
        messages, end = [], time.monotonic() + (seconds or self.limit)
        while time.monotonic() < end:
            for kind, body in self.pump(b"", 0.2):
                messages.append((kind, body))
            if any(condition(kind, body) for kind, body in messages):
                return messages
        raise TimeoutError

    def sql(self, sql):
        """Rows of a simple query, as lists of text; the first error is raised."""
        rows, self.record = [], []
        self.pump(query(sql), 0)
        failure = None
        for kind, body in self.until(lambda kind, _: kind == b"Z"):
            if kind == b"D":
                rows.append(row(body))
            elif kind == b"E":
                failure = failure or server_error(body)
        if failure:
            raise failure
        return rows

    def cancel(self, key=None):
        other = socket.socket(socket.AF_UNIX)
        try:
            other.settimeout(self.limit)
            other.connect(self.path)
            other.sendall(struct.pack("!ii", 16, 80877102) + (key or self.key))
        except OSError:
            pass
        finally:
            other.close()

    def close(self):
        self.socket.close()


def row(body):
    columns, at, values = struct.unpack("!H", body[:2])[0], 2, []
    for _ in range(columns):
        length = struct.unpack("!i", body[at:at + 4])[0]
        at += 4
        values.append(None if length < 0 else body[at:at + length].decode(errors="replace"))
        at += max(0, length)
    return values
