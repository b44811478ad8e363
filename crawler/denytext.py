"""What of a response a person could read, held against the deny list before anything of it is stored.

Public names: Denied, judge_response.

Looked at: the text of the page with its title, scripts and hidden parts too, what stands in title, alt, placeholder,
value and content attributes, words that inline tags cut in pieces, the header values, and the address. Not looked at: the
addresses of its links (those are refused one by one) and comments.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import unescape

from selectolax.lexbor import LexborHTMLParser

from crawler.charsets import MAX_BYTES, decode_body
from crawler.deny import DenyList
from crawler.markup import SAFE_SIZE, tame
from storage.encodings import decode_body as unpack
from storage.errors import BodyError

UNREAD = "could not be unpacked: only its hash was held against the deny list"
_READ = ("title", "alt", "placeholder", "value", "content", "aria-label", "summary", "label")
_SELECTOR = ", ".join(f"[{name}]" for name in _READ)
# Begins with a sign that can be searched for quickly; whether it stands inside a word is looked at afterwards.
_INLINE = re.compile(
    r"(?:</?(?:b|big|em|font|i|mark|s|small|span|strike|strong|sub|sup|tt|u|wbr)\b[^<>]{0,300}+>)++",
    re.IGNORECASE,
)
_PIECES = re.compile(rf"[^\s<>]++(?:{_INLINE.pattern}[^\s<>]++)++", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]*+>")


@dataclass(frozen=True)
class Denied:
    """rule: its name, or "" for what may be kept. sha256: of the body as received. unread: it could not be unpacked."""

    rule: str
    sha256: str = ""
    unread: bool = False
    version: str = ""
    """Of the list."""


def judge_response(
    deny: DenyList,
    *,
    url: str,
    headers: Sequence[tuple[str, str]],
    body: bytes | None,
    content_type: str,
    content_encoding: str,
    max_size: int,
) -> Denied:
    """Whether this response may be kept. `body` as received."""
    if not len(deny):
        return Denied("")
    sha256 = hashlib.sha256(body).hexdigest() if body else ""
    rule = _judge_headers(deny, url, headers)
    unread = False
    if not rule and body:
        try:
            plain = unpack(body, content_encoding, max_size=max_size)
        except BodyError:
            plain, unread = b"", True
        rule = deny.match_body(body, plain) or ""
        if not rule and plain:
            rule = deny.match_text(read_text(plain, content_type)) or ""
    return Denied(rule, sha256, unread, deny.version)


def read_text(plain: bytes, content_type: str) -> str:
    """Everything that a person could read in it, and more."""
    text, encoding, _ = decode_body(plain[:MAX_BYTES], content_type)
    if len(plain) > MAX_BYTES:
        text = plain.decode(encoding, "replace")
    if content_type.lower().startswith("text/plain"):
        return text
    parts = list(_mend(text))
    if len(text) > SAFE_SIZE or text.count("<") > 2_000:
        text, _ = tame(text)
    tree = LexborHTMLParser(text)
    if tree.root is not None:
        parts.append(tree.root.text(deep=True, separator=" "))
    for node in tree.css(_SELECTOR):
        attributes = node.attributes
        parts += [attributes.get(name) or "" for name in _READ if name in attributes]
    return "\n".join(parts)


def _mend(text: str) -> Iterator[str]:
    """The words that inline tags cut in pieces, whole."""
    at = 0
    for tags in _INLINE.finditer(text):
        if (
            tags.start() < at
            or not text[tags.start() - 1 : tags.start()].isalpha()
            or not text[tags.end() : tags.end() + 1].isalpha()
        ):
            continue
        before = text[max(at, tags.start() - 200) : tags.start()]
        start = tags.start() - len(before) + max(map(before.rfind, " \t\n\r>")) + 1
        if whole := _PIECES.match(text, start):
            at = whole.end()
            yield unescape(_TAG.sub("", whole[0]))


def _judge_headers(deny: DenyList, url: str, headers: Sequence[tuple[str, str]]) -> str:
    address = url.partition("://")[2].partition("/")[2]
    return deny.match_url(address) or deny.match_url("\n".join(value for _, value in headers)) or ""
