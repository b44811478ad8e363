"""Outages by lot: Faults.

Whether the n-th request for a path fails, and how, is a hash of (seed, site, path, n): two runs that ask for the same get the
same. A path fails at most three times in a row, so that a crawler with four attempts can have everything.
"""

from __future__ import annotations

from collections import OrderedDict

from lab.chance import mix, pick_rng
from lab.front import Verdict
from lab.wire import Request, Response, Script

MOST_IN_A_ROW = 3
RETRY_AFTER = 1
HANG = 120.0
"""Seconds until the site itself closes a connection on which it never answers."""
_MOST = 50_000

_KINDS = (
    *("bad gateway",) * 5, *("unavailable",) * 3, *("soft bad gateway",) * 4, *("limited",) * 4, *("closed",) * 3,
    *("cut",) * 2, *("hung",) * 1,
)  # fmt: skip

_GATEWAY = (
    "<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center>"
    "<hr><center>nginx</center></body></html>"
)


class Faults:
    """The outages of one site; `share` of requests fail."""

    def __init__(self, *, seed: int, site: str, share: float, spared: tuple[str, ...] = ()) -> None:
        self._seed = seed
        self._site = site
        self._share = share
        self._spared = spared
        self._asked: OrderedDict[str, tuple[int, int]] = OrderedDict()

    def judge(self, request: Request) -> Verdict | None:
        """The failure in place of the page; None: this request is answered."""
        if request.method != "GET" or request.path in self._spared:
            return None
        count, row = self._asked.pop(request.target, (0, 0))
        fails = (
            row < MOST_IN_A_ROW
            and mix(self._seed, self._site + request.target, count, "outage") % 10_000 < self._share * 10_000
        )
        self._asked[request.target] = (count + 1, row + 1 if fails else 0)
        if len(self._asked) > _MOST:
            self._asked.popitem(last=False)
        return self._fail(request, count) if fails else None

    def _fail(self, request: Request, count: int) -> Verdict:
        kind = pick_rng(self._seed, self._site + request.target, count, "kind of outage").choice(_KINDS)
        if kind == "bad gateway":
            return Verdict(Response(502, _GATEWAY.encode()), "down", kind)
        if kind == "unavailable":
            text = "<html><body><h1>503 Service Temporarily Unavailable</h1></body></html>"
            return Verdict(Response(503, text.encode()), "down", kind)
        if kind == "soft bad gateway":
            return Verdict(Response(200, _GATEWAY.encode()), "down", kind)
        if kind == "limited":
            text = "<html><body><h1>429 Too Many Requests</h1></body></html>"
            later = (("Retry-After", str(RETRY_AFTER)),)
            return Verdict(Response(429, text.encode(), headers=later), "limited", kind)
        if kind == "hung":
            return Verdict(Response(0, script=Script(pause=HANG, times=1)), "hung", kind)
        if kind == "cut":
            half = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 9000\r\n\r\n<html><body><p>Half of"
            return Verdict(Response(0, script=Script(half)), "cut", kind)
        return Verdict(Response(0, script=Script()), "dropped", kind)
