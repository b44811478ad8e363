"""Follows a queue page to where its refresh leads, as a browser would: a token address that lets us in.

Public names: Onward.

One row at a time, a few steps (crawler.links.MAX_HOPS, redirects among them), within the same onion. The row of the page that
was asked for stays leased meanwhile and is given back at the end, whatever came: a page on the way is stored like any
other, and never taken for the one that was asked for. So a crash on the way costs the steps and nothing else. A page that
sends us on again and again is no queue but a redirect, or broken: its row takes the way a few times, and is then put back
as behind any gate.
"""

from __future__ import annotations

from collections import Counter
from urllib.parse import urlsplit

from crawler.gates import Gate, judge, parse_page
from crawler.links import find_hop, normalise_url
from crawler.looks import look_at
from crawler.outcome import Outcome, Settler
from crawler.pages import Job, mark_kind
from crawler.settings import MAX_PLAIN_SIZE
from crawler.waits import MAX_WAIT
from storage.encodings import decode_body
from storage.errors import BodyError
from storage.frontier import Leased, hold
from storage.pages import Fetched

HOLD_SECONDS = 2 * MAX_WAIT
"""A step may have to wait as long as a page can ask for, and is fetched then. Renewed with each step."""
MAX_WAYS = 3
"""How often one row takes the way."""
_SAYS_LITTLE = 600
"""Letters: a page on the way says little, and is not where we wanted to go."""


class Onward:
    """The way of one run out of a queue. `busy`: a row is on it, and nothing else should be asked for meanwhile."""

    def __init__(self, job: Job, settler: Settler) -> None:
        self._job = job
        self._settler = settler
        self._row: int | None = None
        self._ways: Counter[int] = Counter()

    @property
    def busy(self) -> bool:
        return self._row is not None

    def has(self, leased: Leased) -> bool:
        """Is this the row on its way?"""
        return self._row == leased.id

    def end(self, leased: Leased) -> None:
        if self.has(leased):
            self._row = None

    def find_step(self, gate: Gate | None, leased: Leased, *, url: str, hop: int, page_id: int) -> str | None:
        """Where the row's next request goes, from the queue page at `url`; None when the page asked for is next.

        The row is held from here on.
        """
        if gate is None or gate.kind != "queue" or (self.busy and not self.has(leased)):
            return None
        if not self.busy and (not gate.to or self._ways[leased.id] >= MAX_WAYS):
            return None
        target, why = find_hop(url, gate.to, config=self._job.config, hop=hop)
        if target is None:
            message = f"a queue page leads {why}; it was not followed"
            self._settler.report("queue-step", message, page_id=page_id)
            return None
        if normalise_url(urlsplit(target)) == normalise_url(urlsplit(leased.url)):
            return None
        hold(
            self._job.engine,
            frontier_id=leased.id,
            run_id=self._job.run_id,
            now=self._job.now(),
            seconds=HOLD_SECONDS + self._job.config.timeout,
        )
        if not self.busy:
            self._ways[leased.id] += 1
        self._row = leased.id
        return target

    def judge(self, fetched: Fetched, leased: Leased, *, page_id: int) -> Outcome:
        """What a page on the way is. One that says little and sends us on is a queue page, too."""
        config = self._job.config
        path = normalise_url(urlsplit(fetched.url))
        kind = config.kind_of(path).kind
        try:
            body = decode_body(fetched.body or b"", fetched.content_encoding, max_size=MAX_PLAIN_SIZE)
        except BodyError:
            body = b""
        headers = fetched.response_headers
        tree = parse_page(body, headers) if body else None
        gate = judge(
            fetched.status or 0,
            headers,
            body,
            path=path,
            asked=normalise_url(urlsplit(leased.url)),
            kind=kind,
            marks=config.marks,
            tree=tree,
        )
        if gate is None and tree is not None:
            look = look_at(tree, headers)
            if look.refresh is not None and look.refresh_to and look.letters < _SAYS_LITTLE:
                wait = min(max(look.refresh, 1.0), MAX_WAIT)
                gate = Gate(
                    "queue", "the site sends us on from its queue", retry=True, wait=wait, to=look.refresh_to
                )
        mark_kind(self._job.engine, page_id, gate.kind if gate else kind)
        if gate is not None and (gate.person or gate.retry):
            level = "fail" if gate.person and not gate.refused else "warn"
            self._settler.report(f"gate-{gate.kind}", gate.message, page_id=page_id, level=level)
        return Outcome(gate.kind if gate else kind, gate, False, 0)

    def put_back(self, gate: Gate | None, leased: Leased, *, wait: float) -> None:
        """The way ends here: the page that was asked for is asked for again. What lay on the way is not its fault."""
        if gate is None:
            self._settler.return_row(leased.id)
        else:
            self._settler.put_back(gate, frontier_id=leased.id, blame=False, wait=wait)

    def refuse_denied(self, leased: Leased, rule: str, *, page_id: int | None) -> None:
        """The deny list names a step, or what it showed: the way ends here."""
        message = f"the deny list ({rule}) stopped a step out of a queue: nothing of its text was kept"
        self._settler.report("denied", message, page_id=page_id)
        self._settler.return_row(leased.id)
