"""Keeps a site's cookies in memory, one jar for each isolation, and sends each only to the host that set it.

Public names: OnionCookies.

Scrapy's own middleware asks the net for the list of public suffixes when a cookie names a Domain (a real leak, tor.md
trap 1). An onion has no suffix to look up: the standard library's policy, which refuses Domain=.onion by itself, is all
that is needed.
"""

from __future__ import annotations

from collections import defaultdict

from scrapy import Request
from scrapy.http import Response
from scrapy.http.cookies import CookieJar

from crawler.isolation import Isolation

MAX_COOKIE = 8 * 1024
"""Bytes of one Cookie header; a site that wants more loses its jar, as a browser would drop them too."""


class OnionCookies:
    """A downloader middleware. The jar hangs on `request.meta["isolation"]`: another run or account never sees it."""

    def __init__(self) -> None:
        self._jars: defaultdict[Isolation, CookieJar] = defaultdict(CookieJar)

    def process_request(self, request: Request) -> None:
        request.headers.pop("Cookie", None)
        jar = self._jars[request.meta["isolation"]]
        jar.add_cookie_header(request)
        if len(request.headers.get("Cookie") or b"") > MAX_COOKIE:
            request.headers.pop("Cookie", None)
            jar.jar.clear()

    def process_response(self, request: Request, response: Response) -> Response:
        self._jars[request.meta["isolation"]].extract_cookies(response, request)
        return response
