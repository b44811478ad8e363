"""Archives and their records on both engines."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import select

from storage.archives import (
    ArchiveFacts,
    Incoming,
    Stored,
    close_archive,
    count_records,
    find_row_pages,
    find_troubles,
    open_archive,
    store_records,
)
from storage.engine import reading
from storage.readings import find_unread, store_readings
from storage.tables import Archive, ArchiveRecord, Audit, Blob, Page, Run

FACTS = ArchiveFacts("x.warc", "warc", "a" * 64, 10, "exhibit", "", None, "", "ana")
GOOD = Incoming(
    "offset 0", "b" * 64, url="http://x/p/1", body=b"<html>x</html>", status=200, content_type="text/html"
)


def begin(store: Any, facts: ArchiveFacts = FACTS) -> dict[str, Any]:
    site_id = store.site()
    run_id = store.run(site_id)
    archive_id, _, _ = open_archive(store.engine, facts, site_id=site_id, run_id=run_id, now=store.now)
    return {"archive_id": archive_id, "site_id": site_id, "run_id": run_id, "now": store.now}


def test_a_batch_again_stores_nothing(store: Any) -> None:
    where = begin(store)
    batch = [GOOD, replace(GOOD, place="offset 9"), Incoming("offset 20", "c" * 64, message="broken")]
    assert store_records(store.engine, batch, **where) == Stored(2, 0, 1)
    assert store_records(store.engine, batch, **where) == Stored(0, 3, 0)
    with reading(store.engine) as session:
        assert len(session.scalars(select(Page)).all()) == 2
        assert len(session.scalars(select(Blob)).all()) == 1
        run = session.get(Run, where["run_id"])
        assert run is not None
        assert run.pages == 2
        assert find_troubles(session, where["archive_id"]) == [("broken", 1, "offset 20")]
        assert (count_records(session, where["archive_id"]).stored, len(find_unread(session))) == (2, 2)


def test_the_archive_is_known_by_its_hash(store: Any) -> None:
    where = begin(store)
    close_archive(
        store.engine, archive_id=where["archive_id"], state="broken", message="cut", by="ana", now=store.now
    )
    again = open_archive(
        store.engine,
        replace(FACTS, name="y"),
        site_id=where["site_id"],
        run_id=where["run_id"],
        now=store.now,
    )
    assert again == (where["archive_id"], "broken", "cut")
    with reading(store.engine) as session:
        assert len(session.scalars(select(Archive)).all()) == 1
        actions = [row.action for row in session.scalars(select(Audit)) if row.subject.startswith("archive")]
    assert actions == ["archive.import", "archive.broken", "archive.again"]


def test_a_denied_record_keeps_a_hash_and_an_audit_row(store: Any) -> None:
    where = begin(store)
    denied = replace(GOOD, body=b"never kept", message="denied", denied="term 1", denied_by="v1")
    assert store_records(store.engine, [denied], **where) == Stored(0, 0, 1)
    with reading(store.engine) as session:
        assert session.scalars(select(Blob)).all() == []
        (page,) = session.scalars(select(Page))
        assert (page.body_sha256, page.body_size) == (None, 0)
        (row,) = [row for row in session.scalars(select(Audit)) if row.action == "page.deny"]
        assert (row.detail["sha256"], row.detail["rule"]) == ("b" * 64, "term 1")


def test_what_could_not_be_read_may_come_in_later(store: Any) -> None:
    where = begin(store)
    store_records(store.engine, [Incoming("bytes 0-9", "b" * 64, message="wrong encoding")], **where)
    assert store_records(store.engine, [replace(GOOD, place="bytes 0-9")], **where) == Stored(1, 0, 0)
    with reading(store.engine) as session:
        (record,) = session.scalars(select(ArchiveRecord))
        assert (record.message, record.page_id is not None) == ("", True)


def test_rows_that_a_mapping_read_are_not_read_again(store: Any) -> None:
    where = begin(store)
    store_records(store.engine, [replace(GOOD, status=None)], **where)

    def unread(version: str) -> list[str]:
        with reading(store.engine) as session:
            return list(find_row_pages(session, where["archive_id"], ["offset 0"], reader_version=version))

    assert unread("mapping-1:a") == ["offset 0"]
    with reading(store.engine) as session:
        (page,) = session.scalars(select(Page))
        assert find_unread(session) == []  # no server's answer: only the mapping reads it
    row = store.row(page.id, where["site_id"], where["run_id"], reader_version="mapping-1:a")
    store_readings(store.engine, [row], now=store.now)
    assert (unread("mapping-1:a"), unread("mapping-1:b")) == ([], ["offset 0"])
