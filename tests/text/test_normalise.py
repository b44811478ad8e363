"""normalise(): what is folded, that folding twice changes nothing, and that the map is exact."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from text.language import find_scripts, guess_language
from text.normalise import EXPANSION, normalise

FOLDS = [
    ("1vory", "ivory"),
    ("iv0ry", "ivory"),
    ("rh1no h0rn", "rhino horn"),
    ("t!ger", "tiger"),
    ("iv*ry", "ivory"),
    ("3lephant", "elephant"),
    ("$kin", "skin"),
    ("i v o r y", "ivory"),
    ("i v o r y  t u s k", "ivory tusk"),
    ("r.h.i.n.o h.o.r.n", "rhino horn"),
    ("i-v-o-r-y", "ivory"),
    ("1 v 0 r y", "ivory"),
    ("IVOOOORY", "ivory"),
    ("ｉｖｏｒｙ", "ivory"),
    ("𝐢𝐯𝐨𝐫𝐲", "ivory"),
    ("ɪᴠᴏʀʏ", "ivory"),
    ("🅘🅥🅞🅡🅨", "ivory"),
    ("i\u200bvo\u00adr\u2060y", "ivory"),
    ("іvоrу", "ivory"),  # Cyrillic і, о, у
    ("ινοry", "ivory"),  # Greek ι, ν, ο
    ("i̶v̶o̶r̶y̶", "ivory"),
    ("rhinо horn", "rhino horn"),
    ("слоновая КОСТЬ", "слоновая кость"),
    ("клык тигра, ёж, йод", "клык тигра, ёж, йод"),
    ("р0г н0с0р0га", "рог носорога"),
    ("Ngà voi, sừng tê giác, CAO HỔ", "nga voi, sung te giac, cao ho"),
    ("Đồ ngà", "do nga"),
    ("Stoßzahn", "stosszahn"),
    ("象 牙", "象牙"),
    ("黑.料", "黑料"),
    ("黃料 虎骨膠", "黄料虎骨胶"),
    ("งาช้าง", "งาช้าง"),
    ("ນໍແຮດ", "ນໍແຮດ"),
    ("ភ្លុក", "ភ្លុក"),
    ("हाथी दांत", "हाथी दांत"),
    ("عـاج", "عاج"),
    ("10g for 5mg, 4mmc 2cb", "10g for 5mg, 4mmc 2cb"),
    ("1.5 kg, 100 g", "1.5 kg, 100 g"),
    ("u.s.a.", "u.s.a."),
    ("1 2 3 4 5", "1 2 3 4 5"),
    ("  a\n\n b\t", "a b"),
    ("\x00\x01", ""),
    ("", ""),
    ("🐘🦏🐅", "elephant rhino tiger"),
    ("🐘 🦷 50g", "elephant tooth 50g"),
    ("a🐯b", "a tiger b"),
    ("yrovi ksut", "ivory tusk"),
    ("niks te koop", "niks te koop"),
    ("xiang4ya2", "xiangya"),
    ("xi1 jiao3 bei1", "xi jiao bei"),
    ("xiàngyá", "xiangya"),
    ("h2o n2o c4 a1", "h2o n2o c4 a1"),
    ("體積 書畫 戰 黑色犀牛角杯", "体积书画战黑色犀牛角杯"),
]


@pytest.mark.parametrize(("raw", "folded"), FOLDS)
def test_disguise_is_undone_and_other_text_is_left_alone(raw: str, folded: str) -> None:
    assert normalise(raw).text == folded


MARKED = [
    ("Fine І v о r y, 300 g", "ivory", "І v о r y"),
    ("old r.h.i.n.o horn", "rhino", "r.h.i.n.o"),
    ("sừng  tê\ngiác to", "sung te giac", "sừng  tê\ngiác"),
    ("x i\u200bvory y", "ivory", "i\u200bvory"),
    ("ﬁne tusk", "fine", "ﬁne"),
    ("𝐢𝐯𝐨𝐫𝐲 ring", "ivory", "𝐢𝐯𝐨𝐫𝐲"),
    ("收 象 牙 料", "象牙", "象 牙"),
]


@pytest.mark.parametrize(("raw", "word", "place"), MARKED)
def test_the_map_finds_the_place_in_the_original(raw: str, word: str, place: str) -> None:
    folded = normalise(raw)
    at = folded.text.index(word)
    start, end = folded.span(at, at + len(word))
    assert raw[start:end] == place


TRICKY = st.text(
    alphabet=st.one_of(
        st.characters(),
        st.sampled_from(
            "ivory tusk10!@.-_*🐘🦷yrovixa4 \u0301\u200b\u0430\u043e\u03bf\u0456ßİﬁﷺΣςＩ象牙가ᄀ\u1161\u11a8\n\x00"
        ),
    ),
    max_size=80,
)


@given(TRICKY)
@settings(max_examples=600, deadline=None)
def test_folding_twice_changes_nothing(raw: str) -> None:
    once = normalise(raw).text
    assert normalise(once).text == once


@given(TRICKY)
@settings(max_examples=400, deadline=None)
def test_the_result_is_bounded_and_the_map_is_in_order(raw: str) -> None:
    folded = normalise(raw)
    assert len(folded.text) == len(folded.starts) == len(folded.ends)
    assert len(folded.text) <= EXPANSION * len(raw)
    assert all(0 <= a < b <= len(raw) for a, b in zip(folded.starts, folded.ends, strict=True))
    assert list(folded.starts) == sorted(folded.starts)
    assert list(folded.ends) == sorted(folded.ends)


@given(TRICKY)
@settings(max_examples=300, deadline=None)
def test_a_letter_that_was_not_folded_maps_to_itself(raw: str) -> None:
    folded = normalise(raw)
    for at, char in enumerate(folded.text):
        start, end = folded.span(at, at + 1)
        assert char in normalise(raw[start:end]).text or end - start == 1 or char == " "


def test_a_stretch_outside_the_text_is_refused() -> None:
    with pytest.raises(ValueError, match="no stretch"):
        normalise("ivory").span(0, 6)


@pytest.mark.parametrize(
    "raw", ["a" * 1_000_000, "i v " * 250_000, "象 " * 300_000, "\u0301" * 300_000, "1a" * 400_000]
)
def test_a_huge_text_is_folded_in_bounded_time(raw: str) -> None:
    assert len(normalise(raw).text) <= EXPANSION * len(raw)


@pytest.mark.parametrize(
    ("raw", "language"),
    [
        ("งาช้างแท้", "th"),
        ("ນໍແຮດ", "lo"),
        ("ភ្លុកដំរី", "km"),
        ("ဆင်စွယ်", "my"),
        ("상아 도장", "ko"),
        ("象牙の印鑑", "ja"),
        ("象牙 三斤", "zh"),
        ("Ngà voi thật, sừng tê giác", "vi"),
        ("ivory tusk", "und"),
        ("", "und"),
    ],
)
def test_the_script_tells_the_language(raw: str, language: str) -> None:
    assert guess_language(raw) == language


def test_shares_of_scripts_add_up() -> None:
    shares = find_scripts("tusk бивень 12")
    assert sum(shares.values()) == pytest.approx(1.0)
    assert set(shares) == {"latin", "cyrillic"}
