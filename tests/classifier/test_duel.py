"""Champion and challenger meet on texts that neither has seen, and the challenger must be worse nowhere."""

from __future__ import annotations

import numpy as np

from classifier.ads import Ad
from classifier.duel import LEAST_TEXTS, hold_back, hold_duel

LIMITS = dict.fromkeys(("ivory", "rhino_horn", "tiger"), 0.5)


def _ad(at: int, *labels: str, batch: str = "x", text: str = "", language: str = "en") -> Ad:
    words = text or " ".join(f"word{at}{part}" for part in "abcdef")
    return Ad(f"v-{at}", language, labels, "offer" if labels else "everyday", "", "", words, batch)


def _scores(ads: list[Ad], wrong: int, *, label: str = "ivory") -> np.ndarray:
    """As the labels say, but for the first `wrong` offers."""
    rows = np.array([[float(group in ad.labels) for group in LIMITS] for ad in ads])
    offers = [at for at, ad in enumerate(ads) if label in ad.labels]
    rows[offers[:wrong]] = 0
    return rows


def test_the_newest_sellers_are_held_back_whole() -> None:
    ads = [_ad(at, batch=f"seller-{at % 10}") for at in range(100)]
    known, held = hold_back(ads)
    assert len(known) + len(held) == 100
    assert 20 <= len(held) <= 30
    assert not {ad.batch for ad in known} & {ad.batch for ad in held}
    assert ads[-1] in held


def test_near_copies_of_what_is_held_back_are_held_back_too() -> None:
    copy = "selling the very same old carved thing with the very same words and price"
    ads = [
        _ad(0, batch="old", text=copy),
        *(_ad(at, batch=f"s{at}") for at in range(1, 40)),
        _ad(40, batch="new", text=f"{copy}!"),
    ]
    _, held = hold_back(ads)
    assert {"v-0", "v-40"} <= {ad.id for ad in held}


def test_an_equal_challenger_wins() -> None:
    ads = [_ad(at, *(["ivory"] if at % 2 else [])) for at in range(80)]
    duel = hold_duel(ads, _scores(ads, 4), _scores(ads, 4), (LIMITS, LIMITS))
    assert duel.won
    assert [bout.about for bout in duel.bouts] == ["all groups", "ivory", "language en"]


def test_a_challenger_that_is_worse_in_one_language_loses() -> None:
    ads = [_ad(at, "ivory", language="de") for at in range(LEAST_TEXTS)]
    ads += [_ad(100 + at, *(["ivory"] if at % 2 else [])) for at in range(300)]
    duel = hold_duel(ads, _scores(ads, 0) * 0 + _scores(ads, 0), _scores(ads, 6), (LIMITS, LIMITS))
    assert not duel.won
    worse = {bout.about for bout in duel.bouts if bout.worse}
    assert "language de" in worse
    assert "language en" not in worse


def test_the_interval_holds_the_difference() -> None:
    ads = [_ad(at, *(["tiger"] if at % 3 == 0 else [])) for at in range(200)]
    duel = hold_duel(ads, _scores(ads, 10, label="tiger"), _scores(ads, 0, label="tiger"), (LIMITS, LIMITS))
    for bout in duel.bouts:
        assert bout.low <= bout.challenger - bout.champion <= bout.high


def test_too_few_texts_say_nothing_and_promote_nobody() -> None:
    ads = [_ad(at, "ivory") for at in range(LEAST_TEXTS - 1)]
    duel = hold_duel(ads, _scores(ads, 0), _scores(ads, 0), (LIMITS, LIMITS))
    assert duel.bouts == ()
    assert not duel.won
    assert not hold_duel([], np.zeros((0, 3)), np.zeros((0, 3)), (LIMITS, LIMITS)).won
