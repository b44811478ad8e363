"""What a run does after each answer: it asks the standing, the mirrors and the pace, and says which page is to blame.

Public names: Course, Blame.

Pure but for the account and the issues that it is given: times come in, steps go out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from crawler.account import Account
from crawler.errors import FetchError
from crawler.gates import Gate
from crawler.mirrors import Mirrors
from crawler.pace import Change, Pace
from crawler.siteconfig import Patience
from crawler.standing import Standing, Step

_MAX_MET = 50_000


class Blame:
    """Tells a page that is barred by itself from a site that bars all pages.

    A page is to blame for a gate when it meets one again although other pages came through since its last try, or although
    nothing else is left to try and others came through before. While no page of the run has come through none is to
    blame: then it is the site. So one page that answers 429 for ever ends, and an outage uses up nobody's attempts.
    """

    def __init__(self) -> None:
        self.good = 0
        """How many pages came through."""
        self._met: dict[int, int] = {}
        self._last = 0

    def pass_through(self, row: int) -> None:
        self.good += 1
        self._last = row
        self._met.pop(row, None)

    def meet(self, row: int) -> bool:
        """The page of frontier row `row` met a gate; is it to blame?"""
        before = self._met.get(row)
        alone = self._last == row
        self._last = row
        if len(self._met) > _MAX_MET:
            self._met.clear()
        self._met[row] = self.good
        return before is not None and self.good > 0 and (self.good > before or alone)


@dataclass(frozen=True)
class Verdict:
    """step: what the run does. blame: the page counts a failure. wait: seconds until it is asked for again."""

    step: Step
    blame: bool = False
    wait: float = 0


class Course:
    """Steers one run. Times are seconds of the run's clock."""

    def __init__(
        self, patience: Patience, *, addresses: int, mirrors: Mirrors, pace: Pace, account: Account
    ) -> None:
        """addresses: how many the site has."""
        self._patience = patience
        self._addresses = addresses
        self._mirrors = mirrors
        self._pace = pace
        self._account = account
        self._standing = Standing(patience)
        self._limited_at = 0.0
        self.blame = Blame()

    @property
    def next_at(self) -> float:
        """No request before this time."""
        return max(self._pace.next_at, self._mirrors.hold_until)

    def heed(
        self,
        gate: Gate | None,
        *,
        row: int,
        host: str,
        page_id: int,
        asked_at: float,
        at: float,
        now: datetime,
    ) -> tuple[Verdict, Change | None]:
        """What follows from one answer to a request of `asked_at`, and whether the pace changed by it."""
        if gate is None:
            self.blame.pass_through(row)
            self._standing.note(None, at=at)
            self._account.note("ok", "", page_id=None, now=now)
            return Verdict(Step("go")), self._pace.answered(at - asked_at)
        if gate.kind == "down":
            self._mirrors.fail(at, address=host, wait=gate.wait, reason=gate.message)
            guilty = self.blame.meet(row)
            self._standing.note(gate, at=at)
            return Verdict(
                self._check_mirrors("the site answers with errors only"), guilty, self._after_others(at)
            ), None
        if not gate.retry:
            return Verdict(self._standing.note(gate, at=at)), None
        if gate.kind in ("limited", "queue") and asked_at < self._limited_at:
            # On its way when the site said so the first time: the same word, not another one.
            return Verdict(Step("go"), False, max(gate.wait, self.next_at - at)), None
        step = self._standing.note(gate, at=at)
        change = None
        if gate.kind in ("limited", "queue"):
            self._limited_at = at
        if gate.kind == "limited":
            change = self._pace.limited()
        if step.do == "wait":
            self._pace.hold(step.until)
        if self._standing.state == gate.kind or step.do in ("person", "stop"):
            self._account.note(self._standing.state, self._standing.message, page_id=page_id, now=now)
        guilty = self.blame.meet(row)
        wait = max(gate.wait, step.until - at, self._patience.wait)
        if self.blame.good:
            # Another page goes first, if there is one: what becomes of it tells whom to blame.
            wait += self._patience.wait
        return Verdict(step, guilty and step.do != "person", wait), change

    def fail(self, error: FetchError, *, row: int, host: str, at: float) -> Verdict:
        """What follows when no answer came."""
        if error.scope != "address":
            return Verdict(Step("go"), True, self._patience.wait)
        self._mirrors.fail(at, address=host, permanent=error.permanent, reason=str(error))
        guilty = self.blame.meet(row)
        return Verdict(self._check_mirrors(str(error)), guilty, self._after_others(at))

    def _after_others(self, at: float) -> float:
        """Another page goes first, if there is one: what becomes of it tells whether the page or the site is to blame."""
        return max(self._mirrors.hold_until - at, 0) + self._patience.wait

    @property
    def wants_knock(self) -> bool:
        """Should a page that is known to be good be asked for next?

        After two failures in a row, and then every second time: where it answers, the site lives, and the pages that fail
        are to blame; where it does not, no page is. Every second time only: the known page may be the one that is broken.
        """
        return self._mirrors.failures >= 2 and self._mirrors.failures % 2 == 0 and self.blame.good > 0

    @property
    def wants_proof(self) -> bool:
        """Should a page that was good in this run be asked for before a person is called?

        Where it answers, the session holds, and it is one page that bars the way (crawler.barred).
        """
        return self._standing.is_at_brink and self.blame.good > 0

    def find_need(self, now: datetime) -> Step | None:
        """A person, when the session's own time is over."""
        need = self._account.find_need(now)
        if not need:
            return None
        step = self._standing.run_out(need)
        self._account.note("login", need, page_id=None, now=now)
        return step

    def _check_mirrors(self, why: str) -> Step:
        if self._mirrors.current is not None:
            return Step("go")
        which = "its only address" if self._addresses == 1 else f"none of its {self._addresses} addresses"
        message = f"the site could not be reached ({which}): {why}. What is left waits for the next crawl."
        return Step("stop", message=message)
