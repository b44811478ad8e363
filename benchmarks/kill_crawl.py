"""Kills the crawl with SIGKILL at fifty random moments and starts it again each time: is anything lost or fetched twice?

Run: .venv/bin/python benchmarks/kill_crawl.py [--moments 50] [--pages 2000] [--seed 1] [--lab]

Without --lab the site is an invented one of 2,000 pages behind a stub of Tor's SOCKS port, and what is stored in the end is
compared with what the site has, page by page and byte by byte; with it, the lab's first market over a real private Tor
network. Four of five moments are a number of pages after the start, one of five falls into the start itself. Exit code 0
when nothing was lost or stored twice, no more was asked for again than was in flight, and the database is intact.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))

from crawler.sites import load_site  # noqa: E402
from lab.network import start_lab, stop_lab  # noqa: E402
from storage.engine import open_engine, upgrade  # noqa: E402
from storage.runs import create_run  # noqa: E402
from storage.sites import register_site  # noqa: E402

IN_FLIGHT = 8
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


@dataclass
class Place:
    """Where the crawl goes. truth: SHA-256 of each body by path, empty when it is not known; asked: what was asked for."""

    name: str
    socks: str
    truth: dict[str, str] = field(default_factory=dict)
    asked: list[object] = field(default_factory=list)


def write_page(path: str, pages: int) -> tuple[list[str], str]:
    """(links, text) of one page of the invented site: one home, a category for every forty pages, the rest ads."""
    shelves = max(1, pages // 40)
    if path == "/":
        return [f"/c/{n}" for n in range(shelves)], "Welcome to a market that is killed again and again."
    if path.startswith("/c/"):
        return [f"/p/{n}" for n in range(int(path[3:]), pages - 1 - shelves, shelves)], f"Shelf {path}"
    words = hashlib.sha256(path.encode()).hexdigest()
    return ["/", f"/c/{int(path[3:]) % shelves}"], f"An everyday thing called {words}. " * 60


@contextmanager
def stub_site(data: Path, pages: int) -> Iterator[Place]:
    stub = load_stub()
    shelves = max(1, pages // 40)
    paths = [
        "/",
        *(f"/c/{n}" for n in range(shelves)),
        *(f"/p/{n}" for n in range(pages - 1 - shelves)),
    ]

    def answer(asked: object) -> bytes:
        path = asked.path  # type: ignore[attr-defined]
        links, text = write_page(path, pages)
        return bytes(stub.html(path, links, text=text))

    def body(path: str) -> bytes:
        links, text = write_page(path, pages)
        return bytes(stub.html(path, links, text=text)).partition(b"\r\n\r\n")[2]

    folder = data / "sites" / "killed"
    folder.mkdir(parents=True)
    (folder / "site.yml").write_text(SITE.format(name="killed", onion=stub.make_onion("killed")))
    truth = {path: hashlib.sha256(body(path)).hexdigest() for path in paths}
    with stub.OnionStub(answer, delay=0.02) as tor:
        yield Place("killed", tor.socks, truth, tor.asked)


@contextmanager
def lab_site(data: Path, pages: int) -> Iterator[Place]:
    """The lab's first market over its private Tor network."""
    folder = data.parent / "lab"
    lab = start_lab(folder=folder, data=data, listings=pages // 5, detach=False)
    try:
        yield Place("oldport", f"127.0.0.1:{lab.socks_port}")
    finally:
        stop_lab(folder=folder)


def read_state(data: Path) -> tuple[dict[int, tuple[str, str]], dict[str, int]]:
    """({page id: (url, hash of its body)}, how many frontier rows are in each state)."""
    connection = sqlite3.connect(data / "tuskwatch.db", timeout=30)
    try:
        pages = {
            row[0]: (row[1], row[2]) for row in connection.execute("SELECT id, url, body_sha256 FROM page")
        }
        states = dict(connection.execute("SELECT state, count(*) FROM frontier GROUP BY state").fetchall())
    finally:
        connection.close()
    return pages, states


def count_pages(data: Path) -> int:
    connection = sqlite3.connect(data / "tuskwatch.db", timeout=30)
    try:
        return int(connection.execute("SELECT count(*) FROM page").fetchone()[0])
    finally:
        connection.close()


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--moments", type=int, default=50)
    parser.add_argument("--pages", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--lab", action="store_true")
    given = parser.parse_args()
    rng = random.Random(given.seed)  # noqa: S311 - moments, not secrets
    with tempfile.TemporaryDirectory(dir=os.environ.get("TUSKWATCH_BENCH_DATA")) as base:
        data = Path(base) / "data"
        data.mkdir()
        (data / "deny.yml").write_text("terms: []\n")
        url = f"sqlite:///{data / 'tuskwatch.db'}"
        upgrade(url)
        with (lab_site if given.lab else stub_site)(data, given.pages) as place:
            return kill_and_count(data, url, place, given.moments, given.pages, rng)


def kill_and_count(data: Path, url: str, place: Place, moments: int, pages: int, rng: random.Random) -> int:
    now = datetime.now(UTC)
    engine = open_engine(url)
    onions = load_site(data / "sites" / place.name).addresses
    site = register_site(
        engine, name=place.name, title=place.name, config_sha256="0" * 64, onions=onions, now=now
    )
    run = create_run(engine, verb="crawl", site_id=site, by="bench", reason="kill", settings={}, now=now)
    engine.dispose()
    environment = {
        **os.environ,
        "TUSKWATCH_DATA": str(data),
        "TUSKWATCH_SOCKS": place.socks,
        "PYTHONPATH": str(REPOSITORY),
    }
    command = [sys.executable, "-m", "crawler", str(run)]
    share = max(1, pages // (moments + 10))  # so that the last kill finds the site unfinished
    lost = kills = 0
    before: dict[int, tuple[str, str]] = {}
    print(" kill  moment                 pages    asked   leased  fetched   lost")
    for number in range(1, moments + 1):
        process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
        if rng.random() < 0.2:
            seconds = rng.uniform(0.05, 3)
            moment = f"{seconds:.2f} s after start"
            time.sleep(seconds)
        else:
            wanted, more = rng.randint(1, 2 * share - 1), rng.random() * 0.05
            moment = f"{wanted} pages + {more * 1000:.0f} ms"
            goal = len(before) + wanted
            while process.poll() is None and count_pages(data) < goal:
                time.sleep(0.005)
            time.sleep(more)
        process.kill()
        kills += process.wait() == -9
        after, states = read_state(data)
        gone = sum(after.get(key) != page for key, page in before.items())
        lost += gone
        before = after
        print(
            f"{number:5d}  {moment:<20} {len(after):7d} {len(place.asked):8d} {states.get('leased', 0):8d} "
            f"{states.get('fetched', 0):8d} {gone:6d}",
            flush=True,
        )
    last = subprocess.run(command, env=environment, stderr=subprocess.PIPE, text=True, check=False)
    return tell(
        data, place, before, {"kills": kills, "lost": lost, "code": last.returncode}, last.stderr, moments
    )


def tell(
    data: Path,
    place: Place,
    before: dict[int, tuple[str, str]],
    result: dict[str, object],
    said: str,
    moments: int,
) -> int:
    """Hold what is stored against the truth; print it; the exit code."""
    connection = sqlite3.connect(data / "tuskwatch.db")
    intact = connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    twice = connection.execute(
        "SELECT count(*) FROM (SELECT 1 FROM page WHERE status = 200 GROUP BY frontier_id, hop HAVING count(*) > 1)"
    ).fetchone()[0]
    connection.close()
    pages, states = read_state(data)
    lost = int(str(result["lost"])) + sum(pages.get(key) != page for key, page in before.items())
    stored = Counter("/" + page[0].split("/", 3)[3] for page in pages.values())
    bodies = {"/" + page[0].split("/", 3)[3]: page[1] for page in pages.values()}
    asked = Counter(request.path for request in place.asked)  # type: ignore[attr-defined]
    again = sum(asked.values()) - len(asked)
    result |= {
        "lost": lost,
        "pages": len(pages),
        "stored_twice": twice,
        "intact": intact,
        "frontier": states,
    }
    good = (result["code"], lost, twice, intact, set(states)) == (0, 0, 0, True, {"done"})
    good = good and result["kills"] == moments
    if place.truth:
        result |= {
            "truth": len(place.truth),
            "missing": len(set(place.truth) - set(stored)),
            "not_of_the_site": len(set(stored) - set(place.truth)),
            "other_bytes": sum(bodies.get(path) != digest for path, digest in place.truth.items()),
            "asked_again": again,
            "asked_again_at_most": moments * IN_FLIGHT,
        }
        good = good and bodies == place.truth and again <= moments * IN_FLIGHT
    print(json.dumps(result))
    if not good:
        print(said.strip(), file=sys.stderr)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
