"""The one spider: takes addresses from the frontier at the site's pace, and says what became of each.

Public names: MarketSpider, WAITING, TAKEN, AWAY.

The frontier in SQL is the only plan. The spider leases a row, Scrapy fetches it, the innermost middleware stores the
response, and `settle` reads the stored page's links; a row whose page is stored and whose links are not is read again
from the store after a crash. Pages are never parsed into listings here. What an answer means for the run is for
crawler.course to say.
"""

# Twisted is typed in part only: its own functions without types may be called.
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import asyncio
import signal
import time
from collections import deque
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import scrapy
import structlog
from scrapy import Request, signals
from scrapy.http import Response
from scrapy.utils.asyncio import call_later
from twisted.internet.task import LoopingCall
from twisted.python.failure import Failure

from crawler.account import Account
from crawler.asking import Asking
from crawler.barred import Barred
from crawler.course import Course, Verdict
from crawler.errors import CrawlError, FetchError, Interrupted, Refused, TorGone
from crawler.links import normalise_url, url_key
from crawler.mirrors import Mirrors
from crawler.onward import Onward
from crawler.outcome import Outcome, Settler
from crawler.pace import Change, Pace
from crawler.pages import Job
from crawler.standing import Step
from crawler.transport import give_up
from crawler.upkeep import Upkeep
from storage.errors import FencedError
from storage.frontier import Leased, count_states, knock, lease
from storage.troubles import explain_trouble, is_away

BEAT_SECONDS = 2.0
GRACE_SECONDS = 3.0
"""How long requests under way may still finish when the run is asked to stop."""
WAITING = "waiting"
"""How a run ends, for now, that needs a person."""
TAKEN, AWAY = "taken", "away"
"""How it ends when its worker or its site is no longer its own, and when the database is gone."""
_IN_PEACE = ("paused", "cancelled", "lost", WAITING)


class MarketSpider(scrapy.Spider):
    """One run over one site. `ending` says how it ended: (state, message), ready for the run row."""

    name = "market"

    def __init__(
        self,
        job: Job,
        *,
        account: Account,
        mirrors: Mirrors,
        pace: Pace,
        settler: Settler,
        upkeep: Upkeep,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.job = job
        self.ending: tuple[str, str] | None = None
        self.pages = 0
        self.jars = {account.isolation: account.jar}
        """For crawler.cookies.OnionCookies."""
        self.names_account = account.is_named if account.has_name else None
        """For crawler.pages.PageStore."""
        self._log = structlog.get_logger("crawler").bind(run=job.run_id, site=job.config.name)
        self._account = account
        self._mirrors, self._pace, self._settler = mirrors, pace, settler
        config = job.config
        self._course = Course(
            config.patience, addresses=len(config.addresses), mirrors=mirrors, pace=pace, account=account
        )
        self._waiting: deque[Leased] = deque()
        self._open: dict[int, Leased] = {}
        self._hops: deque[tuple[Leased, str, int]] = deque()
        """Redirects and a queue's steps to follow: (row, where to, which step)."""
        self._knocks: set[int] = set()
        self._changed = asyncio.Event()
        self._stop_at = time.monotonic() + config.bounds.minutes * 60
        self._asking = Asking(job, account)
        self._onward = Onward(job, settler)
        self._barred = Barred(job, settler)
        self._upkeep = upkeep
        self._beat = LoopingCall(self._beat_once)

    # --- the plan ----------------------------------------------------------------------------------------------------

    async def start(self) -> AsyncIterator[Any]:
        """Yields a request whenever the pace, the bounds and the frontier allow one, until one of them says stop."""
        self.crawler.signals.connect(self._break_down, signal=signals.spider_error)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop, "lost", "the crawl process was asked to stop")
        self._beat.start(BEAT_SECONDS, now=True).addErrback(self._on_beat_error)
        while (request := await self._next_request()) is not None:
            yield request
        if self.ending and self.ending[0] == TAKEN:
            return  # nothing is ours any more
        # Rows taken and not asked for go back at once, so that the next run begins with them.
        while self._waiting:
            self._settler.return_row(self._waiting.popleft().id)
        while self._hops:
            leased, _, _ = self._hops.popleft()
            self._return(leased)
            self._release(leased)

    async def closed(self, reason: str) -> None:
        if self._beat.running:
            self._beat.stop()

    async def _next_request(self) -> Request | None:
        while self.ending is None:
            now = time.monotonic()
            if self._bound_reached(now):
                break
            if need := self._course.find_need(self.job.now()):
                self._stop(WAITING, need.message)
                break
            pause = self._course.next_at - now
            proves = self._course.wants_proof and self._barred.may_knock
            full = self._onward.busy or len(self._open) >= (1 if proves else self.job.config.pace.in_flight)
            if pause > 0 or (full and not self._hops):
                await self._sleep(min(pause, 1.0) if pause > 0 else 1.0)
                continue
            if self._hops:
                # A step of a redirect is a request as any other to the site that counts them.
                leased, url, hop = self._hops.popleft()
                self._pace.started(now)
                return self._ask(leased, url=url, hop=hop)
            if proves and (known := self._knock(self._barred.good)) is not None:
                self._barred.note_knock(known)
                self._pace.started(now)
                return self._ask(known)
            if self._course.wants_knock and not self._open and (known := self._knock()) is not None:
                self._pace.started(now)
                return self._ask(known)
            if not self._waiting:
                self._take_leases()
            if self._waiting:
                leased = self._waiting.popleft()
                self._open[leased.id] = leased
                self._pace.started(now)
                return self._ask(leased)
            if not self._open and not count_states(self.job.engine, sweep_id=self.job.sweep_id).get("new"):
                self._stop("done", "")
                break
            await self._sleep(1.0)  # rows that wait for their time, or links still being read
        return None

    def _ask(self, leased: Leased, *, url: str = "", hop: int = 0) -> Request:
        host = self._mirrors.current or self.job.config.addresses[0]
        request = self._asking.make_request(
            leased, host=host, url=url, hop=hop, at=time.monotonic(), onward=self._onward.has(leased)
        )
        return request.replace(callback=self.parse, errback=self.failed)

    def _knock(self, good: str = "") -> Leased | None:
        """The start page, or `good`, once more, which answered before. Its row is done, whatever comes of it."""
        path = good or normalise_url(urlsplit(self.job.config.start[0]))
        leased = knock(
            self.job.engine, site_id=self.job.site_id, sweep_id=self.job.sweep_id, url_key=url_key(path)
        )
        if leased is not None:
            self._open[leased.id] = leased
            self._knocks.add(leased.id)
            self._log.info("knock", path=path)
        return leased

    def _take_leases(self) -> None:
        config = self.job.config
        slowest = config.timeout + config.pace.delay * self._pace.factor
        self._waiting.extend(
            lease(
                self.job.engine,
                site_id=self.job.site_id,
                sweep_id=self.job.sweep_id,
                run_id=self.job.run_id,
                limit=config.pace.in_flight,
                now=self.job.now(),
                seconds=slowest * (config.pace.in_flight + 1) + 60,
            )
        )

    def _bound_reached(self, now: float) -> bool:
        bounds = self.job.config.bounds
        counted = self.job.pages_before - self.job.bound_from + self.pages + len(self._open)
        if counted < bounds.pages and now < self._stop_at:
            return False
        reached = f"{bounds.pages} pages" if counted >= bounds.pages else f"{bounds.minutes:g} minutes"
        if self.job.errand:
            self._stop("done", f"stopped after the {reached} asked for")
        self._stop("paused", f"stopped at its bound of {reached}; the next crawl goes on from here")
        return True

    async def _sleep(self, seconds: float) -> None:
        """Until something happened to a request, at most `seconds`."""
        self._changed.clear()
        try:
            await asyncio.wait_for(self._changed.wait(), max(seconds, 0.01))
        except TimeoutError:
            return

    # --- what came back ----------------------------------------------------------------------------------------------

    def parse(self, response: Response, **kwargs: Any) -> None:
        """The page is stored: read its links from the store, or note one redirect within the site, to be followed."""
        request: Request = response.request  # type: ignore[assignment]
        leased: Leased = request.meta["leased"]
        page_id: int = request.meta["page_id"]
        self.pages += 1
        hop: int = request.meta["hop"]
        if rule := request.meta.get("denied"):
            if self._onward.has(leased):
                self._onward.refuse_denied(leased, rule, page_id=page_id)
            else:
                self._settler.refuse_denied(rule, frontier_id=leased.id, page_id=page_id)
            self._release(leased)
            return
        if target := self._settler.find_hop(response, hop=hop, page_id=page_id):
            self._hop_on(leased, target, hop + 1)
            return
        host = urlsplit(response.url).hostname or ""
        if response.status < 500 and response.status != 429:
            self._mirrors.succeed(host, seconds=time.monotonic() - request.meta["asked_at"])
        if self._onward.has(leased):
            self._heed(
                self._onward.judge(request.meta["fetched"], leased, page_id=page_id), request, response
            )
            return
        outcome = self._settler.settle(
            frontier_id=leased.id, page_id=page_id, asked=leased.url, depth=leased.depth, priority=leased.priority,
            fetched=request.meta["fetched"],
        )  # fmt: skip
        self._log.info(
            "page", path=normalise_url(urlsplit(response.url)), status=response.status, kind=outcome.kind,
            new_links=outcome.new_links, page=page_id,
        )  # fmt: skip
        self._heed(outcome, request, response)

    def _hop_on(self, leased: Leased, target: str, hop: int) -> None:
        """The row stays open: its next request goes to `target`."""
        if self.ending is None:
            self._hops.append((leased, target, hop))
            self._changed.set()
        else:
            self._return(leased)
            self._release(leased)

    def _heed(self, outcome: Outcome, request: Request, response: Response) -> None:
        """Slow down, wait or stop as the gate asks, and give the row back that is to be tried again."""
        leased: Leased = request.meta["leased"]
        page_id: int = request.meta["page_id"]
        on_the_way = self._onward.has(leased)
        # A page on the way out of a queue says nothing of where we stand: the page that was asked for does.
        tells = not (on_the_way and outcome.gate is None) and self._barred.note(
            outcome, leased, url=response.url, status=response.status, page_id=page_id
        )
        if not tells:
            verdict = Verdict(Step("go"))
        else:
            verdict, change = self._course.heed(
                outcome.gate, row=leased.id, host=urlsplit(response.url).hostname or "", page_id=page_id,
                asked_at=request.meta["asked_at"], at=time.monotonic(), now=self.job.now(),
            )  # fmt: skip
            self._tell(change)
        if verdict.step.do in ("wait", "go") and leased.id not in self._knocks:
            target = self._onward.find_step(
                outcome.gate, leased, url=response.url, hop=request.meta["hop"], page_id=page_id
            )
            if target is not None:
                self._hop_on(leased, target, request.meta["hop"] + 1)
                return
        if on_the_way:
            self._onward.put_back(outcome.gate, leased, wait=verdict.wait)
            self._follow(verdict)
        else:
            self._settle_verdict(outcome, verdict, leased)
        self._release(leased)

    def _settle_verdict(self, outcome: Outcome, verdict: Verdict, leased: Leased) -> None:
        blame = verdict.blame
        if verdict.step.do in ("person", "stop") and not self._course.blame.good:
            # Nothing but this page is left, and it barred the way each time: it must not hold its sweep open for ever.
            blame = self._may_blame_last(outcome, verdict)
        if outcome.gate is not None and not outcome.done and leased.id not in self._knocks:
            self._settler.put_back(outcome.gate, frontier_id=leased.id, blame=blame, wait=verdict.wait)
        self._follow(verdict)

    def _may_blame_last(self, outcome: Outcome, verdict: Verdict) -> bool:
        kind = outcome.gate.kind if outcome.gate else ""
        if kind not in ("limited", "queue") and not (verdict.step.do == "person" and self._account.is_open):
            return False
        states = count_states(self.job.engine, sweep_id=self.job.sweep_id)
        return bool(states.get("done")) and states.get("new", 0) == 0

    def _follow(self, verdict: Verdict) -> None:
        step = verdict.step
        if step.do == "person":
            self._stop(WAITING, step.message)
        elif step.do == "stop":
            self._stop("failed" if self._mirrors.current is None else "paused", step.message)

    def failed(self, failure: Failure) -> None:
        """Nothing came back: say why, and decide whether the page, the address or Tor is to blame."""
        error = failure.value
        request: Request = failure.request  # type: ignore[attr-defined]
        leased: Leased = request.meta["leased"]
        if isinstance(error, FetchError):
            path = normalise_url(urlsplit(request.url))
            self._log.warning("no answer", path=path, error=error.name, text=str(error))
        if not isinstance(error, FetchError):
            self._break_down(failure)
        elif isinstance(error, TorGone):
            self._stop("failed", f"Tor is gone, so the run stopped and fetched nothing more. {error}")
            self._return(leased)
        elif isinstance(error, Interrupted):
            self._return(leased)
        elif self._onward.has(leased) and isinstance(error, Refused):
            self._onward.refuse_denied(leased, request.meta.get("denied", ""), page_id=None)
        elif rule := request.meta.get("denied"):
            self._settler.refuse_denied(rule, frontier_id=leased.id, page_id=None)
        elif isinstance(error, Refused):
            self._settler.refuse_row(str(error), frontier_id=leased.id)
        else:
            self._retry(leased, error, host=urlsplit(request.url).hostname or "")
        self._release(leased)

    def _retry(self, leased: Leased, error: FetchError, *, host: str) -> None:
        verdict = self._course.fail(error, row=leased.id, host=host, at=time.monotonic())
        # A start address is never given up before any page came: the next run would have nothing to begin with.
        blame = verdict.blame and (leased.depth > 0 or self._course.blame.good > 0)
        blame = blame and not self._onward.has(leased)  # the address that a queue named did not answer
        if leased.id not in self._knocks:
            self._settler.put_back_failed(error, frontier_id=leased.id, blame=blame, wait=verdict.wait)
        self._follow(verdict)

    # --- stopping ----------------------------------------------------------------------------------------------------

    def _stop(self, state: str, message: str) -> None:
        """End the run: no new request from now on. What is under way gets a little time, none when Tor is gone."""
        if self.ending is not None:
            return
        self.ending = (state, message)
        self._log.info("ending", state=state, message=message)
        if state != "done":
            wait = GRACE_SECONDS if state in _IN_PEACE else 0.0
            call_later(wait, self.crawler.signals.send_catch_log, give_up)
        self._changed.set()

    def _beat_once(self) -> None:
        wish, slowed = self._upkeep.beat(at=time.monotonic())
        self._tell(self._pace.slow(slowed))
        if state := {"pause": "paused", "cancel": "cancelled"}.get(wish or ""):
            self._stop(state, f"{state} as asked")

    def _tell(self, change: Change | None) -> None:
        if change is not None:
            self._log.info("pace", times=change.factor, why=change.why)

    def _on_beat_error(self, failure: Failure) -> None:
        self._break_down(failure)

    def _break_down(self, failure: Failure) -> None:
        """The tool failed. A page that was stored is safe: its row stays "fetched", and the next run reads it again."""
        if isinstance(failure.value, (CrawlError, FencedError)):
            self._stop(TAKEN if isinstance(failure.value, FencedError) else "failed", str(failure.value))
            return
        self._log.error("internal error", error=repr(failure.value), trace=failure.getTraceback())
        error = failure.value
        trouble = (error and explain_trouble(error)) or f"an error of the tool: {error!r:.300}"
        self._stop(AWAY if error and is_away(error) else "failed", f"stopped: {trouble}")

    def _return(self, leased: Leased) -> None:
        if leased.id not in self._knocks:
            self._settler.return_row(leased.id)

    def _release(self, leased: Leased) -> None:
        self._open.pop(leased.id, None)
        self._onward.end(leased)
        self._changed.set()
