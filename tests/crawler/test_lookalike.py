"""Which onions look like a known one, and how seldom a random one does."""

from __future__ import annotations

import base64
import hashlib
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.lookalike import Lookalikes, find_lookalike
from crawler.siteconfig import is_onion

LETTERS = "abcdefghijklmnopqrstuvwxyz234567"
KNOWN = "oldportnqtmxkz7dsa4hbc2weyi5gfj3rlqv6utpn7oaxkmzd4ehswqd.onion"


def _random_onion(dice: random.Random) -> str:
    key = dice.randbytes(32)
    checksum = hashlib.sha3_256(b".onion checksum" + key + b"\x03").digest()[:2]
    return base64.b32encode(key + checksum + b"\x03").decode().lower() + ".onion"


def _with(start: str = "", end: str = "") -> str:
    """An onion that shares nothing with KNOWN but this beginning and end."""
    middle = "c6g5" * 14
    return (start + middle)[: 56 - len(end)] + end + ".onion"


def test_the_address_of_these_tests_has_the_length_of_one() -> None:
    assert len(KNOWN) == 62


@pytest.mark.parametrize(
    ("onion", "alike"),
    [
        (KNOWN, False),  # itself
        (_with("oldpor"), True),
        (_with("oldpo"), False),
        (_with("oldpxrtn"), True),  # one of eight changed
        (_with("xldportn"), True),
        (_with("oldp4rtm"), False),
        (_with("olddportn"), True),  # one more
        (_with("oldortn"), True),  # one less
        (_with("odlportn"), True),  # two changed places
        (_with("dlopxrtn"), False),
        (_with("odlpotrnqt"), True),  # two changes in ten
        (_with("oxdporxnqt"), True),
        (_with("oxdporxnqx"), False),
        (_with("oidportn"), True),
        (_with("oidpovtn"), False),
        (_with(end=KNOWN[48:56]), True),
        (_with(end=KNOWN[49:56]), False),
        (_with("oldp", KNOWN[51:56]), True),
        (_with("oldp", KNOWN[52:56]), False),
        (_with("old", KNOWN[51:56]), False),
        (_with(), False),
    ],
)
def test_what_looks_like_a_known_address(onion: str, alike: bool) -> None:
    assert (find_lookalike(onion, [KNOWN]) == KNOWN) is alike


def test_letters_that_are_the_same_to_a_hasty_eye() -> None:
    known = "mw5ql2iu" + KNOWN[8:]
    assert find_lookalike(_with("rnvvsgizlv"), [known]) == known
    assert find_lookalike(_with("rnvxsgizlv"), [known]) is None


def test_a_known_one_is_never_a_lookalike_of_another_known_one() -> None:
    """Mirrors of one site often share their first letters."""
    other = _with("oldport")
    assert find_lookalike(other, [KNOWN, other]) is None


@pytest.mark.parametrize("host", ["{}", "www.{}", "{}:8080", "{} (https)", "example.com", "", "x.onion"])
def test_the_warning_names_both_and_nothing_that_can_be_clicked(host: str) -> None:
    warning = Lookalikes([KNOWN]).warn(host.format(_with("oldport")).replace(".", "[.]"))
    if "{}" not in host:
        assert warning is None
        return
    assert warning is not None
    assert ".onion" not in warning
    assert _with("oldport").removesuffix(".onion") in warning
    assert KNOWN.removesuffix(".onion") in warning


def test_a_hundred_thousand_random_onions_raise_no_alarm() -> None:
    """With 200 known addresses; the reasoning in the module expects 0.04 false alarms."""
    dice = random.Random(20261122)
    known = Lookalikes(_random_onion(dice) for _ in range(200))
    assert is_onion(_random_onion(dice))
    found = [onion for onion in (_random_onion(dice) for _ in range(100_000)) if known.find(onion)]
    assert found == []


EDITS = st.lists(
    st.tuples(
        st.sampled_from(("change", "add", "drop", "swap")), st.integers(0, 6), st.sampled_from(LETTERS)
    ),
    min_size=1,
    max_size=2,
)


@given(edits=EDITS, seed=st.integers(0, 2**32))
def test_small_changes_of_the_first_letters_are_found(edits: list[tuple[str, int, str]], seed: int) -> None:
    """One change of any sort within the first eight; two where the first ten stay ten."""
    dice = random.Random(seed)
    known = [_random_onion(dice) for _ in range(20)]
    text = known[7]
    for what, place, letter in edits:
        if what == "change":
            text = text[:place] + letter + text[place + 1 :]
        elif what == "add":
            text = text[:place] + letter + text[place:]
        elif what == "drop":
            text = text[:place] + text[place + 1 :]
        else:
            text = text[:place] + text[place + 1] + text[place] + text[place + 2 :]
    kinds = [what for what, _, _ in edits]
    size = 8 + kinds.count("add") - kinds.count("drop") if len(edits) == 1 else 10
    if len(edits) == 2 and ("add" in kinds or "drop" in kinds) and sorted(kinds) != ["add", "drop"]:
        return
    other = text[:size] + "".join(dice.choices(LETTERS, k=54 - size)) + "qd.onion"
    if other not in known:
        assert find_lookalike(other, known) == known[7]


@given(seed=st.integers(0, 2**32), shared=st.integers(0, 12), end=st.integers(0, 12))
def test_the_index_finds_what_comparing_one_by_one_finds(seed: int, shared: int, end: int) -> None:
    from crawler.lookalike import _alike

    dice = random.Random(seed)
    known = [_random_onion(dice) for _ in range(10)]
    other = known[3][:shared] + _random_onion(dice)[shared : 56 - end] + known[3][56 - end : 56] + ".onion"
    expected = {onion for onion in known if _alike(other, onion)} if other not in known else set()
    found = find_lookalike(other, known)
    assert (found in expected) if expected else found is None
