"""The invented sites of the drill and the server behind them, which writes down every request: what is true, who asked when.

Public names: Market, Seen, Served, make_markets, SITE.

Each answer has a number, in a header and in its body, so that every stored page names the very answer that it was; a
cookie that the server gives tells one visit (the life of one crawl process) from another. So what one crawl asked for is
known from the server's side alone, and its times are the server's.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from lab.visit import KNOCK

SITE = """\
name: {name}
title: Drilled market {name}
addresses: [{onion}]
authorised: {{by: drill, on: 2026-10-01}}
pace: {{delay: {delay}, in_flight: {in_flight}}}
timeout: {timeout}
patience: {{wait: 1, longest: 5, dead_after: 60, attempts: 5}}
kinds: {{listing: ['^/p/(?P<key>\\d+)'], search: ['^/c/'], home: ['^/$']}}
"""
NUMBER = "X-Request"
_COOKIE = re.compile(rb"\r\ncookie:[^\r\n]*\bvisit=(\d+)", re.IGNORECASE)
_FIRST = 1_000
_WORDS = tuple(
    "kettle lamp chair clock blue small wooden copper bicycle basket notebook pencil candle curtain teapot ladder "  # noqa: SIM905
    "folding garden winter travel kitchen old spare round plain".split()
)


def make_onion(seed: str) -> str:
    """A well-formed v3 onion of nobody."""
    key = hashlib.sha256(b"invented " + seed.encode()).digest()
    checksum = hashlib.sha3_256(b".onion checksum" + key + b"\x03").digest()[:2]
    return base64.b32encode(key + checksum + b"\x03").decode().lower() + ".onion"


@dataclass(frozen=True)
class Seen:
    """One request as the server saw it. at: seconds since 1970, when it had arrived. visit: 0 when it had no cookie yet."""

    number: int
    site: str
    path: str
    at: float
    connection: int
    visit: int
    gave: int
    """The visit that began with this request; 0 when it was one already."""
    sha256: str
    """Of the body that was sent."""


@dataclass
class Market:
    """One site: a home, a category for every ten ads, the rest ads."""

    name: str
    pages: int
    onion: str

    @property
    def shelves(self) -> int:
        return max(1, self.pages // 10)

    @property
    def paths(self) -> frozenset[str]:
        ads = self.pages - 1 - self.shelves
        return frozenset(
            [
                "/",
                *(f"/c/{n}" for n in range(self.shelves)),
                *(f"/p/{n}" for n in range(_FIRST, _FIRST + ads)),
            ]
        )

    def write(self, path: str, number: int) -> bytes | None:
        """The body of a page; None when there is none of that path."""
        if path not in self.paths:
            return None
        ads = self.pages - 1 - self.shelves
        if path == "/":
            title, text = f"{self.name} market", "Welcome to a market that is drilled."
            links = [f"/c/{n}" for n in range(self.shelves)]
        elif path.startswith("/c/"):
            shelf = int(path[3:])
            title, text = f"Shelf {shelf}", "What we have."
            links = [f"/p/{n}" for n in range(_FIRST + shelf, _FIRST + ads, self.shelves)]
        else:
            pick = hashlib.sha256(f"{self.name} {path}".encode()).digest()
            words = " ".join(_WORDS[byte % len(_WORDS)] for byte in pick[:6])
            title = f"{words.title()} number {path[3:]}"
            text = f"A {words}, hardly used, sent from Norway within a day. Price {pick[7]} EUR. Ask for more of them."
            links = ["/", f"/c/{int(path[3:]) % self.shelves}"]
        listed = "".join(f'<li><a href="{link}">{link}</a></li>' for link in links)
        return (
            f"<html><head><title>{title}</title></head><body><h1>{title}</h1><p>{text}</p><ul>{listed}</ul>"
            f"<!-- {number} --></body></html>"
        ).encode()


def make_markets(count: int, *, pages: int) -> list[Market]:
    """So many sites of about so many pages each, a few more or fewer, so that they do not end together."""
    names = [
        "alder",
        "birch",
        "cedar",
        "dogwood",
        "elm",
        "fir",
        "ginkgo",
        "hazel",
        "ivytree",
        "juniper",
        "kapok",
        "larch",
    ]
    return [
        Market(name, pages + 3 * (index % 4), make_onion(name)) for index, name in enumerate(names[:count])
    ]


@dataclass
class Served:
    """`with Served(markets) as served:` serves them, each on a port of its own, and all behind one stub of a SOCKS port.

    delay: seconds that each answer takes. `seen` grows by one for each request.
    """

    markets: Sequence[Market]
    delay: float = 0.03
    seen: list[Seen] = field(default_factory=list)
    ports: dict[str, int] = field(default_factory=dict)
    socks_port: int = 0

    def __enter__(self) -> Served:
        self._by_onion = {market.onion: market for market in self.markets}
        self._connections = 0
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._thread.start()
        assert self._ready.wait(20), "the drill's sites did not come up"
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join(10)

    @property
    def socks(self) -> str:
        return f"127.0.0.1:{self.socks_port}"

    def rename(self, onions: dict[str, str]) -> None:
        """The addresses that the sites got from a real Tor."""
        for market in self.markets:
            market.onion = onions[market.name]

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopped = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        servers = []
        for market in self.markets:

            def talk(
                reader: asyncio.StreamReader, writer: asyncio.StreamWriter, at: Market = market
            ) -> asyncio.Task[None]:
                return self._begin(self._answer_all(at, reader, writer), writer)

            server = await asyncio.start_server(talk, "127.0.0.1", 0)
            self.ports[market.name] = server.sockets[0].getsockname()[1]
            servers.append(server)
        socks = await asyncio.start_server(
            lambda reader, writer: self._begin(self._open(reader, writer), writer), "127.0.0.1", 0
        )
        self.socks_port = socks.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stopped.wait()
        for server in (*servers, socks):
            server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _begin(self, talk: Callable[..., None] | object, writer: asyncio.StreamWriter) -> asyncio.Task[None]:
        async def until_gone() -> None:
            try:
                await talk  # type: ignore[misc]
            except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                pass  # the visitor was killed
            finally:
                writer.transport.abort()

        task = asyncio.ensure_future(until_gone())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _open(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """The stub: SOCKS5 with a user name, as Tor speaks it. Names are ours; nothing is forwarded."""
        await reader.readexactly((await reader.readexactly(2))[1])
        writer.write(b"\x05\x02")
        await reader.readexactly((await reader.readexactly(2))[1])
        await reader.readexactly((await reader.readexactly(1))[0])
        writer.write(b"\x01\x00")
        await reader.readexactly(4)
        host = (await reader.readexactly((await reader.readexactly(1))[0])).decode()
        await reader.readexactly(2)
        market = self._by_onion.get(host)
        writer.write(bytes([5, 0 if market else 4, 0, 1, 0, 0, 0, 0, 0, 0]))
        if market is not None:
            await self._answer_all(market, reader, writer)

    async def _answer_all(
        self, market: Market, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._connections += 1
        connection = self._connections
        while True:
            raw = await reader.readuntil(b"\r\n\r\n")
            if KNOCK.encode() in raw:  # the lab looks whether the onion is up
                writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
                await writer.drain()
                return
            path = raw.split(b" ", 2)[1].decode("latin-1")
            number = len(self.seen) + 1
            body = market.write(path, number)
            found = _COOKIE.search(raw)
            visit = int(found[1]) if found else 0
            self.seen.append(
                Seen(
                    number, market.name, path, time.time(), connection, visit, 0 if visit else number,
                    hashlib.sha256(body or b"").hexdigest(),
                )
            )  # fmt: skip
            lines = [
                f"HTTP/1.1 {'200 OK' if body is not None else '404 Not Found'}",
                "Content-Type: text/html; charset=utf-8",
                f"Content-Length: {len(body or b'')}",
                f"{NUMBER}: {number}",
                *([] if visit else [f"Set-Cookie: visit={number}; Path=/"]),
            ]
            await asyncio.sleep(self.delay)
            writer.write(("\r\n".join(lines) + "\r\n\r\n").encode() + (body or b""))
            await writer.drain()
