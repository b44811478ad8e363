"""Amounts, dates, places and names out of the strings that sites write: right, or not read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.dates import find_order
from crawler.fields import (
    is_only_price,
    read_arrow,
    read_coins,
    read_currency,
    read_date,
    read_name,
    read_number,
    read_path,
    read_places,
    read_prices,
    read_quantity,
)

CAPTURED = datetime(2026, 11, 1, 12, 34, 56, tzinfo=UTC)

NUMBERS = [
    ("1.234,56", "", "1234.56"),
    ("1,234.56", "", "1234.56"),
    ("1 234,56", "", "1234.56"),
    ("1'234.56", "", "1234.56"),
    ("1’234.56", "", "1234.56"),
    ("1\u202f234,56", "", "1234.56"),
    ("1.234.567", "", "1234567"),
    ("1,234,567", "", "1234567"),
    ("1.234", "de", "1234"),
    ("1.234", "en", "1.234"),
    ("1,234", "en", "1234"),
    ("1,234", "fr", "1.234"),
    ("1.234", "", None),
    ("1,234", "", None),
    ("0.125", "", "0.125"),
    ("0,125", "de", "0.125"),
    ("12.5", "", "12.5"),
    ("12,50", "", "12.50"),
    ("5000", "", "5000"),
    ("1.2.3", "", None),
    ("1,23,456", "", None),
    ("", "", None),
    ("abc", "", None),
    ("９", "", "9"),
]


@pytest.mark.parametrize(("text", "language", "value"), NUMBERS)
def test_number(text: str, language: str, value: str | None) -> None:
    assert read_number(text, language=language) == (None if value is None else Decimal(value))


PRICES = [
    ("$1,234.56", "", [("1234.56", "USD")]),
    ("1.234,56 €", "", [("1234.56", "EUR")]),
    ("1 234,56 EUR", "fr", [("1234.56", "EUR")]),
    ("CHF 1'234.56", "", [("1234.56", "CHF")]),
    ("0.031 BTC", "", [("0.031", "BTC")]),
    ("0,031 BTC", "de", [("0.031", "BTC")]),
    ("XMR 4.2", "", [("4.2", "XMR")]),
    ("BTC 0.01 ($ 430)", "", [("0.01", "BTC"), ("430", "USD")]),
    ("USD 410.00 / 0.0093 BTC", "", [("410.00", "USD"), ("0.0093", "BTC")]),
    ("฿0.000272 ($3.11)", "", [("0.000272", "BTC"), ("3.11", "USD")]),
    ("BTC 0,00031 (28,00 €)", "de", [("0.00031", "BTC"), ("28.00", "EUR")]),
    ("1.250,- €", "de", [("1250", "EUR")]),
    ("450 zł", "pl", [("450", "PLN")]),
    ("R$ 1.500,00", "pt", [("1500.00", "BRL")]),
    ("15 000 ₽", "ru", [("15000", "RUB")]),
    ("5.000.000 ₫", "vi", [("5000000", "VND")]),
    ("US$ 12.50", "", [("12.50", "USD")]),
    ("10 g - $590", "", [("590", "USD")]),
    ("USD + 8.00 / order", "", [("8.00", "USD")]),
    ("50 USD 0.001 BTC", "", [("50", "USD"), ("0.001", "BTC")]),
    # what could mean two things, or no single price, stays unread
    ("from 50", "", []),
    ("from $50", "", []),
    ("ab 50 €", "de", []),
    ("$10 - $20", "", []),
    ("$10-20", "", []),
    ("$1,234", "", []),
    ("1.234 €", "", []),
    ("1,200 USD", "de", []),
    ("฿500", "", []),
    ("¥500", "", []),
    ("12.50", "", []),
    ("negotiable", "", []),
    ("", "", []),
]


@pytest.mark.parametrize(("text", "language", "prices"), PRICES)
def test_prices(text: str, language: str, prices: list[tuple[str, str]]) -> None:
    found = read_prices(text, language=language)
    assert [(money.amount, money.currency) for money in found] == [(Decimal(a), c) for a, c in prices]


@pytest.mark.parametrize(
    ("text", "language", "amount", "currency", "unit"),
    [
        ("35tr/lạng", "vi", "35000000", "VND", "lạng"),
        ("1,5tr/lạng", "vi", "1500000", "VND", "lạng"),
        ("¥6800/克", "", "6800", "CNY", "克"),
        ("12.000đ/g", "vi", "12000", "VND", "g"),
        ("15 000 руб. за шт", "ru", "15000", "RUB", "шт"),
        ("USD 120 per piece", "", "120", "USD", "piece"),
        ("€ 40 / 100 g", "", "40", "EUR", ""),
    ],
)
def test_price_by_the_unit(text: str, language: str, amount: str, currency: str, unit: str) -> None:
    (money,) = read_prices(text, language=language)
    assert (money.amount, money.currency, money.unit) == (Decimal(amount), currency, unit)


def test_a_label_may_name_the_currency() -> None:
    (money,) = read_prices("410.00", currency="USD")
    assert (money.amount, money.currency) == (Decimal("410.00"), "USD")


def test_a_price_keeps_what_it_was_read_from() -> None:
    assert [money.raw for money in read_prices("BTC 0.01 ($ 430)")] == ["BTC 0.01", "$ 430"]


@given(st.text(max_size=200))
def test_prices_never_raise_and_are_never_negative(text: str) -> None:
    assert all(money.amount >= 0 and money.currency for money in read_prices(text))


@given(st.decimals(min_value="0.01", max_value="99999999", places=2))
def test_a_written_price_is_read_back(amount: Decimal) -> None:
    english = f"USD {amount:,.2f}"
    german = f"{amount:,.2f}".translate(str.maketrans(",.", ".,")) + " €"
    assert read_prices(english, language="en")[0].amount == amount
    assert read_prices(german, language="de")[0].amount == amount


@pytest.mark.parametrize(
    ("text", "code"), [("€", "EUR"), ("usd", "USD"), ("Monero", "XMR"), ("¥", ""), ("pigs", "")]
)
def test_currency(text: str, code: str) -> None:
    assert read_currency(text) == code


@pytest.mark.parametrize(
    ("text", "only"),
    [
        ("BTC 0.01 ($ 430)", True),
        ("28,00 €", True),
        ("12 pieces for $5", False),
        ("Never", False),
        ("12", False),
    ],
)
def test_only_a_price(text: str, only: bool) -> None:
    assert is_only_price(text) is only


DATES = [
    ("2026-09-03", "", "2026-09-03T00:00"),
    ("2026-09-03T10:11:12Z", "", "2026-09-03T10:11:12"),
    ("2026-09-03 10:11 +0200", "", "2026-09-03T08:11"),
    ("Mar 02, 2019 11:04", "", "2019-03-02T11:04"),
    ("March 22, 2019", "", "2019-03-22T00:00"),
    ("Oct 06 2026, 17:17", "", "2026-10-06T17:17"),
    ("24 Jul 2026", "", "2026-07-24T00:00"),
    ("2 Mar 2026 at 5:04 pm", "", "2026-03-02T17:04"),
    ("Thursday, Jan 23, 2020 00:08:34", "en", "2020-01-23T00:08:34"),
    ("02.03.2019", "de", "2019-03-02T00:00"),
    ("02.03.2019", "", None),
    ("02/03/2019", "en", None),
    ("02/03/2019", "es", "2019-03-02T00:00"),
    ("02/13/2019", "en", "2019-02-13T00:00"),
    ("24/08/2018 (today)", "en", "2018-08-24T00:00"),
    ("1.9.2026", "ru", "2026-09-01T00:00"),
    ("04.09.2026, 18:22", "de", "2026-09-04T18:22"),
    ("2026年3月12日", "", "2026-03-12T00:00"),
    ("12. März 2026", "de", "2026-03-12T00:00"),
    ("15 de septiembre de 2026", "es", "2026-09-15T00:00"),
    ("4 septembre 2026", "fr", "2026-09-04T00:00"),
    ("4 settembre 2026", "it", "2026-09-04T00:00"),
    ("4 września 2026", "pl", "2026-09-04T00:00"),
    ("4 Eylül 2026", "tr", "2026-09-04T00:00"),
    ("04 сентября 2026", "ru", "2026-09-04T00:00"),
    ("Never", "en", None),
    ("Unlimited", "en", None),
    ("South Africa", "en", None),
    ("May 2k18", "en", None),
    ("12", "en", None),
    ("17:17", "en", None),
    ("coalmaster12", "en", None),
    ("3 Tage", "de", None),
    ("Heute, 10:15", "de", "2026-11-01T10:15"),
    ("#3 Posted: Oct 06 2026, 17:17", "en", None),
    ("31/31/2026", "de", None),
    ("29.02.2025", "de", None),
    ("2031-01-01", "", None),
    ("1998-01-01", "", None),
    ("", "", None),
]


@pytest.mark.parametrize(("text", "language", "moment"), DATES)
def test_date(text: str, language: str, moment: str | None) -> None:
    expected = None if moment is None else datetime.fromisoformat(moment).replace(tzinfo=UTC)
    assert read_date(text, captured_at=CAPTURED, language=language) == expected


@pytest.mark.parametrize(
    ("text", "language", "before"),
    [
        ("3 days ago", "", timedelta(days=3)),
        ("an hour ago", "en", timedelta(hours=1)),
        ("20 weeks ago", "en", timedelta(weeks=20)),
        ("vor 3 Tagen", "de", timedelta(days=3)),
        ("hace 3 días", "es", timedelta(days=3)),
        ("il y a 2 jours", "fr", timedelta(days=2)),
        ("há 3 dias", "pt", timedelta(days=3)),
        ("3 giorni fa", "it", timedelta(days=3)),
        ("5 дней назад", "ru", timedelta(days=5)),
        ("3 天前", "zh", timedelta(days=3)),
        ("3 ngày trước", "vi", timedelta(days=3)),
        ("3 dni temu", "pl", timedelta(days=3)),
        ("3 gün önce", "tr", timedelta(days=3)),
        ("gestern", "de", timedelta(days=1)),
    ],
)
def test_a_relative_date_counts_from_the_capture(text: str, language: str, before: timedelta) -> None:
    assert read_date(text, captured_at=CAPTURED, language=language) == CAPTURED - before


def test_the_site_decides_where_numbers_mean_two_days() -> None:
    assert read_date("02/03/2019", captured_at=CAPTURED, day_first=True) == datetime(2019, 3, 2, tzinfo=UTC)
    assert read_date("02/03/2019", captured_at=CAPTURED, day_first=False) == datetime(2019, 2, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    ("texts", "order"),
    [
        (["02/03/2019", "24/08/2018"], True),
        (["02/03/2019", "08/24/2018"], False),
        (["02/03/2019"], None),
        (["24/08/2018", "08/24/2018"], None),
        ([], None),
    ],
)
def test_other_dates_of_a_page_show_its_order(texts: list[str], order: bool | None) -> None:
    assert find_order(texts) is order


@given(st.text(max_size=80), st.sampled_from(["", "en", "de", "ru"]))
def test_dates_never_raise_and_are_in_bounds(text: str, language: str) -> None:
    found = read_date(text, captured_at=CAPTURED, language=language)
    assert found is None or datetime(2011, 1, 1, tzinfo=UTC) <= found <= CAPTURED + timedelta(days=2)


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("United States, Worldwide", ("United States", "Worldwide")),
        ("EU\nUSA", ("EU", "USA")),
        ("Deutschland; Österreich", ("Deutschland", "Österreich")),
        ("Worldwide except AU/NZ", ("Worldwide except AU/NZ",)),
        ("Weltweit außer USA, Kanada", ("Weltweit außer USA, Kanada",)),
        ("Worldwide, Worldwide", ("Worldwide",)),
        ("中国、香港", ("中国", "香港")),
        ("", ()),
    ],
)
def test_places(text: str, places: tuple[str, ...]) -> None:
    assert read_places(text) == places


@pytest.mark.parametrize(
    ("text", "arrow"),
    [
        ("ZA → WW", ("ZA", "WW")),
        ("South Africa -> Worldwide", ("South Africa", "Worldwide")),
        ("WW", None),
        ("10 → 20", None),
        ("a → b → c", None),
    ],
)
def test_arrow(text: str, arrow: tuple[str, str] | None) -> None:
    assert read_arrow(text) == arrow


@pytest.mark.parametrize(
    ("text", "quantity"),
    [
        ("62 g", ("62", "g")),
        ("1,5 kg", ("1.5", "kg")),
        ("3", ("3", "")),
        ("Unlimited", None),
        ("3 or 4", None),
    ],
)
def test_quantity(text: str, quantity: tuple[str, str] | None) -> None:
    found = read_quantity(text)
    assert (None if found is None else (str(found.amount), found.unit)) == quantity


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("nk88 (12) [4.71]", "nk88"),
        ("@nk88", "nk88"),
        ("nk88 - Level 3", "nk88"),
        ("old-uncle_9", "old-uncle_9"),
        ("nk88 ★ 4.9", "nk88"),
        ("(12)", ""),
        ("this is a whole sentence about nothing", ""),
        ("", ""),
    ],
)
def test_name(text: str, name: str) -> None:
    assert read_name(text) == name


def test_path() -> None:
    assert read_path("Art & Antiques > Carvings » Small") == ("Art & Antiques", "Carvings", "Small")


def test_coins() -> None:
    assert read_coins("Bitcoin (BTC), Bitcoin Cash, Monero and XMR") == ("BTC", "BCH", "XMR")
