"""What a report must not carry is taken out of foreign texts, and no text takes long."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.redaction import redact

ONION = "a2" * 28


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Carved tusk, 62 g", "Carved tusk, 62 g"),
        (f"see {ONION}.onion/p/1 now", "see [address] now"),
        (f"see http://{ONION}.onion:80/x", "see [address]"),
        (f"see {ONION.upper()} . ONION", "see [address]"),
        (f"mirror {ONION}", "mirror [address]"),
        ("www.example.com/x and https://example.org/y", "[address] and [address]"),
        ("ask @grey_heron or heron@jabber.example", "ask [contact] or [contact]"),
        ("Telegram: heronhorn today", "[contact] today"),
        ("pay bc1q" + "w5" * 15 + " first", "pay [contact] first"),
        ("call +84 912 345 678", "call [contact]"),
        ("Grey_Heron's best", "[name]'s best"),
        ("greyer heron", "greyer heron"),
        ("a\u202eb\u200bc\x00d\ne  f", "abc d e f"),
        ("Sừng tê giác 50g, งาช้าง", "Sừng tê giác 50g, งาช้าง"),
        ("x" * 24, "x" * 24),
    ],
)
def test_taken_out(text: str, shown: str) -> None:
    assert redact(text, hidden=["grey_heron", "er"], longest=200) == shown


def test_cut_to_length() -> None:
    assert redact("word " * 50, longest=12) == "word word w…"


@given(st.text(max_size=300), st.text(min_size=3, max_size=20))
def test_whatever_comes_no_address_is_left(text: str, name: str) -> None:
    shown = redact(f"{text} {ONION}.onion/{text} {name}", hidden=[name], longest=200)
    assert ONION not in shown
    assert len(shown) <= 200
    assert "\n" not in shown


@pytest.mark.parametrize("piece", ["a", "a@", "2a.", "+1 ", "a-", "x:", "t.me/", "telegram id : ", "http+"])
def test_no_title_takes_long(piece: str) -> None:
    begun = time.process_time()
    redact(piece * 100_000, hidden=["grey_heron"] * 50, longest=140)
    assert time.process_time() - begun < 0.5
