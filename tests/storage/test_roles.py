"""docs/deploy/postgresql.sql on a real PostgreSQL: each role can do its work, and none can touch the evidence."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ProgrammingError

from jobs.backup import back_up, verify_backup
from jobs.engine import open_client, prepare_engine
from jobs.places import Places, dump_places
from jobs.runs import enqueue_run
from storage.engine import open_engine, reading, transaction, upgrade
from storage.runs import wish_run
from storage.tables import Tombstone
from storage.users import start_login
from storage.verdicts import give_verdict

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(180)]

WORKER = """
import sys, threading
from jobs.places import load_places
from jobs.logs import open_log
from jobs.worker import run_worker
open_log("INFO")
stop = threading.Event()
threading.Timer(8.0, stop.set).start()
run_worker(load_places(sys.stdin.readline()), name="berlin-1", labels=["eu"], stop=stop)
"""


@dataclass(frozen=True)
class Team:
    server: str
    data: Path

    def url(self, role: str) -> str:
        return (
            make_url(f"{self.server}/team")
            .set(username=f"tuskwatch_{role}")
            .render_as_string(hide_password=False)
        )

    def places(self, role: str) -> Places:
        return Places(
            data=self.data, database_url=self.url(role), engine_url=self.url(role), models=self.data / "models",
            tor_binary="/nowhere/tor",
        )  # fmt: skip


@pytest.fixture(scope="module")
def team(postgresql_server: str, tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Team:
    """As the page says: the SQL, `tuskwatch init` as the owner, the SQL once more."""
    team = Team(postgresql_server, tmp_path_factory.mktemp("team"))
    address = make_url(postgresql_server)

    def run_sql() -> None:
        done = subprocess.run(
            [
                "psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--set=database=team",
                "--file", str(repository / "docs/deploy/postgresql.sql"),
                f"host={address.host} port={address.port} user={address.username} dbname=postgres",
            ],
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr

    run_sql()
    upgrade(team.url("owner"))
    prepare_engine(team.places("owner"))
    run_sql()
    run_sql()
    return team


@pytest.fixture(scope="module")
def stored(team: Team) -> dict[str, int]:
    """What a crawl, a reading, a score and a sign-in leave, each written by the role whose work it is."""
    store_class = _find_store()
    engine = open_engine(team.url("worker"))
    store = store_class(engine)
    site_id = store.site()
    run_id = store.run(site_id)
    listing_id, reading_id = store.listing(site_id, run_id, "1")
    store.score(reading_id)
    store.end(run_id)
    waiting = store.run(site_id, start=False)
    with open_client(team.places("worker")) as client:
        enqueue_run(client, waiting, site="elsewhere", pin="nobody")
    engine.dispose()
    web = open_engine(team.url("web"))
    user_id = store_class(web).user()
    web.dispose()
    return {"site": site_id, "run": run_id, "listing": listing_id, "reading": reading_id, "user": user_id}


def _find_store() -> Any:
    """The class Store of this folder's conftest (tests are imported without packages)."""
    return next(
        module.Store for module in list(sys.modules.values()) if getattr(module, "__file__", "") == str(Path(__file__).with_name("conftest.py"))
    )  # fmt: skip


def test_a_worker_begins_beats_and_ends(team: Team, stored: dict[str, int], repository: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WORKER], input=dump_places(team.places("worker")) + "\n", cwd=repository,
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "worker ready" in done.stderr
    assert "denied" not in done.stderr
    engine = create_engine(team.url("reader"))
    with engine.connect() as connection:
        assert connection.execute(text("SELECT state, beats > 0 FROM worker")).all() == [("stopped", True)]
    engine.dispose()


def test_a_worker_makes_backups(team: Team, stored: dict[str, int], tmp_path: Path) -> None:
    store = _find_store()
    folder = back_up(
        team.places("worker"), to=tmp_path / "backups", now=store.__init__.__globals__["NOW"], by="ana"
    )
    assert [check.words for check in verify_backup(folder) if not check.ok] == []


def test_people_sign_in_and_give_verdicts_through_the_screens(team: Team, stored: dict[str, int]) -> None:
    engine = open_engine(team.url("web"))
    now = _find_store().__init__.__globals__["NOW"]
    start_login(
        engine, user_id=stored["user"], token_sha256="a" * 64, now=now, expires_at=now + timedelta(days=1)
    )
    given = give_verdict(
        engine, listing_id=stored["listing"], reading_id=stored["reading"], user_id=stored["user"], labels=["ivory"],
        guideline_version="1", now=now,
    )  # fmt: skip
    assert given
    wish_run(engine, run_id=stored["run"], wish="pause", by="ana", now=now)
    with open_client(team.places("web")) as client:
        enqueue_run(client, stored["run"], site="elsewhere", turn="-again", pin="nobody")
    engine.dispose()


def test_retention_may_take_away_what_has_a_tombstone(team: Team, stored: dict[str, int]) -> None:
    engine = open_engine(team.url("worker"))
    now = _find_store().__init__.__globals__["NOW"]
    with transaction(engine) as session:
        score = session.execute(text("SELECT id FROM score")).scalar_one()
        session.add(
            Tombstone(
                table_name="score",
                row_key=str(score),
                run_id=stored["run"],
                rule="pages",
                made_at=now,
                removed_at=now,
            )
        )
        session.flush()
        session.execute(text("DELETE FROM score WHERE id = :id"), {"id": score})
    with reading(engine) as session:
        assert session.execute(text("SELECT count(*) FROM score")).scalar() == 0
    engine.dispose()


FORBIDDEN = [
    ("worker", "DROP TABLE page"),
    ("worker", "ALTER TABLE audit DISABLE TRIGGER USER"),
    ("worker", "ALTER TABLE page ADD COLUMN x integer"),
    ("worker", "DROP TRIGGER page_no_change ON page"),
    ("worker", "CREATE OR REPLACE FUNCTION tuskwatch_refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'"),
    ("worker", "TRUNCATE page"),
    ("worker", "TRUNCATE run CASCADE"),
    ("worker", "UPDATE page SET url = 'x'"),
    ("worker", "UPDATE blob SET data = ''"),
    ("worker", "UPDATE audit SET actor = 'eve'"),
    ("worker", "DELETE FROM report"),
    ("worker", "DELETE FROM tombstone"),
    ("worker", "SET session_replication_role = replica"),
    ("worker", "CREATE TABLE mine (id integer)"),
    ("worker", "CREATE TEMPORARY TABLE tombstone (table_name text, row_key text)"),
    ("worker", "CREATE SCHEMA mine"),
    ("worker", "INSERT INTO \"user\" (name) VALUES ('eve')"),
    ("worker", "UPDATE \"user\" SET role = 'admin'"),
    ("worker", "INSERT INTO verdict (note) VALUES ('x')"),
    ("worker", "UPDATE alembic_version SET version_num = '0001'"),
    ("worker", "DROP SCHEMA dbos CASCADE"),
    ("worker", "UPDATE dbos.dbos_migrations SET version = 1"),
    ("worker", "GRANT tuskwatch_owner TO tuskwatch_worker"),
    ("worker", "SET ROLE tuskwatch_owner"),
    ("worker", "COPY page TO PROGRAM 'cat'"),
    ("web", "INSERT INTO page (url) VALUES ('x')"),
    ("web", "INSERT INTO blob (sha256) VALUES ('x')"),
    ("web", "DELETE FROM page"),
    ("web", "DELETE FROM audit"),
    ("web", "DELETE FROM verdict"),
    ("web", "INSERT INTO tombstone (rule) VALUES ('x')"),
    ("web", "TRUNCATE audit"),
    ("web", "DROP TABLE verdict"),
    ("reader", "INSERT INTO issue (kind) VALUES ('x')"),
    ("reader", "UPDATE run SET state = 'done'"),
    ("reader", "DELETE FROM listing"),
    ("reader", "SELECT password_hash FROM \"user\""),
    ("reader", "SELECT * FROM login"),
    ("reader", "SELECT * FROM session"),
    ("reader", "SELECT * FROM dbos.workflow_status"),
]  # fmt: skip


@pytest.mark.parametrize(("role", "statement"), FORBIDDEN)
def test_what_is_forbidden_is_refused(team: Team, role: str, statement: str) -> None:
    engine = create_engine(team.url(role))
    with (
        engine.connect() as connection,
        pytest.raises(
            ProgrammingError, match=r"permission denied|must be owner|must have admin|must be superuser"
        ),
    ):
        connection.execute(text(statement))
    engine.dispose()


def test_the_worker_deletes_no_evidence_without_a_tombstone(team: Team, stored: dict[str, int]) -> None:
    engine = create_engine(team.url("worker"))
    with engine.connect() as connection, pytest.raises(Exception, match="rows of page are never changed"):
        connection.execute(text("DELETE FROM page"))
    engine.dispose()
