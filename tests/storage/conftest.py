"""Databases for the storage tests: every test that asks for `engine` runs on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import hashlib
import itertools
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, event, text

from storage.base import Base
from storage.engine import find_head, open_engine, reading, upgrade
from storage.frontier import Link
from storage.pages import Fetched, store_page
from storage.readings import ReadingRow, store_readings
from storage.runs import create_run, end_run, start_run
from storage.scores import ScoreRow, store_scores
from storage.sites import register_site
from storage.users import add_user

_numbers = itertools.count()
NOW = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)


@pytest.fixture(scope="session")
def migrated_postgresql(postgresql_server: str) -> str:
    """The URL of a database at the newest schema, emptied before each test."""
    _create_database(postgresql_server, "migrated")
    upgrade(f"{postgresql_server}/migrated")
    return f"{postgresql_server}/migrated"


def _empty(url: str) -> None:
    """Take all rows out, past the triggers that forbid just that; a new database for each test takes far longer."""
    engine = create_engine(url)
    tables = ", ".join(f'"{name}"' for name in Base.metadata.tables)
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text(f"TRUNCATE {tables} RESTART IDENTITY CASCADE"))
        # A test that plays the tamperer switches them off.
        connection.execute(text("ALTER TABLE audit ENABLE TRIGGER USER"))
        connection.execute(text("UPDATE alembic_version SET version_num = :head"), {"head": find_head()})
    engine.dispose()


def _create_database(server: str, name: str) -> None:
    admin = create_engine(f"{server}/postgres", isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    admin.dispose()


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pattern") / "pattern.db"
    upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database without any tables."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'folder' / 'tuskwatch.db'}"
    server: str = request.getfixturevalue("postgresql_server")
    name = f"empty_{next(_numbers)}"
    _create_database(server, name)
    return f"{server}/{name}"


@pytest.fixture
def emptied_postgresql(migrated_postgresql: str) -> Callable[[], str]:
    """Empties the database and gives its URL, as often as a test wants."""

    def empty() -> str:
        _empty(migrated_postgresql)
        return migrated_postgresql

    return empty


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database at the newest schema with no rows."""
    if request.param == "sqlite":
        path = tmp_path / "tuskwatch.db"
        shutil.copy(request.getfixturevalue("migrated_sqlite"), path)
        return f"sqlite:///{path}"
    url: str = request.getfixturevalue("migrated_postgresql")
    _empty(url)
    return url


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    engine = open_engine(url)
    if engine.dialect.name == "sqlite":
        # Waiting for the disk is tested by test_kill.py; here it would only take time.
        event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous = OFF"))
    yield engine
    engine.dispose()


class Store:
    """A database and short ways to put invented rows in it."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.now = NOW

    def site(self, name: str = "oldport") -> int:
        return register_site(
            self.engine,
            name=name,
            title=name.title(),
            config_sha256="0" * 64,
            onions=["a" * 56 + ".onion"],
            now=self.now,
        )

    def run(self, site_id: int, *, start: bool = True) -> int:
        run_id = create_run(
            self.engine, verb="crawl", site_id=site_id, by="ana", reason="by hand", settings={}, now=self.now
        )
        if start:
            start_run(self.engine, run_id=run_id, worker="w1", pid=1, now=self.now)
        return run_id

    def end(self, run_id: int, state: str = "done") -> None:
        end_run(self.engine, run_id=run_id, state=state, message="", now=self.now)

    def fetched(self, site_id: int, run_id: int, **changes: Any) -> Fetched:
        body = changes.get("body", b"<html>hello</html>")
        plain = Fetched(
            site_id=site_id,
            run_id=run_id,
            frontier_id=None,
            attempt=1,
            hop=0,
            url="http://" + "a" * 56 + ".onion/p/1",
            method="GET",
            request_headers=(("Host", "a" * 56 + ".onion"),),
            requested_at=self.now,
            status=200,
            reason="OK",
            response_headers=(("Content-Type", "text/html"),),
            received_at=self.now + timedelta(seconds=1),
            body=body,
            content_type="text/html",
            content_encoding="",
            circuit_token="c" * 64,
        )
        return replace(plain, **changes)

    def page(self, site_id: int, run_id: int, **changes: Any) -> int:
        return store_page(self.engine, self.fetched(site_id, run_id, **changes), now=self.now)

    def link(self, path: str, priority: int = 0, depth: int = 0) -> Link:
        return Link(f"http://site{path}", hashlib.sha256(path.encode()).hexdigest(), depth, priority)

    def row(self, page_id: int, site_id: int, run_id: int, **changes: Any) -> ReadingRow:
        title = changes.get("title", "Carved figure")
        description = changes.get("description", "Old family piece.")
        seller = changes.get("seller", "grey_heron")
        content = hashlib.sha256("|".join((title, description, seller)).encode()).hexdigest()
        plain = ReadingRow(
            page_ids=(page_id,),
            site_id=site_id,
            run_id=run_id,
            reader_version="r1",
            kind="listing",
            confidence=0.9,
            title=title,
            description=description,
            fields={"title": {"value": title, "raw": title, "where": "h1", "sure": 1.0}},
            leftovers=[],
            content_sha256=content,
            key="1",
            source="listing",
            url="http://site/p/1",
            seller=seller,
            seen_at=self.now,
        )
        return replace(plain, **changes)

    def listing(self, site_id: int, run_id: int, key: str, **changes: Any) -> tuple[int, int]:
        """A listing of its own, by way of a page and a reading; its id and its reading's."""
        page_id = self.page(site_id, run_id, url=f"http://site/p/{key}")
        changes = {"title": f"Item {key}", "key": key, **changes}
        store_readings(self.engine, [self.row(page_id, site_id, run_id, **changes)], now=self.now)
        with reading(self.engine) as session:
            found = session.execute(
                text("SELECT listing_id, reading_id FROM sighting WHERE page_id = :page"), {"page": page_id}
            ).one()
        return int(found[0]), int(found[1])

    def score(
        self, reading_id: int, *, flagged: bool = True, model: str = "m1", zone: str = "", **groups: float
    ) -> None:
        row = ScoreRow(
            reading_id=reading_id,
            model_version=model,
            ivory=groups.get("ivory", 0.0),
            rhino_horn=groups.get("rhino_horn", 0.0),
            tiger=groups.get("tiger", 0.0),
            thresholds={"ivory": 0.5, "rhino_horn": 0.5, "tiger": 0.5},
            flagged=flagged,
            reasons={},
            zone=zone,
        )
        store_scores(self.engine, [row], now=self.now)

    def user(self, name: str = "ana", role: str = "reviewer") -> int:
        return add_user(
            self.engine,
            name=name,
            password_hash="hash",
            role=role,
            must_change=False,
            by="test",
            now=self.now,
        )


@pytest.fixture
def store(engine: Engine) -> Store:
    return Store(engine)
