"""The page of needs, its twins and its feed."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from xml.etree import ElementTree

import pytest

from storage.engine import reading
from storage.issues import find_issues, raise_issue
from storage.notices import NewNotice, add_notices
from storage.runs import end_run

ATOM = "{http://www.w3.org/2005/Atom}"
TOKEN = "0123456789abcdef01234567"
HOSTILE = "=HYPERLINK(1) <script>alert(1)</script> http://" + "a" * 56 + ".onion/x \u202e"


@pytest.fixture
def analyst(browse: Callable[[str], Any]) -> Any:
    return browse("analyst")


@pytest.fixture
def troubled(seeded: Any, app: Any, seed: Any) -> int:
    """A run that failed with words from a site; its number."""
    run_id = int(seeded.runs["queued"])
    end_run(app.state.web.engine, run_id=run_id, state="failed", message=HOSTILE, now=seed.NOW)
    return run_id


def test_each_need_says_what_to_do(analyst: Any, troubled: int) -> None:
    text = analyst.get("/needs").text
    assert f"Run {troubled} of greyhall failed." in text
    assert f'href="/runs/{troubled}"' in text
    assert f"tuskwatch run retry {troubled}" in text
    assert "</svg>soon</span>" in text
    assert "<script>alert" not in text
    assert ".onion" not in text.replace("[.]onion", "")


def test_one_kind_or_one_level_is_shown(analyst: Any, troubled: int) -> None:
    text = analyst.get("/needs?kind=run-failed").text
    assert f"Run {troubled} " in text
    assert "Issue “gate”" not in text
    assert analyst.get("/needs?level=now&kind=run-failed").text.count("None of that kind.") == 1
    assert analyst.get("/needs?kind=nonsense").status == 400
    assert analyst.get("/needs?level=%00").status == 400


def test_twins_say_the_same(analyst: Any, troubled: int) -> None:
    found = json.loads(analyst.get("/needs.json?kind=run-failed").text)
    (need,) = found["needs"]
    assert found["query"] == {"kind": "run-failed"}
    assert (need["run"], need["level"], need["subject"]) == (troubled, "soon", f"run {troubled}")
    assert ".onion" not in need["message"].replace("[.]onion", "")
    rows = list(csv.DictReader(io.StringIO(analyst.get("/needs.csv?kind=run-failed").text)))
    assert [row["subject"] for row in rows] == [f"run {troubled}"]
    assert not rows[0]["message"].startswith("=")


@pytest.mark.parametrize("path", ["/needs", "/needs.json", "/needs.csv"])
def test_strangers_see_nothing(stranger: Any, path: str) -> None:
    assert stranger.get(path).location.startswith("/signin")


def test_an_issue_is_closed_by_an_analyst(analyst: Any, browse: Any, app: Any, seed: Any) -> None:
    engine = app.state.web.engine
    issue = raise_issue(
        engine,
        site_id=1,
        run_id=None,
        page_id=None,
        kind="canary",
        level="fail",
        message="a leak",
        now=seed.NOW,
    )
    form = f'action="/needs/issues/{issue}/close"'
    assert form in analyst.get("/needs").text
    reader = browse("reader")
    assert form not in reader.get("/needs").text
    assert reader.post(f"/needs/issues/{issue}/close").status == 403
    assert analyst.post(f"/needs/issues/{issue}/close", {"note": "mended"}).location == "/needs?done=closed"
    assert "Closed. The same again becomes a new one." in analyst.get("/needs?done=closed").text
    assert form not in analyst.get("/needs").text
    with reading(engine) as session:
        assert issue not in [row.id for row in find_issues(session)]


@pytest.mark.parametrize("issue", ["999", "0", "x", "99999999999999999999"])
def test_no_issue_is_not_found(analyst: Any, issue: str) -> None:
    assert analyst.post(f"/needs/issues/{issue}/close").status == 404


def test_home_shows_the_top_and_leads_to_all(analyst: Any, app: Any, seed: Any) -> None:
    for number in range(9):
        raise_issue(
            app.state.web.engine,
            site_id=1,
            run_id=None,
            page_id=None,
            kind=f"k{number}",
            level="fail",
            message="m",
            now=seed.NOW,
        )
    text = analyst.get("/").text
    assert text.count('<li>\n  <span class="state') == 6
    every = len(json.loads(analyst.get("/needs.json").text)["needs"])
    assert f'<a href="/needs">All {every}</a>' in text


# The feed


@pytest.fixture
def feed(seeded: Any, app: Any, seed: Any) -> Callable[[str], None]:
    new = NewNotice(
        "gate", "run 12", "now", "run 12 of site 3 waits <for> a person & more", seed.NOW - timedelta(hours=1)
    )
    add_notices(app.state.web.engine, "feed", [new], now=seed.NOW, sent=True)
    add_notices(app.state.web.engine, "mail", [new], now=seed.NOW)

    def write(text: str) -> None:
        path = seeded.places.data / "notices.yml"
        path.write_text(text)
        path.chmod(0o600)

    write(f"feed: {{token: {TOKEN}}}\n")
    return write


def test_a_reader_program_that_knows_the_token_gets_the_feed(stranger: Any, feed: Any, seed: Any) -> None:
    answer = stranger.get(f"/needs.atom?token={TOKEN}")
    assert answer.headers["content-type"] == "application/atom+xml; charset=utf-8"
    root = ElementTree.fromstring(answer.text)
    (entry,) = root.findall(f"{ATOM}entry")
    assert entry.findtext(f"{ATOM}title") == "run 12 of site 3 waits <for> a person & more (now)"
    assert entry.findtext(f"{ATOM}id") == "urn:tuskwatch:notice:1"
    assert entry.findtext(f"{ATOM}updated") == root.findtext(f"{ATOM}updated") == seed.NOW.isoformat()


def test_who_is_signed_in_needs_no_token(analyst: Any, feed: Any) -> None:
    assert "run 12 of site 3" in analyst.get("/needs.atom").text


WRONG = ("", "?token=", f"?token={TOKEN[:-1]}", f"?token={TOKEN}0", "?token=%C3%A9", "?token=" + "x" * 300)


@pytest.mark.parametrize("settings", [f"feed: {{token: {TOKEN}}}\n", "feed: {}\n", "", "needs: {}\n"])
def test_others_get_no_feed(stranger: Any, feed: Any, settings: str) -> None:
    feed(settings)
    for query in WRONG:
        answer = stranger.get("/needs.atom" + query)
        assert answer.status == 403, query
        assert "run 12" not in answer.text


def test_a_newcomer_with_a_one_time_password_gets_no_feed(app: Any, feed: Any, make_browser: Any) -> None:
    assert make_browser(app).sign_in("newcomer").get("/needs.atom").status == 403


@pytest.mark.parametrize(
    ("settings", "status"),
    [("needs: {}\n", 404), ("feeds: {}\n", 503), ("feed: {token_file: /nowhere}\n", 503)],
)
def test_a_feed_that_is_off_or_wrong_says_so(analyst: Any, feed: Any, settings: str, status: int) -> None:
    feed(settings)
    assert analyst.get("/needs.atom").status == status


def test_a_token_opens_the_feed_and_nothing_else(stranger: Any, feed: Any) -> None:
    for path in ("/needs", "/needs.json", "/needs.csv", "/"):
        assert stranger.get(f"{path}?token={TOKEN}").location.startswith("/signin")


def test_a_long_list_says_that_it_goes_on(
    analyst: Any, troubled: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.needs.SHOWN", 1)
    text = analyst.get("/needs").text
    assert "The first 1 of " in text
    assert text.count('<li>\n  <span class="state') == 1
    assert len(json.loads(analyst.get("/needs.json").text)["needs"]) > 1
