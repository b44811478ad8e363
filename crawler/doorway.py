"""A SOCKS port on this machine that leads a person's browser onto a session's own circuit, to that site and nowhere else.

Public names: Doorway.

Browsers do not sign in to a SOCKS port (Chromium cannot, Firefox only by an extension, Tor Browser signs in with names of
its own), and the circuit hangs on that signing in. So the browser comes here with any name or none, and the doorway signs
in to Tor with the session's. It is open only as long as somebody stands in it, and to programs of the same user only: the
kernel's table of connections says whose they are.
"""

from __future__ import annotations

import os
import socket
import struct
import threading
from collections.abc import Collection
from contextlib import suppress
from types import TracebackType

from crawler.isolation import Isolation
from crawler.sockets import PROC, parse_table
from crawler.socks import read_socks_address

MAX_AT_ONCE = 32
SHAKE_SECONDS = 30.0
"""For what a browser says before it may connect."""
OPEN_SECONDS = 180.0
"""For Tor to reach an onion."""
IDLE_SECONDS = 300.0
PORTS = (80, 443)
CHUNK = 32 * 1024
_NOT_ALLOWED, _FAILED, _NO_SUCH_COMMAND = 0x02, 0x01, 0x07


class Doorway:
    """`with Doorway(...) as door:` and 127.0.0.1:door.port is open until the end of the block."""

    def __init__(self, isolation: Isolation, *, socks: tuple[str, int], onions: Collection[str]) -> None:
        read_socks_address(f"{socks[0]}:{socks[1]}")
        self._login = isolation.credentials()
        self._socks = socks
        self._onions = frozenset(onions)
        self._slots = threading.BoundedSemaphore(MAX_AT_ONCE)
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._shut = False
        self.port = 0
        self.refused = 0
        """How often the browser wanted to go elsewhere: its own update checks, for one."""
        self.strangers = 0
        """How often a program of another user of this machine, or one whose user is not known, was turned away."""

    def __enter__(self) -> Doorway:
        self._server = socket.create_server(("127.0.0.1", 0), backlog=MAX_AT_ONCE)
        self.port = int(self._server.getsockname()[1])
        self._thread = threading.Thread(target=self._accept, name="doorway", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # A closed socket would leave accept() hanging; one that is shut down does not.
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join()
        with self._lock:
            self._shut = True  # who was let in and is not noted yet goes, too
            for each in self._open:
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            if not self._slots.acquire(blocking=False):
                client.close()
                continue
            threading.Thread(target=self._serve, args=(client,), name="doorway", daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            with client:
                try:
                    self._note(client)
                    self._lead(client)
                except (OSError, ValueError):
                    return  # either side went away, or spoke no SOCKS: the browser says so itself
                finally:
                    self._forget(client)
        finally:
            self._slots.release()

    def _lead(self, client: socket.socket) -> None:
        client.settimeout(SHAKE_SECONDS)
        own = _find_user(client) == os.getuid()
        command, host, port = _hear(client)
        if not own:
            self.strangers += 1
            return _answer(client, _NOT_ALLOWED)
        if command != 1:
            return _answer(client, _NO_SUCH_COMMAND)
        if host not in self._onions or port not in PORTS:
            self.refused += 1
            return _answer(client, _NOT_ALLOWED)
        with socket.create_connection(self._socks, timeout=OPEN_SECONDS) as tor:
            self._note(tor)
            try:
                code = _ask(tor, self._login, host, port)
                _answer(client, code)
                if code == 0:
                    _join(client, tor)
            except (OSError, ValueError):
                with suppress(OSError):
                    _answer(client, _FAILED)
                raise
            finally:
                self._forget(tor)

    def _note(self, each: socket.socket) -> None:
        with self._lock:
            if self._shut:
                raise OSError("the doorway is closed")
            self._open.add(each)

    def _forget(self, each: socket.socket) -> None:
        with self._lock:
            self._open.discard(each)


def _find_user(client: socket.socket) -> int | None:
    """The user whose program is at the other end of a connection within this machine; None when no table tells."""
    here, there = client.getsockname()[:2], client.getpeername()[:2]
    for table in ("tcp", "tcp6"):
        try:
            rows = parse_table((PROC / "self" / "net" / table).read_text("ascii", "replace"))
        except OSError:
            continue
        for row in rows.values():
            if (row.local, row.remote) == (there, here):
                return row.uid
    return None


def _hear(client: socket.socket) -> tuple[int, str, int]:
    """The browser's side of RFC 1928 and 1929: (command, host, port). Whatever name it signs in with is right."""
    version, count = _read(client, 2)
    methods = _read(client, count)
    if version != 5 or not set(methods) & {0, 2}:
        client.sendall(b"\x05\xff")
        raise ValueError("no SOCKS 5 that is known here")
    if 2 in methods:
        client.sendall(b"\x05\x02")
        _, size = _read(client, 2)
        _read(client, size)
        (size,) = _read(client, 1)
        _read(client, size)
        client.sendall(b"\x01\x00")
    else:
        client.sendall(b"\x05\x00")
    version, command, _, kind = _read(client, 4)
    if kind == 3:
        (size,) = _read(client, 1)
        host = _read(client, size).decode("ascii", "replace").lower()
    else:
        # An address in figures is none of this site's.
        _read(client, {1: 4, 4: 16}.get(kind, 0))
        host = ""
    (port,) = struct.unpack("!H", _read(client, 2))
    return command, host, port


def _ask(tor: socket.socket, login: tuple[str, str], host: str, port: int) -> int:
    """Sign in to Tor and ask for the onion; Tor's reply code."""
    user, password = (part.encode() for part in login)
    tor.sendall(b"\x05\x01\x02")
    if _read(tor, 2) != b"\x05\x02":
        raise ValueError("what answers is not Tor's SOCKS port")
    tor.sendall(b"\x01" + bytes([len(user)]) + user + bytes([len(password)]) + password)
    if _read(tor, 2)[1] != 0:
        raise ValueError("Tor did not let us in")
    name = host.encode("ascii")
    tor.sendall(b"\x05\x01\x00\x03" + bytes([len(name)]) + name + struct.pack("!H", port))
    _, code, _, kind = _read(tor, 4)
    size = _read(tor, 1)[0] if kind == 3 else {1: 4, 4: 16}.get(kind, 0)
    _read(tor, size + 2)
    return code


def _answer(client: socket.socket, code: int) -> None:
    client.sendall(bytes([5, code, 0, 1]) + bytes(6))


def _join(one: socket.socket, other: socket.socket) -> None:
    """Pass bytes both ways until both sides have said all."""
    one.settimeout(IDLE_SECONDS)
    other.settimeout(IDLE_SECONDS)
    back = threading.Thread(target=_pour, args=(other, one), name="doorway", daemon=True)
    back.start()
    _pour(one, other)
    back.join()


def _pour(source: socket.socket, target: socket.socket) -> None:
    try:
        while part := source.recv(CHUNK):
            target.sendall(part)
    except OSError:
        pass
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def _read(connection: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        part = connection.recv(size - len(found))
        if not part:
            raise ValueError("it ended early")
        found += part
    return found
