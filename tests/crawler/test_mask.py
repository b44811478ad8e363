"""What a stored page says of cookies: that there were some, and nothing that would open the session."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.mask import mask_cookies

SECRET = b"s" * 32


def mask(name: str, value: str) -> str:
    ((_, masked),) = mask_cookies(((name, value),), secret=SECRET)
    return re.sub(r"\*[0-9a-f]{8}", "*", masked)


@pytest.mark.parametrize(
    ("name", "value", "stored"),
    [
        ("Cookie", "sid=topsecret", "sid=*"),
        ("cookie", "sid=topsecret; lang=topsecret", "sid=*; lang=*"),
        ("COOKIE", "a=topsecret=topsecret", "a=*"),
        ("Cookie", "topsecret", "=*"),
        ("Cookie", "a=", "a="),
        ("Cookie", "", "="),
        ("Set-Cookie", "sid=topsecret; Path=/; HttpOnly", "sid=*; Path=/; HttpOnly"),
        ("set-cookie", "sid=topsecret;Secure;SameSite=Lax;Max-Age=3600", "sid=*; Secure; SameSite=Lax; Max-Age=3600"),
        ("Set-Cookie", "a=topsecret; Expires=Sun, 22 Nov 2026 21:00:00 GMT", "a=*; Expires=Sun, 22 Nov 2026 21:00:00 GMT"),
        ("Set-Cookie", "a=topsecret; user=topsecret; Path=/x", "a=*; Path=/x"),
        ("Set-Cookie", "a=topsecret; Path=/topsecret?topsecret", "a=*"),
        ("Set-Cookie ", "sid=topsecret", "sid=*"),
        ("X-Cookie-Policy", "strict", "strict"),
        ("Content-Type", "text/html; charset=utf-8", "text/html; charset=utf-8"),
    ],
)  # fmt: skip
def test_values_are_taken_out_and_the_rest_stays(name: str, value: str, stored: str) -> None:
    assert mask(name, value) == stored


def test_the_same_value_has_the_same_mark_in_one_process() -> None:
    (_, one), (_, two), (_, other) = mask_cookies((("Cookie", "a=x"), ("Cookie", "a=x"), ("Cookie", "a=y")))
    assert one == two != other


def test_the_mark_says_nothing_to_who_has_not_the_secret() -> None:
    headers = (("Cookie", "user=grey_heron"),)
    assert mask_cookies(headers, secret=b"1" * 32) != mask_cookies(headers, secret=b"2" * 32)


@given(
    st.lists(
        st.tuples(st.sampled_from(["Cookie", "Set-Cookie", "Server"]), st.text(max_size=300)), max_size=5
    )
)
def test_order_number_and_names_of_headers_stay(headers: list[tuple[str, str]]) -> None:
    masked = mask_cookies(tuple(headers), secret=SECRET)
    assert [name for name, _ in masked] == [name for name, _ in headers]
    assert all(
        len(value) <= len(before) + 10 * 202 for (_, value), (_, before) in zip(masked, headers, strict=True)
    )


def test_a_flood_of_cookies_is_bounded() -> None:
    assert mask("Cookie", ";" * 1_000_000).count("=") == 200


def test_nothing_of_a_session_is_left_in_the_data_folder(place: Any, stub: ModuleType) -> None:
    """The database with its log of writes, the run's log, everything."""

    def answer(asked: Any) -> bytes:
        more = ("Set-Cookie: sid=topsecret-value; HttpOnly",) if asked.path == "/" else ()
        return bytes(stub.reply('<a href="/p/1">x</a>', more=more))

    with stub.OnionStub(answer) as tor:
        assert place.crawl(tor.socks).code == 0
    assert [asked.header("Cookie") for asked in tor.asked] == [None, "sid=topsecret-value"]
    sent, received = place.pages()[1].request_headers, place.pages()[0].response_headers
    assert [value[:5] for name, value in sent if name == "Cookie"] == ["sid=*"]
    assert [value[13:] for name, value in received if name == "Set-Cookie"] == ["; HttpOnly"]
    held = [
        path
        for path in Path(place.data).rglob("*")
        if path.is_file() and b"topsecret-value" in path.read_bytes()
    ]
    assert held == []
