"""Ways to reach or pay somebody, found in a text: wallets, onions, keys, handles, with checksums where they have one.

Public names: Contact, find_contacts, is_bitcoin, is_monero, is_onion.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from crawler.sites import is_onion

_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_MOST = 50
_LIMIT = 200_000

_ONION = re.compile(r"(?<![a-z2-7])([a-z2-7]{56}\.onion)\b", re.IGNORECASE)
_ONION_OLD = re.compile(r"(?<![a-z2-7])([a-z2-7]{16}\.onion)\b", re.IGNORECASE)
_BTC_OLD = re.compile(r"(?<![A-Za-z0-9])([13][1-9A-HJ-NP-Za-km-z]{25,34})(?![A-Za-z0-9])")
_BTC_NEW = re.compile(
    r"(?<![A-Za-z0-9])(bc1[02-9ac-hj-np-z]{11,71}|BC1[02-9AC-HJ-NP-Z]{11,71})(?![A-Za-z0-9])"
)
_XMR = re.compile(
    r"(?<![A-Za-z0-9])([48][1-9A-HJ-NP-Za-km-z]{94}(?:[1-9A-HJ-NP-Za-km-z]{11})?)(?![A-Za-z0-9])"
)
_MAIL = re.compile(
    r"(?<![\w.+-])([A-Za-z0-9][\w.+-]{0,63}@(?:[A-Za-z0-9-]{1,63}\.){1,4}[A-Za-z]{2,24})(?![\w-])"
)
_TELEGRAM_LINK = re.compile(r"\b(?:t\.me|telegram\.me)/([A-Za-z]\w{4,31})\b", re.IGNORECASE)
_NAMED = re.compile(
    r"\b(telegram|tg|wickr(?:\s?me)?|session|threema|signal|wechat|weixin|zalo|whatsapp|jabber|xmpp|tox|icq|element|matrix)\b"
    r"(?:\s+(?:id|handle|name|user|me|only|at|is))?\s*[:=@\-–]*\s*(@?[A-Za-z0-9][\w.@+-]{3,63}\w)",
    re.IGNORECASE,
)
_SESSION = re.compile(r"(?<![0-9a-f])(05[0-9a-f]{64})(?![0-9a-f])", re.IGNORECASE)
_TOX = re.compile(r"(?<![0-9A-F])([0-9A-F]{76})(?![0-9A-F])", re.IGNORECASE)
_FINGERPRINT = re.compile(
    r"(?<![0-9A-F])((?:[0-9A-F]{4} ?){5} ?(?:[0-9A-F]{4} ?){4}[0-9A-F]{4})(?![0-9A-F])", re.IGNORECASE
)
_PGP = re.compile(
    r"-----BEGIN PGP (?:PUBLIC KEY BLOCK)-----(.{40,20000}?)-----END PGP PUBLIC KEY BLOCK-----", re.DOTALL
)
_KIND = {
    "tg": "telegram",
    "weixin": "wechat",
    "xmpp": "jabber",
    "wickr me": "wickr",
    "wickrme": "wickr",
    "matrix": "element",
}
# Words that follow the name of a messenger in running text and are no handle.
_NO_HANDLE = frozenset(
    [
        "contact",
        "message",
        "only",
        "please",
        "channel",
        "group",
        "account",
        "accounts",
        "support",
        "available",
        "and",
    ]
).union(
    [
        "welcome",
        "with",
        "your",
        "here",
        "link",
        "name",
        "user",
        "username",
        "number",
        "private",
        "chat",
        "messenger",
    ]
)


@dataclass(frozen=True)
class Contact:
    """kind: btc, xmr, onion, pgp, email, telegram, session, wickr, jabber ... valid: a checksum proves it."""

    kind: str
    value: str
    valid: bool


def find_contacts(text: str) -> tuple[Contact, ...]:
    """All contacts of a text, each once, at most 50. A wallet whose checksum is wrong is left out: it is none."""
    text = text[:_LIMIT]
    found: dict[tuple[str, str], Contact] = {}

    def add(kind: str, value: str, valid: bool) -> None:
        if len(found) < _MOST:
            found.setdefault((kind, value), Contact(kind, value, valid))

    for match in _PGP.finditer(text):
        add("pgp", hashlib.sha256("".join(match[1].split()).encode()).hexdigest(), False)
    text = _PGP.sub(" ", text)  # the armour is full of accidental words
    for match in _ONION.finditer(text):
        onion = match[1].lower()
        add("onion", onion, is_onion(onion))
    for match in _ONION_OLD.finditer(text):
        add("onion", match[1].lower(), False)
    for pattern in (_BTC_OLD, _BTC_NEW):
        for match in pattern.finditer(text):
            if is_bitcoin(match[1]):
                add("btc", match[1] if match[1][0] in "13" else match[1].lower(), True)
    for match in _XMR.finditer(text):
        if is_monero(match[1]):
            add("xmr", match[1], True)
    for match in _SESSION.finditer(text):
        add("session", match[1].lower(), False)
    for match in _TOX.finditer(text):
        add("tox", match[1].upper(), _is_tox(match[1]))
    for match in _FINGERPRINT.finditer(text):
        add("pgp", match[1].replace(" ", "").upper(), False)
    for match in _NAMED.finditer(text):
        kind = match[1].lower()
        handle = match[2].strip("@.")
        if kind not in ("session", "tox") and _is_handle(handle, match[0], match[2]):
            add(_KIND.get(kind, kind), handle, False)
    for match in _TELEGRAM_LINK.finditer(text):
        add("telegram", match[1], False)
    for match in _MAIL.finditer(text):
        add("email", match[1].lower(), False)
    return tuple(found.values())


def _is_handle(handle: str, whole: str, given: str) -> bool:
    """A sign (":" or "@") before it, or a figure in it, tells a handle from the next word of a sentence."""
    if handle.lower() in _NO_HANDLE or len(handle) < 4:
        return False
    before = whole[: -len(given)].rstrip()
    return given[0] == "@" or before[-1:] in (":", "=", "@") or any(map(str.isdigit, handle)) or "@" in handle


# --- checksums ---


def _base58_decode(text: str) -> bytes | None:
    number = 0
    for char in text:
        digit = _BASE58.find(char)
        if digit < 0:
            return None
        number = number * 58 + digit
    zeros = len(text) - len(text.lstrip("1"))
    return b"\0" * zeros + number.to_bytes((number.bit_length() + 7) // 8, "big")


def is_bitcoin(address: str) -> bool:
    """Base58Check (P2PKH, P2SH), bech32 (BIP 173) or bech32m (BIP 350), each with its checksum, main net."""
    if address[:3].lower() == "bc1":
        return _is_bech32(address)
    raw = _base58_decode(address)
    if raw is None or len(raw) != 25 or raw[0] not in (0, 5):
        return False
    return hashlib.sha256(hashlib.sha256(raw[:21]).digest()).digest()[:4] == raw[21:]


def _polymod(values: list[int]) -> int:
    checksum = 1
    for value in values:
        top = checksum >> 25
        checksum = (checksum & 0x1FFFFFF) << 5 ^ value
        for index, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            checksum ^= generator if (top >> index) & 1 else 0
    return checksum


def _is_bech32(address: str) -> bool:
    if address not in (address.lower(), address.upper()) or len(address) > 90:
        return False
    data = [_BECH32.find(char) for char in address.lower()[3:]]
    if len(data) < 8 or min(data) < 0:
        return False
    checksum = _polymod([3, 3, 0, 2, 3, *data])  # "bc" spread out as BIP 173 says
    version, program = data[0], data[1:-6]
    size = len(program) * 5 // 8
    if version > 16 or not 2 <= size <= 40 or len(program) * 5 % 8 > 4:
        return False
    return checksum == 1 and size in (20, 32) if version == 0 else checksum == 0x2BC830A3


def is_monero(address: str) -> bool:
    """A main-net Monero address (standard, integrated or subaddress) with the right checksum.

    Monero writes base58 in blocks of 8 bytes as 11 letters; the checksum is the first four bytes of Keccak-256.
    """
    raw = b""
    for start in range(0, len(address), 11):
        block = address[start : start + 11]
        size = {11: 8, 7: 5}.get(len(block))
        number = 0
        for char in block:
            digit = _BASE58.find(char)
            if digit < 0:
                return False
            number = number * 58 + digit
        if size is None or number >= 1 << (8 * size):
            return False
        raw += number.to_bytes(size, "big")
    if len(raw) not in (69, 77) or raw[0] not in (18, 19, 42) or (len(raw) == 77) != (raw[0] == 19):
        return False
    return keccak256(raw[:-4])[:4] == raw[-4:]


def _is_tox(text: str) -> bool:
    raw = bytes.fromhex(text)
    even = odd = 0
    for index in range(0, 36, 2):
        even ^= raw[index]
        odd ^= raw[index + 1]
    return (even, odd) == (raw[36], raw[37])


_MASK = (1 << 64) - 1
_ROTATIONS = (
    (0, 36, 3, 41, 18),
    (1, 44, 10, 45, 2),
    (62, 6, 43, 15, 61),
    (28, 55, 25, 21, 56),
    (27, 20, 39, 8, 14),
)


def _rotate(value: int, count: int) -> int:
    return ((value << count) | (value >> (64 - count))) & _MASK


def _round_constants() -> list[int]:
    constants, register = [], 1
    for _ in range(24):
        constant = 0
        for bit in range(7):
            constant |= (register & 1) << ((1 << bit) - 1)
            register = (register << 1) ^ (0x171 if register >> 7 else 0)
        constants.append(constant)
    return constants


_CONSTANTS = _round_constants()


def keccak256(data: bytes) -> bytes:
    """Keccak-256 as Monero uses it: SHA-3 before its padding was changed, which hashlib does not have."""
    rate = 136
    padded = bytearray(data) + b"\x01" + b"\0" * (-(len(data) + 1) % rate)
    padded[-1] |= 0x80
    lanes = [[0] * 5 for _ in range(5)]
    for start in range(0, len(padded), rate):
        for index in range(rate // 8):
            block = padded[start + 8 * index : start + 8 * index + 8]
            lanes[index % 5][index // 5] ^= int.from_bytes(block, "little")
        _permute(lanes)
    return b"".join(lanes[index % 5][index // 5].to_bytes(8, "little") for index in range(4))


def _permute(lanes: list[list[int]]) -> None:
    for constant in _CONSTANTS:
        columns = [lane[0] ^ lane[1] ^ lane[2] ^ lane[3] ^ lane[4] for lane in lanes]
        for x in range(5):
            mixed = columns[x - 1] ^ _rotate(columns[(x + 1) % 5], 1)
            for y in range(5):
                lanes[x][y] ^= mixed
        moved = [[0] * 5 for _ in range(5)]
        for x in range(5):
            for y in range(5):
                moved[y][(2 * x + 3 * y) % 5] = _rotate(lanes[x][y], _ROTATIONS[x][y])
        for x in range(5):
            for y in range(5):
                lanes[x][y] = moved[x][y] ^ (~moved[(x + 1) % 5][y] & moved[(x + 2) % 5][y] & _MASK)
        lanes[0][0] ^= constant
