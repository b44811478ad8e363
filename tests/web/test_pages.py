"""Bodies as text, whatever a site says about them."""

from __future__ import annotations

import pytest

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
