"""The gate lets through what names the goods, however hidden, and passes over ordinary listings."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifier.gate import MUST_LOOK, Gate, find_tokens
from classifier.model import Model
from classifier.train import find_terms
from classifier.tricks import TRICKS


@pytest.fixture(scope="module")
def gate() -> Gate:
    """Fitted on next to nothing: what it knows is the lexicon."""
    texts = ["cheap weed and coke", "bank card dumps", "raw tusk no papers", "rhino horn by the gram"] * 3
    return Gate(find_terms()).fit(texts, [False, False, True, True] * 3)


NAMED = [
    "whole elephant tusk, 4 kg",
    "fine 1v0ry bangle",
    "r h i n o  h o r n",
    "ｔｉｇｅｒ ｂｏｎｅ",
    "Т1ger b\u200bone wine",
    "sung te giac nguyen cai",
    "Sừng tê giác nguyên cái",
    "出一批白料",
    "xi1 jiao3 bei1",
    "xiang4ya2",
    "yrovi bangle",
    "🐘🦷 60 g",
    "हाथी दांत का टुकड़ा",
    "গন্ডারের শিং",
    "слоновая кость",
    "코뿔소 뿔을 팝니다",
    "งาช้าง",
]


@pytest.mark.parametrize("text", NAMED)
def test_what_names_the_goods_is_looked_at(gate: Gate, text: str) -> None:
    assert gate.score(text) == MUST_LOOK
    assert gate.score(f"Best prices, see our other listings.\n{text}\nShips in two days.") == MUST_LOOK


PLAIN = [
    "Cocaine 1 g, Colombian, 85 % purity",
    "Netflix account 4K, one year warranty",
    "a b c d e f",
    "Paper cups, bin bags, 500 pieces",
    "",
]


@pytest.mark.parametrize("text", PLAIN)
def test_ordinary_text_names_nothing(gate: Gate, text: str) -> None:
    assert gate.score(text) < MUST_LOOK


def test_parts_of_a_name_that_stand_apart_are_no_name(gate: Gate) -> None:
    assert gate.score("the raw footage of the orchestra, pieces by Elgar, a pair of tickets") < MUST_LOOK


@pytest.mark.parametrize("trick", sorted(set(TRICKS) - {"a lost letter", "swapped letters"}))
def test_every_trick_that_normalise_undoes_is_seen_through(gate: Gate, trick: str) -> None:
    import random

    for seed in range(5):
        hidden = TRICKS[trick]("elephant tusk", random.Random(seed))
        assert gate.score(f"selling {hidden} today") == MUST_LOOK, hidden


@given(st.text(max_size=200))
@settings(max_examples=150, deadline=None)
def test_the_cheap_look_never_misses_what_the_whole_text_names(text: str) -> None:
    gate = _shared()
    from classifier.features import find_hits
    from storage.tables import GROUPS
    from text.normalise import normalise

    named = any(hit.role.split(":")[0] in GROUPS for hit in find_hits(normalise(text).text, gate.terms))
    assert not named or gate.score(text) == MUST_LOOK


def _shared() -> Gate:
    if not hasattr(_shared, "gate"):
        _shared.gate = Gate(find_terms()).fit(["some weed", "some tusk"] * 2, [False, True] * 2)  # type: ignore[attr-defined]
    return _shared.gate  # type: ignore[attr-defined, no-any-return]


def test_tokens_of_a_script_without_spaces_are_signs_and_pairs() -> None:
    assert find_tokens("牙料 ok") == ["牙", "料", "牙料", "ok"]


def test_the_shipped_gate_passes_over_most_of_a_market(model: Model) -> None:
    assert model.cascade.gate is not None
    goods = [
        "MDMA 84 % crystal, 1 g",
        "Visa gold with PIN",
        "Windows 11 key",
        "200 Xanax bars",
        "Fake 20 euro notes",
    ]
    assert sum(bool(look) for look in model.cascade.gate.passes(goods)) <= 1
