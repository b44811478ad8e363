"""What a site says can neither drive the terminal nor be taken for markup; defects of ours are not hidden."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from sqlalchemy.exc import OperationalError

from jobs.errors import JobError, UsageError
from storage.errors import SchemaError
from tuskwatch.output import explain_error, say, show_json, show_table, show_text

HOSTILE = "\x1b[2J[bold]tusk[/bold]\u202e\x07"
TAMED = "\ufffd[2J[bold]tusk[/bold]\ufffd\ufffd"


def test_hostile_text_is_shown_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    show_text(HOSTILE)
    say(HOSTILE)
    show_table(("Title",), [(HOSTILE,)])
    out, err = capsys.readouterr()
    assert err.strip() == TAMED
    assert out.splitlines()[0] == TAMED
    assert TAMED in out.splitlines()[-2]


def test_json_is_exact(capsys: pytest.CaptureFixture[str]) -> None:
    show_json({"text": HOSTILE, "price": Decimal("1.10"), "at": datetime(2026, 11, 22, tzinfo=UTC)})
    assert json.loads(capsys.readouterr().out) == {
        "text": HOSTILE,
        "price": "1.10",
        "at": "2026-11-22T00:00:00+00:00",
    }


def test_a_table_in_a_file_keeps_long_cells_whole(capsys: pytest.CaptureFixture[str]) -> None:
    show_table(("A", "B"), [("x" * 90, "y" * 60)])
    out = capsys.readouterr().out
    assert "x" * 90 in out
    assert "y" * 60 in out


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (UsageError("no such site"), "no such site"),
        (JobError("no worker"), "no worker"),
        (SchemaError("run init"), "run init"),
        (
            FileNotFoundError(2, "No such file or directory", "/x"),
            "No such file or directory: /x. Check the path",
        ),
        (OperationalError("SELECT 1", {}, Exception("locked")), "The database cannot be used: locked"),
    ],
)
def test_what_a_person_can_do_something_about_is_a_sentence(error: Exception, sentence: str) -> None:
    assert (explain_error(error) or "").startswith(sentence)


@pytest.mark.parametrize("error", [KeyError("x"), ZeroDivisionError(), AssertionError()])
def test_a_defect_of_ours_is_not_dressed_up(error: Exception) -> None:
    assert explain_error(error) is None
