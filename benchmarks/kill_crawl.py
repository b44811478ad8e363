"""Kills the crawl with SIGKILL at ten random moments and starts it again each time: is anything lost or stored twice?

Run: .venv/bin/python benchmarks/kill_crawl.py [--moments 10] [--seed 1] [--lab]

Without --lab the site is an invented one behind a stub of Tor's SOCKS port; with it, the lab's first market over a real
private Tor network. Exit code 0 when nothing was lost, nothing stored twice, and the database is intact.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))

from lab.network import start_lab, stop_lab  # noqa: E402
from storage.engine import open_engine, upgrade  # noqa: E402
from storage.runs import create_run  # noqa: E402
from storage.sites import register_site  # noqa: E402

SITE = """\
name: {name}
title: Killed market
addresses: [{onion}]
authorised: {{by: benchmark, on: 2026-10-01}}
pace: {{delay: 0, in_flight: 8}}
kinds: {{listing: ['^/p/'], search: ['^/c/'], home: ['^/$']}}
skip: ['^/logout']
"""


def load_stub() -> ModuleType:
    """The stub of Tor that the tests use."""
    spec = importlib.util.spec_from_file_location("crawl_stub", REPOSITORY / "tests" / "crawler" / "stub.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@contextmanager
def stub_site(data: Path) -> Iterator[tuple[str, str]]:
    """A site of 331 pages behind the stub: (name of the site, SOCKS port)."""
    stub = load_stub()

    def answer(asked: object) -> bytes:
        path = asked.path  # type: ignore[attr-defined]
        if path == "/":
            return bytes(stub.html("Home", [f"/c/{n}" for n in range(30)]))
        if path.startswith("/c/"):
            first = int(path[3:]) * 10
            return bytes(stub.html(path, [f"/p/{n}" for n in range(first, first + 10)]))
        return bytes(stub.html(path, ["/"], text="An everyday thing. " * 200 + path))

    folder = data / "sites" / "killed"
    folder.mkdir(parents=True)
    (folder / "site.yml").write_text(SITE.format(name="killed", onion=stub.make_onion("killed")))
    with stub.OnionStub(answer, delay=0.02) as tor:
        yield "killed", tor.socks


@contextmanager
def lab_site(data: Path) -> Iterator[tuple[str, str]]:
    """The lab's first market over its private Tor network."""
    folder = data.parent / "lab"
    lab = start_lab(folder=folder, data=data, listings=400, detach=False)
    try:
        yield "oldport", f"127.0.0.1:{lab.socks_port}"
    finally:
        stop_lab(folder=folder)


def stored(data: Path) -> dict[int, tuple[str, str]]:
    connection = sqlite3.connect(data / "tuskwatch.db")
    rows = {row[0]: (row[1], row[2]) for row in connection.execute("SELECT id, url, body_sha256 FROM page")}
    connection.close()
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--moments", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--lab", action="store_true")
    given = parser.parse_args()
    rng = random.Random(given.seed)  # noqa: S311 - moments, not secrets
    with tempfile.TemporaryDirectory(dir=os.environ.get("TUSKWATCH_BENCH_DATA")) as base:
        data = Path(base) / "data"
        data.mkdir()
        url = f"sqlite:///{data / 'tuskwatch.db'}"
        upgrade(url)
        with (lab_site if given.lab else stub_site)(data) as (name, socks):
            return kill_and_count(data, url, name, socks, given.moments, rng)


def kill_and_count(data: Path, url: str, name: str, socks: str, moments: int, rng: random.Random) -> int:
    now = datetime.now(UTC)
    engine = open_engine(url)
    site = register_site(engine, name=name, title=name, config_sha256="0" * 64, onions=[], now=now)
    run = create_run(engine, verb="crawl", site_id=site, by="bench", reason="kill", settings={}, now=now)
    engine.dispose()
    environment = {
        **os.environ,
        "TUSKWATCH_DATA": str(data),
        "TUSKWATCH_SOCKS": socks,
        "PYTHONPATH": str(REPOSITORY),
    }
    command = [sys.executable, "-m", "crawler", str(run)]
    lost = kills = 0
    before: dict[int, tuple[str, str]] = {}
    for _ in range(moments):
        process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
        have, wanted = len(before), rng.randint(1, 25)
        while process.poll() is None and len(stored(data)) < have + wanted:
            time.sleep(0.01)
        time.sleep(rng.random() * 0.05)
        process.kill()
        kills += process.wait() == -9
        after = stored(data)
        lost += sum(after.get(number) != page for number, page in before.items())
        before = after
    code = (
        subprocess.run(command, env=environment, stderr=subprocess.DEVNULL, check=False).returncode
        if kills == moments
        else 0
    )
    connection = sqlite3.connect(data / "tuskwatch.db")
    intact = connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    twice = connection.execute(
        "SELECT count(*) FROM (SELECT 1 FROM page WHERE status = 200 GROUP BY frontier_id, hop HAVING count(*) > 1)"
    ).fetchone()[0]
    states = dict(connection.execute("SELECT state, count(*) FROM frontier GROUP BY state").fetchall())
    pages = connection.execute("SELECT count(*) FROM page").fetchone()[0]
    connection.close()
    lost += sum(stored(data).get(number) != page for number, page in before.items())
    result = {
        "kills": kills,
        "pages": pages,
        "lost": lost,
        "stored_twice": twice,
        "intact": intact,
        "frontier": states,
    }
    print(json.dumps(result))
    return (
        0 if (code, lost, twice, intact, set(states)) == (0, 0, 0, True, {"done"}) and kills == moments else 1
    )


if __name__ == "__main__":
    sys.exit(main())
