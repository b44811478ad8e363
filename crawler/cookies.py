"""Keeps a site's cookies in memory, one jar for each isolation, and sends each only to the host that set it.

Public names: OnionCookies, SiteJar.

Scrapy's own middleware asks the net for the list of public suffixes when a cookie names a Domain (a real leak, tor.md
trap 1). An onion has no suffix to look up: the standard library's policy, which refuses Domain=.onion by itself, is all
that is needed. As in Tor Browser, an onion counts as secure: a cookie marked Secure goes over http to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from http.cookiejar import Cookie, DefaultCookiePolicy
from typing import Any

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.http import Response
from scrapy.http.cookies import CookieJar

from crawler.isolation import Isolation

MAX_COOKIE = 8 * 1024
"""Bytes of one Cookie header; a site that wants more loses what it set, as a browser would drop it too."""
MAX_SET = 4096 + 1024
"""Bytes of one Set-Cookie header, name and value (4,096 in a browser) and attributes."""
MAX_SETS = 60
"""Set-Cookie headers of one response that are looked at."""
MAX_KEPT = 180
"""Cookies of one host, as in Firefox."""


class SiteJar:
    """The cookies of one isolation: those of a session that a person opened, and what the site sets on top."""

    def __init__(self, given: Sequence[Mapping[str, Any]] = (), *, hosts: Iterable[str] = ()) -> None:
        """given: as sealed ({name, value, path, secure, expires}); they go to each of `hosts`, the site's own onions."""
        self._given = tuple(given)
        self._hosts = tuple(hosts)
        self._fill()

    def _fill(self) -> None:
        self._jar = CookieJar(policy=DefaultCookiePolicy(secure_protocols=("http", "https")))
        for host in self._hosts:
            for cookie in self._given:
                self._jar.set_cookie(_make(cookie, host))

    def write(self, request: Request) -> None:
        """Set the request's Cookie header to what this jar has for its host and path."""
        request.headers.pop("Cookie", None)
        self._jar.add_cookie_header(request)
        if len(request.headers.get("Cookie") or b"") > MAX_COOKIE:
            # The site's flood goes, the person's session stays.
            self._fill()
            request.headers.pop("Cookie", None)
            self._jar.add_cookie_header(request)

    def read(self, request: Request, response: Response) -> None:
        """Take in what a response sets, within bounds."""
        values = response.headers.getlist("Set-Cookie")
        if not values:
            return
        kept = [value for value in values[:MAX_SETS] if len(value) <= MAX_SET]
        if len(kept) < len(values):
            response = Response(response.url, headers={"Set-Cookie": kept})
        self._jar.extract_cookies(response, request)
        if sum(1 for _ in self._jar) > MAX_KEPT * max(len(self._hosts), 1):
            self._fill()

    def cookies(self, host: str) -> list[dict[str, Any]]:
        """What the jar has for one host now, in the form in which sessions are sealed."""
        return [
            {"name": c.name, "value": c.value, "path": c.path, "secure": c.secure, "expires": c.expires}
            for c in self._jar
            if c.domain == host and c.value is not None
        ]


class OnionCookies:
    """A downloader middleware. The jar hangs on `request.meta["isolation"]`: another run or account never sees it."""

    def __init__(self, jars: Mapping[Isolation, SiteJar] | None = None) -> None:
        self._jars = dict(jars or {})

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> OnionCookies:
        """The spider's `jars`, if it has any, hold the cookies of its session."""
        return cls(getattr(crawler.spider, "jars", None))

    def process_request(self, request: Request) -> None:
        self._find(request).write(request)

    def process_response(self, request: Request, response: Response) -> Response:
        self._find(request).read(request, response)
        return response

    def _find(self, request: Request) -> SiteJar:
        return self._jars.setdefault(request.meta["isolation"], SiteJar())


def _make(cookie: Mapping[str, Any], host: str) -> Cookie:
    expires = cookie.get("expires")
    return Cookie(
        version=0,
        name=str(cookie["name"]),
        value=str(cookie["value"]),
        port=None,
        port_specified=False,
        domain=host,
        domain_specified=False,
        domain_initial_dot=False,
        path=str(cookie.get("path") or "/"),
        path_specified=True,
        secure=bool(cookie.get("secure")),
        expires=int(expires) if expires is not None else None,
        discard=expires is None,
        comment=None,
        comment_url=None,
        rest={},
    )
