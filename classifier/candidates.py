"""New words for the lexicon: what people's verdicts suggest, before anybody believes it.

Public names: Candidate, propose_terms, LEAST.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from classifier.ads import Ad
from classifier.terms import LETTER, SPACELESS, TermKey, get_matcher
from storage.tables import GROUPS
from text.normalise import normalise

LEAST = 2
"""Sellers who must have offered the goods with a word: one seller's manner of speaking is no word of the trade."""

_PRIOR = 0.5  # of the Dirichlet prior: so many imagined uses of each word on either side
_SURE = 2.0  # standard deviations of the log-odds ratio
_LONGEST = 2_000
_WORD = re.compile(rf"{SPACELESS}+|(?:(?!{SPACELESS}){LETTER})+")
_RUN = re.compile(SPACELESS)
_FEW_LETTERS = 3


@dataclass(frozen=True)
class Candidate:
    """text: folded. sellers: how many different ones offered the group with it; others: texts of other groups or none that
    hold it. strength: the log-odds ratio in standard deviations (Monroe et al. 2008, "Fightin' Words")."""

    text: str
    group: str
    language: str
    sellers: int
    others: int
    strength: float


def propose_terms(ads: Sequence[Ad], terms: tuple[TermKey, ...], *, least: int = LEAST) -> list[Candidate]:
    """Words, pairs of words and, in scripts without spaces, runs of two to four signs that offers of a group use and other
    texts do not, the strongest first. ads: judged texts, a batch a seller (classifier.lessons). What the lexicon has, or
    what holds a term of it, is left out."""
    uses: defaultdict[str, Counter[str]] = defaultdict(Counter)
    sellers: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    languages: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for ad in ads:
        for piece in set(_find_pieces(normalise(ad.joined).text[:_LONGEST], terms)):
            languages[piece][ad.language] += 1
            for group in ad.labels or ("",):
                uses[group][piece] += 1
            for group in ad.labels:
                sellers[group, piece].add(ad.batch)
    found = []
    for group in GROUPS:
        own = uses[group]
        rest: Counter[str] = Counter()
        for other, counts in uses.items():
            if other != group:
                rest.update(counts)
        totals = sum(own.values()) + _PRIOR, sum(rest.values()) + _PRIOR
        for piece in own:
            if len(sellers[group, piece]) < least:
                continue
            strength = _weigh(own[piece], rest[piece], totals)
            if strength >= _SURE:
                language = min(languages[piece].items(), key=lambda item: (-item[1], item[0]))[0]
                found.append(
                    Candidate(
                        piece, group, language, len(sellers[group, piece]), rest[piece], round(strength, 2)
                    )
                )
    return sorted(found, key=lambda one: (-one.strength, one.group, one.text))


def _weigh(own: int, rest: int, totals: tuple[float, float]) -> float:
    mine, theirs = own + _PRIOR, rest + _PRIOR
    ratio = math.log(mine / max(totals[0] - mine, _PRIOR)) - math.log(
        theirs / max(totals[1] - theirs, _PRIOR)
    )
    return ratio / math.sqrt(1 / mine + 1 / theirs)


def _find_pieces(folded: str, terms: tuple[TermKey, ...]) -> Iterator[str]:
    hits = [
        (hit.start, hit.end) for hit in get_matcher(terms).find(folded) if hit.role.split(":")[0] in GROUPS
    ]
    words = [match.span() for match in _WORD.finditer(folded)]
    for at, (start, end) in enumerate(words):
        if _RUN.match(folded, start):
            spans = [(first, first + size) for size in (2, 3, 4) for first in range(start, end - size + 1)]
        else:
            spans = [(start, end)] if end - start >= _FEW_LETTERS else []
            if at + 1 < len(words) and words[at + 1][0] == end + 1:
                spans.append((start, words[at + 1][1]))
        for span in spans:
            piece = folded[span[0] : span[1]]
            if not any(a < span[1] and span[0] < b for a, b in hits) and not piece.replace(" ", "").isdigit():
                yield piece
