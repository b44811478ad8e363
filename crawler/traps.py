"""Recognises addresses that a site makes up without end, so that they are left out and counted.

Public names: Traps, RULES.

Pure: what it learns stays in this process. A new process learns it from the addresses that the frontier has (`rebuild`);
where a list ended it learns again within a few pages. No rule judges by a
word alone where an honest site might use it; each either needs the address to contradict itself (a step repeated three
times, a month in 2031) or allows a few before it says stop.
"""

from __future__ import annotations

import re
from collections import Counter, OrderedDict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from crawler.shapes import PAGE_NAMES, SORT_NAMES, page_number, split_query, words

RULES = {
    "repeat": "that repeat their own steps",
    "growing": "whose query grows from page to page",
    "calendar": "of a calendar far from today",
    "combinations": "that show one list in ever more orders and selections",
    "pages": "after the last page of a list",
    "shape": "of one shape beyond its budget (budgets.shape in site.yml)",
    "alike": "of a branch of near-identical pages (budgets.alike in site.yml)",
}
"""Why addresses are left out: completes the sentence "12 addresses ... were left out"."""

COMBINATIONS = 2
"""Orders or selections in which one list is fetched, beside its plain form."""
REPEATS = 3
"""Pages of one list that show again what an earlier one showed, in a row, before its end is believed."""
_AHEAD, _FIRST_YEAR = timedelta(days=62), 2010
_MOST_PAIRS, _MOST_STEPS, _MOST_OF_A_NAME = 12, 25, 3
_MAX_CORES = 20_000
_CALENDAR = re.compile(
    r"cal|event|archiv|kalend|agenda|schedul|planner|month|week|monat|woche|mes\b|mois|календ|日[历曆]", re.I
)
_ISO = re.compile(r"((?:19|20|21)\d\d)[-_.](\d{1,2})(?:[-_.]\d{1,2})?")
_YEARS = words("year yr y jahr annee ano anno rok god yil nam")
_MONTHS = words("month mon m monat mois mes mese mesiac miesiac ay")
_WEEKS = words("week w kw woche semaine semana tydzien")
_DATES = words(
    "date day d dt when start end from to since until start_date end_date datum fecha data time ts"
)
_TOKEN = re.compile(r"(?=.*\d)[A-Za-z0-9_\-.~%]{5,128}")
_BASES, _TIMES, _PER_PAGE = 10, 3, 2
"""A name holds a session id when on this many addresses it was met with this many values, and never with more values for
one address on one page than this: the ids of a list of things stand there side by side."""


class Traps:
    """Judges the addresses of one sweep. counts: how many of each shape its frontier has already."""

    def __init__(self, *, shape_budget: int, now: datetime, counts: dict[str, int] | None = None) -> None:
        self._budget = shape_budget
        self._latest = (now.astimezone(UTC) + _AHEAD).strftime("%Y-%m")
        self._counts: Counter[str] = Counter(counts or {})
        self._combinations: OrderedDict[int, list[int]] = OrderedDict()
        self._lists: OrderedDict[int, tuple[set[int], int]] = OrderedDict()
        self._ended: set[int] = set()
        self._values: dict[str, dict[int, set[int]]] = {}
        self._honest: set[str] = set()
        self.session_names: frozenset[str] = frozenset()
        """Names of the query that were found to hold session ids; their values make no new address."""

    def judge(self, path: str, *, page: str, keyed: bool, plain_known: bool = False) -> str:
        """The rule by which this address, linked from `page`, is left out; "" for none.

        keyed: the site file says it is an ad, and which. plain_known: the address without its order and selection is
        known, too.
        """
        base, pairs = split_query(path)
        if "/" in base[1:] and _repeats(base.split("/")[1:]):
            return "repeat"
        if pairs and _grows(path, pairs):
            return "growing"
        if not keyed and self._is_far(base, pairs):
            return "calendar"
        if pairs:
            if (number := page_number(path)) and self._ended and _list_of(base, pairs) in self._ended:
                return "pages"
            chosen = tuple(pair for pair in pairs if _plain(pair[0]) in SORT_NAMES)
            if chosen and not self._may_choose(base, pairs, chosen, number, keyed=keyed, plain=plain_known):
                return "combinations"
        return ""

    def spend(self, shape: str) -> bool:
        """Take one address out of its shape's budget; False when it is used up."""
        if self._counts[shape] >= self._budget:
            return False
        self._counts[shape] += 1
        return True

    def note_list(self, path: str, shown: int) -> None:
        """A piece of a list was fetched, and this is the hash of what it showed."""
        if page_number(path) is None:
            return
        core = _list_of(*split_query(path))
        seen, repeats = self._lists.pop(core, (set(), 0))
        repeats = repeats + 1 if shown in seen else 0
        if repeats >= REPEATS and len(self._ended) < _MAX_CORES:
            self._ended.add(core)
        if len(seen) < 5000:
            seen.add(shown)
        self._lists[core] = (seen, repeats)
        if len(self._lists) > 500:
            self._lists.popitem(last=False)

    def rebuild(self, rows: Iterable[tuple[int | None, str]]) -> None:
        """Learn from an earlier process's addresses what it had learned. rows: (the page it stood on, its path)."""
        pages: dict[int | None, list[str]] = {}
        for page, path in rows:
            pages.setdefault(page, []).append(path)
        for page, paths in pages.items():
            if page is not None:  # start addresses stand on no page
                self.learn(paths)
        for paths in pages.values():
            for path in paths:
                # Each was let through then: that it was counts against the orders and selections of its list.
                self.judge(path, page="", keyed=False)

    def learn(self, paths: Iterable[str]) -> None:
        """Look at all links of one page for names whose value is another one each time."""
        here: dict[str, dict[int, set[int]]] = {}
        for path in paths:
            if "?" not in path:
                continue
            base, pairs = split_query(path)
            for place, (name, value) in enumerate(pairs[:_MOST_PAIRS]):
                if name in self._honest or name in self.session_names or not _TOKEN.fullmatch(value):
                    continue
                rest = hash((base, *pairs[:place], *pairs[place + 1 :]))
                here.setdefault(name, {}).setdefault(rest, set()).add(hash(value))
        for name, bases in here.items():
            if any(len(values) > _PER_PAGE for values in bases.values()):
                self._honest.add(name)
                self._values.pop(name, None)
                continue
            if name not in self._values and len(self._values) >= 50:
                continue
            known = self._values.setdefault(name, {})
            for rest, values in bases.items():
                if rest in known:
                    if len(known[rest]) < 8:
                        known[rest] |= values
                elif len(known) < 500:
                    known[rest] = values
            if sum(len(values) >= _TIMES for values in known.values()) >= _BASES:
                self.session_names |= {name}
                del self._values[name]

    def _may_choose(
        self, base: str, pairs: Sequence[tuple[str, str]], chosen: tuple[tuple[str, str], ...],
        number: int | None, *, keyed: bool, plain: bool,
    ) -> bool:  # fmt: skip
        if keyed and plain:
            return False
        core = _list_of(base, [pair for pair in pairs if pair not in chosen])
        this = hash(tuple(sorted(chosen)))
        known = self._combinations.setdefault(core, [])
        self._combinations.move_to_end(core)
        if len(self._combinations) > _MAX_CORES:
            self._combinations.popitem(last=False)
        if known and known[0] == this and not plain:
            return True  # the one form that this site has: all its pages
        if number is not None and number > 1:
            return not known and not plain
        if this in known:
            return True
        if len(known) >= COMBINATIONS:
            return False
        known.append(this)
        return True

    def _is_far(self, base: str, pairs: Sequence[tuple[str, str]]) -> bool:
        """Does the address name a date that lies years back, or more than two months ahead?"""
        year = month = ""
        for name, value in pairs[:_MOST_PAIRS]:
            low = name.lower()
            if low in _DATES or low in _MONTHS or low in _WEEKS:
                if found := _ISO.match(value):
                    return self._far(found[1], found[2])
                if len(value) == 10 and value.isdigit() and low in _DATES:
                    at = datetime.fromtimestamp(int(value), UTC)
                    return self._far(str(at.year), str(at.month))
            if low in _YEARS and value.isdigit() and len(value) == 4:
                year = value
            elif low in _MONTHS or low in _WEEKS:
                month = value
        if year and (month or len(pairs) <= 3):
            return self._far(year, month if month.isdigit() else "1")
        if month and re.fullmatch(r"-?\d{3,6}|-\d\d", month):
            return True  # months counted from today, and many of them
        steps = base.split("/")[1:]
        for place, step in enumerate(steps[:_MOST_STEPS]):
            if found := _ISO.fullmatch(step):
                return self._far(found[1], found[2])
            after = steps[place + 1] if place + 1 < len(steps) else ""
            if len(step) == 4 and step.isdigit() and after.isdigit() and len(after) <= 2:
                day = steps[place + 2] if place + 2 < len(steps) else ""
                dated = after.startswith("0") or (day.isdigit() and len(day) <= 2)
                if dated or any(_CALENDAR.search(word) for word in steps[:place]):
                    return self._far(step, after)
        return False

    def _far(self, year: str, month: str) -> bool:
        return int(year) < _FIRST_YEAR or f"{year}-{month:0>2}" > self._latest


def _plain(name: str) -> str:
    return re.split(r"\[|%5B", name, maxsplit=1, flags=re.I)[0].lower()


def _list_of(base: str, pairs: Sequence[tuple[str, str]]) -> int:
    """The list that an address shows a piece of."""
    return hash((base, tuple(sorted(pair for pair in pairs if pair[0].lower() not in PAGE_NAMES))))


def _repeats(steps: Sequence[str]) -> bool:
    """Do the same one to four steps follow each other three times? (numbers alone: five times)"""
    if len(steps) > _MOST_STEPS:
        return True
    for length in range(1, 5):
        for start in range(len(steps) - 3 * length + 1):
            cycle = steps[start : start + length]
            if not any(cycle):
                continue
            times = 5 if all(step.isdigit() for step in cycle) else 3
            if list(steps[start : start + times * length]) == list(cycle) * times:
                return True
    return False


def _grows(path: str, pairs: Sequence[tuple[str, str]]) -> bool:
    if len(pairs) > _MOST_PAIRS:
        return True
    names = Counter(name for name, _ in pairs)
    if max(names.values()) > _MOST_OF_A_NAME:
        return True
    if len(path) < 60 or "%" not in path:
        return False
    # An address inside of an address inside of an address: the name stands there again, escaped.
    return any(
        len(re.findall(rf"{re.escape(name)}(?:=|%(?:25)*3D)", path, re.I)) > 2 for name in names if name
    )
