"""A data folder with invented rows, made through the storage functions only. Shared with tests/browser."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher
from sqlalchemy import Engine

from jobs.places import Places
from storage.engine import open_engine, upgrade
from storage.issues import raise_issue
from storage.pages import Fetched, store_page
from storage.readings import ReadingRow, store_readings
from storage.reports import store_report
from storage.runs import beat_run, create_run, end_run, start_run
from storage.scores import ScoreRow, store_scores
from storage.sites import record_check, register_site
from storage.tables import Listing
from storage.users import add_user
from storage.verdicts import give_verdict

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
PASSWORD = "copper kettle sings nightly"
# Cheap settings: the hash itself says how it is checked, and hundreds of tests sign in.
PASSWORD_HASH = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
PEOPLE = ("reader", "reviewer", "analyst", "admin")
ONION = "tuskwatchinventedaddress{:0>30}qd.onion"
FLAGS = "<script>alert('x')</script><img src=x onerror=alert(1)>"
RTL = "harmless \u202egpj.exe\u202c name"


@dataclass(frozen=True)
class Seeded:
    """What a test may want to name."""

    places: Places
    listings: dict[str, int]
    """Listing ids by the site's key."""
    runs: dict[str, int]
    report: int


@dataclass(frozen=True)
class Ad:
    title: str
    text: str
    words: dict[str, tuple[str, ...]]
    scores: tuple[float, float, float]
    seller: str = "nk88"
    price: str | None = "410.00"
    currency: str = "USD"
    ships: tuple[str, str] = ("South Africa", "Worldwide except AU, NZ")
    category: str = "Other listings"


ADS = (
    Ad(
        "Old carved white bangle, 62 g, family piece",
        "Up for sale is a hand carved bangle from my late uncle's house. Real ivory, you can see the cross hatching at "
        "the edge when you hold it to the light. Small crack on the inside, does not show when worn.\n\n62 g on the "
        "kitchen scale, inner width 6.1 cm. More pictures of the grain after a first message.\n\nSent flat in a book, "
        "tracked to most places. No returns. FE only above 300.",
        {"ivory": ("carved", "ivory", "cross hatching")},
        (0.93, 0.04, 0.02),
    ),
    Ad(
        "Horn slices with paper from an old trophy / sừng tê giác",
        "Slices cut last month from one horn, dry weight 210 g. Rhino, southern, old mount. Also a small tip.\n"
        "Hàng thật, cân trước khi gửi. No samples. Escrow or multisig.",
        {"rhino_horn": ("Horn slices", "sừng tê giác", "Rhino", "tip")},
        (0.11, 0.97, 0.03),
        seller="mekongdry",
        price="5200",
        ships=("Undeclared", "Asia"),
    ),
    Ad(
        "虎骨膏 one cake, sealed, with two claws as a gift",
        "Tiger bone glue, cooked the old way, 100 g a cake. Two claws go with it if you take three cakes. 虎骨 only, "
        "no cow in it.",
        {"tiger": ("虎骨膏", "Tiger bone glue", "claws", "虎骨")},
        (0.06, 0.02, 0.89),
        seller="oldforest",
        price="0.0131",
        currency="BTC",
    ),
    Ad(
        "Bundle: tusk tip and horn powder, one parcel",
        "One tusk tip 180 g raw, and 30 g powder of horn. Together or not at all. i\u200bvory and rhino from the same "
        "place.",
        {
            "ivory": ("tusk tip", "i\u200bvory"),
            "rhino_horn": ("horn powder", "powder of horn", "horn", "rhino"),
        },
        (0.81, 0.77, 0.05),
        seller="twocoasts",
        price="2950",
        currency="EUR",
        ships=("Mozambique", "EU"),
    ),
    Ad(
        "White Rhino feminised seeds, 10 pack",
        "Strong indica, THC 22 %. Flowering 8 weeks.",
        {"rhino_horn": ("Rhino",)},
        (0.01, 0.52, 0.02),
        seller="greenhut",
        price="35",
        category="Cannabis > Seeds",
    ),
    Ad(
        f"Hostile {FLAGS} title",
        f"{FLAGS}\n{RTL}\n<style>body{{display:none}}</style> ivory",
        {"ivory": ("ivory",)},
        (0.74, 0.0, 0.0),
        seller="<b>bold</b>",
        price="=1",
        ships=("<i>x</i>", RTL),
        category="=HYPERLINK(1)",
    ),
    Ad(
        "Huge text",
        "tooth of tiger " * 9_000,
        {"tiger": ("tooth of tiger",)},
        (0.0, 0.0, 0.66),
        price="1" + "0" * 40,
    ),
    Ad(
        "عاج قديم للبيع",
        "قطعة عاج قديمة، شحن إلى كل مكان",
        {"ivory": ("عاج",)},
        (0.71, 0.02, 0.01),
        seller="بائع",
    ),
)
EVERYDAY = (
    "Ivory coloured lace curtain", "Balm, red, 30 g", "Card dumps, fresh", "Passport template, layered file",
    "Elephant brand kratom 100 g", "Hosting account, one year", "Silk scarf, tiger print", "Grinder, steel",
)  # fmt: skip


def find_spans(ad: Ad) -> dict[str, list[dict[str, Any]]]:
    reasons: dict[str, list[dict[str, Any]]] = {}
    for group, words in ad.words.items():
        for weight, word in enumerate(reversed(words), 1):
            for part, text in (("title", ad.title), ("description", ad.text)):
                start = text.find(word)
                if start >= 0:
                    reasons.setdefault(group, []).append(
                        {
                            "text": word,
                            "start": start,
                            "end": start + len(word),
                            "part": part,
                            "weight": weight / 2,
                        }
                    )
    return reasons


def make_places(folder: Path) -> Places:
    return Places(
        data=folder,
        database_url=f"sqlite:///{folder}/tuskwatch.db",
        engine_url=f"sqlite:///{folder}/engine.db",
        models=folder / "models",
    )


def add_people(engine: Engine) -> None:
    for name in PEOPLE:
        add_user(
            engine, name=name, password_hash=PASSWORD_HASH, role=name, must_change=False, by="test", now=NOW
        )
    add_user(
        engine,
        name="newcomer",
        password_hash=PASSWORD_HASH,
        role="admin",
        must_change=True,
        by="test",
        now=NOW,
    )


def fill(folder: Path, *, everyday: int = 60) -> Seeded:
    places = make_places(folder)
    upgrade(places.database_url)
    engine = open_engine(places.database_url)
    add_people(engine)
    sites = [
        register_site(
            engine,
            name=name,
            title=title,
            config_sha256="0" * 64,
            onions=[ONION.format(name)],
            now=NOW - timedelta(40),
        )
        for name, title in (
            ("oldport", "Old Port Market"),
            ("greyhall", "Grey Hall"),
            ("teahouse", "Tea House Forum"),
        )
    ]
    record_check(
        engine,
        site_id=sites[0],
        onion=ONION.format("oldport"),
        state="alive",
        seconds=1.7,
        now=NOW - timedelta(hours=2),
    )
    record_check(
        engine,
        site_id=sites[1],
        onion=ONION.format("greyhall"),
        state="slow",
        seconds=31.0,
        now=NOW - timedelta(hours=2),
    )
    runs = add_runs(engine, sites, folder)
    ads = [
        *ADS,
        *(
            Ad(f"{EVERYDAY[n % len(EVERYDAY)]} #{n}", "Plain goods.", {}, (0.02, 0.01, 0.01))
            for n in range(everyday)
        ),
    ]
    rows = [add_page(engine, sites[n % 2], runs["done"], n, ad) for n, ad in enumerate(ads)]
    store_readings(engine, rows, now=NOW - timedelta(hours=20))
    listings = score(engine, ads)
    end_run(
        engine,
        run_id=runs["done"],
        state="done",
        message="All that was known is fetched.",
        now=NOW - timedelta(hours=20, minutes=30),
    )
    for number in (4, 7):
        give_verdict(
            engine,
            listing_id=listings[str(1000 + number)],
            reading_id=find_reading(engine, listings[str(1000 + number)]),
            user_id=2,
            labels=("ivory",) if number == 7 else (),
            kind="offer" if number == 7 else "decoy",
            form="carving" if number == 7 else "",
            note="Seeds, a strain." if number == 4 else "",
            guideline_version="2026-11",
            now=NOW - timedelta(hours=3),
        )
    raise_issue(
        engine, site_id=sites[1], run_id=runs["failed"], page_id=None, kind="gate", level="fail",
        message="The site shows a login page instead of listings.", now=NOW - timedelta(hours=5),
    )  # fmt: skip
    for _ in range(12):
        raise_issue(
            engine, site_id=sites[0], run_id=runs["done"], page_id=1, kind="reading", level="warn",
            message="No price was found on a listing page.", now=NOW - timedelta(hours=20),
        )  # fmt: skip
    report = add_report(engine, folder)
    engine.dispose()
    return Seeded(places, listings, runs, report)


def add_runs(engine: Engine, sites: list[int], folder: Path) -> dict[str, int]:
    (folder / "runs").mkdir(exist_ok=True)
    runs = {}
    for name, site, hours in (
        ("done", sites[0], 21),
        ("failed", sites[1], 6),
        ("running", sites[2], 0.2),
        ("queued", sites[1], 0.1),
    ):
        at = NOW - timedelta(hours=hours)
        run_id = create_run(
            engine,
            verb="crawl",
            site_id=site,
            by="analyst",
            reason="by hand" if name == "done" else "schedule daily",
            settings={},
            now=at,
        )
        runs[name] = run_id
        if name != "queued":
            start_run(engine, run_id=run_id, worker="worker-1", pid=None, now=at)
            beat_run(engine, run_id=run_id, now=NOW - timedelta(seconds=4))
        if name == "failed":
            end_run(
                engine,
                run_id=run_id,
                state="failed",
                message="The site asks for a login. Sign in by hand, then run it again.",
                now=at + timedelta(minutes=9),
            )
    log = [
        {
            "timestamp": (NOW - timedelta(hours=21)).isoformat(),
            "level": "info",
            "event": "crawl began",
            "site": "oldport",
        },
        {
            "timestamp": (NOW - timedelta(hours=21)).isoformat(),
            "level": "info",
            "event": "fetched",
            "path": "/c/other",
            "status": 200,
        },
        {
            "timestamp": (NOW - timedelta(hours=20)).isoformat(),
            "level": "warning",
            "event": "slow answer",
            "seconds": 41,
            "path": FLAGS,
        },
    ]
    lines = [json.dumps(line) for line in log] + ["not json at all \u202e"]
    (folder / "runs" / f"{runs['done']}.log").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return runs


def add_page(engine: Engine, site_id: int, run_id: int, number: int, ad: Ad) -> ReadingRow:
    seen = NOW - timedelta(hours=21) + timedelta(seconds=7 * number)
    site = ("oldport", "greyhall")[number % 2]
    url = f"http://{ONION.format(site)}/p/{1000 + number}"
    body = f"<html><h1>{ad.title}</h1><pre>{ad.text}</pre></html>".encode()
    page_id = store_page(
        engine,
        Fetched(
            site_id=site_id, run_id=run_id, frontier_id=None, attempt=1, hop=0, url=url, method="GET",
            request_headers=(("Host", ONION.format(site)), ("User-Agent", "Mozilla/5.0")),
            requested_at=seen - timedelta(seconds=2), status=200, reason="OK",
            response_headers=(("Content-Type", "text/html; charset=utf-8"), ("X-Odd", FLAGS)), received_at=seen,
            body=body, content_type="text/html; charset=utf-8", content_encoding="", circuit_token="ab" * 32,
        ),
        now=seen,
    )  # fmt: skip
    fields: dict[str, Any] = {
        "quantity": {"value": "3 pieces", "raw": "3", "where": "table", "sure": 0.9},
        "payment": {"value": ["escrow", "XMR"], "raw": "Escrow | XMR", "where": "table", "sure": 0.8},
    }
    return ReadingRow(
        page_ids=(page_id,), site_id=site_id, run_id=run_id, reader_version="1", kind="listing", confidence=0.92,
        title=ad.title, description=ad.text, fields=fields, leftovers=[],
        content_sha256=hashlib.sha256(f"{number} {ad.title}".encode()).hexdigest(), key=str(1000 + number), source="listing",
        url=url, seller=ad.seller, seen_at=seen, category=ad.category,
        price_amount=Decimal(ad.price) if ad.price and ad.price != "=1" else None, price_currency=ad.currency,
        ships_from=ad.ships[0], ships_to=ad.ships[1], posted_at=seen - timedelta(days=number % 30 + 1),
        contacts=(("btc", f"bc1inventedwallet{number:04d}", False),) if number < 3 else (),
    )  # fmt: skip


def score(engine: Engine, ads: list[Ad]) -> dict[str, int]:
    from sqlalchemy import select

    from storage.engine import reading

    with reading(engine) as session:
        rows = session.execute(select(Listing.key, Listing.id, Listing.reading_id)).all()
    limits = {"ivory": 0.5, "rhino_horn": 0.5, "tiger": 0.5}
    scores = []
    for key, _, reading_id in rows:
        ad = ads[int(key) - 1000]
        if ad.title.endswith("#59"):
            continue  # one listing that the model has not seen
        scores.append(
            ScoreRow(
                reading_id=reading_id, model_version="2026.11.1", ivory=ad.scores[0], rhino_horn=ad.scores[1], tiger=ad.scores[2],
                thresholds=limits, flagged=max(ad.scores) >= 0.5, reasons=find_spans(ad),
                zone="flag" if max(ad.scores) >= 0.5 else "look" if max(ad.scores) >= 0.2 else "pass",
            )
        )  # fmt: skip
    store_scores(engine, scores, now=NOW - timedelta(hours=19))
    return {key: listing_id for key, listing_id, _ in rows}


def find_reading(engine: Engine, listing_id: int) -> int:
    from storage.engine import reading
    from storage.queries import find_listing

    with reading(engine) as session:
        detail = find_listing(session, listing_id)
        assert detail is not None
        return detail.reading.id


def add_report(engine: Engine, folder: Path) -> int:
    html = (
        "<!doctype html><title>Trend</title><style>body{font:16px sans-serif;margin:3rem}</style>"
        "<h1>Trend report</h1><p>Invented figures.</p><script>document.title='ran'</script>"
    )
    files = {
        "report.html": html.encode(),
        "report.pdf": b"%PDF-1.7 invented",
        "report.csv": b"group,ads\r\nivory,3\r\n",
    }

    def place(report_id: int) -> str:
        target = folder / "reports" / str(report_id)
        target.mkdir(parents=True)
        for name, body in files.items():
            (target / name).write_bytes(body)
        return f"reports/{report_id}"

    return store_report(
        engine, period_from=datetime(2026, 10, 1, tzinfo=UTC), period_to=datetime(2026, 11, 1, tzinfo=UTC),
        files={name: hashlib.sha256(body).hexdigest() for name, body in files.items()}, figures={"ads": 3}, by="analyst",
        now=NOW - timedelta(days=2), place=place,
    )  # fmt: skip
