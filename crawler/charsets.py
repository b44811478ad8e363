"""Bytes -> text: in the encoding that they are in, whatever the page declares.

Public names: decode_body, MAX_BYTES.
"""

from __future__ import annotations

import codecs
import re

MAX_BYTES = 3_000_000
"""Of one body; what is beyond is cut off and noted."""

_CHARSET = re.compile(rb"charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]{2,40})", re.I)
_KNOWN_CHARSETS = frozenset(
    [
        "utf-8",
        "utf-16",
        "utf-16-le",
        "utf-16-be",
        "big5",
        "gbk",
        "gb18030",
        "gb2312",
        "euc_jp",
        "shift_jis",
        "euc_kr",
    ]
    + ["koi8-r", "koi8-u", "mac-roman", "tis-620", "iso2022_jp", "big5hkscs", "cp874", "cp932", "cp949"]
    + [f"cp125{n}" for n in range(9)]
    + [f"iso8859-{n}" for n in range(1, 17)]
)
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


def _codec(name: str) -> str:
    """The Python codec of a declared charset; "" for what is unknown or no text encoding of the web."""
    try:
        found = codecs.lookup(name.strip()).name
    except (LookupError, ValueError):
        return ""
    if found in ("iso8859-1", "ascii"):
        return "cp1252"  # as browsers do (WHATWG Encoding Standard)
    return found if found in _KNOWN_CHARSETS else ""


def decode_body(body: bytes, content_type: str = "") -> tuple[str, str, tuple[str, ...]]:
    """(text, encoding, notes). What is valid UTF-8 is UTF-8, whatever the page declares. Never raises."""
    notes: list[str] = []
    if len(body) > MAX_BYTES:
        notes.append("cut: body too large")
        body = body[:MAX_BYTES]
    for bom, name in _BOMS:
        if body.startswith(bom):
            return body[len(bom) :].decode(name, "replace"), name, tuple(notes)
    head = body[:512]
    if len(head) >= 16 and head.count(0) >= len(head) // 3:  # UTF-16 without a mark: every other byte is 0
        name = "utf-16-be" if head[0::2].count(0) > head[1::2].count(0) else "utf-16-le"
        return body.decode(name, "replace"), name, tuple(notes)
    try:
        return body.decode("utf-8"), "utf-8", tuple(notes)
    except UnicodeDecodeError as exc:
        if exc.reason == "unexpected end of data":  # cut in the middle of a character
            return body[: exc.start].decode("utf-8"), "utf-8", tuple(notes)
    text = body.decode("utf-8", "replace")
    bad = text.count("\ufffd")
    good = sum(1 for char in text[:200_000] if char > "\x7f") - min(bad, 200_000)
    if good > 3 * bad:
        notes.append("encoding: some bytes are not UTF-8")
        return text, "utf-8", tuple(notes)
    declared = [content_type.partition("charset=")[2].partition(";")[0].strip(" \"'")]
    declared += [match.decode("ascii") for match in _CHARSET.findall(body[:4096])]
    for name in filter(None, (_codec(name) for name in declared if name)):
        if name not in ("utf-8", "utf-16", "utf-16-le", "utf-16-be"):
            return body.decode(name, "replace"), name, tuple(notes)
    notes.append("encoding: not known, read as windows-1252")
    return body.decode("cp1252", "replace"), "cp1252", tuple(notes)
