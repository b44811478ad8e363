"""What every site of the lab has in common on the wire, and small tools for writing HTML: BaseSite, route, esc, tricky,
paragraphs, page_count, invent_onion, ASSETS.

Only the plumbing is shared. What a visitor sees, words and markup, is each site's own.
"""

from __future__ import annotations

import base64
import hashlib
import html
import random
import re
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from lab.wire import Request, Response

Handler = Callable[[Any, Request, "re.Match[str]"], Response]

_PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR42mO4AQAA2gDZvcV+FQAAAABJRU5ErkJggg=="
)
_EMPTY_ZIP = b"PK\x05\x06" + b"\0" * 18

ASSETS: dict[str, tuple[str, bytes]] = {
    ".png": ("image/png", _PIXEL),
    ".jpg": ("image/png", _PIXEL),
    ".ico": ("image/x-icon", _PIXEL),
    ".css": ("text/css", b"body { font-family: sans-serif }\n"),
    ".js": ("application/javascript", b"document.title = 'a script ran';\n"),
    ".zip": ("application/zip", _EMPTY_ZIP),
}
"""What the sites hold besides pages, by ending: a crawler that reads text only asks for none of it."""


def route(pattern: str) -> Callable[[Handler], Handler]:
    """Marks a method as the one that answers paths of this form (the whole path must match)."""

    def mark(handler: Handler) -> Handler:
        handler.pattern = re.compile(pattern, re.ASCII)  # type: ignore[attr-defined]
        return handler

    return mark


class BaseSite:
    """Routing, session cookies, assets and errors. A site adds its routes and `not_found`."""

    name: str
    title: str
    start: ClassVar[tuple[str, ...]] = ("/",)
    kinds: ClassVar[Mapping[str, tuple[str, ...]]]
    skip: ClassVar[tuple[str, ...]]
    cookie: ClassVar[str]
    gzip: ClassVar[bool] = False
    _routes: ClassVar[tuple[tuple[re.Pattern[str], Handler], ...]] = ()

    def __init__(self, *, seed: int) -> None:
        self.seed = seed
        self.onion = f"{self.name}.invalid"
        self.foreign = invent_onion(f"{seed}/{self.name}/foreign")
        self._visitors = 0

    def __init_subclass__(cls) -> None:
        found = [handler for handler in vars(cls).values() if hasattr(handler, "pattern")]
        cls._routes = tuple((handler.pattern, handler) for handler in found)

    def respond(self, request: Request) -> Response:
        """The answer to any request."""
        if request.method not in ("GET", "HEAD"):
            return self.page("<p>405</p>", status=405)
        ending = request.path[request.path.rfind(".") :]
        if ending in ASSETS and "/" not in ending:
            content_type, body = ASSETS[ending]
            return Response(200, body, content_type)
        for pattern, handler in self._routes:
            match = pattern.fullmatch(request.path)
            if match is not None:
                return self._greet(request, handler(self, request, match))
        return self._greet(request, self.not_found())

    def not_found(self) -> Response:
        raise NotImplementedError

    def page(self, text: str, *, status: int = 200, delay: float = 0.0) -> Response:
        """A page of this site."""
        return Response(status, text.encode("utf-8"), delay=delay, gzip=self.gzip)

    def redirect(self, target: str, *, status: int = 302) -> Response:
        """Sends the visitor elsewhere."""
        body = f"<!DOCTYPE html>\n<html lang='en'><head><title>{status}</title></head><body></body></html>"
        return Response(status, body.encode(), headers=(("Location", target),))

    def _greet(self, request: Request, response: Response) -> Response:
        """A session cookie for who has none."""
        if self.cookie in request.cookies:
            return response
        self._visitors += 1
        value = hashlib.sha256(f"{self.seed}/{self.name}/{self._visitors}".encode()).hexdigest()[:32]
        crumb = ("Set-Cookie", f"{self.cookie}={value}; Path=/; HttpOnly")
        return Response(
            response.status,
            response.body,
            response.content_type,
            (*response.headers, crumb),
            response.delay,
            response.gzip,
        )


def esc(text: object) -> str:
    """Text as HTML text or attribute."""
    return html.escape(str(text))


def paragraphs(text: str, *, tricks: random.Random | None = None) -> str:
    """Text with its paragraphs as <p>."""
    return "".join(f"<p>{tricky(part, tricks)}</p>\n" for part in text.split("\n\n"))


def tricky(text: str, rng: random.Random | None) -> str:
    """Text as HTML that reads the same but is not the same: break hints, empty tags and entities inside of words."""
    if rng is None:
        return esc(text)
    words = text.split(" ")
    chosen = set(rng.sample(range(len(words)), k=min(len(words), 4)))
    return " ".join(_hide(word, rng) if place in chosen else esc(word) for place, word in enumerate(words))


def _hide(word: str, rng: random.Random) -> str:
    if len(word) < 5 or not word.isalpha():
        return esc(word)
    cut = rng.randint(1, len(word) - 2)
    before, after = esc(word[:cut]), esc(word[cut:])
    return rng.choice(
        (
            f"{before}<wbr>{after}",
            f"{before}<b></b>{after}",
            f"{before}<!-- x -->{after}",
            f"{before}&#{ord(word[cut])};{esc(word[cut + 1 :])}",
        )
    )


def page_count(items: int, per_page: int) -> int:
    """How many pages a list needs; an empty one needs one."""
    return max(1, -(-items // per_page))


def read_page_number(text: str | None, *, last: int) -> int | None:
    """The page asked for, 1 when none was; None when there is no such page."""
    if text is None:
        return 1
    if re.fullmatch(r"[0-9]{1,7}", text) is None or not 1 <= int(text) <= last:
        return None
    return int(text)


def invent_onion(name: str) -> str:
    """A well-formed v3 address, checksum and all, that nobody has."""
    key = hashlib.sha256(name.encode()).digest()
    checksum = hashlib.sha3_256(b".onion checksum" + key + b"\x03").digest()[:2]
    return base64.b32encode(key + checksum + b"\x03").decode().lower() + ".onion"
