"""The download handler: fetches http:// onions through Tor's SOCKS port, and fails closed on everything else.

Public names: OnionHandler, give_up, TEXT_TYPES.

There is no other way out in this module: each connection is made by SocksEndpoint to the one loopback address that the
settings name, and without that setting the handler cannot be made. Refused before a byte is sent: any method but GET,
any host that is not a v3 onion, any scheme but http (an onion's address is its key: TLS would add a certificate to
check and nothing to trust), any request without isolation.

A response of a type that is not text, or larger than the bound, is cut off and comes back without its body; `note`
says so. Time is bounded in all: a server that sends a byte a second is left when the time is over.
"""

# Twisted is typed in part only: its own functions without types may be called.
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast
from urllib.parse import urlsplit

from scrapy import Request
from scrapy.core.downloader.handlers.base import BaseDownloadHandler
from scrapy.crawler import Crawler
from scrapy.exceptions import NotConfigured
from scrapy.http import Response
from scrapy.utils.defer import maybe_deferred_to_future
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectionClosed
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.web._newclient import (
    ConnectionAborted,
    ParseError,
    RequestGenerationFailed,
    RequestNotSent,
    RequestTransmissionFailed,
    ResponseDone,
    ResponseFailed,
)
from twisted.web.client import HTTPConnectionPool
from twisted.web.http import PotentialDataLoss, _MalformedChunkedDataError

from crawler.errors import BadResponse, BrokenOff, FetchError, Interrupted, Refused, TimedOut
from crawler.headers import browser_headers
from crawler.isolation import Exchange, Isolation
from crawler.sites import is_onion
from crawler.socks import SocksEndpoint, read_socks_address
from crawler.wire import RawHeaders, WireFactory, WireRequest

TEXT_TYPES = frozenset({"text/html", "text/plain", "application/xhtml+xml", "text/xml", "application/xml"})
"""What is read. Images, video, archives, scripts and styles are never asked for, and are cut off when they come."""

MAX_URL = 2000
MAX_PIECES = 100_000
"""Chunks of one body: each costs more than the byte it may hold."""
give_up = object()
"""A Scrapy signal: end all requests under way now (the run is being paused or cancelled)."""


_TWISTED_FAILURES = (
    CancelledError,
    ConnectionAborted,
    ConnectionClosed,
    KeyError,
    ParseError,
    RequestGenerationFailed,
    RequestNotSent,
    RequestTransmissionFailed,
    ResponseFailed,
    ValueError,
)
"""All that Twisted is known to raise for a failed exchange; each gets one of our names at this edge."""


@dataclass
class _Answer:
    response: Any
    body: bytes
    note: str


class OnionHandler(BaseDownloadHandler):
    """Scrapy's way to us. `request.meta["isolation"]` is needed; only Cookie and Referer of its headers are sent on.

    `request.meta["user_agent"]`: of the browser that a session was opened with, instead of Tor Browser's.
    """

    lazy = False

    def __init__(
        self,
        crawler: Crawler,
        *,
        socks: str,
        timeout: float,
        max_size: int,
        idle_connections: int,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        super().__init__(crawler)
        if not socks:
            raise NotConfigured("TUSKWATCH_SOCKS is not set: without Tor's SOCKS port nothing is fetched")
        self._socks = read_socks_address(socks)
        self._timeout = timeout
        self._max_size = max_size
        self._clock = clock
        from twisted.internet import reactor  # importing it installs it, which Scrapy must do first

        self._reactor = cast(Any, reactor)
        self._pool: Any = HTTPConnectionPool(reactor, persistent=True)
        self._pool._factory = WireFactory
        self._pool.maxPersistentPerHost = idle_connections
        self._pool.cachedConnectionTimeout = 60
        self._under_way: set[Deferred[Any]] = set()
        self._giving_up = False
        crawler.signals.connect(self._give_up, signal=give_up)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> OnionHandler:
        settings = crawler.settings
        return cls(
            crawler,
            socks=settings.get("TUSKWATCH_SOCKS") or "",
            timeout=settings.getfloat("DOWNLOAD_TIMEOUT"),
            max_size=settings.getint("DOWNLOAD_MAXSIZE"),
            idle_connections=settings.getint("CONCURRENT_REQUESTS"),
        )

    async def download_request(self, request: Request) -> Response:
        """Raises FetchError; otherwise the response as received, whatever its status."""
        isolation, host, port, target = self._check(request)
        headers = browser_headers(
            host if port == 80 else f"{host}:{port}",
            referer=_header(request, "Referer"),
            cookie=_header(request, "Cookie"),
            user_agent=str(request.meta.get("user_agent", "")),
        )
        requested_at = self._clock()
        answer: _Answer | None = None
        try:
            answer = await self._fetch(isolation, host, port, WireRequest(target, headers))
        finally:
            response = answer.response if answer else None
            request.meta["exchange"] = Exchange(
                request_headers=tuple(headers),
                requested_at=requested_at,
                received_at=self._clock(),
                circuit_token=isolation.token(),
                reason=response.phrase.decode("latin-1") if response else "",
                response_headers=response.raw_headers if response else (),
                note=answer.note if answer else "",
            )
        shown: dict[str, list[bytes]] = {}
        for name, value in answer.response.raw_headers:
            # As bytes, the very ones that came: Scrapy would write text as UTF-8, and a second time what was UTF-8.
            shown.setdefault(name, []).append(value.encode("latin-1"))
        return Response(request.url, status=answer.response.code, headers=shown, body=answer.body)

    async def close(self) -> None:
        self._give_up()
        closing = self._pool.closeCachedConnections()
        timer = self._reactor.callLater(1, closing.cancel)
        closing.addErrback(lambda _: None)
        await maybe_deferred_to_future(closing)
        if timer.active():
            timer.cancel()

    def _check(self, request: Request) -> tuple[Isolation, str, int, str]:
        isolation = request.meta.get("isolation")
        if not isinstance(isolation, Isolation):
            raise Refused("a request without isolation was refused: it could share another site's circuit")
        if request.method != "GET" or request.body:
            raise Refused(f"{request.method} was refused: this tool only reads (GET)")
        parts = urlsplit(request.url)
        try:
            port = parts.port or 80
        except ValueError as exc:
            raise Refused("the address has no valid port") from exc
        host = parts.hostname or ""
        if parts.scheme != "http" or not is_onion(host):
            raise Refused("only http:// addresses of v3 onions are fetched; this one is something else")
        if parts.username is not None or len(request.url) > MAX_URL:
            raise Refused("the address holds a user name or is too long")
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return isolation, host, port, target

    async def _fetch(self, isolation: Isolation, host: str, port: int, wire: WireRequest) -> _Answer:
        user, password = isolation.credentials()
        endpoint = SocksEndpoint(
            self._reactor, self._socks, host=host, port=port, user=user, password=password
        )
        done: Deferred[Any] = self._pool.getConnection((user, password, host, port), endpoint)
        done.addCallback(lambda connection: connection.request(wire))
        began = timed_out = False

        def read(response: Any) -> _Answer | Deferred[_Answer]:
            nonlocal began
            began = True
            return self._read(response)

        done.addCallback(read)

        def stop() -> None:
            nonlocal timed_out
            timed_out = True
            done.cancel()

        timer = self._reactor.callLater(self._timeout, stop)
        self._under_way.add(done)
        try:
            return cast(_Answer, await maybe_deferred_to_future(done))
        except _TWISTED_FAILURES as exc:
            error: FetchError
            if timed_out:
                error = TimedOut(f"the page was not complete after {self._timeout:g} seconds")
            elif self._giving_up:
                error = Interrupted("the run is ending: this request was given up")
            else:
                error = _name_error(exc)
            if began and error.scope == "address":
                error.scope = "page"  # the address did answer: what came of it is this page's own doing
            raise error from exc
        finally:
            self._under_way.discard(done)
            if timer.active():
                timer.cancel()

    def _give_up(self) -> None:
        self._giving_up = True
        for deferred in list(self._under_way):
            deferred.cancel()

    def _read(self, response: Any) -> _Answer | Deferred[_Answer]:
        """Take the body in, or cut it off at once when its type or its size says so."""
        if response.length == 0:
            return _Answer(response, b"", "")
        kind = _content_type(response.raw_headers)
        if kind and kind not in TEXT_TYPES:
            _cut_off(response)
            return _Answer(response, b"", f"body cut off: its type is {kind[:80]}, and only text is read")
        if isinstance(response.length, int) and response.length > self._max_size:
            _cut_off(response)
            return _Answer(
                response, b"", f"body cut off: {response.length} bytes, at most {self._max_size} are read"
            )
        collector = _Collector(response, self._max_size, sniff=not kind)
        response.deliverBody(collector)
        return collector.done


class _Collector(Protocol):
    """Gathers one body up to the bound."""

    def __init__(self, response: Any, max_size: int, *, sniff: bool) -> None:
        self.done: Deferred[_Answer] = Deferred(lambda _: _cut_off(response))
        self._response = response
        self._max_size = max_size
        self._sniff = sniff
        self._body = bytearray()
        self._pieces = 0

    def dataReceived(self, data: bytes) -> None:
        if self.done.called:
            return
        before = len(self._body)
        self._body += data
        self._pieces += 1
        if len(self._body) > self._max_size:
            self._finish(f"body cut off: more than {self._max_size} bytes")
        elif self._pieces > MAX_PIECES:
            self._finish(f"body cut off: it came in more than {MAX_PIECES} pieces")
        elif self._sniff and before < 1024 and b"\0" in data[:1024]:
            self._finish("body cut off: it names no type and is not text")

    def _finish(self, note: str) -> None:
        self._body = bytearray()
        self.done.callback(_Answer(self._response, b"", note))
        _cut_off(self._response)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self.done.called:
            return
        if reason.check(
            ResponseDone, PotentialDataLoss
        ):  # the second: no length was told, the end is the end
            self.done.callback(_Answer(self._response, bytes(self._body), ""))
        else:
            self.done.errback(reason)


def _cut_off(response: Any) -> None:
    producer = getattr(response._transport, "_producer", None)
    if producer is not None:
        producer.abortConnection()


def _content_type(headers: RawHeaders) -> str:
    for name, value in headers:
        if name.lower() == "content-type":
            return value.split(";")[0].strip().lower()
    return ""


def _header(request: Request, name: str) -> str:
    value = request.headers.get(name)
    return value.decode("latin-1") if value else ""


def _name_error(exc: Exception) -> FetchError:
    reasons = [exc]
    if isinstance(exc, ResponseFailed):
        reasons += [failure.value for failure in exc.reasons]
    for reason in reasons:
        if isinstance(reason, (ParseError, _MalformedChunkedDataError, ValueError, KeyError)):
            return BadResponse(f"what came back is no proper HTTP answer ({type(reason).__name__})")
    return BrokenOff(f"the connection ended before the page was complete ({type(reasons[-1]).__name__})")
