"""The lookout: asks Tor every few seconds what it is, in a thread of its own, so that a Tor that hangs hangs nobody else.

Public names: Lookout, Look, ASK_SECONDS, ADMIT_SECONDS.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from crawler.errors import TorError
from crawler.torfacts import TorFacts

ASK_SECONDS = 2.0
"""Between two questions to Tor."""
ADMIT_SECONDS = 20.0
"""So long an answer to a question of just now is waited for."""


@dataclass(frozen=True)
class Look:
    """One answer of Tor. at: when it was asked (monotonic seconds). facts: None when it did not answer."""

    at: float
    facts: TorFacts | None
    words: str = ""


class Lookout:
    """Asks while `needed` says so, or when a fresh answer is wanted. The thread begins with the first question."""

    def __init__(self, ask: Callable[[], TorFacts], *, every: float, needed: Callable[[], bool]) -> None:
        self._ask = ask
        self._every = every
        self._needed = needed
        self._state = threading.Condition()
        self._wanted = False
        self._closed = False
        self._thread: threading.Thread | None = None
        self.newest: Look | None = None

    def find_look(self, *, since: float = 0.0) -> Look | None:
        """The newest answer; or one that was asked for after `since` (monotonic seconds), waited for; None without one."""
        with self._state:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._ask_on, name="canary", daemon=True)
                self._thread.start()
            if since:
                self._wanted = True
                self._state.notify_all()
                self._state.wait_for(lambda: self._closed or _is_since(self.newest, since), ADMIT_SECONDS)
                return self.newest if _is_since(self.newest, since) else None
            return self.newest

    def close(self) -> None:
        with self._state:
            self._closed = True
            self._state.notify_all()
        if self._thread is not None:
            self._thread.join(5)  # one that hangs in a Tor that hangs ends with the process

    def _ask_on(self) -> None:
        while True:
            with self._state:
                self._state.wait_for(lambda: self._closed or self._wanted or self._needed())
                if self._closed:
                    return
                self._wanted = False
            at = time.monotonic()
            try:
                look = Look(at, self._ask())
            except TorError as exc:
                look = Look(at, None, str(exc).rstrip("."))
            with self._state:
                self.newest = look
                self._state.notify_all()
                self._state.wait_for(lambda: self._closed or self._wanted, self._every)


def _is_since(look: Look | None, since: float) -> bool:
    return look is not None and look.at >= since
