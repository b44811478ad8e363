"""What becomes of a stored page: its kind, its links, its issues, and its frontier row.

Public names: settle, put_back, Outcome, Reporter.

The page is read back from the store, never from the response in hand: a run that goes on after a crash does the same
with what the crash left, and comes to the same result.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from urllib.parse import urlsplit

from crawler.gates import Gate, judge
from crawler.links import find_links, make_links, normalise_url
from crawler.pages import Job, mark_kind
from crawler.settings import MAX_PLAIN_SIZE
from crawler.sites import SiteConfig
from storage.engine import reading
from storage.errors import BodyError
from storage.frontier import Link, finish, give_back
from storage.issues import raise_issue
from storage.pages import find_page, read_body


@dataclass(frozen=True)
class Outcome:
    """kind: of the page. gate: when it is one. done: false when the row must be put back. new_links: how many."""

    kind: str
    gate: Gate | None
    done: bool
    new_links: int


class Reporter:
    """Raises each issue once a run: a link in a footer stands on every page, and the count of runs says enough."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._seen: set[tuple[str, str]] = set()

    def report(self, kind: str, message: str, *, page_id: int | None, level: str = "warn") -> None:
        if (kind, message) in self._seen or len(self._seen) > 2000:
            return
        self._seen.add((kind, message))
        job = self._job
        raise_issue(
            job.engine,
            site_id=job.site_id,
            run_id=job.run_id,
            page_id=page_id,
            kind=kind,
            level=level,
            message=message,
            now=job.now(),
        )


def settle(
    job: Job,
    reporter: Reporter,
    *,
    frontier_id: int,
    page_id: int,
    asked: str,
    depth: int,
) -> Outcome:
    """Judge one stored page and close its frontier row; behind a gate that may open, leave it to be put back.

    `asked` is the address that was asked for; the page's own may differ after redirects. `depth` is the row's.
    """
    with reading(job.engine) as session:
        page = find_page(session, page_id)
        if page is None or page.status is None:
            raise LookupError(f"page {page_id} is not there or has no response")
        body, trouble = b"", page.note
        if page.body_sha256 is not None:
            try:
                body = read_body(session, page, max_size=MAX_PLAIN_SIZE)
            except BodyError as exc:
                trouble = str(exc)
        status, headers, url = (
            page.status,
            [(str(name), str(value)) for name, value in page.response_headers],
            page.url,
        )
    path = normalise_url(urlsplit(url))
    if trouble:
        reporter.report("unreadable-page", trouble, page_id=page_id)
    wanted = normalise_url(urlsplit(asked))
    gate = judge(status, headers, body, path=path, asked=wanted)
    if gate is not None and gate.kind == "login" and not _is_expected(job.config, wanted):
        # Carts, orders and messages want a login on every site: they bar nothing that we came for.
        gate = replace(gate, retry=False, person=False)
    if gate is not None:
        return _settle_gate(job, reporter, gate, frontier_id=frontier_id, page_id=page_id)
    kind = job.config.kind_of(path).kind
    found = [] if status >= 300 else _read_links(job, reporter, body, url=url, depth=depth, page_id=page_id)
    new = finish(
        job.engine,
        frontier_id=frontier_id,
        page_id=page_id,
        kind=kind,
        links=found,
        site_id=job.site_id,
        sweep_id=job.sweep_id,
        now=job.now(),
    )
    return Outcome(kind, None, True, new)


def _settle_gate(job: Job, reporter: Reporter, gate: Gate, *, frontier_id: int, page_id: int) -> Outcome:
    if gate.person or gate.kind in ("limited", "down", "queue"):
        level = "fail" if gate.person else "warn"
        reporter.report(f"gate-{gate.kind}", gate.message, page_id=page_id, level=level)
    if gate.retry:
        mark_kind(job.engine, page_id, gate.kind)
        return Outcome(gate.kind, gate, False, 0)
    finish(
        job.engine,
        frontier_id=frontier_id,
        page_id=page_id,
        kind=gate.kind,
        links=(),
        site_id=job.site_id,
        sweep_id=job.sweep_id,
        now=job.now(),
    )
    return Outcome(gate.kind, gate, True, 0)


def put_back(job: Job, gate: Gate, *, frontier_id: int, blame: bool) -> None:
    """Give the row of a page behind a gate back, to be asked for again. `blame`: it counts as a failure of the page."""
    now = job.now()
    give_back(
        job.engine,
        frontier_id=frontier_id,
        error=f"{gate.kind}: {gate.message}" if blame else "",
        now=now,
        retry_at=now + timedelta(seconds=max(gate.wait, job.config.patience.wait)),
        max_attempts=job.config.patience.attempts,
    )


def _is_expected(config: SiteConfig, path: str) -> bool:
    """Did the analyst name this address as one to read?"""
    start = {normalise_url(urlsplit(item)) for item in config.start}
    return not config.kinds or path in start or config.kind_of(path).kind != "other"


def _read_links(
    job: Job, reporter: Reporter, body: bytes, *, url: str, depth: int, page_id: int
) -> list[Link]:
    config = job.config
    found = find_links(body, url=url, hosts=config.addresses)
    for foreign in found.foreign:
        reporter.report("foreign-link", f"a link leads to {foreign.kind}: {foreign.host}", page_id=page_id)
    links, left_out = make_links(found, config, depth=depth + 1, host=urlsplit(url).hostname or "")
    if left_out["depth"]:
        reporter.report(
            "bound", f"links deeper than {config.bounds.depth} steps are left out", page_id=page_id
        )
    if found.too_many:
        reporter.report("bound", "a page has too many links; the rest was left out", page_id=page_id)
    if found.too_long:
        reporter.report("bound", "addresses too long to be real were left out", page_id=page_id)
    return links
