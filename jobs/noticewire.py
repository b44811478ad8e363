"""One connection out for a notice: TLS, an optional proxy, and an end to it whatever the other side does.

Public names: Route, open_socket, make_context, deadline, is_loopback, WireError.

Called from a worker (or from `tuskwatch notice test`), never from a crawl process.
"""

from __future__ import annotations

import secrets
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from jobs.noticesettings import LOOPBACK

TIMEOUT = 20.0
"""Seconds that one answer may take."""
DEADLINE = 60.0
"""Seconds that the whole of it may take."""
_REFUSALS = {
    1: "it failed", 2: "it may not", 3: "no way to that network", 4: "that host cannot be reached", 5: "refused there",
    6: "it took too long",
}  # fmt: skip


class WireError(Exception):
    """A notice could not be sent; the text says why, in words."""


@dataclass(frozen=True)
class Route:
    """proxy: host and port of a SOCKS port, None to go straight out. timeout, deadline: seconds, of one step and of all."""

    proxy: tuple[str, int] | None = None
    timeout: float = TIMEOUT
    deadline: float = DEADLINE


def is_loopback(host: str) -> bool:
    return LOOPBACK.fullmatch(host) is not None


def open_socket(host: str, port: int, route: Route) -> socket.socket:
    """A TCP connection. Through a proxy the name is looked up there, on a circuit of its own; this machine is reached straight."""
    host = host.strip("[]")
    proxy = None if is_loopback(host) else route.proxy
    try:
        found = socket.create_connection(proxy or (host, port), timeout=route.timeout)
    except OSError as exc:
        what = f"{host}:{port}" if proxy is None else "the proxy"
        raise WireError(f"{what} cannot be reached ({exc.strerror or exc})") from exc
    if proxy is not None:
        try:
            _ask_proxy(found, host, port)
        except (OSError, ValueError) as exc:
            found.close()
            raise WireError(f"the proxy did not connect to {host}:{port} ({exc})") from exc
    return found


def _ask_proxy(connection: socket.socket, host: str, port: int) -> None:
    """SOCKS5 with a name and a password (RFC 1928, 1929): Tor keeps streams of different ones on different circuits."""
    name = host.encode("ascii")
    if not 0 < len(name) < 256:
        raise ValueError("the name is too long")
    user, password = b"tuskwatch-notice", secrets.token_hex(16).encode()
    connection.sendall(b"\x05\x01\x02")
    if _read(connection, 2) != b"\x05\x02":
        raise ValueError("it takes no name and password, as the SOCKS port of a Tor does")
    connection.sendall(bytes([1, len(user)]) + user + bytes([len(password)]) + password)
    if _read(connection, 2)[1:] != b"\x00":
        raise ValueError("it refused our name")
    connection.sendall(b"\x05\x01\x00\x03" + bytes([len(name)]) + name + port.to_bytes(2, "big"))
    version, answer, _, kind = _read(connection, 4)
    if version != 5 or answer != 0:
        raise ValueError(_REFUSALS.get(answer, f"answer {answer}"))
    _read(connection, {1: 4, 4: 16}.get(kind) or _read(connection, 1)[0])
    _read(connection, 2)


def _read(connection: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        piece = connection.recv(count - len(data))
        if not piece:
            raise ValueError("it hung up")
        data += piece
    return data


def make_context(ca_file: Path | None) -> ssl.SSLContext:
    """Certificates and names are checked, always; ca_file: the authority that made the certificate, where that is one's own."""
    try:
        return ssl.create_default_context(cafile=str(ca_file.expanduser()) if ca_file is not None else None)
    except (OSError, ssl.SSLError) as exc:
        raise WireError(f"ca_file {ca_file} cannot be used ({exc})") from exc


@contextmanager
def deadline(seconds: float, find: Callable[[], socket.socket | None]) -> Iterator[None]:
    """Cut the connection that `find` names after so many seconds: a peer that sends a byte a minute never times out else."""
    late = threading.Event()

    def cut() -> None:
        late.set()
        found = find()
        if found is not None:
            with suppress(OSError):
                # The plain one: that of a TLS socket would take its keys away under the reader's hands.
                socket.socket.shutdown(found, socket.SHUT_RDWR)

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    except (OSError, WireError) as exc:
        if late.is_set():
            raise WireError(f"no end came within {seconds:g} seconds") from exc
        raise
    finally:
        timer.cancel()
