"""A port that should be Tor's and plays tricks: the crawl says what is wrong, and nothing is let out.

Apart from test_hostile.py, so that two workers share the time.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

SOCKS = {
    "method-refused": ({"method_reply": b"\x05\xff"}, 1, "Tor is gone"),
    "method-none": ({"method_reply": b"\x05\x00"}, 1, "Tor is gone"),
    "method-socks4": ({"method_reply": b"\x00\x5a"}, 1, "Tor is gone"),
    "method-http": ({"method_reply": b"HTTP/1.1 400 Bad Request\r\n\r\n"}, 1, "Tor is gone"),
    "method-flood": ({"method_reply": b"\x04" * 1024 * 1024}, 1, "Tor is gone"),
    "auth-refused": ({"auth_reply": b"\x01\x01"}, 1, "Tor is gone"),
    "auth-flood": ({"auth_reply": b"\xff" * 1024 * 1024}, 1, "Tor is gone"),
    "fragmented": ({"fragment": True}, 0, ""),
    "reply-unknown": ({"socks_code": lambda host: 0x7F}, 1, "could not be reached"),
    "reply-gone": ({"socks_code": lambda host: 0xF0}, 1, "could not be reached"),
    "reply-long-name": ({"connect_reply": b"\x05\x00\x00\x03\xff" + b"n" * 255 + b"\0\0"}, 0, ""),
    "reply-ipv6": ({"connect_reply": b"\x05\x00\x00\x04" + b"\0" * 18}, 0, ""),
    "reply-version": ({"connect_reply": b"\x04\x5a" + b"\0" * 8}, 1, "Tor is gone"),
    "reply-type": ({"connect_reply": b"\x05\x00\x00\x09" + b"\0" * 16}, 1, "Tor is gone"),
    "reply-garbage": ({"connect_reply": bytes(range(200, 256)) * 99}, 1, "Tor is gone"),
}


@pytest.mark.parametrize("name", SOCKS)
def test_a_port_that_plays_tricks_instead_of_tor_costs_nothing_and_lets_nothing_out(
    place: Any, stub: ModuleType, name: str
) -> None:
    how, code, words = SOCKS[name]
    with stub.OnionStub(stub.market, **how) as tor:
        crawled = place.crawl(tor.socks)
        asked = list(tor.asked)
    assert crawled.code == code, crawled.err
    assert words in crawled.err
    assert bool(asked) == (code == 0)


def test_a_port_that_never_answers_is_left_when_the_time_is_over(place: Any, stub: ModuleType) -> None:
    place.write_site(timeout=0.5, patience={"wait": 0.05, "longest": 0.1, "dead_after": 0.3, "attempts": 2})
    with stub.OnionStub(stub.market, connect_reply=b"\x05\x00") as tor:
        crawled = place.crawl(tor.socks)
        assert tor.asked == []
    assert crawled.code == 1
    assert "could not be reached" in crawled.err
    assert {page.error.partition(":")[0] for page in place.pages()} == {"timeout"}
