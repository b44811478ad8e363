"""The lexicon reads and checks its files, finds its terms, and knows when a text denies one."""

from __future__ import annotations

from pathlib import Path

import pytest

from classifier.features import find_hits
from classifier.lexicon import LexiconError, load_lexicon, read_lexicon_file
from classifier.terms import Matcher
from classifier.train import find_terms
from storage.tables import GROUPS
from text.normalise import normalise

TERMS = find_terms()


@pytest.mark.parametrize("group", GROUPS)
def test_every_group_is_named_in_twenty_languages(group: str) -> None:
    languages = {term.language for term in load_lexicon() if term.role == f"{group}:strong"}
    assert len(languages) >= 19


def test_terms_are_folded_and_in_a_fixed_order() -> None:
    terms = load_lexicon()
    assert all(normalise(term.text).text == term.text for term in terms)
    assert terms == load_lexicon()


BROKEN = [
    ("language: en\nsource: s\ngroups: [", "not readable as YAML"),
    ("- a", "expected a mapping"),
    ("language: de\nsource: s", "must equal the file's name"),
    ("language: en", "'source' must say"),
    ("language: en\nsource: s\nextra: 1", "unknown section"),
    ("language: en\nsource: s\ngroups: {panda: {}}", "may hold only"),
    ("language: en\nsource: s\ngroups: {ivory: {weak: []}}", "must hold only"),
    ("language: en\nsource: s\ncues: {odd: []}", "may hold only"),
    ("language: en\nsource: s\nparts: bone", "expected a list"),
    ("language: en\nsource: s\nparts: [1]", "put it in quotes"),
    ("language: en\nsource: s\nparts: ['*']", "is empty"),
    ("language: en\nsource: s\nparts: [{term: a}]", "an entry with a source"),
]


@pytest.mark.parametrize(("content", "message"), BROKEN)
def test_a_broken_file_is_named_with_what_is_wrong(tmp_path: Path, content: str, message: str) -> None:
    file = tmp_path / "en.yml"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(LexiconError, match=r"en\.yml") as caught:
        read_lexicon_file(file)
    assert message in str(caught.value)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LexiconError, match="no lexicon files"):
        load_lexicon(tmp_path)


FOUND = [
    ("Old ELEPHANT tusk", "ivory:strong"),
    ("1v0ry", "ivory:bare"),
    ("r.h.i.n.o horn", "rhino_horn:strong"),
    ("出一批黑料", "rhino_horn:code"),
    ("cao hổ cốt", "tiger:strong"),
    ("CAO HO COT", "tiger:strong"),
    ("ขายงาช้างแท้", "ivory:strong"),
    ("호피를 팝니다", "tiger:strong"),
    ("слоновую кость", "ivory:strong"),
    ("قرن وحيد القرن", "rhino_horn:strong"),
    ("white rhino, indica", "decoy:drug"),
]


@pytest.mark.parametrize(("raw", "role"), FOUND)
def test_a_term_is_found_in_its_disguise(raw: str, role: str) -> None:
    assert role in {hit.role for hit in find_hits(normalise(raw).text, TERMS)}


@pytest.mark.parametrize("raw", ["tuskless", "pivory", "rhinoplasty-free", "stigers"])
def test_a_term_inside_another_word_is_not_found(raw: str) -> None:
    matcher = Matcher((("tusk", "ivory:bare", False), ("ivory", "ivory:bare", False), ("tiger", "t", False)))
    assert matcher.find(raw) == []


def test_the_longest_term_at_a_place_wins_and_terms_may_overlap() -> None:
    matcher = Matcher((("tiger", "a", False), ("tiger bone", "b", False), ("bone wine", "c", False)))
    assert [(hit.start, hit.end, hit.role) for hit in matcher.find("tiger bone wine")] == [
        (0, 10, "b"),
        (6, 15, "c"),
    ]


def test_a_star_takes_any_ending() -> None:
    hits = Matcher((("tusk", "x", True),)).find("two tusks")
    assert [(hit.start, hit.end, hit.role) for hit in hits] == [(4, 9, "x")]


DENIED = [
    ("this is not resin", "cue:denied"),
    ("no certificate", "cue:denied"),
    ("ohne Zertifikat", "cue:denied"),
    ("sin certificado", "cue:denied"),
    ("レプリカではありません", "cue:denied"),
    ("不是树脂", "cue:denied"),
    ("не мамонт", "cue:denied"),
    ("kein Elfenbein", "ivory:denied"),
    ("不是象牙", "ivory:denied"),
    ("there is no ivory in it", "ivory:denied"),
]


@pytest.mark.parametrize(("raw", "role"), DENIED)
def test_a_denied_term_is_known_as_denied(raw: str, role: str) -> None:
    assert role in {hit.role for hit in find_hits(normalise(raw).text, TERMS)}


@pytest.mark.parametrize("raw", ["resin cast", "real ivory", "非洲象牙"])
def test_what_is_said_is_not_taken_for_denied(raw: str) -> None:
    assert not any(hit.role.endswith(":denied") for hit in find_hits(normalise(raw).text, TERMS))
