"""Prices: the amount, the sense and the unit of what is written, or nothing."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.currencies import CODES, COINS, is_holding
from crawler.money import Price, read_number, read_price, read_prices, read_tiers
from crawler.numerals import fold_digits, read_han_number

EXACT = [
    # text, language, amount, currency, unit
    ("1.234,56 €", "", "1234.56", "EUR", ""),
    ("$1,234.56", "", "1234.56", "USD", ""),
    ("1 234,56 €", "", "1234.56", "EUR", ""),
    ("1\u00a0234,56 €", "", "1234.56", "EUR", ""),
    ("1\u2009234,56 €", "", "1234.56", "EUR", ""),
    ("1\u202f234 €", "en", "1234", "EUR", ""),
    ("CHF 1'234.56", "", "1234.56", "CHF", ""),
    ("1’234 CHF", "", "1234", "CHF", ""),
    ("1.234 €", "de", "1234", "EUR", ""),
    ("$1,234", "en", "1234", "USD", ""),
    ("1.250,- €", "", "1250", "EUR", ""),
    ("50,-- €", "", "50", "EUR", ""),
    ("$.50", "", "0.50", "USD", ""),
    ("$3.1096000000000004", "", "3.1096000000000004", "USD", ""),
    ("₹1,23,456", "", "123456", "INR", ""),
    ("₩1,234", "", "1234", "KRW", ""),
    ("Rp 2.500.000", "", "2500000", "IDR", ""),
    ("12.000đ", "", "12000", "VND", ""),
    # which currency
    ("$50 AUD", "", "50", "AUD", ""),
    ("AUD $50", "", "50", "AUD", ""),
    ("US $12", "", "12", "USD", ""),
    ("NT$ 3,000", "", "3000", "TWD", ""),
    ("¥6800", "zh", "6800", "CNY", ""),
    ("¥6800", "ja", "6800", "JPY", ""),
    ("¥6800 JPY", "", "6800", "JPY", ""),
    ("3万円", "", "30000", "JPY", ""),
    ("5000美元", "zh", "5000", "USD", ""),
    ("6800元", "", "6800", "CNY", ""),
    ("฿0.00012", "", "0.00012", "BTC", ""),
    ("฿45,000", "th", "45000", "THB", ""),
    ("฿45000", "", "45000", "THB", ""),
    ("kr 500", "sv", "500", "SEK", ""),
    ("4 000 kr", "no", "4000", "NOK", ""),
    ("500 р", "ru", "500", "RUB", ""),
    # powers of ten
    ("35tr/lạng", "", "35000000", "VND", "lang"),
    ("2tr5", "", "2500000", "VND", ""),
    ("1tỷ2", "vi", "1200000000", "VND", ""),
    ("2.5 triệu/cặp", "", "2500000", "VND", "pair"),
    ("500k", "vi", "500000", "VND", ""),
    ("500kđ", "", "500000", "VND", ""),
    ("$500k", "", "500000", "USD", ""),
    ("1,2 млн ₽", "", "1200000", "RUB", ""),
    ("15 тыс. руб. за шт", "", "15000", "RUB", "piece"),
    ("3万", "zh", "30000", "CNY", ""),
    ("3万5", "zh", "35000", "CNY", ""),
    ("Rp 2,5 juta", "id", "2500000", "IDR", ""),
    ("1,5 tys. zł", "pl", "1500", "PLN", ""),
    # coins
    ("0.031 BTC", "", "0.031", "BTC", ""),
    ("0,123 BTC", "", "0.123", "BTC", ""),
    ("1.234 BTC", "", "1.234", "BTC", ""),
    ("XMR 4.2", "", "4.2", "XMR", ""),
    (".5 XMR", "", "0.5", "XMR", ""),
    # for what
    ("¥6800/克", "", "6800", "CNY", "g"),
    ("12 €/g", "", "12", "EUR", "g"),
    ("12 € per kg", "", "12", "EUR", "kg"),
    ("$60k/kg", "", "60000", "USD", "kg"),
    ("500 р. за грамм", "ru", "500", "RUB", "g"),
    ("50 € je Stück", "", "50", "EUR", "piece"),
    ("je Stück 50 €", "", "50", "EUR", "piece"),
    ("20€ (pro Stück)", "de", "20", "EUR", "piece"),
    ("$50 each", "", "50", "USD", "piece"),
    ("$50 per piece", "", "50", "USD", "piece"),
    ("$50 a gram", "en", "50", "USD", "g"),
    ("50 € le gramme", "fr", "50", "EUR", "g"),
    ("50 € al grammo", "it", "50", "EUR", "g"),
    ("50 € por gramo", "es", "50", "EUR", "g"),
    ("50 zł za sztukę", "pl", "50", "PLN", "piece"),
    ("4 000 kr/st", "sv", "4000", "SEK", "piece"),
    ("500 TL/adet", "tr", "500", "TRY", "piece"),
    ("每克6800元", "", "6800", "CNY", "g"),
    ("1克6800元", "", "6800", "CNY", "g"),
    ("กรัมละ 500 บาท", "", "500", "THB", "g"),
    ("5 pcs @ $10", "", "10", "USD", "piece"),
    ("10$/1g", "", "10", "USD", "g"),
    ("$50 + shipping", "", "50", "USD", ""),
    # digits of other scripts
    ("٥٠٠ دولار", "ar", "500", "USD", ""),
    ("۵۰۰ دلار", "fa", "500", "USD", ""),
    ("१२ ₹", "hi", "12", "INR", ""),
    ("५०० रुपये", "hi", "500", "INR", ""),
    ("๕๐๐ บาท", "th", "500", "THB", ""),
    ("￥６８００／克", "", "6800", "CNY", "g"),
    ("١٬٢٣٤٫٥٠ €", "ar", "1234.50", "EUR", ""),
]


@pytest.mark.parametrize(("text", "language", "amount", "currency", "unit"), EXACT)
def test_an_exact_price(text: str, language: str, amount: str, currency: str, unit: str) -> None:
    price = read_price(text, language=language)
    assert price is not None
    assert (str(price.amount), price.currency, price.unit) == (amount, currency, unit)
    assert price.kind in ("exact", "holding")


PER_UNIT = [("50 € le gramme","fr","g"),("50 € par pièce","fr","piece"),("50 € per stuk","nl","piece"),("50 € por pieza","es","piece"),("R$ 50 por unidade","pt","piece"),("50 € al pezzo","it","piece"),("50 € das Stück","de","piece"),("50 € pro Gramm","de","g"),("500 грн за грам","uk","g"),("50 лв за грам","bg","g"),("50 zł za gram","pl","g"),("50 kč za kus","cs","piece"),("500 Ft/db","hu","piece"),("50 lei/buc","ro","piece"),("50 kr per styck","sv","piece"),("50 kr per stykk","no","piece"),("50 kr/stk","da","piece"),("50 € / kpl","fi","piece"),("50 € το γραμμάριο","el","g"),("50 TL/gr","tr","g"),("500k/cái","vi","piece"),("500.000đ một cái","vi","piece"),("500 บาท/กรัม","th","g"),("500 บาทต่อกรัม","th","g"),("ชิ้นละ 500 บาท","th","piece"),("Rp 50.000 per gram","id","g"),("Rp 50.000/biji","id","piece"),("500円/個","ja","piece"),("1個500円","ja","piece"),("500원/개","ko","piece"),("500 دولار لكل غرام","ar","g"),("500 دلار هر گرم","fa","g"),("50 ₹ प्रति ग्राम","hi","g"),("Ksh 500 kwa gramu","sw","g"),("500元一克","zh","g"),("500元每斤","zh","jin"),("500元/支","zh","piece"),("500 元/对","zh","pair"),("$500/set","en","set"),("$500 the pair","en","pair"),("500 ກີບ/ກຣາມ","lo","g"),("៛50000/គូ","km","pair"),("150 € par paire","fr","pair"),("$50 per ounce","en","oz"),("$5,000 per tusk","en","tusk"),("50 €/Stk.","de","piece"),("1000 руб/шт.","ru","piece"),("5000 руб за кг","ru","kg"),("US$ 12 c/u","es","piece")]  # fmt: skip


@pytest.mark.parametrize(("text", "language", "unit"), PER_UNIT)
def test_what_the_price_is_for(text: str, language: str, unit: str) -> None:
    price = read_price(text, language=language)
    assert price is not None
    assert (price.unit, price.lot, price.kind) == (unit, None, "exact")


UNREAD = [
    ("1.234", ""), ("1,234", ""), ("1.234 €", ""), ("1.234 €", "en"), ("1,200 USD", "de"), ("$1,234", ""), ("1,234 BTC", ""),
    ("¥6800", ""), ("฿500", ""), ("kr 500", ""), ("Rs 500", ""), ("3万", ""), ("500k", ""), ("12.50", ""), ("from 50", ""),
    ("5 pounds", ""), ("2 500 USD", "en"), ("10 - $590", ""), ("10-500 $", ""), ("$50 and $80", ""), ("10 USD 20 USD", ""), ("-$50", ""),
    ("5 x $10", ""), ("about $50", ""), ("ca. 50 €", "de"), ("1 234 50 USD", ""), ("$ 430 BTC", ""), ("1 BTC = $43000", ""), ("was $80 now $50", ""), ("$50 + $8 shipping", ""), ("35 đ", "vi"), ("nk88 USD", ""),
    ("#12 USD", ""), ("1.2.3 €", ""), ("1,23,45 €", ""), ("$80-$50", ""), ("USD", ""), ("", ""), ("x" * 301 + "$5", ""), ("¥100/克 円", ""),
]  # fmt: skip


@pytest.mark.parametrize(("text", "language"), UNREAD)
def test_what_could_mean_two_things_is_not_read(text: str, language: str) -> None:
    assert read_price(text, language=language) is None


@pytest.mark.parametrize(
    ("text", "language", "kind", "amount", "to", "currency"),
    [
        ("from $50", "", "from", "50", None, "USD"),
        ("ab 50 €", "de", "from", "50", None, "EUR"),
        ("от 500 руб.", "ru", "from", "500", None, "RUB"),
        ("50+ €", "", "from", "50", None, "EUR"),
        ("6800元起", "zh", "from", "6800", None, "CNY"),
        ("up to $80", "", "up_to", "80", None, "USD"),
        ("jusqu'à 80 €", "fr", "up_to", "80", None, "EUR"),
        ("50-80 $", "", "range", "50", "80", "USD"),
        ("$50-80", "", "range", "50", "80", "USD"),
        ("$50 - $80", "", "range", "50", "80", "USD"),
        ("50 bis 80 €", "de", "range", "50", "80", "EUR"),
        ("от 50 до 80 ₽", "ru", "range", "50", "80", "RUB"),
        ("between $50 and $80", "", "range", "50", "80", "USD"),
        ("35-40tr/lạng", "vi", "range", "35000000", "40000000", "VND"),
        ("500 € VB", "de", "negotiable", "500", None, "EUR"),
        ("99999 €", "", "holding", "99999", None, "EUR"),
        ("$9999999", "", "holding", "9999999", None, "USD"),
        ("1234567 USD", "", "holding", "1234567", None, "USD"),
        ("neg.", "", "negotiable", None, None, ""),
        ("договорная", "ru", "negotiable", None, None, ""),
        ("面议", "zh", "negotiable", None, None, ""),
        ("thỏa thuận", "vi", "negotiable", None, None, ""),
        ("Preis auf Anfrage", "de", "negotiable", None, None, ""),
    ],
)
def test_the_sense_of_a_price(
    text: str, language: str, kind: str, amount: str | None, to: str | None, currency: str
) -> None:
    price = read_price(text, language=language)
    assert price is not None
    assert (price.kind, price.currency) == (kind, currency)
    assert (price.amount, price.to) == (
        None if amount is None else Decimal(amount),
        None if to is None else Decimal(to),
    )


def test_one_price_in_two_currencies() -> None:
    price = read_price("BTC 0.01 ($ 430)")
    assert price is not None
    assert (price.amount, price.currency, price.raw) == (Decimal("0.01"), "BTC", "BTC 0.01")
    assert [(other.amount, other.currency, other.raw) for other in price.others] == [(430, "USD", "$ 430")]


@pytest.mark.parametrize(
    ("text", "lot"),
    [("10 g - $590", (10, "g")), ("€ 40 / 100 g", (100, "g")), ("Ring 62g 410 €", (62, "g")), ("5g/$50", (5, "g")), ("10$/5g", (5, "g")), ("2 cặp 5tr", (2, "pair"))],
)  # fmt: skip
def test_a_price_for_several_is_a_lot_and_no_price_for_one(text: str, lot: tuple[int, str]) -> None:
    price = read_price(text)
    assert price is not None
    assert (price.lot, price.unit) == (lot, "")


@pytest.mark.parametrize(
    ("text", "default", "language", "expected"),
    [
        ("410.00", "USD", "", ("410.00", "USD")),
        ("410,00", "EUR", "", ("410.00", "EUR")),
        ("$410", "AUD", "", ("410", "AUD")),
        ("$410", "EUR", "", ("410", "USD")),
        ("¥500", "JPY", "", ("500", "JPY")),
        ("¥500", "CNY", "ja", ("500", "CNY")),
        ("kr 500", "DKK", "", ("500", "DKK")),
        ("from 50", "USD", "", ("50", "USD")),
        ("50-80", "USD", "", ("50", "USD")),
        ("1.234", "USD", "", None),
        ("12 34", "USD", "", None),
        ("410", "XXX", "", None),
        ("10 g", "USD", "", None),
        ("10 %", "USD", "", None),
    ],
)
def test_a_label_may_name_the_currency(
    text: str, default: str, language: str, expected: tuple[str, str] | None
) -> None:
    price = read_price(text, default_currency=default, language=language)
    assert (None if price is None else (str(price.amount), price.currency)) == expected


def test_tiers() -> None:
    tiers = read_tiers("1 g - $80; 5 g - $350\n10 g $600")
    assert [(tier.amount, tier.unit, tier.price.amount) for tier in tiers] == [
        (1, "g", 80),
        (5, "g", 350),
        (10, "g", 600),
    ]
    assert read_tiers("10 g $600") == ()


@pytest.mark.parametrize(
    ("amount", "currency", "holding"),
    [
        ("99999", "USD", True), ("9999", "USD", False), ("99999.99", "EUR", True), ("12000", "USD", False), ("2000000", "USD", True),
        ("99999", "CNY", True), ("99999", "RUB", False), ("999999", "VND", False), ("9999999999", "VND", True), ("35000000", "VND", False),
        ("999", "BTC", False), ("9999", "BTC", True), ("123456", "EUR", True), ("123457", "EUR", False),
    ],
)  # fmt: skip
def test_holding_prices(amount: str, currency: str, holding: bool) -> None:
    assert is_holding(Decimal(amount), currency) is holding


@pytest.mark.parametrize(
    ("text", "number"),
    [("三", "3"), ("半", "0.5"), ("二十五", "25"), ("十", "10"), ("一百零五", "105"), ("两", "2"), ("三半", "3.5"), ("三两", None), ("百", None), ("", None)],
)  # fmt: skip
def test_han_numbers(text: str, number: str | None) -> None:
    assert read_han_number(text) == (None if number is None else Decimal(number))


@given(st.text(max_size=100))
def test_folding_keeps_every_character_at_its_place(text: str) -> None:
    assert len(fold_digits(text)) == len(text)


# Locales: what groups, what parts the decimals, the language that writes so.
LOCALES = [
    (",", ".", "en"), (".", ",", "de"), ("\u00a0", ",", "fr"), ("\u202f", ",", "ru"), (" ", ",", "ru"), ("'", ".", "de"), ("’", ".", "fr"),
    (",", ".", "zh"), (".", ",", "vi"), ("", ".", "en"), ("", ",", "es"),
]  # fmt: skip
SIGNS = [
    ("$", "USD"),
    ("USD", "USD"),
    ("€", "EUR"),
    ("EUR", "EUR"),
    ("£", "GBP"),
    ("₽", "RUB"),
    ("CHF", "CHF"),
    ("zł", "PLN"),
    ("USDT", "USDT"),
]


def write(amount: Decimal, group: str, point: str) -> str:
    return f"{amount:,f}".replace(",", "\0").replace(".", point).replace("\0", group)


amounts = st.one_of(
    st.integers(0, 99_999_999).map(Decimal),
    st.decimals(min_value="0.01", max_value="9999999", places=2),
)


@settings(max_examples=200, deadline=None)
@given(
    amounts,
    st.sampled_from(LOCALES),
    st.sampled_from(SIGNS),
    st.sampled_from(["{s}{n}", "{s} {n}", "{n} {s}", "{n}\u00a0{s}", "{n}{s}"]),
    st.sampled_from(["", "own", "en", "de", "ru", "vi", "zh", "th"]),
)
def test_a_written_price_is_read_back_or_refused(
    amount: Decimal, locale: tuple[str, str, str], sign: tuple[str, str], form: str, language: str
) -> None:
    group, point, own = locale
    text = form.format(s=sign[0], n=write(amount, group, point))
    price = read_price(text, language=own if language == "own" else language)
    if price is not None:
        assert (price.amount, price.currency) == (amount, sign[1]), text
    else:
        assert language != "own" or group == " ", f"not read: {text}"


@settings(max_examples=200, deadline=None)
@given(
    st.decimals(min_value="0.00000001", max_value="999", places=8).map(lambda value: value.normalize()),
    st.sampled_from(sorted(COINS - {"USDT", "USDC", "DOGE", "TRX", "SOL"})),
    st.sampled_from([".", ","]),
    st.booleans(),
)
def test_a_coin_amount_is_read_back_or_refused(amount: Decimal, coin: str, point: str, before: bool) -> None:
    number = f"{amount:f}".replace(".", point)
    price = read_price(f"{coin} {number}" if before else f"{number} {coin}")
    if price is None:
        assert point == ","
        assert len(number.partition(",")[2]) == 3
    else:
        assert (price.amount, price.currency) == (amount, coin)


@settings(max_examples=150, deadline=None)
@given(amounts, amounts, st.sampled_from(LOCALES), st.sampled_from([" - ", "-", "–", " bis ", " to "]))
def test_a_written_range_is_read_back_or_refused(
    low: Decimal, high: Decimal, locale: tuple[str, str, str], mark: str
) -> None:
    group, point, own = locale
    price = read_price(f"{write(low, group, point)}{mark}{write(high, group, point)} €", language=own)
    assert price is None or (price.kind, price.amount, price.to) == ("range", low, high)


pieces = st.lists(
    st.one_of(
        st.sampled_from(
            ["$", "€", "BTC", "¥", "฿", "đ", "tr", "k", "万", "млн", "from", "ab", "до", "-", "–", "/", "per", "/克", "g", "kg", "each", "(", ")",
             " ", ".", ",", "'", "\u00a0", "x", "+", "@", "neg.", "VB", "0", "5", "1.234", "1,234", "12", "999", "٣", "半", "两", "½", "%", "1/2", "K"]
        ),
        st.text(max_size=3),
    ),
    max_size=14,
).map("".join)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(
    st.one_of(pieces, st.text(max_size=200)),
    st.sampled_from(["", "en", "de", "vi", "zh", "ru"]),
    st.sampled_from(["", "USD", "VND"]),
)
def test_any_text_gives_a_price_that_stands_in_it_or_none(text: str, language: str, default: str) -> None:
    price = read_price(text, language=language, default_currency=default)
    assert all(money.amount >= 0 for money in read_prices(text, language=language, currency=default))
    assert all(tier.amount > 0 for tier in read_tiers(text, language=language, default_currency=default))
    if price is not None:
        check(price, text)


def check(price: Price, text: str) -> None:
    assert price.raw == text[price.start : price.end]
    assert price.raw
    assert price.kind in ("exact", "from", "up_to", "range", "negotiable", "holding")
    assert (price.amount is None) == (not price.currency)
    if price.amount is not None:
        assert price.amount.is_finite()
        assert price.amount >= 0
        assert price.currency in CODES
    assert (price.to is not None) == (price.kind == "range")
    assert price.to is None or price.amount is None or price.to > price.amount


@given(st.text(max_size=70))
def test_a_number_is_never_negative_and_never_raises(text: str) -> None:
    number = read_number(text)
    assert number is None or number >= 0
