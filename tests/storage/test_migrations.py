"""The schema goes up, down and up again on both engines, and is what tables.py says."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from storage.base import Base
from storage.engine import MIGRATIONS, check_schema, downgrade, find_head, open_engine, upgrade
from storage.errors import SchemaError
from storage.tables import APPEND_ONLY


def list_tables(url: str) -> set[str]:
    engine = open_engine(url)
    names = set(inspect(engine).get_table_names()) - {"alembic_version"}
    engine.dispose()
    return names


def list_triggers(url: str) -> list[str]:
    engine = open_engine(url)
    statement = (
        "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        if engine.dialect.name == "sqlite"
        else "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal"
    )
    with engine.connect() as connection:
        names = sorted(connection.execute(text(statement)).scalars())
    engine.dispose()
    return names


def test_up_down_and_up_again(empty_url: str) -> None:
    upgrade(empty_url)
    first = list_triggers(empty_url)
    assert list_tables(empty_url) == set(Base.metadata.tables)
    downgrade(empty_url)
    assert list_tables(empty_url) == set()
    assert list_triggers(empty_url) == []
    upgrade(empty_url)
    assert list_tables(empty_url) == set(Base.metadata.tables)
    assert list_triggers(empty_url) == first


def test_upgrade_twice_changes_nothing(empty_url: str) -> None:
    upgrade(empty_url)
    upgrade(empty_url)
    assert list_tables(empty_url) == set(Base.metadata.tables)


def test_migrations_and_tables_agree(url: str) -> None:
    engine = open_engine(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
    engine.dispose()


def test_every_append_only_table_has_its_triggers(url: str) -> None:
    names = list_triggers(url)
    for table in APPEND_ONLY:
        assert len([name for name in names if name.startswith(f"{table}_no_")]) == 2


def test_a_new_sqlite_file_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    upgrade(f"sqlite:///{tmp_path / 'new' / 'tuskwatch.db'}")
    assert stat.S_IMODE((tmp_path / "new" / "tuskwatch.db").stat().st_mode) == 0o600


def test_a_database_without_tables_names_the_next_step(empty_url: str, tmp_path: Path) -> None:
    engine = open_engine(empty_url)
    with pytest.raises(SchemaError, match=r"Run `tuskwatch init`"):
        check_schema(engine)
    engine.dispose()
    assert not (tmp_path / "folder").exists()


def test_a_database_of_a_newer_version_is_refused(url: str) -> None:
    engine = open_engine(url)
    check_schema(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SchemaError, match="written by a newer version"):
        check_schema(engine)
    engine.dispose()


def test_the_newest_schema_is_the_one_that_the_migrations_lead_to() -> None:
    assert find_head() == ScriptDirectory(str(MIGRATIONS)).get_current_head()
