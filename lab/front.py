"""A front-end as markets have it (EndGame): limits, a queue, a captcha and a session: Front, Verdict.

Measured limits: 6 requests a second with a burst of 10, per circuit and per cookie; above, the circuit is killed and the
cookie barred for an hour. A queue of 5 s, a captcha good for 60 s and 3 tries, a session of 3,600 s. No User-Agent, a form
without Referer or an unknown Host kill the circuit too. Who has waited or solved the captcha gets a token, a cookie of its
own that stands for the session; the one of the queue is worth nothing at the gate.
"""

from __future__ import annotations

import html
import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from lab.captcha import make_challenge
from lab.limits import Limits
from lab.options import HardOptions
from lab.wire import Request, Response, Script

COOKIE = "dcap"
_MOST = 50_000


@dataclass(frozen=True)
class Verdict:
    """What the front-end says instead of the site. `kind` and the rest as in lab.ledger."""

    response: Response
    kind: str
    note: str = ""
    killed: str = ""
    barred: bool = False


@dataclass
class _Visit:
    """What the front-end knows of one cookie. `stage`: queue, captcha or open."""

    stage: str
    since: float
    circuit: str
    agent: str
    challenge: str = ""
    tries: int = 0


class Front:
    """One onion's front-end. `queue` and `captcha`: whether it has them; the limits it always has. `kill` closes a circuit."""

    def __init__(
        self,
        *,
        title: str,
        secret: str,
        options: HardOptions,
        clock: Callable[[], float],
        queue: bool,
        captcha: bool,
        kill: Callable[[str], None] = lambda circuit: None,
    ) -> None:
        self.host = ""
        """The only Host that is served; any, while it is empty."""
        self.title = title
        self.sessions = 0
        self._secret = secret
        self._options = options
        self._clock = clock
        self._queue = queue
        self._captcha = captcha
        self._close_circuit = kill
        self._circuits = Limits(rate=options.rate, burst=options.burst)
        self._cookies = Limits(rate=options.rate, burst=options.burst)
        self._killed: OrderedDict[str, str] = OrderedDict()
        self._barred: OrderedDict[str, float] = OrderedDict()
        self._visits: OrderedDict[str, _Visit] = OrderedDict()

    def end_sessions(self) -> None:
        """Forget who has been let in."""
        self._visits.clear()

    def judge(self, request: Request) -> Verdict | None:
        """What to answer before the site is asked; None: let it through."""
        now = self._clock()
        if request.circuit in self._killed:
            return Verdict(_closed(), "dropped", f"circuit killed before: {self._killed[request.circuit]}")
        cookie = request.cookies.get(COOKIE, "")
        if reason := self._find_fault(request):
            return self._kill(request, reason)
        if not self._circuits.allow(request.circuit, now):
            return self._bar(request, cookie, now)
        if self._barred.get(cookie, 0.0) > now:
            minutes = max(1, round((self._barred[cookie] - now) / 60))
            text = f"<h1>Access denied</h1><p>Your session was banned for flooding. Come back in {minutes} minutes.</p>"
            return Verdict(self._page("Access denied", text, status=403), "banned")
        if cookie and not self._cookies.allow(cookie, now):
            return self._bar(request, cookie, now)
        if not self._queue:
            return None
        return self._admit(request, cookie, now)

    def _find_fault(self, request: Request) -> str:
        if not request.headers.get("user-agent"):
            return "no User-Agent"
        if self.host and request.headers.get("host", "").lower() != self.host:
            return "unknown Host"
        if request.method == "POST":
            sender = urlsplit(request.headers.get("referer", ""))
            if not sender.netloc or (self.host and sender.netloc.lower() != self.host):
                return "POST without Referer"
        return ""

    def _kill(self, request: Request, reason: str, *, barred: bool = False) -> Verdict:
        if request.circuit:
            self._killed[request.circuit] = reason
            _shorten(self._killed)
            self._close_circuit(request.circuit)
        return Verdict(_closed(), "dropped", killed=reason, barred=barred)

    def _bar(self, request: Request, cookie: str, now: float) -> Verdict:
        """Too fast: the cookie rests, the circuit ends."""
        if cookie:
            self._barred[cookie] = now + self._options.bar
            self._barred.move_to_end(cookie)
            _shorten(self._barred)
            self._visits.pop(cookie, None)
        return self._kill(request, "too fast", barred=bool(cookie))

    def _admit(self, request: Request, cookie: str, now: float) -> Verdict | None:
        """Queue, then captcha, then the session."""
        visit = self._visits.get(cookie)
        if visit is not None and not self._is_same(visit, request):
            visit = None  # somebody else's cookie, or the same one on another circuit
        if visit is not None and visit.stage == "open" and now >= visit.since + self._options.session:
            visit = None
        if visit is None:
            cookie = secrets.token_hex(16)
            self._visits[cookie] = _Visit("queue", now, request.circuit, request.headers["user-agent"])
            _shorten(self._visits)
            return Verdict(self._queue_page(cookie, self._options.queue), "queue")
        if visit.stage == "queue":
            left = visit.since + self._options.queue - now
            if left > 0.2:  # a refresh is a little early when the way to us was slow
                return Verdict(self._queue_page(cookie, left), "queue")
            if not self._captcha:
                # The cookie of the queue may come twice, when two requests wait in it: each gets a token.
                if left + self._options.captcha <= 0:
                    del self._visits[cookie]
                    return self._admit(request, "", now)
                return self._let_in(replace(visit), request, now, "queue waited out")
            visit.stage = "captcha"
            self._challenge(visit, now)
            return Verdict(self._captcha_page(visit), "captcha")
        if visit.stage == "captcha":
            return self._check_answer(request, cookie, visit, now)
        return None

    def _is_same(self, visit: _Visit, request: Request) -> bool:
        if visit.agent != request.headers["user-agent"]:
            return False
        return visit.circuit == request.circuit or not self._options.bind_circuit

    def _let_in(self, visit: _Visit, request: Request, now: float, note: str) -> Verdict:
        """Give the token, and send the visitor to what was asked for."""
        visit.stage, visit.since = "open", now
        self.sessions += 1
        token = secrets.token_hex(16)
        self._visits[token] = visit
        _shorten(self._visits)
        life = ("Set-Cookie", f"{COOKIE}={token}; Path=/; Max-Age={int(self._options.session)}; HttpOnly")
        return Verdict(Response(302, b"", headers=(("Location", request.target), life)), "redirect", note)

    def _challenge(self, visit: _Visit, now: float) -> None:
        visit.since, visit.tries, visit.challenge = now, 0, secrets.token_hex(8)

    def _check_answer(self, request: Request, cookie: str, visit: _Visit, now: float) -> Verdict:
        if now >= visit.since + self._options.captcha:
            self._challenge(visit, now)
            return Verdict(self._captcha_page(visit, "That took too long. Here is a new one."), "captcha")
        if request.method != "POST" or request.form.get("challenge") != visit.challenge:
            return Verdict(self._captcha_page(visit), "captcha")
        challenge = make_challenge(self._secret, visit.challenge)
        if request.form.get("answer", "").strip().lower() != challenge.answer:
            visit.tries += 1
            if visit.tries >= self._options.tries:
                del self._visits[cookie]
                return self._kill(request, "captcha failed")
            return Verdict(self._captcha_page(visit, "That was not it."), "captcha")
        del self._visits[cookie]
        return self._let_in(visit, request, now, "captcha solved")

    def _queue_page(self, cookie: str, left: float) -> Response:
        seconds = max(1, int(-(-left // 1)))
        return self._page(
            "Queue",
            f"<h1>{html.escape(self.title)}</h1><p>You have been placed in a queue, awaiting forwarding to the platform.</p>"
            f"<p>Estimated waiting time: {seconds} seconds. Do not refresh the page, you will be forwarded.</p>",
            head=f'<meta http-equiv="refresh" content="{seconds}">',
            headers=(("Set-Cookie", f"{COOKIE}={cookie}; Path=/; HttpOnly"),),
        )

    def _captcha_page(self, visit: _Visit, words: str = "") -> Response:
        challenge = make_challenge(self._secret, visit.challenge)
        return self._page(
            "Captcha",
            f"<h1>{html.escape(self.title)}</h1><p class='err'>{words}</p>"
            f"<form method='post' class='captcha'><input type='hidden' name='challenge' value='{challenge.name}'>"
            f"<p id='captcha-words' aria-label='captcha'>{' '.join(challenge.words)}</p>"
            f"<label>Captcha: type the {challenge.place} of these words <input name='answer' autocomplete='off'></label> "
            f"<button>Enter</button></form><p>You have {int(self._options.captcha)} seconds.</p>",
        )

    def _page(
        self,
        title: str,
        main: str,
        *,
        status: int = 200,
        head: str = "",
        headers: tuple[tuple[str, str], ...] = (),
    ) -> Response:
        text = (
            f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>{head}</head>'
            f"<body>{main}</body></html>"
        )
        return Response(status, text.encode(), headers=(*headers, ("Cache-Control", "no-store")))


def _closed() -> Response:
    return Response(0, script=Script())


def _shorten(found: OrderedDict[str, float] | OrderedDict[str, str] | OrderedDict[str, _Visit]) -> None:
    while len(found) > _MOST:
        found.popitem(last=False)
