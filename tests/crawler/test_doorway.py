"""The doorway: a browser with any name or none gets onto the session's circuit, to the site's onions and nowhere else."""

from __future__ import annotations

import os
import socket
import struct
import threading
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
import requests

from crawler.doorway import MAX_AT_ONCE, Doorway
from crawler.isolation import Isolation

MINE = Isolation("oldport", "", "c1")


@pytest.fixture
def onion(stub: ModuleType) -> str:
    return str(stub.make_onion("oldport"))


@pytest.fixture
def tor(stub: ModuleType) -> Iterator[Any]:
    with stub.OnionStub(lambda asked: stub.reply(f"hello at {asked.path}")) as tor:
        yield tor


@pytest.fixture
def door(tor: Any, onion: str) -> Iterator[Doorway]:
    with Doorway(MINE, socks=("127.0.0.1", tor.port), onions=[onion]) as door:
        yield door


def get(door: Doorway, url: str, login: str = "") -> str:
    proxy = f"socks5h://{login}127.0.0.1:{door.port}"
    with requests.Session() as session:
        session.trust_env = False
        return session.get(url, proxies={"http": proxy}, timeout=20).text


@pytest.mark.parametrize("login", ["", "tor-browser:its-own-isolation@"])
def test_whatever_name_a_browser_has_it_is_on_the_sessions_circuit(
    door: Doorway, tor: Any, onion: str, login: str
) -> None:
    assert get(door, f"http://{onion}/login?next=/", login) == "hello at /login?next=/"
    assert tor.opened == [(*MINE.credentials(), onion, 80)]


def test_a_long_answer_comes_whole(stub: ModuleType, onion: str) -> None:
    body = b"x" * 3_000_000
    with (
        stub.OnionStub(lambda asked: stub.reply(body)) as tor,
        Doorway(MINE, socks=("127.0.0.1", tor.port), onions=[onion]) as door,
    ):
        assert len(get(door, f"http://{onion}/")) == len(body)


@pytest.mark.parametrize(
    "url",
    [
        "http://clear.example/",
        "http://127.0.0.1/",
        "http://{other}/",
        "http://shop.{onion}/",
        "http://{onion}:22/",
    ],
)
def test_nothing_else_is_reached(door: Doorway, tor: Any, stub: ModuleType, onion: str, url: str) -> None:
    with pytest.raises(requests.RequestException):
        get(door, url.format(onion=onion, other=stub.make_onion("other")))
    assert tor.opened == []
    assert door.refused == 1


def test_what_tor_cannot_reach_is_said_with_tors_own_code(stub: ModuleType, onion: str) -> None:
    with (
        stub.OnionStub(lambda asked: b"", socks_code=lambda host: 0xF2) as tor,
        Doorway(MINE, socks=("127.0.0.1", tor.port), onions=[onion]) as door,
        pytest.raises(requests.RequestException, match=r"(?i)0xf2"),
    ):
        get(door, f"http://{onion}/")


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        (b"\x05\x01\x01", b"\x05\xff"),
        (b"\x05\x01\x00" + b"\x05\x02\x00\x01\x7f\x00\x00\x01\x00\x50", b"\x05\x00\x05\x07"),
        (b"\x05\x01\x00" + b"\x05\x01\x00\x01\x7f\x00\x00\x01\x00\x50", b"\x05\x00\x05\x02"),
        (b"\x05\x01\x00" + b"\x05\x01\x00\x04" + bytes(16) + b"\x00\x50", b"\x05\x00\x05\x02"),
        (b"\x05\x01\x00" + b"\x05\x01\x00\x03\x03\xff\xfe\xfd\x00\x50", b"\x05\x00\x05\x02"),
    ],
)
def test_what_is_no_such_request_is_turned_away(door: Doorway, tor: Any, said: bytes, answer: bytes) -> None:
    with socket.create_connection(("127.0.0.1", door.port), timeout=20) as client:
        client.sendall(said)
        client.shutdown(socket.SHUT_WR)
        heard = b""
        while part := client.recv(100):
            heard += part
    assert heard.startswith(answer)
    assert tor.opened == []


@pytest.mark.parametrize("said", [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x04\x01\x00\x50", b"\x05", b""])
def test_what_speaks_no_socks_is_hung_up_on(door: Doorway, tor: Any, said: bytes) -> None:
    with socket.create_connection(("127.0.0.1", door.port), timeout=20) as client:
        try:
            client.sendall(said)
            client.shutdown(socket.SHUT_WR)
            assert client.recv(100) in (b"", b"\x05\xff")
        except ConnectionError:
            pass  # hung up on before it had said all
    assert tor.opened == []


def test_when_the_block_ends_so_does_every_connection(tor: Any, onion: str) -> None:
    with Doorway(MINE, socks=("127.0.0.1", tor.port), onions=[onion]) as door:
        client = socket.create_connection(("127.0.0.1", door.port), timeout=20)
        client.sendall(b"\x05\x01\x00")
        assert client.recv(2) == b"\x05\x00"
    with client:
        assert client.recv(1) == b""
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", door.port), timeout=20)


def test_a_flood_of_connections_is_bounded(door: Doorway) -> None:
    clients = [socket.create_connection(("127.0.0.1", door.port), timeout=20) for _ in range(MAX_AT_ONCE)]
    for client in clients:
        client.sendall(b"\x05\x01\x00")
        assert client.recv(2) == b"\x05\x00"
    with socket.create_connection(("127.0.0.1", door.port), timeout=20) as late:
        assert late.recv(2) == b""
    for client in clients:
        client.close()


def test_a_socks_port_off_this_machine_is_refused(onion: str) -> None:
    with pytest.raises(ValueError, match="127"):
        Doorway(MINE, socks=("192.0.2.1", 9050), onions=[onion])


def test_one_that_is_not_tor_gets_no_request(onion: str) -> None:
    name = onion.encode()
    request = b"\x05\x01\x00\x03" + bytes([len(name)]) + name + struct.pack("!H", 80)
    with (
        socket.create_server(("127.0.0.1", 0)) as other,
        Doorway(MINE, socks=("127.0.0.1", other.getsockname()[1]), onions=[onion]) as door,
        socket.create_connection(("127.0.0.1", door.port), timeout=20) as client,
    ):
        client.sendall(b"\x05\x01\x00" + request)
        peer, _ = other.accept()
        with peer:
            assert peer.recv(100) == b"\x05\x01\x02"
            peer.sendall(b"HT")
            assert peer.recv(100) == b""


def test_a_program_of_another_user_is_turned_away(
    door: Doorway, tor: Any, onion: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = os.getuid()
    monkeypatch.setattr("crawler.doorway.os.getuid", lambda: mine + 1)
    with pytest.raises(requests.RequestException):
        get(door, f"http://{onion}/")
    assert tor.opened == []
    assert (door.strangers, door.refused) == (1, 0)


class _Late(Doorway):
    """Its threads begin only when the doorway is closed."""

    begin = threading.Event()

    def _serve(self, client: socket.socket) -> None:
        assert self.begin.wait(20)
        super()._serve(client)


def test_who_was_let_in_as_the_doorway_closed_gets_nothing(tor: Any, onion: str) -> None:
    _Late.begin.clear()
    with _Late(MINE, socks=("127.0.0.1", tor.port), onions=[onion]) as door:
        client = socket.create_connection(("127.0.0.1", door.port), timeout=20)
        while not [
            each for each in threading.enumerate() if each.name == "doorway" and each is not door._thread
        ]:
            door._thread.join(0.01)
    _Late.begin.set()
    with client:
        assert client.recv(1) == b""
    assert tor.opened == []
