"""Nothing that is protected is ever removed, in worlds drawn at random, held against rules written down a second time."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, event, select, text

from storage import audit
from storage.engine import open_engine, reading, transaction
from storage.holds import add_hold
from storage.keeping import Gone
from storage.retention import Batch, Removed, remove_pages, weigh_pages
from storage.runs import create_run
from storage.safety import Cutoffs, find_aged
from storage.sites import register_site
from storage.tables import Listing, Page, Reading, ReadingPage, Run, Score, Sighting, Verdict
from storage.tombstones import check_tombstones
from storage.users import add_user

NOW = datetime(2026, 11, 2, tzinfo=UTC)
MODEL = "m1"


@dataclass(frozen=True)
class Seen:
    """One page. day: how many days ago. shows: the listings on it, the first with the page's own reading, the others by
    that listing's first reading. score: of its own reading: "", plain, flagged or look; "unread": no reading at all."""

    day: int
    shows: tuple[int, ...]
    score: str
    held: bool
    verdict_day: int | None


PAGES = st.builds(
    Seen,
    day=st.sampled_from([10, 100, 400, 600, 900]),
    shows=st.lists(st.integers(0, 4), max_size=3, unique=True).map(tuple),
    score=st.sampled_from(["plain", "plain", "plain", "flagged", "look", "none", "unread"]),
    held=st.sampled_from([False, False, False, False, True]),
    verdict_day=st.sampled_from([None, None, None, 50, 500, 900]),
)
RULES = st.sampled_from([(365, None, None), (365, 500, None), (365, 500, 700), (365, 365, 365)])


@dataclass(frozen=True)
class Facts:
    """What stood in the database, page by page, as plain values."""

    safe: frozenset[int]
    shows: dict[int, frozenset[int]]
    kept: frozenset[int]
    flagged: frozenset[int]


@settings(max_examples=12, deadline=None, database=None, phases=(Phase.explicit, Phase.generate))
@given(pages=st.lists(PAGES, min_size=1, max_size=9), rules=RULES, chunk=st.integers(1, 4))
def test_what_is_protected_stays(
    migrated_sqlite: Path, pages: list[Seen], rules: tuple[int, int | None, int | None], chunk: int
) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "tuskwatch.db"
        shutil.copy(migrated_sqlite, path)
        engine = open_engine(f"sqlite:///{path}")
        # Waiting for the disk would only take time here.
        event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous = OFF"))
        try:
            _check(engine, pages, rules, chunk)
        finally:
            engine.dispose()


@pytest.mark.postgres
@settings(
    max_examples=8,
    deadline=None,
    database=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture],  # it empties the database itself
)
@given(pages=st.lists(PAGES, min_size=1, max_size=9), rules=RULES, chunk=st.integers(1, 4))
def test_what_is_protected_stays_on_postgresql(
    emptied_postgresql: Callable[[], str],
    pages: list[Seen],
    rules: tuple[int, int | None, int | None],
    chunk: int,
) -> None:
    engine = open_engine(emptied_postgresql())
    try:
        _check(engine, pages, rules, chunk)
    finally:
        engine.dispose()


def _check(engine: Engine, pages: list[Seen], rules: tuple[int, int | None, int | None], chunk: int) -> None:
    build(engine, sorted(pages, key=lambda page: -page.day))
    ends = [None if days is None else NOW - timedelta(days=days) for days in rules]
    cut = Cutoffs(ends[0], ends[1], ends[2], None, MODEL)
    must_stay, free = judge(engine, cut)
    dry = clear(engine, cut, chunk, dry=True)
    real = clear(engine, cut, chunk, dry=False)
    assert dry.rows == real.rows
    with reading(engine) as session:
        left = set(session.scalars(select(Page.id)))
        assert must_stay <= left
        # What shows nothing that stays, and on which nothing rests, is gone.
        assert not free & left
        if engine.dialect.name == "sqlite":
            assert session.execute(text("PRAGMA foreign_key_check")).all() == []
        listings = set(session.scalars(select(Listing.id)))
        assert {row.listing_id for row in session.scalars(select(Verdict))} <= listings
        # Nothing that stays is read again as if nobody had read it.
        read = set(session.scalars(select(ReadingPage.page_id)))
        assert left - read <= must_stay
        assert check_tombstones(session) == []
        assert audit.verify(session) == []
    assert not clear(engine, cut, chunk, dry=False).rows


def clear(engine: Engine, cut: Cutoffs, chunk: int, *, dry: bool) -> Removed:
    total, gone = Removed(), Gone()
    run_id = create_run(engine, verb="retention", site_id=None, by="t", reason="", settings={}, now=NOW)
    while True:
        before = sum(total.rows.values())
        with reading(engine) as session:
            ids = find_aged(session, cut, after=0, limit=100)
        for start in range(0, len(ids), chunk):
            some = ids[start : start + chunk]
            if dry:
                with reading(engine) as session:
                    total.add(weigh_pages(session, some, cut=cut, gone=gone))
            else:
                total.add(remove_pages(engine, some, cut=cut, batch=Batch(run_id, "t", NOW)))
        if sum(total.rows.values()) == before:
            return total


def judge(engine: Engine, cut: Cutoffs) -> tuple[set[int], set[int]]:
    """(pages that must stay, pages that must go), by the rules taken one page and one listing at a time."""
    with reading(engine) as session:
        pages = {page.id: page for page in session.scalars(select(Page))}
        sightings = list(session.scalars(select(Sighting)))
        own = {row.page_id: row.id for row in session.scalars(select(Reading))}
        marked = {
            score.reading_id
            for score in session.scalars(select(Score))
            if score.flagged or score.zone == "look"
        }
        scored = {score.reading_id for score in session.scalars(select(Score))}
        verdicts = list(session.scalars(select(Verdict)))
        held = set(session.scalars(text("SELECT subject_id FROM hold WHERE subject = 'page'")))
        listings = list(session.scalars(select(Listing)))
    assert cut.pages is not None
    safe = {
        number
        for number, page in pages.items()
        if page.received_at >= cut.pages or number in held or number not in own
    }
    # The newest rows stay, and what is seen on their pages lives.
    newest = {max(pages), max(own, key=own.__getitem__, default=0)}
    if scored:
        newest |= {number for number, reading_id in own.items() if reading_id == max(_last_scored(engine))}
    late = {max((each.id for each in listings), default=0), *(v.listing_id for v in verdicts[-1:])}
    stay = set(safe)
    alive = set()
    for listing in listings:
        seen = [each for each in sightings if each.listing_id == listing.id]
        readings = {each.reading_id for each in seen} | {listing.reading_id}
        judged = [each.created_at for each in verdicts if each.listing_id == listing.id]
        last = max(pages[each.page_id].received_at for each in seen)
        is_marked = bool(judged) or bool(readings & marked)
        kept = is_marked and (cut.flagged is None or last >= cut.flagged)
        kept |= bool(judged) and (cut.verdicts is None or max(judged) >= cut.verdicts)
        kept |= not readings <= scored
        if kept:
            stay |= {each.page_id for each in seen}
        if kept or listing.id in late or any(each.page_id in safe | newest for each in seen):
            alive.add(listing.id)
    stay |= {
        number
        for number, reading_id in own.items()
        if reading_id in marked and (cut.flagged is None or pages[number].received_at >= cut.flagged)
    }
    # A page with nothing living on it, whose reading no living listing uses, and which is not the newest of anything.
    used = {each.reading_id for each in sightings if each.listing_id in alive}
    used |= {listing.reading_id for listing in listings if listing.id in alive}
    used |= {each.reading_id for each in verdicts if each.listing_id in alive}
    free = {
        number
        for number in pages
        if number not in stay
        and own.get(number) not in used
        and number not in newest
        and not any(each.page_id == number and each.listing_id in late for each in sightings)
        and not any(each.reading_id == own.get(number) and each.listing_id in late for each in sightings)
    }
    return stay, free


def _last_scored(engine: Engine) -> list[int]:
    with reading(engine) as session:
        return list(session.scalars(select(Score.reading_id).order_by(Score.id.desc()).limit(1)))


def build(engine: Engine, pages: list[Seen]) -> None:
    """The rows straight into the tables, so that any mixture is possible."""
    start = NOW - timedelta(days=1000)
    site = register_site(engine, name="oldport", title="Old", config_sha256="0" * 64, onions=[], now=start)
    user = add_user(
        engine, name="ana", password_hash="h", role="reviewer", must_change=False, by="t", now=start
    )
    listings: dict[int, Listing] = {}
    held: list[int] = []
    with transaction(engine) as session:
        for seen in pages:
            at = NOW - timedelta(days=seen.day)
            row = Run(verb="crawl", site_id=site, state="done", by="t", created_at=start)
            session.add(row)
            session.flush()
            run = row.id
            page = Page(
                site_id=site, run_id=run, url="http://site/", method="GET", request_headers=[], response_headers=[],
                requested_at=at, received_at=at, status=200, circuit_token="",
                body_sha256=_body(session, f"{len(held)}{seen.day}", at),
            )  # fmt: skip
            session.add(page)
            session.flush()
            if seen.held:
                held.append(page.id)
            if seen.score == "unread":
                continue
            own = Reading(
                page_id=page.id, site_id=site, reader_version="r", pages_sha256=str(page.id), kind="listing",
                confidence=1.0, fields={}, leftovers=[], seen_at=at, content_sha256=f"c{page.id}", created_at=at,
            )  # fmt: skip
            session.add(own)
            session.flush()
            session.add(ReadingPage(reading_id=own.id, page_id=page.id))
            if seen.score != "none":
                session.add(
                    Score(
                        reading_id=own.id, model_version=MODEL, ivory=0, rhino_horn=0, tiger=0, thresholds={}, reasons={},
                        flagged=seen.score == "flagged", zone="look" if seen.score == "look" else "pass", created_at=at,
                    )
                )  # fmt: skip
            for place, number in enumerate(seen.shows):
                listing = listings.get(number)
                if listing is None:
                    listing = Listing(
                        site_id=site, key=str(number), source="listing", url="http://site/", reading_id=own.id,
                        content_sha256="c", first_seen=at, last_seen=at,
                    )  # fmt: skip
                    session.add(listing)
                    session.flush()
                    listings[number] = listing
                used = own.id if place == 0 else listing.reading_id
                session.add(
                    Sighting(
                        listing_id=listing.id, run_id=run, page_id=page.id, reading_id=used, key=str(number), seen_at=at
                    )
                )  # fmt: skip
                session.flush()
                if place == 0 and seen.verdict_day is not None:
                    session.add(
                        Verdict(
                            reading_id=own.id, listing_id=listing.id, user_id=user, labels=[], guideline_version="1",
                            created_at=NOW - timedelta(days=seen.verdict_day),
                        )
                    )  # fmt: skip
                    session.flush()
    for page_id in held:
        add_hold(engine, subject="page", subject_id=page_id, reason="x", by="t", now=NOW)


def _body(session: object, text: str, at: datetime) -> str:
    from storage.blobs import store_blob

    return store_blob(session, text.encode(), now=at)  # type: ignore[arg-type]


def test_the_oracle_can_fail(migrated_sqlite: Path, tmp_path: Path) -> None:
    """A world in which one page must stay and one must go: an oracle that names neither would prove nothing."""
    path = tmp_path / "tuskwatch.db"
    shutil.copy(migrated_sqlite, path)
    engine = open_engine(f"sqlite:///{path}")
    build(
        engine,
        [
            Seen(900, (0,), "plain", held=False, verdict_day=None),
            Seen(600, (1,), "flagged", held=False, verdict_day=None),
            Seen(10, (2,), "plain", held=False, verdict_day=None),
        ],
    )
    stay, free = judge(engine, Cutoffs(NOW - timedelta(days=365), None, None, None, MODEL))
    engine.dispose()
    assert (stay, free) == ({2, 3}, {1})
