"""Holds each record against the deny list, and what may be kept against the gates, before it is stored.

Public names: Sieve.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from urllib.parse import urlsplit

import structlog
from selectolax.lexbor import SelectolaxError

from crawler.archives import Record
from crawler.deny import DenyList
from crawler.denyfile import DenyWatch
from crawler.denytext import UNREAD, judge_response
from crawler.gates import judge
from crawler.groups import path_of
from crawler.mask import mask_cookies
from crawler.settings import MAX_PLAIN_SIZE
from crawler.sites import SiteConfig
from storage.archives import Incoming
from storage.encodings import decode_body
from storage.errors import BodyError

log = structlog.get_logger("import")

_UNREADABLE = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    RuntimeError,
    SelectolaxError,
    TypeError,
    ValueError,
)
_EARLIEST = 1990
"""Before that there was no web: such a date is none."""


class Sieve:
    """What is to be stored of each record. Reads the deny list anew when its file changes."""

    def __init__(self, deny: DenyWatch, config: SiteConfig | None) -> None:
        self._deny = deny
        self._config = config

    def sift(self, record: Record, *, now: datetime) -> Incoming:
        """The record as it may be kept. DenyError when the list cannot be read (any more)."""
        deny = self._deny.current()
        try:
            return self._sift(record, deny, now=now)
        except _UNREADABLE as exc:
            # A page that breaks our parsers was not looked at, so it is not kept; the rest of the archive must go in.
            log.error("internal error", error=repr(exc)[:300], exc_info=True)
            hidden = hashlib.sha256(record.place.encode("utf-8", "surrogatepass")).hexdigest()
            return Incoming(
                f"name {hidden}", record.sha256, message="it could not be looked at: only its hash was kept"
            )

    def _sift(self, record: Record, deny: DenyList, *, now: datetime) -> Incoming:
        place = record.place
        if deny.match_url(place) or deny.match_url(record.url.partition("://")[2]):
            # Its very name is denied: only hashes of it may stand anywhere.
            hidden = hashlib.sha256(place.encode("utf-8", "surrogatepass")).hexdigest()
            if record.body is None:
                return Incoming(f"name {hidden}", record.sha256, message=record.trouble)
            rule = deny.match_url(place) or deny.match_url(record.url.partition("://")[2]) or ""
            return self._deny_record(record, rule, deny, place=f"name {hidden}", url="", now=now)
        if record.body is None:
            return Incoming(place, record.sha256, message=record.trouble)
        rule, unread = self._judge(deny, record)
        if rule:
            return self._deny_record(record, rule, deny, place=place, url=record.url, now=now)
        received_at, note = _settle_time(record, now)
        if unread:
            note = f"{note}; {UNREAD}"
        return Incoming(
            place=place,
            sha256=record.sha256,
            url=record.url,
            body=record.body,
            received_at=received_at,
            status=record.status,
            reason=record.reason,
            headers=mask_cookies(record.headers),
            content_type=record.content_type,
            content_encoding=record.content_encoding,
            note=note,
            kind=None if record.row else self._find_kind(record),
        )

    def _judge(self, deny: DenyList, record: Record) -> tuple[str, bool]:
        assert record.body is not None
        if record.row:
            return deny.match_body(record.body) or deny.match_text(record.text) or "", False
        judged = judge_response(
            deny,
            url=record.url,
            headers=record.headers,
            body=record.body,
            content_type=record.content_type,
            content_encoding=record.content_encoding,
            max_size=MAX_PLAIN_SIZE,
        )
        return judged.rule, judged.unread

    def _deny_record(
        self, record: Record, rule: str, deny: DenyList, *, place: str, url: str, now: datetime
    ) -> Incoming:
        return Incoming(
            place=place,
            sha256=record.sha256,
            message="the deny list names it: nothing of its text was kept",
            url=url or "about:denied",
            received_at=_settle_time(record, now)[0],
            status=record.status,
            note=f"denied by {rule} (the text was not kept)",
            denied=rule,
            denied_by=deny.version,
        )

    def _find_kind(self, record: Record) -> str:
        """The kind by the site file, or that of the gate that the page is: it never becomes a listing then."""
        headers = list(record.headers) or [("Content-Type", record.content_type)]
        try:
            body = decode_body(record.body or b"", record.content_encoding, max_size=MAX_PLAIN_SIZE)
        except BodyError:
            body = None
        path = path_of(_safe(record.url))
        kind = self._config.kind_of(path).kind if self._config is not None else "other"
        marks = self._config.marks if self._config is not None else None
        gate = judge(
            record.status or 200, headers, body, path=path, kind=kind, expected=kind != "other", marks=marks
        )
        return kind if gate is None else gate.kind


def _safe(url: str) -> str:
    try:
        urlsplit(url)
    except ValueError:
        return "http://unknown/"
    return url


def _settle_time(record: Record, now: datetime) -> tuple[datetime, str]:
    """When the page was received. A time that cannot be is not believed, and the note says so."""
    at = record.received_at
    if at is not None and at.year >= _EARLIEST and at <= now:
        return at, record.note
    if at is None:
        return now, record.note
    return (
        now,
        f"{record.note}; it says {at.isoformat()}, which cannot be: the time of the import stands for it",
    )
