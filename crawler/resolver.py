"""Refuses every look-up of a name: Tor alone resolves names.

Public names: NoResolver.
"""

from __future__ import annotations

from typing import Any

from scrapy.crawler import Crawler
from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IHostnameResolver, IResolverSimple
from zope.interface import implementer

from crawler.errors import Refused


@implementer(IResolverSimple, IHostnameResolver)
class NoResolver:
    """Refuses every name look-up that anything in this process asks of the reactor: Tor alone resolves names."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor

    @classmethod
    def from_crawler(cls, crawler: Crawler, reactor: Any) -> NoResolver:
        return cls(reactor)

    def install_on_reactor(self) -> None:
        self._reactor.installResolver(self)
        self._reactor.installNameResolver(self)

    def getHostByName(self, name: str, timeout: Any = ()) -> Deferred[str]:
        return fail(Refused("a name was about to be looked up outside Tor; it was refused"))

    def resolveHostName(self, resolutionReceiver: Any, *args: Any, **kwargs: Any) -> Any:
        raise Refused("a name was about to be looked up outside Tor; it was refused")
