"""`tuskwatch retention` and `tuskwatch hold` as a person types them, and what a removed page says afterwards."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from typer.testing import CliRunner

from storage.engine import open_engine, reading
from storage.pages import Fetched, store_page
from storage.runs import create_run, end_run, start_run
from storage.sites import register_site
from storage.tables import Audit, Page
from tuskwatch.cli import app

OLD = datetime.now(UTC) - timedelta(days=400)


def run(data: Path, *words: str) -> Any:
    return CliRunner().invoke(app, ["--data", str(data), *words])


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    assert run(folder, "init").exit_code == 0
    return folder


def fill(data: Path) -> None:
    """Four pages of a sweep that is done, a year old, none of them an ad; the newest row always stays."""
    engine = open_engine(f"sqlite:///{data}/tuskwatch.db")
    onion = "a" * 56 + ".onion"
    site_id = register_site(
        engine, name="oldport", title="Oldport", config_sha256="0" * 64, onions=[onion], now=OLD
    )
    run_id = create_run(engine, verb="crawl", site_id=site_id, by="ana", reason="", settings={}, now=OLD)
    start_run(engine, run_id=run_id, worker="w", pid=None, now=OLD)
    for number in range(4):
        page = Fetched(
            site_id=site_id, run_id=run_id, frontier_id=None, attempt=1, hop=0, url=f"http://{onion}/{number}",
            method="GET", request_headers=(), requested_at=OLD, status=404, reason="", response_headers=(),
            received_at=OLD, body=f"nothing {number}".encode(), content_type="text/html", content_encoding="",
            circuit_token="0" * 64,
        )  # fmt: skip
        store_page(engine, page, now=OLD)
    end_run(engine, run_id=run_id, state="done", message="", now=OLD)
    engine.dispose()


def count_pages(data: Path) -> int:
    engine = open_engine(f"sqlite:///{data}/tuskwatch.db")
    with reading(engine) as session:
        count = session.scalar(select(func.count()).select_from(Page)) or 0
    engine.dispose()
    return count


def test_without_rules_nothing_is_removed(data: Path) -> None:
    fill(data)
    answer = run(data, "retention")
    assert answer.exit_code == 0, answer.output
    assert count_pages(data) == 4


def test_a_dry_run_changes_nothing_and_the_real_one_does_what_it_said(data: Path) -> None:
    fill(data)
    (data / "retention.yml").write_text("pages: {keep: 90 days}\n")
    said = json.loads(run(data, "retention", "--dry-run", "--json").stdout)
    assert count_pages(data) == 4
    answer = run(data, "retention", "--json")
    assert answer.exit_code == 0, answer.output
    done = json.loads(answer.stdout)
    assert done["pages"] == said["pages"] == 4 - count_pages(data) > 0
    engine = open_engine(f"sqlite:///{data}/tuskwatch.db")
    with reading(engine) as session:
        assert "retention" in " ".join(session.scalars(select(Audit.action)))
    engine.dispose()


def test_rules_that_cannot_be_are_refused_in_words(data: Path) -> None:
    (data / "retention.yml").write_text("pages: {keep: 2 days}\n")
    answer = run(data, "retention", "--dry-run")
    assert answer.exit_code != 0
    assert "30" in answer.output


def test_what_is_on_hold_stays_until_it_is_lifted(data: Path) -> None:
    fill(data)
    (data / "retention.yml").write_text("pages: {keep: 90 days}\n")
    assert run(data, "hold", "add", "site", "oldport", "--reason", "case 12").exit_code == 0
    assert run(data, "retention").exit_code == 0
    assert count_pages(data) == 4
    assert "case 12" in run(data, "hold", "list").output
    assert run(data, "hold", "lift", "1", "--reason", "closed").exit_code == 0
    assert run(data, "retention").exit_code == 0
    assert count_pages(data) < 4


@pytest.mark.parametrize(
    "words",
    [
        ("add", "page", "7", "--reason", "x"),
        ("add", "planet", "1", "--reason", "x"),
        ("lift", "7", "--reason", "x"),
    ],
)
def test_a_hold_on_what_is_not_there_is_refused(data: Path, words: tuple[str, ...]) -> None:
    answer = run(data, "hold", *words)
    assert answer.exit_code != 0
    assert answer.exception is None or isinstance(answer.exception, SystemExit)
