"""Reads the cookies that a person takes over from a browser, and keeps those of one site only.

Public names: read_cookies, Jar, BrowserCookie, JarError, MAX_TEXT.

Understood are cookies.txt (Netscape's format, as curl and browser extensions write it), JSON (a list of cookies as
Cookie-Editor and EditThisCookie export it, Playwright's storage_state, or {"name": "value"}), and `name=value; other=value`
as typed or copied from a Cookie header. What is wrong is said by its place and never by its content: a value is a secret.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from crawler.errors import JarError

__all__ = ["MAX_TEXT", "BrowserCookie", "Jar", "JarError", "read_cookies"]

MAX_TEXT = 5_000_000
"""Bytes of a file: the cookies.txt of a whole browser may be taken, since other sites' cookies are left out."""
MAX_LINES = 50_000
MAX_COOKIES = 100
MAX_COOKIE = 4096
"""Bytes of one cookie's name and value (RFC 6265, 6.1)."""
MAX_HEADER = 8 * 1024
"""Bytes of all of them in one header; crawler.cookies drops what is more."""

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}")
_VALUE = re.compile(r"[\x20-\x3a\x3c-\x7e]*")
"""No control character and no semicolon: a line break in a value would be a header of its own."""
_LARGEST = datetime(9999, 1, 1, tzinfo=UTC).timestamp()


@dataclass(frozen=True)
class BrowserCookie:
    """One cookie. host: the onion it is for, "" when not said. expires: seconds since 1970, None with the session."""

    name: str
    value: str
    path: str = "/"
    secure: bool = False
    expires: float | None = None
    host: str = ""

    def plain(self) -> dict[str, Any]:
        """As the vault seals it."""
        return {
            "name": self.name,
            "value": self.value,
            "path": self.path,
            "secure": self.secure,
            "expires": self.expires,
        }

    def __repr__(self) -> str:
        # A traceback or a log line must not show what this is about.
        return "BrowserCookie(...)"


@dataclass(frozen=True)
class Jar:
    """The site's cookies, and how many were left out: other sites' ones, and those whose time is over."""

    cookies: tuple[BrowserCookie, ...]
    foreign: int = 0
    expired: int = 0

    @property
    def expires(self) -> float | None:
        """When the first of those that have an end ends."""
        return min((each.expires for each in self.cookies if each.expires is not None), default=None)


def read_cookies(text: str | bytes, *, onions: Sequence[str], now: datetime) -> Jar:
    """The cookies in what a person pasted or in a file's bytes, for a site with these onions. JarError in plain words."""
    plain = _decode(text)
    if not plain.strip():
        raise JarError("There is nothing in it: no cookie was found.")
    found = list(_read(plain))
    if not found:
        raise JarError("No cookie was found in it. Wanted: a cookies.txt, a JSON export, or name=value.")
    mine = [each for each in found if _fits(each.host, onions)]
    live = [each for each in mine if each.expires is None or each.expires > now.timestamp()]
    # The last one of a name and path wins, as in a browser.
    kept = tuple({(each.name, each.path): each for each in live}.values())
    jar = Jar(kept, foreign=len(found) - len(mine), expired=len(mine) - len(live))
    if not kept:
        if jar.expired:
            raise JarError(
                f"The time of all {jar.expired} cookies of this site is over. Open the site in the browser again, and "
                "export them right after."
            )
        raise JarError(
            f"None of the {jar.foreign} cookies in it is for an address of this site. Was the right site open in the "
            "browser, at one of the addresses in its site file?"
        )
    if len(kept) > MAX_COOKIES:
        raise JarError(f"It has {len(kept)} cookies for this site; more than {MAX_COOKIES} no session needs.")
    if sum(len(each.name) + len(each.value) + 3 for each in kept) > MAX_HEADER:
        raise JarError(
            f"The cookies of this site are together longer than {MAX_HEADER} bytes, more than a crawl sends."
        )
    return jar


def _decode(text: str | bytes) -> str:
    if len(text) > MAX_TEXT:
        raise JarError(f"This is larger than {MAX_TEXT:,} bytes: no file of cookies is.")
    if isinstance(text, bytes):
        try:
            text = text.decode("utf-16" if text[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
        except UnicodeDecodeError:
            # Not chained: the error carries the bytes.
            raise JarError(
                "This is no text: save the cookies as cookies.txt or JSON, not as a database."
            ) from None
    return text.removeprefix("\ufeff")


def _read(text: str) -> Iterator[BrowserCookie]:
    start = text.lstrip()[:1]
    if start in ("{", "["):
        yield from _read_json(text)
        return
    lines = text.splitlines()
    if len(lines) > MAX_LINES:
        raise JarError(f"It has more than {MAX_LINES:,} lines: no file of cookies has.")
    if any(line.count("\t") >= 5 for line in lines):
        yield from _read_netscape(lines)
    elif all(line.lstrip().startswith("#") or not line.strip() for line in lines):
        return
    else:
        yield from _read_header(lines)


def _read_netscape(lines: Iterable[str]) -> Iterator[BrowserCookie]:
    """domain, with subdomains?, path, secure?, expires, name, value; tabs between. `#HttpOnly_` begins a cookie."""
    for number, raw in enumerate(lines, 1):
        line = raw.strip("\r\n").removeprefix("#HttpOnly_")
        if not line.strip() or line.startswith("#"):
            continue
        where = f"Line {number}"
        fields = line.split("\t")
        if len(fields) == 6:
            fields.append("")  # some writers leave an empty value away
        if len(fields) != 7:
            raise JarError(f"{where} is no line of a cookies.txt: it needs 7 fields with tabs between them.")
        host, _, path, secure, expires, name, value = fields
        yield _make(
            where,
            host=host,
            path=path,
            secure=secure.strip().upper() == "TRUE",
            # 0 is how the format writes "with the session".
            expires=_read_time(where, expires.strip() or "0") or None,
            name=name,
            value=value,
        )


def _read_json(text: str) -> Iterator[BrowserCookie]:
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        raise JarError("This begins like JSON and is none: was it copied as a whole?") from None
    if isinstance(values, dict) and isinstance(values.get("cookies"), list):
        values = values["cookies"]
    if isinstance(values, dict):
        for number, (name, value) in enumerate(values.items(), 1):
            if not isinstance(value, str):
                raise JarError(f"Cookie {number}: its value must be a text.")
            yield _make(f"Cookie {number}", name=name, value=value)
        return
    if len(values) > MAX_LINES:
        raise JarError(f"It has more than {MAX_LINES:,} cookies: no browser keeps so many.")
    for number, each in enumerate(values, 1):
        where = f"Cookie {number}"
        if not isinstance(each, dict):
            raise JarError(f"{where} is no cookie: an object with name and value is wanted.")
        name, value = each.get("name"), each.get("value")
        if not isinstance(name, str) or not isinstance(value, str):
            raise JarError(f"{where} has no name or no value.")
        expires = next(
            (each[key] for key in ("expirationDate", "expires") if each.get(key) is not None), None
        )
        host, path = each.get("domain", ""), each.get("path") or "/"
        if not isinstance(host, str) or not isinstance(path, str):
            raise JarError(f"{where}: its domain and path must be texts.")
        lasting = None if expires in (-1, 0, "") else expires
        yield _make(
            where,
            host=host,
            path=path,
            secure=each.get("secure") is True,
            expires=None if lasting is None else _read_time(where, lasting),
            name=name,
            value=value,
        )


def _read_header(lines: Iterable[str]) -> Iterator[BrowserCookie]:
    number = 0
    for line in lines:
        text = re.sub(r"^\s*(?:set-)?cookie\s*:\s*", "", line, flags=re.IGNORECASE)
        is_set = re.match(r"\s*set-cookie\s*:", line, flags=re.IGNORECASE) is not None
        # After the first pair a Set-Cookie line has attributes, which are no cookies.
        pairs = text.split(";", 1)[:1] if is_set else text.split(";", MAX_LINES)
        for pair in pairs:
            if not pair.strip():
                continue
            number += 1
            name, is_pair, value = pair.strip().partition("=")
            if not is_pair:
                raise JarError(f"Cookie {number} is not of the form name=value.")
            yield _make(f"Cookie {number}", name=name, value=value)


def _make(
    where: str,
    *,
    name: str,
    value: str,
    host: str = "",
    path: str = "/",
    secure: bool = False,
    expires: float | None = None,
) -> BrowserCookie:
    name, value = name.strip(), value.strip()
    if not _NAME.fullmatch(name):
        raise JarError(f"{where} has a name that no cookie may have (letters, digits and -_. are usual).")
    if not _VALUE.fullmatch(value):
        raise JarError(
            f"{where} has a character in its value that no cookie may have: was it copied as a whole?"
        )
    if len(name) + len(value) > MAX_COOKIE:
        raise JarError(f"{where} is longer than {MAX_COOKIE} bytes, which no browser keeps.")
    path = path.strip()
    if not path.startswith("/") or len(path) > 1024 or not path.isprintable() or ";" in path:
        path = "/"  # as a browser does (RFC 6265, 5.2.4)
    return BrowserCookie(name, value, path, secure, expires, host.strip().lower().lstrip("."))


def _read_time(where: str, value: object) -> float:
    """Seconds since 1970. A time beyond all calendars (0x7fff...) is the last one."""
    try:
        if isinstance(value, str) and not re.fullmatch(r"-?\d{1,20}(\.\d{1,20})?", value):
            then = datetime.fromisoformat(value)
            seconds = (then if then.tzinfo else then.replace(tzinfo=UTC)).timestamp()
        elif isinstance(value, str | int | float) and not isinstance(value, bool):
            seconds = float(value)
        else:
            raise ValueError
    except (ValueError, OverflowError, OSError):
        raise JarError(f"{where}: its time of expiry cannot be read.") from None
    if math.isnan(seconds):
        raise JarError(f"{where}: its time of expiry cannot be read.")
    if seconds > 100_000_000_000:  # some tools count milliseconds
        seconds /= 1000
    return min(seconds, _LARGEST)


def _fits(host: str, onions: Sequence[str]) -> bool:
    """Is a cookie of this host one of the site? A subdomain of its onion is a host of its own, and no address of it."""
    return not host or host.partition(":")[0] in onions
