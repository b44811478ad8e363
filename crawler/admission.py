"""Asks a site for one page with the cookies that a person took over, on the session's own circuit, and judges the answer.

Public names: check_session, Admission, cookie_header.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

from crawler.gates import judge
from crawler.headers import USER_AGENT, browser_headers
from crawler.isolation import Isolation
from crawler.jars import BrowserCookie
from crawler.links import is_login_path, normalise_url
from crawler.sites import SiteConfig
from crawler.socks import SOCKS_REPLIES, read_socks_address
from storage.encodings import decode_body
from storage.errors import BodyError

MAX_RECEIVED = 1024 * 1024
MAX_PLAIN = 4 * 1024 * 1024
CHUNK = 16 * 1024


@dataclass(frozen=True)
class Admission:
    """good: the site let us in. gate: what barred the way ("" for none or no answer). message: in plain words."""

    good: bool
    gate: str
    message: str
    status: int | None = None


def cookie_header(cookies: Sequence[BrowserCookie], path: str) -> str:
    """The Cookie header for a page: those whose path fits (RFC 6265, 5.1.4), longer paths first."""
    plain = path.partition("?")[0]
    fitting = [
        each
        for each in cookies
        if plain == each.path or (plain.startswith(each.path) and (each.path.endswith("/") or plain[len(each.path)] == "/"))
    ]  # fmt: skip
    fitting.sort(key=lambda each: -len(each.path))
    return "; ".join(f"{each.name}={each.value}" for each in fitting)


def check_session(
    config: SiteConfig,
    *,
    onion: str,
    isolation: Isolation,
    cookies: Sequence[BrowserCookie],
    user_agent: str,
    socks: tuple[str, int],
    timeout: float | None = None,
) -> Admission:
    """One GET of the page that only an open session shows (session.check), else of the start page; redirects are read
    and not followed. Never raises for what the site does. Raises ValueError for a SOCKS port off this machine.

    `timeout` (seconds) bounds all of it: a server that sends a byte a second is not waited for.
    """
    read_socks_address(f"{socks[0]}:{socks[1]}")
    path = config.session.check or config.start[0]
    seconds = timeout or config.timeout
    user, password = isolation.credentials()
    headers = browser_headers(onion, cookie=cookie_header(cookies, path))
    found: list[Admission] = []

    def ask() -> None:
        found.append(
            _ask(
                config,
                f"http://{onion}{path}",
                headers=[(name, user_agent or USER_AGENT) if name == "User-Agent" else (name, value) for name, value in headers],
                # socks5h: Tor resolves the name. Nothing of the environment is used (proxies, no_proxy, netrc).
                proxy=f"socks5h://{user}:{password}@{socks[0]}:{socks[1]}",
                timeout=seconds,
            )
        )  # fmt: skip

    # A daemon thread: requests bounds each read and not their sum, so one that drips is left behind.
    thread = threading.Thread(target=ask, name="check of a session", daemon=True)
    thread.start()
    thread.join(seconds)
    return found[0] if found else Admission(False, "", f"the site gave no answer in {seconds:.0f} seconds")


def _ask(
    config: SiteConfig, url: str, *, headers: Sequence[tuple[str, str]], proxy: str, timeout: float
) -> Admission:
    begun = time.monotonic()
    with requests.Session() as session:
        session.trust_env = False
        session.headers.clear()
        session.mount("http://", HTTPAdapter(max_retries=0))
        try:
            with session.get(
                url,
                headers=dict(headers),
                proxies={"http": proxy, "https": proxy},
                timeout=timeout,
                stream=True,
                allow_redirects=False,
            ) as response:
                body = b""
                while len(body) < MAX_RECEIVED and time.monotonic() - begun < timeout:
                    chunk = response.raw.read1(CHUNK, decode_content=False)
                    if not chunk:
                        break
                    body += chunk
                received = [(str(name), str(value)) for name, value in response.raw.headers.items()]
                status = int(response.status_code)
        except (requests.RequestException, HTTPError, OSError, ValueError) as exc:
            return Admission(False, "", _explain(exc))
    return _judge(config, url, status=status, headers=received, body=body)


def _judge(
    config: SiteConfig, url: str, *, status: int, headers: Sequence[tuple[str, str]], body: bytes
) -> Admission:
    path = normalise_url(urlsplit(url))
    values = {name.lower(): value for name, value in headers}
    if 300 <= status < 400:
        target = urlsplit(values.get("location", ""))
        if is_login_path(target.path):
            return Admission(False, "login", "the site sends us to its login page", status)
        return Admission(
            False, "unknown", "the site sends us on to another page instead of showing this one", status
        )
    try:
        plain = decode_body(body, values.get("content-encoding", ""), max_size=MAX_PLAIN)
    except BodyError as exc:
        return Admission(False, "", f"what the site sent cannot be read: {exc}", status)
    gate = judge(
        status,
        headers,
        plain,
        path=path,
        kind=config.kind_of(path).kind,
        expected=True,
        marks=config.marks,
    )
    if gate is not None:
        return Admission(False, gate.kind, gate.message, status)
    if not 200 <= status < 300:
        return Admission(False, "unknown", f"the site answers with status {status}", status)
    return Admission(True, "", "the site shows the page", status)


def _explain(exc: Exception) -> str:
    # Never the error's own words: they hold the proxy's address with its credentials.
    text = str(exc).lower()
    if isinstance(exc, requests.Timeout | TimeoutError) or "timed out" in text:
        return "the site gave no answer in time"
    if "[errno" in text and "connection refused" in text:  # the socket itself, not a reply of Tor
        return "Tor's SOCKS port does not answer: is Tor running?"
    for code, (_, meaning, _) in SOCKS_REPLIES.items():
        if f"0x{code:02x}" in text:  # PySocks puts the reply's code into its words
            return f"Tor could not reach the site: {meaning}"
    return f"the site could not be reached ({type(exc).__name__})"
