"""The canary: looks before and during every crawl whether anything but Tor could be reached, and ends all crawls if so.

Public names: Canary, Watch, CanaryFailed.

It lives in the worker. A crawl process never gets the control port: whoever can ask it can ask for this machine's
address. Nothing is tried: Tor is asked on its control port and greeted at its SOCKS port, the crawl's sockets are read
from /proc. Two threads of work: one asks Tor every few seconds (jobs.lookout), so that a Tor that hangs hangs nobody
else; each crawl's own thread looks at its sockets and at the newest answer. What one of them finds rings for all.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Engine

from crawler.errors import CrawlError
from crawler.sockets import Allowed, Process, find_group, find_strays, read_sockets
from crawler.torfacts import TorFacts, find_fault, find_own
from jobs.alarm import LEAK, SILENT, Alarm, Fault
from jobs.errors import JobError
from jobs.lookout import ADMIT_SECONDS, ASK_SECONDS, Look, Lookout
from jobs.proof import Proof
from storage.engine import reading
from storage.proofs import find_fresh, find_hosts, find_last, find_proof, note_proof

SOCKETS_SECONDS = 1.5
"""Between two looks at one crawl's sockets."""
SILENCE_SECONDS = 7.0
"""A Tor that does not answer for so long proves nothing any more."""
WRITE_SECONDS = 60.0
SEEN_PAGES, SEEN_SECONDS = 20, 60.0
"""After so many pages and so long, the run's own circuit must have been seen on this Tor."""


NOBODY = -1
"""The number of no process."""


class CanaryFailed(JobError):
    """It is not proved that nothing but Tor can be reached, so nothing is fetched. kind: as of jobs.alarm.Fault."""

    def __init__(self, words: str, *, kind: str = LEAK) -> None:
        super().__init__(words)
        self.kind = kind


class Canary:
    """One for each worker. `ask` asks Tor; without it only sockets are looked at (no Tor is in play in a test)."""

    def __init__(
        self,
        ask: Callable[[], TorFacts] | None,
        *,
        every: float = ASK_SECONDS,
        silence: float = SILENCE_SECONDS,
    ) -> None:
        self._silence = silence
        self._state = threading.Lock()
        self._alarm = Alarm()
        self._watches = 0
        self._lookout = Lookout(ask, every=every, needed=lambda: self._watches > 0) if ask else None

    def admit(
        self, engine: Engine, *, run_id: int, socks: str, allowed: Allowed, clock: Callable[[], datetime]
    ) -> Watch:
        """Look before the first request, then watch this crawl. CanaryFailed when it must not begin."""
        watch = Watch(self, engine, run_id=run_id, socks=socks, allowed=allowed, clock=clock)
        with self._state:
            self._watches += 1
            left = self._alarm.left if self._alarm.words else ()
        fault = self.find_fault(watch.socks, fresh=True)
        if not fault and left and find_group(NOBODY, left):
            fault = Fault(f"a process of run {self._alarm.run_id}, which the canary ended, still lives")
        with self._state:
            if not fault and self._alarm.words:
                self._alarm = Alarm()
            watch.alarm = self._alarm
        if fault:
            watch.fail(fault)
            watch.close()
            raise CanaryFailed(
                f"Nothing was fetched, because it is not proved that all goes through Tor: {fault.words}.",
                kind=fault.kind,
            )
        with ExitStack() as undo:
            undo.callback(self.forget)
            look = self.newest()
            watch.begin(look.facts if look else None)
            undo.pop_all()
        return watch

    def find_fault(self, socks: tuple[str, int], *, fresh: bool = False) -> Fault | None:
        """Why the SOCKS port is not proved to be Tor's, by the newest answer (or by a new one); None when it is."""
        if self._lookout is None:
            return None
        look = self._lookout.find_look(since=time.monotonic() if fresh else 0.0)
        if look is None or time.monotonic() - look.at > self._silence + (ADMIT_SECONDS if fresh else 0):
            return Fault("Tor does not answer on its control port", SILENT)
        if look.facts is None:
            return Fault(look.words, SILENT)
        if words := find_fault(look.facts, socks):
            return Fault(words)
        return Fault(f"Tor's SOCKS port is silent: {look.facts.deaf}", SILENT) if look.facts.deaf else None

    @property
    def leaked(self) -> bool:
        """Does an alarm ring that is more than a silence of Tor, and that no crawl was admitted after?"""
        return bool(self._alarm.words) and self._alarm.kind != SILENT

    def newest(self) -> Look | None:
        return self._lookout.newest if self._lookout is not None else None

    def ring(self, alarm: Alarm, fault: Fault, *, run_id: int, left: tuple[Process, ...] = ()) -> None:
        """End all crawls under this alarm. A leak that is found while it rings for a silence takes its place."""
        with self._state:
            alarm.left = tuple({*alarm.left, *left})
            if not alarm.words or (alarm.kind == SILENT and fault.kind != SILENT):
                alarm.words, alarm.run_id, alarm.kind = fault.words, run_id, fault.kind

    def forget(self) -> None:
        """One crawl less to watch."""
        with self._state:
            self._watches -= 1

    def close(self) -> None:
        if self._lookout is not None:
            self._lookout.close()


@dataclass
class _Seen:
    """What the watch of one crawl remembers."""

    began: float = field(default_factory=time.monotonic)
    sockets_at: float = 0.0
    look_at: float = 0.0
    written_at: float = 0.0
    last_page: int = 0
    pages: int = 0
    tokens: set[str] = field(default_factory=set)
    own: bool = False
    group: tuple[Process, ...] = ()


class Watch:
    """Watches one crawl. `check` is called about twice a second, from the thread that waits for the crawl's end."""

    def __init__(
        self,
        canary: Canary,
        engine: Engine,
        *,
        run_id: int,
        socks: str,
        allowed: Allowed,
        clock: Callable[[], datetime],
    ) -> None:
        host, _, port = socks.rpartition(":")
        self.socks = (host, int(port))
        self.alarm = Alarm()
        self.failed = ""
        self.kind = ""
        self._canary = canary
        self._engine = engine
        self._run_id = run_id
        self._allowed = Allowed(allowed.peers | {self.socks}, allowed.paths)
        self._clock = clock
        self._seen = _Seen()
        with reading(engine) as session:
            self._proof = Proof(find_proof(session, run_id), socks=socks)
            self._seen.last_page = find_last(session, run_id)

    def begin(self, facts: TorFacts | None) -> None:
        self._proof.note_tor(facts)
        self._write()

    def check(self, leader: int, *, site_id: int | None) -> str:
        """What is wrong with the crawl whose process this is, or with any other; empty when all is well."""
        if not self.failed:
            fault = self._check_sockets(leader) or self._check_tor(site_id)
            if self.alarm.words and (fault is None or fault.kind == SILENT):
                fault = Fault(f"run {self.alarm.run_id} failed: {self.alarm.words}", self.alarm.kind)
            if fault is not None and fault.kind == SILENT:
                # A Tor that falls silent is no excuse: what this crawl has open just now decides.
                fault = self._check_sockets(leader, now=True) or fault
            if fault is not None:
                self._canary.ring(self.alarm, fault, run_id=self._run_id, left=self._seen.group)
                self.fail(fault)
        if not self.failed and time.monotonic() - self._seen.written_at > WRITE_SECONDS:
            self._write()
        return self.failed

    def fail(self, fault: Fault) -> None:
        self.failed, self.kind = fault.words, fault.kind
        self._proof.fail(fault.words, kind=fault.kind, now=self._clock())

    def end_left(self) -> None:
        """End what the crawl started and what left its process group since."""
        for process in find_group(NOBODY, self._seen.group):
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)

    def close(self) -> None:
        """The crawl is over: keep the proof with the run."""
        self._canary.forget()
        self._write()

    def _check_sockets(self, leader: int, *, now: bool = False) -> Fault | None:
        at = time.monotonic()
        if not now and at - self._seen.sockets_at < SOCKETS_SECONDS:
            return None
        self._seen.sockets_at = at
        group = find_group(leader, self._seen.group)
        self._seen.group = tuple(group)
        others = sorted({process.name for process in group if process.pid != leader})
        try:
            strays = find_strays(read_sockets(group), self._allowed)
        except CrawlError as exc:
            return Fault(f"the sockets of the crawl cannot be judged: {exc}".rstrip("."))
        strays += [f"another program of its own ({name})" for name in others]
        if strays:
            return Fault(f"the crawl process had what it must not have: {'; '.join(sorted(set(strays))[:5])}")
        self._proof.note_look(self._clock())
        return None

    def _check_tor(self, site_id: int | None) -> Fault | None:
        fault = self._canary.find_fault(self.socks)
        look = self._canary.newest()
        if fault or look is None or look.facts is None or look.at == self._seen.look_at:
            return fault
        self._seen.look_at = look.at
        seen = self._seen
        with reading(self._engine) as session:
            fresh = find_fresh(session, self._run_id, after=seen.last_page)
            hosts = find_hosts(session, site_id)
        seen.last_page = fresh.last_id
        seen.pages += fresh.pages
        self._proof.note_pages(fresh.pages)
        if len(seen.tokens) < 50:
            seen.tokens |= fresh.tokens
        for token in sorted(seen.tokens):
            own = find_own(look.facts, tokens={token}, hosts=hosts)
            if own.fault:
                return Fault(own.fault)
            self._proof.note_foreign(own.foreign)
            if own.numbers:
                seen.own = True
                self._proof.note_circuits(token, len(own.numbers), now=self._clock())
        if not seen.own and seen.pages >= SEEN_PAGES and time.monotonic() - seen.began > SEEN_SECONDS:
            return Fault(
                f"{seen.pages} pages came, and none of this run's circuits was ever seen on this Tor"
            )
        return None

    def _write(self) -> None:
        self._seen.written_at = time.monotonic()
        note_proof(self._engine, run_id=self._run_id, proof=self._proof.as_json())
