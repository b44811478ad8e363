"""How many polite crawls (one page a second each) one processor core carries.

Run: .venv/bin/python benchmarks/polite_sites.py [--sites 10] [--seconds 60]

Starts that many real crawl processes against a stub of Tor's SOCKS port, lets them settle, and reads the processor time that
each takes while it fetches one page a second (no jitter), from /proc. Their start (imports) is told apart.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from kill_crawl import REPOSITORY, SITE, load_stub

from storage.engine import open_engine, upgrade
from storage.runs import create_run
from storage.sites import register_site

TICK = os.sysconf("SC_CLK_TCK")


def read_cpu(pid: int) -> float:
    """Processor seconds that the process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def read_memory(pid: int) -> float:
    """Resident set in MB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sites", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=60)
    given = parser.parse_args()
    stub = load_stub()
    text = "An everyday thing, sent in two days. " * 400

    def answer(asked: object) -> bytes:
        path = asked.path  # type: ignore[attr-defined]
        links = [f"/c/{n}" for n in range(40)] if path == "/" else [f"/p{path}/{n}" for n in range(20)]
        return bytes(stub.html(path, links if path.count("/") < 4 else [], text=text + path))

    with (
        tempfile.TemporaryDirectory(dir=os.environ.get("TUSKWATCH_BENCH_DATA")) as base,
        stub.OnionStub(answer) as tor,
    ):
        started = [start(Path(base) / f"d{n}", f"site{n}", tor.socks, stub) for n in range(given.sites)]
        try:
            time.sleep(20)  # until all are past their start
            pids = [process.pid for process in started]
            first, asked, began = [read_cpu(pid) for pid in pids], len(tor.asked), time.monotonic()
            time.sleep(given.seconds)
            last, pages, took = (
                [read_cpu(pid) for pid in pids],
                len(tor.asked) - asked,
                time.monotonic() - began,
            )
            memory = [read_memory(pid) for pid in pids]
        finally:
            for process in started:
                process.terminate()
            for process in started:
                process.wait()
    used = sum(last) - sum(first)
    print(
        json.dumps(
            {
                "sites": given.sites,
                "pages_per_second_and_site": round(pages / took / given.sites, 2),
                "cpu_ms_per_page": round(used / max(pages, 1) * 1000, 1),
                "polite_sites_per_core": round(given.sites * took / used),
                "start_cpu_seconds": round(sum(first) / given.sites, 1),
                "memory_mb": round(max(memory)),
                "load": round(os.getloadavg()[0], 1),
            }
        )
    )
    return 0


def start(data: Path, name: str, socks: str, stub: object) -> subprocess.Popen[bytes]:
    url = f"sqlite:///{data / 'tuskwatch.db'}"
    folder = data / "sites" / name
    folder.mkdir(parents=True)
    upgrade(url)
    onion = stub.make_onion(name)  # type: ignore[attr-defined]
    text = SITE.format(name=name, onion=onion)
    (folder / "site.yml").write_text(
        text.replace("pace: {delay: 0, in_flight: 8}", "pace: {delay: 1, jitter: 0, in_flight: 1}")
    )
    (data / "deny.yml").write_text("terms: []\n", "utf-8")
    engine, now = open_engine(url), datetime.now(UTC)
    site = register_site(engine, name=name, title=name, config_sha256="0" * 64, onions=[onion], now=now)
    run = create_run(engine, verb="crawl", site_id=site, by="bench", reason="polite", settings={}, now=now)
    engine.dispose()
    environment = {
        **os.environ,
        "TUSKWATCH_DATA": str(data),
        "TUSKWATCH_SOCKS": socks,
        "PYTHONPATH": str(REPOSITORY),
    }
    return subprocess.Popen(
        [sys.executable, "-m", "crawler", str(run)], env=environment, stderr=subprocess.DEVNULL
    )


if __name__ == "__main__":
    sys.exit(main())
