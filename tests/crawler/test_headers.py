"""The bytes of a request: those of Tor Browser, in its order."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from crawler.headers import browser_headers
from crawler.wire import WireRequest

PLAIN = """\
GET {path} HTTP/1.1
Host: {host}
User-Agent: Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0
Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8
Accept-Language: en-US,en;q=0.5
Accept-Encoding: gzip, deflate
Sec-GPC: 1
Connection: keep-alive
Upgrade-Insecure-Requests: 1
Sec-Fetch-Dest: document
Sec-Fetch-Mode: navigate
Sec-Fetch-Site: none
Sec-Fetch-User: ?1
Priority: u=0, i

"""
FOLLOWED = """\
GET {path} HTTP/1.1
Host: {host}
User-Agent: Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0
Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8
Accept-Language: en-US,en;q=0.5
Accept-Encoding: gzip, deflate
Referer: http://{host}/c/1
Sec-GPC: 1
Connection: keep-alive
Cookie: a=1; b=2
Upgrade-Insecure-Requests: 1
Sec-Fetch-Dest: document
Sec-Fetch-Mode: navigate
Sec-Fetch-Site: same-origin
Sec-Fetch-User: ?1
Priority: u=0, i

"""


def _bytes(text: str, host: str, path: str) -> bytes:
    return text.format(host=host, path=path).replace("\n", "\r\n").encode()


@pytest.fixture
def host(stub: ModuleType) -> str:
    onion: str = stub.make_onion("headers")
    return onion


def test_a_typed_address_sends_tor_browsers_bytes(fetch: Any, stub: ModuleType, host: str) -> None:
    with stub.OnionStub(lambda asked: stub.html("x")) as tor:
        fetch(f"http://{host}/", tor.socks)
    assert tor.asked[0].raw == _bytes(PLAIN, host, "/")


def test_a_followed_link_sends_tor_browsers_bytes(fetch: Any, stub: ModuleType, host: str) -> None:
    headers = {"Referer": f"http://{host}/c/1", "Cookie": "a=1; b=2"}
    with stub.OnionStub(lambda asked: stub.html("x")) as tor:
        fetch(f"http://{host}/p/7?tab=1&x=%20y", tor.socks, headers=headers)
    assert tor.asked[0].raw == _bytes(FOLLOWED, host, "/p/7?tab=1&x=%20y")


def test_nothing_else_that_a_caller_sets_is_sent(fetch: Any, stub: ModuleType, host: str) -> None:
    headers = {"User-Agent": "Scrapy", "X-Tool": "tuskwatch", "Accept-Encoding": "br", "Host": "other.onion"}
    with stub.OnionStub(lambda asked: stub.html("x")) as tor:
        fetch(f"http://{host}/", tor.socks, headers=headers)
    assert tor.asked[0].raw == _bytes(PLAIN, host, "/")


def test_the_second_request_of_a_connection_looks_the_same(fetch: Any, stub: ModuleType, host: str) -> None:
    with stub.OnionStub(lambda asked: stub.html("x")) as tor:
        for path in ("/", "/2"):
            fetch(f"http://{host}{path}", tor.socks)
    assert [asked.connection for asked in tor.asked] == [1, 1]
    assert tor.asked[1].raw == _bytes(PLAIN, host, "/2")


def test_what_is_stored_as_sent_is_what_was_sent(fetch: Any, stub: ModuleType, host: str) -> None:
    with stub.OnionStub(lambda asked: stub.html("x")) as tor:
        result = fetch(f"http://{host}/", tor.socks)
    lines = tor.asked[0].raw.decode().split("\r\n")[1:-2]
    assert [f"{name}: {value}" for name, value in result["sent"]] == lines


def test_a_crawl_sends_these_bytes_through_all_of_scrapy(place: Any, stub: ModuleType) -> None:
    def answer(asked: Any) -> bytes:
        if asked.path == "/":
            return bytes(
                stub.reply('<a href="/c/1">next</a>', more=("Set-Cookie: a=1", "Set-Cookie: b=2; Path=/"))
            )
        return bytes(stub.reply('<a href="/p/1">next</a>' if asked.path == "/c/1" else "end"))

    with stub.OnionStub(answer) as tor:
        assert place.crawl(tor.socks).code == 0
    raw = {asked.path: asked.raw for asked in tor.asked}
    assert raw["/"] == _bytes(PLAIN, place.onion, "/")
    assert raw["/p/1"] == _bytes(FOLLOWED, place.onion, "/p/1")


def test_a_port_other_than_80_stands_in_host() -> None:
    assert browser_headers("x.onion:8080")[0] == ("Host", "x.onion:8080")


@pytest.mark.parametrize("value", ["a\r\nX-Injected: 1", "a\nb", "a\rb"])
def test_a_line_break_in_a_header_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="line break"):
        WireRequest("/", browser_headers("x.onion", cookie=value))
