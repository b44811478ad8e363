"""A backup is whole or is none; nothing that is in one is believed; what must not get into one stays out."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

import jobs.backup
import jobs.backupprogress
from jobs.backup import Stopped, back_up, restore, verify_backup, verify_live
from jobs.backupfiles import DATABASE, read_manifest
from jobs.errors import BusyError, JobError, UsageError
from jobs.places import Places, dump_places
from storage.engine import open_engine, upgrade
from storage.pages import Fetched, store_page
from storage.runs import create_run, start_run
from storage.sites import register_site


def fill(places: Places, now: datetime, pages: int = 5) -> None:
    engine = open_engine(places.database_url)
    site = register_site(engine, name="oldport", title="Old Port", config_sha256="0" * 64, onions=[], now=now)
    run = create_run(engine, verb="crawl", site_id=site, by="ana", reason="", settings={}, now=now)
    start_run(engine, run_id=run, worker="w", pid=None, now=now)
    for number in range(pages):
        page = Fetched(
            site_id=site, run_id=run, frontier_id=None, attempt=1, hop=0, url=f"http://site/{number}", method="GET",
            request_headers=(), requested_at=now, status=200, reason="OK", response_headers=(), received_at=now,
            body=f"<p>page {number}</p>".encode() * 50, content_type="text/html", content_encoding="", circuit_token="",
        )  # fmt: skip
        store_page(engine, page, now=now)
    engine.dispose()


@pytest.fixture
def backups(tmp_path: Path) -> Path:
    return tmp_path / "backups"


@pytest.fixture(scope="module")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup made once; each test harms a copy of its own."""
    data = tmp_path_factory.mktemp("pattern") / "data"
    (data / "sites" / "oldport").mkdir(parents=True)
    (data / "sites" / "oldport" / "site.yml").write_text("name: oldport\n")
    (data / "deny.yml").write_text("terms: []\n")
    url = f"sqlite:///{data}/tuskwatch.db"
    upgrade(url)
    places = Places(
        data=data, database_url=url, engine_url=f"sqlite:///{data}/engine.db", models=data / "none"
    )
    at = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
    fill(places, at)
    return back_up(places, to=data.parent / "backups", now=at, by="ana")


@pytest.fixture
def backup(pattern: Path, backups: Path) -> Path:
    return Path(shutil.copytree(pattern, backups / pattern.name))


def find_faults(folder: Path) -> str:
    return " ".join(check.words for check in verify_backup(folder) if not check.ok)


def reseal(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Alter the manifest, and the sums so that they agree with it, as somebody who knows how would."""
    content = json.loads((folder / "manifest.json").read_text())
    change(content)
    text = json.dumps(content)
    lines = [f"{sha256(text.encode()).hexdigest()}  manifest.json"]
    lines += [f"{line['sha256']}  {line['path']}" for line in content["files"]]
    (folder / "manifest.json").write_text(text)
    (folder / "SHA256SUMS").write_text("\n".join(lines) + "\n")


def reseal_file(folder: Path, path: str) -> None:
    data = (folder / path).read_bytes()

    def change(content: dict[str, Any]) -> None:
        line = next(line for line in content["files"] if line["path"] == path)
        line.update(size=len(data), sha256=sha256(data).hexdigest())

    reseal(folder, change)


def test_a_backup_is_whole_private_and_checked_by_public_tools(backup: Path) -> None:
    assert find_faults(backup) == ""
    modes = {stat.S_IMODE(path.lstat().st_mode) for path in [backup, *backup.rglob("*")]}
    assert modes == {0o700, 0o600}
    done = subprocess.run(
        ["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=backup, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stdout
    manifest, _ = read_manifest(backup)
    assert manifest.rows["page"] == 5
    assert manifest.by == "ana"
    assert manifest.find("data/sites/oldport/site.yml") is not None


def _truncate(folder: Path) -> None:
    os.truncate(folder / DATABASE, 4096)


def _flip(folder: Path) -> None:
    data = bytearray((folder / DATABASE).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / DATABASE).write_bytes(data)


def _lose(folder: Path) -> None:
    (folder / "data" / "deny.yml").unlink()


def _link(folder: Path) -> None:
    path = folder / "data" / "deny.yml"
    path.rename(folder.parent / "elsewhere.yml")
    path.symlink_to(folder.parent / "elsewhere.yml")


def _link_folder(folder: Path) -> None:
    (folder / "data").rename(folder.parent / "elsewhere")
    (folder / "data").symlink_to(folder.parent / "elsewhere")


def _add(folder: Path) -> None:
    (folder / "data" / "sites" / "more.yml").write_text("name: more\n")


def _pipe(folder: Path) -> None:
    (folder / "data" / "deny.yml").unlink()
    os.mkfifo(folder / "data" / "deny.yml")


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (_truncate, "bytes instead of"),
        (_flip, "was altered"),
        (_lose, "data/deny.yml is missing"),
        (_link, "data/deny.yml is a link"),
        (_link_folder, "data is a link"),
        (_add, "data/sites/more.yml is not named"),
        (_pipe, "data/deny.yml is a link or no plain file"),
    ],
)
def test_a_harmed_backup_is_named_and_not_restored(
    backup: Path, now: datetime, tmp_path: Path, harm: Callable[[Path], None], words: str
) -> None:
    harm(backup)
    assert words in find_faults(backup)
    there = new_places(tmp_path)
    with pytest.raises(JobError, match="nothing was restored"):
        restore(there, backup, now=now, by="ana")
    assert not there.data.exists()


def new_places(tmp_path: Path) -> Places:
    data = tmp_path / "restored"
    return Places(
        data=data, database_url=f"sqlite:///{data}/tuskwatch.db", engine_url=f"sqlite:///{data}/engine.db", models=tmp_path / "models"
    )  # fmt: skip


def _name(path: str) -> Callable[[dict[str, Any]], None]:
    return lambda content: content["files"].append({"path": path, "size": 1, "sha256": "0" * 64})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_name("../../etc/passwd"), "not a path inside"),
        (_name("data/../../x"), "not a path inside"),
        (_name("/etc/passwd"), "not a path inside"),
        (_name("data//x"), "not a path inside"),
        (_name("data/a\\b"), "not a path inside"),
        (_name("data/a\nb"), "not a path inside"),
        (_name("tor/keys/x"), "neither in database/ nor in data/"),
        (_name(DATABASE), "named twice"),
        (lambda content: content.update(format=2), "newer version"),
        (lambda content: content.update(format="1; x"), "format"),
        (lambda content: content.update(files=[]), "names no copy of the database"),
        (lambda content: content.update(origin="x"), "origin"),
        (lambda content: content.update(surprise=1), "surprise"),
        (lambda content: content.update(rows={"page": "many"}), "rows.page"),
    ],
)
def test_a_manifest_that_says_what_cannot_be_is_refused(
    backup: Path, change: Callable[[dict[str, Any]], None], words: str
) -> None:
    reseal(backup, change)
    with pytest.raises(JobError, match=words):
        list(verify_backup(backup))


@pytest.mark.parametrize("text", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b"null", b'{"format": 1}'])
def test_a_manifest_that_is_none_is_refused(backup: Path, text: bytes) -> None:
    (backup / "manifest.json").write_bytes(text)
    with pytest.raises(JobError, match="manifest of tuskwatch-"):
        list(verify_backup(backup))


def test_an_altered_manifest_and_a_huge_one_are_refused(backup: Path) -> None:
    text = (backup / "manifest.json").read_text()
    (backup / "manifest.json").write_text(text.replace('"ana"', '"eve"'))
    with pytest.raises(JobError, match="was altered"):
        read_manifest(backup)
    os.truncate(backup / "manifest.json", 10**9)
    with pytest.raises(JobError, match="at most"):
        read_manifest(backup)
    (backup / "manifest.json").unlink()
    with pytest.raises(JobError, match=r"manifest\.json is missing"):
        read_manifest(backup)
    os.mkfifo(backup / "manifest.json")
    with pytest.raises(JobError, match="not a plain file"):
        read_manifest(backup)


def test_a_backup_of_a_newer_schema_is_refused(backup: Path, tmp_path: Path, now: datetime) -> None:
    reseal(backup, lambda content: content.update(revision="9999"))
    with pytest.raises(JobError, match="Install that version"):
        restore(new_places(tmp_path), backup, now=now, by="ana")


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE blob SET data = x'00', encoding = 'identity' WHERE rowid = 1", "was altered"),
        ("UPDATE blob SET data = x'28b52ffd00' WHERE rowid = 1", "1 of 5 bodies"),
        ("DELETE FROM blob WHERE rowid = 1", "pages have lost their body"),
        ("UPDATE audit SET actor = 'eve' WHERE id = 1", "Row 1 was changed"),
        ("DELETE FROM audit WHERE id = (SELECT max(id) FROM audit)", "The log was cut"),
        ("DELETE FROM page WHERE id = 5", "page: 4 instead of 5"),
    ],
)
def test_what_was_altered_within_the_copy_is_found(backup: Path, statement: str, words: str) -> None:
    with sqlite3.connect(backup / DATABASE) as connection:
        triggers = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for (name,) in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute(statement)
    connection.close()
    reseal_file(backup, DATABASE)
    assert words in find_faults(backup)


def test_a_copy_that_is_no_database_is_found(backup: Path) -> None:
    (backup / DATABASE).write_bytes(b"SQLite format 3\0" + bytes(range(256)) * 64)
    reseal_file(backup, DATABASE)
    assert "cannot be read" in find_faults(backup)


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("DROP TRIGGER page_no_delete", "is not the one that belongs there"),
        ("DROP TRIGGER audit_no_update; DROP TRIGGER audit_no_delete", "guards of audit are gone"),
        (
            "DROP TRIGGER page_no_delete; DELETE FROM page WHERE id = 2",
            "the runs stored 5 pages, 4 are there",
        ),
    ],
)
def test_live_data_without_its_guards_is_found(
    places: Places, now: datetime, statement: str, words: str
) -> None:
    fill(places, now)
    assert [check.words for check in verify_live(places) if not check.ok] == []
    connection = sqlite3.connect(places.data / "tuskwatch.db")
    connection.executescript(statement)
    connection.close()
    assert words in " ".join(check.words for check in verify_live(places) if not check.ok)


def test_keys_links_and_pipes_stay_out(places: Places, backups: Path, now: datetime, tmp_path: Path) -> None:
    site = places.sites / "oldport"
    (site / "mine.age").write_text("# created\nAGE-SECRET-KEY-1ABC\n")
    (site / "key.asc").write_text("-----BEGIN PGP PRIVATE KEY BLOCK-----\n")
    (site / "outside.yml").symlink_to("/etc/passwd")
    (site / "strange\nname").write_text("x")
    os.mkfifo(site / "pipe")
    for folder in ("tor", "workers", "runs"):
        (places.data / folder).mkdir(exist_ok=True)
        (places.data / folder / "x").write_text("x")
    folder = back_up(places, to=backups, now=now, by="ana")
    kept = {
        path.relative_to(folder / "data").as_posix()
        for path in (folder / "data").rglob("*")
        if path.is_file()
    }
    assert kept == {"deny.yml", "sites/oldport/site.yml", "sites/newport/site.yml"}
    assert len(read_manifest(folder)[0].left_out) == 5
    assert find_faults(folder) == ""


def test_the_newest_are_kept_and_damaged_or_foreign_ones_left_alone(
    places: Places, backups: Path, now: datetime
) -> None:
    fill(places, now)
    made = [back_up(places, to=backups, now=now + timedelta(hours=hour), by="ana").name for hour in range(3)]
    _flip(backups / made[1])
    foreign = backups / "tuskwatch-20200101T000000Z"
    shutil.copytree(backups / made[0], foreign)
    reseal(foreign, lambda content: content.update(origin="f" * 64, name=foreign.name))
    (backups / "tuskwatch-20190101T000000Z").symlink_to(backups / made[0])
    (backups / "notes").mkdir()
    newest = back_up(places, to=backups, now=now + timedelta(hours=9), by="ana", keep=2).name
    left = {path.name for path in backups.iterdir() if not path.name.startswith(".")}
    # Of the whole ones the newest two; the damaged one counts for nothing.
    assert left == {newest, made[2], made[1], foreign.name, "tuskwatch-20190101T000000Z", "notes"}


def test_a_schedules_backups_do_not_pile_up(
    places: Places, backups: Path, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs.backup, "KEEP_SCHEDULED", 1)
    engine = open_engine(places.database_url)
    run = create_run(
        engine, verb="backup", site_id=None, by="ana", reason="", settings={}, now=now, schedule="nightly"
    )
    engine.dispose()
    for hour in range(2):
        newest = back_up(places, to=backups, now=now + timedelta(hours=hour), by="ana", run_id=run)
    assert [path.name for path in backups.iterdir() if not path.name.startswith(".")] == [newest.name]


def test_a_cancelled_backup_leaves_nothing(
    places: Places, backups: Path, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs.backupprogress, "TELL_SECONDS", 0.0)
    with pytest.raises(Stopped):
        back_up(places, to=backups, now=now, by="ana", wished=lambda: "cancel")
    assert [path.name for path in backups.iterdir()] == [jobs.backup.LOCK]


def test_a_second_backup_of_the_same_folder_waits_for_its_turn(
    places: Places, backups: Path, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs.backupprogress, "TELL_SECONDS", 0.0)

    def tell(done: int, total: int) -> None:
        with pytest.raises(BusyError):
            back_up(places, to=backups, now=now, by="eve")

    back_up(places, to=backups, now=now, by="ana", tell=tell)
    with pytest.raises(BusyError, match="is there already"):
        back_up(places, to=backups, now=now, by="ana")


def test_a_backup_never_goes_where_it_would_hold_itself(places: Places, now: datetime) -> None:
    with pytest.raises(UsageError, match="hold itself"):
        back_up(places, to=places.sites / "backups", now=now, by="ana")
    with pytest.raises(UsageError, match="keep"):
        back_up(places, to=places.data / "backups", now=now, by="ana", keep=0)


def test_a_disk_with_too_little_room_is_said_before_anything_is_written(
    places: Places, backups: Path, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(places.data)._replace(free=1000)
    monkeypatch.setattr(jobs.backup.shutil, "disk_usage", lambda path: usage)
    with pytest.raises(JobError, match="Make room"):
        back_up(places, to=backups, now=now, by="ana")
    assert [path.name for path in backups.iterdir()] == [jobs.backup.LOCK]


CHILD = """
import resource, sys
from datetime import UTC, datetime
from pathlib import Path
import jobs.backup
import jobs.backupprogress
from jobs.errors import JobError
from jobs.places import load_places

jobs.backupprogress.TELL_SECONDS = 0.0
places = load_places(sys.stdin.readline())
if sys.argv[2] == "full":
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

def tell(done, total):
    print("copying", flush=True)
    if sys.argv[2] == "wait":
        sys.stdin.readline()

try:
    jobs.backup.back_up(places, to=Path(sys.argv[1]), now=datetime(2026, 11, 22, tzinfo=UTC), by="ana", tell=tell)
except JobError as exc:
    print(exc)
    sys.exit(1)
"""


def start_child(places: Places, backups: Path, how: str, repository: Path) -> subprocess.Popen[str]:
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(backups), how], cwd=repository, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )  # fmt: skip
    assert child.stdin is not None
    child.stdin.write(dump_places(places) + "\n")
    child.stdin.flush()
    return child


def test_a_disk_that_fills_up_midway_leaves_nothing(
    places: Places, backups: Path, now: datetime, repository: Path
) -> None:
    fill(places, now)
    with start_child(places, backups, "full", repository) as child:
        told, _ = child.communicate()
    assert child.returncode == 1
    assert "of the backup was kept" in told or "Nothing of it was kept" in told
    assert [path.name for path in backups.iterdir()] == [jobs.backup.LOCK]


def test_a_killed_backup_looks_like_none_and_the_next_one_clears_it_away(
    places: Places, backups: Path, now: datetime, repository: Path
) -> None:
    fill(places, now)
    with start_child(places, backups, "wait", repository) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "copying\n"
        child.send_signal(signal.SIGKILL)
    left = {path.name for path in backups.iterdir()}
    assert left == {jobs.backup.LOCK, ".tuskwatch-20261122T000000Z.partial"}
    with pytest.raises(JobError, match="not a whole backup"):
        list(verify_backup(backups / ".tuskwatch-20261122T000000Z.partial"))
    made = back_up(places, to=backups, now=now, by="ana")
    assert {path.name for path in backups.iterdir()} == {jobs.backup.LOCK, made.name}
    assert find_faults(made) == ""


def test_a_restore_that_broke_off_is_named_and_opened_by_nobody(
    backup: Path, now: datetime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = new_places(tmp_path)
    monkeypatch.setattr("jobs.backuprestore.settle_restored", _break)
    with pytest.raises(KeyboardInterrupt):
        restore(there, backup, now=now, by="ana")
    assert not (there.data / "tuskwatch.db").exists()
    monkeypatch.undo()
    with pytest.raises(UsageError, match="broke off"):
        restore(there, backup, now=now, by="ana")
    shutil.rmtree(there.data)
    there.data.mkdir()
    assert all(check.ok for check in restore(there, backup, now=now, by="ana").checks)


def _break(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_a_backup_of_sqlite_does_not_go_into_postgresql(backup: Path, now: datetime, tmp_path: Path) -> None:
    there = Places(
        data=tmp_path / "restored", database_url="postgresql+psycopg://ana@127.0.0.1:1/x", engine_url="postgresql+psycopg://ana@127.0.0.1:1/x",
        models=tmp_path,
    )  # fmt: skip
    with pytest.raises(UsageError, match="cannot be carried"):
        restore(there, backup, now=now, by="ana")
