"""The audit log shows every change, and writers at once make one chain."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from storage.audit import FIRST, find_entries, find_head, record, verify
from storage.engine import reading, transaction

if TYPE_CHECKING:
    from conftest import Store


def write(store: Store, count: int, actor: str = "ana") -> None:
    for number in range(count):
        with transaction(store.engine) as session:
            record(
                session, actor=actor, action="test", subject=f"{number}", detail={"n": number}, now=store.now
            )


def check(store: Store, known: str | None = None) -> list[str]:
    with reading(store.engine) as session:
        return verify(session, known=known)


def tamper(store: Store, statement: str) -> None:
    """As somebody would who owns the database file."""
    sqlite = store.engine.dialect.name == "sqlite"
    with transaction(store.engine) as session:
        if sqlite:
            session.execute(text("DROP TRIGGER audit_no_update"))
            session.execute(text("DROP TRIGGER audit_no_delete"))
        else:
            session.execute(text("ALTER TABLE audit DISABLE TRIGGER USER"))
        session.execute(text(statement))


def test_an_untouched_log_is_whole(store: Store) -> None:
    assert check(store) == []
    write(store, 4)
    assert check(store) == []
    with reading(store.engine) as session:
        assert find_entries(session, limit=9)[-1].previous == FIRST


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("UPDATE audit SET actor = 'eve' WHERE id = 2", "Row 2 was changed"),
        ("UPDATE audit SET detail = '{}' WHERE id = 2", "Row 2 was changed"),
        ("UPDATE audit SET at = '2020-01-01 00:00:00.000000' WHERE id = 2", "Row 2 was changed"),
        ("DELETE FROM audit WHERE id = 2", "Row 3 does not follow"),
        ("DELETE FROM audit WHERE id = 1", "Row 2 does not follow"),
        ("UPDATE audit SET id = 9 WHERE id = 2", "Row 9 does not follow"),
    ],
)
def test_every_change_shows(store: Store, statement: str, problem: str) -> None:
    write(store, 4)
    tamper(store, statement)
    assert any(found.startswith(problem) for found in check(store))


def test_rows_cut_off_the_end_show_when_a_later_hash_is_known(store: Store) -> None:
    write(store, 4)
    with reading(store.engine) as session:
        head = find_head(session)
    assert check(store, known=head) == []
    tamper(store, "DELETE FROM audit WHERE id = 4")
    assert check(store) == []
    assert check(store, known=head) == ["The log was cut: a row that is known to have been in it is gone."]


@pytest.mark.parametrize("statement", ["UPDATE audit SET actor = 'eve'", "DELETE FROM audit"])
def test_the_database_refuses_changes(store: Store, statement: str) -> None:
    write(store, 1)
    with pytest.raises(DBAPIError, match="never changed or deleted"), transaction(store.engine) as session:
        session.execute(text(statement))


def test_truncating_is_refused_on_postgresql_and_replacing_on_sqlite(store: Store) -> None:
    write(store, 1)
    statement = (
        "INSERT OR REPLACE INTO audit SELECT * FROM audit"
        if store.engine.dialect.name == "sqlite"
        else "TRUNCATE audit"
    )
    with pytest.raises(DBAPIError, match="never changed or deleted"), transaction(store.engine) as session:
        session.execute(text(statement))


def test_writers_at_once_make_one_chain(store: Store) -> None:
    threads = [threading.Thread(target=write, args=(store, 10, f"writer {number}")) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with reading(store.engine) as session:
        assert len(find_entries(session, limit=100)) == 40
    assert check(store) == []


def test_hostile_words_are_hashed_as_they_are_kept(store: Store) -> None:
    with transaction(store.engine) as session:
        record(
            session,
            actor="x" * 500 + "\x00",
            action="test",
            subject="\ud800" * 400,
            detail={"a\x00": ["\udfff", 1.5, None, {"b": "\u202e"}]},
            now=store.now,
        )
    assert check(store) == []
