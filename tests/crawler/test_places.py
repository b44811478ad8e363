"""Places: countries, regions, everywhere, and what is left out."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.places import read_places

PLACES: list[tuple[str, dict[str, Any]]] = [
    ("Worldwide", {"worldwide": True}),
    ("WW", {"worldwide": True}),
    ("Weltweit", {"worldwide": True}),
    ("全球", {"worldwide": True}),
    ("Toàn cầu", {"worldwide": True}),
    ("по всему миру", {"worldwide": True}),
    ("EU", {"regions": ("EU",)}),
    ("Europa", {"regions": ("Europe",)}),
    ("东南亚", {"regions": ("Southeast Asia",)}),
    ("Undeclared", {"undeclared": True}),
    ("не указано", {"undeclared": True}),
    ("Worldwide except AU/NZ", {"worldwide": True, "except_": ("AU", "NZ")}),
    ("Weltweit außer USA, Kanada", {"worldwide": True, "except_": ("US", "CA")}),
    ("Worldwide (no US)", {"worldwide": True, "except_": ("US",)}),
    ("Worldwide - except Israel", {"worldwide": True, "except_": ("IL",)}),
    ("Весь мир кроме США", {"worldwide": True, "except_": ("US",)}),
    ("Toàn cầu trừ Mỹ", {"worldwide": True, "except_": ("US",)}),
    ("全球（澳大利亚除外）", {"worldwide": True, "except_": ("AU",)}),
    ("除美国外全球", {"worldwide": True, "except_": ("US",)}),
    ("Dünya çapında (ABD hariç)", {"worldwide": True, "except_": ("US",)}),
    ("Europe excluding UK", {"regions": ("Europe",), "except_": ("GB",)}),
    ("Worldwide except EU", {"worldwide": True, "except_": ("EU",)}),
    ("South Africa", {"countries": ("ZA",)}),
    ("United States, Worldwide", {"countries": ("US",), "worldwide": True}),
    ("EU\nUSA", {"countries": ("US",), "regions": ("EU",)}),
    ("EU + USA + CH", {"countries": ("US", "CH"), "regions": ("EU",)}),
    ("us, de, fr", {"countries": ("US", "DE", "FR")}),
    ("NO, SE", {"countries": ("NO", "SE")}),
    ("GBR", {"countries": ("GB",)}),
    ("UK", {"countries": ("GB",)}),
    ("US only", {"countries": ("US",)}),
    ("仅限中国", {"countries": ("CN",)}),
    ("Ships to US", {"countries": ("US",)}),
    ("France and Spain", {"countries": ("FR", "ES")}),
    ("Bosnia and Herzegovina", {"countries": ("BA",)}),
    ("Congo - Kinshasa", {"countries": ("CD",)}),
    ("Myanmar (Burma)", {"countries": ("MM",)}),
    ("Côte d’Ivoire", {"countries": ("CI",)}),
    ("Deutschland; Österreich", {"countries": ("DE", "AT")}),
    ("Südafrika", {"countries": ("ZA",)}),
    ("Sudáfrica", {"countries": ("ZA",)}),
    ("Afrique du Sud", {"countries": ("ZA",)}),
    ("África do Sul", {"countries": ("ZA",)}),
    ("Sudafrica", {"countries": ("ZA",)}),
    ("Zuid-Afrika", {"countries": ("ZA",)}),
    ("ЮАР", {"countries": ("ZA",)}),
    ("RPA", {"countries": ("ZA",)}),
    ("Güney Afrika", {"countries": ("ZA",)}),
    ("Nam Phi", {"countries": ("ZA",)}),
    ("南非", {"countries": ("ZA",)}),
    ("南アフリカ", {"countries": ("ZA",)}),
    ("แอฟริกาใต้", {"countries": ("ZA",)}),
    ("Afrika Selatan", {"countries": ("ZA",)}),
    ("दक्षिण अफ़्रीका", {"countries": ("ZA",)}),
    ("جنوب أفريقيا", {"countries": ("ZA",)}),
    ("افریقای جنوبی", {"countries": ("ZA",)}),
    ("Afrika Kusini", {"countries": ("ZA",)}),
    ("中国、香港", {"countries": ("CN", "HK")}),
    ("Mỹ", {"countries": ("US",)}),
    ("MY", {"countries": ("MY",)}),
    ("Nga", {"countries": ("RU",)}),
    ("NGA", {"countries": ("NG",)}),
    ("🇩🇪 Germany", {"countries": ("DE",)}),
    ("🇩🇪🇫🇷", {"countries": ("DE", "FR")}),
    # several places, or none
    ("SA", {"ambiguous": (("SA", ("ZA", "SA", "South America")),)}),
    ("Georgia", {"ambiguous": (("Georgia", ("GE", "US")),)}),
    ("Worldwide, Korea", {"worldwide": True, "ambiguous": (("Korea", ("KR", "KP")),)}),
    ("my", {"unknown": ("my",)}),
    ("no", {"unknown": ("no",)}),
    ("Mars", {"unknown": ("Mars",)}),
    ("Domestic, DE", {"countries": ("DE",), "unknown": ("Domestic",)}),
    ("", {}),
]


@pytest.mark.parametrize(("text", "expected"), PLACES)
def test_places(text: str, expected: dict[str, Any]) -> None:
    found = vars(read_places(text))
    assert found.pop("raw") == text
    assert {name: value for name, value in found.items() if value} == expected


def test_a_part_that_is_unclear_makes_the_whole_unsure() -> None:
    assert read_places("US, DE").sure
    assert not read_places("US, SA").sure
    assert not read_places("US, Mars").sure


pieces = st.lists(
    st.one_of(st.sampled_from(["Worldwide", "except", "除", "除外", "US", ",", "/", " and ", "(", ")", "no", " ", "Georgia", "only", "-"]), st.text(max_size=4)),
    max_size=12,
).map("".join)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.one_of(pieces, st.text(max_size=300)))
def test_any_text_gives_codes_and_keeps_itself(text: str) -> None:
    found = read_places(text)
    assert found.raw == text
    assert all(len(code) == 2 and code.isupper() for code in found.countries)


@pytest.mark.parametrize("piece", ["x, ", "a", "except ", "除", "除外", "x and ", "(", "no ", ") (", "- "])
def test_hostile_lengths_end(piece: str) -> None:
    found = read_places(piece * (100_000 // len(piece)))
    assert len(found.unknown) <= 2_000
