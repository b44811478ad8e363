"""The SOCKS5 endpoint: isolation, odd and hostile answers of the port, Tor's extended replies."""

from __future__ import annotations

import socket
from types import ModuleType
from typing import Any

import pytest

from crawler.socks import SOCKS_REPLIES, SocksEndpoint, read_socks_address


@pytest.fixture
def page(stub: ModuleType) -> Any:
    return lambda asked: stub.html("Home")


@pytest.fixture
def url(stub: ModuleType) -> str:
    return f"http://{stub.make_onion('socks')}/"


def test_replies_that_come_byte_by_byte_are_understood(
    fetch: Any, stub: ModuleType, page: Any, url: str
) -> None:
    with stub.OnionStub(page, fragment=True) as tor:
        assert fetch(url, tor.socks)["status"] == 200


def test_nothing_but_user_names_is_offered(fetch: Any, stub: ModuleType, page: Any, url: str) -> None:
    with stub.OnionStub(page) as tor:
        fetch(url, tor.socks)
    assert tor.offered == {b"\x02"}


@pytest.mark.parametrize("code", sorted(SOCKS_REPLIES))
def test_each_reply_of_tor_has_its_own_name(
    fetch: Any, stub: ModuleType, page: Any, url: str, code: int
) -> None:
    with stub.OnionStub(page, socks_code=lambda host: code) as tor:
        result = fetch(url, tor.socks)
    name, meaning, permanent = SOCKS_REPLIES[code]
    assert (result["error"], result["permanent"], result["scope"]) == (name, permanent, "address")
    assert meaning in result["text"]
    assert f"0x{code:02X}" in result["text"]


@pytest.mark.parametrize(
    ("code", "permanent"),
    [(0xF0, True), (0xF6, True), (0xF4, True), (0xF2, False), (0xF7, False), (0x04, False)],
)
def test_what_can_pass_is_told_from_what_cannot(code: int, permanent: bool) -> None:
    assert SOCKS_REPLIES[code][2] is permanent


def test_a_reply_nobody_knows_is_weather(fetch: Any, stub: ModuleType, page: Any, url: str) -> None:
    with stub.OnionStub(page, socks_code=lambda host: 0x7A) as tor:
        result = fetch(url, tor.socks)
    assert (result["error"], result["permanent"]) == ("unknown", False)


@pytest.mark.parametrize(
    "answer", [b"\x05\x00", b"\x05\xff", b"\x04\x02", b"HTTP/1.1 400 Bad Request\r\n\r\n"]
)
def test_a_port_that_is_not_tors_stops_the_run(
    fetch: Any, stub: ModuleType, page: Any, url: str, answer: bytes
) -> None:
    with stub.OnionStub(page, method_reply=answer) as tor:
        result = fetch(url, tor.socks)
        assert tor.asked == []
    assert (result["error"], result["scope"]) == ("tor-gone", "tor")


def test_a_refused_isolation_name_stops_the_run(fetch: Any, stub: ModuleType, page: Any, url: str) -> None:
    with stub.OnionStub(page, auth_reply=b"\x01\x01") as tor:
        assert fetch(url, tor.socks)["error"] == "tor-gone"


def test_a_port_where_nobody_listens_stops_the_run(fetch: Any, url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        free = server.getsockname()[1]
    result = fetch(url, f"127.0.0.1:{free}")
    assert (result["error"], result["scope"]) == ("tor-gone", "tor")
    assert "is Tor still running?" in result["text"]


def test_a_port_that_hangs_is_left_in_time(fetch: Any, url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        result = fetch(url, f"127.0.0.1:{server.getsockname()[1]}", timeout=0.3)
    assert result["error"] == "timeout"
    assert result["seconds"] < 2


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"site": "a"}, {"site": "b"}),
        ({"account": "x"}, {"account": "y"}),
        ({"run": 1}, {"run": 2}),
        ({"site": "ab", "account": "c"}, {"site": "a", "account": "bc"}),
    ],
)
def test_sites_accounts_and_runs_never_share_a_circuit(
    fetch: Any, stub: ModuleType, page: Any, url: str, one: dict[str, Any], other: dict[str, Any]
) -> None:
    with stub.OnionStub(page) as tor:
        first, second, again = (fetch(url, tor.socks, **who) for who in (one, other, one))
    names = [(user, password) for user, password, _, _ in tor.opened]
    assert len(names) == 2  # the third request went over the first one's connection
    assert names[0] != names[1]
    assert first["token"] == again["token"] != second["token"]


def test_the_isolation_name_tells_nothing_and_is_told_nowhere(
    fetch: Any, stub: ModuleType, page: Any, url: str
) -> None:
    with stub.OnionStub(page) as tor:
        result = fetch(url, tor.socks, site="oldport", account="alba")
    user, password, _, _ = tor.opened[0]
    assert "oldport" not in user + password
    assert user not in str(result)
    assert password not in str(result)
    assert user not in repr(
        SocksEndpoint(None, ("127.0.0.1", 9), host="h", port=80, user=user, password=password)
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "9050",
        "localhost:9050",
        "10.0.0.1:9050",
        "tor.example:9050",
        "127.0.0.1:0",
        "127.0.0.1:x",
        "0.0.0.0:9050",
    ],
)
def test_only_a_loopback_address_in_numbers_is_a_socks_port(text: str) -> None:
    with pytest.raises(ValueError, match="SOCKS port must be"):
        read_socks_address(text)


def test_the_usual_socks_port_is_read() -> None:
    assert read_socks_address("127.0.0.1:9050") == ("127.0.0.1", 9050)


@pytest.mark.parametrize(("user", "password"), [("", "p"), ("u", ""), ("u" * 256, "p"), ("u", "p" * 256)])
def test_an_endpoint_without_isolation_cannot_be_made(user: str, password: str) -> None:
    with pytest.raises(ValueError, match="isolation"):
        SocksEndpoint(None, ("127.0.0.1", 9050), host="x.onion", port=80, user=user, password=password)
