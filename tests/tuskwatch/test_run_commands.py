"""`tuskwatch run` and the verbs that are runs, as a person types them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from jobs.errors import JobError
from storage.engine import open_engine
from storage.runs import create_run, end_run
from storage.taskruns import claim_task, end_task

NOW = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)


@pytest.fixture
def add(tuskwatch: Any) -> Callable[..., int]:
    """A run of another verb than crawl, in some state."""

    def add(verb: str, state: str = "queued", **more: Any) -> int:
        engine = open_engine(f"sqlite:///{tuskwatch.data}/tuskwatch.db")
        given = {"site_id": None, "by": "ana", "reason": "by hand", "settings": {}, "now": NOW} | more
        run_id = create_run(engine, verb=verb, **given)
        if state != "queued":
            claim_task(engine, run_id=run_id, worker="north-1", now=NOW)
        if state not in ("queued", "running"):
            end_task(
                engine,
                run_id=run_id,
                worker="north-1",
                state=state,
                message=f"It is {state}.",
                now=NOW,
                done=2,
                total=5,
            )
        engine.dispose()
        return run_id

    return add


def test_an_extract_by_hand_is_a_run(tuskwatch: Any) -> None:
    told = tuskwatch.json("extract")
    assert (told["pages"], told["run"]) == (0, 1)
    (row,) = tuskwatch.json("run", "list")
    assert (row["verb"], row["state"], row["reason"]) == ("extract", "done", "by hand")
    assert row["message"].startswith("0 pages read")
    shown = tuskwatch.json("run", "show", "1")
    assert shown["run"]["result"]["pages"] == 0
    assert shown["run"]["next"]["words"].startswith("Nothing")


def test_a_classify_that_fails_is_a_failed_run(tuskwatch: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise JobError("There is no model here.")

    monkeypatch.setattr("jobs.taskverbs.score_listings", fail)
    result = tuskwatch("classify")
    assert result.exit_code == 1
    assert "There is no model here." in result.stderr
    (row,) = tuskwatch.json("run", "list", "--verb", "classify")
    assert (row["state"], row["message"]) == ("failed", "There is no model here.")


def test_a_report_for_an_empty_period_makes_no_run(tuskwatch: Any) -> None:
    assert tuskwatch("report", "--from", "2026-11-01", "--to", "2026-11-01").exit_code == 2
    assert tuskwatch.json("run", "list") == []


@pytest.mark.parametrize(
    ("wanted", "ids"),
    [
        (("--state", "late"), [1]),
        (("--state", "done"), [2]),
        (("--verb", "moonwalk"), [3]),
        (("--worker", "north"), [2]),
        (("--schedule", "nightly"), [3]),
        (("--site", "oldport"), []),
        (("--limit", "1"), [3]),
    ],
)
def test_runs_are_filtered(
    tuskwatch: Any, add: Callable[..., int], wanted: tuple[str, ...], ids: list[int]
) -> None:
    add("extract")
    add("classify", "done")
    add("moonwalk", schedule="nightly", now=datetime.now(UTC))
    assert [row["id"] for row in tuskwatch.json("run", "list", *wanted)] == ids


def test_a_state_that_is_none_is_named(tuskwatch: Any) -> None:
    result = tuskwatch("run", "list", "--state", "asleep")
    assert result.exit_code == 2
    assert "late" in result.stderr


@pytest.mark.parametrize(
    ("verb", "state", "next_step"),
    [
        ("extract", "queued", "tuskwatch worker"),
        ("classify", "paused", "tuskwatch run resume 1"),
        ("report", "lost", "tuskwatch run retry 1"),
        ("report", "failed", "tuskwatch run retry 1"),
        ("moonwalk", "queued", "tuskwatch --version"),
    ],
)
def test_every_run_is_shown_with_its_next_step(
    tuskwatch: Any, add: Callable[..., int], verb: str, state: str, next_step: str
) -> None:
    add(verb, state)
    result = tuskwatch("run", "show", "1")
    assert result.exit_code == 0, result.output
    lines = dict(line.split(":", 1) for line in result.stdout.splitlines() if ":" in line)
    assert next_step in lines["Next"]
    assert lines["Run"].strip() == f"1 ({verb})"
    assert tuskwatch.json("run", "show", "1")["run"]["verb"] == verb


def test_a_retry_is_linked_both_ways(
    tuskwatch: Any, add: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.child.ensure_worker", lambda places: False)
    add("extract", "failed")
    assert tuskwatch.json("run", "retry", "1")["retry_of"] == 1
    assert tuskwatch.json("run", "show", "1")["run"]["retries"] == {"earlier": [], "later": [2]}
    assert tuskwatch.json("run", "show", "2")["run"]["retries"] == {"earlier": [1], "later": []}
    assert "Run 2 does it again; it is queued." in tuskwatch("run", "show", "1").stdout
    again = tuskwatch("run", "retry", "1")
    assert again.exit_code == 1  # busy, as with a crawl
    assert "Run 2 does that already" in again.stderr


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (("retry", "1"), "is not over: it is running"),
        (("pause", "1"), "done in one go and cannot be paused"),
        (("slow", "1"), "only a crawl can be slowed"),
        (("retry", "9"), "There is no run 9"),
    ],
)
def test_what_cannot_be_is_refused_with_code_2(
    tuskwatch: Any, add: Callable[..., int], command: tuple[str, ...], says: str
) -> None:
    add("report", "running")
    result = tuskwatch("run", *command)
    assert result.exit_code == 2
    assert says in " ".join(result.stderr.split())


def test_a_task_is_cancelled(tuskwatch: Any, add: Callable[..., int]) -> None:
    run_id = add("extract")
    assert "Run 1 is cancelled." in tuskwatch("run", "cancel", str(run_id)).stdout
    row = tuskwatch.json("run", "show", "1")["run"]
    assert row["state"] == "cancelled"
    assert json.dumps(row)


def test_the_coverage_and_proof_of_a_crawl_are_said(tuskwatch: Any) -> None:
    engine = open_engine(f"sqlite:///{tuskwatch.data}/tuskwatch.db")
    run_id = create_run(engine, verb="crawl", site_id=None, by="ana", reason="", settings={}, now=NOW)
    end_run(engine, run_id=run_id, state="done", message="", now=NOW)
    engine.dispose()
    text = tuskwatch("run", "show", str(run_id)).stdout
    assert "the site's own counts are not known" in text
    assert "none was kept" in text
