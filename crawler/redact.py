"""Takes secrets out of what is about to be written to a log, in whatever field, nesting or text they stand.

Public names: redact, redact_text.

What never passes: cookies, passwords (of database addresses too), tokens, isolation names, keys, PGP blocks, wallets,
session ids. Onions are defanged. Rather too much is taken out than too little; every value is cut at a bound.
"""

from __future__ import annotations

import re
from collections.abc import MutableMapping
from itertools import islice
from typing import Any

_HIDDEN = "[redacted]"
_MAX_TEXT = 20_000
_MAX_PARTS = 200
_MAX_DEPTH = 5
_SECRET_KEYS = re.compile(
    r"passw|passphrase|cookie|authori[sz]ation|credential|secret|private|isolation|socks_(?:user|pass)|session|"
    r"token|api_?key|wallet",
    re.IGNORECASE,
)
# A value in quotes may hold spaces and escaped quotes; where its end is not found, the rest of the line goes.
_VALUE = r"(?:\\{0,4}'(?:\\.|[^'\\\n])*|\\{0,4}\"(?:\\.|[^\"\\\n])*|[^\s&]+)"
_EDGE = r"(?<![A-Za-z0-9])"
_END = r"(?![A-Za-z0-9])"
_BASE58 = "[1-9A-HJ-NP-Za-km-z]"
_SHORT = 16
"""A name (letters, digits, _) of fewer characters holds nothing that a pattern finds."""
_PATTERNS = (
    (re.compile(r"-----BEGIN (?:PGP|[A-Z ]{0,20}PRIVATE KEY).*?(?:-----END [A-Z ]{0,40}-----|\Z)", re.DOTALL), _HIDDEN),
    (re.compile(r"\b(ED25519-V3|x25519|descriptor:x25519):[A-Za-z0-9+/=:]+"), rf"\1:{_HIDDEN}"),
    (re.compile(r"AGE-SECRET-KEY-1[A-Z0-9]*", re.IGNORECASE), _HIDDEN),
    (re.compile(r"((?:set-)?cookie2?|(?:proxy-)?authorization)(\\{0,4}['\"]?\s{0,5}[:=,]\s{0,5})[^\r\n]+", re.IGNORECASE), rf"\1\2{_HIDDEN}"),
    (re.compile(r"\b(AUTHENTICATE|Bearer|Basic)[ \t]+[^\r\n]+"), rf"\1 {_HIDDEN}"),
    (re.compile(rf"(passw(?:or)?d|passphrase|(?<![a-z])pass|secret|api_?key|token|credentials?|isolation|socks_user)([\w.-]{{0,40}}\\{{0,4}}['\"]?\s{{0,5}}[:=]\s{{0,5}}){_VALUE}", re.IGNORECASE), rf"\1\2{_HIDDEN}"),
    (re.compile(r"([?&;](?:phpsessid|jsessionid|sid|session_?id|auth|key)=)[^&\s'\"]+", re.IGNORECASE), rf"\1{_HIDDEN}"),
    # Up to the last @ of the word: a password may hold any of :/@ itself.
    (re.compile(r"://\S{0,2000}@"), f"://{_HIDDEN}@"),
    (re.compile(rf"{_EDGE}([a-z2-7]{{56}}|[a-z2-7]{{16}})\.onion\b", re.IGNORECASE), r"\1[.]onion"),
    (re.compile(rf"{_EDGE}(?:bc|tb|ltc)1[a-z0-9]{{20,90}}{_END}", re.IGNORECASE), _HIDDEN),
    (re.compile(rf"{_EDGE}0x[0-9a-f]{{40}}{_END}", re.IGNORECASE), _HIDDEN),
    (re.compile(rf"{_EDGE}[48]{_BASE58}{{94,105}}{_END}"), _HIDDEN),
    (re.compile(rf"{_EDGE}(?=[A-Za-z]*\d)(?=[^A-Z]*[A-Z])(?=[^a-z]*[a-z])[123LMDn]{_BASE58}{{25,34}}{_END}"), _HIDDEN),
)  # fmt: skip


def redact(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: the event without secrets, whatever field or text they stand in."""
    cleaned: dict[str, Any] = _clean(dict(event), 0)
    return cleaned


def redact_text(text: str) -> str:
    """A text without secrets, cut at its bound."""
    if len(text) < _SHORT and text.isidentifier():
        return text  # nearly every name and half of the values of a page's line
    if len(text) > _MAX_TEXT:
        # Not in the middle of a word: half an address or password has a shape that no pattern knows.
        kept = text[:_MAX_TEXT].rsplit(maxsplit=1)
        text = f"{kept[0] if len(kept) > 1 else ''} [cut: {len(text):,} characters]"
    for pattern, instead in _PATTERNS:
        text = pattern.sub(instead, text)
    return text


def _clean(value: Any, depth: int) -> Any:
    if value is None or isinstance(value, (bool, float)):
        return value
    if isinstance(value, int):
        return value if abs(value) < 1 << 64 else "[a number]"
    if isinstance(value, (bytes, bytearray)):
        return redact_text(bytes(value[: 4 * _MAX_TEXT]).decode("utf-8", "replace"))
    if isinstance(value, str):
        return redact_text(value)
    if depth > _MAX_DEPTH:
        return "..."
    if isinstance(value, dict):
        return {
            redact_text(_name(key)): _HIDDEN if _SECRET_KEYS.search(_name(key)) else _clean(each, depth + 1)
            for key, each in islice(value.items(), _MAX_PARTS)
        }
    if isinstance(value, (list, tuple)) and len(value) == 2 and _is_secret_name(value[0]):
        return [_clean(value[0], depth + 1), _HIDDEN]  # a header, as [name, value]
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_clean(each, depth + 1) for each in islice(value, _MAX_PARTS)]
    return redact_text(str(value))


def _name(key: Any) -> str:
    return key.decode("utf-8", "replace") if isinstance(key, bytes) else str(key)


def _is_secret_name(value: Any) -> bool:
    return isinstance(value, (str, bytes)) and len(value) < 60 and bool(_SECRET_KEYS.search(_name(value)))
