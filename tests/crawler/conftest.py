"""Fixtures of the crawl tests: a SOCKS port that plays Tor, a data folder with one site, and a process that fetches."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from sqlalchemy import Engine

from crawler.denyfile import write_empty
from storage.engine import open_engine, reading, upgrade
from storage.runs import create_run, find_run
from storage.sites import register_site
from storage.tables import Frontier, Issue, Page, Run

HERE = Path(__file__).parent
REPOSITORY = HERE.parent.parent


@dataclass
class Place:
    """A data folder with a database and one site, and the means to crawl it."""

    data: Path
    onion: str
    config: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.url = f"sqlite:///{self.data / 'tuskwatch.db'}"
        self.engine: Engine = open_engine(self.url)
        self.now = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)

    def write_site(self, **changes: Any) -> None:
        self.config = {
            "name": "oldport",
            "title": "Old Port Market",
            "addresses": [self.onion],
            "authorised": {"by": "A. Analyst", "on": "2026-10-01"},
            "pace": {"delay": 0, "in_flight": 4},
            "timeout": 10,
            "patience": {"wait": 0.05, "longest": 0.1, "dead_after": 0.3, "attempts": 3},
            "kinds": {
                "listing": [r"^/p/(?P<key>\d+)"],
                "search": ["^/c/"],
                "home": ["^/$"],
                "thread": ["^/t/"],
            },
            "skip": ["^/logout"],
        } | changes
        folder = self.data / "sites" / "oldport"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "site.yml").write_text(yaml.safe_dump(self.config))
        self.site_id = register_site(
            self.engine,
            name="oldport",
            title="Old Port Market",
            config_sha256="0" * 64,
            onions=self.config["addresses"],
            now=self.now,
        )

    def new_run(self) -> int:
        return create_run(
            self.engine,
            verb="crawl",
            site_id=self.site_id,
            by="test",
            reason="test",
            settings={},
            now=self.now,
        )

    def environment(self, socks: str) -> dict[str, str]:
        mine = {"TUSKWATCH_DATA": str(self.data), "TUSKWATCH_SOCKS": socks, "PYTHONPATH": str(REPOSITORY)}
        return {**os.environ, **mine, "PYTHONWARNINGS": "error"}

    def start(
        self, run: int, socks: str, *, wrap: tuple[str, ...] = (sys.executable, "-m", "crawler")
    ) -> Any:
        return subprocess.Popen(
            [*wrap, str(run)],
            env=self.environment(socks),
            cwd=self.data,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def crawl(
        self, socks: str, *, run: int | None = None, wrap: tuple[str, ...] = (sys.executable, "-m", "crawler")
    ) -> Crawled:
        number = self.new_run() if run is None else run
        process = self.start(number, socks, wrap=wrap)
        out, err = process.communicate(timeout=120)
        return Crawled(number, process.returncode, out, err)

    def pages(self) -> list[Page]:
        with reading(self.engine) as session:
            return list(session.query(Page).order_by(Page.id))

    def issues(self) -> list[Issue]:
        with reading(self.engine) as session:
            return list(session.query(Issue).order_by(Issue.id))

    def frontier(self) -> list[Frontier]:
        with reading(self.engine) as session:
            return list(session.query(Frontier).order_by(Frontier.id))

    def run(self, number: int) -> Run:
        with reading(self.engine) as session:
            run = find_run(session, number)
        assert run is not None
        return run

    def log(self, number: int) -> str:
        return (self.data / "runs" / f"{number}.log").read_text()


@dataclass(frozen=True)
class Crawled:
    run: int
    code: int
    out: str
    err: str


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("database") / "tuskwatch.db"
    upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture
def place(tmp_path: Path, empty_database: Path, stub: ModuleType) -> Iterator[Place]:
    """A data folder whose site is an onion of nobody, with a fast pace."""
    data = tmp_path / "data"
    data.mkdir()
    for path in empty_database.parent.glob("tuskwatch.db*"):
        shutil.copy(path, data)
    write_empty(data)
    made = Place(data, stub.make_onion("oldport"))
    made.write_site()
    yield made
    made.engine.dispose()


@dataclass
class Fetcher:
    """A process that runs the download handler alone: requests go in as JSON lines, results come out."""

    process: Any

    def __call__(self, url: str, socks: str, **more: Any) -> dict[str, Any]:
        """One request. more: timeout, max_size, site, account, run, headers, method, isolation (False: none)."""
        self.process.stdin.write(json.dumps({"url": url, "socks": socks, **more}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, "the fetching process died"
        result: dict[str, Any] = json.loads(line)
        return result


@pytest.fixture(scope="session")
def fetch() -> Iterator[Callable[..., dict[str, Any]]]:
    process = subprocess.Popen(
        [sys.executable, "-W", "error", str(HERE / "fetching.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )
    yield Fetcher(process)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.close()
    try:
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait(20)
        process.stdout.close()
