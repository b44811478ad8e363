"""A market that shows nothing without an account, and logs out at the end of the session: Accounts, Account.

The login is the site's own form. A session that has ended is told in two ways, as real sites do: listings answer 200 with
the login form in place of the page, everything else sends the visitor to the login page.
"""

from __future__ import annotations

import html
import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

from lab.front import Verdict
from lab.wire import Request, Response

COOKIE = "kontor_konto"
LOGIN = "/anmelden"
HOME = "/konto"
_MOST = 10_000
_OPEN = (LOGIN, "/regeln")


@dataclass(frozen=True)
class Account:
    """One account of the market, which the analyst has."""

    name: str
    password: str


class Accounts:
    """Who is logged in, by cookie."""

    def __init__(
        self, accounts: tuple[Account, ...], *, lifetime: float, clock: Callable[[], float], gated: str
    ) -> None:
        self._known = {account.name: account.password for account in accounts}
        self._lifetime = lifetime
        self._clock = clock
        self._gated = gated
        """Paths that begin so answer 200 with the form; others send to the login page."""
        self._sessions: OrderedDict[str, tuple[str, float]] = OrderedDict()

    def end_sessions(self) -> None:
        """Log everybody out."""
        self._sessions.clear()

    def judge(self, request: Request) -> Verdict | None:
        """What to answer in place of the page; None: this visitor may see it."""
        if request.method == "POST":
            return (
                self._log_in(request)
                if request.path == LOGIN
                else Verdict(Response(405, b"<p>405</p>"), "refused")
            )
        if request.path == LOGIN:
            return Verdict(self._form(), "login")
        if (name := self._who(request)) is None:
            if request.path in _OPEN:
                return None
            if request.path.startswith(self._gated):
                return Verdict(
                    self._form("Ihre Sitzung ist abgelaufen, bitte neu anmelden."), "login", "soft login"
                )
            target = f"{LOGIN}?ziel={quote(request.target, safe='')}"
            return Verdict(Response(302, b"", headers=(("Location", target),)), "redirect", "to the login")
        if request.path == HOME:
            return Verdict(self._account_page(name), "other")
        return None

    def _who(self, request: Request) -> str | None:
        found = self._sessions.get(request.cookies.get(COOKIE, ""))
        return found[0] if found is not None and self._clock() < found[1] else None

    def _log_in(self, request: Request) -> Verdict:
        name, password = request.form.get("name", ""), request.form.get("kennwort", "")
        if not name or self._known.get(name) != password:
            return Verdict(self._form("Name oder Kennwort falsch."), "login", "wrong password")
        token = secrets.token_hex(16)
        self._sessions[token] = (name, self._clock() + self._lifetime)
        if len(self._sessions) > _MOST:
            self._sessions.popitem(last=False)
        crumb = ("Set-Cookie", f"{COOKIE}={token}; Path=/; Max-Age={int(self._lifetime)}; HttpOnly")
        return Verdict(Response(302, b"", headers=(("Location", HOME), crumb)), "redirect", "logged in")

    def _form(self, words: str = "") -> Response:
        return _page(
            "Anmelden",
            f"<h1>Anmelden</h1><p class='fehler'>{words}</p><form method='post' action='{LOGIN}'>"
            "<input name='name' placeholder='Name'> <input type='password' name='kennwort' placeholder='Kennwort'> "
            "<button class='btn'>Los</button></form>",
        )

    def _account_page(self, name: str) -> Response:
        return _page(
            "Mein Konto",
            f"<h1>Mein Konto</h1><p class='konto'>Angemeldet als {html.escape(name)}. Guthaben 0,00000 BTC. Keine "
            "offenen Bestellungen, keine neuen Nachrichten.</p><p><a href='/'>Zum Laden</a> <a href='/abmelden'>Abmelden</a></p>",
        )


def _page(title: str, main: str) -> Response:
    text = (
        f'<!DOCTYPE html>\n<html lang="de"><head><meta charset="utf-8"><title>{title} | Nordkontor</title></head>'
        f"<body>{main}</body></html>"
    )
    return Response(200, text.encode(), headers=(("Cache-Control", "no-store"),))
