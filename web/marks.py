"""Marks: the text of an ad cut into pieces, so that telling words stand out and hidden characters show.

Public names: Piece, mark_text, read_spans, MAX_TEXT.

An ad is hostile text. Nothing here makes HTML: the template escapes every piece. Characters that change the direction
of text, or that are not drawn at all, become pieces of their own with a name, because sellers hide words with them.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

MAX_TEXT = 20_000
"""Characters shown of one text; the rest is announced, and stands on the stored page."""

MAX_SPANS = 400
"""Telling words marked in one text."""

_SHORT_NAMES = {
    "\u202a": "LRE", "\u202b": "RLE", "\u202c": "PDF", "\u202d": "LRO", "\u202e": "RLO",
    "\u2066": "LRI", "\u2067": "RLI", "\u2068": "FSI", "\u2069": "PDI", "\u200e": "LRM", "\u200f": "RLM",
    "\u200b": "·", "\u2060": "·", "\ufeff": "·", "\u00ad": "·",
}  # fmt: skip
# U+200C and U+200D stay: Persian, Indic scripts and emoji need them. Tabs and line ends stay too.
_HIDDEN = re.compile("[" + "".join(_SHORT_NAMES) + "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


@dataclass(frozen=True)
class Piece:
    """A stretch of text: which groups' telling words cover it; or one hidden character with its name in `hidden`."""

    text: str
    groups: tuple[str, ...] = ()
    hidden: str = ""


@dataclass(frozen=True)
class Span:
    start: int
    end: int
    group: str


def read_spans(reasons: Mapping[str, Any], part: str, length: int) -> list[Span]:
    """The spans of one part ("title" or "description") that lie inside its text; anything malformed is left out."""
    spans = []
    for group, found in reasons.items():
        if not isinstance(found, list):
            continue
        for reason in found:
            if not isinstance(reason, Mapping) or reason.get("part") != part:
                continue
            start, end = reason.get("start"), reason.get("end")
            if isinstance(start, int) and isinstance(end, int) and 0 <= start < end <= length:
                spans.append(Span(start, end, str(group)))
    return spans


def mark_text(text: str, spans: Iterable[Span] = (), *, limit: int = MAX_TEXT) -> list[Piece]:
    """`text` up to `limit` as pieces, in order; spans may overlap, a piece then carries several groups."""
    shown = text[:limit]
    spans = [s for s in itertools.islice(spans, MAX_SPANS) if s.start < len(shown)]
    cuts = {0, len(shown)}
    for span in spans:
        cuts.update((span.start, min(span.end, len(shown))))
    edges = sorted(cuts)
    pieces: list[Piece] = []
    for start, end in itertools.pairwise(edges):
        covering = [s.group for s in spans if s.start <= start and end <= s.end]
        pieces.extend(_show_hidden(shown[start:end], tuple(dict.fromkeys(covering))))
    return pieces


def _show_hidden(text: str, groups: tuple[str, ...]) -> Iterable[Piece]:
    done = 0
    for match in _HIDDEN.finditer(text):
        if match.start() > done:
            yield Piece(text[done : match.start()], groups)
        yield Piece(_SHORT_NAMES.get(match[0], "�"), groups, _name(match[0]))
        done = match.end()
    if done < len(text):
        yield Piece(text[done:], groups)


def _name(character: str) -> str:
    return f"U+{ord(character):04X} {unicodedata.name(character, 'control character').lower()}"
