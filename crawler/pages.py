"""The innermost downloader middleware: every response goes into the page store before anything reads it.

Public names: PageStore, Job, mark_kind.

Redirects and errors too. An item pipeline would see none of them, and what it sees has passed through other hands.
Only the deny list looks at a body first, in memory: of what it names a row without text is kept, and nobody behind this
module gets to see it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from html import unescape
from urllib.parse import unquote

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.http import Response
from sqlalchemy import Engine

from crawler.charsets import decode_body
from crawler.deny import DenyList
from crawler.denyfile import DenyError, DenyWatch
from crawler.denytext import UNREAD, Denied, judge_response
from crawler.errand import Errand
from crawler.errors import FetchError, Interrupted, Refused, TorGone
from crawler.isolation import Exchange
from crawler.leash import Leash
from crawler.mask import mask_cookies
from crawler.settings import MAX_PLAIN_SIZE
from crawler.sites import SiteConfig
from storage.encodings import decode_body as unpack
from storage.engine import transaction
from storage.errors import BodyError
from storage.frontier import Leased
from storage.pages import NAMES_ACCOUNT, Fetched, join_notes, store_page
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
    errand: Errand = field(default_factory=Errand)
    """A page tried by hand, or a look around, instead of the site's plan."""
    deny: DenyWatch | None = None
    """The deny list of the data folder. Without one the page store lets nothing through."""
    leash: Leash | None = None
    """Ends a crawl that was taken from its worker. None: a crawl that no worker began."""


class PageStore:
    """Puts `page_id` into the request's meta. `request.meta["leased"]` and `["hop"]` say which fetch it is, `["onward"]`
    that it is a step out of a queue (crawler.onward).

    `request.meta["denied"]` names the rule of the deny list when there is one: then the response comes back empty.
    """

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> PageStore:
        return cls(crawler)

    def process_request(self, request: Request) -> None:
        """An address that the list names is not asked for. CrawlError when the list cannot be read (any more),
        FencedError when this crawl has no worker any more, or its site another crawl."""
        if (leash := self._job().leash) is not None:
            leash.check()
        rule = self._deny().match_url(request.url.partition("://")[2].partition("/")[2])
        if rule is not None:
            request.meta["denied"] = rule
            raise Refused(f"the deny list names this address ({rule}); it was not asked for")

    def process_response(self, request: Request, response: Response) -> Response:
        exchange: Exchange = request.meta["exchange"]
        # An empty body is a body; one that was cut off is none, and the note says why.
        body = None if exchange.note else response.body
        judged = judge_response(
            self._deny(),
            url=request.url,
            headers=exchange.response_headers,
            body=body,
            content_type=_join(exchange, "content-type"),
            content_encoding=_join(exchange, "content-encoding"),
            max_size=MAX_PLAIN_SIZE,
        )
        if judged.rule:
            request.meta["denied"] = judged.rule
            self._store_denied(request, response.status, judged)
            return response.replace(headers={}, body=b"")
        note = join_notes(UNREAD if judged.unread else "", self._find_name(request, exchange, body))
        self._store(request, status=response.status, body=body, error="", note=note)
        return response

    def process_exception(self, request: Request, exception: Exception) -> None:
        # What was given up by us, or never sent, is no observation of the site.
        if isinstance(exception, FetchError) and not isinstance(exception, (Interrupted, TorGone)):
            self._store(request, status=None, body=None, error=f"{exception.name}: {exception}")

    def _find_name(self, request: Request, exchange: Exchange, body: bytes | None) -> str:
        """NAMES_ACCOUNT when the response shows the name under which we read the site; the name itself goes nowhere."""
        named: Callable[[str], bool] | None = getattr(self._crawler.spider, "names_account", None)
        if named is None:
            return ""
        try:
            plain = unpack(body or b"", _join(exchange, "content-encoding"), max_size=MAX_PLAIN_SIZE)
        except BodyError:
            plain = b""
        text, _, _ = decode_body(plain, _join(exchange, "content-type"))
        headers = "\n".join(value for _, value in exchange.response_headers)
        shown = any(named(unescape(unquote(each))) for each in (request.url, headers)) or named(
            unescape(text)
        )
        return NAMES_ACCOUNT if shown else ""

    def _deny(self) -> DenyList:
        watch = self._job().deny
        if watch is None:
            raise DenyError("No deny list was read, so nothing is fetched.")
        return watch.current()

    def _job(self) -> Job:
        job: Job = self._crawler.spider.job  # type: ignore[union-attr]
        return job

    def _store_denied(self, request: Request, status: int, judged: Denied) -> None:
        """The row of a page of which nothing is kept: no header that the site wrote, no word of its own."""
        exchange: Exchange = request.meta["exchange"]
        bare = replace(
            exchange, reason="", response_headers=(), note=f"denied by {judged.rule} (the text was not kept)"
        )
        self._keep(request, bare, status=status, body=None, error="", denied=judged)

    def _store(
        self, request: Request, *, status: int | None, body: bytes | None, error: str, note: str = ""
    ) -> None:
        exchange: Exchange | None = request.meta.get("exchange")
        if exchange is not None:
            if note:
                exchange = replace(exchange, note=join_notes(exchange.note, note))
            self._keep(request, exchange, status=status, body=body, error=error)

    def _keep(
        self,
        request: Request,
        exchange: Exchange,
        *,
        status: int | None,
        body: bytes | None,
        error: str,
        denied: Denied | None = None,
    ) -> None:
        job = self._job()
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
            denied=denied.rule if denied else "",
            denied_sha256=denied.sha256 if denied else "",
            denied_by=denied.version if denied else "",
            passing=bool(request.meta.get("onward")),
        )
        request.meta["page_id"] = store_page(job.engine, fetched, now=job.now())
        request.meta["fetched"] = fetched


def mark_kind(engine: Engine, page_id: int, kind: str) -> None:
    """Set a page's kind once, for a page whose frontier row is not finished (a gate that is tried again)."""
    with transaction(engine) as session:
        page = session.get(Page, page_id)
        if page is not None and page.kind is None:
            page.kind = kind


def _join(exchange: Exchange, name: str) -> str:
    return ", ".join(value for key, value in exchange.response_headers if key.lower() == name)
