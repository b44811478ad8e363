"""How sellers hide a word: one table for training copies and for tests on held-back texts.

Public names: TRICKS, Trick.
"""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Callable

Trick = Callable[[str, random.Random], str]
"""(a name of the goods as it stands in the text, randomness) -> the same, hidden."""

_LOOKALIKES = {"a": "а", "e": "е", "o": "о", "c": "с", "p": "р", "x": "х", "i": "і", "y": "у"}
_LEET = {"i": "1", "o": "0", "e": "3", "a": "4", "s": "5", "t": "7"}
_MARKS = "\u0336\u0335\u0308\u0323\u0301"
_BREAKS = "\u200b\u200c\u2060\u00ad\ufeff"


def _leet(word: str, rng: random.Random) -> str:
    return "".join(_LEET.get(char.lower(), char) if rng.random() < 0.4 else char for char in word)


def _lookalikes(word: str, rng: random.Random) -> str:
    return "".join(_LOOKALIKES.get(char.lower(), char) if rng.random() < 0.5 else char for char in word)


def _spaces(word: str, rng: random.Random) -> str:
    return "  ".join(" ".join(part) for part in word.split())


def _dots(word: str, rng: random.Random) -> str:
    sign = rng.choice(".-*")
    return " ".join(sign.join(part) for part in word.split())


def _breaks(word: str, rng: random.Random) -> str:
    return rng.choice(_BREAKS).join(word)


def _marks(word: str, rng: random.Random) -> str:
    mark = rng.choice(_MARKS)
    return "".join(f"{char}{mark}" if char.isascii() and char.isalpha() else char for char in word)


def _wide(word: str, rng: random.Random) -> str:
    return "".join(chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in word)


def _mathematical(word: str, rng: random.Random) -> str:
    return "".join(
        chr(0x1D41A + ord(char) - 97) if "a" <= char <= "z" else chr(0x1D400 + ord(char) - 65) if "A" <= char <= "Z" else char
        for char in word
    )  # fmt: skip


def _repeated(word: str, rng: random.Random) -> str:
    at = rng.randrange(len(word))
    return word if not word[at].isalpha() or not word.isascii() else word[:at] + word[at] * 4 + word[at + 1 :]


def _backwards(word: str, rng: random.Random) -> str:
    return " ".join(part[::-1] for part in word.split()) if word.isascii() else word


def _plain(word: str, rng: random.Random) -> str:
    """Without accents and tones, as typed in haste."""
    bare = "".join(c for c in unicodedata.normalize("NFD", word) if not "\u0300" <= c <= "\u036f")
    return bare.replace("đ", "d").replace("Đ", "D") if max(word, default="") < "\u0400" else word


def _lost(word: str, rng: random.Random) -> str:
    if len(word) < 5 or not word.isascii():
        return word
    cut = rng.randrange(1, len(word) - 1)
    return word[:cut] + word[cut + 1 :]


def _swapped(word: str, rng: random.Random) -> str:
    if len(word) < 5 or not word.isascii():
        return word
    at = rng.randrange(1, len(word) - 2)
    return word[:at] + word[at + 1] + word[at] + word[at + 2 :]


def _shout(word: str, rng: random.Random) -> str:
    return word.upper()


TRICKS: dict[str, Trick] = {
    "leet": _leet,
    "look-alike letters": _lookalikes,
    "spaces": _spaces,
    "dots": _dots,
    "invisible signs": _breaks,
    "combining marks": _marks,
    "full width": _wide,
    "mathematical letters": _mathematical,
    "repeated letters": _repeated,
    "backwards": _backwards,
    "without accents": _plain,
    "a lost letter": _lost,
    "swapped letters": _swapped,
    "capitals": _shout,
}
"""Name -> trick; each leaves words of scripts it does not know as they are."""
