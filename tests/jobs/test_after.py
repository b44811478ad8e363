"""What follows the reading of a run: trouble in one step becomes an issue and keeps the others from nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

import crawler.coverage
import jobs.mirrors
from jobs.child import _look_after
from jobs.places import Places
from jobs.runs import start_crawl
from storage.engine import open_engine, reading
from storage.issues import find_issues
from storage.tables import Issue


def look_after(places: Places) -> list[Issue]:
    run_id = start_crawl(places, "oldport", by="ana", reason="by hand", now=datetime.now(UTC))
    _look_after(places, run_id)
    engine = open_engine(places.database_url)
    with reading(engine) as session:
        found = find_issues(session, run_id=run_id)
    engine.dispose()
    return found


def test_a_run_without_trouble_leaves_no_issue(places: Places) -> None:
    assert look_after(places) == []


def test_a_wrong_file_of_expectations_is_an_issue_and_the_other_steps_are_done(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    def note(name: str) -> Any:
        return lambda *_, **__: done.append(name)

    monkeypatch.setattr(crawler.coverage, "measure_coverage", note("coverage"))
    monkeypatch.setattr(jobs.mirrors, "propose_mirrors", note("mirrors"))
    path = places.sites / "oldport" / "expected.yml"
    path.write_text("pages: {mni: 3}\n")
    (issue,) = look_after(places)
    assert (issue.kind, issue.level) == ("after-limits", "fail")
    assert f"{path}, line 1: pages.mni: is not known here" in issue.message
    assert sorted(done) == ["coverage", "mirrors"]
