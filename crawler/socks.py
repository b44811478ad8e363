"""A Twisted endpoint that reaches a host through Tor's SOCKS5 port, and through nothing else.

Public names: SocksEndpoint, SOCKS_REPLIES, read_socks_address.

The port is asked for user-name authentication only (RFC 1929): Tor keeps streams with different names and passwords on
different circuits (IsolateSOCKSAuth). A server that offers to go on without it is refused. Replies may come in pieces
of any size. Tor's extended replies 0xF0 to 0xF7 (socks-extensions.txt, proposal 304) are told apart.
"""

# Twisted is typed in part only: its own functions without types may be called.
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import ipaddress
from typing import Any, cast

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.error import ConnectError, UserError
from twisted.internet.interfaces import IProtocolFactory, IStreamClientEndpoint
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from crawler.errors import BrokenOff, SocksRefused, TorGone

# code: (name, meaning, permanent). Permanent: asking again gives the same answer, unlike the weather of circuits.
SOCKS_REPLIES: dict[int, tuple[str, str, bool]] = {
    0x01: ("general-failure", "the service's web server did not answer, or the circuit failed", False),
    0x02: ("not-allowed", "Tor's own settings forbid it", True),
    0x03: ("network-unreachable", "Tor has no way into the network at the moment", False),
    0x04: ("host-unreachable", "no circuit to the service could be built", False),
    0x05: ("connection-refused", "the service refused the connection", False),
    0x06: ("ttl-expired", "Tor gave up waiting for a circuit", False),
    0x07: ("command-not-supported", "Tor does not support the request", True),
    0x08: ("address-type-not-supported", "Tor does not support the address", True),
    0xF0: ("descriptor-not-found", "the onion is not published: it is off, or gone", True),
    0xF1: ("descriptor-invalid", "what the onion published cannot be read", True),
    0xF2: ("introduction-failed", "the service did not answer at its introduction points", False),
    0xF3: ("rendezvous-failed", "the service did not come to the meeting point", False),
    0xF4: ("client-auth-missing", "the service lets in known clients only, and no key is set", True),
    0xF5: ("client-auth-wrong", "the service lets in known clients only, and our key is wrong", True),
    0xF6: ("bad-address", "this is no well-formed onion address", True),
    0xF7: ("introduction-timeout", "all introduction points timed out", False),
}


def read_socks_address(text: str) -> tuple[str, int]:
    """ "127.0.0.1:9050" -> ("127.0.0.1", 9050). The host must be a loopback address written in numbers: a name would
    have to be looked up, and another machine would see every isolation password. Raises ValueError in plain words."""
    host, _, port = text.rpartition(":")
    try:
        address = ipaddress.ip_address(host.strip("[]"))
        number = int(port)
    except ValueError as exc:
        raise ValueError(f"Tor's SOCKS port must be given as 127.0.0.1:9050, not {text!r}") from exc
    if not address.is_loopback or address.version != 4 or not 0 < number < 65536:
        raise ValueError(f"Tor's SOCKS port must be on this machine (127.0.0.1:9050), not {text!r}")
    return str(address), number


class _Handshake(Protocol):
    """Speaks SOCKS5 until the stream is open, then hands the connection over to the wrapped protocol."""

    def __init__(self, endpoint: SocksEndpoint, factory: IProtocolFactory, opened: Deferred[Any]) -> None:
        self._endpoint = endpoint
        self._factory = factory
        self._opened = opened
        self._buffer = b""
        self._step = self._read_method

    def connectionMade(self) -> None:
        self._write(b"\x05\x01\x02")  # version 5, one method offered: user name and password

    def dataReceived(self, data: bytes) -> None:
        self._buffer += data
        before = None
        while self._buffer and before != (self._step, len(self._buffer)) and not self._opened.called:
            before = (self._step, len(self._buffer))
            self._step()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if not self._opened.called:
            self._opened.errback(Failure(BrokenOff("Tor closed the connection before the stream was open")))

    def _write(self, data: bytes) -> None:
        cast(Any, self.transport).write(data)

    def _fail(self, error: Exception) -> None:
        self._opened.errback(Failure(error))
        self.abort()

    def abort(self) -> None:
        """Close at once, without waiting for what is still to be written."""
        cast(Any, self.transport).abortConnection()

    def _take(self, size: int) -> bytes:
        taken, self._buffer = self._buffer[:size], self._buffer[size:]
        return taken

    def _read_method(self) -> None:
        if len(self._buffer) < 2:
            return
        if self._take(2) != b"\x05\x02":
            self._fail(
                TorGone("the SOCKS port does not answer as Tor does (it refused user names); stop here")
            )
            return
        user, password = self._endpoint.user.encode(), self._endpoint.password.encode()
        self._write(b"\x01" + bytes([len(user)]) + user + bytes([len(password)]) + password)
        self._step = self._read_auth

    def _read_auth(self) -> None:
        if len(self._buffer) < 2:
            return
        if self._take(2)[1] != 0:
            self._fail(TorGone("the SOCKS port refused the isolation name; is it really Tor's?"))
            return
        host = self._endpoint.host.encode("ascii")
        # Type 3, a name: Tor resolves it; nothing is looked up here.
        request = b"\x05\x01\x00\x03" + bytes([len(host)]) + host + self._endpoint.port.to_bytes(2, "big")
        self._write(request)
        self._step = self._read_reply

    def _read_reply(self) -> None:
        if len(self._buffer) < 5:
            return
        version, code, _, kind, first = self._buffer[:5]
        size = {1: 4, 3: 1 + first, 4: 16}.get(kind)
        if version != 5 or (size is None and code == 0):
            self._fail(TorGone("the SOCKS port sent an answer that is not SOCKS5; is it really Tor's?"))
            return
        if code:
            name, meaning, permanent = SOCKS_REPLIES.get(code, ("unknown", "an answer not known", False))
            self._fail(SocksRefused(code, name, meaning, permanent=permanent))
            return
        assert size is not None
        if len(self._buffer) < 4 + size + 2:
            return
        self._take(4 + size + 2)
        self._hand_over()

    def _hand_over(self) -> None:
        transport = cast(Any, self.transport)
        wrapped = cast(Any, self._factory).buildProtocol(transport.getPeer())
        if wrapped is None:
            self._fail(BrokenOff("nothing was there to take the connection"))
            return
        rest, self._buffer = self._buffer, b""
        transport.protocol = wrapped
        wrapped.makeConnection(transport)
        self._opened.callback(wrapped)
        if rest:
            wrapped.dataReceived(rest)


@implementer(IStreamClientEndpoint)
class SocksEndpoint:
    """Opens streams to `host`:`port` through the SOCKS port at `socks`, under one isolation name and password."""

    def __init__(
        self,
        reactor: Any,
        socks: tuple[str, int],
        *,
        host: str,
        port: int,
        user: str,
        password: str,
        connect_timeout: float = 10,
    ) -> None:
        if not (0 < len(user.encode()) < 256 and 0 < len(password.encode()) < 256):
            raise ValueError("an isolation name and password must be 1 to 255 bytes long")
        if not 0 < len(host) < 256:
            raise ValueError("the host's name is too long for SOCKS")
        self._reactor = reactor
        self._socks = socks
        self.host = host
        self.port = port
        self.user = user
        self.password = password
        self._connect_timeout = connect_timeout

    def __repr__(self) -> str:
        return f"<SocksEndpoint {self.host}:{self.port}>"  # never the isolation name: this may reach a log

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[Any]:
        """Fires with the wrapped protocol; fails with TorGone, SocksRefused or BrokenOff."""
        handshake: _Handshake | None = None

        def cancel(_: Deferred[Any]) -> None:
            if handshake is None:
                connecting.cancel()
            else:
                handshake.abort()

        opened: Deferred[Any] = Deferred(cancel)
        endpoint = TCP4ClientEndpoint(self._reactor, *self._socks, timeout=self._connect_timeout)

        def made(protocol: _Handshake) -> None:
            nonlocal handshake
            handshake = protocol

        def failed(failure: Failure) -> None:
            if opened.called:
                return
            if failure.check(ConnectError, UserError):
                where = f"{self._socks[0]}:{self._socks[1]}"
                opened.errback(
                    Failure(TorGone(f"Tor's SOCKS port {where} does not answer: is Tor still running?"))
                )
            elif not failure.check(CancelledError):
                opened.errback(failure)

        factory = Factory.forProtocol(lambda: _Handshake(self, protocolFactory, opened))
        factory.noisy = False
        connecting = endpoint.connect(cast(Any, factory))
        connecting.addCallbacks(made, failed)
        return opened
