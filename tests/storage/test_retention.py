"""Retention on both databases: what goes, what stays, and that nothing that stays points into the void."""

from __future__ import annotations

import hashlib
import threading
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Engine, func, select, text
from sqlalchemy.exc import DBAPIError

from storage import audit
from storage.blobs import store_blob
from storage.engine import lock, open_engine, reading, transaction
from storage.errors import StorageError
from storage.feedback import FeedbackRow
from storage.holds import add_hold, find_holds, lift_hold
from storage.keeping import Gone
from storage.leftovers import find_orphans, remove_bodies, remove_entries
from storage.pages import store_page
from storage.readings import store_readings
from storage.retention import Batch, Removed, remove_pages, weigh_pages
from storage.safety import Cutoffs, find_aged
from storage.tables import Audit, Blob, Feedback, Hold, Listing, Page, Reading, Score, Sighting, Tombstone
from storage.tombstones import LOCK, check_tombstones, find_tombstone
from storage.verdicts import give_verdict

if TYPE_CHECKING:
    from conftest import Store

LATER = timedelta(days=400)


def cutoffs(
    now: datetime,
    *,
    pages: int | None = 365,
    flagged: int | None = None,
    verdicts: int | None = None,
    audit: int | None = None,
) -> Cutoffs:
    def end(days: int | None) -> datetime | None:
        return None if days is None else now - timedelta(days=days)

    return Cutoffs(end(pages), end(flagged), end(verdicts), end(audit))


def sweep(store: Store, cut: Cutoffs, now: datetime, *, dry: bool = False) -> Removed:
    """All pages, three at a time, until nothing goes any more."""
    total, gone = Removed(), Gone()
    run_id = 0 if dry else retention_run(store)
    while True:
        before = sum(total.rows.values())
        total.kept.clear()
        with reading(store.engine) as session:
            ids = find_aged(session, cut, after=0, limit=1000)
        for start in range(0, len(ids), 3):
            some = ids[start : start + 3]
            if dry:
                with reading(store.engine) as session:
                    total.add(weigh_pages(session, some, cut=cut, gone=gone))
            else:
                total.add(remove_pages(store.engine, some, cut=cut, batch=Batch(run_id, "ana", now)))
        if sum(total.rows.values()) == before:
            return total


def retention_run(store: Store) -> int:
    with transaction(store.engine) as session:
        from storage.runs import create_run_in

        return create_run_in(
            session, verb="retention", site_id=None, by="ana", reason="", settings={}, now=store.now
        ).id


def count(engine: Engine, table: type) -> int:
    with reading(engine) as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def pages_of(engine: Engine) -> set[int]:
    with reading(engine) as session:
        return set(session.scalars(select(Page.id)))


class World:
    """Some old listings, read and scored, in a sweep that is over, and one young page after them."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.site = store.site()
        self.run = store.run(self.site)
        self.now = store.now + LATER

    def listing(self, key: str, *, flagged: bool = False, **changes: object) -> tuple[int, int, int]:
        """(listing, reading, page)"""
        listing_id, reading_id = self.store.listing(self.site, self.run, key, **changes)
        self.store.score(reading_id, flagged=flagged)
        with reading(self.store.engine) as session:
            return listing_id, reading_id, session.get_one(Reading, reading_id).page_id

    def close(self) -> None:
        """The end of the sweep, and a young listing: the newest row of each table is never removed."""
        self.store.end(self.run)
        before, self.store.now = self.store.now, self.now
        run = self.store.run(self.site)
        _, reading_id = self.store.listing(self.site, run, "young")
        self.store.score(reading_id, flagged=False)
        self.store.end(run)
        self.store.now = before


@pytest.fixture
def world(store: Store) -> World:
    return World(store)


def test_old_plain_pages_go_with_all_that_hangs_on_them(world: World) -> None:
    store = world.store
    contacts = (("btc", "bc1qinvented", True),)
    gone = [world.listing(str(number), contacts=contacts) for number in range(5)]
    world.close()
    expected = sweep(store, cutoffs(world.now), world.now, dry=True)
    removed = sweep(store, cutoffs(world.now), world.now)
    assert removed.rows == expected.rows
    assert (removed.oldest, removed.newest) == (expected.oldest, expected.newest)
    assert {table: rows for (_, _, table), rows in removed.rows.items()} == {
        "page": 5, "reading": 5, "score": 5, "listing": 5, "sighting": 5, "contact": 5,
    }  # fmt: skip
    assert not pages_of(store.engine) & {page for _, _, page in gone}
    with reading(store.engine) as session:
        stone = find_tombstone(session, "page", gone[0][2])
        assert stone is not None
        assert stone.sha256 == hashlib.sha256(b"<html>hello</html>").hexdigest()
        assert stone.rule == "pages"
        assert check_tombstones(session) == []
        assert audit.verify(session) == []
    again = sweep(store, cutoffs(world.now), world.now)
    assert not again.rows


def test_nothing_goes_without_a_date(world: World) -> None:
    world.listing("1")
    world.close()
    assert not sweep(world.store, cutoffs(world.now, pages=None), world.now).rows


@pytest.mark.parametrize("way", ["flag", "look", "verdict", "earlier text", "card"])
def test_what_was_ever_flagged_stays(world: World, way: str) -> None:
    store = world.store
    listing_id, reading_id, page_id = world.listing("1", flagged=way in ("flag", "card"))
    if way == "look":
        store.score(reading_id, flagged=False, zone="look", model="m0")
        store.score(reading_id, flagged=False, model="m2")
    if way == "verdict":
        user = store.user()
        give_verdict(
            store.engine, listing_id=listing_id, reading_id=reading_id, user_id=user, labels=[], kind="", form="",
            note="", guideline_version="1", now=store.now,
        )  # fmt: skip
    shown = page_id
    if way == "earlier text":
        store.score(reading_id, flagged=True, model="m0")
        shown = store.page(world.site, world.run, url="http://site/p/1")
        row = store.row(shown, world.site, world.run, key="1", title="Harmless now")
        row = row.__class__(**{**row.__dict__, "seen_at": store.now + timedelta(hours=1)})
        store_readings(store.engine, [row], now=store.now)
        with reading(store.engine) as session:
            store.score(session.get_one(Listing, listing_id).reading_id, flagged=False)
    if way == "card":
        from storage.cardtext import CardRow

        # In one run the ad's own page stands for its cards.
        store.end(world.run)
        world.run = store.run(world.site)
        shown = store.page(world.site, world.run, url="http://site/list")
        card = CardRow(key="1", url="http://site/p/1", title="Item 1", content_sha256="")
        row = store.row(
            shown, world.site, world.run, kind="search", source="", key="", title="", seller="", cards=(card,)
        )
        store_readings(store.engine, [row], now=store.now)
    plain = world.listing("2")
    # The model that scored last is the one that counts.
    world.close()
    cut = Cutoffs(**{**cutoffs(world.now).__dict__, "model": "m2" if way == "look" else "m1"})
    removed = sweep(store, cut, world.now)
    left = pages_of(store.engine)
    assert {page_id, shown} <= left
    assert removed.kept[page_id] == "flagged"
    assert (plain[2] in left) is (way == "look")  # there it waits for the model m2


def test_a_flagged_ad_goes_as_a_whole_when_its_own_date_is_past(world: World) -> None:
    store = world.store
    _, _, page_id = world.listing("1", flagged=True)
    world.close()
    assert sweep(store, cutoffs(world.now, flagged=500), world.now).kept == {page_id: "flagged"}
    removed = sweep(store, cutoffs(world.now, flagged=380), world.now)
    assert removed.rows["flagged", world.site, "page"] == 1
    with reading(store.engine) as session:
        stone = find_tombstone(session, "page", page_id)
        assert stone is not None
        assert stone.rule == "flagged"


def test_verdicts_go_last_and_with_their_ad(world: World) -> None:
    store = world.store
    user = store.user()
    listing_id, reading_id, page_id = world.listing("1")
    verdict = {
        "listing_id": listing_id, "reading_id": reading_id, "user_id": user, "labels": ["ivory"], "kind": "", "form": "",
        "note": "", "guideline_version": "1", "now": store.now,
    }  # fmt: skip
    give_verdict(store.engine, **verdict)
    from storage.verdicts import undo_verdict

    undo_verdict(store.engine, user_id=user, now=store.now)
    world.listing("2")
    world.close()
    # The newest verdict's number must not be given out again, so a later one stands after it.
    with reading(store.engine) as session:
        young = session.scalars(select(Listing).where(Listing.key == "young")).one()
        later = {**verdict, "listing_id": young.id, "reading_id": young.reading_id, "now": world.now}
    give_verdict(store.engine, **later)
    assert page_id in sweep(store, cutoffs(world.now, flagged=380), world.now).kept
    removed = sweep(store, cutoffs(world.now, flagged=380, verdicts=380), world.now)
    assert removed.rows["verdicts", world.site, "verdict"] == 2
    with reading(store.engine) as session:
        assert check_tombstones(session) == []


@pytest.mark.parametrize("subject", ["listing", "page", "seller", "site"])
def test_evidence_on_hold_stays_until_it_is_lifted(world: World, subject: str) -> None:
    store = world.store
    listing_id, _, page_id = world.listing("1", seller="held")
    _, _, other = world.listing("2", seller="another")
    world.close()
    with reading(store.engine) as session:
        seller = session.get_one(Listing, listing_id).seller_id
    held = {"listing": listing_id, "page": page_id, "seller": seller, "site": world.site}[subject]
    hold = add_hold(
        store.engine, subject=subject, subject_id=held or 0, reason="case 12", by="ana", now=store.now
    )
    removed = sweep(store, cutoffs(world.now), world.now)
    assert removed.kept[page_id] == "hold"
    assert (other in pages_of(store.engine)) is (subject == "site")
    lift_hold(store.engine, hold, reason="case closed", by="ben", now=world.now)
    sweep(store, cutoffs(world.now), world.now)
    assert page_id not in pages_of(store.engine)
    with reading(store.engine) as session:
        assert find_holds(session) == []
        assert {"hold.add", "hold.lift"} <= set(session.scalars(select(Audit.action)))


def test_a_hold_needs_reasons_and_something_to_hold(world: World) -> None:
    store = world.store
    _, _, page_id = world.listing("1")
    world.close()
    with pytest.raises(StorageError, match="Say why"):
        add_hold(store.engine, subject="page", subject_id=page_id, reason=" ", by="ana", now=store.now)
    with pytest.raises(StorageError, match="no page 999"):
        add_hold(store.engine, subject="page", subject_id=999, reason="x", by="ana", now=store.now)
    with pytest.raises(StorageError, match="cannot be held"):
        add_hold(store.engine, subject="user", subject_id=1, reason="x", by="ana", now=store.now)
    hold = add_hold(store.engine, subject="page", subject_id=page_id, reason="x", by="ana", now=store.now)
    assert (
        add_hold(store.engine, subject="page", subject_id=page_id, reason="x", by="ana", now=store.now)
        == hold
    )
    with pytest.raises(StorageError, match="Say why"):
        lift_hold(store.engine, hold, reason="", by="ana", now=store.now)
    lift_hold(store.engine, hold, reason="over", by="ana", now=store.now)
    with pytest.raises(StorageError, match="lifted already"):
        lift_hold(store.engine, hold, reason="over", by="ana", now=store.now)
    sweep(store, cutoffs(world.now), world.now)
    with pytest.raises(StorageError, match="removed under retention"):
        add_hold(store.engine, subject="page", subject_id=page_id, reason="x", by="ana", now=store.now)


def test_unread_and_unscored_pages_wait(world: World) -> None:
    store = world.store
    unread = store.page(world.site, world.run, url="http://site/new")
    _, unscored = store.listing(world.site, world.run, "9")
    world.close()
    with reading(store.engine) as session:
        page_id = session.get_one(Reading, unscored).page_id
    assert sweep(store, cutoffs(world.now), world.now).kept == {unread: "waiting", page_id: "waiting"}


def test_pages_of_a_sweep_that_may_go_on_stay(world: World) -> None:
    store = world.store
    _, _, page_id = world.listing("1")
    store.end(world.run, "paused")
    assert sweep(store, cutoffs(world.now), world.now).kept == {page_id: "open"}


def test_a_living_ad_keeps_the_page_that_its_text_stands_on(world: World) -> None:
    store = world.store
    listing_id, reading_id, page_id = world.listing("1")
    second = store.page(world.site, world.run, url="http://site/p/1")
    store_readings(
        store.engine, [store.row(second, world.site, world.run, key="1", title="Item 1")], now=store.now
    )
    store.end(world.run)
    store.now = world.now
    run = store.run(world.site)
    third = store.page(world.site, run, url="http://site/p/1")
    store_readings(store.engine, [store.row(third, world.site, run, key="1", title="Item 1")], now=store.now)
    _, last = store.listing(world.site, run, "2")
    store.score(last, flagged=False)
    store.end(run)
    removed = sweep(store, cutoffs(world.now), world.now)
    assert pages_of(store.engine) == {page_id, third, third + 1}
    assert removed.kept == {page_id: "needed"}
    with reading(store.engine) as session:
        assert session.get_one(Listing, listing_id).reading_id == reading_id


def test_ratings_go_with_their_page_unless_they_are_still_shown(world: World) -> None:
    store = world.store
    pages = []
    for number in range(2):
        page = store.page(world.site, world.run, url=f"http://site/feedback/{number}")
        rating = FeedbackRow(sign="good", text=f"quick {number}", buyer="someone")
        row = store.row(
            page, world.site, world.run, kind="feedback", source="", key="", title="", feedback=(rating,)
        )
        store_readings(store.engine, [row], now=store.now)
        pages.append(page)
    world.close()
    with transaction(store.engine) as session:
        session.scalars(select(Feedback).where(Feedback.page_id == pages[1])).one().last_seen = world.now
    assert sweep(store, cutoffs(world.now), world.now).kept == {pages[1]: "needed"}
    assert count(store.engine, Feedback) == 1


def test_the_database_refuses_what_has_no_tombstone(world: World) -> None:
    _, _, page_id = world.listing("1")
    world.close()
    with (
        pytest.raises(DBAPIError, match="never changed or deleted"),
        transaction(world.store.engine) as session,
    ):
        session.execute(text("DELETE FROM score"))
    assert page_id in pages_of(world.store.engine)


def test_a_changed_or_unknown_tombstone_shows(world: World) -> None:
    store = world.store
    world.listing("1")
    world.close()
    sweep(store, cutoffs(world.now), world.now)
    with transaction(store.engine) as session:
        stone = session.scalars(select(Tombstone)).first()
        assert stone is not None
        session.add(
            Tombstone(
                table_name="page", row_key="4711", run_id=stone.run_id, rule="pages", made_at=store.now,
                removed_at=store.now,
            )
        )  # fmt: skip
    with reading(store.engine) as session:
        assert any("stand in no row of the audit log" in each for each in check_tombstones(session))


# --- races ---


def test_a_hold_placed_while_retention_runs_comes_before_or_after_a_batch(world: World) -> None:
    """The hold has its lock when the batch begins: the batch waits, looks again and leaves the page."""
    store = world.store
    _, _, page_id = world.listing("1")
    world.close()
    batch = Batch(retention_run(store), "ana", world.now)
    kept: list[Removed] = []
    with transaction(store.engine) as session:
        lock(session, LOCK)
        session.add(Hold(subject="page", subject_id=page_id, reason="case", by="ana", created_at=store.now))
        session.flush()
        worker = threading.Thread(
            target=lambda: kept.append(
                remove_pages(store.engine, [page_id], cut=cutoffs(world.now), batch=batch)
            )
        )
        worker.start()
        worker.join(0.5)
        assert worker.is_alive()
    worker.join(60)
    assert kept[0].kept == {page_id: "hold"}
    assert page_id in pages_of(store.engine)


ONLY_POSTGRESQL = pytest.mark.parametrize(
    "url", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True
)
"""It lets two transactions write at once; SQLite does not."""


@ONLY_POSTGRESQL
def test_a_body_that_is_about_to_be_named_stays(store: Store, url: str) -> None:
    sha256 = _orphan(store)
    other = open_engine(url)
    now = store.now + LATER
    batch = Batch(retention_run(store), "ana", now)
    with transaction(other) as session:
        assert store_blob(session, b"orphan", now=now) == sha256
        assert not remove_bodies(store.engine, [sha256], batch=batch).rows
    assert remove_bodies(store.engine, [sha256], batch=batch).rows
    other.dispose()


@ONLY_POSTGRESQL
def test_a_body_that_went_meanwhile_is_put_in_anew(store: Store, url: str) -> None:
    """The removal has the row: the store of a page waits, and then keeps its body all the same."""
    sha256 = _orphan(store)
    now = store.now + LATER
    site = store.site()
    run = store.run(site)
    retention = retention_run(store)
    other = open_engine(url)
    stored: list[int] = []
    fetched = store.fetched(site, run, body=b"orphan")
    with transaction(store.engine) as session:
        session.execute(select(Blob.sha256).where(Blob.sha256 == sha256).with_for_update()).all()
        worker = threading.Thread(target=lambda: stored.append(store_page(other, fetched, now=now)))
        worker.start()
        worker.join(0.5)
        assert worker.is_alive()
        session.add(
            Tombstone(
                table_name="blob",
                row_key=sha256,
                run_id=retention,
                rule="orphans",
                sha256=sha256,
                made_at=now,
                removed_at=now,
            )
        )
        session.flush()
        session.execute(text("DELETE FROM blob WHERE sha256 = :key"), {"key": sha256})
    worker.join(60)
    other.dispose()
    assert stored
    with reading(store.engine) as session:
        assert session.get_one(Page, stored[0]).body_sha256 == sha256
        assert session.get(Blob, sha256) is not None


def _orphan(store: Store) -> str:
    """An old body that no page names."""
    with transaction(store.engine) as session:
        return store_blob(session, b"orphan", now=store.now)


def test_bodies_without_a_page_go_after_a_day_of_grace(store: Store) -> None:
    with transaction(store.engine) as session:
        old = store_blob(session, b"old", now=store.now)
        new = store_blob(session, b"new", now=store.now + timedelta(hours=30))
    site = store.site()
    run = store.run(site)
    store.page(site, run, body=b"named")
    batch = Batch(retention_run(store), "ana", store.now + timedelta(hours=48))
    with reading(store.engine) as session:
        assert set(find_orphans(session, after="", limit=10)) == {old, new}
    removed = remove_bodies(store.engine, [old, new], batch=batch)
    assert removed.rows == {("orphans", None, "blob"): 1}
    assert removed.bytes > 0
    with transaction(store.engine) as session:
        assert session.get(Blob, old) is None
        # It comes again, and goes again: it has its tombstone already, and the audit log names it.
        store_blob(session, b"old", now=store.now)
    assert remove_bodies(store.engine, [old], batch=batch).rows
    with reading(store.engine) as session:
        assert check_tombstones(session) == []
        last = session.scalars(select(Audit).order_by(Audit.id.desc())).first()
        assert last is not None
        assert last.detail["again"] == [old]


# --- the audit log ---


def test_the_beginning_of_the_log_goes_and_the_rest_stays_anchored(store: Store) -> None:
    for number in range(10):
        with transaction(store.engine) as session:
            audit.record(
                session, actor="ana", action="test", subject=str(number), detail={},
                now=store.now + timedelta(days=number),
            )  # fmt: skip
    with reading(store.engine) as session:
        heads = [entry.hash for entry in session.scalars(select(Audit).order_by(Audit.id))]
    now = store.now + timedelta(days=405, hours=1)
    batch = Batch(retention_run(store), "ana", now)
    cut = Cutoffs(None, None, None, now - timedelta(days=400))
    # The run's own row stands at the end, with the store's time: it is old, and no part of the beginning.
    assert sum(remove_entries(store.engine, cut=cut, limit=4, batch=batch).rows.values()) == 4
    assert sum(remove_entries(store.engine, cut=cut, limit=4, batch=batch).rows.values()) == 2
    assert not remove_entries(store.engine, cut=cut, limit=4, batch=batch).rows
    with reading(store.engine) as session:
        assert audit.verify(session, known=heads[2]) == []
        assert audit.verify(session, known=heads[8]) == []
        assert audit.verify(session, known="f" * 64) != []
        assert check_tombstones(session) == []


def test_a_cut_without_tombstones_is_noticed(url: str, store: Store) -> None:
    for number in range(4):
        with transaction(store.engine) as session:
            audit.record(session, actor="ana", action="test", subject=str(number), detail={}, now=store.now)
    with store.engine.begin() as connection:
        if store.engine.dialect.name == "sqlite":
            connection.execute(text("DROP TRIGGER audit_no_delete"))
        else:
            connection.execute(text("ALTER TABLE audit DISABLE TRIGGER USER"))
        connection.execute(text("DELETE FROM audit WHERE id <= 2"))
    with reading(store.engine) as session:
        assert len(audit.verify(session)) == 2
    assert count(store.engine, Score) == 0
    assert count(store.engine, Sighting) == 0
