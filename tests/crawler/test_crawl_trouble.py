"""A real crawl process on a full disk, and one whose database another process holds: a plain end, and nothing lost."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

GOODS = 60
HOLD = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA busy_timeout = 20000")
connection.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
"""


def _site(stub: ModuleType) -> Any:
    """Sixty goods with bodies that do not pack: 30 KB each on the disk."""

    def answer(asked: Any) -> bytes:
        if asked.path == "/":
            return bytes(
                stub.html("Home", [f"/p/{number}" for number in range(GOODS)], text="All we have. " * 90)
            )
        noise = os.urandom(15_000).hex()
        return bytes(stub.html(f"Thing {asked.path}", ["/"], text=noise))

    return answer


def _paths(place: Any) -> list[str]:
    return [page.url.removeprefix(f"http://{place.onion}") for page in place.pages()]


def _check_whole(place: Any) -> None:
    with sqlite3.connect(place.data / "tuskwatch.db") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    connection.close()
    assert Counter(_paths(place)) == Counter(["/", *(f"/p/{number}" for number in range(GOODS))])
    assert {row.state for row in place.frontier()} == {"done"}


@dataclass
class SmallDisk:
    """Runs a crawl with little room for its data. kind: "tmpfs" (a file system of its own) or "quota" (RLIMIT_FSIZE)."""

    kind: str
    run: int
    wrap: tuple[str, ...]


@pytest.fixture(params=["tmpfs", "quota"])
def small_disk(request: pytest.FixtureRequest, place: Any) -> Iterator[SmallDisk]:
    """A tmpfs of 2 MB over the data folder in a mount namespace of its own; where the system allows no such namespace,
    the other kind stands in for it: the file may not grow beyond 1 MB. Both are the kernel's own refusal to write."""
    crawl = (sys.executable, "-m", "crawler")
    run = place.new_run()
    place.engine.dispose()
    holder = _hold_tmpfs(place.data) if request.param == "tmpfs" else None
    if holder is None:
        yield SmallDisk("quota", run, ("prlimit", f"--fsize={1024 * 1024}", *crawl))
        return
    assert holder.stdin is not None
    try:
        yield SmallDisk(
            "tmpfs", run, ("nsenter", "-t", str(holder.pid), "-m", "--wd=" + str(place.data), *crawl)
        )
    finally:
        holder.stdin.close()
        holder.wait(20)


def _hold_tmpfs(folder: Path) -> subprocess.Popen[str] | None:
    """A process that lives in a mount namespace where `folder` is a small file system with the same files."""
    copy = folder.with_name("copy")
    shutil.copytree(folder, copy)
    script = 'mount -t tmpfs -o size=2m tmpfs "$0" && cp -r "$1"/. "$0" && echo ready && exec cat >/dev/null'
    holder = subprocess.Popen(
        ["unshare", "-m", "sh", "-c", script, str(folder), str(copy)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert holder.stdout is not None
    with holder.stdout as out:
        if out.readline() == "ready\n":
            return holder
    assert holder.stdin is not None
    holder.stdin.close()
    holder.wait(20)
    return None


def test_a_full_disk_ends_the_crawl_plainly_and_the_next_one_loses_nothing(
    place: Any, stub: ModuleType, small_disk: SmallDisk, tmp_path: Path
) -> None:
    with stub.OnionStub(_site(stub)) as tor:
        first = place.crawl(tor.socks, run=small_disk.run, wrap=small_disk.wrap)
        assert first.code == 1
        assert "Make room on it" in first.err or "may be full or failing" in first.err
        assert "Traceback" not in first.err
        assert "[SQL" not in first.err
        if small_disk.kind == "tmpfs":
            # What is on the small disk is all there is: the larger disk gets a copy of it.
            target = tmp_path / "larger"
            subprocess.run([*small_disk.wrap[:4], "cp", "-r", str(place.data), str(target)], check=True)
            shutil.rmtree(place.data)
            shutil.copytree(target, place.data)
            place.engine.dispose()
        kept = place.pages()
        assert 1 < len(kept) < GOODS
        asked = len(tor.asked)
        assert place.crawl(tor.socks).code == 0
    assert {page.id: page.body_sha256 for page in kept}.items() <= {
        page.id: page.body_sha256 for page in place.pages()
    }.items()
    assert asked - len(kept) <= place.config["pace"]["in_flight"], (
        "more was asked for in vain than was in flight"
    )
    _check_whole(place)


def test_a_database_held_by_another_process_ends_the_crawl_plainly_and_nothing_is_lost(
    place: Any, stub: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUSKWATCH_DATABASE_URL", f"{place.url}?timeout=0.5")
    holders: list[subprocess.Popen[str]] = []
    answer = _site(stub)

    def hold_at_the_tenth(asked: Any) -> Any:
        if len(tor.asked) == 10:
            holder = subprocess.Popen(
                [sys.executable, "-c", HOLD, str(place.data / "tuskwatch.db")],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            assert holder.stdout is not None
            assert holder.stdout.readline() == "held\n"
            holders.append(holder)
        return answer(asked)

    with stub.OnionStub(hold_at_the_tenth) as tor:
        first = place.crawl(tor.socks)
        [holder] = holders
        assert holder.poll() is None, "the database was let go too early"
        assert holder.stdin is not None
        assert holder.stdout is not None
        holder.stdin.close()
        holder.wait(20)
        holder.stdout.close()
        assert first.code == 1
        assert "another program held the database for too long" in first.err
        assert "Traceback" not in first.err
        kept = len(place.pages())
        assert 1 < kept < GOODS
        asked = len(tor.asked)
        assert asked - kept <= place.config["pace"]["in_flight"]
        assert place.crawl(tor.socks).code == 0
        assert len(tor.asked) - asked == GOODS + 1 - kept
    _check_whole(place)


def test_each_commit_waits_for_the_disk(place: Any) -> None:
    """synchronous=FULL on a connection as the crawl has it: what was committed survives a power loss."""
    with place.engine.connect() as connection:
        driver: Any = connection.connection.dbapi_connection
        assert driver.execute("PRAGMA synchronous").fetchone() == (2,)
        assert driver.execute("PRAGMA journal_mode").fetchone() == ("wal",)
