"""What the engine costs by itself: runs asked for and started a second, and what an idle fleet takes of CPU and database.

Run: .venv/bin/python benchmarks/engine.py [--runs 60] [--workers 10] [--schedules 200] [--seconds 60] [--only sqlite]
     [--json FILE]

On SQLite and on a PostgreSQL of its own, each in a temporary folder. The runs are crawls whose crawl does nothing: all
rows, transactions and queues are the product's. Beside them the same number of flows that do nothing on the bare engine
(DBOS), set up alike: queue, partitions, places at once, polling interval. The idle fleet has that many workers and
schedules, none of which is due; statements are counted in the workers, and by PostgreSQL itself as well.
Exit code 0 when an idle worker takes less than 2 % of a core on both.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))

from sqlalchemy import create_engine, text  # noqa: E402

from benchmarks.fleet.idler import BARE_QUEUE  # noqa: E402
from benchmarks.fleet.market import SITE, make_onion  # noqa: E402
from benchmarks.fleet.postgres import Postgres  # noqa: E402
from crawler.denyfile import write_empty  # noqa: E402
from jobs.engine import open_client  # noqa: E402
from jobs.places import Places, dump_places  # noqa: E402
from jobs.pulse import BEAT_SECONDS  # noqa: E402
from jobs.queues import CRAWL_POLL_SECONDS, TASK_POLL_SECONDS  # noqa: E402
from jobs.runs import start_crawl  # noqa: E402
from jobs.schedules import add_schedule  # noqa: E402
from jobs.tick import TICK_SECONDS  # noqa: E402
from storage.engine import open_engine, reading, upgrade  # noqa: E402

MOST_CPU = 2.0
WARM_SECONDS = 75.0
"""The engine looks for schedules every second in its first minute."""
LIVE = "SELECT count(*) FROM run WHERE state NOT IN ('done', 'failed', 'cancelled', 'lost')"


class Worker:
    """One counting worker as a process."""

    def __init__(self, places: Places, *words: str) -> None:
        self.log = (places.data / f"{words[1]}.log").open("wb")
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(REPOSITORY / "benchmarks" / "fleet" / "idler.py"), *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            cwd=places.data,
        )
        self._say(dump_places(places))

    def _say(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line.encode() + b"\n")
        self._process.stdin.flush()

    def count(self) -> dict[str, Any]:
        self._say("count")
        assert self._process.stdout is not None
        found: dict[str, Any] = json.loads(self._process.stdout.readline())
        return found

    def end(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self.log.close()


@contextmanager
def working(workers: Sequence[Worker]) -> Iterator[None]:
    try:
        yield
    finally:
        for worker in workers:
            worker.end()


class Ground:
    """A database of one kind, with folders for workers."""

    def __init__(self, stack: ExitStack, kind: str, sites: int) -> None:
        self.kind, self._sites = kind, sites
        self._base = Path(
            stack.enter_context(tempfile.TemporaryDirectory(dir=os.environ.get("TUSKWATCH_BENCH_DATA")))
        )
        self._server = (
            stack.enter_context(Postgres(settings="-c shared_preload_libraries=pg_stat_statements"))
            if kind == "postgresql"
            else None
        )
        self._number = 0

    def places(self, count: int) -> list[Places]:
        """A fresh database, and so many data folders on it; on SQLite one folder for all."""
        self._number += 1
        folder = self._base / str(self._number)
        if self._server is None:
            data = folder / "data"
            database, queue = f"sqlite:///{data / 'tuskwatch.db'}", f"sqlite:///{data / 'engine.db'}"
        else:
            database = self._server.create(f"tuskwatch{self._number}")
            queue = self._server.create(f"engine{self._number}")
        made = []
        for number in range(count):
            data = folder / ("data" if self._server is None else f"data{number}")
            if not data.exists():
                for site in range(self._sites):
                    (data / "sites" / f"site{site}").mkdir(parents=True)
                    config = SITE.format(
                        name=f"site{site}", onion=make_onion(f"site{site}"), delay=2, in_flight=1, timeout=60
                    )
                    (data / "sites" / f"site{site}" / "site.yml").write_text(config)
                write_empty(data)
            made.append(
                Places(data=data, database_url=database, engine_url=queue, models=folder / "none",
                       tor_binary="/nowhere/tor")
            )  # fmt: skip
        upgrade(database)
        return made

    def count_calls(self) -> tuple[int, list[tuple[str, int]]] | None:
        """Statements that the server ran since the last call, by its own account; None on SQLite."""
        if self._server is None:
            return None
        engine = create_engine(f"{self._server.url}/postgres", isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text("CREATE EXTENSION IF NOT EXISTS pg_stat_statements"))
            rows = connection.execute(
                text(
                    "SELECT left(query, 90), sum(calls)::int FROM pg_stat_statements GROUP BY 1 ORDER BY 2 DESC"
                )
            ).all()
            connection.execute(text("SELECT pg_stat_statements_reset()"))
        engine.dispose()
        return sum(row[1] for row in rows), [(row[0], row[1]) for row in rows[:8]]


def utc_now() -> datetime:
    return datetime.now(UTC)


def measure_ours(ground: Ground, *, runs: int, workers: int, crawls: int) -> dict[str, float]:
    """Ask for runs of as many sites, then let workers take them."""
    places = ground.places(workers)
    begun = time.monotonic()
    for number in range(runs):
        start_crawl(places[0], f"site{number}", by="bench", reason="bench", now=utc_now())
    asked = time.monotonic() - begun
    engine = open_engine(places[0].database_url)
    many = [Worker(place, "ours", f"w{n}", str(crawls), "trivial") for n, place in enumerate(places)]
    with working(many):
        end = time.monotonic() + 600
        while time.monotonic() < end:
            with reading(engine) as session:
                if not session.scalar(text(LIVE)):
                    break
            time.sleep(0.2)
    with reading(engine) as session:
        rows = session.execute(text("SELECT started_at, ended_at, state FROM run")).all()
    engine.dispose()
    started = sorted(_read_time(row[0]) for row in rows if row[0])
    ended = max(_read_time(row[1]) for row in rows if row[1])
    assert len(started) == runs, f"{len(started)} of {runs} runs were started"
    return {"asked_per_s": runs / asked, "started_per_s": runs / max(0.001, ended - started[0])}


def _read_time(value: Any) -> float:
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return float((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def measure_bare(ground: Ground, *, runs: int, crawls: int) -> dict[str, float]:
    """The same number of flows that do nothing, on the engine alone."""
    places = replace(ground.places(1)[0], crawls=crawls)
    with open_client(places) as client:
        begun = time.monotonic()
        for number in range(runs):
            client.enqueue(
                {
                    "workflow_name": "nothing",
                    "queue_name": BARE_QUEUE,
                    "queue_partition_key": f"site{number}",
                    "workflow_id": f"flow-{number}",
                },
                number,
            )
        asked = time.monotonic() - begun
        with working([Worker(places, "bare", "bare", str(crawls))]):
            end = time.monotonic() + 600
            while time.monotonic() < end:
                done = client.list_workflows(
                    status="SUCCESS", name="nothing", load_input=False, load_output=False
                )
                if len(done) == runs:
                    break
                time.sleep(0.2)
    assert len(done) == runs, f"{len(done)} of {runs} flows ended"
    first = min(flow.dequeued_at or flow.created_at or 0 for flow in done)
    last = max(flow.completed_at or flow.updated_at or 0 for flow in done)
    return {"asked_per_s": runs / asked, "started_per_s": runs / max(0.001, (last - first) / 1000)}


def measure_idle(
    ground: Ground, *, workers: int, schedules: int, seconds: float, kind: str = "ours"
) -> dict[str, Any]:
    """What workers without anything to do cost a minute."""
    places = ground.places(workers)
    if kind == "ours":
        for number in range(schedules):
            add_schedule(
                places[0], site=f"site{number % ground._sites}", cron="15 3 29 2 *", tz="Asia/Singapore",
                name=f"s{number}", by="bench", now=utc_now(),
            )  # fmt: skip
    many = [Worker(place, kind, f"w{n}", "4") for n, place in enumerate(places)]
    with working(many):
        time.sleep(WARM_SECONDS)
        before = [worker.count() for worker in many]
        ground.count_calls()
        began = time.monotonic()
        time.sleep(seconds)
        after = [worker.count() for worker in many]
        passed = time.monotonic() - began
        calls = ground.count_calls()
    shares = [
        (b["cpu"] + b["children"] - a["cpu"] - a["children"]) / (b["at"] - a["at"]) * 100
        for a, b in zip(before, after, strict=True)
    ]
    statements: Counter[str] = Counter()
    threads: Counter[str] = Counter()
    for a, b in zip(before, after, strict=True):
        for name, count in b["statements"].items():
            statements[name] += count - a["statements"].get(name, 0)
        for name, cpu in b["threads"].items():
            threads[name] += cpu - a["threads"].get(name, 0.0)
    found: dict[str, Any] = {
        "cpu_percent_mean": sum(shares) / len(shares),
        "cpu_percent_most": max(shares),
        "statements_per_minute": statements.total() / passed * 60,
        "rss_mb": sum(b["rss"] for b in after) / len(after) / 1e6,
        "top": [(name, round(count / passed * 60)) for name, count in statements.most_common(12)],
        "threads": [(name, round(cpu / passed / len(many) * 100, 2)) for name, cpu in threads.most_common(8)],
    }
    if calls is not None:
        found["server_per_minute"] = calls[0] / passed * 60
        found["server_top"] = [(name, round(count / passed * 60)) for name, count in calls[1]]
    return found


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=60)
    parser.add_argument("--workers", type=int, default=10)
    parser.add_argument("--schedules", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--only", choices=("sqlite", "postgresql"))
    parser.add_argument("--part", choices=("runs", "idle"))
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    print(
        f"{os.cpu_count()} cores; polling: crawls {CRAWL_POLL_SECONDS:g} s, tasks {TASK_POLL_SECONDS:g} s, sign of life "
        f"{BEAT_SECONDS:g} s, tick of the fleet {TICK_SECONDS:g} s"
    )
    result: dict[str, Any] = {}
    for kind in [given.only] if given.only else ["sqlite", "postgresql"]:
        with ExitStack() as stack:
            ground = Ground(stack, kind, given.runs)
            found: dict[str, Any] = {}
            if given.part != "idle":
                for workers, crawls in ((1, 4), (1, 32), (3, 4)):
                    ours = measure_ours(ground, runs=given.runs, workers=workers, crawls=crawls)
                    found[f"{workers} x {crawls}"] = {"ours": ours}
                    line = f"{kind}: {workers} worker(s) of {crawls}: {ours['started_per_s']:.1f} runs a second, asked for {ours['asked_per_s']:.1f}"
                    if workers == 1:
                        bare = measure_bare(ground, runs=given.runs, crawls=crawls)
                        found[f"{workers} x {crawls}"]["bare"] = bare
                        line += (
                            f"; bare engine {bare['started_per_s']:.1f} and {bare['asked_per_s']:.1f}"
                            f" (ours {ours['started_per_s'] / bare['started_per_s']:.2f} of it)"
                        )
                    print(line, flush=True)
            if given.part != "runs":
                for who in ("ours", "bare"):
                    idle = measure_idle(
                        ground,
                        workers=given.workers,
                        schedules=given.schedules,
                        seconds=given.seconds,
                        kind=who,
                    )
                    found[f"idle {who}"] = idle
                    print(
                        f"{kind}: idle, {given.workers} workers{f', {given.schedules} schedules' if who == 'ours' else ' of the bare engine'}: "
                        f"{idle['cpu_percent_mean']:.2f} % of a core each (at most {idle['cpu_percent_most']:.2f}), "
                        f"{idle['statements_per_minute']:.0f} statements a minute in all"
                        + (f" ({idle['server_per_minute']:.0f} by the server's account)" if "server_per_minute" in idle else "")
                        + f", {idle['rss_mb']:.0f} MB each",
                        flush=True,
                    )  # fmt: skip
                    for name, count in idle["top"][:8]:
                        print(f"      {count:6d} a minute  {name[:110]}")
                    print(
                        "      CPU by thread:", ", ".join(f"{name} {cpu} %" for name, cpu in idle["threads"])
                    )
            result[kind] = found
    if given.json:
        given.json.write_text(json.dumps(result, indent=1))
    idle_cpu = [found["idle ours"]["cpu_percent_mean"] for found in result.values() if "idle ours" in found]
    return 0 if all(cpu < MOST_CPU for cpu in idle_cpu) else 1


if __name__ == "__main__":
    sys.exit(main())
