"""Which address of a site is used now, and how long a site in trouble is left alone.

Public names: Mirrors.

Pure: times come in as seconds of one clock. A mirror is given up at once when Tor says it is not there at all, and
after `dead_after` seconds of failures without a success otherwise; the wait doubles from failure to failure.
"""

from __future__ import annotations

from crawler.siteconfig import Patience


class Mirrors:
    """The state of a site's addresses within one run."""

    def __init__(self, addresses: tuple[str, ...], patience: Patience) -> None:
        self._left = list(addresses)
        self._patience = patience
        self._failing_since: float | None = None
        self._began_with: object = None
        self._failures = 0
        self.hold_until = 0.0
        """No request before this time."""

    @property
    def current(self) -> str | None:
        """The onion to ask; None when all are given up."""
        return self._left[0] if self._left else None

    def succeed(self) -> None:
        self._failing_since = None
        self._failures = 0

    def fail(
        self, at: float, *, address: str, page: object, permanent: bool = False, wait: float = 0
    ) -> bool:
        """Note one failure of `address` while fetching `page`. True when the page itself is to blame for it too.

        While a whole site is in trouble its pages are innocent: only the one that began the trouble counts its
        failures, so that an outage uses up nobody's attempts and a page that kills every connection still ends.
        """
        if address != self.current:
            return False  # an answer that comes late, from a mirror already left
        blame = self._failing_since is None or page == self._began_with
        if self._failing_since is None:
            self._failing_since, self._began_with = at, page
        self._failures += 1
        pause = min(self._patience.wait * 2 ** min(self._failures - 1, 20), self._patience.longest)
        self.hold_until = max(self.hold_until, at + max(pause, wait))
        if permanent or at - self._failing_since >= self._patience.dead_after:
            self._left.pop(0)
            self.hold_until = at
            self.succeed()
            return False
        return blame

    def hold(self, until: float) -> None:
        """Wait because the site asked for it: no failure."""
        self.hold_until = max(self.hold_until, until)
