"""A small HTTP/1.1 server for the lab's sites: Request, Response, Script, Site, AccessLog, serve_site.

Written by hand because a page must leave in one write on a socket without Nagle's delay (tor.md, section 2), because the
lab wants every request on record in order, and because one process serves all sites.
"""

from __future__ import annotations

import asyncio
import gzip
import os
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from http import HTTPStatus
from pathlib import Path
from typing import Protocol
from urllib.parse import parse_qsl, urlsplit

_MAX_HEAD = 32_768
_MAX_BODY = 65_536
_MAX_WAITING = 1_000_000


@dataclass(frozen=True)
class Request:
    """What a visitor asked for; header names in small letters. `circuit` is known where Tor tells it (serve_site)."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""
    circuit: str = ""

    @cached_property
    def path(self) -> str:
        return urlsplit(self.target).path

    @cached_property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query, max_num_fields=20, keep_blank_values=True))

    @cached_property
    def cookies(self) -> dict[str, str]:
        pairs = (part.strip().partition("=") for part in self.headers.get("cookie", "").split(";"))
        return {name: value for name, _, value in pairs if name}

    @cached_property
    def form(self) -> dict[str, str]:
        """The fields of a form that was sent."""
        text = self.body.decode("utf-8", "replace")
        try:
            return dict(parse_qsl(text, max_num_fields=20, keep_blank_values=True))
        except ValueError:
            return {}


@dataclass(frozen=True)
class Script:
    """Bytes as they leave, where an honest answer will not do: `first`, then `more` every `pause` seconds, `times` times,
    then the connection is closed. Empty: it is closed without a word."""

    first: bytes = b""
    more: bytes = b""
    pause: float = 0.0
    times: int = 0


@dataclass(frozen=True)
class Response:
    """What the site answers; `delay` in seconds before it does, `gzip` to pack the body when the visitor takes it.

    With a `script` that is what leaves, and `status` only what is written down."""

    status: int = 200
    body: bytes = b""
    content_type: str = "text/html; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = ()
    delay: float = 0.0
    gzip: bool = False
    script: Script | None = None


class Site(Protocol):
    """A site of the lab: where it is entered, which paths are what, and its answers."""

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def start(self) -> tuple[str, ...]: ...
    @property
    def kinds(self) -> Mapping[str, tuple[str, ...]]: ...
    @property
    def skip(self) -> tuple[str, ...]: ...

    def respond(self, request: Request) -> Response: ...


@dataclass
class AccessLog:
    """Every request to every site, a line each, written at once: SITE <tab> METHOD <tab> TARGET <tab> STATUS."""

    path: Path
    _file: int = field(init=False)

    def __post_init__(self) -> None:
        self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def add(self, site: str, method: str, target: str, status: int) -> None:
        clean = target.replace("\t", "%09").replace("\n", "%0A")[:2000]
        os.write(self._file, f"{site}\t{method}\t{clean}\t{status}\n".encode())

    def close(self) -> None:
        os.close(self._file)


class _Connection(asyncio.Protocol):
    """One keep-alive connection; requests are answered in order."""

    def __init__(self, site: Site, log: AccessLog | None, *, behind_tor: bool) -> None:
        self._site = site
        self._log = log
        self._preface = behind_tor
        self._circuit = ""
        self._buffer = b""
        self._busy = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        sock = transport.get_extra_info("socket")
        if sock is not None and sock.family == socket.AF_INET:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._next()

    def _next(self) -> None:
        """Answer the next whole request in the buffer, unless one is being answered."""
        if self._busy or self._transport is None:
            return
        if self._preface and not self._read_preface():
            return
        head, separator, rest = self._buffer.partition(b"\r\n\r\n")
        if not separator:
            if len(self._buffer) > _MAX_HEAD:
                self._transport.close()
            return
        lines = head.decode("latin-1").split("\r\n")
        words = lines[0].split(" ")
        if len(words) != 3:
            self._transport.close()
            return
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        length = headers.get("content-length", "0")
        wanted = int(length) if length.isdecimal() else 0
        if wanted > _MAX_BODY:
            self._transport.close()
            return
        if len(rest) < wanted:
            return
        self._buffer = rest[wanted:]
        request = Request(words[0], words[1], headers, rest[:wanted], self._circuit)
        response = self._site.respond(request)
        if self._log is not None:
            self._log.add(self._site.name, request.method, request.target, response.status)
        if response.delay:
            self._busy = True
            asyncio.get_running_loop().call_later(response.delay, self._send, request, response)
        else:
            self._send(request, response)
            if self._buffer:
                asyncio.get_running_loop().call_soon(self._next)

    def _read_preface(self) -> bool:
        """Take the line in which Tor names the circuit (HiddenServiceExportCircuitID haproxy); False while it is not whole."""
        assert self._transport is not None
        line, separator, rest = self._buffer.partition(b"\r\n")
        words = line.decode("ascii", "replace").split(" ")
        if (separator or len(line) > 200) and (len(words) != 6 or words[0] != "PROXY"):
            self._transport.close()
            return False
        if not separator:
            return False
        self._circuit, self._buffer, self._preface = words[2], rest, False
        return True

    def _play(self, script: Script, times: int) -> None:
        """Write the next piece of a script, when the last has left."""
        if self._transport is None:
            return
        if times <= 0:
            self._transport.close()
            return
        if self._transport.get_write_buffer_size() < _MAX_WAITING:
            self._transport.write(script.more)
            times -= 1
        asyncio.get_running_loop().call_later(max(script.pause, 0.001), self._play, script, times)

    def _send(self, request: Request, response: Response) -> None:
        self._busy = False
        if self._transport is None:
            return
        if response.script is not None:
            self._busy = True  # nothing else is read on this connection
            self._transport.write(response.script.first)
            later = response.script.pause if response.script.times else 0.0
            asyncio.get_running_loop().call_later(later, self._play, response.script, response.script.times)
            return
        close = request.headers.get("connection", "").lower() == "close"
        self._transport.write(encode(request, response, close=close))
        if close:
            self._transport.close()
        elif response.delay and self._buffer:
            self._next()


def encode(request: Request, response: Response, *, close: bool = False) -> bytes:
    """The bytes of one answer."""
    body, packed = response.body, False
    if response.gzip and "gzip" in request.headers.get("accept-encoding", ""):
        body, packed = gzip.compress(body, compresslevel=5, mtime=0), True
    lines = [
        f"HTTP/1.1 {response.status} {HTTPStatus(response.status).phrase}",
        "Server: nginx",
        f"Date: {time.strftime('%a, %d %b %Y %H:%M:%S GMT', time.gmtime())}",
        f"Content-Type: {response.content_type}",
        f"Content-Length: {len(body)}",
        f"Connection: {'close' if close else 'keep-alive'}",
        *(f"{name}: {value}" for name, value in response.headers),
    ]
    if packed:
        lines += ["Content-Encoding: gzip", "Vary: Accept-Encoding"]
    head = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
    return head if request.method == "HEAD" else head + body


async def serve_site(
    site: Site, *, log: AccessLog | None = None, port: int = 0, behind_tor: bool = False
) -> tuple[asyncio.Server, int]:
    """Serve a site on 127.0.0.1; the running server and its port (the kernel picks one when `port` is 0).

    `behind_tor`: every connection begins with a PROXY line that names its circuit."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: _Connection(site, log, behind_tor=behind_tor), "127.0.0.1", port, backlog=512
    )
    return server, int(server.sockets[0].getsockname()[1])
