"""The download handler: refuses what is against the rules, cuts off what is too much, names what went wrong."""

from __future__ import annotations

import base64
import gzip
from types import ModuleType
from typing import Any

import pytest

HTML = "text/html; charset=utf-8"


@pytest.fixture
def host(stub: ModuleType) -> str:
    onion: str = stub.make_onion("transport")
    return onion


def _body(result: dict[str, Any]) -> bytes:
    return base64.b64decode(result["body"])


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "http://127.0.0.1/",
        "http://localhost/",
        "https://{host}/",
        "http://{host}.example.com/",
        "http://user:word@{host}/",
        "http://expyuzz4wqqyqhjn.onion/",
        "http://{wrong}/",
        "http://sub.{host}/",
        "http://{host}/" + "x" * 2000,
    ],
)
def test_what_is_no_http_address_of_a_v3_onion_is_refused_unsent(
    fetch: Any, stub: ModuleType, host: str, url: str
) -> None:
    wrong = ("b" if host[0] == "a" else "a") + host[1:]
    with stub.OnionStub(lambda asked: stub.html("x")) as tor:
        result = fetch(url.format(host=host, wrong=wrong), tor.socks)
        assert tor.opened == []
    assert result["error"] == "refused"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"])
def test_all_methods_but_get_are_refused(fetch: Any, stub: ModuleType, host: str, method: str) -> None:
    with stub.OnionStub(lambda asked: stub.html("x")) as tor:
        assert fetch(f"http://{host}/", tor.socks, method=method)["error"] == "refused"
        assert tor.opened == []


def test_a_request_without_isolation_is_refused(fetch: Any, stub: ModuleType, host: str) -> None:
    with stub.OnionStub(lambda asked: stub.html("x")) as tor:
        assert fetch(f"http://{host}/", tor.socks, isolation=False)["error"] == "refused"
        assert tor.opened == []


@pytest.mark.parametrize("socks", ["", "10.0.0.1:9050", "localhost:9050"])
def test_without_tors_port_the_handler_cannot_be_made(fetch: Any, host: str, socks: str) -> None:
    assert "refused" in fetch(f"http://{host}/", socks)


def test_a_drip_of_single_bytes_is_left_when_the_time_is_over(
    fetch: Any, stub: ModuleType, host: str
) -> None:
    def drip(asked: Any) -> Any:
        yield 0, b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 1000\r\n\r\n"
        for _ in range(1000):
            yield 0.05, b"x"

    with stub.OnionStub(drip) as tor:
        result = fetch(f"http://{host}/", tor.socks, timeout=0.6)
    assert result["error"] == "timeout"
    assert 0.5 < result["seconds"] < 3


def test_headers_that_drip_are_left_too(fetch: Any, stub: ModuleType, host: str) -> None:
    def drip(asked: Any) -> Any:
        yield 0, b"HTTP/1.1 200 OK\r\n"
        for number in range(1000):
            yield 0.05, f"X-{number}: 1\r\n".encode()

    with stub.OnionStub(drip) as tor:
        assert fetch(f"http://{host}/", tor.socks, timeout=0.6)["error"] == "timeout"


@pytest.mark.parametrize(
    "kind",
    ["image/jpeg", "application/zip", "video/mp4", "application/javascript", "text/css", "application/pdf"],
)
def test_a_body_that_is_not_text_is_cut_off_before_it_is_read(
    fetch: Any, stub: ModuleType, host: str, kind: str
) -> None:
    sent = []

    def answer(asked: Any) -> Any:
        yield 0, f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: 99000000\r\n\r\n".encode()
        for _ in range(99):
            yield 0.05, b"\xff" * 1_000_000
            sent.append(1)

    with stub.OnionStub(answer) as tor:
        result = fetch(f"http://{host}/", tor.socks, timeout=5)
    assert (result["status"], result["body"]) == (200, "")
    assert kind in result["note"]
    assert result["seconds"] < 2
    assert len(sent) < 20


@pytest.mark.parametrize("kind", [HTML, "text/plain", "application/xhtml+xml", "TEXT/HTML", "text/xml"])
def test_text_is_read(fetch: Any, stub: ModuleType, host: str, kind: str) -> None:
    with stub.OnionStub(lambda asked: stub.reply("hello", kind=kind)) as tor:
        result = fetch(f"http://{host}/", tor.socks)
    assert (_body(result), result["note"]) == (b"hello", "")


def test_without_a_type_text_is_read_and_other_things_are_cut_off(
    fetch: Any, stub: ModuleType, host: str
) -> None:
    def answer(asked: Any) -> bytes:
        body = b"<p>text" if asked.path == "/text" else b"\x7fELF\x00\x00\x01"
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body

    with stub.OnionStub(answer) as tor:
        assert _body(fetch(f"http://{host}/text", tor.socks)) == b"<p>text"
        other = fetch(f"http://{host}/binary", tor.socks)
    assert other["body"] == ""
    assert "not text" in other["note"]


def test_a_length_above_the_bound_is_cut_off_at_once(fetch: Any, stub: ModuleType, host: str) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 100001\r\n\r\n"
    with stub.OnionStub(lambda asked: head + b"x" * 100001) as tor:
        result = fetch(f"http://{host}/", tor.socks, max_size=100_000)
    assert result["body"] == ""
    assert "100001 bytes" in result["note"]


def test_a_body_without_end_is_cut_off_at_the_bound(fetch: Any, stub: ModuleType, host: str) -> None:
    def endless(asked: Any) -> Any:
        yield 0, b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n"
        while True:
            yield 0.001, b"2710\r\n" + b"x" * 10000 + b"\r\n"

    with stub.OnionStub(endless) as tor:
        result = fetch(f"http://{host}/", tor.socks, max_size=100_000)
    assert result["body"] == ""
    assert "more than 100000" in result["note"]


def test_the_body_comes_as_it_was_sent_still_packed(fetch: Any, stub: ModuleType, host: str) -> None:
    packed = gzip.compress(b"page", mtime=0)
    with stub.OnionStub(lambda asked: stub.reply(packed, more=("Content-Encoding: gzip",))) as tor:
        assert _body(fetch(f"http://{host}/", tor.socks)) == packed


def test_bad_header_lines_are_forgiven_and_kept_in_their_order(
    fetch: Any, stub: ModuleType, host: str
) -> None:
    raw = b"HTTP/1.1 200 Fine by me\r\nx-First: 1\r\nno colon here\r\nX-FIRST:  2 \r\n: empty\r\nContent-Length: 2\r\n\r\nok"
    with stub.OnionStub(lambda asked: raw) as tor:
        result = fetch(f"http://{host}/", tor.socks)
    assert (result["status"], result["reason"], _body(result)) == (200, "Fine by me", b"ok")
    assert result["received"][:3] == [["x-First", "1"], ["no colon here", ""], ["X-FIRST", "2"]]


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        (b"nonsense\r\n\r\n", "bad-response"),
        (b"HTTP/1.1 abc OK\r\n\r\n", "bad-response"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", "bad-response"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 300 + b"\r\n", "bad-response"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n", "bad-response"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 200, "bad-response"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 50\r\n\r\nhalf", "broken-off"),
        (b"", "broken-off"),
    ],
)
def test_what_is_no_whole_answer_has_a_name(
    fetch: Any, stub: ModuleType, host: str, raw: bytes, error: str
) -> None:
    def answer(asked: Any) -> Any:
        yield 0, raw
        raise ConnectionError  # the stub closes the connection

    with stub.OnionStub(answer) as tor:
        result = fetch(f"http://{host}/", tor.socks)
    assert result["error"] == error
    assert result["permanent"] is False


@pytest.mark.parametrize(
    "status", ["204 No Content", "304 Not Modified", "404 Not Found", "500 Oops", "302 Found"]
)
def test_every_status_is_an_answer(fetch: Any, stub: ModuleType, host: str, status: str) -> None:
    with stub.OnionStub(lambda asked: stub.reply("", status=status, more=("Location: /elsewhere",))) as tor:
        result = fetch(f"http://{host}/", tor.socks)
        assert [asked.path for asked in tor.asked] == ["/"]
    assert result["status"] == int(status[:3])


def test_a_connection_that_was_closed_while_idle_is_made_anew(
    fetch: Any, stub: ModuleType, host: str
) -> None:
    def answer(asked: Any) -> Any:
        if asked.path == "/first":
            return [(0.0, bytes(stub.html("x")))]
        return None if asked.connection == 1 else stub.html("y")

    with stub.OnionStub(answer) as tor:
        assert fetch(f"http://{host}/first", tor.socks)["status"] == 200
        assert fetch(f"http://{host}/second", tor.socks)["status"] == 200
    assert len(tor.opened) == 2
