"""What people wait for on a large store: what needs a person, the board, the review's next ad; and what retention takes.

    python -m benchmarks.large_store [--listings N] [--runs N] [--postgres] [--retention]

Makes a store of 100,000 listings with a page, a reading and a score each, of 40 sites and 5,000 runs, on SQLite or on a
PostgreSQL started for it. Prints the median and the slowest of ten times on the clock, and each as a multiple of counting
the listings there. --retention: nine tenths of the pages are past their date; a dry run and a real one beside a plain
DELETE of the same rows from a copy without triggers (SQLite only).
"""

from __future__ import annotations

import argparse
import shutil
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from sqlalchemy import Engine, func, insert, select, text

from benchmarks.fleet.postgres import Postgres
from jobs.needs import find_needs
from jobs.places import Places
from jobs.retention import remove_old
from storage.base import Base
from storage.board import find_board
from storage.engine import open_engine, reading, transaction, upgrade
from storage.metrics import count_all
from storage.queues import count_waiting, next_for_review
from storage.runs import create_run
from storage.sites import register_site
from storage.tables import Blob, Listing, Page, Reading, ReadingPage, Run, Score, Sighting

NOW = datetime(2026, 11, 2, tzinfo=UTC)
SITES = 40
TIMES = 10
TARGET = 0.2
_AT_ONCE = 2_000


def fill(engine: Engine, *, listings: int, runs: int) -> None:
    """Rows as a crawl, the reader and the model leave them; one ad in 200 is flagged and waits. runs: a multiple of ten, so
    that a page is as old as its run."""
    sites = [
        register_site(engine, name=f"site{n}", title=f"Site {n}", config_sha256="0" * 64, onions=[], now=NOW)
        for n in range(SITES)
    ]

    def old(number: int) -> datetime:
        return NOW - timedelta(days=500 if number % 10 else number % 30, minutes=number % 1000)

    def put(model: type[Base], make: Callable[[int], dict[str, Any]], count: int) -> None:
        for first in range(1, count + 1, _AT_ONCE):
            rows = [make(number) for number in range(first, min(first + _AT_ONCE, count + 1))]
            with transaction(engine) as session:
                session.execute(insert(model), rows)

    key = "{:064d}".format
    put(Run, lambda n: {"id": n, "verb": "crawl", "site_id": sites[n % SITES], "state": "failed" if n % 97 == 0 else "done", "by": "ana",
        "reason": "", "settings": {}, "created_at": old(n), "started_at": old(n), "ended_at": old(n) + timedelta(minutes=30), }, runs)  # fmt: skip
    put(
        Blob,
        lambda n: {
            "sha256": key(n),
            "size": 9,
            "encoding": "identity",
            "data": b"some body",
            "created_at": old(n),
        },
        listings,
    )
    put(Page, lambda n: {"id": n, "site_id": sites[n % SITES], "run_id": 1 + (n - 1) % runs, "attempt": 1, "hop": 0, "url": f"http://s/{n}",
        "method": "GET", "request_headers": [], "requested_at": old(n), "received_at": old(n), "status": 200, "reason": "",
        "response_headers": [], "circuit_token": "", "body_sha256": key(n)}, listings)  # fmt: skip
    put(Reading, lambda n: {"id": n, "page_id": n, "site_id": sites[n % SITES], "reader_version": "r", "pages_sha256": key(n), "kind": "listing",
        "confidence": 1.0, "title": f"Thing {n}", "description": "words " * 30, "fields": {}, "leftovers": [], "seen_at": old(n),
        "content_sha256": key(n), "created_at": old(n)}, listings)  # fmt: skip
    put(ReadingPage, lambda n: {"reading_id": n, "page_id": n}, listings)
    put(Listing, lambda n: {"id": n, "site_id": sites[n % SITES], "key": str(n), "source": "listing", "url": f"http://s/{n}", "reading_id": n,
        "title": f"Thing {n}", "content_sha256": key(n), "first_seen": old(n), "last_seen": old(n)}, listings)  # fmt: skip
    put(
        Sighting,
        lambda n: {
            "listing_id": n,
            "run_id": 1 + (n - 1) % runs,
            "page_id": n,
            "reading_id": n,
            "key": str(n),
            "seen_at": old(n),
        },
        listings,
    )
    put(Score, lambda n: {"reading_id": n, "model_version": "m1", "ivory": 0.9 if n % 200 == 0 else 0.01, "rhino_horn": 0.01, "tiger": 0.01,
        "thresholds": {}, "flagged": n % 200 == 0, "reasons": {}, "zone": "flag" if n % 200 == 0 else "pass", "created_at": old(n)}, listings)  # fmt: skip
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if (
            engine.dialect.name == "postgresql"
        ):  # the numbers were given, so that the sequences know nothing of them
            for name in ("run", "page", "reading", "listing"):
                connection.execute(
                    text(
                        f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), (SELECT max(id) FROM {name}))"  # noqa: S608  # names of ours
                    )
                )
        connection.execute(text("ANALYZE"))


def measure(engine: Engine, places: Places) -> None:
    """A line for each thing that somebody waits for."""

    def ask(query: Callable[[Any], object]) -> Callable[[], object]:
        def run() -> object:
            with reading(engine) as session:
                return query(session)

        return run

    asked: dict[str, Callable[[], object]] = {
        "count the listings": ask(lambda session: session.scalar(select(func.count()).select_from(Listing))),
        "what needs a person": lambda: find_needs(engine, places, now=NOW),
        "the board": ask(lambda session: find_board(session, now=NOW)),
        "the next ad for review": ask(next_for_review),
        "how many wait for review": ask(count_waiting),
        "metrics": ask(lambda session: list(count_all(session, now=NOW))),
    }
    plain = 0.0
    print(f"{'':<28}{'median ms':>11}{'slowest':>9}{'times a count':>15}")
    for name, run in asked.items():
        took = []
        run()
        for _ in range(TIMES):
            began = time.perf_counter()
            run()
            took.append(time.perf_counter() - began)
        middle = statistics.median(took)
        plain = plain or middle
        print(f"{name:<28}{1000 * middle:>11.1f}{1000 * max(took):>9.1f}{middle / plain:>15.1f}")
        if name == "what needs a person":
            print(f"{'':<28}target {1000 * TARGET:.0f} ms: {'met' if middle < TARGET else 'NOT MET'}")


def measure_retention(engine: Engine, places: Places, copy: Path) -> None:
    """A dry run, the plain DELETE on a copy, and a real run."""
    (places.data / "retention.yml").write_text("pages: {keep: 365 days}\n")
    began = time.perf_counter()
    dry = remove_old(places, run_id=None, now=NOW, dry_run=True)
    dried = time.perf_counter() - began
    with sqlite3.connect(copy) as bare:
        for (name,) in bare.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            bare.execute(f'DROP TRIGGER "{name}"')
        old = (NOW - timedelta(days=365)).strftime("%Y-%m-%d %H:%M:%S")
        began = time.perf_counter()
        bare.execute(
            "CREATE TEMP TABLE gone AS SELECT p.id FROM page p JOIN score s ON s.reading_id = p.id WHERE p.received_at < ? AND NOT s.flagged",
            (old,),
        )
        for table, column in (
            ("sighting", "page_id"),
            ("score", "reading_id"),
            ("reading_page", "page_id"),
            ("listing", "reading_id"),
            ("reading", "page_id"),
        ):
            bare.execute(f"DELETE FROM {table} WHERE {column} IN (SELECT id FROM gone)")  # noqa: S608  # names of ours
        bare.execute(
            "DELETE FROM blob WHERE sha256 IN (SELECT body_sha256 FROM page WHERE id IN (SELECT id FROM gone))"
        )
        bare.execute("DELETE FROM page WHERE id IN (SELECT id FROM gone)")
        bare.commit()
        plain = time.perf_counter() - began
    run_id = create_run(engine, verb="retention", site_id=None, by="ana", reason="", settings={}, now=NOW)
    began = time.perf_counter()
    real = remove_old(places, run_id=run_id, now=NOW, dry_run=False, tell=lambda done, total: None)
    took = time.perf_counter() - began
    print(
        f"retention of {real.pages:,} pages (dry run: {dry.pages:,}): dry run {dried:.0f} s, real {took:.0f} s "
        f"({real.pages / took:,.0f} pages/s), plain DELETE {plain:.1f} s: {took / plain:.0f} times"
    )


@contextmanager
def make_store(folder: Path, *, postgres: bool) -> Iterator[str]:
    if not postgres:
        yield f"sqlite:///{folder / 'tuskwatch.db'}"
        return
    with Postgres() as server:
        yield server.create("large")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--listings", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=5_000)
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--retention", action="store_true")
    chosen = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="tuskwatch-large-") as name,
        make_store(Path(name), postgres=chosen.postgres) as url,
    ):
        upgrade(url)
        engine = open_engine(url)
        fill(engine, listings=chosen.listings, runs=chosen.runs)
        places = Places(data=Path(name), database_url=url, engine_url=url, models=Path(name))
        print(f"{chosen.listings:,} listings, {chosen.runs:,} runs, {engine.dialect.name}")
        measure(engine, places)
        if chosen.retention and not chosen.postgres:
            with engine.connect() as connection:
                connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
            copy = Path(name) / "copy.db"
            shutil.copy(Path(name) / "tuskwatch.db", copy)
            measure_retention(engine, places, copy)
        engine.dispose()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
