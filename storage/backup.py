"""A copy of the whole database while others write in it, and what such a copy must say of itself.

Public names: Facts, Look, copy_sqlite, measure_sqlite, dump_postgresql, read_facts, open_copy, is_empty, settle_restored,
find_model, count_rows.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, inspect, select, text, update
from sqlalchemy.pool import NullPool

from storage import audit
from storage.dump import Tool, dump_database
from storage.engine import transaction
from storage.errors import BackupError
from storage.fencing import move_fence
from storage.runs import AGAIN
from storage.tables import Run, Worker

STEP_PAGES = 2048
"""Pages of an SQLite file copied at once: 8 MB, a few milliseconds."""
FOREIGN = ("information_schema",)

Look = Callable[[int, int], None]
"""Called with (done, total) in bytes while a copy is made; it may raise to end it."""


@dataclass(frozen=True)
class Facts:
    """What a database holds at one moment. rows: by table; those of other schemas as "schema.table".

    origin: hash of the first row of the audit chain, which tells one installation's data from another's.
    """

    schema: str
    rows: dict[str, int]
    audit_head: str
    origin: str


def copy_sqlite(source: Path, to: Path, *, look: Look) -> None:
    """Copy a database file into the new file `to`, as it stands at one moment; others read and write it meanwhile.

    The moment is held by a read transaction: without it each foreign write would begin the copy anew, and a crawl writes
    all the time. In WAL mode nobody waits for it; the WAL grows until the copy is done.
    """
    # Made by us, so that nobody else can read it even for a moment.
    os.close(os.open(to, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        _copy(source, to, look)
    except sqlite3.Error as exc:
        raise BackupError(f"{source.name} could not be copied: {exc}.") from exc


def _copy(source: Path, to: Path, look: Look) -> None:
    reader = sqlite3.connect(_address(source, "rw"), uri=True, timeout=60, isolation_level=None)
    try:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM sqlite_master").fetchone()
        size = int(reader.execute("PRAGMA page_size").fetchone()[0])
        writer = sqlite3.connect(to, isolation_level=None)
        try:

            def tell(status: int, remaining: int, total: int) -> None:
                look((total - remaining) * size, total * size)

            reader.backup(writer, pages=STEP_PAGES, progress=tell)
            # One file, which can be read where nothing can be written.
            writer.execute("PRAGMA journal_mode = DELETE")
        finally:
            writer.close()
    finally:
        reader.close()


def measure_sqlite(source: Path) -> int:
    """Bytes that a copy will take, about."""
    wal = source.with_name(f"{source.name}-wal")
    return source.stat().st_size + (wal.stat().st_size if wal.exists() else 0)


def dump_postgresql(engine: Engine, to: Path, *, look: Look) -> tuple[Facts, Tool, int]:
    """pg_dump into `to`; the facts of the very same moment, the tool, and the server's main version."""
    os.close(os.open(to, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    url = engine.url.render_as_string(hide_password=False)
    options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    with engine.connect().execution_options(**options) as connection:
        major = int(connection.scalar(text("SHOW server_version_num")) or 0) // 10_000
        snapshot = str(connection.scalar(text("SELECT pg_export_snapshot()")))
        total = int(connection.scalar(text("SELECT pg_database_size(current_database())")) or 0)

        def tell() -> None:
            look(min(to.stat().st_size, total), total)

        tool = dump_database(url, to, major=major, snapshot=snapshot, look=tell)
        return read_facts(connection), tool, major


def read_facts(connection: Connection) -> Facts:
    """What the database behind this connection holds."""
    rows = count_rows(connection)
    schema = (
        connection.scalar(text("SELECT version_num FROM alembic_version"))
        if "alembic_version" in rows
        else ""
    )
    first = head = None
    if rows.get("tombstone"):
        # Retention may have cut the beginning off the chain: its tombstone has the hash.
        first = connection.scalar(
            text("SELECT sha256 FROM tombstone WHERE table_name = 'audit' ORDER BY id LIMIT 1")
        )
    if "audit" in rows:
        first = first or connection.scalar(text("SELECT hash FROM audit ORDER BY id LIMIT 1"))
        head = connection.scalar(text("SELECT hash FROM audit ORDER BY id DESC LIMIT 1"))
    return Facts(str(schema or ""), rows, str(head or audit.FIRST), str(first or audit.FIRST))


def count_rows(connection: Connection) -> dict[str, int]:
    """The rows of every table of every schema."""
    looked = inspect(connection)
    schemas: list[str | None] = [None]
    default = looked.default_schema_name
    if connection.dialect.name == "postgresql":
        schemas += [
            name
            for name in looked.get_schema_names()
            if name not in (default, *FOREIGN) and name[:3] != "pg_"
        ]
    quoted = connection.dialect.identifier_preparer
    rows = {}
    for schema in schemas:
        for table in sorted(looked.get_table_names(schema=schema)):
            name = ".".join(quoted.quote(part) for part in (schema, table) if part)
            key = f"{schema}.{table}" if schema else table
            rows[key] = int(connection.scalar(text(f"SELECT count(*) FROM {name}")) or 0)  # noqa: S608 - quoted
    return rows


def open_copy(path: Path) -> Engine:
    """An engine on an SQLite file that nobody writes: leaves no file beside it, and changes nothing in it."""
    # The quoting leaves no "?" that would end the path.
    return create_engine(f"sqlite:///{_address(path, 'ro')}&immutable=1&uri=true", poolclass=NullPool)


def is_empty(engine: Engine) -> bool:
    """Is there no table at all?"""
    with engine.connect() as connection:
        return not count_rows(connection)


def settle_restored(
    engine: Engine, *, backup_run: int | None, name: str, by: str, now: datetime
) -> list[int]:
    """Say of the workers in a restored database that they are gone, and of what they did that it is lost; those runs' ids.

    A crawl is marked as one that lacked its worker: the next worker takes it up. The run that made the backup is done.
    """
    with transaction(engine) as session:
        session.execute(update(Worker).values(state="stopped"))
        lost = []
        running = (Run.state == "running") | ((Run.state == "waiting") & (Run.waits_for != "person"))
        for run in session.scalars(select(Run).where(running).order_by(Run.id)):
            if run.id == backup_run:
                run.state, run.message = "done", f"This data was restored from its backup, {name}."
            else:
                run.state, run.message = (
                    "lost",
                    "It was under way when the backup was made. What it fetched is kept.",
                )
                lost.append(run.id)
                if run.verb == "crawl" and run.site_id is not None:
                    run.settings = {**run.settings, AGAIN: "worker"}
                    move_fence(session, run.site_id)
            run.waits_for, run.ended_at = "", now
            run.wish = run.pid = run.fence = None
        audit.record(session, actor=by, action="backup.restore", subject=name, detail={"lost": lost}, now=now)
        return lost


def find_model(connection: Connection) -> str:
    """The model that scored last."""
    return str(connection.scalar(text("SELECT model_version FROM score ORDER BY id DESC LIMIT 1")) or "")


def _address(path: Path, mode: str) -> str:
    return f"file:{quote(str(path.absolute()))}?mode={mode}"
