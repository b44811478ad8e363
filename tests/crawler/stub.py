"""A SOCKS5 port that plays Tor, and the onion behind it, in one thread: no name is looked up, nothing is forwarded.

Public names: OnionStub, Asked, make_onion, html, reply, MARKET.

The stub speaks RFC 1928/1929 as Tor does (user names only), keeps the bytes of each request, and answers with what the
test's function returns: bytes, or an iterable of (seconds to wait, bytes), or None to close the connection.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

Answer = bytes | Iterable[tuple[float, bytes]] | None


def make_onion(seed: str) -> str:
    """A well-formed v3 onion of nobody."""
    key = hashlib.sha256(b"invented " + seed.encode()).digest()
    checksum = hashlib.sha3_256(b".onion checksum" + key + b"\x03").digest()[:2]
    return base64.b32encode(key + checksum + b"\x03").decode().lower() + ".onion"


@dataclass
class Asked:
    """One request that reached the stub."""

    raw: bytes
    host: str
    port: int
    user: str
    password: str
    connection: int

    @property
    def path(self) -> str:
        return self.raw.split(b" ", 2)[1].decode()

    def header(self, name: str) -> str | None:
        for line in self.raw.decode("latin-1").split("\r\n")[1:]:
            key, _, value = line.partition(": ")
            if key.lower() == name.lower():
                return value
        return None


def reply(
    body: bytes | str = b"", *, status: str = "200 OK", kind: str = "text/html", more: tuple[str, ...] = ()
) -> bytes:
    if isinstance(body, str):
        body = body.encode()
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(body)}", *more, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def html(title: str, links: Iterable[str] = (), text: str = "") -> bytes:
    listed = "".join(f'<li><a href="{link}">{link}</a></li>' for link in links)
    return reply(
        f"<html><head><title>{title}</title></head><body><h1>{title}</h1><p>{text}</p><ul>{listed}</ul></body></html>"
    )


@dataclass
class OnionStub:
    """`with OnionStub(answer) as stub:` then stub.socks is "127.0.0.1:port". All times in seconds."""

    answer: Callable[[Asked], Answer]
    socks_code: Callable[[str], int] = lambda host: 0
    """The SOCKS reply for a host."""
    fragment: bool = False
    """Send the SOCKS replies byte by byte."""
    method_reply: bytes = b"\x05\x02"
    auth_reply: bytes = b"\x01\x00"
    connect_reply: bytes = b""
    """Sent, when not empty, in place of the answer to CONNECT."""
    delay: float = 0.0
    asked: list[Asked] = field(default_factory=list)
    opened: list[tuple[str, str, str, int]] = field(default_factory=list)
    """(user, password, host, port) of each stream."""
    offered: set[bytes] = field(default_factory=set)
    """The ways to authenticate that clients offered."""

    def __enter__(self) -> OnionStub:
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Close the port and every stream at once, as a dying Tor would."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopped.set)
            self._thread.join(10)
            assert not self._thread.is_alive()

    @property
    def socks(self) -> str:
        return f"127.0.0.1:{self.port}"

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopped = asyncio.Event()
        tasks: set[asyncio.Task[None]] = set()

        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            tasks.add(task)
            try:
                await self._talk(reader, writer)
            except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                pass
            finally:
                tasks.discard(task)
                writer.transport.abort()

        server = await asyncio.start_server(accept, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stopped.wait()
        server.close()
        for task in list(tasks):
            task.cancel()
        if tasks:
            await asyncio.wait(list(tasks))

    async def _write(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        if not self.fragment:
            writer.write(data)
            await writer.drain()
            return
        for byte in data:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0.002)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readexactly(2)
        offered = await reader.readexactly(head[1])
        assert 2 in offered, f"no user name was offered: {offered!r}"
        self.offered.add(offered)
        await self._write(writer, self.method_reply)
        if self.method_reply != b"\x05\x02":
            return
        _, size = await reader.readexactly(2)
        user = (await reader.readexactly(size)).decode()
        password = (await reader.readexactly((await reader.readexactly(1))[0])).decode()
        await self._write(writer, self.auth_reply)
        assert await reader.readexactly(4) == b"\x05\x01\x00\x03", "not a CONNECT by name"
        host = (await reader.readexactly((await reader.readexactly(1))[0])).decode()
        port = int.from_bytes(await reader.readexactly(2), "big")
        self.opened.append((user, password, host, port))
        code = self.socks_code(host)
        await self._write(writer, self.connect_reply or bytes([5, code, 0, 1, 0, 0, 0, 0, 0, 0]))
        if code:
            return
        number = len(self.opened)
        while True:
            raw = await reader.readuntil(b"\r\n\r\n")
            asked = Asked(raw, host, port, user, password, number)
            self.asked.append(asked)
            if self.delay:
                await asyncio.sleep(self.delay)
            answer = self.answer(asked)
            if answer is None:
                return
            if isinstance(answer, bytes):
                writer.write(answer)
            else:
                for wait, part in answer:
                    await asyncio.sleep(wait)
                    writer.write(part)
                    await writer.drain()
            await writer.drain()


MARKET = 12
"""Goods in the invented market below."""


def market(asked: Asked) -> bytes:
    """A small market: home, three pages of a category, listings with a tab each, two sellers, a thread, traps."""
    path = asked.path
    if path == "/":
        return html(
            "Old Port",
            [
                "/c/other",
                "/v/alba",
                "/v/brun",
                "/t/1",
                "/rules",
                "/login",
                "/logout",
                "/a.png",
                "http://example.com/x",
            ],
        )
    if path.startswith("/c/other"):
        page = int(path.partition("page=")[2] or 1)
        goods = range((page - 1) * 4, page * 4)
        more = [f"/c/other?page={page + 1}"] if page < MARKET // 4 else []
        return html(f"Other listings {page}", [f"/p/{n}" for n in goods] + more)
    if path.startswith("/p/"):
        number = path.split("/")[2]
        if path.endswith("/feedback"):
            return html("Feedback", [f"/p/{number}"], text="ok, came in 18 days")
        return html(
            f"Thing {number}",
            [f"/p/{number}/feedback", "/v/alba", "/"],
            text=f"An everyday thing number {number}.",
        )
    if path in ("/v/alba", "/v/brun", "/t/1", "/rules"):
        return html(path, ["/"], text="About the house. " * 10)
    if path == "/login":
        return reply(
            '<html><body><form method="post"><input name="u"><input type="password" name="p"></form></body></html>'
        )
    return reply("nothing here", status="404 Not Found")


def market_paths() -> set[str]:
    """All that a crawl of `market` must store, once each."""
    paths = {
        "/",
        "/v/alba",
        "/v/brun",
        "/t/1",
        "/rules",
        "/login",
        "/c/other",
        "/c/other?page=2",
        "/c/other?page=3",
    }
    for number in range(MARKET):
        paths |= {f"/p/{number}", f"/p/{number}/feedback"}
    return paths
