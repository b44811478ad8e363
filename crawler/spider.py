"""The one spider: takes addresses from the frontier at the site's pace, and says what became of each.

Public names: MarketSpider.

The frontier in SQL is the only plan. The spider leases a row, Scrapy fetches it, the innermost middleware stores the
response, and `settle` reads the stored page's links; a row whose page is stored and whose links are not is read again
from the store after a crash. Pages are never parsed into listings here.
"""

# Twisted is typed in part only: its own functions without types may be called.
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections import deque
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import scrapy
import structlog
from scrapy import Request, signals
from scrapy.http import Response
from scrapy.utils.asyncio import call_later
from twisted.internet.task import LoopingCall
from twisted.python.failure import Failure

from crawler.errors import FetchError, Interrupted, Refused, TorGone
from crawler.isolation import Isolation
from crawler.links import find_hop, normalise_url
from crawler.mirrors import Mirrors
from crawler.outcome import Outcome, Settler
from crawler.pages import Job
from crawler.transport import give_up
from storage.engine import reading
from storage.frontier import Leased, count_states, give_back, lease, refuse
from storage.pages import REDIRECTS, find_page
from storage.runs import beat_run

MAX_BARRED = 3
"""Pages in a row behind a captcha or a login before the run stops and waits for a person."""
MAX_WAITS = 30
"""Queue pages and refusals for asking too often in a row before the run gives up for now."""
BEAT_SECONDS = 2.0
GRACE_SECONDS = 3.0
"""How long requests under way may still finish when the run is asked to stop."""


class MarketSpider(scrapy.Spider):
    """One run over one site. `ending` says how it ended: (state, message), ready for the run row."""

    name = "market"

    def __init__(self, job: Job, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.job = job
        self.ending: tuple[str, str] | None = None
        self.pages = 0
        self._log = structlog.get_logger("crawler").bind(run=job.run_id, site=job.config.name)
        self._mirrors = Mirrors(job.config.addresses, job.config.patience)
        self._settler = Settler(job)
        self._isolation = Isolation(job.config.name, "", str(job.run_id))
        self._random = random.Random(job.run_id)  # noqa: S311 - a pace, not a secret
        self._waiting: deque[Leased] = deque()
        self._open: dict[int, Leased] = {}
        self._changed = asyncio.Event()
        self._next_at = 0.0
        self._stop_at = time.monotonic() + job.config.bounds.minutes * 60
        self._barred = self._waits = 0
        self._paths: dict[int, str] = {}
        self._beat = LoopingCall(self._beat_once)

    # --- the plan ----------------------------------------------------------------------------------------------------

    async def start(self) -> AsyncIterator[Any]:
        """Yields a request whenever the pace, the bounds and the frontier allow one, until one of them says stop."""
        self.crawler.signals.connect(self._on_error, signal=signals.spider_error)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop, "lost", "the crawl process was asked to stop")
        beating = self._beat.start(BEAT_SECONDS, now=True)
        beating.addErrback(self._on_beat_error)
        while (leased := await self._next_lease()) is not None:
            yield self._make_request(leased)
        # Rows taken and not asked for go back at once, so that the next run begins with them.
        while self._waiting:
            self._return(self._waiting.popleft().id)

    async def closed(self, reason: str) -> None:
        if self._beat.running:
            self._beat.stop()

    async def _next_lease(self) -> Leased | None:
        while self.ending is None:
            now = time.monotonic()
            if self._bound_reached(now):
                break
            pause = max(self._next_at, self._mirrors.hold_until) - now
            if pause > 0 or len(self._open) >= self.job.config.pace.in_flight:
                await self._sleep(min(pause, 1.0) if pause > 0 else 1.0)
                continue
            if not self._waiting:
                self._take_leases()
            if self._waiting:
                leased = self._waiting.popleft()
                self._open[leased.id] = leased
                pace = self.job.config.pace
                self._next_at = now + pace.delay * (1 + self._random.uniform(-pace.jitter, pace.jitter))
                return leased
            if not self._open and not count_states(self.job.engine, sweep_id=self.job.sweep_id).get("new"):
                self._stop("done", "")
                break
            await self._sleep(1.0)  # rows that wait for their time, or links still being read
        return None

    def _take_leases(self) -> None:
        config = self.job.config
        self._waiting.extend(
            lease(
                self.job.engine,
                site_id=self.job.site_id,
                sweep_id=self.job.sweep_id,
                run_id=self.job.run_id,
                limit=config.pace.in_flight,
                now=self.job.now(),
                seconds=(config.timeout + config.pace.delay) * (config.pace.in_flight + 1) + 60,
            )
        )

    def _bound_reached(self, now: float) -> bool:
        bounds = self.job.config.bounds
        counted = self.job.pages_before - self.job.bound_from + self.pages
        if counted + len(self._open) >= bounds.pages:
            self._stop(
                "paused", f"stopped at its bound of {bounds.pages} pages; the next crawl goes on from here"
            )
        elif now >= self._stop_at:
            self._stop(
                "paused",
                f"stopped at its bound of {bounds.minutes:g} minutes; the next crawl goes on from here",
            )
        return self.ending is not None

    async def _sleep(self, seconds: float) -> None:
        """Until something happened to a request, at most `seconds`."""
        self._changed.clear()
        try:
            await asyncio.wait_for(self._changed.wait(), max(seconds, 0.01))
        except TimeoutError:
            return

    def _make_request(self, leased: Leased, *, url: str = "", hop: int = 0) -> Request:
        host = self._mirrors.current or self.job.config.addresses[0]
        url = url or f"http://{host}{normalise_url(urlsplit(leased.url))}"
        path = self._path_of(leased.found_on)
        return Request(
            url,
            callback=self.parse,
            errback=self.failed,
            dont_filter=True,
            headers={"Referer": f"http://{host}{path}"} if path else {},
            meta={"leased": leased, "hop": hop, "isolation": self._isolation},
        )

    def _path_of(self, page_id: int | None) -> str:
        if page_id is None:
            return ""
        if page_id not in self._paths:
            if len(self._paths) > 10_000:
                self._paths.clear()
            with reading(self.job.engine) as session:
                page = find_page(session, page_id)
            self._paths[page_id] = normalise_url(urlsplit(page.url)) if page else ""
        return self._paths[page_id]

    # --- what came back ----------------------------------------------------------------------------------------------

    def parse(self, response: Response, **kwargs: Any) -> Iterator[Request]:
        """The page is stored: read its links from the store, or follow one redirect within the site."""
        request: Request = response.request  # type: ignore[assignment]
        leased: Leased = request.meta["leased"]
        page_id: int = request.meta["page_id"]
        self.pages += 1
        if response.status in REDIRECTS and (target := self._next_hop(response, page_id)):
            if self.ending is None:
                yield self._make_request(leased, url=target, hop=response.meta["hop"] + 1)
            else:
                self._return(leased.id)
                self._release(leased)
            return
        if response.status < 500 and response.status != 429:
            self._mirrors.succeed()
        outcome = self._settler.settle(
            frontier_id=leased.id,
            page_id=page_id,
            asked=leased.url,
            depth=leased.depth,
        )
        self._log.info(
            "page", path=normalise_url(urlsplit(response.url)), status=response.status, kind=outcome.kind,
            new_links=outcome.new_links, page=page_id,
        )  # fmt: skip
        blame = self._heed(outcome, leased, host=urlsplit(response.url).hostname or "")
        if outcome.gate is not None and not outcome.done:
            # A start address is never given up: without it the next run would have nothing to begin with.
            self._settler.put_back(outcome.gate, frontier_id=leased.id, blame=blame and leased.depth > 0)
        self._release(leased)

    def _next_hop(self, response: Response, page_id: int) -> str | None:
        """Where a redirect leads; None when it ends here."""
        # Browsers read it so; sites of other scripts send it unescaped.
        location = (response.headers.get("Location") or b"").decode("utf-8", "replace").strip()
        if not location:
            return None
        target, why = find_hop(response.url, location, config=self.job.config, hop=response.meta["hop"])
        if target is None:
            self._settler.report("redirect", f"a redirect leads {why}; it was not followed", page_id=page_id)
        return target

    def _heed(self, outcome: Outcome, leased: Leased, *, host: str) -> bool:
        """Slow down, wait or stop as the gate asks; whether the page is to blame for what happened."""
        gate = outcome.gate
        if gate is None:
            self._barred = self._waits = 0
        elif gate.kind == "down":
            blame = self._mirrors.fail(time.monotonic(), address=host, page=leased.id, wait=gate.wait)
            self._check_mirrors("the site answers with errors only")
            return blame
        elif gate.kind in ("limited", "queue"):
            self._mirrors.hold(time.monotonic() + max(gate.wait, self.job.config.patience.wait))
            self._waits += 1
            if self._waits >= MAX_WAITS:
                self._stop("paused", f"paused: {gate.message}, {self._waits} times in a row")
        elif gate.kind == "seized":
            self._stop("paused", f"paused: {gate.message}; a person should look")
        elif gate.retry:
            self._barred += 1
            if self._barred >= MAX_BARRED:
                self._stop("paused", f"paused: {gate.message} (seen {self._barred} times in a row)")
            return True
        return False

    def failed(self, failure: Failure) -> None:
        """Nothing came back: say why, and decide whether the page, the address or Tor is to blame."""
        error = failure.value
        request: Request = failure.request  # type: ignore[attr-defined]
        leased: Leased = request.meta["leased"]
        if not isinstance(error, FetchError):
            self._log.error("internal error", error=repr(error), trace=failure.getTraceback())
            self._stop("failed", f"stopped by an error of the tool or its database: {error!r:.300}")
            self._release(leased)
            return
        self._log.warning(
            "no answer", path=normalise_url(urlsplit(request.url)), error=error.name, text=str(error)
        )
        if isinstance(error, TorGone):
            self._stop("failed", f"Tor is gone, so the run stopped and fetched nothing more. {error}")
            self._return(leased.id)
        elif isinstance(error, Interrupted):
            self._return(leased.id)
        elif isinstance(error, Refused):
            refuse(self.job.engine, frontier_id=leased.id, error=str(error), now=self.job.now())
        else:
            self._retry(leased, error, host=urlsplit(request.url).hostname or "")
        self._release(leased)

    def _retry(self, leased: Leased, error: FetchError, *, host: str) -> None:
        blame = True
        if error.scope == "address":
            now = time.monotonic()
            blame = self._mirrors.fail(now, address=host, page=leased.id, permanent=error.permanent)
            self._settler.report("no-answer", str(error), page_id=None)
            self._check_mirrors(str(error))
        now_utc = self.job.now()
        give_back(
            self.job.engine,
            frontier_id=leased.id,
            error=f"{error.name}: {error}" if blame and leased.depth > 0 else "",
            now=now_utc,
            retry_at=now_utc + timedelta(seconds=self.job.config.patience.wait),
            max_attempts=self.job.config.patience.attempts,
        )

    def _check_mirrors(self, why: str) -> None:
        if self._mirrors.current is None:
            count = len(self.job.config.addresses)
            which = "its only address" if count == 1 else f"none of its {count} addresses"
            self._stop(
                "failed",
                f"the site could not be reached ({which}): {why}. What is left waits for the next crawl.",
            )

    # --- stopping ----------------------------------------------------------------------------------------------------

    def _stop(self, state: str, message: str) -> None:
        """End the run: no new request from now on. What is under way gets a little time, none when Tor is gone."""
        if self.ending is not None:
            return
        self.ending = (state, message)
        self._log.info("ending", state=state, message=message)
        if state != "done":
            wait = GRACE_SECONDS if state in ("paused", "cancelled", "lost") else 0.0
            call_later(wait, self.crawler.signals.send_catch_log, give_up)
        self._changed.set()

    def _beat_once(self) -> None:
        wish = beat_run(self.job.engine, run_id=self.job.run_id, now=self.job.now())
        if wish == "pause":
            self._stop("paused", "paused as asked")
        elif wish == "cancel":
            self._stop("cancelled", "cancelled as asked")

    def _on_beat_error(self, failure: Failure) -> None:
        self._stop("failed", f"the database cannot be written: {failure.value!r:.300}")

    def _on_error(self, failure: Failure) -> None:
        """Reading a stored page failed: the page is safe, its row stays "fetched", and the next run reads it again."""
        self._log.error("internal error", error=repr(failure.value), trace=failure.getTraceback())
        self._stop("failed", f"stopped by an error of the tool or its database: {failure.value!r:.300}")

    def _return(self, frontier_id: int) -> None:
        """Give a row back unharmed."""
        now = self.job.now()
        give_back(self.job.engine, frontier_id=frontier_id, error="", now=now, retry_at=None, max_attempts=1)

    def _release(self, leased: Leased) -> None:
        self._open.pop(leased.id, None)
        self._changed.set()
