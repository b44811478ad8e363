"""Which links of a stored page become addresses to fetch, and what is said of those that do not.

Public names: Follower, Report.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol
from urllib.parse import urlsplit

from crawler.links import find_links, make_links
from crawler.pages import Job
from storage.frontier import Link

_MAX_KNOWN = 300_000


class Report(Protocol):
    """Raises an issue, each once a run (crawler.outcome.Settler.report)."""

    def __call__(self, kind: str, message: str, *, page_id: int | None, level: str = "warn") -> None: ...


class Follower:
    """Reads the links of one run's pages. It remembers which addresses the frontier has."""

    def __init__(self, job: Job, report: Report) -> None:
        self._job = job
        self._report = report
        self._known: set[str] = set()

    def read_links(self, body: bytes, *, url: str, depth: int, page_id: int) -> tuple[list[Link], list[str]]:
        """The links to store, and all paths that need no second look once they are (give them to `remember`)."""
        config = self._job.config
        found = find_links(body, url=url, hosts=config.addresses)
        for foreign in found.foreign:
            self._report("foreign-link", f"a link leads to {foreign.kind}: {foreign.host}", page_id=page_id)
        if found.too_many:
            self._report("bound", "a page has too many links; the rest was left out", page_id=page_id)
        if found.too_long:
            self._report("bound", "addresses too long to be real were left out", page_id=page_id)
        found.paths = [path for path in found.paths if path not in self._known]
        links, left_out = make_links(found, config, depth=depth + 1, host=urlsplit(url).hostname or "")
        if left_out["depth"]:
            self._report(
                "bound", f"links deeper than {config.bounds.depth} steps are left out", page_id=page_id
            )
            return links, []  # another page may come to them by a shorter way
        return links, found.paths

    def remember(self, paths: Iterable[str]) -> None:
        """The frontier has these now."""
        if len(self._known) > _MAX_KNOWN:
            self._known.clear()
        self._known.update(paths)
