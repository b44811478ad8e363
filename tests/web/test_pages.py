"""Stored pages: bodies as text, whatever a site says about them, and headers without what must not be shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from storage.pages import Fetched, store_page
from web.pages import decode


@pytest.mark.parametrize(
    ("body", "content_type", "text"),
    [
        ("é".encode(), "text/html; charset=utf-8", "é"),
        ("é".encode("latin-1"), "text/html; charset=ISO-8859-1", "é"),
        ("слон".encode("cp1251"), 'text/html; charset="windows-1251"', "слон"),
        (b"\xff\xfe", "text/html; charset=utf-8", "��"),
        (b"abc", "text/html", "abc"),
        (b"abc", "text/html; charset=no-such-thing", "abc"),
        (b"61", "text/html; charset=hex", "61"),
        (b"x", "text/html; charset=zlib", "x"),
        (b"x", "text/html; charset=undefined", "x"),
        (b"\x2b\x41", "text/html; charset=idna", "+A"),
    ],
)
def test_decoding_never_fails(body: bytes, content_type: str, text: str) -> None:
    assert decode(body, content_type) == text


@pytest.mark.parametrize(
    ("role", "seen"), [("reader", False), ("reviewer", False), ("analyst", True), ("admin", True)]
)
def test_cookies_of_a_site_are_for_analysts_only(
    browse: Callable[[str], Any], app: Any, seeded: Any, seed: Any, role: str, seen: bool
) -> None:
    page = store_page(
        app.state.web.engine,
        Fetched(
            site_id=1, run_id=seeded.runs["done"], frontier_id=None, attempt=1, hop=0, url="http://abc.onion/home", method="GET",
            request_headers=(("Host", "abc.onion"), ("cookie", "session=sent-secret")), requested_at=seed.NOW, status=302,
            reason="see http://abc.onion", received_at=seed.NOW, body=b"mirror: http://xyz.onion/", content_type="text/html",
            response_headers=(("Set-Cookie ", "session=new-secret"), ("Location", "http://abc.onion/in"), ("X-A", "\u202e")),
            content_encoding="", circuit_token="ab" * 32, error="abc.onion hung up",
        ),
        now=seed.NOW,
    )  # fmt: skip
    text = browse(role).get(f"/pages/{page}").text
    assert ("sent-secret" in text, "new-secret" in text) == (seen, seen)
    assert (text.count("[hidden]") == 2) is not seen
    # The body is evidence and stays as it is.
    assert text.count(".onion") == text.count("mirror: http://xyz.onion/") == 1
    assert "Location: hxxp://abc[.]onion/in" in text
    assert "\u202e" not in text
