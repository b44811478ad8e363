"""Stores each response with its request, its body and its frontier row in one transaction, and gives bodies back.

Public names: Fetched, PageRef, NAMES_ACCOUNT, store_page, read_body, find_page, is_redirect, names_account, join_notes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Engine, Table, bindparam, insert, select, update
from sqlalchemy.orm import Session

from storage import audit
from storage.blobs import read_blob, store_blob
from storage.encodings import decode_body
from storage.engine import writing
from storage.errors import BodyError
from storage.tables import Frontier, Page, Run

_PAGE, _FRONTIER, _RUN = (cast(Table, table.__table__) for table in (Page, Frontier, Run))

NAMES_ACCOUNT = "names the account"
"""Stands in the note of a page that shows the name under which we read the site: such a page is to be left out of exports."""
REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True)
class Fetched:
    """One request as sent and what came back. `body` is as received, still in its Content-Encoding."""

    site_id: int
    run_id: int
    frontier_id: int | None
    attempt: int
    hop: int
    url: str
    method: str
    request_headers: tuple[tuple[str, str], ...]
    requested_at: datetime
    status: int | None
    reason: str
    response_headers: tuple[tuple[str, str], ...]
    received_at: datetime
    body: bytes | None
    content_type: str
    content_encoding: str
    circuit_token: str
    error: str = ""
    note: str = ""
    denied: str = ""
    """The rule of the deny list that the response fell under, by its name; then there is no body."""
    denied_sha256: str = ""
    """The SHA-256 of the body that was not kept."""
    denied_by: str = ""
    """Which version of the list the rule's number belongs to."""
    passing: bool = False
    """A step that a queue page sent us on, and no answer to what the frontier row asks for: the row is left alone."""


@dataclass(frozen=True)
class PageRef:
    """A stored page, by what a reader needs to choose it."""

    page_id: int
    site_id: int
    run_id: int
    url: str
    kind: str | None
    received_at: datetime
    content_type: str
    body_sha256: str


# Written once: building and keying a statement anew costs ten times what running it does, and this is every page.
_LOCK_ROW = select(_FRONTIER.c.id).where(_FRONTIER.c.id == bindparam("frontier_id")).with_for_update()
_KNOWN = select(_PAGE.c.id).where(
    _PAGE.c.frontier_id == bindparam("frontier_id"),
    _PAGE.c.attempt == bindparam("attempt"),
    _PAGE.c.hop == bindparam("hop"),
)
_INSERT = insert(_PAGE)
_COUNT = update(_RUN).where(_RUN.c.id == bindparam("run")).values(pages=_RUN.c.pages + 1)
_FETCHED = (
    update(_FRONTIER)
    .where(_FRONTIER.c.id == bindparam("row"), _FRONTIER.c.state.in_(("new", "leased")))
    .values(state="fetched", leased_by=None, lease_until=None)
)


def store_page(engine: Engine, fetched: Fetched, *, now: datetime) -> int:
    """Keep one response: body, page row, the run's count, and the frontier row as "fetched", all or nothing.

    The frontier row is left alone by a redirect that will be followed, by a step out of a queue (`passing`) and by a fetch
    without any response (the crawl gives that one back). A denied response leaves a row in the audit log. The same (frontier row, attempt, hop) again stores nothing and gives the first page's id.
    """
    with writing(engine) as write:
        if fetched.frontier_id is not None:
            if engine.dialect.name == "postgresql":
                # So that two stores of the same fetch come one after the other; SQLite has one writer at a time.
                write.execute(_LOCK_ROW, {"frontier_id": fetched.frontier_id})
            known = write.execute(
                _KNOWN, {"frontier_id": fetched.frontier_id, "attempt": fetched.attempt, "hop": fetched.hop}
            ).scalar()
            if known is not None:
                return int(known)
        body_sha256 = None if fetched.body is None else store_blob(write, fetched.body, now=now)
        values = {
            "site_id": fetched.site_id,
            "run_id": fetched.run_id,
            "frontier_id": fetched.frontier_id,
            "attempt": fetched.attempt,
            "hop": fetched.hop,
            "url": fetched.url,
            "method": fetched.method,
            "request_headers": [list(pair) for pair in fetched.request_headers],
            "requested_at": fetched.requested_at,
            "status": fetched.status,
            "reason": fetched.reason,
            "response_headers": [list(pair) for pair in fetched.response_headers],
            "received_at": fetched.received_at,
            "body_sha256": body_sha256,
            "body_size": len(fetched.body or b""),
            "content_type": fetched.content_type,
            "content_encoding": fetched.content_encoding,
            "circuit_token": fetched.circuit_token,
            "error": fetched.error,
            "note": fetched.note,
        }
        page_id = int(cast(Any, write.execute(_INSERT, values)).inserted_primary_key[0])
        if fetched.denied:
            detail = {
                "page": page_id, "sha256": fetched.denied_sha256, "rule": fetched.denied, "list": fetched.denied_by,
            }  # fmt: skip
            with Session(write) as session:
                audit.record(
                    session,
                    actor="deny list",
                    action="page.deny",
                    subject=f"page {page_id}",
                    detail=detail,
                    now=now,
                )
        if fetched.status is not None:  # a request without an answer is kept, but is no page
            write.execute(_COUNT, {"run": fetched.run_id})
        if fetched.frontier_id is None or fetched.passing or is_redirect(fetched):
            return page_id
        if fetched.status is not None:
            write.execute(_FETCHED, {"row": fetched.frontier_id})
        return page_id


def is_redirect(fetched: Fetched) -> bool:
    """Whether the response sends the crawl on to another address."""
    if fetched.status not in REDIRECTS:
        return False
    return any(name.lower() == "location" and value for name, value in fetched.response_headers)


def join_notes(*notes: str) -> str:
    """Several notes of one page as one."""
    return "; ".join(note for note in notes if note)


def names_account(note: str) -> bool:
    """Does a page with this note show the name under which we read the site?"""
    return note == NAMES_ACCOUNT or note.endswith(f"; {NAMES_ACCOUNT}")


def find_page(session: Session, page_id: int) -> Page | None:
    return session.get(Page, page_id)


def read_body(session: Session, page: Page, *, max_size: int) -> bytes:
    """The page's body in plain bytes (gzip, deflate, br and zstd undone), at most `max_size` of them.

    BodyError, in plain words, when none was kept, when it was altered, or when it cannot be unpacked within the bound.
    """
    if page.body_sha256 is None:
        raise BodyError(f"No body was kept for page {page.id}{': ' + page.note if page.note else ''}.")
    return decode_body(
        read_blob(session, page.body_sha256, max_size=max_size), page.content_encoding, max_size=max_size
    )
