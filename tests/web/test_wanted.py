"""A run that waits for a person is said first, where everybody looks; runs are slowed by a button."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from storage.engine import reading
from storage.runs import SLOW, find_run, wait_run_for
from storage.sessions import ensure_session, note_standing
from web.runs import open_wishes


@pytest.fixture
def analyst(browse: Any) -> Any:
    return browse("analyst")


@pytest.fixture
def reader(browse: Any) -> Any:
    return browse("reader")


@pytest.fixture
def wanted(seeded: Any, app: Any, seed: Any) -> int:
    """The running run meets a captcha whose words try to be more than words."""
    engine, run_id = app.state.web.engine, seeded.runs["running"]
    with reading(engine) as session:
        run = find_run(session, run_id)
    assert run is not None
    assert run.site_id is not None
    since = seed.NOW - timedelta(hours=2)
    ensure_session(engine, site_id=run.site_id, circuit="c", now=since)
    note_standing(
        engine,
        site_id=run.site_id,
        account_key="",
        state="captcha",
        message="six letters",
        page_id=1,
        now=since,
    )
    message = "captcha <b>six</b> letters at http://" + "a" * 56 + ".onion/x"
    wait_run_for(engine, run_id=run_id, what="person", message=message, now=since)
    return run_id


@pytest.mark.parametrize("path", ["/runs", "/runs/{run}"])
def test_it_is_said_with_what_to_type(analyst: Any, wanted: int, path: str) -> None:
    text = analyst.get(path.format(run=wanted)).text
    assert "A person is wanted" in text
    assert "tuskwatch session open" in text
    assert "<b>captcha</b>" in text
    assert 'href="/pages/1"' in text
    assert "2 h ago" in text
    assert "<b>six</b>" not in text
    assert ".onion" not in text.replace("[.]onion", "")


@pytest.mark.parametrize("path", ["/", "/needs"])
def test_it_stands_first_on_the_list_of_needs(analyst: Any, wanted: int, path: str) -> None:
    text = analyst.get(path).text
    first = text[text.index('<ul class="plainlist needs">') :]
    assert first.index(f"Run {wanted} of ") < first.index("</li>")
    for part in ("waits for a person (captcha).", "tuskwatch session open", 'href="/pages/1"', "2 h ago"):
        assert part in first, part
    assert "<b>six</b>" not in text
    assert ".onion" not in text.replace("[.]onion", "")


@pytest.mark.parametrize("path", ["/", "/runs"])
def test_where_nobody_is_wanted_nothing_is_said(analyst: Any, path: str) -> None:
    assert "A person is wanted" not in analyst.get(path).text


def test_a_page_of_another_run_says_nothing_of_it(analyst: Any, seeded: Any, wanted: int) -> None:
    assert "A person is wanted" not in analyst.get(f"/runs/{seeded.runs['done']}").text


def test_its_page_does_not_load_itself_again_for_days(analyst: Any, seeded: Any, wanted: int) -> None:
    assert "refresh.js" not in analyst.get(f"/runs/{wanted}").text


def test_it_may_be_tried_again_or_ended(analyst: Any, wanted: int) -> None:
    assert open_wishes("crawl", "waiting", None, "person") == ("resume", "cancel")
    assert analyst.post(f"/runs/{wanted}/wish", {"wish": "cancel"}).location == f"/runs/{wanted}?done=cancel"
    text = analyst.get(f"/runs/{wanted}").text
    assert "A person is wanted" not in text
    assert "cancelled" in text


def test_slower_twice_and_normal_again(analyst: Any, seeded: Any, app: Any) -> None:
    run_id = seeded.runs["running"]

    def factor() -> object:
        with reading(app.state.web.engine) as session:
            run = find_run(session, run_id)
        assert run is not None
        return run.settings.get(SLOW)

    assert 'name="factor" value="2"' in analyst.get(f"/runs/{run_id}").text
    assert analyst.post(f"/runs/{run_id}/wish", {"wish": "slow", "factor": "2"}).location.endswith(
        "?done=slow"
    )
    text = analyst.get(f"/runs/{run_id}").text
    assert "2 × the site" in text
    assert 'name="factor" value="4"' in text
    assert factor() == 2
    analyst.post(f"/runs/{run_id}/wish", {"wish": "slow", "factor": "1"})
    assert factor() == 1
    assert "× the site" not in analyst.get(f"/runs/{run_id}").text


@pytest.mark.parametrize(
    ("factor", "status"),
    [("", 400), ("x", 400), ("nan", 400), ("-1", 400), ("1e9", 400), ("٣", 400), ("0", 409), ("101", 409)],
)
def test_a_factor_that_cannot_be_is_refused(analyst: Any, seeded: Any, factor: str, status: int) -> None:
    assert (
        analyst.post(f"/runs/{seeded.runs['running']}/wish", {"wish": "slow", "factor": factor}).status
        == status
    )


def test_a_reader_slows_nothing(reader: Any, seeded: Any) -> None:
    assert reader.post(f"/runs/{seeded.runs['running']}/wish", {"wish": "slow", "factor": "2"}).status == 403
