"""Takes the values of cookies out of headers before they are stored: a page must not hold the session it was read with.

Public names: mask_cookies.

What stays: the cookies' names, their attributes, and a mark by which one sees, within one crawl process, that two pages
carried the same value. The mark is made with a secret that nobody keeps, so a value (an account's name may be one)
cannot be found by trying.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets

from crawler.wire import RawHeaders

_SECRET = secrets.token_bytes(32)
_MAX_COOKIES = 200
_MAX_NAME = 64
_ATTRIBUTE = re.compile(
    r"(?:secure|httponly|partitioned|samesite=(?:strict|lax|none)|max-age=-?\d{1,12}|"
    r"(?:path|domain)=[A-Za-z0-9/._~-]{0,100}|expires=[A-Za-z0-9,: -]{0,40})",
    re.IGNORECASE,
)


def mask_cookies(headers: RawHeaders, *, secret: bytes = _SECRET) -> RawHeaders:
    """The same headers, with each value in Cookie and Set-Cookie replaced by `*` and 8 hex digits."""
    return tuple((name, _mask(name.strip().lower(), value, secret)) for name, value in headers)


def _mask(name: str, value: str, secret: bytes) -> str:
    if name == "cookie":
        pairs = value.split(";", _MAX_COOKIES)
        return "; ".join(_mask_pair(pair, secret) for pair in pairs[:_MAX_COOKIES])
    if name in ("set-cookie", "set-cookie2"):
        pair, *attributes = value.split(";", 20)
        kept = [each.strip() for each in attributes if _ATTRIBUTE.fullmatch(each.strip())]
        return "; ".join([_mask_pair(pair, secret), *kept])
    return value


def _mask_pair(pair: str, secret: bytes) -> str:
    name, is_pair, value = pair.strip().partition("=")
    if not is_pair:
        # A value without a name, as RFC 6265bis has it.
        name, value = "", name
    mark = hmac.new(secret, value.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:8]
    return f"{name.strip()[:_MAX_NAME]}=*{mark}" if value else f"{name.strip()[:_MAX_NAME]}="
