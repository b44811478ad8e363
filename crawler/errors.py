"""What can go wrong while fetching, by name and in plain words.

Public names: CrawlError, SiteError, TorError, VaultError, JarError, FetchError, TorGone, SocksRefused, TimedOut, BrokenOff, BadResponse,
Refused, Interrupted.
"""

from __future__ import annotations


class CrawlError(Exception):
    """Any failure of this package that a person may meet; its text says what happened and what to do next."""


class SiteError(CrawlError):
    """A site file is wrong: names file, line and field."""


class TorError(CrawlError):
    """Tor cannot be started, reached or used: says what to do."""


class TorUnwanted(TorError):
    """Nobody waits for this Tor any more: its worker ends."""


class VaultError(CrawlError):
    """The key file cannot be used, or a sealed session cannot be opened: says what to do, and nothing of what is in it."""


class JarError(CrawlError):
    """The cookies that a person gave cannot be used: names the line, never a value."""


class FetchError(CrawlError):
    """One request failed.

    scope: "page" (try this page again later), "address" (this onion is in trouble), "tor" (Tor itself is gone: the run
    must stop). permanent: trying again cannot help, as opposed to weather.
    """

    scope = "page"
    permanent = False
    name = "fetch"


class TorGone(FetchError):
    """The SOCKS port does not answer, or not as Tor does: nothing may be fetched by another way, so the run stops."""

    scope = "tor"
    permanent = True
    name = "tor-gone"


class SocksRefused(FetchError):
    """Tor answered, and said why it could not reach the onion."""

    scope = "address"

    def __init__(self, code: int, name: str, meaning: str, *, permanent: bool) -> None:
        super().__init__(f"Tor could not reach the address: {meaning} (SOCKS reply 0x{code:02X}, {name})")
        self.code = code
        self.name = name
        self.permanent = permanent


class TimedOut(FetchError):
    """The whole exchange, from connecting to the last byte, took longer than it may."""

    scope = "address"
    name = "timeout"


class BrokenOff(FetchError):
    """The connection ended before the response was complete."""

    scope = "address"
    name = "broken-off"


class BadResponse(FetchError):
    """What came back is not HTTP, or its headers exceed every reasonable bound."""

    name = "bad-response"


class Refused(FetchError):
    """This request is against the rules (not GET, not a v3 onion, no isolation): nothing was sent."""

    permanent = True
    name = "refused"


class Interrupted(FetchError):
    """The run is being paused or cancelled: this request was given up half way."""

    name = "interrupted"
