"""Signing in and out, roles, passwords."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from web.auth import (
    FREE_FAILURES,
    LIFETIME,
    REMEMBERED,
    Failures,
    check_new_password,
    new_password,
    safe_next,
    verify_password,
)

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)


def test_sign_in_sets_a_strict_cookie(stranger: Any, seed: Any) -> None:
    answer = stranger.post("/signin", {"name": "reader", "password": seed.PASSWORD})
    assert (answer.status, answer.location) == (303, "/")
    [cookie] = answer.cookies
    assert {part.strip().lower() for part in cookie.split(";")[1:]} >= {
        "httponly",
        "samesite=strict",
        "path=/",
    }
    assert stranger.get("/").status == 200


def test_the_database_does_not_hold_the_cookie(stranger: Any, seeded: Any, seed: Any) -> None:
    stranger.sign_in("reader")
    [token] = stranger.cookies.values()
    stored = b"".join(path.read_bytes() for path in seeded.places.data.glob("tuskwatch.db*"))
    assert token.encode() not in stored


@pytest.mark.parametrize(
    ("name", "password"), [("reader", "wrong"), ("nobody", "wrong"), ("", ""), ("reader", "")]
)
def test_wrong_sign_ins_get_one_and_the_same_answer(stranger: Any, name: str, password: str) -> None:
    answer = stranger.post("/signin", {"name": name, "password": password})
    assert answer.status == 403
    assert "That name and password do not fit together." in answer.text
    assert not answer.cookies


def test_too_many_failures_make_one_wait(stranger: Any, seed: Any) -> None:
    for _ in range(FREE_FAILURES):
        assert stranger.post("/signin", {"name": "reader", "password": "x"}).status == 403
    answer = stranger.post("/signin", {"name": "READER", "password": seed.PASSWORD})
    assert answer.status == 429
    assert "Try again in" in answer.text
    assert stranger.post("/signin", {"name": "analyst", "password": seed.PASSWORD}).status == 303


def test_the_wait_grows_ends_and_is_forgotten() -> None:
    failures, key = Failures(), ("a", "b")
    for _ in range(FREE_FAILURES):
        failures.count(key, now=NOW)
    first = failures.wait_until(key, now=NOW)
    failures.count(key, now=NOW)
    second = failures.wait_until(key, now=NOW)
    assert first is not None
    assert second is not None
    assert second - NOW == 2 * (first - NOW)
    assert failures.wait_until(key, now=second) is None
    failures.forget(key)
    assert failures.wait_until(key, now=NOW) is None


def test_failures_take_bounded_memory() -> None:
    failures = Failures()
    for number in range(REMEMBERED + 50):
        for _ in range(FREE_FAILURES):
            failures.count((str(number), "b"), now=NOW)
    assert failures.wait_until(("0", "b"), now=NOW) is None
    assert failures.wait_until((str(REMEMBERED + 49), "b"), now=NOW) is not None


def test_sign_out_ends_the_session_on_the_server(browse: Callable[[str], Any]) -> None:
    browser = browse("reader")
    kept = dict(browser.cookies)
    assert browser.post("/signout").location == "/signin"
    browser.cookies = kept
    assert browser.get("/").location == "/signin"


def test_a_session_ends_after_its_lifetime(
    seeded: Any, seed: Any, make_browser: Callable[[Any], Any]
) -> None:
    from web.app import WebSettings, make_app

    time = [seed.NOW]
    app = make_app(WebSettings(places=seeded.places), clock=lambda: time[0])
    browser = make_browser(app)
    browser.sign_in("reader")
    time[0] += LIFETIME - timedelta(seconds=1)
    assert browser.get("/").status == 200
    time[0] += timedelta(seconds=2)
    assert browser.get("/").status == 303
    app.state.web.engine.dispose()


READS = [
    "/",
    "/needs",
    "/needs.csv",
    "/needs.json",
    "/listings",
    "/listings.csv",
    "/listings.json",
    "/runs",
    "/schedules",
    "/schedules.csv",
    "/schedules.json",
    "/reports",
    "/sites",
    "/password",
]


@pytest.mark.parametrize(
    "path", [*READS, "/review", "/listings/1", "/pages/1", "/runs/1", "/runs/1/log", "/reports/1"]
)
def test_strangers_are_sent_to_sign_in(stranger: Any, path: str) -> None:
    answer = stranger.get(path)
    assert answer.status == 303
    assert answer.location.startswith("/signin")


POSTS = {
    "/needs/issues/1/close": "analyst",
    "/review": "reviewer",
    "/review/undo": "reviewer",
    "/runs": "analyst",
    "/runs/1/wish": "analyst",
    "/schedules": "analyst",
    "/schedules/x/change": "analyst",
    "/schedules/x/pause": "analyst",
    "/schedules/x/resume": "analyst",
    "/schedules/x/trigger": "analyst",
    "/schedules/x/backfill": "analyst",
    "/schedules/x/remove": "analyst",
    "/reports": "analyst",
}


@pytest.mark.parametrize(("path", "role"), POSTS.items())
def test_each_form_needs_its_role(browse: Callable[[str], Any], stranger: Any, path: str, role: str) -> None:
    order = ["reader", "reviewer", "analyst", "admin"]
    below = order[order.index(role) - 1]
    assert stranger.post(path).status == 401
    answer = browse(below).post(path)
    assert answer.status == 403
    assert f"needs the role “{role}”" in answer.text


def test_a_reader_sees_lists_and_no_review(browse: Callable[[str], Any]) -> None:
    browser = browse("reader")
    assert all(browser.get(path).status == 200 for path in READS)
    assert browser.get("/review").status == 403
    assert 'href="/review"' not in browser.get("/").text


def test_after_signing_in_one_gets_where_one_wanted(stranger: Any, seed: Any) -> None:
    location = stranger.get("/listings?site=oldport").location
    assert location == "/signin?next=%2Flistings%3Fsite%3Doldport"
    answer = stranger.post(
        "/signin", {"name": "reader", "password": seed.PASSWORD, "next": "/listings?site=oldport"}
    )
    assert answer.location == "/listings?site=oldport"


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "javascript:alert(1)",
        "",
        "/\t/evil.example",
        "/a\r\nb",
    ],
)
def test_no_other_site_is_ever_next(path: str) -> None:
    assert safe_next(path) == "/"


def test_a_one_time_password_must_be_changed_first(stranger: Any, seed: Any) -> None:
    browser = stranger.sign_in("newcomer")
    assert browser.get("/listings").location == "/password"
    assert "Choose your password" in browser.get("/password").text
    assert browser.post("/runs", {"site": "oldport"}).location == "/password"
    new = "slow green lantern harbour"
    form = {"old": seed.PASSWORD, "new": new, "again": new}
    assert browser.post("/password", form).location == "/?done=password"
    assert browser.get("/?done=password").status == 200
    again = stranger.post("/signin", {"name": "newcomer", "password": new})
    assert again.location == "/"
    assert stranger.get("/listings").status == 200


@pytest.mark.parametrize(
    ("old", "new", "again", "says"),
    [
        ("wrong", "slow green lantern harbour", "slow green lantern harbour", "present password is wrong"),
        (None, "slow green lantern harbour", "other", "the same way twice"),
        (None, "short", "short", "at least 12"),
        (None, "aaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaa", "too easy"),
        (None, None, None, "is the old one"),
    ],
)
def test_a_bad_new_password_is_refused_in_words(
    browse: Callable[[str], Any], seed: Any, old: str | None, new: str | None, again: str | None, says: str
) -> None:
    form = {"old": old or seed.PASSWORD, "new": new or seed.PASSWORD, "again": again or seed.PASSWORD}
    answer = browse("reader").post("/password", form)
    assert answer.status == 400
    assert says in answer.text


def test_a_changed_password_signs_other_browsers_out(browse: Callable[[str], Any], seed: Any) -> None:
    one, other = browse("reader"), browse("reader")
    new = "slow green lantern harbour"
    one.post("/password", {"old": seed.PASSWORD, "new": new, "again": new})
    assert one.get("/").status == 200
    assert other.get("/").status == 303


def test_one_time_passwords_differ_and_will_do() -> None:
    made = {new_password() for _ in range(50)}
    assert len(made) == 50
    assert all(check_new_password(password, "somebody") is None for password in made)


def test_a_password_equals_only_itself(seed: Any) -> None:
    assert verify_password(seed.PASSWORD_HASH, seed.PASSWORD)
    assert not verify_password(seed.PASSWORD_HASH, seed.PASSWORD + " ")
    assert not verify_password("not a hash", seed.PASSWORD)
