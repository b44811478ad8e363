"""How many pages a second one crawl process stores, how much processor time a page takes, and how its memory grows.

Run: .venv/bin/python benchmarks/crawl_rate.py [--pages 1000] [--in-flight 8] [--delay 0.05]

The site answers through a stub of Tor's SOCKS port after --delay seconds, with pages of about 12 KB and 30 links: what is
measured is ours (Scrapy, store, frontier, links), not Tor's.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from kill_crawl import REPOSITORY, SITE, load_stub
from polite_sites import read_memory

from storage.engine import open_engine, upgrade
from storage.runs import create_run
from storage.sites import register_site

ADS = 60
"""On one shelf; the home page links all shelves, and no page may have so many links that some are left out."""


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pages", type=int, default=1000)
    parser.add_argument("--in-flight", type=int, default=8)
    parser.add_argument("--delay", type=float, default=0.05)
    given = parser.parse_args()
    stub = load_stub()
    shelves = max(given.pages // ADS, 1)

    def answer(asked: object) -> bytes:
        path = asked.path  # type: ignore[attr-defined]
        menu = [f"/c/{n}" for n in range(min(shelves, 30))]
        if path == "/":
            return bytes(stub.html("Home", [f"/c/{n}" for n in range(shelves)]))
        if path.startswith("/c/"):
            first = int(path[3:]) * ADS
            return bytes(stub.html(path, [f"/p/{n}" for n in range(first, first + ADS)] + menu))
        return bytes(stub.html(path, menu, text="An everyday thing, sent in two days. " * 300 + path))

    with tempfile.TemporaryDirectory(dir=os.environ.get("TUSKWATCH_BENCH_DATA")) as base:
        data = Path(base)
        url = f"sqlite:///{data / 'tuskwatch.db'}"
        upgrade(url)
        folder = data / "sites" / "rate"
        folder.mkdir(parents=True)
        text = SITE.format(name="rate", onion=stub.make_onion("rate"))
        text = text.replace("in_flight: 8", f"in_flight: {given.in_flight}")
        room = 2 * given.pages + 20_000
        text += f"bounds: {{pages: {room}, minutes: 10000}}\nbudgets: {{shape: {room}}}\n"
        (folder / "site.yml").write_text(text)
        (data / "deny.yml").write_text("terms: []\n", "utf-8")
        engine, now = open_engine(url), datetime.now(UTC)
        site = register_site(
            engine,
            name="rate",
            title="rate",
            config_sha256="0" * 64,
            onions=[stub.make_onion("rate")],
            now=now,
        )
        run = create_run(engine, verb="crawl", site_id=site, by="bench", reason="rate", settings={}, now=now)
        engine.dispose()
        with stub.OnionStub(answer, delay=given.delay) as tor:
            environment = {
                **os.environ,
                "TUSKWATCH_DATA": str(data),
                "TUSKWATCH_SOCKS": tor.socks,
                "PYTHONPATH": str(REPOSITORY),
            }
            process = subprocess.Popen(
                [sys.executable, "-m", "crawler", str(run)], env=environment, stderr=subprocess.DEVNULL
            )
            while not tor.asked and process.poll() is None:
                time.sleep(0.001)
            began = time.monotonic()
            memory: dict[int, int] = {}
            step, seen = max(given.pages // 40, 100), 0
            while process.poll() is None:
                if len(tor.asked) >= seen + step:
                    seen = len(tor.asked)
                    memory[seen] = round(read_memory(process.pid))
                    print(f"  {seen} pages, {memory[seen]} MB", file=sys.stderr)
                time.sleep(0.02)
            code = process.returncode
            seconds = time.monotonic() - began
            pages = len(tor.asked)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    result = {
        "pages": pages,
        "seconds": round(seconds, 1),
        "pages_per_second": round(pages / seconds, 1),
        "cpu_ms_per_page": round((used.ru_utime + used.ru_stime) / max(pages, 1) * 1000, 1),
        "memory_mb": memory,
        "load": round(os.getloadavg()[0], 1),
    }
    print(json.dumps(result))
    return code


if __name__ == "__main__":
    sys.exit(main())
