"""The list of runs and the page of one, whatever its verb: filters, twins, the next step, what may be asked."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from storage.engine import open_engine, reading
from storage.runs import create_run, find_run
from storage.taskruns import beat_task, claim_task, end_task


@pytest.fixture
def analyst(browse: Callable[[str], Any]) -> Any:
    return browse("analyst")


@pytest.fixture
def engine(seeded: Any) -> Iterator[Engine]:
    engine = open_engine(seeded.places.database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def add(engine: Engine, seed: Any) -> Callable[..., int]:
    def add(verb: str, state: str = "queued", **more: Any) -> int:
        result = more.pop("result", None)
        given = {"site_id": None, "by": "ana", "reason": "by hand", "settings": {}, "now": seed.NOW} | more
        run_id = create_run(engine, verb=verb, **given)
        if state != "queued":
            claim_task(engine, run_id=run_id, worker="north-1", now=seed.NOW)
            beat_task(engine, run_id=run_id, worker="north-1", pid=1, done=1200, total=4800, now=seed.NOW)
        if state not in ("queued", "running"):
            end_task(
                engine, run_id=run_id, worker="north-1", state=state, message="see http://abc.onion/x", now=seed.NOW,
                result=result,
            )  # fmt: skip
        return run_id

    return add


def ids(text: str) -> set[str]:
    return set(re.findall(r'<tr><td><a href="/runs/(\d+)"', text))


def test_runs_are_filtered_and_late_ones_are_found(analyst: Any, add: Callable[..., int], seed: Any) -> None:
    late = str(add("extract", now=seed.NOW - timedelta(hours=1)))
    odd = str(add("moonwalk", schedule="moon"))
    task = str(add("report", "running"))
    assert late in ids(analyst.get("/runs?state=late").text)
    assert ids(analyst.get("/runs?verb=moonwalk").text) == {odd}
    assert ids(analyst.get("/runs?schedule=moon").text) == {odd}
    assert ids(analyst.get("/runs?worker=north").text) == {task}
    assert "1,200 of 4,800" in analyst.get("/runs?verb=report").text
    assert analyst.get("/runs?state=asleep").status == 400
    assert "No run fits" in analyst.get("/runs?verb=%22%3E%3Cscript%3E").text


def test_the_twins_have_what_is_shown(analyst: Any, add: Callable[..., int]) -> None:
    run_id = add("report", "failed", reason="=HYPERLINK(1)")
    rows = analyst.get("/runs.json?verb=report")
    (row,) = json.loads(rows.text)["runs"]
    assert (row["id"], row["state"], row["done"], row["message"]) == (
        run_id,
        "failed",
        1200,
        "see hxxp://abc[.]onion/x",
    )
    answer = analyst.get("/runs.csv?verb=report")
    assert answer.headers["content-type"].startswith("text/csv")
    (line,) = list(csv.DictReader(io.StringIO(answer.text)))
    assert (line["verb"], line["state"]) == ("report", "failed")
    assert not line["reason"].startswith("=")


@pytest.mark.parametrize(
    ("verb", "state", "parts"),
    [
        ("extract", "running", ("1,200", "of 4,800", 'value="pause"', 'value="cancel"')),
        ("report", "running", ('value="cancel"', "tuskwatch run show")),
        ("extract", "paused", ('value="resume"', "tuskwatch run resume")),
        ("classify", "lost", ("/retry", "tuskwatch run retry")),
        ("moonwalk", "queued", ("does not know the verb moonwalk", 'value="cancel"')),
        ("backup", "done", ("Path", "tuskwatch verify")),
    ],
)
def test_the_page_of_a_task_says_what_may_be_done(
    analyst: Any, add: Callable[..., int], verb: str, state: str, parts: tuple[str, ...]
) -> None:
    run_id = add(verb, state, result={"path": "/b/1"} if verb == "backup" else None)
    text = analyst.get(f"/runs/{run_id}").text
    for part in (*parts, "Next:"):
        assert part in text
    assert ('value="pause"' in text) == (verb == "extract" and state == "running")
    assert analyst.get(f"/runs/{run_id}.json").status == 200


def test_a_reader_is_shown_no_buttons(browse: Callable[[str], Any], add: Callable[..., int]) -> None:
    run_id = add("extract", "failed")
    reader = browse("reader")
    assert "/retry" not in reader.get(f"/runs/{run_id}").text
    assert reader.post(f"/runs/{run_id}/retry").status == 403
    assert '<form class="card filters row" method="post"' not in reader.get("/runs").text


def test_a_written_report_is_a_click_away(analyst: Any, add: Callable[..., int], seeded: Any) -> None:
    run_id = add("report", "done", result={"report": seeded.report})
    assert f'<a href="/reports/{seeded.report}">' in analyst.get(f"/runs/{run_id}").text


def test_flags_of_a_crawl_are_a_click_away(analyst: Any, seeded: Any) -> None:
    text = analyst.get(f"/runs/{seeded.runs['done']}").text
    assert re.search(r'<a href="/listings\?state=unreviewed&amp;site=oldport">.*Review \d+ flagged', text)
    told = json.loads(analyst.get(f"/runs/{seeded.runs['done']}.json").text)
    assert told["read"]["flagged"] >= told["read"]["unreviewed"] > 0
    assert told["next"]["words"].startswith("Review ")


def test_a_run_is_done_again(
    analyst: Any, add: Callable[..., int], engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    woken: list[object] = []
    monkeypatch.setattr("web.runs.ensure_worker", woken.append)
    first = add("classify", "failed")
    answer = analyst.post(f"/runs/{first}/retry")
    second = int(re.findall(r"\d+", answer.location)[0])
    with reading(engine) as session:
        run = find_run(session, second)
    assert run is not None
    assert (run.retry_of, run.by, run.state, len(woken)) == (first, "analyst", "queued", 1)
    assert f'<a href="/runs/{second}">' in analyst.get(f"/runs/{first}").text
    assert f'<a href="/runs/{first}">' in analyst.get(f"/runs/{second}").text
    assert analyst.post(f"/runs/{second}/retry").status == 409
    assert analyst.post("/runs/999/retry").status == 404


@pytest.mark.parametrize(
    ("form", "verb", "settings"),
    [
        ({"verb": "extract"}, "extract", {}),
        ({"verb": "report", "period": "quarter"}, "report", {"period": "quarter"}),
    ],
)
def test_an_analyst_begins_any_verb(
    analyst: Any,
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
    form: dict[str, str],
    verb: str,
    settings: object,
) -> None:
    monkeypatch.setattr("web.runs.ensure_worker", lambda places: False)
    answer = analyst.post("/runs", form)
    with reading(engine) as session:
        run = find_run(session, int(re.findall(r"\d+", answer.location)[0]))
    assert run is not None
    assert (run.verb, run.settings, run.by) == (verb, settings, "analyst")
    assert analyst.post("/runs", form).status == 409


@pytest.mark.parametrize(
    "form", [{"verb": "backup"}, {"verb": "crawl"}, {"verb": "report", "period": "aeon"}, {}]
)
def test_what_cannot_be_begun_here_is_refused(analyst: Any, form: dict[str, str]) -> None:
    assert analyst.post("/runs", form).status == 400


def test_a_report_cannot_be_paused(analyst: Any, add: Callable[..., int]) -> None:
    answer = analyst.post(f"/runs/{add('report', 'running')}/wish", {"wish": "pause"})
    assert answer.status == 409
    assert "done in one go" in answer.text
