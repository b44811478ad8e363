"""A run with a small task: a few addresses by name, or a bounded look around, instead of a site's whole plan.

Public names: Errand, Spread, read_errand, narrow, shape_of.

It goes through the very chain of a crawl, so that page storage, isolation, canary and deny list hold for it as well. It
has a frontier of its own: an unfinished sweep of the site is neither taken up nor ended by it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from crawler.siteconfig import Bounds, Plan, SiteConfig
from storage.frontier import Link

ONLY, PAGES, SPREAD = "only", "bound_pages", "spread"
"""The names under which a run's settings carry an errand."""
MOST_ONLY = 200
_TRIES = 5
"""Redirects and retries that each named address may cost."""
_MINUTES = 60.0
_FIRST = 500
_NUMBERED = re.compile(r"\d|(?:[-_][^-_]+){2,}|[0-9a-f]{12,}", re.IGNORECASE)


@dataclass(frozen=True)
class Errand:
    """only: fetch these paths and follow nothing. pages: stop after so many. spread: one page of each shape of address
    first, then a second of each. All empty: no errand, the run follows the site's plan."""

    only: tuple[str, ...] = ()
    pages: int | None = None
    spread: bool = False

    def __bool__(self) -> bool:
        return bool(self.only) or self.pages is not None

    def settings(self) -> dict[str, Any]:
        """As a run's settings hold it."""
        found: dict[str, Any] = {}
        if self.only:
            found[ONLY] = list(self.only)
        if self.pages is not None:
            found[PAGES] = self.pages
        if self.spread:
            found[SPREAD] = True
        return found


def read_errand(settings: Mapping[str, Any]) -> Errand:
    """The errand in a run's settings; an empty one when there is none."""
    only, pages = settings.get(ONLY), settings.get(PAGES)
    return Errand(
        only=tuple(str(path) for path in only[:MOST_ONLY]) if isinstance(only, list) else (),
        pages=pages if isinstance(pages, int) and pages > 0 else None,
        spread=settings.get(SPREAD) is True,
    )


def narrow(config: SiteConfig, errand: Errand) -> SiteConfig:
    """The site's settings with the errand's bounds: never wider than the site file allows."""
    bounds = config.bounds
    pages, minutes = bounds.pages, min(bounds.minutes, _MINUTES)
    if errand.only:
        pages = min(pages, errand.pages or _TRIES * len(errand.only))
        depth0 = Bounds(pages=pages, depth=0, minutes=minutes)
        mirrors = config.mirrors.model_copy(update={"page": None})
        changes = {"start": errand.only, "bounds": depth0, "plan": Plan(), "mirrors": mirrors}
        return config.model_copy(update=changes)
    if errand.pages is not None:
        small = Bounds(pages=min(pages, errand.pages), depth=bounds.depth, minutes=minutes)
        return config.model_copy(update={"bounds": small})
    return config


def bound(config: SiteConfig, settings: Mapping[str, Any]) -> SiteConfig:
    """The site's settings with the bounds that a schedule gave its runs: never wider than the site file allows."""
    pages, minutes = settings.get("pages"), settings.get("minutes")
    bounds = config.bounds
    if isinstance(pages, int) and pages > 0:
        bounds = bounds.model_copy(update={"pages": min(pages, bounds.pages)})
    if isinstance(minutes, int | float) and minutes > 0:
        bounds = bounds.model_copy(update={"minutes": min(float(minutes), bounds.minutes)})
    return config.model_copy(update={"bounds": bounds})


class Spread:
    """Gives links the order of a look around: the first of every shape before the second of any."""

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()

    def order(self, links: Iterable[Link]) -> list[Link]:
        ordered = []
        for link in links:
            shape = shape_of(link.url.split("/", 3)[3] if link.url.count("/") > 2 else "")
            ordered.append(replace(link, priority=_FIRST - self._seen[shape]))
            self._seen[shape] += 1
        return ordered


def shape_of(path: str) -> str:
    """An address without what names one thing: "/p/8831?tab=2" -> "/p/*?tab". Coarse on purpose, and needs no samples."""
    base, _, query = path.partition("?")
    parts = [part for part in base.split("/") if part]
    kept = [part if number == 0 and not _NUMBERED.search(part) else "*" for number, part in enumerate(parts)]
    names = sorted({item.partition("=")[0] for item in query.split("&") if item})
    return "/" + "/".join(kept) + (f"?{'&'.join(names)}" if names else "")
