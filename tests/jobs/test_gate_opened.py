"""The whole way with a real crawl process: it meets a captcha, waits, a person hands cookies over, the same run goes on."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import Engine, select

from jobs import sessions
from jobs.engine import open_client
from jobs.places import Places
from jobs.runs import RunView, find_run, start_crawl
from storage.engine import open_engine, reading
from storage.runs import start_run
from storage.tables import Page

REPOSITORY = Path(__file__).parent.parent.parent
ACCOUNT = "grey_heron"
GIVEN = "given-topsecret"
RENEWED = "renewed-topsecret"
WELCOME = "<p>Carved walnut box, oiled, with a brass hinge. Price 40 EUR.</p>" * 30
CAPTCHA = (
    '<form method="post"><p>Are you human?</p><img alt="captcha" src="/c.png"><input name="captcha"></form>'
)
LINKS = "".join(f'<a href="/p/{number}">{number}</a>' for number in range(1, 6))


@pytest.fixture
def home(places: Places, tmp_path: Path) -> Places:
    (places.data / "runs").mkdir(exist_ok=True)
    with (places.sites / "oldport" / "site.yml").open("a") as file:
        file.write("pace: {delay: 0, in_flight: 1}\n")
        file.write("kinds: {listing: ['^/p/'], home: ['^/$']}\n")
    return replace(places, key_file=tmp_path / "keys" / "one.age")


@pytest.fixture
def engine(home: Places) -> Iterator[Engine]:
    engine = open_engine(home.database_url)
    yield engine
    engine.dispose()


class Market:
    """Two pages are free; then every page wants a captcha, until the cookie comes on the circuit it was given for."""

    def __init__(self, stub: ModuleType) -> None:
        self._stub = stub
        self.circuits: list[tuple[str, str]] = []

    def __call__(self, asked: Any) -> bytes:
        self.circuits.append((asked.user, asked.password))
        cookie = asked.header("Cookie") or ""
        good = GIVEN in cookie or RENEWED in cookie
        if asked.path not in ("/", "/p/1") and not good:
            return bytes(self._stub.reply(CAPTCHA))
        more = (f"Set-Cookie: sid={RENEWED}; Path=/",) if good else ()
        return bytes(self._stub.reply(f"<h1>{asked.path}</h1>{LINKS}{WELCOME}", more=more))


def crawl(home: Places, run_id: int, socks: str) -> int:
    """As the worker starts it."""
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(REPOSITORY),
        "TUSKWATCH_DATA": str(home.data),
        "TUSKWATCH_DATABASE_URL": home.database_url,
        "TUSKWATCH_SOCKS": socks,
        "TUSKWATCH_KEY_FILE": str(home.key_file),
    }
    log = home.data / "runs" / f"{run_id}.err"
    with log.open("ab") as sink:
        return subprocess.run(
            [sys.executable, "-m", "crawler", str(run_id)],
            env=environment, cwd=home.data, stdout=sink, stderr=sink, timeout=120, check=False,
        ).returncode  # fmt: skip


def begin(home: Places, engine: Engine, account: str) -> int:
    now = datetime.now(UTC)
    key = sessions.find_account(home, account, now=now)
    run_id = start_crawl(home, "oldport", by="ana", reason="by hand", now=now, account_key=key)
    with open_client(home) as client:
        client.cancel_workflow(f"run-{run_id}")
    start_run(engine, run_id=run_id, worker="w", pid=None, now=now)
    return run_id


def hand_over(home: Places, engine: Engine, tor: Any, account: str) -> list[int]:
    now = datetime.now(UTC)
    desk = sessions.prepare(home, engine, "oldport", account=account, now=now)
    jar = sessions.take_cookies(desk, f"sid={GIVEN}", now=now)
    onion = desk.config.addresses[0]
    found = sessions.check_cookies(
        desk, jar, onion=onion, user_agent="", socks=("127.0.0.1", tor.port), timeout=30
    )
    assert found.good, found
    _, sent = sessions.keep_session(home, engine, desk, jar, onion=onion, user_agent="", by="ana", now=now)
    return sent


def paths(engine: Engine, *, kind: str) -> list[str]:
    """Each once: a page that was good is asked for a second time before a person is called."""
    with reading(engine) as session:
        urls = session.scalars(select(Page.url).where(Page.kind == kind).distinct().order_by(Page.url))
        return ["/" + url.split("/", 3)[3] for url in urls]


@pytest.mark.parametrize("account", ["", ACCOUNT])
def test_a_run_waits_at_a_captcha_and_goes_on_as_itself_with_the_cookies(
    home: Places, engine: Engine, stub: ModuleType, account: str
) -> None:
    market = Market(stub)
    with stub.OnionStub(market) as tor:
        run_id = begin(home, engine, account)
        assert crawl(home, run_id, tor.socks) == 6
        view = find_run(engine, run_id)
        assert (view.state, view.waits_for) == ("waiting", "person")
        assert paths(engine, kind="captcha") != []
        before = len(market.circuits)
        assert hand_over(home, engine, tor, account) == [run_id]
        start_run(engine, run_id=run_id, worker="w", pid=None, now=datetime.now(UTC))
        assert crawl(home, run_id, tor.socks) == 0
    after: RunView = find_run(engine, run_id)
    assert (after.state, after.sweep_id) == ("done", view.sweep_id)
    assert paths(engine, kind="listing") == [f"/p/{number}" for number in range(1, 6)]
    # What was read before the gate is not asked for again: the check, and the four pages behind it.
    assert len(market.circuits) - before <= 6
    # One identity from the first page to the last.
    assert len(set(market.circuits)) == 1
    for secret in (ACCOUNT, GIVEN, RENEWED, *market.circuits[0]):
        held = [
            path.name
            for path in home.data.rglob("*")
            if path.is_file() and secret.encode() in path.read_bytes()
        ]
        assert held == [], secret
