"""The alphabets and checksums that addresses are written in: base58check, Monero's base58, bech32, cashaddr, EIP-55.

Public names: read_base58check, read_monero58, write_monero58, read_bech32, read_cashaddr, check_eip55.

Sources: Bitcoin's base58check; BIP 173 and BIP 350 (bech32, bech32m); the CashAddr specification of Bitcoin Cash; EIP-55;
Monero's base58 (blocks of 8 bytes as 11 letters, checksum the first four bytes of Keccak-256).
"""

from __future__ import annotations

import hashlib

from crawler.keccak import keccak256

_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_DIGITS58 = {char: digit for digit, char in enumerate(_BASE58)}
_DIGITS32 = {char: digit for digit, char in enumerate("qpzry9x8gf2tvdw0s3jn54khce6mua7l")}
_BECH32 = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_CASH = (0x98F2BC8E61, 0x79B76D99E2, 0xF33E5FB3C4, 0xAE2EABE2A8, 0x1E4F43E470)
_BECH32M = 0x2BC830A3
_CASH_SIZES = (20, 24, 28, 32, 40, 48, 56, 64)
_BLOCKS = {11: 8, 7: 5}
"""Letters of a block of Monero's base58 and the bytes it holds; addresses end in a block of 7 or a whole one."""
PROVING_LETTERS = 10
"""Below this many letters in an Ethereum address the case of the letters proves too little (1 in 2 for each)."""


def read_base58check(text: str) -> tuple[int, bytes] | None:
    """(version, payload of 20 bytes), or None when it is none or its checksum is wrong."""
    number = 0
    for char in text:
        digit = _DIGITS58.get(char)
        if digit is None:
            return None
        number = number * 58 + digit
    zeros = len(text) - len(text.lstrip("1"))
    raw = b"\0" * zeros + number.to_bytes((number.bit_length() + 7) // 8, "big")
    if len(raw) != 25:
        return None
    if hashlib.sha256(hashlib.sha256(raw[:21]).digest()).digest()[:4] != raw[21:]:
        return None
    return raw[0], raw[1:21]


def read_monero58(text: str) -> bytes | None:
    """The bytes of an address of Monero without their checksum, or None when it is none or the checksum is wrong."""
    raw = b""
    for start in range(0, len(text), 11):
        block = text[start : start + 11]
        size = _BLOCKS.get(len(block))
        number = 0
        for char in block:
            digit = _DIGITS58.get(char)
            if digit is None:
                return None
            number = number * 58 + digit
        if size is None or number >= 1 << (8 * size):
            return None
        raw += number.to_bytes(size, "big")
    # The lengths first: hashing is the dear part.
    if len(raw) not in (69, 77) or keccak256(raw[:-4])[:4] != raw[-4:]:
        return None
    return raw[:-4]


def write_monero58(data: bytes) -> str:
    """An address of Monero with its checksum, from its network byte, keys and payment id."""
    raw = data + keccak256(data)[:4]
    text = ""
    for start in range(0, len(raw), 8):
        block = raw[start : start + 8]
        number = int.from_bytes(block, "big")
        letters = ""
        for _ in range(11 if len(block) == 8 else 7):
            number, rest = divmod(number, 58)
            letters = _BASE58[rest] + letters
        text += letters
    return text


def read_bech32(text: str, prefix: str) -> tuple[int, int] | None:
    """(witness version, bytes of its program), or None. Version 0 must be bech32, 1 to 16 bech32m."""
    if text not in (text.lower(), text.upper()) or len(text) > 90:
        return None
    lower = text.lower()
    if not lower.startswith(prefix + "1"):
        return None
    data = [_DIGITS32.get(char, -1) for char in lower[len(prefix) + 1 :]]
    if len(data) < 8 or min(data) < 0:
        return None
    spread = [ord(char) >> 5 for char in prefix] + [0] + [ord(char) & 31 for char in prefix]
    checksum = _divide([*spread, *data], _BECH32, 25)
    version, program = data[0], data[1:-6]
    size = len(program) * 5 // 8
    if version > 16 or not 2 <= size <= 40 or not _is_padded(program, size):
        return None
    if version == 0:
        return (version, size) if checksum == 1 and size in (20, 32) else None
    return (version, size) if checksum == _BECH32M else None


def read_cashaddr(text: str) -> int | None:
    """The type (0: to a key, 1: to a script, 2 and 3: the same for tokens) of the part after "bitcoincash:", or None."""
    if text not in (text.lower(), text.upper()):
        return None
    data = [_DIGITS32.get(char, -1) for char in text.lower()]
    if not 42 <= len(data) <= 112 or min(data) < 0:
        return None
    prefix = [ord(char) & 31 for char in "bitcoincash"] + [0]
    if _divide([*prefix, *data], _CASH, 35) != 1:
        return None
    version = data[0] << 3 | data[1] >> 2
    size = (len(data) - 8) * 5 // 8
    if version >> 7 or size - 1 != _CASH_SIZES[version & 7] or not _is_padded(data[:-8], size):
        return None
    return version >> 3


def check_eip55(address: str) -> bool | None:
    """Of "0x" and 40 figures: whether the case of its letters is its checksum; None when they say too little."""
    figures = address[2:]
    letters = sum(char.isalpha() for char in figures)
    if figures in (figures.lower(), figures.upper()):
        return None
    digest = keccak256(figures.lower().encode()).hex()
    for char, nibble in zip(figures, digest, strict=False):
        if char.isalpha() and char.isupper() != (int(nibble, 16) >= 8):
            return False
    return True if letters >= PROVING_LETTERS else None


def _divide(values: list[int], generators: tuple[int, ...], bits: int) -> int:
    """The remainder of a BCH code over five bits, as bech32 (25) and cashaddr (35) use it."""
    mask = (1 << bits) - 1
    checksum = 1
    for value in values:
        top = checksum >> bits
        checksum = (checksum & mask) << 5 ^ value
        for index, generator in enumerate(generators):
            if top >> index & 1:
                checksum ^= generator
    return checksum


def _is_padded(program: list[int], size: int) -> bool:
    """Whether what is left over after whole bytes is fewer than five bits, all of them zero."""
    rest = len(program) * 5 - size * 8
    return rest < 5 and (not program or program[-1] & ((1 << rest) - 1) == 0)
