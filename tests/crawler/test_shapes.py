"""Shapes: the same for pages of one template, another for another, whatever numbers and names stand in the address."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.shapes import SHAPE_LENGTH, branch_of, page_number, prefix_of, shape_of


@pytest.mark.parametrize(
    ("path", "shape"),
    [
        ("/", "/"),
        ("/p/12", "/p/N"),
        ("/p/12/feedback", "/p/N/feedback"),
        ("/p/12/feedback?page=3", "/p/N/feedback?page"),
        ("/c/other", "/c/W"),
        ("/c/other?sort=price&page=2", "/c/W?page&sort"),
        ("/cal/2031/05", "/cal/N/N"),
        ("/cal/2031-05-01", "/cal/D"),
        ("/events?year=2031&month=5", "/events?month&year"),
        ("/index.php?action=show&id=3", "/index.php?action=show&id"),
        ("/index.php?action=list&id=3", "/index.php?action=list&id"),
        ("/v/abc123def456", "/v/H"),
        ("/item/550e8400-e29b-41d4-a716-446655440000", "/item/H"),
        ("/forum/viewtopic.php?t=3&f=2", "/forum/viewtopic.php?f&t"),
        ("/thread-1234-page-2.html", "/thread-N-page-N.html"),
        ("/category/drugs/cannabis", "/category/W/W"),
        ("/p/1?PHPSESSID=abc&s=" + "0" * 32, "/p/N"),
        ("/p/1?s=horn", "/p/N?s"),
        ("/x?f1=a&f2=b", "/x?fN"),
    ],
)
def test_shapes(path: str, shape: str) -> None:
    assert shape_of(path) == shape


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("/cal/2031/5", "/cal/2031/6", True),
        ("/events?month=5", "/events?month=6", True),
        ("/c/other?page=7", "/c/other?page=8", True),
        ("/c/other?page=7", "/c/food?page=7", False),
        ("/c/other/7", "/c/other/8", True),
        ("/v/alba", "/v/brun", False),
        ("/p/1", "/p/1/feedback", False),
    ],
)
def test_branches(one: str, other: str, same: bool) -> None:
    assert (branch_of(one) == branch_of(other)) is same


def test_a_branch_begins_with_the_words_before_the_first_number() -> None:
    assert [prefix_of(path) for path in ("/cal/2031/5", "/c/other?page=2", "/123", "/")] == [
        "/cal", "/c/other", "/", "/",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "number"),
    [("/c?page=7", 7), ("/c?offset=40&x=1", 40), ("/c?page=last", None), ("/c/7", None), ("/c", None)],
)
def test_page_numbers(path: str, number: int | None) -> None:
    assert page_number(path) == number


@given(st.text(max_size=600))
def test_any_address_has_a_short_shape_and_always_the_same(text: str) -> None:
    shape = shape_of(f"/{text}")
    assert len(shape) <= SHAPE_LENGTH
    assert shape_of.__wrapped__(f"/{text}") == shape
    assert branch_of(f"/{text}").startswith(shape)
