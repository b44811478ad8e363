"""What near copies are found by: the MinHash of a listing's title and text, in a form that a table can hold.

Public names: SIGNATURE_VERSION, Text, sign_text, sign_texts, estimate_likeness, find_shingles.

Pure. A text is folded (text.normalise) and cut into shingles: two words in a row, or four characters in a row where a
script puts no spaces between words. Two texts with a share s of their shingles in common agree in about s of the
PERMUTATIONS numbers; sixteen bits of each are kept, which makes two different numbers look equal once in 65,536.
A text of fewer than LEAST_SHINGLES shingles, such as a title alone, says too little for a share to mean anything: its
signature is a hash of the whole folded text, which only the same text has. One of a word or two has no signature.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Iterable
from functools import cache
from typing import Any

import numpy as np
from datasketch import MinHash

from text.normalise import NORMALISER_VERSION, normalise

PERMUTATIONS = 128
WORDS, CHARACTERS = 2, 4
LEAST_SHINGLES = 12
LEAST_LETTERS = 12
"""Of a short text whose exact copies are worth a link: "Rolex" at two sellers is no copy."""
SEED = 20_261
BANDS, ROWS = 16, 8
"""How storage.copies cuts a signature: texts that share 0.8 of their shingles meet in 95 of 100 cases, 0.6 in 24."""

SIGNATURE_VERSION = f"n{NORMALISER_VERSION}-w{WORDS}c{CHARACTERS}-p{PERMUTATIONS}-s{SEED}-b{BANDS}x{ROWS}"
"""Of the normaliser, the shingles, the permutations, the seed and the bands: only equal ones may be compared."""

Text = tuple[str, str]
"""(title, description)"""

_MOST = 20_000
"""Characters of a text that count."""
_MOST_SHINGLES = 4_000
# Scripts written without spaces between words: Thai, Lao, Burmese, Khmer, kana, Chinese characters.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
_TOKEN = re.compile(rf"[{_UNSPACED}]+|(?:(?![{_UNSPACED}])\w)+")
_IS_UNSPACED = re.compile(rf"[{_UNSPACED}]")


def sign_text(title: str, description: str) -> bytes:
    """256 bytes, or 8 for a short text (see the module), or none for a text that says nothing."""
    return sign_texts([(title, description)])[0]


def sign_texts(texts: Iterable[Text]) -> list[bytes]:
    """The signature of each text."""
    return [_sign(_fold(title, description)) for title, description in texts]


def find_shingles(folded: str) -> set[str]:
    """The shingles of a folded text, at most 4,000."""
    found: set[str] = set()
    words: list[str] = []
    for token in _TOKEN.findall(folded):
        if _IS_UNSPACED.match(token):
            _add_words(words, found)
            words = []
            found.update(token[at : at + CHARACTERS] for at in range(max(1, len(token) - CHARACTERS + 1)))
        else:
            words.append(token)
        if len(found) >= _MOST_SHINGLES:
            break
    _add_words(words, found)
    return found


def estimate_likeness(one: bytes, other: bytes) -> float:
    """The share of shingles that two texts have in common, estimated from their signatures; 1 or 0 for short texts."""
    if not one or len(one) != len(other):
        return 0.0
    if len(one) != 2 * PERMUTATIONS:
        return float(one == other)
    equal = np.frombuffer(one, dtype="<u2") == np.frombuffer(other, dtype="<u2")
    return float(np.count_nonzero(equal)) / PERMUTATIONS


def _fold(title: str, description: str) -> str:
    return normalise(f"{title}\n{description}"[:_MOST]).text


def _sign(folded: str) -> bytes:
    shingles = find_shingles(folded)
    if len(shingles) < LEAST_SHINGLES:
        words = _TOKEN.findall(folded)
        # A character of Chinese says about as much as two letters.
        letters = sum(len(word) * (2 if _IS_UNSPACED.match(word) else 1) for word in words)
        if letters < LEAST_LETTERS:
            return b""
        text = " ".join(words).encode("utf-8", "surrogatepass")
        return hashlib.blake2b(text, digest_size=8).digest()
    sketch = MinHash(PERMUTATIONS, SEED, hashfunc=zlib.crc32, permutations=_permutations(), scheme="affine32")
    sketch.update_batch([shingle.encode("utf-8", "surrogatepass") for shingle in shingles])
    # The low bits: the high ones of a smallest number are nearly all zero.
    signature: bytes = (sketch.hashvalues & np.uint32(0xFFFF)).astype("<u2").tobytes()
    return signature


@cache
def _permutations() -> Any:
    return MinHash(PERMUTATIONS, SEED, hashfunc=zlib.crc32, scheme="affine32").permutations


def _add_words(words: list[str], found: set[str]) -> None:
    found.update(map(" ".join, zip(*(words[at:] for at in range(WORDS)), strict=False)))
    if 0 < len(words) < WORDS:
        found.add(" ".join(words))
