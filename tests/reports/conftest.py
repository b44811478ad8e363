"""A small invented store for report tests: ads with a date, the groups they offer, and what a person said."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event, text

from reports.figures import Figures, collect_figures
from storage.engine import open_engine, reading, upgrade
from storage.pages import Fetched, store_page
from storage.readings import ReadingRow, store_readings
from storage.runs import create_run, end_run, start_run
from storage.scores import ScoreRow, store_scores
from storage.sites import register_site
from storage.tables import GROUPS
from storage.users import add_user
from storage.verdicts import give_verdict

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
START, END = datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)
ONION = "tuskfakeaddress234567tuskfakeaddress234567tuskfakeaddre2"


@dataclass
class Desk:
    """A store with one site and one run that has ended; `put` adds listings as that run saw them."""

    engine: Engine
    now: datetime = NOW
    start: datetime = START
    end: datetime = END
    runs: dict[str, tuple[int, int]] = field(default_factory=dict)
    count: int = 0
    user: int | None = None

    def look(self, site: str, *, state: str = "done", at: datetime = NOW) -> None:
        """One crawl of a site, with a single page."""
        site_id = register_site(
            self.engine,
            name=site,
            title=site.title(),
            config_sha256="0" * 64,
            onions=[f"{ONION}.onion"],
            now=at,
        )
        run_id = create_run(
            self.engine, verb="crawl", site_id=site_id, by="ana", reason="", settings={}, now=at
        )
        start_run(self.engine, run_id=run_id, worker="w", pid=None, now=at)
        self.runs[site] = site_id, run_id
        self.page(site)
        end_run(self.engine, run_id=run_id, state=state, message="", now=at)

    def page(self, site: str, *, status: int | None = 200) -> int:
        site_id, run_id = self.runs[site]
        self.count += 1
        fetched = Fetched(
            site_id=site_id,
            run_id=run_id,
            frontier_id=None,
            attempt=1,
            hop=0,
            url=f"http://{ONION}.onion/p/{self.count}",
            method="GET",
            request_headers=(),
            requested_at=self.now,
            status=status,
            reason="",
            response_headers=(),
            received_at=self.now,
            body=b"page",
            content_type="text/html",
            content_encoding="",
            circuit_token="",
        )
        return store_page(self.engine, fetched, now=self.now)

    def put(
        self,
        site: str,
        *,
        posted: datetime | None = datetime(2026, 10, 10, 12, tzinfo=UTC),
        scored: Sequence[str] | None = (),
        judged: Sequence[str] | None = None,
        queue: str = "",
        key: str = "",
        **fields: Any,
    ) -> int:
        """A listing; scored: the groups over their threshold (None: no score), judged: a person's verdict."""
        site_id, run_id = self.runs[site]
        page_id = self.page(site)
        key = key or str(page_id)
        values: dict[str, Any] = {
            "title": f"Thing {key}",
            "description": "",
            "seller": "grey_heron",
            "seen_at": self.now,
            "content_sha256": hashlib.sha256(key.encode()).hexdigest(),
            **fields,
        }
        row = ReadingRow(
            page_ids=(page_id,),
            site_id=site_id,
            run_id=run_id,
            reader_version="r1",
            kind="listing",
            confidence=1.0,
            fields={},
            leftovers=[],
            key=key,
            source="listing",
            url=f"http://{ONION}.onion/p/{key}",
            price_amount=Decimal("410.50"),
            price_currency="USD",
            posted_at=posted,
            **values,
        )
        store_readings(self.engine, [row], now=self.now)
        with reading(self.engine) as session:
            statement = text("SELECT listing_id, reading_id FROM sighting WHERE page_id = :page")
            listing_id, reading_id = session.execute(statement, {"page": page_id}).one()
        if scored is not None:
            odds = {group: 0.9 if group in scored else 0.1 for group in GROUPS}
            score = ScoreRow(
                reading_id=reading_id,
                model_version="m1",
                thresholds=dict.fromkeys(GROUPS, 0.5),
                flagged=bool(scored),
                reasons={},
                **odds,
            )
            store_scores(self.engine, [score], now=self.now)
        if judged is not None:
            self.judge(listing_id, reading_id, judged, queue=queue)
        return int(listing_id)

    def judge(self, listing_id: int, reading_id: int, labels: Sequence[str], *, queue: str = "") -> None:
        if self.user is None:
            self.user = add_user(
                self.engine,
                name="ana",
                password_hash="x",
                role="reviewer",
                must_change=False,
                by="test",
                now=self.now,
            )
        give_verdict(
            self.engine,
            listing_id=listing_id,
            reading_id=reading_id,
            user_id=self.user,
            labels=labels,
            queue=queue,
            guideline_version="1",
            now=self.now,
        )

    def figures(self) -> Figures:
        with reading(self.engine) as session:
            return collect_figures(session, start=self.start, end=self.end, now=self.now)


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("empty") / "tuskwatch.db"
    upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def survey_store(empty_store: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Desk]:
    """As INTERPOL's survey of 2017: 21 ads, 15 offering rhino horn, 8 ivory, 3 tiger parts; 50 listings in all."""
    path = tmp_path_factory.mktemp("survey") / "tuskwatch.db"
    shutil.copy(empty_store, path)
    desk = Desk(open_store(path))
    for site in ("lanternrow", "oldport"):
        desk.look(site)
    offers = [("rhino_horn",)] * 10 + [("rhino_horn", "ivory")] * 4 + [("rhino_horn", "tiger")]
    offers += [("ivory",)] * 4 + [("tiger",)] * 2
    for number, groups in enumerate(offers):
        desk.put("lanternrow" if number % 2 else "oldport", scored=groups, judged=groups)
    for _ in range(29):
        desk.put("oldport")
    # The last connection that closes brings the write-ahead log into the file.
    desk.engine.dispose()
    return path, desk


def open_store(path: Path) -> Engine:
    engine = open_engine(f"sqlite:///{path}")
    event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous = OFF"))
    return engine


@pytest.fixture
def desk(empty_store: Path, tmp_path: Path) -> Iterator[Desk]:
    engine = open_store(shutil.copy(empty_store, tmp_path / "tuskwatch.db"))
    yield Desk(engine)
    engine.dispose()


@pytest.fixture
def survey(survey_store: tuple[Path, Desk], tmp_path: Path) -> Iterator[Desk]:
    path, made = survey_store
    engine = open_store(shutil.copy(path, tmp_path / "survey.db"))
    yield replace(made, engine=engine)
    engine.dispose()
