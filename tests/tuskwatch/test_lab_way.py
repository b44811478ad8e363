"""The whole way over a real Tor network on this machine: crawl, kill, go on, pause, resume, report, and nothing left."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from storage.engine import open_engine, reading
from storage.runs import find_run
from storage.tables import Page

pytestmark = [pytest.mark.tor, pytest.mark.timeout(600)]


def run(data: Path, *arguments: str, expect: int = 0) -> Any:
    """One command in a process of its own; its JSON."""
    done = subprocess.run(
        [sys.executable, "-m", "tuskwatch", "--data", str(data), *arguments, "--json"],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == expect, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("lab") / "data"
    run(folder, "init")
    run(folder, "lab", "up", "--listings", "200")
    try:
        yield folder
    finally:
        assert run(folder, "lab", "down") == {"was_running": True}
        assert not (folder / "tor.yml").exists()
        assert list((folder / "sites").glob("*/site.yml")) == []


def wait_for(data: Path, run_id: int, ready: Callable[[Any], bool]) -> Any:
    engine = open_engine(f"sqlite:///{data}/tuskwatch.db")
    end = time.monotonic() + 120
    try:
        while True:
            with reading(engine) as session:
                row = find_run(session, run_id)
                assert row is not None
                if ready(row):
                    return row
            assert time.monotonic() < end, f"run {run_id} is {row.state}: {row.message}"
            time.sleep(0.05)
    finally:
        engine.dispose()


@contextmanager
def slowed(data: Path, site: str) -> Iterator[None]:
    """So slow a pace that a command is surely in time, on any machine."""
    file = data / "sites" / site / "site.yml"
    text = file.read_text("utf-8")
    slow = {**yaml.safe_load(text), "pace": {"delay": 0.15, "jitter": 0, "in_flight": 1}}
    file.write_text(yaml.safe_dump(slow, allow_unicode=True), "utf-8")
    try:
        yield
    finally:
        file.write_text(text, "utf-8")


def test_a_killed_crawl_goes_on_and_a_paused_one_too(data: Path) -> None:
    with slowed(data, "lanternrow"):
        (first,) = run(data, "crawl", "lanternrow", "--no-wait")["runs"]
        row = wait_for(data, first["id"], lambda row: row.pages >= 20 and row.pid is not None)
        os.kill(row.pid, signal.SIGKILL)
        wait_for(data, first["id"], lambda row: row.state == "lost")

        (second,) = run(data, "crawl", "lanternrow", "--no-wait")["runs"]
        wait_for(data, second["id"], lambda row: row.state == "running" and row.pages >= 20)
        run(data, "run", "pause", str(second["id"]))
        paused = run(data, "run", "show", str(second["id"]), "--wait", expect=3)["run"]
        assert paused["state"] == "paused"

    run(data, "run", "resume", str(second["id"]))
    done = run(data, "run", "show", str(second["id"]), "--wait")["run"]
    assert (done["state"], done["sweep_id"]) == ("done", first["id"])
    assert done["pages"] > paused["pages"]

    engine = open_engine(f"sqlite:///{data}/tuskwatch.db")
    with reading(engine) as session:
        fetches = Counter((page.frontier_id, page.attempt, page.hop) for page in session.query(Page))
    engine.dispose()
    assert max(fetches.values()) == 1


def test_site_check_reaches_the_lab(data: Path) -> None:
    found = run(data, "site", "check", "backroom", "--reach")
    assert [address["state"] for address in found["addresses"]] == ["alive"]


def test_extract_and_classify_after_a_crawl_find_nothing_left(data: Path) -> None:
    run(data, "crawl", "backroom")
    assert run(data, "extract")["pages"] == 0
    assert run(data, "classify")["scored"] == 0


def test_the_demo_finds_what_the_lab_hides(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tuskwatch", "demo", "--folder", str(tmp_path), "--listings", "100", "--json"],
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert {group["name"]: group["known"] for group in result["groups"]} == {
        "ivory": 8,
        "rhino_horn": 15,
        "tiger": 3,
    }
    assert (result["overall"]["known"], result["problems"]) == (21, [])
    assert result["overall"]["found"] > 0
    assert {path.name for path in Path(result["report"]).iterdir()} >= {
        "report.html",
        "report.pdf",
        "report.csv",
    }
    assert (tmp_path / "last").resolve() == Path(result["data"]).resolve()
    assert not (tmp_path / "last" / "tor.yml").exists()
    assert not (tmp_path / "last" / "lab").exists()
