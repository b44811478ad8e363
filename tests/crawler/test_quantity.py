"""Quantities: an amount and its unit in many languages, and grams only where they are sure."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.quantity import Quantity, find_quantities, read_quantity, to_grams

QUANTITIES = [
    ("62 g", "", "62", "g"),
    ("62g.", "", "62", "g"),
    ("10-gram", "en", "10", "g"),
    ("2,5 kg", "", "2.5", "kg"),
    ("1.234 g", "de", "1234", "g"),
    ("500 mg", "", "500", "mg"),
    ("1/2 kg", "", "0.5", "kg"),
    ("1 1/2 kg", "", "1.5", "kg"),
    ("½ oz", "", "0.5", "oz"),
    ("1½ lb", "", "1.5", "lb"),
    ("3 pounds", "en", "3", "lb"),
    ("3 carat", "", "3", "carat"),
    ('12"', "", "12", "inch"),
    ("12in", "", "12", "inch"),
    ("30 cm", "", "30", "cm"),
    ("5 ml", "", "5", "ml"),
    ("5 taels", "", "5", "tael"),
    ("two tusks", "en", "2", "tusk"),
    ("a pair", "en", "1", "pair"),
    ("half kilo", "en", "0.5", "kg"),
    ("10 Stück", "", "10", "piece"),
    ("ein Paar", "de", "1", "pair"),
    ("un par", "es", "1", "pair"),
    ("3 pièces", "fr", "3", "piece"),
    ("2 paia", "it", "2", "pair"),
    ("2 unidades", "pt", "2", "piece"),
    ("2 stuks", "nl", "2", "piece"),
    ("5 штук", "", "5", "piece"),
    ("два бивня", "ru", "2", "tusk"),
    ("100 грамм", "ru", "100", "g"),
    ("5 шт", "uk", "5", "piece"),
    ("3 sztuki", "pl", "3", "piece"),
    ("2 adet", "tr", "2", "piece"),
    ("2 cặp", "", "2", "pair"),
    ("10 lạng", "vi", "10", "lang"),
    ("2 chỉ", "vi", "2", "chi"),
    ("3 cân", "vi", "3", "can"),
    ("三两", "", "3", "liang"),
    ("10两", "zh", "10", "liang"),
    ("半斤", "", "0.5", "jin"),
    ("两斤半", "zh", "2.5", "jin"),
    ("两件", "zh", "2", "piece"),
    ("一对", "zh", "1", "pair"),
    ("500克", "", "500", "g"),
    ("１０克", "", "10", "g"),
    ("3公斤", "zh", "3", "kg"),
    ("2セット", "ja", "2", "set"),
    ("2개", "ko", "2", "piece"),
    ("สองคู่", "th", "2", "pair"),
    ("๒ คู่", "th", "2", "pair"),
    ("5 กรัม", "th", "5", "g"),
    ("2 ຄູ່", "lo", "2", "pair"),
    ("2 គូ", "km", "2", "pair"),
    ("2 buah", "id", "2", "piece"),
    ("२ किलो", "hi", "2", "kg"),
    ("٢٥ غرام", "ar", "25", "g"),
    ("۲۵ گرم", "fa", "25", "g"),
    ("vipande 2", "sw", None, None),
    ("2 vipande", "sw", "2", "piece"),
    # what is no single sure quantity
    ("1.234 g", "", None, None),
    ("3-5 g", "", None, None),
    ("10x20x5 cm", "", None, None),
    ("3 or 4", "", None, None),
    ("18 carat gold", "", None, None),
    ("twenty two grams", "en", None, None),
    ("one and a half kilo", "en", None, None),
    ("ein paar Stück", "de", None, None),
    ("三两个", "", None, None),
    ("第三个", "", None, None),
    ("5G", "", None, None),
    ("5 in stock", "", None, None),
    ("5 pounds", "", None, None),
    ("un par", "", None, None),
    ("3 con", "es", None, None),
    ("7/3 kg", "", None, None),
    ("半", "", None, None),
    ("Unlimited", "", None, None),
    ("", "", None, None),
]


@pytest.mark.parametrize(("text", "language", "amount", "unit"), QUANTITIES)
def test_a_quantity(text: str, language: str, amount: str | None, unit: str | None) -> None:
    found = read_quantity(text, language=language)
    assert (None if found is None else (str(found.amount), found.unit)) == (
        None if amount is None else (amount, unit)
    )


def test_quantities_in_a_text() -> None:
    found = find_quantities("Two tusks, 3.5 kg each, 10 x 5 cm; 3-5 g; a kilo", language="en")
    assert [(one.amount, one.unit, one.raw) for one in found] == [
        (2, "tusk", "Two tusks"),
        (Decimal("3.5"), "kg", "3.5 kg"),
    ]
    found = find_quantities("象牙手镯一只 58克 一个 三两", language="zh")
    assert [(one.amount, one.unit) for one in found] == [(1, "piece"), (58, "g"), (3, "liang")]


@pytest.mark.parametrize(
    ("amount", "unit", "region", "grams"),
    [
        ("2.5", "kg", "", "2500"),
        ("500", "mg", "", "0.5"),
        ("1", "oz", "", "28.349523125"),
        ("1", "lb", "", "453.59237"),
        ("5", "carat", "", "1.0"),
        ("2", "chi", "", "7.50"),
        ("1", "liang", "", None),
        ("1", "liang", "CN", "50"),
        ("1", "liang", "TW", "37.5"),
        ("1", "tael", "HK", "37.79936375"),
        ("1", "tael", "", None),
        ("1", "jin", "CN", "500"),
        ("1", "jin", "hk", "604.78982"),
        ("1", "lang", "", None),
        ("1", "lang", "VN", "100"),
        ("1", "luong", "VN", "37.5"),
        ("1", "can", "VN", "1000"),
        ("1", "lang", "CN", None),
        ("1", "piece", "CN", None),
        ("1", "cm", "", None),
    ],
)
def test_grams(amount: str, unit: str, region: str, grams: str | None) -> None:
    found = to_grams(Quantity(Decimal(amount), unit, "", 0, 0), region=region)
    assert found == (None if grams is None else Decimal(grams))


UNITS = [
    ("g", "g"),
    ("kg", "kg"),
    ("oz", "oz"),
    ("克", "g"),
    ("шт", "piece"),
    ("cặp", "pair"),
    ("pcs", "piece"),
    ("กรัม", "g"),
]


@settings(max_examples=200, deadline=None)
@given(
    st.decimals(min_value="0.01", max_value="9999999", places=2).map(lambda value: value.normalize()),
    st.sampled_from(UNITS),
    st.sampled_from([(",", "."), (".", ","), ("'", "."), ("\u00a0", ","), ("", "."), ("", ",")]),
    st.sampled_from(["", " "]),
)
def test_a_written_quantity_is_read_back_or_refused(
    amount: Decimal, unit: tuple[str, str], marks: tuple[str, str], gap: str
) -> None:
    number = f"{amount:,f}".replace(",", "\0").replace(".", marks[1]).replace("\0", marks[0])
    found = read_quantity(f"{number}{gap}{unit[0]}")
    assert found is None or (found.amount, found.unit) == (amount, unit[1])
    assert found is not None or (marks[0] in (",", ".") and amount >= 1000)


pieces = st.lists(
    st.one_of(st.sampled_from(["1", "2,5", "½", "1/2", "三", "半", "两", "斤", "克", " ", "-", "g", "kg", "x", '"', "in", "a", "two", "half", "pair", "G", "สอง", "คู่", "٣"]), st.text(max_size=3)),
    max_size=14,
).map("".join)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.one_of(pieces, st.text(max_size=300)), st.sampled_from(["", "en", "de", "vi", "zh", "th"]))
def test_quantities_stand_in_the_text(text: str, language: str) -> None:
    found = find_quantities(text, language=language)
    for one in found:
        assert one.raw == text[one.start : one.end]
        assert one.amount >= 0
        assert one.unit
    assert [one.start for one in found] == sorted(one.start for one in found)
    assert read_quantity(text, language=language) is None or found or text.strip().startswith("一")


@pytest.mark.parametrize(
    "piece", ["1", "1 ", "1,", "一", "1/", " a", "1 g ", "5-", "½ ", "two ", "第", "1 000"]
)
def test_hostile_lengths_end(piece: str) -> None:
    assert len(find_quantities(piece * (200_000 // len(piece)))) <= 200
