"""One folding of a text for training, scoring, near copies and search, with a map back to the original.

Public names: NORMALISER_VERSION, EXPANSION, SPACED, Normalised, normalise.

What is folded: compatibility forms (NFKC) and case, accents of Latin letters (so Vietnamese without tones is the same
as with), invisible characters, stacked combining marks, letters of other alphabets inside Latin words, leet, single
letters set apart by spaces or dots, letters repeated three times and more, spaces between Chinese characters,
traditional characters, pinyin with the numbers of its tones, watched words written backwards, pictures of the animals and
of what is cut from them, white space. A word wholly in Cyrillic or Greek stays as it is.
"""

from __future__ import annotations

import re
import unicodedata
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from text.folds import (
    CONFUSABLES,
    LEET_DIGITS,
    LEET_SIGNS,
    LOOKALIKES,
    PICTURES,
    REVERSED_WORDS,
    SIMPLIFIED,
    WATCH_WORDS,
)

NORMALISER_VERSION = "2"
"""Part of every model and hash made from folded text: change it with any change of what normalise() gives."""

EXPANSION = 10
"""The result is never longer than this many times the original."""

_Edit = tuple[int, int, str]  # start, end, replacement
_PASSES = 5  # in practice two: one that changes and one that finds nothing left

_MARK_RANGES = "\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
_MARKS = re.compile(f"[{_MARK_RANGES}\u0610-\u061a\u064b-\u065f\u0670\u0640\u034f\ufe00-\ufe0f]")
_JAMO = "[\u1100-\u1112][\u1161-\u1175][\u11a8-\u11c2]?"
_KANA_VOICE = "\u3099\u309a"
_CHUNK = re.compile(f"{_JAMO}|(?:[^\\x00-\\x7f]|[a-z](?=[{_MARK_RANGES}]))[{_MARK_RANGES}{_KANA_VOICE}]*")
_ASCII_LOWER = {code: code + 32 for code in range(65, 91)}

_WORD = re.compile(r"[^\W\d_]+")
_LATIN = re.compile(r"[a-z]")
_FOREIGN = re.compile(r"[\u0370-\u058f]")  # Greek, Cyrillic, Armenian

_SPACE = re.compile(r"  +|[^\S ]\s*|[\x00-\x08\x0e-\x1f\x7f]")
# Hints are cheap searches that tell whether the dear ones are worth a try.
_REPEATED_HINT = re.compile(r"(.)\1\1")
_LEET_HINT = re.compile(r"[0134578!@$€|*#][a-z]")
_REPEATED = re.compile(r"([^\W\d_])\1{2,}")
_HAN = "\u3400-\u9fff\u3040-\u30ff"
_HAN_GAP = re.compile(rf"(?<=[{_HAN}])(?:[ .\-_*·•|/~+]|\s+)(?=[{_HAN}])")
SPACED = re.compile(r"(?<!\w)[^\W_]([ .\-_*·•|/~])[^\W_](?:\1[^\W_]){2,59}(?!\w|[.\-_*]\w)")
"""Single letters and digits set apart, as in "i v o r y"; in lower case."""
_LEET = re.compile(
    r"(?<![^\W_])[a-z]{0,19}(?:[013457 8!@$€|*#]{1,2}[a-z]{1,19}){1,6}(?![^\W_])".replace(" ", "")
)
_BACKWARDS = re.compile(
    rf"(?<![^\W_])(?:{'|'.join(sorted(REVERSED_WORDS, key=len, reverse=True))})(?![^\W_])"
)
_BACKWARDS_HINT = re.compile("|".join(sorted({word[:4] for word in REVERSED_WORDS})))
# A syllable of pinyin and the number of its tone; two at least, so that "n2" and "h2o" stay.
_PINYIN = re.compile(
    r"(?<![^\W_])(?:(?:[bpmfdtnlgkhjqxrzcsyw]|[zcs]h)?[aeiouv]{1,3}(?:ng?|r)?[1-5] ?){2,8}(?<! )(?![^\W_])"
)
_PICTURE = re.compile("|".join(PICTURES))
_CYRILLIC_LEET = re.compile("(?<=[а-яё])[03](?=[а-яё])")


@dataclass(frozen=True)
class Normalised:
    """A folded text; character i came from original[starts[i]:ends[i]]."""

    text: str
    starts: array[int]
    ends: array[int]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The place in the original of text[start:end]; an empty stretch gives an empty place."""
        if not 0 <= start <= end <= len(self.text):
            raise ValueError(f"no stretch {start}:{end} in a text of {len(self.text)} characters")
        if start == end:
            at = self.starts[start] if start < len(self.text) else (self.ends[-1] if self.text else 0)
            return at, at
        return self.starts[start], self.ends[end - 1]


def normalise(text: str) -> Normalised:
    """Fold a text. Folding the result again changes nothing; len(result) <= EXPANSION * len(text)."""
    folded = text.translate(_ASCII_LOWER)
    starts = array("L", range(len(folded)))
    ends = array("L", range(1, len(folded) + 1))
    for _ in range(_PASSES):
        before = folded
        for step in _ASCII_STEPS if folded.isascii() else _STEPS:
            edits = list(step(folded))
            if edits:
                folded, starts, ends = _apply(folded, starts, ends, edits)
        if folded == before:
            break
    return Normalised(folded, starts, ends)


def _apply(
    text: str, starts: array[int], ends: array[int], edits: list[_Edit]
) -> tuple[str, array[int], array[int]]:
    """Make the replacements, which are in order and apart, and carry the map along."""
    parts: list[str] = []
    new_starts, new_ends = array("L"), array("L")
    at = 0
    for start, end, new in edits:
        parts += (text[at:start], new)
        new_starts += starts[at:start]
        new_ends += ends[at:start]
        if len(new) == end - start:
            new_starts += starts[start:end]
            new_ends += ends[start:end]
        elif new:
            new_starts.extend([starts[start]] * len(new))
            new_ends.extend([ends[end - 1]] * len(new))
        at = end
    parts.append(text[at:])
    return "".join(parts), new_starts + starts[at:], new_ends + ends[at:]


def _fold_letters(text: str) -> Iterator[_Edit]:
    for match in _CHUNK.finditer(text):
        chunk = match.group()
        new = _fold_chunk(chunk)
        if new != chunk:
            yield match.start(), match.end(), new


@lru_cache(maxsize=20_000)
def _fold_chunk(chunk: str) -> str:
    """One character with its marks: compatibility form, lower case, without accents unless the letter needs them."""
    if len(chunk) > 8:  # stacked marks
        chunk = chunk[:8]
    new = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", chunk).casefold())
    kept: list[str] = []
    for char in new:
        if _MARKS.match(char):
            # й and ё, ї are letters of their own, not accented ones
            cyrillic = bool(kept) and "\u0400" <= kept[-1] <= "\u04ff"
            if not (cyrillic and char in "\u0306\u0308"):
                continue
        elif unicodedata.category(char) in ("Cf", "Cs", "Co", "Cn") or char in "\u115f\u1160\u3164\uffa0":
            continue
        kept.append(char)
    new = unicodedata.normalize("NFKC", "".join(kept)).casefold().translate(LOOKALIKES).translate(SIMPLIFIED)
    return new if len(new) <= EXPANSION * len(chunk) else chunk


def _fold_confusables(text: str) -> Iterator[_Edit]:
    """Words that mix Latin with Greek, Cyrillic or Armenian letters are written in Latin."""
    if not _FOREIGN.search(text):
        return
    for match in _WORD.finditer(text):
        word = match.group()
        if not word.isascii() and _FOREIGN.search(word) and _LATIN.search(word):
            new = word.translate(CONFUSABLES)
            if new != word:
                yield match.start(), match.end(), new


def _fold_space(text: str) -> Iterator[_Edit]:
    stripped = text.strip()
    lead = len(text) - len(text.lstrip()) if stripped else len(text)
    if lead:
        yield 0, lead, ""
    tail = len(text.rstrip()) if stripped else len(text)
    for match in _SPACE.finditer(text, lead, tail):
        yield match.start(), match.end(), " "
    if tail < len(text):
        yield tail, len(text), ""


def _join_han(text: str) -> Iterator[_Edit]:
    for match in _HAN_GAP.finditer(text):
        yield match.start(), match.end(), ""


def _join_spaced(text: str) -> Iterator[_Edit]:
    """i v o r y, r.h.i.n.o: four and more single letters with the same sign between them; digits may stand for some."""
    for match in SPACED.finditer(text):
        letters = match.group()[::2]
        digits = sum(char.isdigit() for char in letters)
        if digits * 5 <= len(letters) * 2:
            for at in range(match.start() + 1, match.end(), 2):
                yield at, at + 1, ""


def _fold_leet(text: str) -> Iterator[_Edit]:
    if not _LEET_HINT.search(text):
        return
    for match in _LEET.finditer(text):
        token = match.group()
        new = _unmask(token)
        if new != token:
            yield match.start(), match.end(), new


@lru_cache(maxsize=20_000)
def _unmask(token: str) -> str:
    """The word behind a leet token, or the token itself. Signs, stars and leading digits only for watched words."""
    for one in "il":
        table = {**LEET_DIGITS, **LEET_SIGNS, "1": one, "!": one, "|": one}
        plain = "".join(table.get(char, char) for char in token)
        if plain in WATCH_WORDS:
            return plain
        if "*" in plain or "#" in plain:
            pattern = re.compile(re.sub(r"[*#]", "[a-z]", plain))
            hits = sorted(word for word in WATCH_WORDS if pattern.fullmatch(word))
            if hits:
                return hits[0]
    letters = sum(char.isalpha() for char in token)
    if token[0].isalpha() and all(c.isalpha() or c in LEET_DIGITS for c in token) and letters >= 3:
        digits = len(token) - letters
        if letters >= 2 * digits:
            return "".join(LEET_DIGITS.get(char, char) for char in token)
    return token


def _fold_cyrillic_leet(text: str) -> Iterator[_Edit]:
    for match in _CYRILLIC_LEET.finditer(text):
        yield match.start(), match.end(), "о" if match.group() == "0" else "з"


def _fold_repeats(text: str) -> Iterator[_Edit]:
    if not _REPEATED_HINT.search(text):
        return
    for match in _REPEATED.finditer(text):
        yield match.start() + 1, match.end(), ""


def _fold_backwards(text: str) -> Iterator[_Edit]:
    """yrovi, sksut: watched words only."""
    if not _BACKWARDS_HINT.search(text):
        return
    for match in _BACKWARDS.finditer(text):
        yield match.start(), match.end(), REVERSED_WORDS[match.group()]


def _fold_pinyin(text: str) -> Iterator[_Edit]:
    """xiang4ya2: the numbers of the tones go, and what stands between the syllables stays."""
    for match in _PINYIN.finditer(text):
        for at in range(match.start(), match.end()):
            if text[at] in "12345":
                yield at, at + 1, ""


def _fold_pictures(text: str) -> Iterator[_Edit]:
    for match in _PICTURE.finditer(text):
        left = " " if match.start() and text[match.start() - 1] != " " else ""
        right = " " if match.end() < len(text) and text[match.end()] != " " else ""
        yield match.start(), match.end(), f"{left}{PICTURES[match.group()]}{right}"


_Step = Callable[[str], Iterator[_Edit]]
# Joining comes before white space is folded: two spaces in "i v o r y  t u s k" tell where a word ends.
_ASCII_STEPS: tuple[_Step, ...] = (
    _join_spaced,
    _fold_pinyin,
    _fold_leet,
    _fold_repeats,
    _fold_backwards,
    _fold_space,
)
_STEPS: tuple[_Step, ...] = (
    _fold_pictures,
    _fold_letters,
    _fold_confusables,
    _join_spaced,
    _join_han,
    _fold_pinyin,
    _fold_leet,
    _fold_cyrillic_leet,
    _fold_repeats,
    _fold_backwards,
    _fold_space,
)
