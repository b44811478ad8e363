"""New words of the trade are proposed from judged ads; what the lexicon has, and what one seller alone says, is not."""

from __future__ import annotations

from classifier.ads import Ad
from classifier.candidates import propose_terms
from classifier.terms import TermKey

TERMS: tuple[TermKey, ...] = (("elephant tusk", "ivory:strong", False), ("price", "cue:offer", False))


def _ad(at: int, text: str, *labels: str, seller: str = "", language: str = "en") -> Ad:
    return Ad(
        f"v-{at}", language, labels, "offer" if labels else "everyday", "", "", text, seller or f"s{at}"
    )


def _plain(number: int) -> list[Ad]:
    return [_ad(1000 + at, f"weed and pills, good price, lot {at}") for at in range(number)]


def test_a_word_that_several_sellers_use_in_offers_is_proposed() -> None:
    ads = [_ad(at, f"fresh chalkstick {at} good price", "ivory") for at in range(4)] + _plain(40)
    found = propose_terms(ads, TERMS)
    assert found[0].group == "ivory"
    assert "chalkstick" in {one.text for one in found}
    best = next(one for one in found if one.text == "chalkstick")
    assert (best.sellers, best.others, best.language) == (4, 0, "en")


def test_one_seller_s_manner_is_no_word_of_the_trade() -> None:
    ads = [_ad(at, "fresh chalkstick", "ivory", seller="same") for at in range(6)] + _plain(40)
    assert propose_terms(ads, TERMS) == []


def test_what_the_lexicon_has_is_left_out() -> None:
    ads = [_ad(at, "elephant tusk", "ivory") for at in range(6)] + _plain(40)
    assert propose_terms(ads, TERMS) == []


def test_what_everybody_says_is_left_out() -> None:
    ads = [_ad(at, "weed and pills good price", "tiger") for at in range(4)] + _plain(60)
    assert "pills" not in {one.text for one in propose_terms(ads, TERMS)}


def test_signs_without_spaces_are_cut_into_short_runs() -> None:
    ads = [_ad(at, f"出暖玉料{at}", "ivory", language="zh") for at in range(5)]
    ads += [_ad(100 + at, f"出烟草{at}", language="zh") for at in range(30)]
    assert "暖玉" in {one.text for one in propose_terms(ads, TERMS)}


def test_nothing_judged_proposes_nothing() -> None:
    assert propose_terms([], TERMS) == []
