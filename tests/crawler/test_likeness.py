"""Near-identical pages in a row are noticed; pages of one template with other content are not near-identical."""

from __future__ import annotations

import pytest

from crawler.likeness import MAX_BRANCHES, Likeness, Sketch, sketch_page
from crawler.markup import parse_bounded

MENU = "".join(f"<li><a href='/c/{word}'>{word}</a></li>" for word in ("food", "art", "other", "books"))


def sketch(text: str, *links: str) -> Sketch:
    body = (
        f"<html><body><ul>{MENU}</ul><style>.x{{color:red}}</style><main>{text}</main></body></html>".encode()
    )
    return sketch_page(parse_bounded(body), body, links=["/c/food", "/c/art", *links])


def run(likeness: Likeness, sketches: list[Sketch], strict: str) -> list[int]:
    return [place for place, one in enumerate(sketches) if likeness.note("b", one, strict=strict)]


MONTHS = [f"<h1>{name} 2031</h1><td>1</td><td>2</td>" for name in ("May", "June", "July", "August")] * 3
ADS = [f"<h1>Old {word} bowl {n}</h1><p>Made of {word} {word[::-1]} clay</p>" for n, word in enumerate(
    ("red", "blue", "tall", "wide", "thin", "black", "grey", "round", "deep", "flat", "new", "good"))]  # fmt: skip


@pytest.mark.parametrize(
    ("texts", "strict", "found"),
    [
        (MONTHS, "near", [4, 8]),
        (MONTHS, "same", []),
        (ADS, "near", []),
        ([f"<p>Page {n}: nothing here</p>" for n in range(12)], "same", [4, 8]),
        ([f"<p>Thing {n}</p>" for n in range(12)], "body", []),
        (["<p>Thing</p>"] * 12, "body", [4, 8]),
    ],
)
def test_rows_of_pages(texts: list[str], strict: str, found: list[int]) -> None:
    assert run(Likeness(5), [sketch(text) for text in texts], strict) == found


def test_pages_that_link_to_other_things_are_not_alike_though_their_words_are() -> None:
    pages = [sketch(f"<p>Thing {n}</p>", *(f"/p/{n * 10 + i}" for i in range(10))) for n in range(12)]
    assert run(Likeness(5), pages, "near") == []


def test_another_page_between_begins_the_row_anew() -> None:
    same, other = sketch("<p>same</p>"), sketch("<p>quite another page with words of its own</p>")
    assert run(Likeness(5), [same] * 4 + [other] + [same] * 4, "near") == []


def test_only_so_many_branches_are_remembered() -> None:
    likeness = Likeness(2)
    one = sketch("x")
    for number in range(MAX_BRANCHES + 1):
        assert not likeness.note(str(number), one, strict="near")
    assert not likeness.note("0", one, strict="near")
    assert likeness.note("2", one, strict="near")
