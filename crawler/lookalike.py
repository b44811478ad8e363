"""Tells an onion that was made to look like a known one: phishers buy the letters that people look at.

Public names: Lookalikes, find_lookalike.

Whoever compares two addresses looks at the first letters, and at the last. A phisher tries keys until these agree, at
32 times the price for each letter more. An address is a look-alike of a known one when one of these holds:

    rule                                                          chance for a random onion and one known address
    the first 6 letters are the same                              32^-6                            9.3e-10
    the first 8 differ by one letter changed, added, left out,    485 spellings x 32^-8            4.4e-10
      or two neighbours that changed places
    the first 10 differ by two such changes                       48,000 spellings x 32^-10        0.4e-10
    the first 8 are the same to the eye (rn m, vv w, l i, ...)    at most 2^-36                    0.2e-10
    the last 8 are the same (the last two carry 2 bits)           2^-32                            2.3e-10
    the first 4 and the last 5 are the same                       2^-20 x 2^-17                    0.1e-10

Together less than 2e-9: with 200 known addresses a million random onions give 0.4 false alarms. Five first letters would
give 6, and four 190. A site's own mirrors often share their first letters, so that a mirror nobody has confirmed is
told, too: only the site's signature says which of the two it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import combinations
from operator import itemgetter

_SAME_FIRST = 6
_SAME_LAST = 8
_SAME_BOTH = (4, 5)
_EDITS = ((8, 1, 1), (10, 2, 0))
"""(letters of the known one, changes, by how many letters fewer or more of the other they are held against)."""
_SEEN = 8
_EYE = (("rn", "m"), ("vv", "w"))
_EYES = str.maketrans("l5q2v", "isgzu")


class Lookalikes:
    """The known addresses, ordered so that one more is compared with all of them in microseconds."""

    def __init__(self, known: Iterable[str]) -> None:
        self._known = frozenset(known)
        # Hashes instead of keys, and lists only where two share one: a crawl process has this in memory all the time.
        self._index: dict[int, str] = {}
        self._more: dict[int, list[str]] = {}
        for onion in sorted(self._known):
            for key in {hash(key) for key in _keys(onion, asked=False)}:
                if key in self._index:
                    self._more.setdefault(key, []).append(onion)
                else:
                    self._index[key] = onion

    def find(self, onion: str) -> str | None:
        """The known address that `onion` (56 letters and ".onion") looks like and is not; None when there is none."""
        if onion in self._known:
            return None
        seen: set[str] = set()
        for key in map(hash, _keys(onion, asked=True)):
            if (first := self._index.get(key)) is None:
                continue
            for known in [first, *self._more.get(key, [])]:
                if known not in seen and _alike(onion, known):
                    return known
                seen.add(known)
        return None

    def warn(self, host: str) -> str | None:
        """What to tell a person of a link's host (defanged or not, with a port or not); None when all is well."""
        name = host.replace("[.]", ".").partition(" ")[0].partition(":")[0].lower()
        onion = ".".join(name.split(".")[-2:])  # what stands before it leads to the same onion
        known = self.find(onion) if len(onion) == 62 and onion.endswith(".onion") else None
        if known is None:
            return None
        return (
            f"{_defang(onion)} looks like the known address {_defang(known)} and is another: "
            "a phishing copy, or a mirror that nobody has confirmed. It is not asked."
        )


def find_lookalike(onion: str, known: Iterable[str]) -> str | None:
    """The same for one question; who asks often makes one Lookalikes."""
    return Lookalikes(known).find(onion)


def _alike(one: str, other: str) -> bool:
    """The rules above, for two different addresses."""
    first, last = _SAME_BOTH
    one, other = one.removesuffix(".onion"), other.removesuffix(".onion")
    return (
        one[:_SAME_FIRST] == other[:_SAME_FIRST]
        or one[-_SAME_LAST:] == other[-_SAME_LAST:]
        or (one[:first] == other[:first] and one[-last:] == other[-last:])
        or _blur(one) == _blur(other)
        or any(_near(one, other[:size], most, slack) for size, most, slack in _EDITS)
    )


def _near(text: str, start: str, most: int, slack: int) -> bool:
    """Is a beginning of `text`, as long as `start` or nearly, within so many changes? (Optimal string alignment.)"""
    text = text[: len(start) + slack]
    before: list[int] = []
    row = list(range(len(text) + 1))
    for i, letter in enumerate(start, 1):
        before, last, row = row, before, [i]
        for j, other in enumerate(text, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == text[j - 2] and start[i - 2] == other:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
    return min(row[len(start) - slack :]) <= most


def _keys(onion: str, *, asked: bool) -> Iterator[tuple[str, ...]]:
    """Two addresses that are alike by a rule share one of these, when one of them was indexed and the other is asked.

    For the changes: two texts within n changes share a text that comes of leaving out at most n letters of each.
    """
    name = onion.removesuffix(".onion")
    yield "first", name[: _SAME_BOTH[0]]
    yield "last", name[-_SAME_LAST:]
    yield "eye", _blur(name)
    for take in _cuts(asked):
        yield take(name)


@cache
def _cuts(asked: bool) -> tuple[Callable[[str], tuple[str, ...]], ...]:
    """What picks the letters that stay, for each way to leave some out."""
    return tuple(
        itemgetter(*[i for i in range(length) if i not in gaps])
        for size, most, slack in _EDITS
        for length in (range(size - slack, size + slack + 1) if asked else (size,))
        for left_out in range(most + 1)
        for gaps in combinations(range(length), left_out)
    )


def _blur(name: str) -> str:
    """The first letters as a hasty eye sees them."""
    name = name[: _SEEN + 4]
    for two, one in _EYE:
        name = name.replace(two, one)
    return name[:_SEEN].translate(_EYES)


def _defang(onion: str) -> str:
    return onion.replace(".", "[.]")
