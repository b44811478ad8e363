"""What becomes of a stored page: its kind, its links, its issues, and its frontier row.

Public names: Settler, Outcome, settle_left_over.

It is judged by what was given to the store, never by the response in hand: a run that goes on after a crash reads the
same back from the store, and comes to the same result.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from urllib.parse import urlsplit

import structlog
from scrapy.http import Response
from selectolax.lexbor import SelectolaxError

from crawler.errand import Spread
from crawler.errors import FetchError
from crawler.follow import Follower
from crawler.gates import Gate, judge, parse_page
from crawler.links import find_hop, normalise_url
from crawler.pages import Job, mark_kind
from crawler.settings import MAX_PLAIN_SIZE
from storage.encodings import decode_body
from storage.engine import reading
from storage.errors import BodyError
from storage.frontier import (
    FetchedRow,
    Link,
    count_try,
    finish,
    forget_try,
    give_back,
    give_up,
    recover,
    refuse,
)
from storage.issues import raise_issue
from storage.pages import REDIRECTS, Fetched, find_page, names_account, read_body
from storage.tables import Page

DENIED_NOTE = "denied by "
"""How the note of a page begins that the deny list stopped (crawler.pages)."""
_MAX_ISSUES = 2000
_UNREADABLE = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    RuntimeError,
    SelectolaxError,
    TypeError,
    ValueError,
)
"""What one page's content may raise; a database or a disk in trouble raises something else and ends the run."""


@dataclass(frozen=True)
class Outcome:
    """kind: of the page. gate: when it is one. done: false when the row must be put back. new_links: how many."""

    kind: str
    gate: Gate | None
    done: bool
    new_links: int


class Settler:
    """Settles the pages of one run. It remembers which issues were raised."""

    def __init__(self, job: Job, *, plan: str = "full") -> None:
        self._job = job
        self._issues: set[tuple[str, str]] = set()
        denied = job.deny.match_url if job.deny is not None else None
        self._follower = Follower(job, self.report, plan=plan, denied=denied)
        self._spread = Spread()
        self._start = {normalise_url(urlsplit(item)) for item in job.config.start}

    def settle(
        self,
        *,
        frontier_id: int,
        page_id: int,
        asked: str,
        depth: int,
        priority: int = 0,
        fetched: Fetched | None = None,
    ) -> Outcome:
        """Judge one stored page and close its frontier row; behind a gate that may open, leave it to be put back.

        fetched: what was given to the store just now; without it the page is read back.

        `asked` is the address that was asked for; the page's own may differ after redirects. `depth`, `priority`: the row's.
        """
        page, body, trouble = self._take(fetched) if fetched is not None else self._read(page_id)
        status = page.status
        if status is None:
            raise LookupError(f"page {page_id} has no response")
        if trouble.startswith(DENIED_NOTE):
            rule = trouble.removeprefix(DENIED_NOTE).partition(" (")[0]
            self.refuse_denied(rule, frontier_id=frontier_id, page_id=page_id)
            return Outcome("other", None, True, 0)
        if trouble and not (body is not None and names_account(trouble)):
            self.report("unreadable-page", trouble, page_id=page_id)
        path, wanted = normalise_url(urlsplit(page.url)), normalise_url(urlsplit(asked))
        headers = [(str(name), str(value)) for name, value in page.response_headers]
        config = self._job.config
        kind = config.kind_of(path).kind
        tree = parse_page(body, headers) if body else None
        expected = self._is_expected(wanted)
        gate = judge(
            status,
            headers,
            body,
            path=path,
            asked=wanted,
            kind=kind,
            expected=expected,
            marks=config.marks,
            tree=tree,
        )
        if gate is not None:
            return self._settle_gate(gate, expected, frontier_id=frontier_id, page_id=page_id)
        links: list[Link] = []
        fresh: list[str] = []
        if status < 300 and body:
            links, fresh = self._follower.read_links(
                body, url=page.url, depth=depth, page_id=page_id, priority=priority, tree=tree
            )
            if self._job.errand.spread:
                links = self._spread.order(links)
        new = self._finish(frontier_id=frontier_id, page_id=page_id, kind=kind, links=links)
        self._follower.remember(fresh)  # only now: they are stored
        return Outcome(kind, None, True, new)

    def _read(self, page_id: int) -> tuple[Page | Fetched, bytes | None, str]:
        """A stored page, its plain body, and what is wrong with it."""
        with reading(self._job.engine) as session:
            page = find_page(session, page_id)
            if page is None:
                raise LookupError(f"page {page_id} is not there")
            if page.body_sha256 is None:
                return page, None, page.note
            try:
                return page, read_body(session, page, max_size=MAX_PLAIN_SIZE), page.note
            except BodyError as exc:
                return page, None, str(exc)

    def _take(self, fetched: Fetched) -> tuple[Page | Fetched, bytes | None, str]:
        """The same, from what was given to the store."""
        if fetched.body is None:
            return fetched, None, fetched.note
        try:
            body = decode_body(fetched.body, fetched.content_encoding, max_size=MAX_PLAIN_SIZE)
        except BodyError as exc:
            return fetched, None, str(exc)
        return fetched, body, fetched.note

    def put_back(self, gate: Gate, *, frontier_id: int, blame: bool, wait: float = 0) -> None:
        """Give the row of a page behind a gate back, to be asked for again. `blame`: it counts as a failure."""
        now = self._job.now()
        patience = self._job.config.patience
        give_back(
            self._job.engine,
            frontier_id=frontier_id,
            error=f"{gate.kind}: {gate.message}" if blame else "",
            now=now,
            retry_at=now + timedelta(seconds=max(gate.wait, wait, patience.wait)),
            max_attempts=patience.attempts,
        )

    def put_back_failed(self, error: FetchError, *, frontier_id: int, blame: bool, wait: float) -> None:
        """Give the row of a request that got no answer back."""
        if error.scope == "address":
            self.report("no-answer", str(error), page_id=None)
        now = self._job.now()
        give_back(
            self._job.engine,
            frontier_id=frontier_id,
            error=f"{error.name}: {error}" if blame else "",
            now=now,
            retry_at=now + timedelta(seconds=wait),
            max_attempts=self._job.config.patience.attempts,
        )

    def return_row(self, frontier_id: int) -> None:
        """Give a row back unharmed."""
        now = self._job.now()
        give_back(self._job.engine, frontier_id=frontier_id, error="", now=now, retry_at=None, max_attempts=1)

    def refuse_row(self, why: str, *, frontier_id: int) -> None:
        """Close a row that must not be fetched."""
        refuse(self._job.engine, frontier_id=frontier_id, error=why, now=self._job.now())

    def refuse_denied(self, rule: str, *, frontier_id: int, page_id: int | None) -> None:
        """Close the row of an address or a page that the deny list names: its links are never read."""
        message = f"the deny list ({rule}) stopped a page: nothing of its text was kept"
        self.refuse_row(message, frontier_id=frontier_id)
        self.report("denied", message, page_id=page_id)

    def find_hop(self, response: Response, *, hop: int, page_id: int) -> str | None:
        """Where a redirect leads; None when it ends here."""
        # Browsers read it so; sites of other scripts send it unescaped.
        location = (response.headers.get("Location") or b"").decode("utf-8", "replace").strip()
        if response.status not in REDIRECTS or not location:
            return None
        target, why = find_hop(response.url, location, config=self._job.config, hop=hop)
        if target is None:
            self.report("redirect", f"a redirect leads {why}; it was not followed", page_id=page_id)
        return target

    def finish(self) -> None:
        """Say what was left out; call it when the run ends, however it ends."""
        self._follower.finish()

    def report(self, kind: str, message: str, *, page_id: int | None, level: str = "warn") -> None:
        """Raise an issue, each once a run: a link in a footer stands on every page."""
        if (kind, message) in self._issues or len(self._issues) > _MAX_ISSUES:
            return
        self._issues.add((kind, message))
        raise_issue(
            self._job.engine,
            site_id=self._job.site_id,
            run_id=self._job.run_id,
            page_id=page_id,
            kind=kind,
            level=level,
            message=message,
            now=self._job.now(),
        )

    def _settle_gate(self, gate: Gate, expected: bool, *, frontier_id: int, page_id: int) -> Outcome:
        if gate.refused:
            gate = replace(gate, retry=expected)
        elif gate.kind == "login" and not expected:
            # Carts, orders and messages want a login on every site: they bar nothing that we came for.
            gate = replace(gate, retry=False, person=False)
        if gate.person or gate.retry:
            level = "fail" if gate.person and not gate.refused else "warn"
            self.report(f"gate-{gate.kind}", gate.message, page_id=page_id, level=level)
        if gate.retry:
            mark_kind(self._job.engine, page_id, gate.kind)
            return Outcome(gate.kind, gate, False, 0)
        self._finish(frontier_id=frontier_id, page_id=page_id, kind=gate.kind, links=[])
        return Outcome(gate.kind, gate, True, 0)

    def _finish(self, *, frontier_id: int, page_id: int, kind: str, links: list[Link]) -> int:
        return finish(
            self._job.engine,
            frontier_id=frontier_id,
            page_id=page_id,
            kind=kind,
            links=links,
            site_id=self._job.site_id,
            sweep_id=self._job.sweep_id,
            now=self._job.now(),
        )

    def _is_expected(self, path: str) -> bool:
        """Did the analyst name this address as one to read?"""
        config = self._job.config
        return not config.kinds or path in self._start or config.kind_of(path).kind != "other"


def settle_left_over(settler: Settler, job: Job) -> None:
    """Settle the pages that an earlier process stored and did not read, before the first request of this one.

    A page that kills whoever reads it would otherwise stop every later run of its sweep: each try is counted before
    it begins, and the page is given up when its tries are used up, or at once when reading it fails by itself.
    """
    for row in recover(job.engine, sweep_id=job.sweep_id, now=job.now()):
        if not count_try(job.engine, frontier_id=row.frontier_id, max_attempts=job.config.patience.attempts):
            _give_up(settler, job, row, "it ended the run each time")
            continue
        try:
            outcome = settler.settle(
                frontier_id=row.frontier_id,
                page_id=row.page_id,
                asked=row.url,
                depth=row.depth,
                priority=row.priority,
            )
        except _UNREADABLE as exc:
            structlog.get_logger("crawler").bind(run=job.run_id, site=job.config.name).error(
                "internal error", error=repr(exc), page=row.page_id, exc_info=True
            )
            _give_up(settler, job, row, f"{exc!r:.300}")
            continue
        if outcome.gate is not None and not outcome.done:
            forget_try(job.engine, frontier_id=row.frontier_id)
            settler.put_back(outcome.gate, frontier_id=row.frontier_id, blame=False)


def _give_up(settler: Settler, job: Job, row: FetchedRow, why: str) -> None:
    message = f"page {row.page_id} could not be read for links and was given up: {why}"
    give_up(job.engine, frontier_id=row.frontier_id, error=message)
    settler.report("page-given-up", message, page_id=row.page_id, level="fail")
