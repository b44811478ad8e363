"""A backup is made while another process stores pages, and restored where there was nothing: every row and byte is there.

On SQLite and on a real PostgreSQL, the queue's tables too.
"""

from __future__ import annotations

import hashlib
import itertools
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, MetaData, Table, create_engine, inspect, select, text

from jobs.backup import back_up, restore, verify_backup, verify_live
from jobs.backupfiles import read_manifest
from jobs.engine import open_client
from jobs.errors import UsageError
from jobs.places import Places
from jobs.runs import enqueue_run
from storage import audit
from storage.engine import check_schema, downgrade, find_head, open_engine, reading, transaction, upgrade
from storage.pages import find_page, read_body
from storage.runs import create_run
from storage.sites import register_site
from storage.tables import Page, Report, Run, Site, Worker
from storage.workers import enter_worker

_numbers = itertools.count()

WRITER = """
import random, sys
from datetime import UTC, datetime
from storage.engine import open_engine
from storage.pages import Fetched, store_page
from storage.runs import create_run, start_run

now = datetime(2026, 11, 2, tzinfo=UTC)
engine = open_engine(sys.argv[1])
run = create_run(engine, verb="crawl", site_id=int(sys.argv[2]), by="test", reason="", settings={}, now=now)
start_run(engine, run_id=run, worker="w", pid=None, now=now, fence=True)
for number in range(100_000):
    body = random.Random(number).randbytes(20_000)
    store_page(engine, Fetched(
        site_id=int(sys.argv[2]), run_id=run, frontier_id=None, attempt=1, hop=0, url=f"http://site/{number}",
        method="GET", request_headers=(), requested_at=now, status=200, reason="OK", response_headers=(),
        received_at=now, body=body, content_type="text/html", content_encoding="", circuit_token=""), now=now)
    print(number, flush=True)
"""


class Writer:
    """A process that stores pages without end, and tells of each."""

    def __init__(self, url: str, site_id: int, repository: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", WRITER, url, str(site_id)],
            cwd=repository,
            stdout=subprocess.PIPE,
            text=True,
        )

    def wait_for_page(self) -> int:
        assert self.process.stdout is not None
        return int(self.process.stdout.readline())

    def stop(self) -> int:
        """How many pages it told of that nobody had read yet."""
        self.process.terminate()
        told, _ = self.process.communicate()
        return len(told.split())


@pytest.fixture
def fresh_url(request: pytest.FixtureRequest, empty_url: str, tmp_path: Path) -> str:
    """A second database of the same kind without any tables."""
    if empty_url.startswith("sqlite"):
        return f"sqlite:///{tmp_path / 'restored' / 'tuskwatch.db'}"
    server: str = request.getfixturevalue("postgresql_server")
    admin = create_engine(f"{server}/postgres", isolation_level="AUTOCOMMIT")
    name = f"restored_{next(_numbers)}"
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    admin.dispose()
    return f"{server}/{name}"


def make_places(data: Path, url: str) -> Places:
    data.mkdir(parents=True, exist_ok=True)
    engine = url if url.startswith("postgres") else f"sqlite:///{data / 'engine.db'}"
    return Places(data=data, database_url=url, engine_url=engine, models=data / "none")


@pytest.fixture
def places(empty_url: str, tmp_path: Path) -> Places:
    """An installation with files of all kinds and a run on the queue."""
    upgrade(empty_url)
    data = tmp_path / "folder"
    places = make_places(data, empty_url)
    for path, content in (
        ("sites/oldport/site.yml", "name: oldport\n"),
        ("sites/oldport/samples/001/page.html", "<p>ünïcode</p>"),
        ("reports/1/report.html", "<p>report</p>"),
        ("deny.yml", "terms: []\n"),
        ("notices.yml", "{}\n"),
        ("workers/one.lock", ""),
        ("tor/keys/secret", "never"),
        ("runs/1.log", "a line\n"),
    ):
        (data / path).parent.mkdir(parents=True, exist_ok=True)
        (data / path).write_text(content, encoding="utf-8")
    return places


@pytest.fixture
def engine(places: Places) -> Iterator[Engine]:
    engine = open_engine(places.database_url)
    yield engine
    engine.dispose()


def fill(store: Any, places: Places) -> int:
    """Rows in many tables; the id of the site."""
    site_id: int = store.site()
    run_id = store.run(site_id)
    for number in range(30):
        _, reading_id = store.listing(site_id, run_id, str(number), description=f"Ж {number} \\ \t tab\nline")
        store.score(reading_id, ivory=number / 30)
    store.page(site_id, run_id, body=bytes(range(256)) * 20, url="http://site/bytes")
    store.page(site_id, run_id, body=b"", url="http://site/empty")
    store.end(run_id)
    store.user()
    sha256 = hashlib.sha256((places.data / "reports/1/report.html").read_bytes()).hexdigest()
    with transaction(store.engine) as session:
        session.add(
            Report(
                period_from=store.now, period_to=store.now, folder="reports/1", files={"report.html": sha256}, figures={"n": 1},
                by="ana", created_at=store.now,
            )
        )  # fmt: skip
    enter_worker(
        store.engine, name="w1", host="h", pid=1, version="0", labels=["eu"], crawls=4, now=store.now
    )
    waiting = store.run(site_id, start=False)
    with open_client(places) as client:
        enqueue_run(client, waiting, site="oldport")
    return site_id


def read_tables(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables of all schemas, in the order of their keys."""
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    found = {}
    with engine.connect() as connection:
        looked = inspect(connection)
        schemas = [None] + (["dbos"] if "dbos" in looked.get_schema_names() else [])
        for schema in schemas:
            for name in looked.get_table_names(schema=schema):
                table = Table(name, MetaData(), schema=schema, autoload_with=connection)
                rows = [tuple(row) for row in connection.execute(select(table))]
                found[f"{schema or ''}.{name}"] = sorted(rows, key=repr)
    engine.dispose()
    return found


@pytest.mark.timeout(120)
def test_every_row_and_byte_comes_back(store: Any, places: Places, fresh_url: str, tmp_path: Path) -> None:
    site_id = fill(store, places)
    running, backup_run = store.run(site_id), store.run(site_id)
    folder = back_up(places, to=tmp_path / "backups", now=store.now, by="ana", run_id=backup_run)
    assert [check.words for check in verify_backup(folder) if not check.ok] == []
    there = make_places(tmp_path / "restored", fresh_url)

    done = restore(there, folder, now=store.now + timedelta(days=1), by="ana")

    assert [check.words for check in done.checks if not check.ok] == []
    assert done.lost == [running]
    compare(places, there)
    compare_bodies(places, there)
    for path in (
        "sites/oldport/site.yml",
        "sites/oldport/samples/001/page.html",
        "reports/1/report.html",
        "deny.yml",
    ):
        assert (there.data / path).read_bytes() == (places.data / path).read_bytes()
    assert not (there.data / "tor").exists()
    assert list((there.data / "workers").iterdir()) == []
    assert [check.words for check in verify_live(there, since=folder) if not check.ok] == []


@pytest.mark.timeout(120)
def test_a_backup_of_an_older_schema_is_brought_up_to_date(
    store: Any, places: Places, fresh_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site_id = store.site()
    run_id = store.run(site_id)
    store.listing(site_id, run_id, "1", description="Ж")
    store.page(site_id, run_id, body=b"a body", url="http://site/1")
    downgrade(places.database_url, "0005")
    with monkeypatch.context() as then:
        then.setattr("storage.engine._find_schemas", lambda: ["0001", "0002", "0003", "0004", "0005"])
        folder = back_up(places, to=tmp_path / "backups", now=store.now, by="ana")
    assert read_manifest(folder)[0].revision == "0005"
    there = make_places(tmp_path / "restored", fresh_url)

    done = restore(there, folder, now=store.now + timedelta(days=1), by="ana")

    assert [check.words for check in done.checks if not check.ok] == []
    assert done.schema == find_head()
    engine = open_engine(there.database_url)
    check_schema(engine)
    with reading(engine) as session:
        assert [page.url for page in session.scalars(select(Page).order_by(Page.id))][-1] == "http://site/1"
        assert audit.verify(session) == []
    engine.dispose()


@pytest.mark.postgres
@pytest.mark.timeout(120)
def test_a_queue_in_a_database_of_its_own_comes_back_into_one(postgresql_server: str, tmp_path: Path) -> None:
    """The queue apart from the data, there and here; and, where the new place keeps both together, begun anew."""
    admin = create_engine(f"{postgresql_server}/postgres", isolation_level="AUTOCOMMIT")
    names = [f"apart_{next(_numbers)}" for _ in range(5)]
    with admin.connect() as connection:
        for name in names:
            connection.execute(text(f"CREATE DATABASE {name}"))
    admin.dispose()
    urls = [f"{postgresql_server}/{name}" for name in names]
    upgrade(urls[0])
    before = replace(make_places(tmp_path / "data", urls[0]), engine_url=urls[1])
    engine = open_engine(urls[0])
    now = datetime(2026, 11, 22, 12, tzinfo=UTC)
    site_id = register_site(
        engine, name="oldport", title="Oldport", config_sha256="0" * 64, onions=[], now=now
    )
    waiting = create_run(engine, verb="crawl", site_id=site_id, by="ana", reason="", settings={}, now=now)
    with open_client(before) as client:
        enqueue_run(client, waiting, site="oldport")
    engine.dispose()
    folder = back_up(before, to=tmp_path / "backups", now=now, by="ana")
    assert [check.words for check in verify_backup(folder) if not check.ok] == []
    later = now + timedelta(days=1)

    after = replace(make_places(tmp_path / "apart", urls[2]), engine_url=urls[3])
    assert "came back" in restore(after, folder, now=later, by="ana").queue
    assert read_tables(after.engine_url) == read_tables(before.engine_url)
    with open_client(after) as client:
        assert [row.workflow_id for row in client.list_workflows(status=["ENQUEUED"])] != []

    together = make_places(tmp_path / "together", urls[4])
    assert "begins anew" in restore(together, folder, now=later, by="ana").queue


def compare(before: Places, after: Places) -> None:
    """Row by row; what a restore settles (who worked is gone, what was under way is lost) by what it should have become."""
    old, new = read_tables(before.database_url), read_tables(after.database_url)
    if before.engine_url != before.database_url:
        old |= {f"queue{name}": rows for name, rows in read_tables(before.engine_url).items()}
        new |= {f"queue{name}": rows for name, rows in read_tables(after.engine_url).items()}
    assert len(old) > 40
    assert old.keys() == new.keys()
    settled = {".run", ".worker", ".site", ".audit"}
    for name in old.keys() - settled:
        assert new[name] == old[name], name
    # The live chain went on with the end of the backup, the restored one with the restore.
    assert by_id(new[".audit"])[:-1] == by_id(old[".audit"])[:-1]
    assert [row[:2] for row in by_id(new[".run"])] == [row[:2] for row in by_id(old[".run"])]
    engine = open_engine(after.database_url)
    with reading(engine) as session:
        assert [(run.state, run.settings.get("again")) for run in session.scalars(select(Run).order_by(Run.id))] == [
            ("done", None), ("queued", None), ("lost", "worker"), ("done", None),
        ]  # fmt: skip
        assert session.scalars(select(Worker.state)).all() == ["stopped"]
        assert session.scalars(select(Site.fence)).all() == [1]
        assert audit.verify(session) == []
        assert audit.find_entries(session, limit=1)[0].action == "backup.restore"
    engine.dispose()


def by_id(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return sorted(rows, key=lambda row: row[0])


def compare_bodies(before: Places, after: Places) -> None:
    first, second = open_engine(before.database_url), open_engine(after.database_url)
    with reading(first) as old, reading(second) as new:
        pages = list(old.scalars(select(Page).where(Page.body_sha256.is_not(None))))
        assert len(pages) == 32
        for page in pages:
            copy = find_page(new, page.id)
            assert copy is not None
            assert read_body(new, copy, max_size=10**6) == read_body(old, page, max_size=10**6)
    first.dispose()
    second.dispose()


@pytest.mark.timeout(120)
def test_writers_go_on_while_a_backup_is_made(
    store: Any, places: Places, fresh_url: str, tmp_path: Path, repository: Path
) -> None:
    site_id = fill(store, places)
    writer = Writer(places.database_url, site_id, repository)
    seen: list[int] = []
    try:
        for _ in range(100):
            last = writer.wait_for_page()

        def tell(done: int, total: int) -> None:
            seen.append(done)
            # The copy stands still in its middle: a page must get through nevertheless.
            for _ in range(3):
                writer.wait_for_page()

        folder = back_up(places, to=tmp_path / "backups", now=store.now, by="ana", tell=tell)
        assert writer.wait_for_page() > last
    finally:
        writer.stop()

    assert seen
    assert [check.words for check in verify_backup(folder) if not check.ok] == []
    manifest, _ = read_manifest(folder)
    there = make_places(tmp_path / "restored", fresh_url)
    done = restore(there, folder, now=store.now, by="ana")
    # One moment of the database: the run counts as many pages as it has, and each is a page of the live one.
    engine = open_engine(there.database_url)
    with reading(engine) as new, reading(store.engine) as old:
        run = new.scalars(select(Run).where(Run.verb == "crawl").order_by(Run.id.desc())).first()
        assert run is not None
        pages = {page.id: page.body_sha256 for page in new.scalars(select(Page).where(Page.run_id == run.id))}
        live = {page.id: page.body_sha256 for page in old.scalars(select(Page).where(Page.run_id == run.id))}
    engine.dispose()
    assert len(pages) == run.pages >= 100
    assert manifest.rows["page"] == 32 + len(pages)
    assert len(live) > len(pages)
    assert pages.items() <= live.items()
    assert run.id in done.lost


@pytest.mark.timeout(120)
def test_nothing_is_restored_over_what_is_there(
    store: Any, places: Places, fresh_url: str, tmp_path: Path
) -> None:
    folder = back_up(places, to=tmp_path / "backups", now=store.now, by="ana")
    here = make_places(tmp_path / "full", places.database_url)
    if places.database_url.startswith("sqlite"):
        with pytest.raises(UsageError, match="is a database at"):
            restore(here, folder, now=store.now, by="ana")
    else:
        with pytest.raises(UsageError, match="has tables already"):
            restore(here, folder, now=store.now, by="ana")
    (tmp_path / "full" / "kept").write_text("mine")
    with pytest.raises(UsageError, match="is not empty"):
        restore(make_places(tmp_path / "full", fresh_url), folder, now=store.now, by="ana")
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["kept"]
