"""Security: what every request must satisfy and what every answer carries, whatever page it is for.

Public names: Guard, add_headers, ALLOWED_HOSTS, MAX_QUERY, page_policy, REPORT_POLICY.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

ALLOWED_HOSTS = frozenset({"127.0.0.1", "localhost"})
"""A page of another site whose name was re-pointed to 127.0.0.1 sends that other name: DNS rebinding ends here."""

MAX_QUERY = 8_192
"""Bytes of an address's query; the longest that the pages make is below 4,000."""

STATIC = "/static/"

Refuse = Callable[[Request, int, str], Response]


def page_policy(*, frames: bool = False) -> str:
    """The Content-Security-Policy of our own pages. `frames`: the page shows a report in a sandboxed frame."""
    rules = [
        "default-src 'none'",
        "style-src 'self'",
        "script-src 'self'",
        "img-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    ]
    if frames:
        rules.append("frame-src 'self'")
    return "; ".join(rules)


REPORT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; "
    "frame-ancestors 'self'; base-uri 'none'; sandbox"
)
"""A report carries its own style and charts in one file; `sandbox` gives it no scripts and no origin."""


def check_origin(headers: Headers) -> str | None:
    """Why this POST may come from another site, in plain words, or None when it comes from our own page.

    Browsers send Sec-Fetch-Site to 127.0.0.1 and localhost since 2020-2023; no script can set it. Because our pages
    say no-referrer, their Origin is "null" (Fetch standard, "append a request Origin header"), so that alone proves
    nothing: without Sec-Fetch-Site the Origin must name us.
    """
    site = headers.get("sec-fetch-site")
    origin = headers.get("origin")
    if site is not None and site != "same-origin":
        return "This form was sent from another site. Open the page here and send it again."
    if origin is not None and origin != "null":
        if urlsplit(origin).netloc.lower() == headers.get("host", "").lower():
            return None
        return "This form was sent from another site. Open the page here and send it again."
    if site is None:
        return "The browser did not say where this form came from. Use a current browser (2023 or later)."
    return None


def read_host(headers: Headers) -> str:
    """The host name of the Host header without its port; "" when it is no plain name."""
    try:
        return (urlsplit("//" + headers.get("host", "")).hostname or "").lower()
    except ValueError:
        return ""


class Guard:
    """Middleware around every page: checks the request, adds the headers to the answer."""

    def __init__(self, app: ASGIApp, *, refuse: Refuse) -> None:
        self.app = app
        self.refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                add_headers(MutableHeaders(scope=message), scope["path"])
            await send(message)

        problem = self._check(scope)
        if problem is None:
            await self.app(scope, receive, send_guarded)
        else:
            await self.refuse(Request(scope), *problem)(scope, receive, send_guarded)

    def _check(self, scope: Scope) -> tuple[int, str] | None:
        headers = Headers(scope=scope)
        if read_host(headers) not in ALLOWED_HOSTS:
            return 400, "This page answers only to the names 127.0.0.1 and localhost."
        if len(scope.get("query_string", b"")) > MAX_QUERY:
            return 414, "The address is too long. Shorten the search."
        if not scope.get("query_string", b"").isascii():
            # A browser writes %C3%A9 for é. Raw bytes would fail later, where the address is read as text.
            return 400, "The address holds bytes that are no text. Open the page and use its form."
        if "\0" in scope["path"]:
            return 404, "There is no such page."
        if scope["method"] not in ("GET", "HEAD"):
            wrong = check_origin(headers)
            if wrong is not None:
                return 403, wrong
        return None


def add_headers(headers: MutableHeaders, path: str) -> None:
    """The headers of every answer, where the page did not set its own. Nothing with data is kept by the browser."""
    headers.setdefault("content-security-policy", page_policy())
    headers.setdefault("x-content-type-options", "nosniff")
    headers.setdefault("referrer-policy", "no-referrer")
    headers.setdefault("cross-origin-opener-policy", "same-origin")
    headers.setdefault("cross-origin-resource-policy", "same-origin")
    headers.setdefault("x-frame-options", "DENY")
    headers.setdefault("cache-control", "no-cache" if path.startswith(STATIC) else "no-store")
