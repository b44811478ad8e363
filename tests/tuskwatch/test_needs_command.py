"""`tuskwatch needs` and `tuskwatch notice` as a person types them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from storage.engine import open_engine, reading
from storage.issues import raise_issue
from storage.needs import find_open_issues
from storage.notices import NewNotice, add_notices, find_due, settle_notices, take_notices
from storage.tables import Audit
from tuskwatch.cli import app


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    assert run(folder, "init").exit_code == 0
    return folder


def run(data: Path, *words: str) -> Any:
    return CliRunner().invoke(app, ["--data", str(data), *words])


def write(data: Path, text: str, *, mode: int = 0o600) -> None:
    (data / "notices.yml").write_text(text)
    (data / "notices.yml").chmod(mode)


def add_issue(data: Path) -> int:
    engine = open_engine(f"sqlite:///{data}/tuskwatch.db")
    issue = raise_issue(
        engine,
        site_id=None,
        run_id=None,
        page_id=None,
        kind="canary",
        level="fail",
        message="a \x1b[31mleak to http://abc.onion/",
        now=datetime.now(UTC),
    )
    engine.dispose()
    return issue


def test_needs_are_listed_and_closed(data: Path) -> None:
    issue = add_issue(data)
    shown = run(data, "needs", "list", "--kind", "tor")
    assert shown.exit_code == 0
    assert "The canary ended a crawl" in " ".join(shown.stdout.split())
    assert "hxxp://abc[.]onion/" in shown.stdout
    assert "\x1b" not in shown.stdout
    (need,) = json.loads(run(data, "needs", "list", "--kind", "tor", "--json").stdout)
    assert (need["level"], need["issue"], need["link"]) == ("now", issue, "/needs")
    assert f"tuskwatch needs close {issue}" in need["what_to_do"]
    closed = run(data, "needs", "close", str(issue), "--note", "mended")
    assert closed.stdout == "Closed 1 issue.\n"
    assert json.loads(run(data, "needs", "list", "--kind", "tor", "--json").stdout) == []
    assert run(data, "needs", "close", str(issue)).stdout == "It was closed already.\n"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("needs", "list", "--kind", "nonsense"), "There is no kind"),
        (("needs", "close", "999"), "There is no issue 999"),
        (("notice", "list", "--state", "nonsense"), "is no state of a notice"),
        (("notice", "test", "mail"), "There is no channel mail"),
        (("notice", "retry", "999"), "Notice 999 is not one"),
    ],
)
def test_what_is_not_there_is_said(data: Path, words: tuple[str, ...], says: str) -> None:
    found = run(data, *words)
    assert found.exit_code == 2
    assert says in found.stderr


def test_the_check_names_the_line_and_ends_with_1(data: Path) -> None:
    assert "nobody is told anything" in run(data, "notice", "check").stdout
    write(data, "feed: {}\n")
    assert run(data, "notice", "check").exit_code == 0
    write(data, "feed: {}\nsms: {}\n")
    wrong = run(data, "notice", "check", "--json")
    assert wrong.exit_code == 1
    assert "line 2: sms" in json.loads(wrong.stdout)[0]["problem"]
    write(data, "feed: {}\n", mode=0o644)
    assert "chmod 600" in " ".join(run(data, "notice", "check").stdout.split())


def test_a_trial_that_does_not_arrive_ends_with_1_and_is_recorded(data: Path) -> None:
    write(data, "webhook: {url: 'http://127.0.0.1:1/'}\n")
    found = run(data, "notice", "test", "webhook")
    assert found.exit_code == 1
    assert "Not delivered: 127.0.0.1:1 cannot be reached" in found.stderr
    engine = open_engine(f"sqlite:///{data}/tuskwatch.db")
    with reading(engine) as session:
        (row,) = [row for row in session.query(Audit) if row.action == "notice.test"]
    engine.dispose()
    assert (row.subject, row.detail) == ("channel webhook", {"delivered": False})


def test_undelivered_notices_are_listed_and_tried_again(data: Path) -> None:
    engine, now = open_engine(f"sqlite:///{data}/tuskwatch.db"), datetime.now(UTC)
    add_notices(
        engine, "mail", [NewNotice("gate", "run 12", "now", "run 12 waits for a person", now)], now=now
    )
    with reading(engine) as session:
        ids = [row.id for row in find_due(session, "mail", now=now)]
    settle_notices(engine, take_notices(engine, ids, now=now), sent=False, error="said 451", now=now)
    with reading(engine) as session:
        assert find_open_issues(session) == []
    engine.dispose()
    (row,) = json.loads(run(data, "notice", "list", "--state", "waiting", "--json").stdout)
    assert (row["text"], row["tries"], row["error"]) == ("run 12 waits for a person", 1, "said 451")
    assert "said 451" in run(data, "notice", "list").stdout
    assert json.loads(run(data, "notice", "retry", "--json").stdout) == {"retried": 1}
    assert run(data, "notice", "retry").stdout == "Nothing waits to be sent again.\n"
