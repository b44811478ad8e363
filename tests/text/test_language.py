"""The language of invented advertisements: right or "und", never another one."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from text.language import LANGUAGES, guess_language

_DATA = tomllib.loads((Path(__file__).parent / "language_ads.toml").read_text("utf-8"))
ADS = {language: [line for line in lines.splitlines() if line] for language, lines in _DATA.items()}


@pytest.mark.parametrize("language", ADS)
def test_no_advertisement_is_taken_for_another_language(language: str) -> None:
    told = {line: guess_language(line) for line in ADS[language]}
    assert {line: code for line, code in told.items() if code not in {language, "und"}} == {}


@pytest.mark.parametrize("language", [name for name in ADS if name != "und"])
def test_most_advertisements_are_told(language: str) -> None:
    long = [line for line in ADS[language] if sum(map(str.isalpha, line)) >= 40]
    told = [line for line in long if guess_language(line) == language]
    assert len(told) >= 0.8 * len(long)


@pytest.mark.parametrize("language", [name for name in ADS if name != "und"])
def test_a_whole_description_is_told(language: str) -> None:
    assert guess_language("\n".join(ADS[language])) == language


def test_advertisements_of_another_hand_are_told() -> None:
    """The training corpus of the classifier, which was not used to choose the words: title and text, 40 letters on."""
    folder = Path(__file__).parents[2] / "classifier" / "corpus"
    rows = [
        json.loads(line) for file in folder.glob("*.jsonl") for line in file.read_text("utf-8").splitlines()
    ]
    long = [row for row in rows if sum(map(str.isalpha, row["title"] + row["text"])) >= 40]
    told = [(row["language"], guess_language(f"{row['title']}\n{row['text']}")) for row in long]
    known = [(right, code) for right, code in told if right in LANGUAGES]
    assert len(known) > 1000
    # a text may be romanised, or mix two languages; Malay and Indonesian are one to most readers
    assert sum(code not in {right, "und"} for right, code in told) <= 0.02 * len(told)
    assert sum(code == "und" for _, code in known) <= 0.05 * len(known)


@pytest.mark.parametrize(
    ("raw", "language"),
    [
        ("", "und"),
        ("12 345,67", "und"),
        ("mit der und", "und"),  # under 20 letters
        ("ngà voi rừng thật", "vi"),  # its own letters decide, however few
        ("งาช้าง", "th"),
        ("象牙", "zh"),
        ("象牙の根付です", "ja"),
        ("상아 도장", "ko"),
        ("colier vechi pentru fată, cățea și văduvă, livrare până mâine", "ro"),  # ă is not Vietnamese alone
        ("Verkaufe alte Kette, fast shipping, stealth, escrow welcome, Versand aus Polen", "de"),
        ("selling the old ring and the box / verkaufe den alten Ring und die Dose", "und"),  # half and half
        ("u\u0308ber " * 3 + "die Ware schreibe ich nicht mehr", "de"),  # letters in two parts
    ],
)
def test_edges(raw: str, language: str) -> None:
    assert guess_language(raw) == language


def test_only_the_beginning_of_a_long_text_is_looked_at() -> None:
    german = "Der Preis gilt pro Stück und nicht für die ganze Ware. "
    assert guess_language(german * 40 + "the price is for each of the pieces and not for all. " * 400) == "de"


@given(st.text(max_size=300))
@settings(max_examples=200, deadline=None)
def test_any_text_gets_a_known_code(raw: str) -> None:
    assert guess_language(raw) in LANGUAGES | {"und"}
