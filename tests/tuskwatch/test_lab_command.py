"""`tuskwatch lab` for the hard lab: its options, its commands, and the status as JSON."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from lab.network import LabStatus
from lab.state import SiteState


@pytest.mark.parametrize(
    "option", ["--queue-seconds", "--session-seconds", "--outages", "--break-after", "--delay"]
)
def test_what_only_a_hard_lab_has_is_refused_without_it(tuskwatch: Any, option: str) -> None:
    result = tuskwatch("lab", "up", option, "1")
    assert result.exit_code == 2
    assert "need --hard" in " ".join(result.output.replace("│", " ").split())


def test_the_options_reach_the_lab(tuskwatch: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []

    def start(**given: Any) -> None:
        asked.append(given)
        raise SystemExit(0)

    monkeypatch.setattr("lab.network.start_lab", start)
    tuskwatch("lab", "up", "--hard", "--queue-seconds", "0.5", "--outages", "0")
    tuskwatch("lab", "up")
    hard, plain = asked
    assert (hard["hard"].queue, hard["hard"].outages, hard["hard"].session) == (0.5, 0, 3600)
    assert hard["listings"] == 240
    assert (plain["hard"], plain["listings"]) == (None, 1500)


@pytest.mark.parametrize("verb", ["break", "change", "seize", "logout"])
def test_a_command_for_a_hard_lab_names_the_way_to_one(tuskwatch: Any, verb: str) -> None:
    result = tuskwatch("lab", verb, "oldport")
    assert result.exit_code == 1
    assert "lab up --hard" in result.output


def test_the_status_of_a_running_hard_lab_is_json(
    tuskwatch: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = {"requests": 3, "kinds": {"queue": 3}, "circuits": 1, "killed": {}, "barred": 0, "peak_rate": 2}
    status = LabStatus(
        True, "running", 100, tmp_path, None, 1, 2, (SiteState("oldport", "Old Port", "x.onion", 3, 9),), {},
        datetime(2026, 11, 22, tzinfo=UTC), 21, 240, date(2026, 11, 22), {"options": {}, "sites": {"oldport": counts}},
    )  # fmt: skip
    monkeypatch.setattr("lab.network.lab_status", lambda folder: status)
    found = tuskwatch.json("lab", "status")
    assert (found["today"], found["hard"]["sites"]["oldport"]) == ("2026-11-22", counts)
    assert "queue 3" in tuskwatch("lab", "status").stdout
