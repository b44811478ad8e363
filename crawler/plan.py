"""What a run fetches, in what order: the categories of interest first, ads known before each day, all of it each week.

Public names: PLANS, Interest, start_links, choose_plan, priority_in, wanted_in, PlanTimes (from storage.plans), INTEREST,
KNOWN, BONUS, START.

Pure. Plan "full" goes through the whole site. Plan "known" fetches again the ads that a person confirmed or the model
flagged, and looks for new ones on the first pages of the categories of interest.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from importlib.resources import files
from urllib.parse import unquote, urlsplit

from crawler.labels import fold_label
from crawler.links import normalise_url, url_key
from crawler.shapes import page_number, shape_of, split_query
from crawler.sites import SiteConfig
from storage.frontier import Link
from storage.plans import PlanTimes

PLANS = ("full", "known")
START, INTEREST, KNOWN, BONUS = 7000, 5000, 3500, 3000
"""Priorities above all that a site file can give (1000): start pages, categories of interest, known ads, and what is
added to a listing that such a category links to."""
SHALLOW = 3
"""How many steps from the start plan "known" goes through pages of interest."""
EARLY = timedelta(hours=3)
"""A plan may begin this much before its time: a daily schedule never fires at exactly the same second."""
_CATEGORY_KINDS = frozenset(("search", "other", "home"))
_MAX_NAME = 60
_MAX_WORDS = 6
_WIDE = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
"""Scripts that put no blanks between words."""


@dataclass(frozen=True)
class _Words:
    anywhere: frozenset[str]
    first: frozenset[str]
    wide: tuple[str, ...]


@lru_cache(maxsize=1)
def _read_words() -> _Words:
    data = tomllib.loads(files("crawler").joinpath("interest.toml").read_text("utf-8"))
    lists = {
        part: {fold_label(word) for words in data[part].values() for word in words}
        for part in ("anywhere", "first")
    }
    wide = tuple(sorted(word for words in lists.values() for word in words if _WIDE.search(word)))
    return _Words(frozenset(lists["anywhere"]), frozenset(lists["first"]), wide)


@lru_cache(maxsize=4096)
def _names_interest(text: str) -> bool:
    """Is this the name of a category of interest, in any of the languages?"""
    folded = fold_label(re.sub(r"[\s_\-+/&,.|]+", " ", text[:_MAX_NAME]))
    words = re.findall(r"[^\W\d_]+", folded)
    if not words or len(words) > _MAX_WORDS:
        return False
    known = _read_words()
    if _WIDE.search(folded):
        return any(word in folded for word in known.wide)
    runs = {" ".join(words[i : i + n]) for n in (1, 2, 3) for i in range(len(words) - n + 1)}
    if runs & known.anywhere:
        return True
    opening = {" ".join(words[:n]) for n in (1, 2, 3)}
    return len(words) <= 3 and bool(opening & known.first)


class Interest:
    """Which addresses are categories of interest: those the site file names, else those whose name says so."""

    def __init__(self, config: SiteConfig) -> None:
        self._config = config
        self._patterns = tuple(re.compile(pattern) for pattern in config.plan.interest)
        # Where the site file says which pages are categories, nothing else is one.
        self._kinds = frozenset(("search",)) if "search" in config.kinds else _CATEGORY_KINDS

    @property
    def by_name(self) -> bool:
        """Does the text of a link count, because the site file names no category?"""
        return not self._patterns

    def matches(self, path: str, text: str = "") -> bool:
        """`text`: of the link that leads there."""
        if self._patterns:
            return any(pattern.search(path) for pattern in self._patterns)
        kind = self._config.kind_of(path).kind
        if kind not in self._kinds:
            return False
        return bool(text and _names_interest(text)) or any(map(_names_interest, _names_in(path)))

    def continues(self, path: str, page: str) -> bool:
        """Is `path` a further piece of the list that `page` shows?"""
        base, there = split_query(path)[0], split_query(page)[0]
        if base == there:
            return page_number(path) is not None
        rest = base.removeprefix(there.rstrip("/") + "/")
        return rest != base and re.fullmatch(r"(page|seite|p)?[-/]?\d{1,6}/?", rest) is not None


def _names_in(path: str) -> list[str]:
    """The parts of an address that may be a category's name: its last words, and the words among its query's values."""
    base, pairs = split_query(path)
    found = [step for step in base.split("/")[1:] if step and not any(char.isdigit() for char in step)][-2:]
    found += [value for _, value in pairs[:6] if value and not value.isdigit()]
    return [unquote(name)[: 2 * _MAX_NAME] for name in found if len(name) < 300]


def priority_in(config: SiteConfig, path: str, kind: str, *, interest: bool, on_interest: bool) -> int:
    """A link's priority. interest: it leads to a category of interest. on_interest: it was found on one."""
    own = config.priority_of(kind)
    if interest:
        return INTEREST + own
    if on_interest and kind in ("listing", "thread"):
        return BONUS + own
    return own


def wanted_in(plan: str, config: SiteConfig, path: str, *, page: str, depth: int, interest: bool, on_interest: bool) -> bool:  # fmt: skip
    """Does the plan follow this link, found on `page`? depth: of the link."""
    if plan == "full":
        return True
    match, here = config.kind_of(path), config.kind_of(page)
    if match.key is not None and (match.kind, match.key) == (here.kind, here.key):
        return True  # a tab of the ad
    if interest:
        return depth <= SHALLOW
    return on_interest and match.kind in ("listing", "thread") and depth <= SHALLOW + 1


def start_links(config: SiteConfig, plan: str, known: Sequence[str] = ()) -> list[Link]:
    """Where a sweep begins: the start pages, and the ads known before (addresses or paths of `known`).

    The full plan begins with the known ads too: a sweep of a large site may take longer than a day.
    """
    if plan not in PLANS:
        raise ValueError(f"{plan} is no plan; known are {', '.join(PLANS)}")
    host = config.addresses[0]
    links: dict[str, Link] = {}
    mirrors = (config.mirrors.page,) if config.mirrors.page else ()
    for paths, priority in ((config.start, START), (mirrors, START), (known, KNOWN)):
        for given in paths:
            path = normalise_url(urlsplit(given))
            if config.skips(path):
                continue
            own = max(0, config.priority_of(config.kind_of(path).kind))
            link = Link(f"http://{host}{path}", url_key(path), 0, priority + own, shape_of(path))
            links.setdefault(link.url_key, link)
    return list(links.values())


def choose_plan(times: PlanTimes, *, now: datetime, config: SiteConfig) -> str | None:
    """Which plan is due: "full", "known", or None when nothing is.

    A first crawl, and one a week, is full. Known ads come daily, before the rest of a full sweep that takes longer than
    a day, but never twice before that sweep went on for a while.
    """
    if times.full is None:
        return "full"
    since_known = now - max(times.full, times.known or times.full)
    known_due = since_known >= timedelta(hours=config.plan.known_hours) - _early(config.plan.known_hours)
    if times.unfinished:
        # Turn and turn about, so that a schedule that fires once a day finishes its full sweep as well.
        return "known" if known_due and (times.known is None or times.known < times.full) else "full"
    if now - times.full >= timedelta(days=config.plan.full_days) - _early(24 * config.plan.full_days):
        return "full"
    return "known" if known_due else None


def _early(hours: float) -> timedelta:
    return min(EARLY, timedelta(hours=hours) / 8)
