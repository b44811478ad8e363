"""The innermost downloader middleware: every response goes into the page store before anything reads it.

Public names: PageStore, Job, mark_kind.

Redirects and errors too. An item pipeline would see none of them, and what it sees has passed through other hands.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.http import Response
from sqlalchemy import Engine

from crawler.errors import FetchError, Interrupted, TorGone
from crawler.isolation import Exchange
from crawler.mask import mask_cookies
from crawler.sites import SiteConfig
from storage.engine import transaction
from storage.frontier import Leased
from storage.pages import Fetched, store_page
from storage.tables import Page


@dataclass(frozen=True)
class Job:
    """What one crawl process works on."""

    engine: Engine
    config: SiteConfig
    site_id: int
    run_id: int
    sweep_id: int
    now: Callable[[], datetime]
    pages_before: int = 0
    """Pages that this run had stored before this process began (it was killed, or paused, and goes on)."""
    bound_from: int = 0
    """How many of those do not count against the bound: what was stored before a person said "resume"."""


class PageStore:
    """Puts `page_id` into the request's meta. `request.meta["leased"]` and `["hop"]` say which fetch it is."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> PageStore:
        return cls(crawler)

    def process_response(self, request: Request, response: Response) -> Response:
        exchange: Exchange = request.meta["exchange"]
        # An empty body is a body; one that was cut off is none, and the note says why.
        body = None if exchange.note else response.body
        self._store(request, status=response.status, body=body, error="")
        return response

    def process_exception(self, request: Request, exception: Exception) -> None:
        # What was given up by us, or never sent, is no observation of the site.
        if isinstance(exception, FetchError) and not isinstance(exception, (Interrupted, TorGone)):
            self._store(request, status=None, body=None, error=f"{exception.name}: {exception}")

    def _store(self, request: Request, *, status: int | None, body: bytes | None, error: str) -> None:
        exchange: Exchange | None = request.meta.get("exchange")
        if exchange is None:
            return
        job: Job = self._crawler.spider.job  # type: ignore[union-attr]
        leased: Leased = request.meta["leased"]
        fetched = Fetched(
            site_id=job.site_id,
            run_id=job.run_id,
            frontier_id=leased.id,
            attempt=leased.attempt,
            hop=request.meta["hop"],
            url=request.url,
            method=request.method,
            request_headers=mask_cookies(exchange.request_headers),
            requested_at=exchange.requested_at,
            status=status,
            reason=exchange.reason,
            response_headers=mask_cookies(exchange.response_headers),
            received_at=exchange.received_at,
            body=body,
            content_type=_join(exchange, "content-type")[:200],
            content_encoding=_join(exchange, "content-encoding")[:100],
            circuit_token=exchange.circuit_token,
            error=error,
            note=exchange.note,
        )
        request.meta["page_id"] = store_page(job.engine, fetched, now=job.now())


def mark_kind(engine: Engine, page_id: int, kind: str) -> None:
    """Set a page's kind once, for a page whose frontier row is not finished (a gate that is tried again)."""
    with transaction(engine) as session:
        page = session.get(Page, page_id)
        if page is not None and page.kind is None:
            page.kind = kind


def _join(exchange: Exchange, name: str) -> str:
    return ", ".join(value for key, value in exchange.response_headers if key.lower() == name)
