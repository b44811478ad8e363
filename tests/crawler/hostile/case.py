"""What one hostile case is, and the small words that the cases are written with.

Public names: Case, Asking, reply, page, raw, closing, drip, zipped, n, fill, flood, LAMP, MAX_BODY,
MAX_PLAIN.
"""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

Answer = bytes | Iterable[tuple[float, bytes]] | None
Asking = Callable[[Any], Answer]
"""What the invented site answers; it is given the stub's `Asked`."""

SCALE = float(os.environ.get("HOSTILE_SCALE", "1"))
MAX_BODY = 4 * 1024 * 1024
MAX_PLAIN = 16 * 1024 * 1024
"""The crawler's own bounds, written out: a bound that moves shall be seen here."""


LAMP = (
    "<html><head><title>Brass lamp</title></head><body><h1>Brass lamp</h1><p>Price: $ 20</p><p>An old lamp of brass, "
    "cleaned and in working order, with a new wick. It stands 30 cm high and comes well wrapped.</p></body></html>"
)
"""An honest page, to stand behind what is hostile."""


@dataclass(frozen=True)
class Case:
    """One hostile answer. name: also its address, /p/<name>. outcome: one of corpus.OUTCOMES.

    says: words that must stand in what the crawl or the reader noted of it (note, error, issue). slow: it costs the time
    bound of the site, so it runs in the crawl whose bound is short.
    """

    name: str
    what: str
    answer: Asking
    outcome: str = "kept"
    says: str = ""
    slow: bool = False


def reply(
    body: bytes | str = b"", *more: str, status: str = "200 OK", kind: str = "text/html; charset=utf-8"
) -> bytes:
    """A proper answer. `more`: further header lines. An empty `kind` leaves the type out."""
    if isinstance(body, str):
        body = body.encode("utf-8", "surrogatepass")
    lines = [f"HTTP/1.1 {status}"]
    if kind:
        lines.append(f"Content-Type: {kind}")
    lines += [f"Content-Length: {len(body)}", *more, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def page(body: bytes | str, *more: str, **how: str) -> Asking:
    """Always the same proper answer."""
    answer = reply(body, *more, **how)
    return lambda asked: answer


def raw(answer: bytes) -> Asking:
    """These very bytes; the connection stays open."""
    return lambda asked: answer


def closing(*parts: bytes) -> Asking:
    """These very bytes, and then the connection is closed."""

    def answer(asked: Any) -> Iterator[tuple[float, bytes]]:
        for part in parts:
            yield 0, part
        raise ConnectionError

    return answer


def drip(start: bytes, piece: bytes = b"x", *, every: float = 0.1) -> Asking:
    """A start, and then one piece after the other without end."""

    def answer(asked: Any) -> Iterator[tuple[float, bytes]]:
        yield 0, start
        while True:
            yield every, piece

    return answer


def flood(start: bytes, piece: bytes) -> Asking:
    """A start, and then as much as the client takes."""
    return drip(start, piece, every=0)


def zipped(make: Callable[[], bytes | str], *more: str, **how: str) -> Asking:
    """The page in gzip: what is large on arrival is cut off by its size, so the worst comes packed. Made when asked for."""

    def answer(asked: Any) -> bytes:
        body = make()
        plain = body if isinstance(body, bytes) else body.encode("utf-8", "surrogatepass")
        return reply(gzip.compress(plain, 1, mtime=0), "Content-Encoding: gzip", *more, **how)

    return answer


def n(count: int) -> int:
    """How many of something that takes the reader seconds: a test makes do with fewer, which a quadratic cost still shows."""
    return int(count * SCALE)


def fill(text: str, size: int) -> str:
    """`text` again and again, `size` characters in all."""
    size = n(size)
    return (text * (size // len(text) + 1))[:size]
