"""Crawls the hard lab unattended, but for one scripted person who opens gates when a run waits, and compares with the truth.

Run: .venv/bin/python benchmarks/hard_crawl.py [--listings 240] [--delay 0.25] [--outages 0.3] [--minutes 40] [--keep FOLDER]

Everything goes the user's way: `tuskwatch init`, `lab up --hard`, `crawl --all`, `session open SITE --cookies FILE`. It prints
how often the person was wanted; for every answer what the site meant and what the crawl took it for; which listings of the
truth are stored and read; which circuits the front-ends killed and why; and every address that the worker and its crawls
connected to, seen from outside (strace). Exit code 1 when a listing is missing, a gate was misread, a circuit was killed for
haste, or a byte left by another way.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from datetime import date
from pathlib import Path
from typing import Any

from lab.ledger import Served, read_served
from lab.person import Person
from lab.truth import truth
from storage.engine import open_engine, reading
from storage.tables import Frontier, Listing, Page, Run, Site

REPOSITORY = Path(__file__).resolve().parent.parent
_CONNECT = re.compile(
    r"connect\(\d+, \{sa_family=AF_INET6?, sin6?_port=htons\((\d+)\).*?(?:inet_addr\(\"([^\"]+)\"|\"([0-9a-f:.]+)\")"
)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--listings", type=int, default=240)
    parser.add_argument("--delay", type=float, default=0.25)
    parser.add_argument("--outages", type=float, default=0.3)
    parser.add_argument("--minutes", type=float, default=40)
    parser.add_argument("--keep", type=Path, help="leave the data folder here")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(
        prefix="hard", dir=os.environ.get("TUSKWATCH_BENCH_DATA"), ignore_cleanup_errors=True
    ) as base:
        data = (given.keep or Path(base) / "data").resolve()
        os.environ["TUSKWATCH_KEY_FILE"] = str(Path(base) / "key.age")
        tuskwatch(data, "init")
        lab = tuskwatch(
            data, "lab", "up", "--hard", "--listings", str(given.listings), "--delay", str(given.delay),
            "--outages", str(given.outages),
        )  # fmt: skip
        trace = Path(base) / "connects"
        try:
            worker = start_worker(data, trace)
            try:
                wanted = crawl(data, lab, minutes=given.minutes)
            finally:
                os.killpg(
                    worker.pid, signal.SIGTERM
                )  # strace passes nothing on: the worker itself must hear it
                worker.wait(120)
            served = read_served(data / "lab")
            status = tuskwatch(data, "lab", "status")
        finally:
            tuskwatch(data, "lab", "down")
        allowed = {str(lab["socks_port"]), str(lab["control_port"])}
        return show(data, served, status, wanted, find_connects(trace), allowed)


def crawl(data: Path, lab: dict[str, Any], *, minutes: float) -> Counter[str]:
    """Crawl all sites to their end; how often the person was wanted at each site."""
    begun, wanted = time.monotonic(), Counter[str]()
    tuskwatch(data, "crawl", "--all", "--no-wait")
    while time.monotonic() - begun < minutes * 60:
        runs = tuskwatch(data, "run", "list")
        live = [run for run in runs if run["state"] in ("queued", "waiting", "running")]
        for run in live:
            if run["state"] == "waiting" and run["waits_for"] == "person":
                wanted[run["site"]] += 1
                open_gate(data, lab, run["site"])
        say(
            f"{time.monotonic() - begun:5.0f} s  "
            + "  ".join(f"{run['site']} {run['state']} {run['pages']}" for run in reversed(runs[:8]))
        )
        if not live:
            tuskwatch(data, "extract")  # what the worker has not read yet
            return wanted
        time.sleep(5)
    say("Time is up; the runs go no further.")
    return wanted


def open_gate(data: Path, lab: dict[str, Any], site: str) -> None:
    """What the person does: go through the run's circuit, open the gate, paste the cookies."""
    shown = tuskwatch(data, "session", "open", site, "--show")
    circuit = shown["circuit"]
    onion = re.sub(r"\[\.\]|\.", ".", shown["address"].split("//")[1].split("/")[0])
    with Person(
        data / "lab", socks_port=int(circuit["port"]), user=circuit["user"], password=circuit["password"],
        agent=shown["user_agent"],
    ) as person:  # fmt: skip
        opened = person.open_gate(site, onion=onion)
    cookies = data / "cookies.txt"
    cookies.write_text(opened.netscape, "utf-8")
    tuskwatch(data, "session", "open", site, "--cookies", str(cookies))
    cookies.unlink()


def show(
    data: Path,
    served: list[Served],
    status: dict[str, Any],
    wanted: Counter[str],
    connects: Counter[str],
    allowed: set[str],
) -> int:
    engine = open_engine(f"sqlite:///{data / 'tuskwatch.db'}")
    with reading(engine) as session:
        sites = {site.id: site.name for site in session.query(Site)}
        runs = list(session.query(Run).order_by(Run.id))
        pages = list(session.query(Page).order_by(Page.requested_at))
        listings = {(sites[row.site_id], row.key) for row in session.query(Listing)}
        failed = Counter(
            (sites[row.site_id], row.error.split(":")[0])
            for row in session.query(Frontier).filter(Frontier.state == "failed")
        )
        session.expunge_all()
    engine.dispose()
    print("\nRuns")
    for run in runs:
        print(f"  {run.id} {sites.get(run.site_id or 0)} {run.state}: {run.message}")
    print(f"The person was wanted: {dict(wanted)}")
    print(f"Addresses given up: {dict(failed)}")

    table, unseen = confuse(pages, served, sites)
    kinds = sorted({judged for _, judged in table})
    print("\nWhat the site meant (rows) and what the crawl took it for (columns)")
    print(f"{'':12}" + "".join(f"{kind:>11}" for kind in kinds))
    for meant in sorted({meant for meant, _ in table}):
        print(f"{meant:12}" + "".join(f"{table[meant, kind] or '':>11}" for kind in kinds))
    wrong = {pair: n for pair, n in table.items() if not is_right(*pair)}
    print(f"Misread: {wrong or 'none'}; answers to the person or to nobody: {unseen}")

    expected = {
        (row.site, row.key)
        for row in truth(
            seed=status["seed"],
            listings=status["listings"],
            today=date.fromisoformat(str(status["today"])[:10]),
        )
    }
    # A copy of an ad, word for word, is one listing with two sightings: compare pages stored, then listings read.
    stored = find_stored(pages, sites, data)
    missing = sorted(expected - stored)
    print(f"\nListings of the truth: {len(expected)}; their pages stored: {len(expected & stored)}; read as listings of"
          f" their own: {len(listings & expected)}; missing: {missing[:20]}")  # fmt: skip
    killed = {name: row["killed"] for name, row in status["hard"]["sites"].items() if row["killed"]}
    peak = {name: row["peak_rate"] for name, row in status["hard"]["sites"].items()}
    print(f"Circuits killed by front-ends: {killed or 'none'}; fastest circuit in one second: {peak}")
    outside = {where: n for where, n in connects.items() if where.rpartition(":")[2] not in allowed}
    print(f"Connections seen from outside: {sum(connects.values())}, other than to Tor: {outside or 'none'}")
    haste = any("rate" in reason or "fast" in reason for reasons in killed.values() for reason in reasons)
    return int(bool(missing or wrong or haste or outside))


def confuse(
    pages: list[Page], served: list[Served], sites: dict[int, str]
) -> tuple[Counter[tuple[str, str]], int]:
    """Pairs of (what the site meant, what the crawl took it for), by path and time."""
    waiting: dict[tuple[str, str], list[Served]] = defaultdict(list)
    for row in served:
        waiting[row.site, row.path].append(row)
    table: Counter[tuple[str, str]] = Counter()
    for page in pages:
        path = "/" + page.url.split("/", 3)[3] if page.url.count("/") > 2 else "/"
        begun, ended = page.requested_at.timestamp() - 0.5, page.received_at.timestamp() + 0.5
        rows = [row for row in waiting[sites[page.site_id], path] if begun <= row.at <= ended]
        if not rows:
            if page.status is not None:
                table["(unknown)", page.kind or "none"] += 1
            continue
        # A failed try and the next one may fall into one window: what got an answer goes with what was one.
        rows.sort(key=lambda row: ((row.status == 0) != (page.status is None), row.at))
        waiting[sites[page.site_id], path].remove(rows[0])
        judged = page.kind or ("redirect" if page.status in (301, 302, 303) else "none")
        table[rows[0].kind, "no answer" if page.status is None else judged] += 1
    return table, sum(len(rows) for rows in waiting.values())


def is_right(meant: str, judged: str) -> bool:
    """Is it what it was? What came broken (dropped, cut, hung, hostile) may be seen as no answer or as what it looked like."""
    if meant in ("dropped", "hung", "cut", "hostile", "asset", "refused"):
        return judged not in ("listing", "thread") or meant in ("cut", "hostile")
    if meant == "redirect":
        return judged not in ("listing", "thread")  # one that leads away is a page of its own
    content = (
        "listing",
        "search",
        "home",
        "seller",
        "feedback",
        "pgp",
        "thread",
        "directory",
        "rules",
        "other",
    )
    if meant in content:
        return judged in content
    return meant == judged


def find_stored(pages: list[Page], sites: dict[int, str], data: Path) -> set[tuple[str, str]]:
    """(site, the site's own key) of every listing or thread whose page came as such."""
    from crawler.sites import load_sites

    configs = load_sites(data / "sites-copy") if (data / "sites-copy").exists() else {}
    found = set()
    for page in pages:
        if page.kind not in ("listing", "thread") or page.status != 200:
            continue
        config = configs.get(sites[page.site_id])
        path = "/" + page.url.split("/", 3)[3]
        if config is not None and (match := config.kind_of(path)).key:
            found.add((sites[page.site_id], match.key))
    return found


def start_worker(data: Path, trace: Path) -> subprocess.Popen[bytes]:
    """A worker under strace, which sees what it and its crawls connect to."""
    import shutil

    shutil.copytree(data / "sites", data / "sites-copy" / "sites")
    command = [
        "strace", "-f", "-qq", "-e", "trace=connect,sendto", "-e", "signal=none", "-o", str(trace),
        sys.executable, "-m", "tuskwatch", "--data", str(data), "worker",
    ]  # fmt: skip
    return subprocess.Popen(
        command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True
    )


def find_connects(trace: Path) -> Counter[str]:
    """host:port of every connection to an address of the internet protocols."""
    found: Counter[str] = Counter()
    with trace.open(errors="replace") as lines:
        for line in lines:
            if match := _CONNECT.search(line):
                found[f"{match[2] or match[3]}:{match[1]}"] += 1
    return found


def tuskwatch(data: Path, *arguments: str) -> Any:
    """One command in a process of its own; its JSON. SystemExit when it fails."""
    done = subprocess.run(
        [sys.executable, "-m", "tuskwatch", "--data", str(data), *arguments, "--json"],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise SystemExit(f"tuskwatch {' '.join(arguments)} ended with {done.returncode}: {done.stderr}")
    return json.loads(done.stdout)


def say(text: str) -> None:
    print(text, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
