"""Runs hostile cases through a real crawl process and the real reader, and says what became of each.

Public names: Seen, Ran, run_cases, SITE.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml
from hostile.case import LAMP, MAX_PLAIN, Case, reply
from hostile.meter import Cost, Meter
from stub import OnionStub, make_onion

from crawler.denyfile import write_empty
from crawler.siteconfig import GATE_KINDS
from storage.engine import open_engine, reading
from storage.errors import BodyError
from storage.pages import REDIRECTS, read_body
from storage.runs import create_run, find_run
from storage.sites import register_site
from storage.tables import Blob, Frontier, Issue, Page

SITE = "hostile"
REPOSITORY = Path(__file__).resolve().parents[3]
HERE = Path(__file__).parent
_NAME = re.compile(r"/p/([a-z0-9-]+)")


@dataclass
class Seen:
    """What is left of one case after the crawl and the reading."""

    case: Case
    pages: list[Page] = field(default_factory=list)
    state: str = ""
    error: str = ""
    unpacked: int = 0
    """Bytes of the last page without its packing; 0 when it cannot be unpacked."""
    trouble: str = ""
    """Why not."""
    stored: int = 0
    """Bytes that its bodies take in the store."""
    plain: bytes = b""
    crawl: Cost = field(default_factory=Cost)
    read: dict[str, Any] = field(default_factory=dict)
    issues: str = ""
    """All issues of the run: the same one is raised once, whatever page meets it."""

    @property
    def outcome(self) -> str:
        if not self.pages:
            return "no row"
        last = self.pages[-1]
        if last.error:
            return last.error.partition(":")[0]
        if last.note:
            return "cut-off"
        if self.trouble:
            return "left-packed"
        located = any(name.lower() == "location" and value for name, value in last.response_headers)
        if last.status in REDIRECTS and located:
            return "redirect-barred"
        if last.kind in GATE_KINDS:
            return f"gate:{last.kind}"
        return "redirect-followed" if last.hop else "kept"

    @property
    def said(self) -> str:
        """All that was noted: in the page row, in the frontier row, by the reader, in issues."""
        notes = [*self.read.get("notes", ())]
        return " | ".join(
            [*(f"{p.note} {p.error}" for p in self.pages), self.error, self.trouble, *notes, self.issues]
        )


@dataclass
class Ran:
    """code, message: how the crawl ended. asked, opened: what reached the stub. read_peak: MB of the reading process."""

    code: int
    message: str
    errors: str
    log: str
    seen: dict[str, Seen]
    asked: list[str]
    hosts: set[str]
    headers: list[bytes]
    read_error: str


def _prepare(folder: Path, config: dict[str, Any]) -> int:
    (folder / "sites" / SITE).mkdir(parents=True)
    (folder / "sites" / SITE / "site.yml").write_text(yaml.safe_dump(config))
    write_empty(folder)
    now = datetime.now(UTC)
    engine = open_engine(f"sqlite:///{folder / 'tuskwatch.db'}")
    site_id = register_site(
        engine, name=SITE, title="Hostile", config_sha256="0" * 64, onions=config["addresses"], now=now
    )
    run = create_run(engine, verb="crawl", site_id=site_id, by="test", reason="test", settings={}, now=now)
    engine.dispose()
    return run


def _mixed(cases: Sequence[Case]) -> list[Case]:
    """Answers that make the whole address look dead do not come one after the other: a site like that is given up."""
    dead = [case for case in cases if case.outcome in ("broken-off", "gate:down")]
    alive = [case for case in cases if case not in dead]
    mixed = [case for pair in zip(alive, dead, strict=False) for case in pair]
    return mixed + [case for case in cases if case not in mixed]


def run_cases(
    folder: Path, cases: Sequence[Case], *, timeout: float, in_flight: int, extra: int = 0, limit: float = 200
) -> Ran:
    """Crawl a site whose start page links to all cases, then read it. `folder` holds an empty database.

    `extra`: further pages that are honest and take a second each, so that a site that fails often also answers.
    """
    onion = make_onion("hostile")
    config = {
        "name": SITE,
        "title": "Hostile",
        "addresses": [onion],
        "authorised": {"by": "A. Analyst", "on": "2026-10-01"},
        "pace": {"delay": 0, "in_flight": in_flight},
        "bounds": {"depth": 1, "pages": 5000},
        "budgets": {"alike": 100_000},
        "timeout": timeout,
        "patience": {"wait": 0.02, "longest": 0.05, "dead_after": 30, "attempts": 1},
        "kinds": {"listing": ["^/p/(?P<key>[a-z0-9-]+)"], "search": ["^/c/"], "home": ["^/$"]},
        "skip": ["^/logout"],
    }
    run = _prepare(folder, config)
    known = {case.name: case for case in cases}
    # An honest page before each: a run of answers that bar the way would make the crawl wait for a person.
    links = [
        path for n, case in enumerate(_mixed(cases)) for path in (f"/p/honest-{n}", f"/p/{case.name}")
    ] + [f"/wait/{n}" for n in range(extra)]
    start = reply(
        "<h1>Goods</h1>" + "<p>All that we have.</p>" * 40 + "".join(f'<a href="{x}">x</a>' for x in links)
    )
    meter = Meter()

    def answer(asked: Any) -> Any:
        name = _NAME.match(asked.path)
        case = known.get(name[1]) if name else None
        meter.mark(case.name if case else "" if asked.path == "/" or name else meter.name)
        if asked.path == "/":
            return start
        if asked.path.startswith("/wait/"):
            return [(1.0, reply(LAMP))]
        return case.answer(asked) if case else reply(LAMP)

    environment = {
        **os.environ,
        "TUSKWATCH_DATA": str(folder),
        "PYTHONPATH": str(REPOSITORY),
        "PYTHONWARNINGS": "error",
    }
    with OnionStub(answer) as tor:
        process = subprocess.Popen(
            [sys.executable, "-m", "crawler", str(run)],
            env={**environment, "TUSKWATCH_SOCKS": tor.socks},
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        meter.pid = process.pid
        try:
            _, errors = process.communicate(timeout=limit)
        finally:
            process.kill()
            process.wait()
        asked, opened = list(tor.asked), list(tor.opened)
    read = subprocess.run(
        [sys.executable, str(HERE / "read_all.py"), str(folder), SITE],
        env=environment,
        capture_output=True,
        text=True,
        timeout=limit,
        check=False,
    )
    ran = Ran(
        process.returncode, "", errors, (folder / "runs" / f"{run}.log").read_text(),
        {case.name: Seen(case) for case in cases},
        [one.path for one in asked], {one[2] for one in opened}, [one.raw for one in asked],
        read.stderr if read.returncode else "",
    )  # fmt: skip
    for line in read.stdout.splitlines():
        result = json.loads(line)
        if (name := _NAME.match(urlsplit(result.get("url", "")).path)) and name[1] in ran.seen:
            ran.seen[name[1]].read = result
    for name, cost in meter.costs.items():
        ran.seen[name].crawl = cost
    _look(folder, run, ran)
    return ran


def _look(folder: Path, run: int, ran: Ran) -> None:
    """What the database holds of each case."""
    engine = open_engine(f"sqlite:///{folder / 'tuskwatch.db'}")
    with reading(engine) as session:
        row = find_run(session, run)
        assert row is not None
        ran.message = f"{row.state}: {row.message}"
        pages: dict[int, list[Page]] = defaultdict(list)
        for page in session.query(Page).order_by(Page.attempt, Page.hop):
            pages[page.frontier_id or 0].append(page)
        issues = " | ".join(issue.message for issue in session.query(Issue))
        for place in session.query(Frontier):
            name = _NAME.match(urlsplit(place.url).path)
            seen = ran.seen.get(name[1]) if name else None
            if seen is None or not pages[place.id]:
                continue
            seen.pages, seen.state, seen.error, seen.issues = (
                pages[place.id],
                place.state,
                place.error,
                issues,
            )
            last = seen.pages[-1]
            for page in seen.pages:
                blob = session.get(Blob, page.body_sha256) if page.body_sha256 else None
                seen.stored += len(blob.data) if blob else 0
            if last.body_sha256:
                try:
                    seen.plain = read_body(session, last, max_size=MAX_PLAIN)[:100_000]
                    seen.unpacked = len(seen.plain)
                except BodyError as exc:
                    seen.trouble = str(exc)
            session.expunge_all()
    engine.dispose()
