"""HTTP/1.1 on one connection: our bytes out in our order, the response's headers in as they came.

Public names: WireRequest, WireProtocol, WireFactory, RawHeaders.

Twisted's client writes headers in an order and a spelling of its own and gives them back the same way; both would be
wrong here, once as a fingerprint and once as evidence. Its state machine, body framing and connection reuse are kept.
"""

# Twisted is typed in part only: its own functions without types may be called.
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import re
from typing import Any

from twisted.internet.defer import Deferred
from twisted.web._newclient import HEADER, STATUS, HTTP11ClientProtocol, HTTPClientParser, ParseError, Request
from twisted.web.client import _HTTP11ClientFactory
from twisted.web.http_headers import Headers

RawHeaders = tuple[tuple[str, str], ...]

MAX_HEADER_LINES = 200
MAX_HEADER_BYTES = 64 * 1024
_TOO_MUCH = "too many or too long headers"


_STATUS = re.compile(rb"[1-9][0-9]{2}")


class WireRequest(Request):
    """A GET whose header lines are written exactly as given."""

    def __init__(self, uri: str, headers: list[tuple[str, str]]) -> None:
        super().__init__(b"GET", uri.encode("ascii"), Headers(), None, persistent=True)
        for name, value in headers:
            if "\r" in name + value or "\n" in name + value:
                raise ValueError(f"a line break in the header {name}")
        lines = [f"GET {uri} HTTP/1.1", *(f"{name}: {value}" for name, value in headers), "", ""]
        self._wire = "\r\n".join(lines).encode("latin-1")

    def _writeHeaders(self, transport: Any, TEorCL: bytes | None) -> None:
        transport.write(self._wire)


class _Parser(HTTPClientParser):
    """Keeps the headers as received, forgives lines without a colon, and stops at absurd amounts of them."""

    raw: list[tuple[str, str]]
    header_lines: int
    header_bytes: int

    def prepare(self) -> None:
        self.raw = []
        self.header_lines = self.header_bytes = 0

    def connectionMade(self) -> None:
        # Called again after each 1xx answer; the counts go on, so that these cannot be sent without end.
        super().connectionMade()
        self.raw = []

    def lineReceived(self, line: bytes) -> None:
        # The part of HTTPParser.lineReceived that takes a header apart, with a line without a colon skipped as
        # browsers do, instead of the whole response lost.
        self.header_lines += 1
        self.header_bytes += len(line)
        if self.header_lines > MAX_HEADER_LINES or self.header_bytes > MAX_HEADER_BYTES:
            raise ParseError(_TOO_MUCH, b"")
        line = line.removesuffix(b"\r")
        if self.state == STATUS:
            self.statusReceived(line)
            self.state = HEADER
        elif line[:1] in (b" ", b"\t"):
            if self._partialHeader is not None:
                self._partialHeader.append(line)
        else:
            if self._partialHeader is not None:
                self._take_header(b"".join(self._partialHeader))
            if line:
                self._partialHeader = [line]
            else:
                self._partialHeader = None
                self.allHeadersReceived()

    def lineLengthExceeded(self, line: bytes) -> None:
        # The base class would close the connection as if the network had: it is the answer that is no good.
        raise ParseError(_TOO_MUCH, b"")

    def statusReceived(self, status: bytes) -> None:
        code = status.split(b" ", 2)[1:2]
        if not code or not _STATUS.fullmatch(code[0]):
            raise ParseError("no status of three digits", b"")
        super().statusReceived(status)

    def _take_header(self, header: bytes) -> None:
        name, colon, value = header.partition(b":")
        name, value = name.strip(), value.strip()
        self.raw.append((name.decode("latin-1"), value.decode("latin-1")))
        if colon and name:
            self.headerReceived(name, value)

    def allHeadersReceived(self) -> None:
        self.response.raw_headers = tuple(self.raw)
        length, coding = (
            self.connHeaders.getRawHeaders(name, ()) for name in ("content-length", "transfer-encoding")
        )
        if coding and length:
            # RFC 9112, 6.3: two statements about where the answer ends are an attempt to smuggle one into another.
            raise ParseError("both a length and chunks", b"")
        super().allHeadersReceived()


class WireProtocol(HTTP11ClientProtocol):
    """HTTP11ClientProtocol with our parser; responses carry `raw_headers: RawHeaders`."""

    def request(self, request: Request) -> Deferred[Any]:
        fired: Deferred[Any] = super().request(request)
        if self._parser is not None:
            # The parser's class is fixed in the base class. No byte of the answer can have been read before this line.
            parser: Any = self._parser
            parser.__class__ = _Parser
            parser.prepare()
        return fired

    def _finishResponse(self, rest: bytes) -> None:
        if rest and self._currentRequest is not None:
            # Bytes behind the answer were not asked for. Whatever follows them could be taken for the next answer, so
            # this connection has no next one (the base class drops the bytes and keeps the connection).
            self._currentRequest.persistent = False
        super()._finishResponse(rest)


class WireFactory(_HTTP11ClientFactory):
    noisy = False

    def buildProtocol(self, addr: Any) -> WireProtocol:
        return WireProtocol(self._quiescentCallback)
