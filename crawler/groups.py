"""Which stored pages are read together: the tabs of one listing, in one sweep, by the site's own key.

Public names: Group, group_pages, path_of, LISTING_KINDS.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from crawler.pagekinds import GATES
from crawler.sites import SiteConfig
from crawler.urls import split_url
from storage.pages import PageRef
from storage.redo import find_all_pages
from storage.runs import find_run

LISTING_KINDS = ("listing", "thread")


@dataclass(frozen=True)
class Group:
    """Pages to be read together. key: "" where the site file names none."""

    site: str
    kind: str
    key: str
    pages: tuple[PageRef, ...]


def path_of(url: str) -> str:
    parts = split_url(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def group_pages(
    session: Session, unread: Sequence[PageRef], names: Mapping[int, str], sites: Mapping[str, SiteConfig]
) -> Iterator[Group]:
    """Pages of one sweep with one key are one group, those already read too: a tab may come later than its page."""
    sweeps: dict[int, int] = {}
    wanted: dict[tuple[int, int, str, str], list[PageRef]] = defaultdict(list)
    several: set[int] = set()
    for ref in unread:
        kind, key = _place(ref, sites.get(names[ref.site_id]))
        if not key:
            yield Group(names[ref.site_id], kind, "", (ref,))
            continue
        wanted[ref.site_id, _sweep_of(session, ref.run_id, sweeps), kind, key].append(ref)
        config = sites.get(names[ref.site_id])
        if config is not None and (len(config.kinds.get(kind, ())) > 1 or kind == "thread"):
            several.add(ref.site_id)
    if several:
        fresh = {ref.page_id for ref in unread}
        for site_id in sorted(several):
            for ref in find_all_pages(session, site_id=site_id):
                if ref.page_id in fresh:
                    continue
                kind, key = _place(ref, sites.get(names[site_id]))
                if key and (name := (site_id, _sweep_of(session, ref.run_id, sweeps), kind, key)) in wanted:
                    wanted[name].append(ref)
    for (site_id, _, kind, key), refs in wanted.items():
        refs.sort(key=lambda ref: ref.page_id)
        yield Group(names[site_id], kind, key, tuple(refs))


def _place(ref: PageRef, config: SiteConfig | None) -> tuple[str, str]:
    """(kind, key) of a page by the site file; what the crawl judged to be a gate stays one."""
    if ref.kind in GATES or config is None:
        return ref.kind or "other", ""
    match = config.kind_of(path_of(ref.url))
    return match.kind, (match.key or "") if match.kind in LISTING_KINDS else ""


def _sweep_of(session: Session, run_id: int, known: dict[int, int]) -> int:
    if run_id not in known:
        run = find_run(session, run_id)
        known[run_id] = run.sweep_id if run is not None and run.sweep_id is not None else run_id
    return known[run_id]
