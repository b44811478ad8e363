"""Makes the requests of one run: on its circuit, with its session's user agent and the referer a browser would send.

Public names: Asking.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from scrapy import Request

from crawler.account import Account
from crawler.links import normalise_url
from crawler.pages import Job
from storage.engine import reading
from storage.frontier import Leased
from storage.pages import find_page

_MAX_PATHS = 10_000


class Asking:
    """It remembers where links stood, for the Referer."""

    def __init__(self, job: Job, account: Account) -> None:
        self._job = job
        self._account = account
        self._paths: dict[int, str] = {}

    def make_request(
        self, leased: Leased, *, host: str, url: str, hop: int, at: float, onward: bool = False
    ) -> Request:
        """A request for the row at the address `host`, or for `url` when a redirect led there. at: the run's clock.

        onward: it is a step out of a queue (crawler.onward).
        """
        url = url or f"http://{host}{normalise_url(urlsplit(leased.url))}"
        path = self._path_of(leased.found_on)
        return Request(
            url,
            dont_filter=True,
            headers={"Referer": f"http://{host}{path}"} if path else {},
            meta={
                "leased": leased,
                "hop": hop,
                "onward": onward,
                "isolation": self._account.isolation,
                "user_agent": self._account.user_agent,
                "asked_at": at,
            },
        )

    def _path_of(self, page_id: int | None) -> str:
        if page_id is None:
            return ""
        if page_id not in self._paths:
            if len(self._paths) > _MAX_PATHS:
                self._paths.clear()
            with reading(self._job.engine) as session:
                page = find_page(session, page_id)
            self._paths[page_id] = normalise_url(urlsplit(page.url)) if page else ""
        return self._paths[page_id]
