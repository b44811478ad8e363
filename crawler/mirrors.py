"""Which address of a site is used now, how long a site in trouble is left alone, and what was learnt of its addresses.

Public names: Mirrors, Change, use_known, make_mirrors, RECHECK_SECONDS, SLOW_SECONDS.

Pure: times come in as seconds of one clock. An address is given up at once when Tor says it is not there at all, and
after `dead_after` seconds of failures without a success otherwise; the wait doubles from failure to failure. A dead one
may be asked again after RECHECK_SECONDS. A working address is never left for a better one: cookies and a session
belong to the host that gave them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from datetime import datetime
from statistics import median
from typing import NamedTuple, Protocol

from crawler.errors import CrawlError
from crawler.siteconfig import Patience, SiteConfig

RECHECK_SECONDS = 30 * 60.0
"""tor.md §3: a dead mirror is checked again after 30 minutes."""
SLOW_SECONDS = 10.0
_LATENCIES = 9
_FEW = 5
"""So many answers before their middle says anything."""
_RANKS = {"alive": 0, "slow": 1, "unverified": 2, "dead": 3}
"""States that may be asked, the best first. All others (proposed, refused, dropped) never are."""


class Change(NamedTuple):
    """What a run learnt of one address; for storage.sites.record_check."""

    onion: str
    state: str
    reason: str
    seconds: float | None


class Known(Protocol):
    """An address as the database has it (storage.tables.Address)."""

    @property
    def onion(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def recheck_at(self) -> datetime | None: ...


class Mirrors:
    """The state of a site's addresses within one run."""

    def __init__(
        self,
        addresses: Iterable[str],
        patience: Patience,
        *,
        states: Mapping[str, str] | None = None,
        recheck: Mapping[str, float] | None = None,
    ) -> None:
        """`addresses`: in the site file's order. `states`: as known before this run, else unverified.

        `recheck`: from when a dead one may be asked again, on the clock of all other times here.
        """
        states = states or {}
        given = dict.fromkeys(addresses)
        self._states = {onion: states.get(onion, "unverified") for onion in given}
        self._states = {onion: state for onion, state in self._states.items() if state in _RANKS}
        self._back_at = {onion: (recheck or {}).get(onion, 0.0) for onion in self._states}
        self._given_up: set[str] = set()
        self._ask_at: dict[str, float] = {}
        self._changes: list[Change] = []
        self._told: dict[str, str] = {}
        self._latencies: deque[float] = deque(maxlen=_LATENCIES)
        self._patience = patience
        self._failing_since: float | None = None
        self._failures = 0
        self.hold_until = 0.0
        """No request before this time."""
        self._current = self._choose(0.0)

    @property
    def current(self) -> str | None:
        """The onion to ask; None when all are given up."""
        return self._current

    @property
    def failures(self) -> int:
        """How many requests in a row got no answer."""
        return self._failures

    def succeed(self, address: str | None = None, *, seconds: float | None = None) -> None:
        """`address` (the current one when left out) answered after so many seconds."""
        if self._current is None or address not in (None, self._current):
            return  # an answer that comes late, from a mirror already left
        self._failing_since = None
        self._failures = 0
        if seconds is not None:
            self._latencies.append(seconds)
        middle = median(self._latencies) if len(self._latencies) >= _FEW else None
        if middle is None and self._told.get(self._current) is None:
            # One answer says that it is there; whether a slow one has become quick takes a few more.
            state = "slow" if self._states[self._current] == "slow" else "alive"
            self._note(self._current, state, "", seconds)
        elif middle is not None:
            slow = middle > SLOW_SECONDS
            reason = f"an answer takes {middle:.0f} seconds (middle of the last ones)" if slow else ""
            self._note(self._current, "slow" if slow else "alive", reason, round(middle, 3))

    def fail(
        self,
        at: float,
        *,
        address: str,
        permanent: bool = False,
        wait: float = 0,
        reason: str = "",
    ) -> None:
        """Note one failure of `address`. Which page is to blame for it is for crawler.course to say."""
        if address != self._current:
            return  # an answer that comes late, from a mirror already left
        if self._failing_since is None:
            self._failing_since = at
        self._failures += 1
        if permanent or at - self._failing_since >= self._patience.dead_after:
            self._give_up(at, reason or "it did not answer")
            # The next one is asked at once, but no sooner than the site itself has asked for.
            self.hold_until = max(self.hold_until, at)
            return
        pause = min(self._patience.wait * 2 ** min(self._failures - 1, 20), self._patience.longest)
        self.hold_until = max(self.hold_until, at + max(pause, wait))

    def hold(self, until: float) -> None:
        """Wait because the site asked for it: no failure."""
        self.hold_until = max(self.hold_until, until)

    def due(self, at: float) -> tuple[str, ...]:
        """Dead addresses to ask again now (crawler.reach.check_behind; tell `hear` the answer), each once in 30 minutes."""
        dead = (onion for onion, state in self._states.items() if state == "dead" and onion != self._current)
        found = tuple(onion for onion in dead if max(self._back_at[onion], self._ask_at.get(onion, at)) <= at)
        self._ask_at.update(dict.fromkeys(found, at + RECHECK_SECONDS))
        return found

    def hear(
        self, onion: str, state: str, *, at: float, reason: str = "", seconds: float | None = None
    ) -> None:
        """What a check found of an address that is not in use: alive, slow or dead."""
        if onion not in self._states or onion == self._current or state not in ("alive", "slow", "dead"):
            return
        if state == "dead":
            self._back_at[onion] = at + RECHECK_SECONDS
            self._given_up.add(onion)
        else:
            self._given_up.discard(onion)
        self._note(onion, state, reason, seconds)

    def changes(self) -> list[Change]:
        """What was learnt since the last call, the oldest first."""
        found, self._changes = self._changes, []
        return found

    def _give_up(self, at: float, reason: str) -> None:
        assert self._current is not None
        self._note(self._current, "dead", reason, None)
        self._back_at[self._current] = at + RECHECK_SECONDS
        self._given_up.add(self._current)
        self._failing_since = None
        self._failures = 0
        self._latencies.clear()
        self._current = self._choose(at)

    def _choose(self, at: float) -> str | None:
        """The best that was not given up, or whose time to be asked again has come; ties in the given order."""
        left = [o for o in self._states if o not in self._given_up or self._back_at[o] <= at]
        # A mirror that failed in this run comes after all others, whatever is known of them.
        return min(left, key=lambda o: (o in self._given_up, _RANKS[self._states[o]]), default=None)

    def _note(self, onion: str, state: str, reason: str, seconds: float | None) -> None:
        self._states[onion] = state
        if state == "dead" or self._told.get(onion) != state:
            self._told[onion] = state
            self._changes.append(Change(onion, state, reason, seconds))


def use_known(config: SiteConfig, known: Iterable[Known]) -> SiteConfig:
    """The site with the addresses that this run may ask: those of its file in their order, then the approved ones.

    `known`: storage.sites.find_usable. CrawlError when a person refused all of them.
    """
    usable = [row.onion for row in known]
    addresses = tuple(o for o in config.addresses if o in usable)
    addresses += tuple(o for o in usable if o not in config.addresses)
    if not addresses:
        raise CrawlError(
            f"no address of {config.name} may be asked: a person refused each of them. "
            f"`tuskwatch mirror list {config.name}` shows them, and who decided."
        )
    return config.model_copy(update={"addresses": addresses})


def make_mirrors(config: SiteConfig, known: Iterable[Known], *, now: datetime, at: float) -> Mirrors:
    """Mirrors of `config` (from use_known). `at` is the run's own clock at the time `now`."""
    rows = list(known)
    return Mirrors(
        config.addresses,
        config.patience,
        states={row.onion: row.state for row in rows},
        recheck={row.onion: at + (row.recheck_at - now).total_seconds() for row in rows if row.recheck_at},
    )
