"""What a run does every few seconds beside fetching: its sign of life, a person's wishes, its mirrors' states, its session.

Public names: Upkeep.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import structlog

from crawler.account import Account
from crawler.errors import VaultError
from crawler.mirrors import Mirrors
from crawler.pages import Job
from crawler.socks import read_socks_address
from storage.engine import reading
from storage.runs import SLOW, beat_run, find_run
from storage.sites import record_check

if TYPE_CHECKING:
    from crawler.reach import Reach


KEEP_SECONDS = 60.0
"""A session that the site renews is sealed so often: a crash loses no more of it."""


class Upkeep:
    """Call `beat` every few seconds, and `write_mirrors` and `keep_session` once more at the end."""

    def __init__(
        self, job: Job, *, mirrors: Mirrors, socks: str = "", account: Account | None = None
    ) -> None:
        self._job = job
        self._mirrors = mirrors
        self._socks = socks
        self._heard: list[Reach] = []
        self._account = account
        self._host = mirrors.current or ""
        self._kept_at: float | None = None

    def beat(self, *, at: float) -> tuple[str | None, float]:
        """(what a person wishes, if anything; how many times the site's own delay a person wishes)."""
        job = self._job
        wish = (
            job.leash.renew()
            if job.leash is not None
            else beat_run(job.engine, run_id=job.run_id, now=job.now())
        )
        with reading(job.engine) as session:
            run = find_run(session, job.run_id)
            slowed = run.settings.get(SLOW, 1.0) if run is not None else 1.0
        self._ask_dead(at)
        self.write_mirrors(at=at)
        if self._kept_at is None:
            self._kept_at = at
        elif at - self._kept_at >= KEEP_SECONDS:
            self._kept_at = at
            self.keep_session()
        return wish, float(slowed) if isinstance(slowed, int | float) else 1.0

    def write_mirrors(self, *, at: float) -> None:
        """Keep what the run learnt of the site's addresses."""
        while self._heard:
            reach = self._heard.pop()
            self._mirrors.hear(reach.onion, reach.state, at=at, reason=reach.reason, seconds=reach.seconds)
        for change in self._mirrors.changes():
            record_check(
                self._job.engine,
                site_id=self._job.site_id,
                onion=change.onion,
                state=change.state,
                seconds=change.seconds,
                now=self._job.now(),
                reason=change.reason,
            )

    def keep_session(self) -> None:
        """Seal what the site renewed. A session that cannot be kept is no reason to fail the run."""
        self._host = self._mirrors.current or self._host
        if self._account is None or not self._host:
            return
        log = structlog.get_logger("crawler").bind(run=self._job.run_id)
        try:
            kept = self._account.keep(self._host, now=self._job.now())
        except VaultError as exc:
            log.warning("what the site renewed could not be kept", why=str(exc))
            return
        if kept:
            log.info("what the site renewed was kept")

    def _ask_dead(self, at: float) -> None:
        due = self._mirrors.due(at) if self._socks else ()
        if not due:
            return
        # Only now: most runs never need it, and it takes memory.
        from crawler.reach import check_behind

        def tell(reaches: Sequence[Reach]) -> None:
            self._heard.extend(reaches)  # in another thread; the next beat takes it up

        check_behind(self._job.config, due, socks=read_socks_address(self._socks), tell=tell)
