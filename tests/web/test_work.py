"""Runs, schedules, reports, sites, home."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from jobs.errors import UsageError
from storage.engine import reading
from storage.issues import raise_issue
from storage.runs import find_run
from web.runs import open_wishes, read_log_end

SITE_FILE = """\
name: oldport
title: Old Port Market
addresses: [{onion}]
start: ["/"]
authorised: {{by: "A. Analyst", on: 2026-10-01}}
kinds:
  listing: ["^/p/(?P<key>\\\\d+)$"]
"""


@pytest.fixture
def analyst(browse: Callable[[str], Any]) -> Any:
    return browse("analyst")


@pytest.fixture
def with_site(seeded: Any) -> Any:
    """A real site file: starting a crawl and adding a schedule read it."""
    import base64
    import hashlib

    key = bytes(range(32))
    check = hashlib.sha3_256(b".onion checksum" + key + b"\x03").digest()[:2]
    onion = base64.b32encode(key + check + b"\x03").decode().lower() + ".onion"
    folder = seeded.places.data / "sites" / "oldport"
    folder.mkdir(parents=True)
    (folder / "site.yml").write_text(SITE_FILE.format(onion=onion), encoding="utf-8")
    return seeded


def test_home_says_what_needs_one(analyst: Any) -> None:
    text = analyst.get("/").text
    assert re.search(r'href="/review"><span class="quiet">To review</span><b>6</b>', text)
    assert re.search(r'href="/needs"><span class="quiet">Needs a person</span><b>\d+</b>', text)
    assert "login page instead of listings" in text
    assert "2026-10-01 – 2026-11-01" in text


def test_a_crawl_needs_a_person_until_a_later_one_is_asked_for(
    analyst: Any, seeded: Any, app: Any, seed: Any
) -> None:
    from storage.runs import end_run

    assert f"Run {seeded.runs['failed']} of greyhall failed." not in analyst.get("/").text
    end_run(
        app.state.web.engine,
        run_id=seeded.runs["queued"],
        state="failed",
        message="Tor is gone.",
        now=seed.NOW,
    )
    text = analyst.get("/").text
    assert f"Run {seeded.runs['queued']} of greyhall failed." in text
    assert "Tor is gone." in text


def test_a_broken_queue_is_said_and_the_rest_goes_on(analyst: Any, seeded: Any) -> None:
    (seeded.places.data / "engine.db").write_bytes(b"no database at all" * 100)
    home = analyst.get("/")
    assert home.status == 200
    assert "queue&#39;s database cannot be opened" in home.text
    assert analyst.get("/review").status == 200
    assert analyst.get("/schedules").status == 503


def test_runs_show_their_state_as_a_word_with_an_icon(analyst: Any) -> None:
    text = analyst.get("/runs").text
    for state, tone in (("done", "good"), ("failed", "bad"), ("running", "live"), ("queued", "idle")):
        assert re.search(rf'<span class="state {tone}"><svg.*?</svg>{state}</span>', text, re.DOTALL)


@pytest.mark.parametrize(
    ("query", "ids"), [("state=failed", {"2"}), ("site=oldport", {"1"}), ("site=x", set())]
)
def test_runs_are_filtered(analyst: Any, query: str, ids: set[str]) -> None:
    assert set(re.findall(r'href="/runs/(\d+)"', analyst.get(f"/runs?{query}").text)) == ids


def test_a_run_shows_its_numbers_issues_and_log(analyst: Any, seeded: Any) -> None:
    text = analyst.get(f"/runs/{seeded.runs['done']}").text
    for part in (
        "30 min 00 s",
        "No price was found",
        "12 ×",
        "slow answer  seconds=41",
        "not json at all",
        "by hand",
    ):
        assert part in text
    assert "<script>alert" not in text


def test_the_whole_log_is_a_download(analyst: Any, seeded: Any) -> None:
    answer = analyst.get(f"/runs/{seeded.runs['done']}/log")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.body.count(b"\n") == 4
    assert analyst.get(f"/runs/{seeded.runs['failed']}/log").status == 404


@pytest.mark.parametrize(
    ("verb", "state", "wish", "wishes"),
    [
        ("crawl", "running", None, ("pause", "slow", "cancel")),
        ("crawl", "running", "pause", ("slow", "cancel")),
        ("crawl", "running", "slow", ("pause", "slow", "cancel")),
        ("crawl", "paused", None, ("resume", "cancel")),
        ("crawl", "queued", None, ("cancel",)),
        ("crawl", "done", None, ()),
        ("crawl", "lost", None, ()),
        ("report", "running", None, ("cancel",)),
        ("extract", "running", None, ("pause", "cancel")),
        ("extract", "paused", None, ("resume", "cancel")),
        ("moonwalk", "running", None, ("cancel",)),
    ],
)
def test_only_wishes_that_make_sense_are_offered(
    verb: str, state: str, wish: str | None, wishes: tuple[str, ...]
) -> None:
    assert open_wishes(verb, state, wish) == wishes


def test_a_wish_is_kept_and_shown(analyst: Any, seeded: Any, app: Any) -> None:
    run_id = seeded.runs["running"]
    answer = analyst.post(f"/runs/{run_id}/wish", {"wish": "pause"})
    assert answer.location == f"/runs/{run_id}?done=pause"
    with reading(app.state.web.engine) as session:
        run = find_run(session, run_id)
        assert run is not None
        assert run.wish == "pause"
    text = analyst.get(answer.location).text
    assert "asked to pause" in text
    assert "Asked to pause." in text


@pytest.mark.parametrize(
    ("run", "wish", "status"),
    [
        ("done", "pause", 409),
        ("running", "resume", 409),
        ("running", "explode", 400),
        ("running", "slow", 400),
    ],
)
def test_a_wish_that_makes_no_sense_is_refused(
    analyst: Any, seeded: Any, run: str, wish: str, status: int
) -> None:
    assert analyst.post(f"/runs/{seeded.runs[run]}/wish", {"wish": wish}).status == status


def test_a_wish_for_no_run_is_not_found(analyst: Any) -> None:
    assert analyst.post("/runs/999/wish", {"wish": "pause"}).status == 404


def test_running_a_site_queues_it_and_wakes_a_worker(
    analyst: Any, with_site: Any, monkeypatch: pytest.MonkeyPatch, app: Any
) -> None:
    woken = []
    monkeypatch.setattr("web.runs.ensure_worker", woken.append)
    answer = analyst.post("/runs", {"site": "oldport", "reason": "a tip"})
    assert answer.status == 303
    run_id = int(re.findall(r"\d+", answer.location)[0])
    with reading(app.state.web.engine) as session:
        run = find_run(session, run_id)
        assert run is not None
        assert (run.by, run.reason, run.state) == ("analyst", "a tip", "queued")
    assert woken == [with_site.places]
    again = analyst.post("/runs", {"site": "oldport"})
    assert again.status == 409
    assert "already" in again.text


def test_one_site_is_scored_by_itself(
    analyst: Any, with_site: Any, monkeypatch: pytest.MonkeyPatch, app: Any
) -> None:
    monkeypatch.setattr("web.runs.ensure_worker", lambda places: False)
    answer = analyst.post("/runs", {"verb": "classify", "site": "oldport"})
    with reading(app.state.web.engine) as session:
        run = find_run(session, int(re.findall(r"\d+", answer.location)[0]))
        assert run is not None
        assert run.site is not None
        assert (run.verb, run.site.name) == ("classify", "oldport")
    refused = analyst.post("/runs", {"verb": "report", "site": "oldport"})
    assert refused.status == 409
    assert "not of one site" in refused.text


@pytest.mark.parametrize("site", ["nowhere", "../../etc", "a\x01b", "x" * 64])
def test_running_an_unknown_site_is_refused(analyst: Any, site: str) -> None:
    answer = analyst.post("/runs", {"site": site})
    assert answer.status == 409
    assert "There is no site" in answer.text


def test_the_end_of_a_long_log_is_read(tmp_path: Any) -> None:
    path = tmp_path / "1.log"
    path.write_text("".join(f'{{"event": "line {n}"}}\n' for n in range(50_000)) + "[" * 40_000 + "\n")
    lines = list(read_log_end(path))
    assert len(lines) == 200
    assert lines[-2] == "line 49999"
    assert lines[-1].startswith("[[")
    assert list(read_log_end(tmp_path / "none.log")) == []


def test_schedules_live_their_whole_life(analyst: Any, with_site: Any) -> None:
    assert "No schedules yet." in analyst.get("/schedules").text
    form = {"site": "oldport", "cron": "15 3 * * *", "tz": "Asia/Singapore"}
    assert analyst.post("/schedules", form).location == "/schedules?done=added"
    text = analyst.get("/schedules").text
    assert "03:15" in text
    assert "Asia/Singapore" in text
    assert text.count("datetime=") == 3
    assert "Sat 21 Nov 03:15" in text
    assert analyst.post("/schedules/oldport/pause").status == 303
    assert "none while paused" in analyst.get("/schedules").text
    assert analyst.post("/schedules/oldport/resume").status == 303
    assert "oldport" in analyst.get("/").text
    assert analyst.post("/schedules/oldport/remove").status == 303
    assert "No schedules yet." in analyst.get("/schedules").text


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"cron": "every day"}, "is not a cron line"),
        ({"cron": "0 0 30 2 *"}, "never fire"),
        ({"cron": "<b>"}, "&lt;b&gt;"),
        ({"tz": "Singapore City"}, "not the name of a time zone"),
        ({"site": "nowhere"}, "There is no site"),
    ],
)
def test_a_bad_schedule_comes_back_with_what_is_wrong(
    analyst: Any, with_site: Any, change: dict[str, str], says: str
) -> None:
    form = {"site": "oldport", "cron": "15 3 * * *", "tz": "UTC"} | change
    answer = analyst.post("/schedules", form)
    assert answer.status == 400
    assert says in answer.text
    assert 'value="15 3 * * *"' in answer.text or "cron" in change


@pytest.mark.parametrize("act", ["pause", "resume", "remove"])
def test_an_unknown_schedule_is_not_found(analyst: Any, act: str) -> None:
    assert analyst.post(f"/schedules/nothing/{act}").status == 404


def test_a_report_is_shown_in_a_frame_that_can_do_nothing(analyst: Any, seeded: Any) -> None:
    page = analyst.get(f"/reports/{seeded.report}")
    assert f'<iframe class="report" sandbox="" src="/reports/{seeded.report}/report.html"' in page.text
    assert "frame-src 'self'" in page.headers["content-security-policy"]
    file = analyst.get(f"/reports/{seeded.report}/report.html")
    policy = file.headers["content-security-policy"]
    assert file.status == 200
    assert "default-src 'none'" in policy
    assert policy.endswith("sandbox")
    assert "script-src" not in policy


@pytest.mark.parametrize(
    ("name", "kind"), [("report.pdf", "application/pdf"), ("report.csv", "text/csv; charset=utf-8")]
)
def test_report_files_are_downloads(analyst: Any, seeded: Any, name: str, kind: str) -> None:
    answer = analyst.get(f"/reports/{seeded.report}/{name}")
    assert answer.headers["content-type"] == kind
    assert answer.headers["content-disposition"].startswith("attachment")


def test_a_changed_report_is_not_shown(analyst: Any, seeded: Any) -> None:
    (seeded.places.data / "reports" / "1" / "report.csv").write_text("group,ads\r\nivory,300\r\n")
    answer = analyst.get("/reports/1/report.csv")
    assert answer.status == 409
    assert "changed after the report was written" in answer.text


@pytest.mark.parametrize(
    "name", ["figures.json", "..", "..%2f..%2ftuskwatch.db", "report.html ", "REPORT.HTML", "engine.db"]
)
def test_only_files_of_the_report_are_sent(analyst: Any, name: str) -> None:
    assert analyst.get(f"/reports/1/{name}").status == 404


def test_a_report_without_its_files_says_so(analyst: Any, seeded: Any) -> None:
    (seeded.places.data / "reports" / "1" / "report.html").unlink()
    text = analyst.get("/reports/1").text
    assert "not in the data folder" in text
    assert "<iframe" not in text
    assert analyst.get("/reports/1/report.html").status == 404


def test_asking_for_a_report_queues_a_run_with_its_period(
    analyst: Any, monkeypatch: pytest.MonkeyPatch, app: Any
) -> None:
    woken = []
    monkeypatch.setattr("web.reports.ensure_worker", woken.append)
    answer = analyst.post("/reports", {"start": "2026-10-01", "end": "2026-11-01"})
    run_id = int(re.findall(r"\d+", answer.location)[0])
    assert answer.location == f"/runs/{run_id}?done=started"
    with reading(app.state.web.engine) as session:
        run = find_run(session, run_id)
        assert run is not None
        assert (run.verb, run.by, run.state) == ("report", "analyst", "queued")
        assert run.settings == {"start": "2026-10-01T00:00:00+00:00", "end": "2026-11-01T00:00:00+00:00"}
    assert len(woken) == 1
    assert f'<a href="/runs/{run_id}">' in analyst.get("/reports").text


@pytest.mark.parametrize(
    ("start", "end", "says"),
    [
        ("2026-11-01", "2026-10-01", "must come before"),
        ("2026-10-01", "2026-10-01", "must come before"),
        ("1900-01-01", "2026-10-01", "ten years"),
        ("9999-12-01", "9999-12-31", None),
        ("soon", "2026-10-01", "year-month-day"),
        ("2026-02-30", "2026-10-01", "year-month-day"),
    ],
)
def test_a_bad_period_comes_back_in_words(
    analyst: Any, monkeypatch: pytest.MonkeyPatch, start: str, end: str, says: str | None
) -> None:
    def refuse(*args: object, **given: object) -> None:
        raise UsageError("That period is still to come.")

    monkeypatch.setattr("web.reports.start_task", refuse)
    answer = analyst.post("/reports", {"start": start, "end": end})
    assert answer.status == 400
    assert (says or "still to come") in answer.text
    assert f'value="{start}"' in answer.text


def test_sites_show_addresses_as_words_and_text(analyst: Any, seed: Any) -> None:
    text = analyst.get("/sites").text
    assert "Old Port Market" in text
    assert ".onion" not in text
    for state in ("alive", "slow", "unverified"):
        assert f"</svg>{state}</span>" in text
    assert seed.ONION.format("oldport").replace(".", "[.]") in analyst.get("/sites/oldport").text


def test_an_empty_installation_says_the_next_step_everywhere(
    tmp_path: Any, seed: Any, make_browser: Callable[[Any], Any]
) -> None:
    from storage.engine import open_engine, upgrade
    from web.app import WebSettings, make_app

    places = seed.make_places(tmp_path)
    upgrade(places.database_url)
    engine = open_engine(places.database_url)
    seed.add_people(engine)
    engine.dispose()
    app = make_app(WebSettings(places=places), clock=lambda: seed.NOW)
    browser = make_browser(app).sign_in("admin")
    for path, says in {
        "/": "Nothing has been read yet.",
        "/review": "Nothing waits for review.",
        "/listings": "No listings yet.",
        "/runs": "No runs yet.",
        "/schedules": "No schedules yet.",
        "/reports": "No reports yet.",
        "/sites": "No sites yet.",
    }.items():
        assert says in browser.get(path).text, path
    app.state.web.engine.dispose()


def test_a_run_says_that_a_later_one_met_its_issues_again(
    analyst: Any, app: Any, seeded: Any, seed: Any
) -> None:
    page = f"/runs/{seeded.runs['done']}"
    sentence = "1 issue of this run was met again by a later run and is listed there."
    before = analyst.get(page).text
    assert "No price was found" in before
    assert sentence not in before
    raise_issue(
        app.state.web.engine, site_id=1, run_id=seeded.runs["running"], page_id=None, kind="reading", level="warn",
        message="No price was found on a listing page.", now=seed.NOW,
    )  # fmt: skip
    after = analyst.get(page).text
    assert sentence in after
    assert "Nothing here needs a person" not in after
    later = analyst.get(f"/runs/{seeded.runs['running']}").text
    assert "No price was found" in later
    assert "met again" not in later
