"""Pages survive `kill -9` of the process that stores them: none half kept, none twice, the database whole."""

from __future__ import annotations

import hashlib
import random
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from storage.engine import open_engine, reading, transaction, upgrade
from storage.frontier import count_states, recover
from storage.pages import find_page, read_body
from storage.runs import find_run
from storage.tables import Blob, Page

PAGES = 150
CHILD = """
import random, sys
from datetime import UTC, datetime
from storage.engine import open_engine
from storage.frontier import Link, finish, lease, recover, seed
from storage.pages import Fetched, store_page
from storage.runs import create_run, start_run
from storage.sites import register_site

now = datetime(2026, 11, 2, tzinfo=UTC)
engine = open_engine(sys.argv[1])
site = register_site(engine, name="oldport", title="Old Port", config_sha256="0" * 64, onions=[], now=now)
run = create_run(engine, verb="crawl", site_id=site, by="test", reason="", settings={}, now=now)
sweep = start_run(engine, run_id=run, worker="w", pid=None, now=now).sweep_id
links = [Link(f"http://site/{n}", f"{n:064d}", 0, 0) for n in range(int(sys.argv[2]))]
seed(engine, site_id=site, sweep_id=sweep, links=links, now=now)

def close(frontier_id, page_id):
    finish(engine, frontier_id=frontier_id, page_id=page_id, kind="other", links=[], site_id=site, sweep_id=sweep, now=now)

for row in recover(engine, sweep_id=sweep, now=now):
    close(row.frontier_id, row.page_id)
print("ready", flush=True)
while rows := lease(engine, site_id=site, sweep_id=sweep, run_id=run, limit=3, now=now, seconds=60):
    for row in rows:
        body = random.Random(row.id).randbytes(40_000)
        page = store_page(engine, Fetched(
            site_id=site, run_id=run, frontier_id=row.id, attempt=row.attempt, hop=0, url=row.url, method="GET",
            request_headers=(), requested_at=now, status=200, reason="OK", response_headers=(), received_at=now,
            body=body, content_type="text/html", content_encoding="", circuit_token=""), now=now)
        # The parent is told only of what is safely kept.
        print(page, flush=True)
        close(row.id, page)
"""


def crawl(url: str, repository: Path, wait: float | None) -> list[int]:
    """Run the child, killed `wait` seconds after it began to work (None: not at all); the pages it said it kept."""
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, url, str(PAGES)], cwd=repository, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    with child, child.stdout:
        assert child.stdout.readline() == "ready\n"
        if wait is None:
            told = child.stdout.read()
        else:
            try:
                told, _ = child.communicate(timeout=wait)
            except subprocess.TimeoutExpired:
                child.send_signal(signal.SIGKILL)
                told, _ = child.communicate()
    lines = told.split("\n")
    return [int(line) for line in lines[:-1]]


@pytest.mark.timeout(240)
def test_pages_survive_kills_at_random_moments(tmp_path: Path, repository: Path) -> None:
    url = f"sqlite:///{tmp_path / 'tuskwatch.db'}"
    upgrade(url)
    chance = random.Random(20261102)
    told: list[int] = []
    for _ in range(5):
        told += crawl(url, repository, chance.uniform(0.01, 0.2))
    cut_short = len(told)
    told += crawl(url, repository, None)

    assert cut_short < PAGES
    engine = open_engine(url)
    with transaction(engine) as session:
        assert session.execute(text("PRAGMA integrity_check")).scalars().all() == ["ok"]
        assert session.execute(text("PRAGMA foreign_key_check")).all() == []
    assert recover(engine, sweep_id=1, now=datetime(2026, 11, 2, tzinfo=UTC)) == []
    assert count_states(engine, sweep_id=1) == {"done": PAGES}
    with reading(engine) as session:
        pages = session.scalars(select(Page)).all()
        assert len(told) == len(set(told))
        assert set(told) <= {page.id for page in pages}
        # Every address has one page: a fetch that was stored is never made again.
        assert sorted(page.frontier_id for page in pages) == list(range(1, PAGES + 1))
        for page in pages:
            body = read_body(session, find_page(session, page.id), max_size=50_000)
            assert hashlib.sha256(body).hexdigest() == page.body_sha256
            assert body == random.Random(page.frontier_id).randbytes(40_000)
        assert session.scalar(select(func.count()).select_from(Blob)) == PAGES
        runs = {page.run_id for page in pages}
        assert sum(find_run(session, run_id).pages for run_id in runs) == PAGES
    engine.dispose()
