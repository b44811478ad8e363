"""What a crawl leaves with a run and with a site: coverage, proof, proposed addresses, a session, expectations. Invented."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, update

from crawler.expectedfile import write_expected
from crawler.limits import expect_run
from jobs.mirrors import usable_site
from jobs.places import Places
from jobs.sites import find_site
from storage.coverage import write_coverage
from storage.engine import transaction
from storage.health import RunFigures, keep_figures
from storage.issues import raise_issue
from storage.mirrors import propose_addresses
from storage.proofs import note_proof
from storage.sessions import ensure_session, note_standing, open_session
from storage.tables import Run

FINGERPRINT = "ABCD1234" * 5
SEALED = b"sealed-cookies-of-nobody"
ACCOUNT_KEY = "accountkeyhash" * 2
CIRCUIT = "circuitofnobody" * 2
SITE_FILE = """\
name: oldport
title: Old Port Market
addresses: [{onion}]
start: ["/"]
authorised: {{by: "A. Analyst", on: 2026-10-01}}
kinds:
  listing: ["^/p/(?P<key>\\\\d+)$"]
"""
PROOF = {
    "tor_version": "0.4.9.11", "socks": "127.0.0.1:9050", "tor": "attached", "owner": "process", "checks": 1840,
    "first": "2026-11-19T12:30:00+00:00", "last": "2026-11-19T13:00:00+00:00", "spans": [], "foreign": 0, "pages": 68,
    "circuits": {"tokenofnobody" * 4: {"first": "2026-11-19T12:30:00+00:00", "seen": 9, "most": 2}}, "failed": "",
}  # fmt: skip
FAILED = PROOF | {
    "failed": "a socket of the crawl leads to 192.0.2.7:443, past Tor",
    "failed_at": "2026-11-20T03:31:00+00:00",
}


@dataclass(frozen=True)
class Given:
    onion: str
    proposed: tuple[str, ...]


def make_onion(number: int) -> str:
    key = bytes((number + each) % 256 for each in range(32))
    check = hashlib.sha3_256(b".onion checksum" + key + b"\x03").digest()[:2]
    return base64.b32encode(key + check + b"\x03").decode().lower() + ".onion"


def add_site_facts(engine: Engine, places: Places, runs: dict[str, int], *, now: datetime) -> Given:
    onion, proposed = make_onion(0), (make_onion(7), make_onion(90))
    folder = Path(places.data) / "sites" / "oldport"
    folder.mkdir(parents=True)
    (folder / "site.yml").write_text(SITE_FILE.format(onion=onion), encoding="utf-8")
    config = find_site(places, "oldport")
    usable_site(engine, config, now=now)
    site_id, done = 1, runs["done"]
    propose_addresses(
        engine, site_id=site_id, page_id=1, signed_by=FINGERPRINT, now=now - timedelta(hours=1),
        found=dict.fromkeys(proposed, "signed 2026-11-18: <b>new</b> door http://" + proposed[0] + "/"),
    )  # fmt: skip
    add_run_facts(engine, runs)
    figures = RunFigures(
        pages=420, kinds={"listing": 300, "search": 100, "captcha": 4, "home": 16}, asked=300, read=296,
        fields={"title": 296, "price_amount": 290, "seller": 280}, whole=True,
    )  # fmt: skip
    keep_figures(engine, done, figures, healthy=True)
    write_expected(folder, expect_run(figures, run_id=done), site="oldport", run_id=done, day="2026-11-19")
    raise_issue(
        engine, site_id=site_id, run_id=done, page_id=1, kind="drift-field-price_amount", level="fail",
        message="12 % of the ads had a price, 98 % in the last healthy runs", now=now,
    )  # fmt: skip
    ensure_session(engine, site_id=site_id, circuit=CIRCUIT, now=now - timedelta(hours=3))
    note_standing(
        engine, site_id=site_id, account_key="", state="captcha", message="six letters at " + onion, page_id=2,
        now=now - timedelta(hours=2),
    )  # fmt: skip
    ensure_session(engine, site_id=site_id, account_key=ACCOUNT_KEY, circuit=CIRCUIT, now=now)
    open_session(
        engine, site_id=site_id, account_key=ACCOUNT_KEY, circuit=CIRCUIT, sealed=SEALED, by="analyst",
        expires_at=now + timedelta(minutes=48), now=now - timedelta(minutes=12),
    )  # fmt: skip
    return Given(onion, proposed)


def add_run_facts(engine: Engine, runs: dict[str, int]) -> None:
    coverage: dict[str, Any] = {
        "/c/other?x=<b>": {"says": 1204, "seen": 310},
        "/c/jewellery": {"says": 96, "seen": 96},
        "/c/art": {"says": 41, "seen": 40},
        "/c/empty": {"says": 0, "seen": 0},
        "*": {"says": 1341, "seen": 446},
    }
    write_coverage(engine, run_id=runs["done"], coverage=coverage)
    note_proof(engine, run_id=runs["done"], proof=PROOF)
    note_proof(engine, run_id=runs["failed"], proof=FAILED)
    with transaction(engine) as session:
        session.execute(update(Run).where(Run.id == runs["failed"]).values(settings={"account": ACCOUNT_KEY}))
    for kind, message in (
        ("left-out-calendar", "731 addresses of a calendar were left out, such as /events?month=2031-04"),
        ("bound", "links deeper than 12 steps are left out"),
    ):
        raise_issue(
            engine, site_id=1, run_id=runs["done"], page_id=3, kind=kind, level="warn", message=message,
            now=datetime.fromisoformat("2026-11-19T13:00:00+00:00"),
        )  # fmt: skip
