"""Answers that mean harm: HOSTILE, answer_hostile, hostile_links.

A few of each sort, over a real onion; the product's own tests hold many more of them.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from functools import lru_cache

from lab.wire import Request, Response, Script

_OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n"


@lru_cache(maxsize=1)
def _bomb() -> Response:
    """64 MB of zeros in 64 KB."""
    packer = zlib.compressobj(6, zlib.DEFLATED, 31)
    body = b"".join(packer.compress(bytes(1_000_000)) for _ in range(64)) + packer.flush()
    head = _OK + f"Content-Encoding: gzip\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    return Response(200, script=Script(head + body))


def _endless() -> Response:
    return Response(
        200, script=Script(_OK + b"\r\n<html><body>", b"<p>and on and on</p>" * 3000, 0.005, 10**9)
    )


def _drip() -> Response:
    return Response(200, script=Script(_OK + b"\r\n<html><body>", b".", 1.0, 86_400))


def _header_flood() -> Response:
    return Response(
        200, script=Script(_OK, b"".join(b"X-Flood-%d: %s\r\n" % (n, b"a" * 60) for n in range(500)), 0.005, 10**9)
    )  # fmt: skip


def _long_header() -> Response:
    body = b"<html><body>a long line stands above</body></html>"
    head = _OK + b"X-Long: " + b"b" * 1_000_000 + b"\r\nContent-Length: %d\r\n\r\n" % len(body)
    return Response(200, script=Script(head + body))


def _nested() -> Response:
    return Response(200, b"<html><body>" + b"<div>" * 200_000 + b"deep</body></html>")


def _loop() -> Response:
    return Response(302, b"", headers=(("Location", "/attic/loop"),))


def _leave() -> Response:
    return Response(302, b"", headers=(("Location", "http://example.com/attic"),))


def _file() -> Response:
    return Response(302, b"", headers=(("Location", "file:///etc/passwd"),))


def _status() -> Response:
    return Response(200, script=Script(b"HTTP/9.9 abc nonsense\r\n\r\n<html></html>"))


def _picture() -> Response:
    return Response(200, b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 200)


def _cookies() -> Response:
    crumbs = tuple(("Set-Cookie", f"crumb{n}={'c' * 200}; Path=/attic") for n in range(200))
    return Response(200, b"<html><body>cookies for everybody</body></html>", headers=crumbs)


HOSTILE: dict[str, Callable[[], Response]] = {
    "bomb": _bomb,
    "endless": _endless,
    "drip": _drip,
    "header-flood": _header_flood,
    "long-header": _long_header,
    "nested": _nested,
    "loop": _loop,
    "leave": _leave,
    "file": _file,
    "status": _status,
    "picture": _picture,
    "cookies": _cookies,
}

hostile_links = " ".join(f'<a href="/attic/{name}">{name}</a>' for name in HOSTILE)


def answer_hostile(request: Request) -> tuple[Response, str] | None:
    """The answer and its name; None when the path is not in the attic."""
    if not request.path.startswith("/attic/"):
        return None
    name = request.path.removeprefix("/attic/")
    maker = HOSTILE.get(name)
    return (maker(), name) if maker is not None else None
