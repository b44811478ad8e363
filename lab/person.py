"""A scripted person for tests and drills, who opens the gates of the hard lab as a person would: Person, Opened.

It goes through the same SOCKS port with the same isolation credentials and User-Agent as the crawl, so that it stands on
the same circuit, solves the captcha with the lab's own truth, logs in with the lab's account, and hands back cookies. The
crawler has none of this.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from http.cookiejar import Cookie, CookieJar
from pathlib import Path
from typing import cast
from urllib.parse import quote

import requests

from lab.captcha import make_challenge
from lab.errors import LabError
from lab.hard import read_description

_TRIES = 40
_FAILED = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)


@dataclass(frozen=True)
class Opened:
    """What the person brings back. `cookies`: name -> value; `netscape`: the same as a cookies.txt."""

    cookies: dict[str, str]
    netscape: str
    last_path: str


class Person:
    """Somebody at a browser, for the hard lab of that folder."""

    def __init__(
        self, folder: Path, *, socks_port: int, user: str, password: str, agent: str, timeout: float = 30
    ) -> None:
        self._truth = read_description(folder)
        self._timeout = timeout
        way = f"socks5h://{quote(user, safe='')}:{quote(password, safe='')}@127.0.0.1:{socks_port}"
        self._browser = requests.Session()
        self._browser.trust_env = False
        self._browser.proxies = {"http": way, "https": way}
        self._browser.headers.update({"User-Agent": agent})

    def __enter__(self) -> Person:
        return self

    def __exit__(self, *error: object) -> None:
        self._browser.close()

    def open_gate(self, site: str, *, path: str = "/", onion: str | None = None) -> Opened:
        """Wait in the queue, solve the captcha, log in: whatever the site asks, until it shows `path`. LabError if it does not."""
        found = self._truth["sites"].get(site)
        if found is None:
            raise LabError(f"The lab has no site {site}.")
        base = f"http://{onion or found['addresses'][0]}"
        answer = self._ask("GET", f"{base}{path}")
        for _ in range(_TRIES):
            text = answer.text
            if wait := re.search(r'http-equiv="refresh" content="(\d{1,3})"', text):
                time.sleep(int(wait[1]))
                answer = self._ask("GET", f"{base}{path}")
            elif challenge := re.search(r"name='challenge' value='([0-9a-f]{16})'", text):
                words = {
                    "challenge": challenge[1],
                    "answer": make_challenge(self._truth["secret"], challenge[1]).answer,
                }
                answer = self._ask("POST", answer.url, form=words)
            elif "account" in found and re.search(r"type=.password", text):
                account = found["account"]
                form = {"name": account["name"], "kennwort": account["password"]}
                answer = self._ask("POST", f"{base}{found['login']}", form=form, sender=answer.url)
            elif answer.status_code in (429, 502, 503) or "502 Bad Gateway" in text:
                time.sleep(0.2)
                answer = self._ask("GET", f"{base}{path}")
            else:
                break
        else:
            raise LabError(f"The person did not get into {site}: its last answer was {answer.status_code}.")
        jar = list(cast(CookieJar, self._browser.cookies))
        return Opened(
            {cookie.name: cookie.value or "" for cookie in jar},
            write_netscape(jar),
            answer.request.path_url,
        )

    def _ask(
        self, method: str, url: str, *, form: dict[str, str] | None = None, sender: str | None = None
    ) -> requests.Response:
        headers = {} if method == "GET" else {"Referer": sender or url}
        for attempt in range(_TRIES):
            try:
                return self._browser.request(method, url, data=form, headers=headers, timeout=self._timeout)
            except _FAILED as exc:
                if attempt == _TRIES - 1:
                    raise LabError(f"The person cannot reach the site: {exc}") from exc
                time.sleep(0.2)
        raise AssertionError


def write_netscape(jar: list[Cookie]) -> str:
    """Cookies in the format of browsers' cookies.txt."""
    lines = ["# Netscape HTTP Cookie File"]
    for cookie in jar:
        lines.append(
            "\t".join(
                (
                    cookie.domain,
                    "TRUE" if cookie.domain.startswith(".") else "FALSE",
                    cookie.path,
                    "TRUE" if cookie.secure else "FALSE",
                    str(int(cookie.expires or 0)),
                    cookie.name,
                    cookie.value or "",
                )
            )
        )
    return "\n".join(lines) + "\n"
