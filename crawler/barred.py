"""Tells one page that refuses for ever from a session that is over: which pages barred the way, and where to knock.

Public names: Barred.

Before a person is called, a page is asked for once more that was good in this run and is no start page, because a start page is
often shown to everybody. It is good again, and the page that barred the way is the last one of its sweep: that page is
refused and named in an issue. While other pages are left they are the better proof, because the good page may be one
that everybody may see, too: then its answer counts for nothing, and one more page behind a gate calls a person.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from crawler.links import normalise_url
from crawler.outcome import Outcome, Settler
from crawler.pages import Job
from storage.frontier import Leased, count_states

_KINDS = ("captcha", "login", "banned")


class Barred:
    """What barred the way of one run since a page last came through."""

    def __init__(self, job: Job, settler: Settler) -> None:
        self._job = job
        self._settler = settler
        self._start = {normalise_url(urlsplit(item)) for item in job.config.start}
        self._rows: dict[int, tuple[str, int, str]] = {}
        self._knocked: int | None = None
        self.good = ""
        """The path of the last page that came through and is no start page; "" for none."""

    @property
    def may_knock(self) -> bool:
        """Is there a page to knock at? Once each time: what a knock did not settle, a person does."""
        return bool(self.good) and self._knocked is None

    def note_knock(self, leased: Leased) -> None:
        self._knocked = leased.id

    def note(self, outcome: Outcome, leased: Leased, *, url: str, status: int, page_id: int) -> bool:
        """Take in one answer to a row, and refuse the one page that barred the way when the knock was good.

        Returns whether the answer says anything of our standing: that of a knock that proved nothing does not.
        """
        path = normalise_url(urlsplit(leased.url))
        if outcome.gate is not None:
            if outcome.gate.retry and outcome.gate.kind in _KINDS and leased.id != self._knocked:
                self._rows[leased.id] = (path, page_id, outcome.gate.message)
            return True
        if leased.id == self._knocked and self._rows:
            if not self._is_last():
                return False
            self._refuse_last()
        self._rows.clear()
        self._knocked = None
        if status == 200 and path not in self._start and normalise_url(urlsplit(url)) == path:
            self.good = path
        return True

    def _is_last(self) -> bool:
        """Did one page alone bar the way, with nothing else of its sweep left to be asked for?"""
        states = count_states(self._job.engine, sweep_id=self._job.sweep_id)
        return len(self._rows) == 1 == sum(states.get(state, 0) for state in ("new", "leased", "fetched"))

    def _refuse_last(self) -> None:
        ((row, (path, page_id, why)),) = self._rows.items()
        message = f"{path} was refused again and again ({why}) while the session holds: it was left out of this crawl"
        self._settler.refuse_row(message, frontier_id=row)
        self._settler.report("page-barred", message, page_id=page_id)
