"""Looks whether the live database still guards what is never changed, and whether what is missing has its tombstone.

Public names: check_guards, check_gone, read_guards, hash_guards, GUARDS.
"""

from __future__ import annotations

import hashlib

from sqlalchemy import Engine, text

from storage.backupcheck import Check
from storage.tables import APPEND_ONLY

GUARDS = {
    "sqlite": "ea117663a50b86444aa447a875cc315e97a6c51cd08aed427e79cd2a8d8d2fb8",
    "postgresql": "9b62c9cd338660689d684d9b7c3ee54a90e0a7c30e00caab22d5d1bd80a9b680",
}
"""What hash_guards gives at the newest schema; a test names the new value when a migration changes a guard."""
NUMBERED = tuple(table for table in APPEND_ONLY if table not in ("blob", "tombstone"))


def check_guards(engine: Engine) -> Check:
    """Does the database itself still refuse to change what is never changed?"""
    found = "\n".join(read_guards(engine))
    missing = [table for table in APPEND_ONLY if f"{table}_no_" not in found]
    if missing:
        gone = ", ".join(missing)
        return Check(
            "guards", False, f"The guards of {gone} are gone: rows could be changed without a trace."
        )
    if hash_guards(engine) != GUARDS[engine.dialect.name]:
        words = "A guard of the append-only tables is switched off, or is not the one that belongs there."
        return Check("guards", False, words)
    return Check("guards", True, f"The database refuses changes in {', '.join(APPEND_ONLY)}.")


def hash_guards(engine: Engine) -> str:
    return hashlib.sha256("\n".join(read_guards(engine)).encode()).hexdigest()


def read_guards(engine: Engine) -> list[str]:
    """The triggers of the append-only tables as the database tells them, with the function behind them."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            found = connection.execute(
                text("SELECT tbl_name, name, sql FROM sqlite_master WHERE type = 'trigger'")
            )
        else:
            found = connection.execute(
                text(
                    "SELECT c.relname, t.tgname, t.tgtype, t.tgenabled::text, p.proname, "
                    "coalesce(pg_get_expr(t.tgqual, t.tgrelid), '') FROM pg_trigger t "
                    "JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
                    "JOIN pg_proc p ON p.oid = t.tgfoid WHERE NOT t.tgisinternal AND n.nspname = current_schema()"
                )
            )
        # Sorted here: how a server sorts hangs on its locale.
        triggers = sorted(" ".join(map(str, row)) for row in found if row[0] in APPEND_ONLY)
    if engine.dialect.name == "sqlite":
        return triggers
    source = _ask(
        engine,
        "SELECT p.prosrc FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace "
        "WHERE p.proname = 'tuskwatch_refuse' AND n.nspname = current_schema()",
    )
    return [*triggers, *sorted(source)]


def check_gone(engine: Engine) -> Check:
    """Is what is missing from the append-only tables accounted for by tombstones?"""
    stones = dict.fromkeys(APPEND_ONLY, 0)
    with engine.connect() as connection:
        for table, number in connection.execute(
            text("SELECT table_name, count(*) FROM tombstone GROUP BY table_name")
        ):
            stones[str(table)] = int(number)
    wrong = []
    counted = _count(engine, "SELECT coalesce(sum(pages), 0) FROM run")
    there = _count(engine, "SELECT count(*) FROM page WHERE status IS NOT NULL")
    if counted - there > stones["page"]:
        wrong.append(
            f"the runs stored {counted:,} pages, {there:,} are there, and {stones['page']:,} have a tombstone"
        )
    # SQLite numbers rows without gaps; a sequence of PostgreSQL leaves some out when a transaction fails.
    for table in NUMBERED if engine.dialect.name == "sqlite" else ():
        gaps = _count(engine, f"SELECT coalesce(max(id), 0) - count(*) FROM {table}")  # noqa: S608 - our own names
        if gaps > stones[table]:
            wrong.append(f"{gaps:,} rows of {table} are missing, and {stones[table]:,} have a tombstone")
    if wrong:
        return Check("tombstones", False, f"Not all that is missing is accounted for: {'; '.join(wrong)}.")
    total = sum(stones.values())
    return Check("tombstones", True, f"No row is missing that has no tombstone ({total:,} have one).")


def _ask(engine: Engine, statement: str) -> list[str]:
    with engine.connect() as connection:
        return [str(row[0]) for row in connection.execute(text(statement))]


def _count(engine: Engine, statement: str) -> int:
    with engine.connect() as connection:
        return int(connection.scalar(text(statement)) or 0)
