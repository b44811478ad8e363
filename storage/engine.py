"""Opens the database, SQLite or PostgreSQL, and gives transactions on it.

Public names: open_engine, transaction, writing, reading, upgrade, downgrade, check_schema, find_head, insert_ignore, lock.
"""

from __future__ import annotations

import functools
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, Select, create_engine, event, func, inspect, select, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry

from storage.base import Base
from storage.errors import SchemaError
from storage.fencing import check_fence, is_fenced
from storage.types import clean_json

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = Path(__file__).parent / "migrations"
BUSY_SECONDS = 30
IDLE_SECONDS = 15
"""Of a write transaction on PostgreSQL in which nothing is asked: then the server undoes it. Less than a lease."""


def open_engine(url: str, *, cache_kb: int = 2000) -> Engine:
    """An engine for `sqlite:///path` or `postgresql://...`; opens nothing yet.

    SQLite runs with WAL, synchronous=FULL, foreign keys on and 30 s of patience with another writer; `?timeout=5` in the
    URL sets other seconds. `cache_kb` is how much of an SQLite file each connection may hold in memory (its own default
    is the default here).
    """
    target = _read_url(url)
    if target.get_backend_name() == "sqlite":
        return _open_sqlite(target, cache_kb=cache_kb)
    engine = create_engine(target, json_serializer=clean_json, pool_pre_ping=True)

    @event.listens_for(engine, "connect")
    def bound(connection: DBAPIConnection, entry: ConnectionPoolEntry) -> None:
        # A process that is frozen, or cut off, in the middle of a write would keep its locks as long as the server believes
        # in it, and nobody could take its work over.
        cursor = connection.cursor()
        cursor.execute(f"SET idle_in_transaction_session_timeout = '{IDLE_SECONDS}s'")
        cursor.close()
        connection.commit()

    return engine


@contextmanager
def transaction(engine: Engine) -> Iterator[Session]:
    """One write transaction: committed on leaving, rolled back on an error. Rows stay usable afterwards."""
    with Session(_view(engine, "write"), expire_on_commit=False) as session, session.begin():
        if is_fenced(engine):
            check_fence(engine, session.connection())
        yield session


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """The same without the ORM, at a third of its cost: for the few statements that every page needs."""
    with _view(engine, "write").begin() as connection:
        if is_fenced(engine):
            check_fence(engine, connection)
        yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """One read-only transaction that sees a single state of the database; writing in it fails."""
    with (
        Session(_view(engine, "read"), expire_on_commit=False, autoflush=False) as session,
        session.begin(),
    ):
        if engine.dialect.name == "postgresql":
            # Who reads holds nobody up, and may think for long about what it read.
            session.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        yield session


def _view(engine: Engine, access: str) -> Engine:
    """The engine with the options of one kind of access. Kept with the engine: making one costs more than a statement."""
    views: dict[str, Engine] = vars(engine).setdefault("_tuskwatch_views", {})
    if access not in views:
        options: dict[str, Any] = {"tuskwatch_access": access}
        if access == "read" and engine.dialect.name == "postgresql":
            options |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        views[access] = engine.execution_options(**options)
    return views[access]


def insert_ignore(to: Session | Connection, table: type[Base], rows: list[dict[str, Any]]) -> int:
    """Insert the rows that break no unique rule, leave out the others; how many went in."""
    if not rows:
        return 0
    connection = to if isinstance(to, Connection) else to.connection()
    statement = _insert_statement(table, connection.dialect.name)
    # One statement for each row: the row count of a many-row insert with conflicts is not told by every driver.
    return sum(max(0, connection.execute(statement, row).rowcount) for row in rows)


@functools.cache
def _insert_statement(table: type[Base], dialect: str) -> Any:
    insert: Any
    # Loaded here: a crawl process on SQLite need not hold the drivers' half of the other dialect, 4 MB, in memory.
    if dialect == "postgresql":
        from sqlalchemy.dialects.postgresql import insert
    else:
        from sqlalchemy.dialects.sqlite import insert
    return insert(table.__table__).on_conflict_do_nothing().execution_options(preserve_rowcount=True)


def lock(session: Session, name: str) -> None:
    """Hold others who ask for the same name until this transaction ends.

    SQLite has one writer at a time anyway; PostgreSQL needs to be told.
    """
    if session.get_bind().dialect.name == "postgresql":
        statement: Select[Any] = select(func.pg_advisory_xact_lock(zlib.crc32(f"tuskwatch {name}".encode())))
        session.execute(statement)


def upgrade(url: str, revision: str = "head") -> None:
    """Bring the database to the newest schema, making the file (and its folder) when there is none."""
    target = _read_url(url)
    if target.get_backend_name() == "sqlite" and target.database not in (None, "", ":memory:"):
        path = Path(str(target.database))
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.touch(mode=0o600)
    from alembic import command  # here only: it would cost every crawl process 12 MB

    command.upgrade(_configure(url), revision)


def downgrade(url: str, revision: str = "base") -> None:
    """Take the schema back, and the data with it. For tests and for repair, never part of a command."""
    from alembic import command

    command.downgrade(_configure(url), revision)


def find_head() -> str:
    """The newest schema's name."""
    return _find_schemas()[-1]


def check_schema(engine: Engine) -> None:
    """Raise SchemaError, naming the next step, unless the database is at the newest schema."""
    head = find_head()
    if engine.dialect.name == "sqlite" and not Path(engine.url.database or "").exists():
        # Connecting would make an empty file, where a mistyped folder should be noticed.
        raise SchemaError(f"There is no database at {engine.url.database}. Run `tuskwatch init`.")
    current: str | None = None
    with engine.connect() as connection:
        if inspect(connection).has_table("alembic_version"):
            current = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    if current == head:
        return
    if current is None:
        raise SchemaError("The database has no tables yet. Run `tuskwatch init`.")
    if current in _find_schemas():
        raise SchemaError(
            f"The database is at schema {current}, this Tuskwatch needs {head}. "
            "Make a copy of it, then run `tuskwatch init` to bring it up to date."
        )
    raise SchemaError(
        f"The database is at schema {current}, which this Tuskwatch ({head}) does not know: it was written by a "
        "newer version. Install that version, or name another data folder."
    )


def _find_schemas() -> list[str]:
    """All schemas, the oldest first: their files are numbered."""
    return sorted(path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*_*.py"))


def _read_url(url: str) -> URL:
    target = make_url(url)
    if target.drivername in ("postgresql", "postgres"):
        target = target.set(drivername="postgresql+psycopg")
    return target


def _read_patience(target: URL) -> float:
    """How many seconds to wait for another writer."""
    given = target.query.get("timeout", str(BUSY_SECONDS))
    try:
        seconds = float(given if isinstance(given, str) else given[-1])
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= 3600:
        raise SchemaError(
            f"timeout={given} in the database's address is not a number of seconds from 0 to 3600."
        )
    return seconds


def _configure(url: str) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["url"] = url
    return config


def _open_sqlite(target: URL, *, cache_kb: int) -> Engine:
    seconds = _read_patience(target)
    engine = create_engine(
        target.difference_update_query(["timeout"]),
        json_serializer=clean_json,
        connect_args={"timeout": seconds, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: DBAPIConnection, entry: ConnectionPoolEntry) -> None:
        # The driver would begin transactions by its own rules (late, and never before DDL); we say BEGIN ourselves.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (
            f"busy_timeout = {int(seconds * 1000)}",
            "journal_mode = WAL",
            "synchronous = FULL",
            "foreign_keys = ON",
            f"cache_size = -{cache_kb}",
            # Without it INSERT OR REPLACE would delete a row past the triggers that guard the append-only tables.
            "recursive_triggers = ON",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        access = connection.get_execution_options().get("tuskwatch_access")
        # Straight to the driver: these two lines run for every transaction, and a crawl makes several a page.
        driver: Any = connection.connection.dbapi_connection
        driver.execute(f"PRAGMA query_only = {'ON' if access == 'read' else 'OFF'}")
        # A writer that begins as a reader can fail at once instead of waiting its turn, so it says so at the start.
        try:
            driver.execute("BEGIN IMMEDIATE" if access == "write" else "BEGIN")
        except driver.Error as exc:
            raise OperationalError("BEGIN", {}, exc) from exc

    return engine
