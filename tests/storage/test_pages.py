"""A response, its body and its frontier row are kept together, once, and given back as they came."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from storage.blobs import measure_blobs, read_blob, store_blob
from storage.engine import reading, transaction
from storage.errors import BodyError
from storage.frontier import count_states, finish, lease, seed
from storage.pages import find_page, read_body
from storage.runs import find_run
from storage.tables import Blob, Page

if TYPE_CHECKING:
    from conftest import Store


def test_a_page_is_given_back_as_received(store: Store) -> None:
    site = store.site()
    run = store.run(site)
    body = b"\xff\x00 not text at all" * 50
    page_id = store.page(site, run, body=body)
    with reading(store.engine) as session:
        page = find_page(session, page_id)
        assert page is not None
        assert page.request_headers == [["Host", "a" * 56 + ".onion"]]
        assert read_body(session, page, max_size=10_000) == body
        assert find_run(session, run).pages == 1


def test_equal_bodies_are_kept_once(store: Store) -> None:
    site = store.site()
    run = store.run(site)
    for _ in range(3):
        store.page(site, run, body=b"the same")
    with reading(store.engine) as session:
        assert measure_blobs(session)[0] == 1
        assert session.scalar(select(func.count()).select_from(Page)) == 3


def test_storing_marks_the_frontier_row_as_fetched(store: Store) -> None:
    site = store.site()
    run = store.run(site)
    seed(store.engine, site_id=site, sweep_id=run, links=[store.link("/")], now=store.now)
    [row] = lease(store.engine, site_id=site, sweep_id=run, run_id=run, limit=5, now=store.now, seconds=60)
    page = store.page(site, run, frontier_id=row.id, attempt=row.attempt)
    assert count_states(store.engine, sweep_id=run) == {"fetched": 1}
    finish(
        store.engine,
        frontier_id=row.id,
        page_id=page,
        kind="home",
        links=[],
        site_id=site,
        sweep_id=run,
        now=store.now,
    )
    assert count_states(store.engine, sweep_id=run) == {"done": 1}


@pytest.mark.parametrize(
    "response",
    [
        {"status": 302, "response_headers": (("Location", "/next"),)},
        {"status": None, "reason": "", "body": None, "error": "connection refused"},
    ],
    ids=["redirect", "no answer"],
)
def test_what_is_not_the_last_answer_leaves_the_row_leased(store: Store, response: dict[str, object]) -> None:
    site = store.site()
    run = store.run(site)
    seed(store.engine, site_id=site, sweep_id=run, links=[store.link("/")], now=store.now)
    [row] = lease(store.engine, site_id=site, sweep_id=run, run_id=run, limit=5, now=store.now, seconds=60)
    store.page(site, run, frontier_id=row.id, **response)
    assert count_states(store.engine, sweep_id=run) == {"leased": 1}


def test_the_same_fetch_is_stored_once(store: Store) -> None:
    site = store.site()
    run = store.run(site)
    seed(store.engine, site_id=site, sweep_id=run, links=[store.link("/")], now=store.now)
    [row] = lease(store.engine, site_id=site, sweep_id=run, run_id=run, limit=1, now=store.now, seconds=60)
    first = store.page(site, run, frontier_id=row.id, body=b"one")
    again = store.page(site, run, frontier_id=row.id, body=b"two")
    hop = store.page(site, run, frontier_id=row.id, hop=1, body=b"three")
    assert again == first
    assert hop != first
    with reading(store.engine) as session:
        assert find_run(session, run).pages == 2
        assert measure_blobs(session)[0] == 2


def test_a_failed_store_leaves_nothing(store: Store) -> None:
    site = store.site()
    run = store.run(site)
    with pytest.raises(IntegrityError):
        store.page(site + 999, run, body=b"for nobody")
    with reading(store.engine) as session:
        assert measure_blobs(session)[0] == 0
        assert find_run(session, run).pages == 0


def test_hostile_text_is_kept_readable(store: Store) -> None:
    site = store.site()
    run = store.run(site)
    page_id = store.page(
        site,
        run,
        url="http://x/" + "u" * 9000 + "\x00",
        reason="\ud800bad\x00",
        content_type="t" * 5000,
        response_headers=(("X-Odd", "a\x00b\udfff \\u0000"),),
    )
    with reading(store.engine) as session:
        page = find_page(session, page_id)
        assert page.reason == "\ufffdbad\ufffd"
        assert page.response_headers == [["X-Odd", "a\ufffdb\ufffd \\u0000"]]
        assert len(page.content_type) == 200


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE page SET url = 'other'",
        "UPDATE page SET kind = 'listing', status = 404",
        "UPDATE page SET kind = NULL",
        "DELETE FROM page",
        "UPDATE blob SET size = 1",
        "DELETE FROM blob",
    ],
)
def test_the_database_refuses_to_change_evidence(store: Store, statement: str) -> None:
    site = store.site()
    run = store.run(site)
    store.page(site, run)
    with pytest.raises(DBAPIError, match="never changed or deleted"), transaction(store.engine) as session:
        session.execute(text(statement))


def test_the_kind_is_set_once(store: Store) -> None:
    site = store.site()
    store.page(site, store.run(site))
    with transaction(store.engine) as session:
        session.execute(text("UPDATE page SET kind = 'home'"))
    with pytest.raises(DBAPIError, match="never changed or deleted"), transaction(store.engine) as session:
        session.execute(text("UPDATE page SET kind = 'listing'"))


def test_replacing_a_body_is_refused(store: Store) -> None:
    with transaction(store.engine) as session:
        sha256 = store_blob(session, b"evidence", now=store.now)
    verb = "INSERT OR REPLACE" if store.engine.dialect.name == "sqlite" else "INSERT"
    with pytest.raises(DBAPIError), transaction(store.engine) as session:
        session.execute(
            text(f"{verb} INTO blob VALUES (:name, 3, 'identity', :data, :at)"),
            {"name": sha256, "data": b"new", "at": store.now.isoformat()},
        )
    with reading(store.engine) as session:
        assert read_blob(session, sha256, max_size=100) == b"evidence"


def test_an_altered_body_is_noticed(store: Store) -> None:
    with transaction(store.engine) as session:
        session.add(Blob(sha256="0" * 64, size=5, encoding="identity", data=b"other", created_at=store.now))
    with reading(store.engine) as session, pytest.raises(BodyError, match="was altered"):
        read_blob(session, "0" * 64, max_size=100)


def test_a_body_over_the_bound_is_not_unpacked(store: Store) -> None:
    with transaction(store.engine) as session:
        sha256 = store_blob(session, bytes(1_000_000), now=store.now)
    with (
        reading(store.engine) as session,
        pytest.raises(BodyError, match="has 1000000 bytes; at most 999999"),
    ):
        read_blob(session, sha256, max_size=999_999)


def test_a_page_without_a_body_says_why(store: Store) -> None:
    site = store.site()
    page_id = store.page(site, store.run(site), body=None, note="image/png is never kept")
    with reading(store.engine) as session, pytest.raises(BodyError, match="image/png is never kept"):
        read_body(session, find_page(session, page_id), max_size=100)


def test_a_reading_session_cannot_write(store: Store) -> None:
    with pytest.raises(DBAPIError), reading(store.engine) as session:
        store_blob(session, b"no", now=store.now)
