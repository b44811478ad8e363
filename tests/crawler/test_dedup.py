"""The same content has the same hash, other content another."""

from __future__ import annotations

import pytest

from crawler.dedup import content_hash, fold_content

TITLE, TEXT, SELLER = "Old white bangle 62g", "From my late aunt's house.\n\nSold as it is.", "nk88"


@pytest.mark.parametrize(
    ("title", "text", "seller"),
    [
        (TITLE, TEXT, SELLER),
        (TITLE.upper(), TEXT, SELLER),
        (f"  {TITLE} ", TEXT.replace("\n\n", " "), SELLER),
        (TITLE.replace("bangle", "ban\u200bgle"), TEXT, SELLER),
        (TITLE.replace("a", "\u0430"), TEXT, SELLER),
        (TITLE, TEXT, " NK88 "),
    ],
)
def test_the_same_but_for_its_dress(title: str, text: str, seller: str) -> None:
    assert content_hash(title, text, seller) == content_hash(TITLE, TEXT, SELLER)


@pytest.mark.parametrize(
    ("title", "text", "seller"),
    [
        ("Old white bangle 63g", TEXT, SELLER),
        (TITLE, TEXT + " Half price.", SELLER),
        (TITLE, TEXT, "nk89"),
        (f"{TITLE} {TEXT}", "", SELLER),
        ("", "", ""),
    ],
)
def test_other_content(title: str, text: str, seller: str) -> None:
    assert content_hash(title, text, seller) != content_hash(TITLE, TEXT, SELLER)


def test_what_is_hashed_is_bounded() -> None:
    assert len(fold_content("word " * 100_000)) <= 20_000


def test_lone_surrogates_do_no_harm() -> None:
    assert len(content_hash("\ud800", "", "")) == 64
