"""Takes out of a text what hides a contact from a machine and not from a person, with the way back to the original.

Public names: Plain, make_plain.

Gone: invisible characters (zero-width, soft hyphens, marks of direction). Turned into plain ones: full-width letters,
figures and signs, mathematical letters, odd spaces and hyphens. Case is kept: it is part of an address. Letters of other
alphabets that look Latin stay as they are: an address with one is another address.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from dataclasses import dataclass

_ODD = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff"
    "\uffa0\U000e0000-\U000e0fff]+|[\u00a0\u2000-\u200a\u202f\u205f\u3000\u2010-\u2012\u2212\ufe0e-\ufe6b\uff01-\uff5e\u2024"
    "\u24b6-\u24e9\U0001d400-\U0001d7ff]"
)
_SIMPLE = {"\u2010": "-", "\u2011": "-", "\u2012": "-", "\u2212": "-", "\u3000": " "}


@dataclass(frozen=True)
class Plain:
    """A text without what hides. From `starts[i]` on, a character came from `shifts[i]` characters further on."""

    text: str
    starts: tuple[int, ...]
    shifts: tuple[int, ...]

    def find_origin(self, place: int) -> int:
        """Where in the original text a character of this one stood."""
        index = bisect_right(self.starts, place) - 1
        return place + (self.shifts[index] if index >= 0 else 0)


def make_plain(text: str) -> Plain:
    """The same text made plain; in time that grows with its length alone."""
    if text.isascii() or _ODD.search(text) is None:
        return Plain(text, (), ())
    pieces: list[str] = []
    starts: list[int] = []
    shifts: list[int] = []
    done = length = 0
    for match in _ODD.finditer(text):
        pieces.append(text[done : match.start()])
        length += match.start() - done
        done = match.end()
        plain = "" if len(match[0]) > 1 else _replace(match[0])
        pieces.append(plain)
        length += len(plain)
        if len(plain) != len(match[0]):
            starts.append(length)
            shifts.append(done - length)
    pieces.append(text[done:])
    return Plain("".join(pieces), tuple(starts), tuple(shifts))


def _replace(char: str) -> str:
    if char in _SIMPLE:
        return _SIMPLE[char]
    folded = unicodedata.normalize("NFKC", char)
    if unicodedata.category(char) in ("Cf", "Mn", "Lo"):
        return ""  # invisible: the first set of _ODD
    return folded if len(folded) == 1 else char
