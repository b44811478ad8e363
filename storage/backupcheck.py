"""Looks whether everything that should be in a database is in it, unaltered: the live one, a copy or a dump.

Public names: Check, Tell, check_database, check_dump, compare_rows. What guards the live database is in backupguards.py.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import zstandard
from sqlalchemy import Engine, func, select, text
from sqlalchemy.exc import SQLAlchemyError

from storage import audit
from storage.backup import count_rows
from storage.dump import list_dump, read_dump
from storage.engine import reading
from storage.tables import Audit

BATCH = 16
MOST_NAMED = 5
PIECE = 1 << 20

Tell = Callable[[int, int], object]
"""Called with (done, total) bodies."""


@dataclass(frozen=True)
class Check:
    """One thing that was looked at, and what was found."""

    name: str
    ok: bool
    words: str


def check_body(sha256: str, size: int, encoding: str, data: bytes) -> str:
    """What is wrong with a stored body; empty when it is whole. Takes a megabyte of memory, whatever it unpacks to."""
    digest, seen = hashlib.sha256(), 0
    if encoding == "identity":
        digest.update(data)
        seen = len(data)
    else:
        try:
            with zstandard.ZstdDecompressor().stream_reader(data) as reader:
                while seen <= size and (piece := reader.read(PIECE)):
                    digest.update(piece)
                    seen += len(piece)
        except zstandard.ZstdError:
            return f"the body {sha256} cannot be unpacked"
    return "" if (digest.hexdigest(), seen) == (sha256, size) else f"the body {sha256} was altered"


def check_database(
    engine: Engine, *, rows: dict[str, int] | None, head: str | None, tell: Tell
) -> Iterator[Check]:
    """Integrity, the audit chain, every body and every page's body. rows, head: what they should be, where that is known."""
    try:
        yield _check_integrity(engine)
        if rows is not None:
            with engine.connect() as connection:
                yield compare_rows(rows, count_rows(connection))
        with reading(engine) as session:
            problems = audit.verify(session, known=head)
            counted = session.scalar(select(func.count()).select_from(Audit)) or 0
        yield _judge_chain(problems, counted, head)
        yield _judge_bodies(
            _read_bodies(engine), total=_count(engine, "SELECT count(*) FROM blob"), tell=tell
        )
        lacking = _ask(
            engine,
            "SELECT p.id FROM page p LEFT JOIN blob b ON b.sha256 = p.body_sha256 "
            "WHERE p.body_sha256 IS NOT NULL AND b.sha256 IS NULL ORDER BY p.id",
        )
        yield _judge_pages(lacking, _count(engine, "SELECT count(*) FROM page"))
    except (SQLAlchemyError, ValueError, TypeError) as exc:
        first = str(getattr(exc, "orig", None) or exc).strip().splitlines()[:1]
        yield Check("database", False, f"The database cannot be read whole: {first[0] if first else exc!r}.")


def _check_integrity(engine: Engine) -> Check:
    if engine.dialect.name != "sqlite":
        broken = _ask(engine, "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid")
        words = (
            f"These indexes are not valid: {', '.join(broken)}."
            if broken
            else "PostgreSQL answers, its indexes are valid."
        )
        return Check("database", not broken, words)
    with engine.connect() as connection:
        said = [str(row[0]) for row in connection.execute(text("PRAGMA integrity_check(20)"))]
        loose = connection.execute(text("PRAGMA foreign_key_check")).fetchmany(MOST_NAMED)
    if said != ["ok"]:
        return Check("database", False, f"SQLite finds the file damaged: {'; '.join(said[:MOST_NAMED])}")
    if loose:
        names = ", ".join(f"{row[0]} {row[1]}" for row in loose)
        return Check("database", False, f"Rows refer to rows that are not there: {names}.")
    return Check("database", True, "SQLite finds the file whole, and every row that is referred to is there.")


def compare_rows(wanted: dict[str, int], found: dict[str, int]) -> Check:
    """Are there as many rows in every table as there should be?"""
    wrong = [
        f"{table}: {found.get(table, 'no table')} instead of {wanted.get(table, 'none')}"
        for table in sorted(wanted.keys() | found.keys())
        if wanted.get(table) != found.get(table)
    ]
    if wrong:
        return Check("rows", False, f"The numbers of rows differ: {'; '.join(wrong[:MOST_NAMED])}.")
    return Check(
        "rows", True, f"{sum(found.values()):,} rows in {len(found)} tables, as many as there should be."
    )


def _judge_chain(problems: list[str], counted: int, head: str | None) -> Check:
    if problems:
        more = f" And {len(problems) - MOST_NAMED} more." if len(problems) > MOST_NAMED else ""
        return Check("audit", False, " ".join(problems[:MOST_NAMED]) + more)
    held = " and has the row that was its last" if head not in (None, audit.FIRST) else ""
    return Check("audit", True, f"The audit chain of {counted:,} rows is whole{held}.")


def _read_bodies(engine: Engine) -> Iterator[tuple[str, int, str, bytes]]:
    """A few at a time, each in a transaction of its own: a long one would hold up the others' tidying."""
    last = ""
    while True:
        with engine.connect() as connection:
            rows = connection.execute(
                text(
                    "SELECT sha256, size, encoding, data FROM blob WHERE sha256 > :last ORDER BY sha256 LIMIT :most"
                ),
                {"last": last, "most": BATCH},
            ).all()
        if not rows:
            return
        for row in rows:
            yield str(row[0]), int(row[1]), str(row[2]), bytes(row[3])
        last = str(rows[-1][0])


def _judge_bodies(bodies: Iterator[tuple[str, int, str, bytes]], *, total: int, tell: Tell) -> Check:
    faults, done = [], 0
    for body in bodies:
        if fault := check_body(*body):
            faults.append(fault)
        done += 1
        tell(done, max(done, total))
    return _say_bodies(faults, done)


def _say_bodies(faults: list[str], done: int) -> Check:
    if faults:
        return Check(
            "bodies", False, f"{len(faults):,} of {done:,} bodies: {'; '.join(faults[:MOST_NAMED])}."
        )
    return Check("bodies", True, f"{done:,} bodies have the SHA-256 that names them.")


def _judge_pages(lacking: list[str], pages: int) -> Check:
    if lacking:
        return Check(
            "pages", False, f"{len(lacking):,} pages have lost their body: {', '.join(lacking[:MOST_NAMED])}."
        )
    return Check("pages", True, f"{pages:,} pages, and every body that one names is there.")


def check_dump(
    dump: Path, *, major: int, rows: dict[str, int], head: str | None, total: int, tell: Tell
) -> Iterator[Check]:
    """The same of a dump of PostgreSQL, without a server: all of its rows are read once."""
    entries = list_dump(dump, major=major)
    yield Check("database", bool(entries), f"pg_restore reads the dump: {len(entries):,} entries.")
    found: dict[str, int] = {}
    chain: list[Audit] = []
    faults: list[str] = []
    done = 0
    # A file of SQLite's own that is gone with the connection: the names of millions of bodies need not fit in memory.
    with closing(sqlite3.connect("", isolation_level=None)) as known:
        known.execute("CREATE TABLE blob (sha256 TEXT PRIMARY KEY) WITHOUT ROWID")
        known.execute("CREATE TABLE page (id INTEGER PRIMARY KEY, sha256 TEXT)")
        known.execute("BEGIN")
        for schema, table, row in read_dump(dump, major=major):
            name = table if schema == "public" else f"{schema}.{table}"
            found[name] = found.get(name, 0) + 1
            if name == "blob":
                sha256, data = _text(row, "sha256"), _text(row, "data")
                fault = check_body(
                    sha256, int(_text(row, "size")), _text(row, "encoding"), bytes.fromhex(data[2:])
                )
                faults += [fault] if fault else []
                known.execute("INSERT OR IGNORE INTO blob VALUES (?)", (sha256,))
                done += 1
                tell(done, max(done, total))
            elif name == "page" and row.get("body_sha256") is not None:
                known.execute(
                    "INSERT INTO page VALUES (?, ?)", (int(_text(row, "id")), _text(row, "body_sha256"))
                )
            elif name == "audit":
                chain.append(_read_entry(row))
        lacking = [
            str(row[0])
            for row in known.execute(
                "SELECT id FROM page WHERE sha256 NOT IN (SELECT sha256 FROM blob) ORDER BY id"
            )
        ]
    yield compare_rows(rows, {**dict.fromkeys(rows, 0), **found})
    chain.sort(key=lambda entry: entry.id)
    yield _judge_chain(audit.check_chain(chain, known=head), len(chain), head)
    yield _say_bodies(faults, done)
    yield _judge_pages(lacking, found.get("page", 0))


def _read_entry(row: dict[str, bytes | None]) -> Audit:
    return Audit(
        id=int(_text(row, "id")),
        at=datetime.fromisoformat(_text(row, "at")).astimezone(UTC),
        detail=json.loads(_text(row, "detail")),
        **{name: _text(row, name) for name in ("actor", "action", "subject", "previous", "hash")},
    )


def _text(row: dict[str, bytes | None], name: str) -> str:
    value = row.get(name)
    return "" if value is None else value.decode("utf-8")


def _ask(engine: Engine, statement: str) -> list[str]:
    with engine.connect() as connection:
        return [str(row[0]) for row in connection.execute(text(statement))]


def _count(engine: Engine, statement: str) -> int:
    with engine.connect() as connection:
        return int(connection.scalar(text(statement)) or 0)
