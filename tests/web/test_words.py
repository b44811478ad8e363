"""How times, numbers and prices are said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from web.words import say_ago, say_number, say_price, say_share, say_size, say_span

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("before", "said"),
    [
        (timedelta(0), "just now"),
        (timedelta(seconds=40), "40 s ago"),
        (timedelta(minutes=59, seconds=59), "59 min ago"),
        (timedelta(hours=5), "5 h ago"),
        (timedelta(days=364), "364 d ago"),
        (timedelta(days=800), "2 y ago"),
        (-timedelta(hours=3, minutes=2), "in 3 h"),
    ],
)
def test_times_are_relative(before: timedelta, said: str) -> None:
    assert say_ago(NOW - before, NOW) == said


@pytest.mark.parametrize(
    ("seconds", "said"), [(0, "0 s"), (8, "8 s"), (192, "3 min 12 s"), (7_500, "2 h 05 min"), (-4, "0 s")]
)
def test_spans_are_short(seconds: int, said: str) -> None:
    assert say_span(NOW, NOW + timedelta(seconds=seconds)) == said


def test_a_span_without_an_end_is_empty() -> None:
    assert say_span(NOW, None) == say_span(None, NOW) == ""


def test_numbers_have_separators() -> None:
    assert say_number(1_234_567) == "1,234,567"


@pytest.mark.parametrize(("value", "said"), [(0.0, "0.00"), (0.876, "0.88"), (0.999, "0.99"), (1.0, "0.99")])
def test_a_share_is_never_a_certainty(value: float, said: str) -> None:
    assert say_share(value) == said


@pytest.mark.parametrize(
    ("amount", "currency", "said"),
    [
        (Decimal("410.00"), "USD", "USD 410.00"),
        (Decimal("12345.5"), "EUR", "EUR 12,345.5"),
        (Decimal("0.0131"), "BTC", "BTC 0.0131"),
        (Decimal(0), "USD", "USD 0"),
        (Decimal("1E+400000"), "USD", "USD 1.000e+400000"),
        (Decimal("1E-99"), "XMR", "XMR 1.000e-99"),
        (Decimal(5), "", "5"),
        (None, "USD", ""),
    ],
)
def test_prices_keep_their_digits(amount: Decimal | None, currency: str, said: str) -> None:
    assert say_price(amount, currency) == said


@pytest.mark.parametrize(
    ("count", "said"), [(0, "0 bytes"), (999, "999 bytes"), (24_300, "24 KB"), (3_100_000, "3.1 MB")]
)
def test_sizes_are_rounded(count: int, said: str) -> None:
    assert say_size(count) == said
