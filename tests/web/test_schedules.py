"""The pages of schedules: add with a look at the times first, change, run now, make up for past times."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jobs.clockwork import fire_due
from jobs.schedules import add_schedule, find_schedule
from storage.engine import reading
from storage.runs import find_runs
from web.app import WebSettings, make_app

SITE_FILE = """\
name: oldport
title: Old Port Market
addresses: [{onion}]
authorised: {{by: "A. Analyst", on: 2026-10-01}}
"""
FORM = {"what": "crawl oldport", "every": "day", "at": "03:15", "tz": "Asia/Singapore"}


@pytest.fixture(autouse=True)
def _no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("web.schedules.ensure_worker", lambda places: None)
    for module in ("jobs.byhand", "jobs.clockwork"):
        monkeypatch.setattr(f"{module}.put_on_queue", lambda *given: "")


@pytest.fixture
def with_site(seeded: Any) -> Any:
    key = bytes(range(32))
    check = hashlib.sha3_256(b".onion checksum" + key + b"\x03").digest()[:2]
    onion = base64.b32encode(key + check + b"\x03").decode().lower() + ".onion"
    folder = seeded.places.data / "sites" / "oldport"
    folder.mkdir(parents=True)
    (folder / "site.yml").write_text(SITE_FILE.format(onion=onion), encoding="utf-8")
    return seeded


@pytest.fixture
def analyst(browse: Callable[[str], Any], with_site: Any) -> Any:
    return browse("analyst")


@pytest.fixture
def added(analyst: Any, with_site: Any, seed: Any) -> Any:
    add_schedule(
        with_site.places, site="oldport", cron="15 3 * * *", tz="Asia/Singapore", by="ana", now=seed.NOW
    )
    return with_site


def test_the_times_are_shown_before_anything_is_added(analyst: Any) -> None:
    answer = analyst.post("/schedules", FORM | {"preview": "1", "jitter": "20", "blackout": "22:00-06:00"})
    assert answer.status == 200
    assert "Every day at 03:15 Singapore time, next Saturday 03:15, in 9 h" in answer.text
    assert answer.text.count("<li><time") == 3
    assert "begins 06:" in answer.text
    # The form is as it was filled in.
    assert 'value="20"' in answer.text
    assert 'value="22:00-06:00"' in answer.text
    assert '<option value="crawl oldport" selected>' in answer.text
    assert "No schedules yet." in analyst.get("/schedules").text


def test_a_schedule_with_all_its_rules_is_added(analyst: Any, with_site: Any, seed: Any) -> None:
    form = FORM | {
        "name": "night", "jitter": "10", "blackout": "04-05", "overlap": "queue", "missed": "all", "pages": "4,000",
        "minutes": "90", "plan": "full", "priority": "-2",
    }  # fmt: skip
    assert analyst.post("/schedules", form).location == "/schedules?done=added"
    rules = find_schedule(with_site.places, "night", now=seed.NOW).rules
    assert (rules.jitter, rules.blackout, rules.overlap, rules.missed) == (
        10,
        (("04:00", "05:00"),),
        "queue",
        "all",
    )
    assert (rules.pages, rules.minutes, rules.plan, rules.priority) == (4000, 90, "full", -2)


@pytest.mark.parametrize("verb", ["report", "retention", "backup", "extract", "classify"])
def test_work_of_all_sites_is_scheduled_too(analyst: Any, with_site: Any, seed: Any, verb: str) -> None:
    form = {
        "what": verb,
        "every": "month",
        "on": "last",
        "at": "06:00",
        "tz": "UTC",
        "period": "quarter",
        "pages": "9",
    }
    assert analyst.post("/schedules", form).status == 303
    info = find_schedule(with_site.places, verb, now=seed.NOW)
    assert (info.cron, info.site, info.rules.period) == (
        "0 6 L * *",
        "",
        "quarter" if verb == "report" else "",
    )
    assert "On the last day of every month at 06:00" in analyst.get(f"/schedules/{verb}").text


def test_a_line_that_was_typed_wins_over_the_choice(analyst: Any, with_site: Any, seed: Any) -> None:
    analyst.post("/schedules", FORM | {"cron": "*/10 * * * *"})
    assert find_schedule(with_site.places, "oldport", now=seed.NOW).cron == "*/10 * * * *"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"what": "fly"}, "Choose what the schedule shall do"),
        ({"what": ""}, "Choose what the schedule shall do"),
        ({"what": "crawl nowhere"}, "There is no site"),
        ({"what": "crawl"}, "A crawl needs a site"),
        ({"what": "backup oldport"}, "has no site"),
        ({"at": "25:00"}, "is not a time of the day"),
        ({"on": "monday"}, "has no day of its own"),
        ({"every": "<b>"}, "&lt;b&gt;"),
        ({"cron": "* * *"}, "is not a cron line"),
        ({"tz": "Mars/Base"}, "is not the name of a time zone"),
        ({"jitter": "many"}, "is not a whole number"),
        ({"jitter": "9999"}, "from 0 to 720"),
        ({"pages": "1e9"}, "is not a whole number"),
        ({"blackout": "00:00-12:00,12:00-00:00"}, "cover the whole day"),
        ({"overlap": "x"}, "is one of skip, queue"),
        ({"missed": "x"}, "is one of once, all, none"),
        ({"name": "Not A Name"}, "cannot be the name"),
    ],
)
@pytest.mark.parametrize("button", [{}, {"preview": "1"}], ids=["add", "look"])
def test_what_cannot_be_comes_back_with_a_sentence(
    analyst: Any, change: dict[str, str], says: str, button: dict[str, str]
) -> None:
    answer = analyst.post("/schedules", FORM | change | button)
    about_the_site = change.get("what", "").startswith(("crawl", "backup")) or "name" in change
    if button and about_the_site:
        assert answer.status == 200  # a look at the times needs neither site nor name
        return
    assert answer.status == 400
    assert says in answer.text
    assert "No schedules yet." in analyst.get("/schedules").text


def test_one_schedule_is_changed_on_its_page_and_says_by_whom(analyst: Any, added: Any, seed: Any) -> None:
    page = analyst.get("/schedules/oldport").text
    assert 'value="15 3 * * *"' in page
    form = {"every": "", "cron": "15 4 * * *", "tz": "UTC", "missed": "none", "pages": "12"}
    assert analyst.post("/schedules/oldport/change", form).location == "/schedules/oldport?done=changed"
    info = find_schedule(added.places, "oldport", now=seed.NOW)
    assert (info.cron, info.tz, info.rules.missed, info.rules.pages, info.changed_by) == (
        "15 4 * * *", "UTC", "none", 12, "analyst",
    )  # fmt: skip
    page = analyst.get("/schedules/oldport").text
    assert "changed cron 15 3 * * * → 15 4 * * *" in page
    assert analyst.post("/schedules/oldport/change", form | {"every": "week", "on": "fri"}).status == 303
    assert find_schedule(added.places, "oldport", now=seed.NOW).words == "every Friday at 03:00"


def test_a_look_at_changed_times_changes_nothing(analyst: Any, added: Any, seed: Any) -> None:
    answer = analyst.post(
        "/schedules/oldport/change", {"cron": "0 9 * * 1", "tz": "UTC", "preview": "1", "every": ""}
    )
    assert "Every Monday at 09:00 UTC" in answer.text
    assert find_schedule(added.places, "oldport", now=seed.NOW).cron == "15 3 * * *"
    assert analyst.post("/schedules/oldport/change", {"cron": "x", "tz": "UTC", "every": ""}).status == 400


def test_an_account_is_named_once_and_never_shown(
    added: Any, seed: Any, make_browser: Callable[[Any], Any], tmp_path: Path
) -> None:
    places = replace(added.places, key_file=tmp_path / "key")
    app = make_app(WebSettings(places=places), clock=lambda: seed.NOW)
    analyst = make_browser(app).sign_in("analyst")
    base_form = {"every": "", "cron": "15 3 * * *", "tz": "UTC"}
    assert analyst.post("/schedules/oldport/change", base_form | {"account": "grey_heron"}).status == 303
    key = find_schedule(added.places, "oldport", now=seed.NOW).rules.account
    assert key
    for path in (
        "/schedules/oldport",
        "/schedules",
        "/schedules.json",
        "/schedules/oldport.json",
        "/schedules.csv",
    ):
        text = analyst.get(path).text
        assert "grey_heron" not in text
        assert key not in text
    # Another change leaves it; only the box takes it out.
    analyst.post("/schedules/oldport/change", base_form | {"pages": "3"})
    assert find_schedule(added.places, "oldport", now=seed.NOW).rules.account == key
    analyst.post("/schedules/oldport/change", base_form | {"no_account": "1"})
    assert find_schedule(added.places, "oldport", now=seed.NOW).rules.account == ""
    app.state.web.engine.dispose()


def test_run_now_goes_to_the_run_and_a_second_one_is_refused(analyst: Any, added: Any) -> None:
    answer = analyst.post("/schedules/oldport/trigger")
    assert answer.status == 303
    assert answer.location.startswith("/runs/")
    run = answer.location.removeprefix("/runs/").partition("?")[0]
    assert "by hand, beside schedule oldport" in analyst.get(answer.location).text
    assert f'href="/runs/{run}"' in analyst.get("/schedules/oldport").text
    assert analyst.post("/schedules/oldport/trigger").status == 409


def test_past_times_are_counted_before_they_are_made_up_for(analyst: Any, with_site: Any, app: Any) -> None:
    analyst.post("/schedules", {"what": "report", "every": "month", "tz": "UTC"})
    form = {"from": "2026-08-01", "to": "2026-11-10"}
    answer = analyst.post("/schedules/report/backfill", form)
    assert "4 runs would be asked for" in answer.text
    with reading(app.state.web.engine) as session:
        assert find_runs(session, verb="report") == []
    assert analyst.post("/schedules/report/backfill", form | {"sure": "1"}).location.endswith(
        "done=backfilled"
    )
    with reading(app.state.web.engine) as session:
        assert len(find_runs(session, verb="report")) == 4
    assert (
        "0 runs would be asked for; 4 times have one already"
        in analyst.post("/schedules/report/backfill", form).text
    )
    assert analyst.post("/schedules/report/backfill", {"from": "x", "to": "y"}).status == 400
    assert analyst.post("/schedules/report/backfill", form | {"to": "2099-01-01"}).status == 400


def test_what_became_of_the_last_time_is_linked(analyst: Any, added: Any, app: Any, seed: Any) -> None:
    info = find_schedule(added.places, "oldport", now=seed.NOW)
    (run_id,) = fire_due(added.places, app.state.web.engine, now=info.next[0])
    page = analyst.get("/schedules").text
    assert f'href="/runs/{run_id}"' in page


def test_twins_say_the_same(analyst: Any, added: Any) -> None:
    (row,) = csv.DictReader(io.StringIO(analyst.get("/schedules.csv").text))
    (one,) = json.loads(analyst.get("/schedules.json").text)["schedules"]
    page = json.loads(analyst.get("/schedules/oldport.json").text)
    assert row["name"] == one["name"] == page["name"] == "oldport"
    assert row["next"] == one["next"][0] == page["next"][0]
    assert row["cron"] == "15 3 * * *"
    assert page["changes"][0]["by"] == "ana"
    assert page["runs"] == []


@pytest.mark.parametrize(
    "path", ["/schedules/x", "/schedules/x.json", "/schedules/%3Cb%3E", "/schedules/" + "y" * 300]
)
def test_an_unknown_one_is_not_found(analyst: Any, path: str) -> None:
    answer = analyst.get(path)
    assert answer.status == 404
    assert "<b>" not in answer.text


@pytest.mark.parametrize("act", ["change", "trigger", "backfill"])
def test_nothing_is_done_to_an_unknown_one(analyst: Any, act: str) -> None:
    assert analyst.post(f"/schedules/nothing/{act}", {"from": "2026-01-01", "to": "2026-02-01"}).status == 404


def test_a_reader_sees_all_and_no_button(browse: Callable[[str], Any], added: Any) -> None:
    reader = browse("reader")
    for path in ("/schedules", "/schedules/oldport"):
        answer = reader.get(path)
        assert answer.status == 200
        assert "/trigger" not in answer.text
        assert "Show the times" not in answer.text
