"""Asks addresses of a site once whether they answer, through Tor, with the headers of a crawl.

Public names: check_addresses, check_behind, Reach.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

from crawler.headers import browser_headers
from crawler.isolation import Isolation
from crawler.sites import SiteConfig
from crawler.socks import SOCKS_REPLIES, read_socks_address

SLOW_SECONDS = 10.0
MAX_READ = 4096


@dataclass(frozen=True)
class Reach:
    """state: alive, slow or dead. seconds: until the first bytes. reason: in plain words when it is dead."""

    onion: str
    state: str
    status: int | None
    seconds: float | None
    reason: str


def check_addresses(
    config: SiteConfig,
    *,
    socks: tuple[str, int],
    timeout: float | None = None,
    at_once: int = 4,
    onions: Sequence[str] | None = None,
) -> Sequence[Reach]:
    """One GET of the first start path from each address, each on a circuit of its own; redirects are not followed.

    `onions`: which to ask, those of the site file when left out. The caller answers for it that they may be asked.
    Never raises for an address: a dead one is an answer. Raises ValueError for a SOCKS port off this machine.
    `timeout` (seconds) bounds each check in all: a server that sends a byte a second is not waited for.
    """
    read_socks_address(f"{socks[0]}:{socks[1]}")
    seconds = timeout or config.timeout
    onions = config.addresses if onions is None else onions
    found: dict[str, Reach] = {}

    def check(onion: str) -> None:
        found[onion] = _check(config, onion, socks, seconds)

    for first in range(0, len(onions), at_once):
        batch = onions[first : first + at_once]
        # Daemon threads: requests bounds each read and not their sum, so one that drips is left behind.
        threads = [threading.Thread(target=check, args=(onion,), daemon=True) for onion in batch]
        for thread in threads:
            thread.start()
        deadline = time.monotonic() + seconds
        for thread in threads:
            thread.join(max(deadline - time.monotonic(), 0.1))
    late = {onion: Reach(onion, "dead", None, None, "no answer in time") for onion in onions}
    return [(late | found)[onion] for onion in onions]


def check_behind(
    config: SiteConfig,
    onions: Sequence[str],
    *,
    socks: tuple[str, int],
    tell: Callable[[Sequence[Reach]], None],
) -> None:
    """The same behind the back of a running crawl: returns at once; `tell` is called later, in another thread.

    A crawl that ends meanwhile is not held up.
    """

    def check() -> None:
        tell(check_addresses(config, socks=socks, onions=onions))

    threading.Thread(target=check, name="check of mirrors", daemon=True).start()


def _check(config: SiteConfig, onion: str, socks: tuple[str, int], timeout: float) -> Reach:
    # A check never shares a circuit with a crawl, nor one address with another.
    user, password = Isolation(config.name, f"check {onion}", "").credentials()
    # socks5h: Tor resolves the name. Nothing of the environment is used (proxies, no_proxy, netrc).
    proxy = f"socks5h://{user}:{password}@{socks[0]}:{socks[1]}"
    begun = time.monotonic()
    with requests.Session() as session:
        session.trust_env = False
        session.headers.clear()
        session.mount("http://", HTTPAdapter(max_retries=0))
        try:
            with session.get(
                f"http://{onion}{config.start[0]}",
                headers=dict(browser_headers(onion)),
                proxies={"http": proxy, "https": proxy},
                timeout=timeout,
                stream=True,
                allow_redirects=False,
            ) as response:
                # The start of the body shows that the site serves pages; the rest is left.
                response.raw.read1(MAX_READ)
                taken = time.monotonic() - begun
                state = "dead" if response.status_code >= 500 else "slow" if taken > SLOW_SECONDS else "alive"
                reason = f"it answers with status {response.status_code}" if state == "dead" else ""
                return Reach(onion, state, response.status_code, round(taken, 3), reason)
        except (requests.RequestException, HTTPError, OSError) as exc:
            return Reach(onion, "dead", None, None, _explain(exc))


def _explain(exc: Exception) -> str:
    text = str(exc).lower()
    if isinstance(exc, (requests.Timeout, TimeoutError)) or "timed out" in text:
        return "no answer in time"
    if "[errno" in text and "connection refused" in text:  # the socket itself, not a reply of Tor
        return "Tor's SOCKS port does not answer: is Tor running?"
    for code, (_, meaning, _) in SOCKS_REPLIES.items():
        if f"0x{code:02x}" in text:  # PySocks puts the reply's code into its words
            return meaning
    return f"it could not be reached ({type(exc).__name__})"
