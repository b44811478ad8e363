"""Archives that were brought in, and what became of each of their records: page, record and custody in one transaction.

Public names: ArchiveFacts, Incoming, Stored, Counted, open_archive, find_archive, store_records, close_archive,
count_records, find_troubles, find_row_pages, RowPage.

A record is known by its archive and its place in it, so the same archive again, whole or after a crash, stores nothing
twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, case, exists, func, select, update
from sqlalchemy.orm import Session

from storage import audit
from storage.blobs import store_blob
from storage.engine import lock, transaction
from storage.tables import Archive, ArchiveRecord, Page, Reading, ReadingPage, Run


@dataclass(frozen=True)
class ArchiveFacts:
    """An archive as received, and its custody; see tables.Archive."""

    name: str
    form: str
    sha256: str
    size: int
    origin: str
    custodian: str
    obtained_at: datetime | None
    note: str
    by: str


@dataclass(frozen=True)
class Incoming:
    """One record: with a body or a rule of the deny list it becomes a page, else only `message` is kept.

    sha256: of the body as it stood in the archive. kind: what the gates made of it. row: a line of a table, which no
    server sent: it has no status, and only a mapping reads it.
    """

    place: str
    sha256: str
    message: str = ""
    url: str = ""
    body: bytes | None = None
    received_at: datetime | None = None
    status: int | None = None
    reason: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    content_type: str = ""
    content_encoding: str = ""
    note: str = ""
    kind: str | None = None
    denied: str = ""
    denied_by: str = ""


@dataclass(frozen=True)
class Stored:
    """What a batch brought: pages, records that were there already, records without a page."""

    stored: int = 0
    known: int = 0
    skipped: int = 0


@dataclass(frozen=True)
class Counted:
    """All records of an archive so far."""

    stored: int
    skipped: int


@dataclass(frozen=True)
class RowPage:
    """A stored line of a table."""

    page_id: int
    run_id: int
    url: str
    received_at: datetime


def open_archive(
    engine: Engine, facts: ArchiveFacts, *, site_id: int, run_id: int, now: datetime
) -> tuple[int, str, str]:
    """The archive's row, made and noted in the audit log when it is new: (id, state and message before this run)."""
    with transaction(engine) as session:
        lock(session, "archive")
        known = find_archive(session, sha256=facts.sha256, site_id=site_id)
        detail = {
            "name": facts.name, "sha256": facts.sha256, "size": facts.size, "form": facts.form, "origin": facts.origin,
            "custodian": facts.custodian, "note": facts.note, "run": run_id, "site_id": site_id,
            "obtained_at": facts.obtained_at.isoformat() if facts.obtained_at else None,
        }  # fmt: skip
        if known is not None:
            action, state, message, archive_id = "archive.again", known.state, known.message, known.id
        else:
            row = Archive(
                run_id=run_id,
                site_id=site_id,
                name=facts.name,
                form=facts.form,
                sha256=facts.sha256,
                size=facts.size,
                origin=facts.origin,
                custodian=facts.custodian,
                obtained_at=facts.obtained_at,
                note=facts.note,
                by=facts.by,
                imported_at=now,
            )
            session.add(row)
            session.flush()
            action, state, message, archive_id = "archive.import", "", "", row.id
        audit.record(
            session, actor=facts.by, action=action, subject=f"archive {archive_id}", detail=detail, now=now
        )
        return archive_id, state, message


def find_archive(session: Session, *, sha256: str, site_id: int) -> Archive | None:
    return session.scalar(select(Archive).where(Archive.sha256 == sha256, Archive.site_id == site_id))


def store_records(
    engine: Engine, records: Sequence[Incoming], *, archive_id: int, site_id: int, run_id: int, now: datetime
) -> Stored:
    """Keep a batch: bodies, pages, records, the run's count and the audit rows of denied ones, all or nothing."""
    with transaction(engine) as session:
        lock(session, f"archive {archive_id}")
        places = [record.place for record in records]
        rows = session.scalars(
            select(ArchiveRecord).where(
                ArchiveRecord.archive_id == archive_id, ArchiveRecord.place.in_(places)
            )
        )
        earlier = {row.place: row for row in rows}
        known: set[str] = set()
        stored = skipped = 0
        for record in records:
            before = earlier.get(record.place)
            # What could not be read the last time (another encoding was named) may be readable now.
            if record.place in known or (before and (before.page_id or record.body is None)):
                continue
            known.add(record.place)
            page_id = None
            if record.body is not None or record.denied:
                page_id = _store_page(session, record, site_id=site_id, run_id=run_id, now=now)
            stored += page_id is not None and not record.denied
            skipped += page_id is None or bool(record.denied)
            if before is not None:
                before.page_id, before.message = page_id, record.message
                continue
            session.add(
                ArchiveRecord(
                    archive_id=archive_id,
                    place=record.place,
                    sha256=record.sha256,
                    page_id=page_id,
                    message=record.message,
                )
            )
        session.execute(
            update(Run).where(Run.id == run_id).values(pages=Run.pages + stored, heartbeat_at=now)
        )
        return Stored(stored, len(records) - stored - skipped, skipped)


def close_archive(
    engine: Engine, *, archive_id: int, state: str, message: str, by: str, now: datetime
) -> Counted:
    """Say how the reading of the archive ended: done or broken, with its counts, and note it in the audit log."""
    with transaction(engine) as session:
        row = session.get(Archive, archive_id, with_for_update=True)
        if row is None:
            raise LookupError(f"there is no archive {archive_id}")
        counted = count_records(session, archive_id)
        row.state, row.message = state, message
        row.stored, row.skipped = counted.stored, counted.skipped
        detail = {
            "state": state, "message": message, "sha256": row.sha256, "stored": counted.stored, "skipped": counted.skipped,
        }  # fmt: skip
        audit.record(
            session,
            actor=by,
            action=f"archive.{state}",
            subject=f"archive {archive_id}",
            detail=detail,
            now=now,
        )
        return counted


def count_records(session: Session, archive_id: int) -> Counted:
    """How many records became pages, and how many did not (a denied one counts among those)."""
    row = session.execute(
        select(
            func.count(), func.coalesce(func.sum(case((ArchiveRecord.message == "", 1), else_=0)), 0)
        ).where(ArchiveRecord.archive_id == archive_id)
    ).one()
    return Counted(int(row[1]), int(row[0]) - int(row[1]))


def find_troubles(session: Session, archive_id: int, *, limit: int = 50) -> list[tuple[str, int, str]]:
    """Why records were skipped: (reason, how many, the first one's place), the most frequent first."""
    first = func.min(ArchiveRecord.id)
    rows = session.execute(
        select(ArchiveRecord.message, func.count(), first)
        .where(ArchiveRecord.archive_id == archive_id, ArchiveRecord.message != "")
        .group_by(ArchiveRecord.message)
        .order_by(func.count().desc(), ArchiveRecord.message)
        .limit(limit)
    ).all()
    found = session.execute(
        select(ArchiveRecord.id, ArchiveRecord.place).where(ArchiveRecord.id.in_([row[2] for row in rows]))
    )
    places = {row[0]: row[1] for row in found}
    return [(row[0], int(row[1]), places[row[2]]) for row in rows]


def find_row_pages(
    session: Session, archive_id: int, places: Sequence[str], *, reader_version: str
) -> dict[str, RowPage]:
    """The stored lines at these places of an archive that this reader has not read yet, by place."""
    read = exists().where(
        ReadingPage.page_id == Page.id,
        ReadingPage.reading_id == Reading.id,
        Reading.reader_version == reader_version,
    )
    rows = session.execute(
        select(ArchiveRecord.place, Page.id, Page.run_id, Page.url, Page.received_at)
        .join(ArchiveRecord, ArchiveRecord.page_id == Page.id)
        .where(
            ArchiveRecord.archive_id == archive_id,
            ArchiveRecord.place.in_(places),
            Page.body_sha256.is_not(None),
            ~read,
        )
    )
    return {row[0]: RowPage(*row[1:]) for row in rows}


def _store_page(session: Session, record: Incoming, *, site_id: int, run_id: int, now: datetime) -> int:
    received_at = record.received_at or now
    kept = record.body is not None and not record.denied
    page = Page(
        site_id=site_id,
        run_id=run_id,
        frontier_id=None,
        url=record.url,
        # Nobody here sent a request: what the archive does not tell stays empty.
        method="",
        request_headers=[],
        requested_at=received_at,
        status=record.status,
        reason=record.reason,
        response_headers=[list(pair) for pair in record.headers],
        received_at=received_at,
        body_sha256=store_blob(session, record.body, now=now) if kept and record.body is not None else None,
        body_size=len(record.body or b"") if kept else 0,
        content_type=record.content_type,
        content_encoding=record.content_encoding,
        circuit_token="",
        note=record.note,
        kind=record.kind,
    )
    session.add(page)
    session.flush()
    if record.denied:
        detail = {
            "page": page.id, "sha256": record.sha256, "rule": record.denied, "list": record.denied_by, "import": True,
        }  # fmt: skip
        audit.record(
            session, actor="deny list", action="page.deny", subject=f"page {page.id}", detail=detail, now=now
        )
    return page.id
