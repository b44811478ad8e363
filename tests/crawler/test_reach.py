"""The check of a site's addresses: through Tor only, one circuit each, little read."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Sequence
from types import ModuleType
from typing import Any

import pytest

from crawler.headers import browser_headers
from crawler.reach import Reach, check_addresses, check_behind
from crawler.sites import SiteConfig


@pytest.fixture
def config(stub: ModuleType) -> SiteConfig:
    return SiteConfig.model_validate(
        {
            "name": "oldport",
            "title": "Old Port",
            "addresses": [stub.make_onion(f"reach{number}") for number in range(3)],
            "authorised": {"by": "A", "on": "2026-10-01"},
            "timeout": 5,
        }
    )


def _socks(tor: Any) -> tuple[str, int]:
    return "127.0.0.1", tor.port


def test_each_address_is_asked_once_on_a_circuit_of_its_own(stub: ModuleType, config: SiteConfig) -> None:
    with stub.OnionStub(lambda asked: stub.html("Home")) as tor:
        states = check_addresses(config, socks=_socks(tor))
    assert [(state.onion, state.state, state.status) for state in states] == [
        (o, "alive", 200) for o in config.addresses
    ]
    assert all(state.seconds is not None and state.seconds < 5 for state in states)
    assert sorted(host for _, _, host, _ in tor.opened) == sorted(config.addresses)
    assert len({(user, password) for user, password, _, _ in tor.opened}) == 3


def test_it_looks_like_a_crawl(stub: ModuleType, config: SiteConfig) -> None:
    with stub.OnionStub(lambda asked: stub.html("Home")) as tor:
        check_addresses(config, socks=_socks(tor), at_once=1)
    host = config.addresses[0]
    head = "".join(f"{name}: {value}\r\n" for name, value in browser_headers(host))
    assert tor.asked[0].raw.decode() == f"GET / HTTP/1.1\r\n{head}\r\n"


@pytest.mark.parametrize(
    ("code", "reason"),
    [(0xF0, "not published"), (0x05, "refused"), (0x04, "no circuit"), (0xF2, "introduction points")],
)
def test_a_dead_address_is_an_answer_with_its_reason(
    stub: ModuleType, config: SiteConfig, code: int, reason: str
) -> None:
    dead = config.addresses[1]
    with stub.OnionStub(
        lambda asked: stub.html("x"), socks_code=lambda host: code if host == dead else 0
    ) as tor:
        states = check_addresses(config, socks=_socks(tor))
    assert [state.state for state in states] == ["alive", "dead", "alive"]
    assert reason in states[1].reason


def test_an_answer_that_never_comes_is_not_waited_for(stub: ModuleType, config: SiteConfig) -> None:
    with stub.OnionStub(lambda asked: [(60.0, b"late")]) as tor:
        states = check_addresses(config, socks=_socks(tor), timeout=0.3)
    assert {(state.state, state.reason) for state in states} == {("dead", "no answer in time")}


def test_headers_that_drip_are_not_waited_for(stub: ModuleType, config: SiteConfig) -> None:
    def drip(asked: Any) -> Any:
        for number in range(200):
            yield 0.05, b"HTTP/1.1 200 OK\r\n" if number == 0 else b"X: 1\r\n"

    with stub.OnionStub(drip) as tor:
        began = time.monotonic()
        states = check_addresses(config, socks=_socks(tor), timeout=0.5)
    assert {state.state for state in states} == {"dead"}
    assert time.monotonic() - began < 3


def test_a_site_that_only_fails_is_dead_and_a_redirect_is_not_followed(
    stub: ModuleType, config: SiteConfig
) -> None:
    def answer(asked: Any) -> bytes:
        if asked.host == config.addresses[0]:
            return bytes(stub.reply("", status="503 Busy"))
        return bytes(stub.reply("", status="302 Found", more=("Location: http://clear.example/",)))

    with stub.OnionStub(answer) as tor:
        states = check_addresses(config, socks=_socks(tor))
    assert [(state.state, state.status) for state in states] == [
        ("dead", 503),
        ("alive", 302),
        ("alive", 302),
    ]
    assert {host for _, _, host, _ in tor.opened} == set(config.addresses)


def test_a_large_page_is_not_read_to_its_end(stub: ModuleType, config: SiteConfig) -> None:
    def endless(asked: Any) -> Any:
        yield 0, b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 900000000\r\n\r\n"
        while True:
            yield 0.005, b"x" * 5000

    with stub.OnionStub(endless) as tor:
        assert {state.state for state in check_addresses(config, socks=_socks(tor))} == {"alive"}


def test_without_tor_all_are_dead_and_the_reason_names_tor(config: SiteConfig) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    states = check_addresses(config, socks=("127.0.0.1", port))
    assert {(state.state, state.reason) for state in states} == {
        ("dead", "Tor's SOCKS port does not answer: is Tor running?")
    }


def test_a_socks_port_elsewhere_is_refused(config: SiteConfig) -> None:
    with pytest.raises(ValueError, match="must be on this machine"):
        check_addresses(config, socks=("10.0.0.1", 9050))


def test_only_the_addresses_named_are_asked(stub: ModuleType, config: SiteConfig) -> None:
    approved = stub.make_onion("approved")
    with stub.OnionStub(lambda asked: stub.html("Home")) as tor:
        states = check_addresses(config, socks=_socks(tor), onions=[config.addresses[2], approved])
    assert [state.onion for state in states] == [config.addresses[2], approved]
    assert {host for _, _, host, _ in tor.opened} == {config.addresses[2], approved}


def test_a_check_behind_a_crawl_tells_later_and_holds_nobody_up(stub: ModuleType, config: SiteConfig) -> None:
    told: list[Sequence[Reach]] = []
    done, may_answer = threading.Event(), threading.Event()

    def answer(asked: Any) -> bytes:
        assert may_answer.wait(20)
        return bytes(stub.html("Home"))

    def tell(found: Sequence[Reach]) -> None:
        told.append(found)
        done.set()

    with stub.OnionStub(answer) as tor:
        check_behind(config, config.addresses[:1], socks=_socks(tor), tell=tell)
        assert told == []  # it returned although nothing has answered
        may_answer.set()
        assert done.wait(20)
    assert [(found.onion, found.state) for found in told[0]] == [(config.addresses[0], "alive")]
