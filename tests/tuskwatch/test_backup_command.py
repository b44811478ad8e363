"""`tuskwatch backup`, `verify` and `restore` as a person uses them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jobs.again import take_up
from jobs.places import Places
from storage.engine import open_engine
from storage.runs import create_run, start_run
from storage.sites import register_site


def test_there_and_back(tuskwatch: Any, tmp_path: Path) -> None:
    made = tuskwatch.json("backup", str(tmp_path / "backups"), "--keep", "2")
    assert made["rows"]["audit"] > 0
    assert made["left_out"] == []
    assert tuskwatch.json("verify", made["folder"])["ok"] is True
    assert tuskwatch.json("verify", "--since", made["folder"])["ok"] is True
    result = tuskwatch("restore", made["folder"], "--to", str(tmp_path / "new"))
    assert result.exit_code == 0, result.output
    assert "is restored in" in result.stdout
    assert "Next: tuskwatch --data" in result.stderr
    again = tuskwatch("restore", made["folder"], "--to", str(tmp_path / "new"))
    assert again.exit_code == 2
    assert "is not empty" in again.stderr


def test_a_backup_is_a_run_and_by_default_beside_the_data(tuskwatch: Any) -> None:
    result = tuskwatch("backup")
    assert result.exit_code == 0, result.output
    assert "same disk" in result.stderr
    folder = next(
        path for path in (tuskwatch.data / "backups").iterdir() if path.name.startswith("tuskwatch-")
    )
    assert str(folder) in result.stdout
    run = tuskwatch.json("run", "show", "1")
    assert json.dumps(run).count("backup") > 0
    # A backup never holds earlier ones.
    assert not list(folder.rglob("backups"))


def test_what_is_not_whole_ends_with_one(tuskwatch: Any, tmp_path: Path) -> None:
    made = tuskwatch.json("backup", str(tmp_path / "backups"))
    (Path(made["folder"]) / "data" / "deny.yml").write_text("terms: [other]\n")
    result = tuskwatch("verify", made["folder"])
    assert result.exit_code == 1
    assert "✗" in result.stdout
    assert "Not whole" in result.stdout
    assert tuskwatch("verify", str(tmp_path)).exit_code == 1
    assert tuskwatch("verify", made["folder"], "--since", made["folder"]).exit_code == 2
    assert tuskwatch("restore", made["folder"], "--to", str(tmp_path / "new")).exit_code == 1


def test_a_crawl_that_was_under_way_goes_on_after_a_restore(tuskwatch: Any, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    engine = open_engine(f"sqlite:///{tuskwatch.data / 'tuskwatch.db'}")
    site = register_site(engine, name="oldport", title="Old Port", config_sha256="0" * 64, onions=[], now=now)
    run = create_run(engine, verb="crawl", site_id=site, by="ana", reason="", settings={}, now=now)
    start_run(engine, run_id=run, worker="elsewhere", pid=1, now=now, fence=True)
    engine.dispose()
    made = tuskwatch.json("backup", str(tmp_path / "backups"))
    new = tmp_path / "new"
    restored = json.loads(tuskwatch("restore", made["folder"], "--to", str(new), "--json").stdout)
    assert restored["lost"] == [run]

    places = Places(
        data=new, database_url=f"sqlite:///{new}/tuskwatch.db", engine_url=f"sqlite:///{new}/engine.db", models=new / "none"
    )  # fmt: skip
    engine = open_engine(places.database_url)
    # What a worker does as soon as its Tor is there.
    assert len(take_up(places, engine, now=datetime.now(UTC))) == 1
    engine.dispose()


def test_a_backup_of_sqlite_goes_into_no_postgresql(tuskwatch: Any, tmp_path: Path) -> None:
    made = tuskwatch.json("backup", str(tmp_path / "backups"))
    result = tuskwatch(
        "restore",
        made["folder"],
        "--to",
        str(tmp_path / "new"),
        "--database",
        "postgresql://ana@127.0.0.1:1/x",
    )
    assert result.exit_code == 2
    assert "cannot be carried" in result.stderr
    assert not (tmp_path / "new").exists()
