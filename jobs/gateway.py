"""The worker's one Tor, shared by all its crawls: opened when first needed, opened again when it died.

Public names: Gateway. Its `canary` is the one that all crawls of the worker are watched by.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from crawler.errors import TorError
from crawler.tor import Tor, open_tor
from crawler.torfacts import TorFacts
from jobs.canary import Canary
from jobs.places import Places, read_tor_file


class Gateway:
    """Opens Tor once. Safe to use from several threads: the second one waits for the first one's Tor."""

    def __init__(self, places: Places, *, stop: threading.Event | None = None) -> None:
        """stop: once set, no Tor is waited for any more."""
        self._places = places
        self._stop = stop or threading.Event()
        self._lock = threading.Lock()
        self._tor: Tor | None = None
        self.words = "not opened yet"
        self.canary = Canary(self.look)

    def look(self) -> TorFacts:
        """What Tor says of itself now. TorError when it says nothing. Waits for no Tor that is being opened."""
        tor = self._tor
        if tor is None:
            raise TorError("No Tor is open")
        return tor.facts()

    def open(self, report: Callable[[int, str], None]) -> str:
        """The way out: Tor's SOCKS port as "127.0.0.1:9050". Raises crawler.errors.TorError in plain words when Tor cannot be had,
        TorUnwanted when the worker ends."""
        with self._lock:
            if self._tor is not None and not self._tor.health().alive:
                self._close()
            if self._tor is None:
                self._tor = self._start(report)
            host, port = self._tor.socks
            self.words = f"ready on {host}:{port}"
            return f"{host}:{port}"

    def close(self) -> None:
        with self._lock:
            self._close()
        self.canary.close()

    def _start(self, report: Callable[[int, str], None]) -> Tor:
        places = self._places

        def tell(percent: int, words: str) -> None:
            self.words = f"connecting, {percent} %"
            report(percent, words)

        named = read_tor_file(places.data) if places.tor_control_port is None else None
        self.words = "connecting"
        try:
            tor = open_tor(
                data=places.data,
                control_port=named.control_port if named else places.tor_control_port,
                password=places.tor_control_password,
                socks_port=named.socks_port if named else places.tor_socks_port,
                binary=places.tor_binary,
                report=tell,
                until=self._stop.is_set,
            )
        except BaseException:
            self.words = "could not be opened"
            raise
        return tor

    def _close(self) -> None:
        if self._tor is not None:
            self._tor.close()
            self._tor = None
            self.words = "not opened yet"
