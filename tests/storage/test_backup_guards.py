"""The guards that `verify` expects are those of the newest schema, and one that is missing or switched off is noticed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from jobs.backup import back_up, verify_backup
from jobs.backupfiles import DUMP, FileLine, copy_file, read_manifest, write_manifest
from jobs.places import Places
from storage.backupguards import GUARDS, check_gone, check_guards, hash_guards
from storage.dump import find_tool
from storage.engine import upgrade
from storage.errors import BackupError
from storage.tables import Tombstone


def test_the_guards_are_those_of_the_newest_schema(engine: Engine) -> None:
    # A migration that changes a guard on purpose changes GUARDS, too: this is the new value.
    assert hash_guards(engine) == GUARDS[engine.dialect.name]


def test_a_guard_that_is_off_or_another_is_noticed(empty_url: str) -> None:
    from storage.engine import open_engine

    upgrade(empty_url)
    engine = open_engine(empty_url)
    assert check_guards(engine).ok
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            connection.execute(text("DROP TRIGGER page_no_update"))
        else:
            connection.execute(text("ALTER TABLE page DISABLE TRIGGER page_no_change"))
    assert "is not the one that belongs there" in check_guards(engine).words
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            for name in ("audit_no_update", "audit_no_delete"):
                connection.execute(text(f"DROP TRIGGER {name}"))
        else:
            for name in ("audit_no_change", "audit_no_truncate"):
                connection.execute(text(f"DROP TRIGGER {name} ON audit"))
    assert "guards of audit are gone" in check_guards(engine).words
    engine.dispose()


def test_a_row_that_is_gone_needs_its_tombstone(store: Any) -> None:
    site_id = store.site()
    run_id = store.run(site_id)
    pages = [store.page(site_id, run_id, url=f"http://site/{number}") for number in range(3)]
    assert check_gone(store.engine).ok

    def take_away(page_id: int, *, stone: bool) -> None:
        with store.engine.begin() as connection:
            if stone:
                connection.execute(
                    Tombstone.__table__.insert(),
                    {
                        "table_name": "page", "row_key": str(page_id), "run_id": run_id, "rule": "pages", "sha256": "",
                        "made_at": store.now, "removed_at": store.now,
                    },
                )  # fmt: skip
            elif connection.dialect.name == "sqlite":
                connection.execute(text("DROP TRIGGER page_no_delete"))
            else:
                connection.execute(text("SET LOCAL session_replication_role = replica"))
            connection.execute(text("DELETE FROM page WHERE id = :id"), {"id": page_id})

    take_away(pages[0], stone=True)
    assert check_gone(store.engine).ok
    take_away(pages[1], stone=False)
    assert "the runs stored 3 pages, 1 are there, and 1 have a tombstone" in check_gone(store.engine).words


@pytest.mark.postgres
@pytest.mark.parametrize("url", ["postgresql"], indirect=True)  # SQLite copies: tests/jobs/test_backup.py
def test_what_was_altered_within_a_dump_is_found_without_a_server(
    store: Any, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    site_id = store.site()
    run_id = store.run(site_id)
    store.page(site_id, run_id, body=b"as it was received" * 20)
    url = store.engine.url.render_as_string(hide_password=False)
    places = Places(data=tmp_path / "data", database_url=url, engine_url=url, models=tmp_path / "models")
    places.data.mkdir()
    folder = back_up(places, to=tmp_path / "backups", now=store.now, by="ana")
    assert all(check.ok for check in verify_backup(folder))
    whole = (folder / DUMP).read_bytes()

    def find_faults(data: bytes) -> str:
        """With a manifest that agrees: what is found then is in the dump itself."""
        (folder / DUMP).write_bytes(data)
        manifest, _ = read_manifest(folder)
        (tmp_path / "again").unlink(missing_ok=True)
        line = copy_file(folder / DUMP, tmp_path / "again", path=DUMP, look=lambda _: None)
        files = [line if old.path == DUMP else FileLine(**dict(old)) for old in manifest.files]
        for name in ("manifest.json", "SHA256SUMS"):
            (folder / name).unlink()
        write_manifest(folder, manifest.model_copy(update={"files": files}))
        return " ".join(check.words for check in verify_backup(folder) if not check.ok)

    assert "cannot be read" in find_faults(whole[: len(whole) // 2])
    assert "cannot be read" in find_faults(b"PGDMP" + bytes(2000))
    assert "cannot be read" in find_faults(b"")
    assert find_faults(whole) == ""
    # Another database's rows, behind this manifest.
    with store.engine.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text("UPDATE blob SET data = decode('00', 'hex'), encoding = 'identity'"))
        connection.execute(text("UPDATE audit SET actor = 'eve' WHERE id = (SELECT min(id) FROM audit)"))
    other = back_up(places, to=tmp_path / "others", now=store.now, by="ana")
    faults = find_faults((other / DUMP).read_bytes())
    assert "1 of 1 bodies" in faults
    assert "was changed" in faults
    assert "The numbers of rows differ: audit" in faults


def test_a_server_newer_than_the_tools_is_said_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BackupError, match="postgresql-client-99"):
        find_tool("pg_dump", major=99)
    monkeypatch.setattr("storage.dump._find_paths", lambda name: [])
    with pytest.raises(BackupError, match="there is none here"):
        find_tool("pg_dump", major=15)
