"""Crawls one site over one private Tor network with Tuskwatch and with its peers, one after the other.

Run: .venv/bin/python benchmarks/peers.py [--pages 1500] [--in-flight 16,32] [--delay 0,600] [--repeat 2] [--torbot-seconds 60]

Tuskwatch stores every page durably (SQLite, synchronous=FULL), judges it, reads its links and its fields' frontier; the peers
follow the same links and store nothing. Measured for each: processor seconds of the crawling process for 1,000 pages (its
start included), pages a second, greatest resident memory. Ratios count: they hold on a loaded machine, seconds do not.

As root the whole runs in a network namespace of its own with quick acknowledgements on loopback (docs/decisions say why):
nothing can leave it, and Tor is then limited by the processor instead of by delayed acknowledgements. Such a network answers in
a few milliseconds; Tor's own takes 300 to 1,500 a page. --delay lets the site wait so many milliseconds with each answer,
the same for all; that a new stream costs Tor's own network one more way there and back is not shown. Each delay is measured
with each number of requests in flight; who asks one page after the other (TorBot) once for each delay. The peers live in a
virtual environment of their own, .bench, made here from benchmarks/peers/requirements.txt.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import product
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
PEERS = Path(__file__).resolve().parent / "peers"
INSIDE = "TUSKWATCH_BENCH_INSIDE"
SITE = """\
name: bench
title: A site for measuring
addresses: [{onion}]
authorised: {{by: benchmark, on: 2026-10-01}}
pace: {{delay: 0, in_flight: {in_flight}}}
bounds: {{pages: 1000000}}
budgets: {{shape: 1000000, alike: 100000}}
kinds: {{listing: ['^/p/(?P<key>\\d+)$'], search: ['^/c/'], home: ['^/$']}}
"""


@dataclass(frozen=True)
class Result:
    """One crawl: distinct pages that the site served, wall and processor seconds, greatest resident set in MB."""

    name: str
    pages: int
    seconds: float
    cpu: float
    memory: float

    @property
    def cpu_per_thousand(self) -> float:
        return self.cpu / max(self.pages, 1) * 1000

    @property
    def rate(self) -> float:
        return self.pages / self.seconds


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pages", type=int, default=1500)
    parser.add_argument("--in-flight", default="16", help="one or more numbers, divided by commas")
    parser.add_argument("--delay", default="0", help="milliseconds; one or more numbers, divided by commas")
    parser.add_argument("--repeat", type=int, default=2, help="the best of so many is taken")
    parser.add_argument("--torbot-seconds", type=int, default=60)
    parser.add_argument("--only", default="", help="names, divided by commas")
    given = parser.parse_args()
    delays, at_once = ([int(n) for n in text.split(",")] for text in (given.delay, given.in_flight))
    python = make_environment()
    if os.geteuid() == 0 and INSIDE not in os.environ:
        return enter_namespace()
    sys.path.insert(0, str(REPOSITORY))
    from lab.network import start_lab, stop_lab

    with tempfile.TemporaryDirectory(prefix="peers", dir=os.environ.get("TUSKWATCH_BENCH_DATA")) as base:
        folder = Path(base) / "lab"
        lab = start_lab(folder=folder, data=None, listings=100, detach=False)
        try:
            socks = f"127.0.0.1:{lab.socks_port}"
            with site(given.pages) as port, onion(lab.control_port, folder, port) as host:
                url = f"http://{host}/"
                wait_for(url, socks)
                alone: dict[str, Result] = {}
                for number, (delay, in_flight) in enumerate(product(delays, at_once)):
                    ask_site(port, f"/delay/{delay}")
                    results = measure(
                        given, in_flight, alone, url=url, socks=socks, port=port, python=python,
                        base=Path(base) / str(number),
                    )  # fmt: skip
                    print(f"\n{delay} ms more a page, {in_flight} in flight")
                    show(results)
                    if in_flight == at_once[-1]:
                        alone.clear()
        finally:
            stop_lab(folder=folder)
    return 0


def measure(
    given: argparse.Namespace,
    in_flight: int,
    alone: dict[str, Result],
    *,
    url: str,
    socks: str,
    port: int,
    python: Path,
    base: Path,
) -> list[Result]:
    """The best of each. `alone`: results of those that ask one page after the other, kept for the next number in flight."""
    at_once = str(in_flight)
    here = Path(sys.executable)
    commands: dict[str, list[str]] = {
        "Tuskwatch": [],
        "Scrapy (its httpx)": [str(here), str(PEERS / "bare_scrapy.py"), url, socks, at_once],
        "Scrapy (our SOCKS)": [str(here), str(PEERS / "bare_scrapy.py"), url, socks, at_once, "ours"],
        "requests in threads": [str(python), str(PEERS / "threads.py"), url, socks, at_once],
        "aiohttp": [str(python), str(PEERS / "aio.py"), url, socks, at_once],
        "TorBot 4.3": [str(python), str(PEERS / "torbot_tree.py"), url, socks, at_once],
    }
    # Scrapy's own SOCKS handler needs httpx, which Tuskwatch does not: that peer runs in the peers' environment.
    commands["Scrapy (its httpx)"][0] = str(python)
    best: dict[str, Result] = {}
    wanted = [name.strip() for name in given.only.split(",") if name.strip()] or list(commands)
    for turn in range(given.repeat):
        for name in wanted:
            if name.startswith("TorBot") and (turn or name in alone):
                best[name] = alone[name]
                continue
            command = commands[name]
            environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
            if not command:
                command, environment = prepare_ours(base / f"data{turn}", url, socks, in_flight)
            limit = given.torbot_seconds if name.startswith("TorBot") else 1800
            result = run(name, command, environment, port=port, limit=limit)
            print(
                f"  {name}: {result.rate:.1f} pages/s, {result.cpu_per_thousand:.2f} s CPU per 1,000 pages",
                file=sys.stderr,
            )
            if name not in best or result.cpu_per_thousand < best[name].cpu_per_thousand:
                best[name] = result
            if name.startswith("TorBot"):
                alone[name] = result
    return [best[name] for name in wanted]


def run(name: str, command: list[str], environment: dict[str, str], *, port: int, limit: float) -> Result:
    """Run one crawler to its end, or for `limit` seconds."""
    ask_site(port, "/reset")
    began = time.monotonic()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    watch = None
    if limit < 1800:
        watch = subprocess.Popen(["sleep", str(limit)])
        while process.poll() is None and watch.poll() is None:
            time.sleep(0.2)
        if watch.poll() is None:
            watch.kill()
        watch.wait()
        if process.poll() is None:
            process.terminate()
    assert process.stderr is not None
    said = process.stderr.read().decode("utf-8", "replace")
    process.stderr.close()
    _, status, usage = _wait4(process)
    seconds = time.monotonic() - began
    if status not in (0, 3) and limit >= 1800:
        raise SystemExit(f"{name} ended with {status}: {said[-2000:]}")
    pages = int(ask_site(port, "/served"))
    return Result(name, pages, seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def _wait4(process: subprocess.Popen[bytes]) -> tuple[int, int, object]:
    pid, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return pid, process.returncode, usage


def prepare_ours(data: Path, url: str, socks: str, in_flight: int) -> tuple[list[str], dict[str, str]]:
    """A fresh data folder with one queued run; the command of its crawl process."""
    from storage.engine import open_engine, upgrade
    from storage.runs import create_run
    from storage.sites import register_site

    folder = data / "sites" / "bench"
    folder.mkdir(parents=True)
    onion = url.removeprefix("http://").rstrip("/")
    (folder / "site.yml").write_text(SITE.format(onion=onion, in_flight=in_flight), "utf-8")
    database = f"sqlite:///{data / 'tuskwatch.db'}"
    upgrade(database)
    engine, now = open_engine(database), datetime.now(UTC)
    number = register_site(
        engine, name="bench", title="bench", config_sha256="0" * 64, onions=[onion], now=now
    )
    run_id = create_run(
        engine, verb="crawl", site_id=number, by="bench", reason="peers", settings={}, now=now
    )
    engine.dispose()
    (data / "deny.yml").write_text("terms: []\n", "utf-8")
    environment = {
        "PATH": os.defpath,
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(REPOSITORY),
        "TUSKWATCH_DATA": str(data),
        "TUSKWATCH_DATABASE_URL": database,
        "TUSKWATCH_SOCKS": socks,
    }
    return [sys.executable, "-m", "crawler", str(run_id)], environment


@contextmanager
def site(pages: int) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    process = subprocess.Popen(
        [sys.executable, str(PEERS / "site.py"), str(port), str(pages)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    process.stdout.readline()
    try:
        yield port
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@contextmanager
def onion(control_port: int, folder: Path, port: int) -> Iterator[str]:
    """The site as an onion service of the lab's Tor network."""
    from stem.control import Controller

    with Controller.from_port(port=control_port) as controller:
        controller.authenticate()
        service = controller.create_ephemeral_hidden_service({80: port}, await_publication=True)
        yield f"{service.service_id}.onion"
        controller.remove_ephemeral_hidden_service(service.service_id)


def wait_for(url: str, socks: str) -> None:
    import requests

    proxies = {"http": f"socks5h://wait:wait@{socks}"}
    for _ in range(120):
        try:
            if requests.get(url, proxies=proxies, timeout=20).status_code == 200:
                return
        except requests.RequestException:
            time.sleep(0.5)
    raise SystemExit(f"{url} does not answer over Tor")


def ask_site(port: int, path: str) -> str:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://127.0.0.1:{port}{path}") as response:
        return str(response.read().decode())


def make_environment() -> Path:
    """The peers' own virtual environment."""
    folder = REPOSITORY / ".bench"
    python = folder / "bin" / "python"
    stamp = folder / "ready"
    wanted = (PEERS / "requirements.txt").read_text("utf-8")
    if not stamp.exists() or stamp.read_text("utf-8") != wanted:
        print("Setting up the peers in .bench (once)", file=sys.stderr)
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "-r", PEERS / "requirements.txt"], check=True)
        stamp.write_text(wanted, "utf-8")
    return python


def enter_namespace() -> int:
    """Run this program again in a network namespace whose loopback acknowledges at once."""
    routes = "; ".join(
        f"ip route replace local {where} dev lo proto kernel scope host src 127.0.0.1 quickack 1 table local"
        for where in ("127.0.0.0/8", "127.0.0.1")
    )
    script = f'ip link set lo up; {routes}; exec "$@"'
    command = ["unshare", "-n", "bash", "-c", script, "bash", sys.executable, *sys.argv]
    return subprocess.run(command, env={**os.environ, INSIDE: "1"}, check=False).returncode


def show(results: list[Result]) -> None:
    ours = next((result for result in results if result.name == "Tuskwatch"), None)
    print(f"{'':24}{'pages':>7}{'pages/s':>9}{'CPU s/1,000':>13}{'MB':>7}{'our CPU':>10}{'our rate':>10}")
    for result in results:
        ratios = ("", "")
        if ours is not None and result is not ours:
            ratios = (
                f"{ours.cpu_per_thousand / result.cpu_per_thousand:.2f} x",
                f"{ours.rate / result.rate:.2f} x",
            )
        print(
            f"{result.name:24}{result.pages:>7}{result.rate:>9.1f}{result.cpu_per_thousand:>13.2f}"
            f"{result.memory:>7.0f}{ratios[0]:>10}{ratios[1]:>10}"
        )
    print(json.dumps({"load": os.getloadavg()[0], "results": [vars(result) for result in results]}))


if __name__ == "__main__":
    sys.exit(main())
