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

import socks  # type: ignore[import-untyped]

from jobs.noticesettings import LOOPBACK

TIMEOUT = 20.0
"""Seconds that one answer may take."""
DEADLINE = 60.0
"""Seconds that the whole of it may take."""


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
    try:
        if route.proxy is None or is_loopback(host):
            return socket.create_connection((host, port), timeout=route.timeout)
        found: socket.socket = socks.create_connection(
            (host, port), timeout=route.timeout, proxy_type=socks.SOCKS5, proxy_addr=route.proxy[0],
            proxy_port=route.proxy[1], proxy_rdns=True, proxy_username="tuskwatch-notice",
            proxy_password=secrets.token_hex(16),
        )  # fmt: skip
    except socks.ProxyError as exc:
        raise WireError(f"the proxy did not connect to {host}:{port} ({exc})") from exc
    except OSError as exc:
        raise WireError(f"{host}:{port} cannot be reached ({exc.strerror or exc})") from exc
    return found


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
