"""One site of the hard lab: the invented market or forum behind everything that stands in a crawler's way: HardSite, Door.

A site has one or more doors, each an onion of its own. A request passes, in this order: the door (dead or alive), the
front-end (limits, queue, captcha), the outages, the login, the hostile pages and traps, then the market itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from lab.accounts import Accounts
from lab.closed import ClosedSite, seizure_banner
from lab.faults import Faults
from lab.front import Front, Verdict
from lab.hostile import answer_hostile, hostile_links
from lab.ledger import Ledger, Served, name_circuit
from lab.makeover import MAKEOVERS, make_over
from lab.mirrorlist import PATH as MIRRORS
from lab.pages.base import ASSETS
from lab.pages.nordkontor import CATEGORIES, slug
from lab.sites import LabSite
from lab.traps import add_session_ids, answer_trap, trap_links
from lab.visit import KNOCK
from lab.wire import Request, Response, Script

Change = Callable[[Request, str], str]

_MORE_KINDS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "lanternrow": {"directory": (r"^/mirrors\.txt$",)},
    "backroom": {"thread": (r"^/t/(?P<key>\d+)(\?(page=\d+|sid=[0-9a-f]{32}))?$",)},
}


class HardSite:
    """What all doors of a site share."""

    def __init__(
        self,
        inner: LabSite | ClosedSite,
        *,
        accounts: Accounts | None = None,
        faults: Faults | None = None,
    ) -> None:
        self.inner = inner
        self.name = inner.name
        self.title = inner.title
        self.kinds = {**inner.kinds, **_MORE_KINDS.get(inner.name, {})}
        self.accounts = accounts
        self.faults = faults
        self.remade = False
        self.seized = False
        self.mirrors_text = ""
        self.phishing_onion = ""
        self._patterns = [(kind, re.compile(p)) for kind, ps in self.kinds.items() for p in ps]
        self._changes: dict[str, Change] = {
            "oldport": _leave,
            "lanternrow": self._add_mirrors,
            "nordkontor": self._add_counts,
            "backroom": self._add_traps,
        }

    def answer(self, request: Request) -> Verdict:
        """The answer of the site behind the front-end."""
        if self.seized:
            return Verdict(Response(200, seizure_banner()), "seized")
        if isinstance(self.inner, ClosedSite):
            return Verdict(self.inner.respond(request), self.inner.kind)
        for layer in (self.faults, self.accounts):
            if layer is not None and (verdict := layer.judge(request)) is not None:
                return verdict
        if self.name == "backroom":
            if trap := answer_trap(request):
                return Verdict(trap[0], "other", f"trap: {trap[1]}")
            if hostile := answer_hostile(request):
                return Verdict(hostile[0], "hostile", hostile[1])
        if self.mirrors_text and request.path == MIRRORS:
            body = self.mirrors_text.encode()
            return Verdict(Response(200, body, "text/plain; charset=utf-8"), "directory")
        return self._show(request)

    def _show(self, request: Request) -> Verdict:
        """A page of the market itself."""
        response = self.inner.respond(request)
        if response.content_type.startswith("text/html") and response.body:
            text = self._changes[self.name](request, response.body.decode())
            if self.remade:
                text = make_over(self.name, text)
            response = replace(response, body=text.encode())
        return Verdict(response, self.kind_of(request, response))

    def kind_of(self, request: Request, response: Response) -> str:
        """What a page of the market is."""
        if response.status == 405:
            return "refused"
        if response.status == 404:
            return "not_found"
        if response.status in (301, 302):
            return "redirect"
        if not response.content_type.startswith("text/"):
            return "asset"
        if request.path.endswith(tuple(ASSETS)):
            return "asset"
        if re.search(rb"type=.?password", response.body):
            return "login"
        return next((kind for kind, pattern in self._patterns if pattern.search(request.target)), "other")

    @property
    def can_change(self) -> bool:
        return self.name in MAKEOVERS

    def _add_mirrors(self, request: Request, text: str) -> str:
        return text.replace("<footer><p>", f'<footer><p><a href="{MIRRORS}">Our mirrors</a>. ')

    def _add_counts(self, request: Request, text: str) -> str:
        """The number of offers beside each category, which the plain lab does not show."""
        assert not isinstance(self.inner, ClosedSite)
        for family, (_, name) in CATEGORIES.items():
            count = len(self.inner.goods.in_category(family))
            link = re.escape(f'href="/kategorie/{slug(name)}"')
            text = re.sub(rf'(<a class="list-group-item" {link}>)([^<]*)</a>', rf"\1\2 ({count})</a>", text)
        return text

    def _add_traps(self, request: Request, text: str) -> str:
        if request.path == "/":
            lure = f'<p>Lantern Row is back up: <a href="http://{self.phishing_onion}/">new onion</a></p>'
            text = text.replace("<hr>", f"{lure}{trap_links}<p>Attic: {hostile_links}</p><hr>")
        return add_session_ids(text, target=request.target)


class Door:
    """One onion of a site. `role`: main, b, c (mirrors) or phish."""

    def __init__(
        self,
        site: HardSite,
        role: str,
        front: Front,
        *,
        ledger: Ledger,
        clock: Callable[[], float],
        break_after: int = 0,
    ) -> None:
        self.site = site
        self.role = role
        self.name = site.name if role == "main" else f"{site.name}-{role}"
        self.title = site.title
        self.start = site.inner.start
        self.kinds = site.kinds
        self.skip = site.inner.skip
        self.front = front
        self.dead = False
        self._ledger = ledger
        self._clock = clock
        self._left = break_after

    def respond(self, request: Request) -> Response:
        """The answer to any request, written down."""
        if request.headers.get("user-agent") == KNOCK:
            return Response(200, b"ready")  # the lab itself, looking whether the onion is up
        verdict = self._judge(request)
        self._ledger.add(
            Served(
                at=round(self._clock(), 3),
                site=self.site.name,
                door=self.role,
                circuit=name_circuit(request.circuit),
                method=request.method[:10],
                path=request.target[:1000],
                status=verdict.response.status,
                kind=verdict.kind,
                note=verdict.note,
                killed=verdict.killed,
                barred=verdict.barred,
            )
        )
        if self._left:
            self._left -= 1
            self.dead = self.dead or not self._left
        return verdict.response

    def _judge(self, request: Request) -> Verdict:
        if self.dead:
            return Verdict(Response(0, script=Script()), "dropped", "this mirror is dead")
        verdict = self.front.judge(request) or self.site.answer(request)
        return replace(verdict, kind="phishing") if self.role == "phish" else verdict


def _leave(request: Request, text: str) -> str:
    return text
