"""Signatures agree as much as the texts share shingles, in any script, and short texts only with themselves."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest

from crawler.signatures import (
    LEAST_SHINGLES,
    SIGNATURE_VERSION,
    estimate_likeness,
    find_shingles,
    sign_text,
    sign_texts,
)

TEXT = (
    "Hand carved bangle from my late uncle's house, inner width six centimetres, small crack on the inside that does "
    "not show when worn. Sent flat in a book, tracked to most places, no returns, pictures after a first message."
)
THAI = "กำไลแกะสลักเก่าจากบ้านลุงของฉัน มีรอยร้าวเล็กน้อยด้านในซึ่งมองไม่เห็นเมื่อสวมใส่ ส่งในหนังสือ"
CHINESE = (
    "叔叔家里留下的老手镯，内径六厘米，里面有一条小裂纹，戴上看不见，夹在书里寄出，不退不换，先留言再发图"
)


def measure(one: str, other: str) -> float:
    return estimate_likeness(sign_text("", one), sign_text("", other))


@pytest.mark.parametrize(
    "other",
    [TEXT.upper(), TEXT.replace(" ", "  \n"), TEXT.replace("o", "\u043e"), TEXT.replace(",", " -")],
    ids=["case", "spaces", "homoglyphs", "punctuation"],
)
def test_a_disguised_copy_has_the_same_signature(other: str) -> None:
    assert measure(TEXT, other) == 1.0


@pytest.mark.parametrize("text", [TEXT, THAI, CHINESE], ids=["english", "thai", "chinese"])
def test_a_small_change_leaves_texts_near_and_another_text_is_far(text: str) -> None:
    changed = text[: len(text) // 2] + text[len(text) // 2 + 3 :]
    assert 0.6 < measure(text, changed) < 1.0
    assert measure(text, "".join(random.Random(3).sample(text, len(text)))) < 0.2


def test_the_estimate_is_near_the_true_share() -> None:
    dice = random.Random(11)
    words = [f"w{number}" for number in range(900)]
    for _ in range(40):
        one = [dice.choice(words) for _ in range(120)]
        other = [dice.choice(words) if dice.random() < 0.1 else word for word in one]
        a, b = find_shingles(" ".join(one)), find_shingles(" ".join(other))
        assert measure(" ".join(one), " ".join(other)) == pytest.approx(len(a & b) / len(a | b), abs=0.16)


@pytest.mark.parametrize(
    ("title", "size"),
    [("", 0), ("Rolex", 0), ("!!! ???", 0), ("Old carved bangle", 8), ("虎骨膏一块送虎爪", 8), (TEXT, 256)],
)
def test_how_much_a_text_says(title: str, size: int) -> None:
    assert len(sign_text(title, "")) == size


def test_short_texts_are_like_their_exact_copy_only() -> None:
    assert estimate_likeness(sign_text("Old carved bangle", ""), sign_text("OLD carved, bangle", "")) == 1.0
    assert estimate_likeness(sign_text("Old carved bangle", ""), sign_text("Old carved bangles", "")) == 0.0
    assert estimate_likeness(sign_text("Old carved bangle", ""), sign_text("", TEXT)) == 0.0
    assert estimate_likeness(b"", b"") == 0.0


def test_a_batch_gives_what_single_texts_give() -> None:
    assert sign_texts([("A", TEXT), ("", CHINESE)]) == [sign_text("A", TEXT), sign_text("", CHINESE)]


@pytest.mark.parametrize(
    "text", ["x" * 3_000_000, "字" * 300_000, "\ud800 " * 50, "a\x00b " * 40, "1 " * 100_000]
)
def test_a_hostile_text_is_bounded(text: str) -> None:
    assert len(sign_text(text, text)) in (0, 8, 256)
    assert len(find_shingles(text[:20_000])) <= 20_000


def test_another_process_gives_the_same_signature() -> None:
    code = f"from crawler.signatures import sign_text; print(sign_text('A bangle', {TEXT!r}).hex())"
    root = Path(__file__).parents[2]
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=root, env={"PYTHONHASHSEED": "7"}, capture_output=True, check=True
    )
    assert found.stdout.decode().strip() == sign_text("A bangle", TEXT).hex()


def test_the_version_names_what_signatures_hang_on() -> None:
    assert len(SIGNATURE_VERSION) <= 40
    assert SIGNATURE_VERSION == "n2-w2c4-p128-s20261-b16x8"
    # A change of any of these needs another version: the table must never hold two meanings under one name.
    assert sign_text("", TEXT)[:8].hex() == "6342a5c1af5e4810"
    assert LEAST_SHINGLES == 12
