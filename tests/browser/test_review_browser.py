"""The review page as a person uses it: keys, mouse, no JavaScript, narrow screens."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from storage.engine import open_engine, reading
from storage.queries import find_listing

pytestmark = pytest.mark.browser


@pytest.fixture
def reviewer(visit: Callable[..., Any]) -> Any:
    visitor = visit()
    visitor.sign_in("reviewer")
    visitor.go("/review")
    return visitor


def standing(server: Any, key: str) -> Any:
    _, seeded = server
    engine = open_engine(seeded.places.database_url)
    with reading(engine) as session:
        detail = find_listing(session, seeded.listings[key])
    engine.dispose()
    assert detail is not None
    return detail.standing


def title(visitor: Any) -> str:
    return str(visitor.page.locator("#title").inner_text())


def test_keys_mark_and_save(reviewer: Any, server: Any) -> None:
    page = reviewer.page
    first = title(reviewer)
    page.keyboard.press("2")
    page.keyboard.press("1")
    page.keyboard.press("1")
    expect(page.locator("input[value=rhino_horn]")).to_be_checked()
    expect(page.locator("input[value=ivory]")).not_to_be_checked()
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text("Saved: rhino horn")
    assert title(reviewer) != first
    assert standing(server, "1001").labels == ["rhino_horn"]


def test_x_saves_none_and_backspace_undoes(reviewer: Any, server: Any) -> None:
    page = reviewer.page
    first = title(reviewer)
    page.keyboard.press("x")
    expect(page.locator(".toast")).to_contain_text("Saved: none of them")
    assert standing(server, "1001").labels == []
    page.keyboard.press("Backspace")
    expect(page.locator(".toast")).to_contain_text("Undone.")
    assert title(reviewer) == first
    assert standing(server, "1001") is None


def test_space_skips_and_keeps_nothing(reviewer: Any, server: Any) -> None:
    page = reviewer.page
    first = title(reviewer)
    page.keyboard.press("Space")
    page.wait_for_url("**/review?skip=*")
    assert title(reviewer) != first
    assert standing(server, "1001") is None
    expect(page.locator(".progress")).to_contain_text("1 skipped")


def test_enter_without_a_mark_says_what_to_do(reviewer: Any, server: Any) -> None:
    page = reviewer.page
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text("Mark at least one group")
    assert page.url.endswith("/review")
    assert standing(server, "1001") is None


def test_keys_are_letters_while_one_writes(reviewer: Any, server: Any) -> None:
    page = reviewer.page
    page.keyboard.press("n")
    page.keyboard.type("x 1 ? ok")
    expect(page.locator("#note")).to_have_value("x 1 ? ok")
    page.keyboard.press("Backspace")
    page.keyboard.press("Escape")
    page.keyboard.press("3")
    page.keyboard.press("n")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".toast")).to_contain_text("Saved: tiger")
    verdict = standing(server, "1001")
    assert (verdict.labels, verdict.note) == (["tiger"], "x 1 ? o")


def test_one_verdict_however_often_the_key_is_hit(reviewer: Any, server: Any) -> None:
    page = reviewer.page
    page.evaluate(
        "() => { const form = document.getElementById('decide'); form.querySelector('[value=ivory]').click();"
        " const button = form.querySelector('[value=save]');"
        " form.requestSubmit(button); form.requestSubmit(button); form.requestSubmit(button); }"
    )
    expect(page.locator(".toast")).to_contain_text("Saved: ivory")
    expect(page.locator(".strip li")).to_have_count(3)


def test_the_key_sheet_and_the_guideline_open_and_close(reviewer: Any) -> None:
    page = reviewer.page
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("1")
    expect(page.locator("input[value=ivory]")).not_to_be_checked()
    page.keyboard.press("Escape")
    expect(page.locator("#keys")).to_be_hidden()
    page.keyboard.press("g")
    expect(page.locator("#guideline")).to_contain_text("Which of the three groups")


def test_a_focused_button_keeps_its_own_keys(reviewer: Any, server: Any) -> None:
    page = reviewer.page
    page.get_by_role("button", name="None of them").focus()
    page.keyboard.press("Space")
    expect(page.locator(".toast")).to_contain_text("Saved: none of them")


def test_everything_works_without_javascript(visit: Callable[..., Any], server: Any) -> None:
    visitor = visit(javascript=False)
    visitor.sign_in("reviewer")
    page = visitor.page
    page.get_by_role("link", name="Review", exact=True).click()
    page.get_by_label("rhino horn").check()
    page.get_by_label("Kind").select_option("offer")
    page.get_by_role("button", name="Save").click()
    assert "Saved: rhino horn" in page.locator(".toast").inner_text()
    assert standing(server, "1001").kind == "offer"
    page.locator("#undo button").click()
    assert "Undone" in page.locator(".toast").inner_text()
    assert standing(server, "1001") is None
    page.get_by_role("button", name="Skip").click()
    assert "1 skipped" in page.locator(".progress").inner_text()
    page.get_by_role("button", name="None of them").click()
    assert "none of them" in page.locator(".toast").inner_text()
    page.get_by_role("button", name=re.compile("^Keys")).click()
    assert page.locator("#keys").is_visible()
    page.locator(".who summary").click()
    page.get_by_role("button", name="Sign out").click()
    assert page.url.endswith("/signin")


def test_marks_and_hostile_text_are_drawn_as_text(reviewer: Any, server: Any) -> None:
    _, seeded = server
    page = reviewer.page
    expect(page.locator("mark.rhino_horn").first).to_have_text("Horn slices")
    reviewer.go(f"/review?listing={seeded.listings['1005']}")
    assert "<script>alert('x')</script>" in title(reviewer)
    assert page.locator("main img, main script").count() == 0
    assert reviewer.complaints == []
