"""OpenPGP keys in a text: blocks as people paste them, and fingerprints written out.

Public names: find_keys, hide_armour, read_key_block, Key, MAX_BLOCK, MAX_BLOCKS.

A pasted block has seen a lot: lines joined or doubled, spaces, quote marks, dashes escaped (RFC 9580, 7.2) or turned
into long ones, its end cut off. What makes a key sure is its own signature or the checksum of its armour; a key that has
neither is no key, and the block is named by the hash of its text.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from pysequoia import Cert
from pysequoia.packet import PacketPile, Tag

from crawler.contact import Contact

MAX_BLOCK = 100_000
"""Characters of one block that are looked at."""
MAX_BLOCKS = 10
_MOST_NAMES = 10
_NAME_LENGTH = 200

_DASH = "[-\u2013\u2014\u2015]{2,5}"
_ANY = re.compile(rf"{_DASH}\s?BEGIN PGP", re.IGNORECASE)
_BEGIN = re.compile(rf"(?:- )?{_DASH}\s?BEGIN PGP PUBLIC KEY BLOCK\s?{_DASH}", re.IGNORECASE)
_END = re.compile(rf"(?:- )?{_DASH}\s?END PGP PUBLIC KEY BLOCK\s?{_DASH}", re.IGNORECASE)
_OTHER_BEGIN = re.compile(
    rf"{_DASH}\s?BEGIN PGP (MESSAGE|SIGNATURE|PRIVATE KEY BLOCK)\s?{_DASH}", re.IGNORECASE
)
_LINE = re.compile(r"\r\n|[\r\n\u0085\u2028\u2029\v\f]")
_QUOTED = re.compile(r"^[\s>|]+|^- (?=-)|\s+$")
_DATA = re.compile(r"[A-Za-z0-9+/]+={0,2}")
_CHECK = re.compile(r"=([A-Za-z0-9+/]{4})$")
_FIRST = re.compile(r"[lmx][A-Za-z0-9+/]{39}")
_OPEN_LINE = re.compile(
    r"[ \t>|]*(?:[A-Za-z-]{1,20}: [^\r\n]{0,200}|[A-Za-z0-9+/=]{0,200})[ \t]*(?:\r\n|[\r\n]|$)"
)
_LAST_LINE = re.compile(r"[ \t>|]*=[A-Za-z0-9+/]{4}[ \t]*(?:\r\n|[\r\n]|$)")
_GROUPS = re.compile(
    r"(?<![0-9A-Za-z])([0-9A-F]{4}(?:[ \u00a0]{1,3}[0-9A-F]{4}){9}|[0-9a-f]{4}(?:[ \u00a0]{1,3}[0-9a-f]{4}){9})(?![0-9A-Za-z])"
)
_BARE = re.compile(r"(?<![0-9A-Za-z])(?:0x)?([0-9A-Fa-f]{40})(?![0-9A-Za-z])")
_CUE = re.compile(
    r"pgp|gpg|fingerprint|finger print|fpr|openpgp|отпечат|ключ|指纹|指紋|公钥|公鑰|핑거프린트|بصمة|empreinte|huella|fingerabdruck|"
    r"impronta|vingerafdruk|odcisk|parmak izi|vân tay|ลายนิ้วมือ|key id|public key",
    re.IGNORECASE,
)
_BEFORE = 60
_LONG = re.compile(r"[0-9A-Fa-f]{40}")


@dataclass(frozen=True)
class Key:
    """One key of a block. user_ids: names it gives itself; proven: signed by the key itself.

    valid: its own signature, or the checksum of the armour that it came in, proves that no letter was lost.
    """

    fingerprint: str
    user_ids: tuple[str, ...]
    proven: bool
    valid: bool

    @property
    def key_id(self) -> str:
        """The 16 figures that software shows: the last of a fingerprint of version 4, the first of version 6."""
        return self.fingerprint[-16:] if len(self.fingerprint) == 40 else self.fingerprint[:16]


def find_keys(text: str) -> Iterator[Contact]:
    """Keys in blocks, and fingerprints in the text outside of them."""
    for start, end in _find_blocks(text) if _ANY.search(text) else ():
        yield from _judge_block(text, start, end)
    outside = hide_armour(text)
    patterns = [(_GROUPS, False)] + ([(_BARE, True)] if _LONG.search(outside) else [])
    for pattern, needs_cue in patterns:
        for match in pattern.finditer(outside):
            # Forty figures may be any hash; in groups of four people write fingerprints only.
            if not needs_cue or _CUE.search(outside, max(0, match.start() - _BEFORE), match.start()):
                value = "".join(match[1].split()).upper()
                if not value.isdigit():
                    yield Contact("pgp", value, False, *match.span(1), {"key_id": value[-16:]})


def hide_armour(text: str) -> str:
    """The text with blocks of keys, signatures and messages turned into spaces: they are full of accidental words."""
    if _ANY.search(text) is None:
        return text
    spans = _find_blocks(text)
    unclosed: set[str] = set()
    for count, match in enumerate(_OTHER_BEGIN.finditer(text)):
        if count >= 5 * MAX_BLOCKS:
            break
        kind = match[1].upper()
        if kind in unclosed:
            continue
        closing = re.compile(rf"{_DASH}\s?END PGP {kind}\s?{_DASH}", re.IGNORECASE)
        last = closing.search(text, match.end(), match.end() + MAX_BLOCK)
        if last is None:
            unclosed.add(kind)
        else:
            spans.append((match.start(), last.end()))
    pieces, done = [], 0
    for start, end in sorted(spans):
        if start >= done:
            pieces += [text[done:start], " " * (end - start)]
            done = end
    return "".join([*pieces, text[done:]])


def read_key_block(block: str) -> tuple[Key, ...]:
    """The keys of what stands between the two dashed lines; empty when it gives none that can be proven."""
    lines = [_QUOTED.sub("", line) for line in _LINE.split(block[:MAX_BLOCK])]
    whole = "".join(line for line in lines if ":" not in line)
    candidates = ["".join(whole.split())]
    # All on one line: the data begins at the first long word that can be the beginning of a key.
    words = block[:MAX_BLOCK].split()
    first = next((place for place, word in enumerate(words) if _FIRST.match(word)), None)
    if first is not None:
        candidates.append("".join(words[first:]))
    for candidate in dict.fromkeys(candidates):
        keys = _decode(candidate)
        if keys:
            return keys
    return ()


def _find_blocks(text: str) -> list[tuple[int, int]]:
    """(start, end) of the blocks with their dashed lines; one without its end goes as far as its data does."""
    spans: list[tuple[int, int]] = []
    place = 0
    while len(spans) < MAX_BLOCKS and (begin := _BEGIN.search(text, place)) is not None:
        end = _END.search(text, begin.end(), begin.end() + MAX_BLOCK)
        another = _BEGIN.search(text, begin.end(), begin.end() + MAX_BLOCK if end is None else end.start())
        if end is None or another is not None:
            place = _find_open_end(text, begin.end(), len(text) if another is None else another.start())
        else:
            place = end.end()
        spans.append((begin.start(), place))
    return spans


def _find_open_end(text: str, place: int, most: int) -> int:
    """Where a block that nobody closed ends: with the line of its checksum, or before the first line of other things."""
    most = min(most, place + MAX_BLOCK)
    while place < most:
        last = _LAST_LINE.match(text, place, most)
        if last is not None:
            return last.end()
        line = _OPEN_LINE.match(text, place, most)
        if line is None or line.end() == place:
            break
        place = line.end()
    return place


def _judge_block(text: str, start: int, end: int) -> Iterator[Contact]:
    begin = _BEGIN.match(text, start)
    closing = _END.search(text, start, end)
    inner = text[start if begin is None else begin.end() : end if closing is None else closing.start()]
    keys = read_key_block(inner)
    for key in keys:
        yield Contact(
            "pgp",
            key.fingerprint,
            key.valid,
            start,
            end,
            {"key_id": key.key_id, "user_ids": key.user_ids, "proven": key.proven, "block": True},
        )
    squeezed = "".join(inner.split())
    if not keys and len(squeezed) >= 40:
        digest = hashlib.sha256(squeezed.encode("utf-8", "replace")).hexdigest()
        yield Contact("pgp", f"block:{digest}", False, start, end, {"block": True, "broken": True})


def _decode(data: str) -> tuple[Key, ...]:
    check = _CHECK.search(data)
    if check is not None:
        data = data[: check.start()]
    if _DATA.fullmatch(data) is None:
        return ()
    try:
        raw = base64.b64decode(data, validate=True)
        summed = check is not None and int.from_bytes(base64.b64decode(check[1]), "big") == _crc24(raw)
    except binascii.Error:
        return ()
    return _read_certs(raw, summed=summed, checked=check is not None)


def _read_certs(raw: bytes, *, summed: bool, checked: bool) -> tuple[Key, ...]:
    keys: list[Key] = []
    try:
        for cert in Cert.split_bytes(raw)[:MAX_BLOCKS]:
            names = _read_names(cert)
            # Without a checksum only a signature speaks for the key; one of old kind (SHA-1) is not believed.
            keys.append(Key(cert.fingerprint.upper(), names, bool(names), bool(names) or summed))
    except (RuntimeError, ValueError):
        keys = []
    if not keys and summed:
        keys = _read_packets(raw)
    elif summed and not all(key.user_ids for key in keys):
        claimed = {key.fingerprint: key.user_ids for key in _read_packets(raw)}
        keys = [
            key if key.user_ids else Key(key.fingerprint, claimed.get(key.fingerprint, ()), False, key.valid)
            for key in keys
        ]
    return tuple(key for key in keys if key.valid)


def _read_names(cert: Cert) -> tuple[str, ...]:
    try:
        return tuple(str(each)[:_NAME_LENGTH] for each in cert.user_ids[:_MOST_NAMES])
    except (RuntimeError, ValueError):
        return ()


def _read_packets(raw: bytes) -> list[Key]:
    """Keys that cannot be believed as a whole (revoked, an old kind of signature), out of armour whose checksum is right."""
    found: dict[str, list[str]] = {}
    current: list[str] = []
    try:
        for count, packet in enumerate(PacketPile.from_bytes(raw)):
            if count >= 2_000 or len(found) > MAX_BLOCKS:
                break
            if packet.tag == Tag.PublicKey and packet.fingerprint:
                current = found.setdefault(packet.fingerprint.upper(), [])
            elif packet.tag == Tag.UserID and packet.user_id and len(current) < _MOST_NAMES:
                current.append(packet.user_id[:_NAME_LENGTH])
    except (RuntimeError, ValueError):
        return []
    return [Key(fingerprint, tuple(names), False, True) for fingerprint, names in found.items()]


def _crc_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        value = byte << 16
        for _ in range(8):
            value = value << 1 ^ (0x1864CFB if value & 0x800000 else 0)
        table.append(value & 0xFFFFFF)
    return tuple(table)


_CRC_TABLE = _crc_table()


def _crc24(data: bytes) -> int:
    """The checksum of armour (RFC 9580, 6.1)."""
    value = 0xB704CE
    for byte in data:
        value = (value << 8 & 0xFFFFFF) ^ _CRC_TABLE[value >> 16 ^ byte]
    return value
