"""Site facts: addresses, standing and expectations of a site as plain values that may be shown.

Public names: AddressView, Standing, Expectations, Held, view_address, find_standings, read_expectations.

An address leaves here defanged; of an account only that there is one; of a session only until when it holds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy.orm import Session

from crawler.errors import SiteError
from crawler.expectedfile import load_expected
from crawler.limits import FIELDS, Expected, Range
from crawler.siteconfig import GATE_KINDS
from storage.health import RunFigures, find_figures
from storage.runs import find_waiting
from storage.sessions import find_sessions, is_open
from storage.tables import Address, Site
from text.defang import defang, defang_text

_NEWEST = 2**31 - 1
_OPEN = "tuskwatch session open {site}{account}"
_CHECK = "tuskwatch mirror check {site}"
NEXT = {
    "captcha": ("A person solves the captcha, and the run goes on where it stopped.", _OPEN),
    "login": ("A person signs in, and the run goes on where it stopped.", _OPEN),
    "queue": ("Nothing: a run waits in the queue by itself.", ""),
    "limited": ("Nothing: a run waits with growing pauses and keeps its circuit.", ""),
    "down": ("See which of its addresses answers. A run tries again by itself.", _CHECK),
    "not_found": ("Hold the start pages in the site's file against what the site has now.", "tuskwatch site check {site}"),
    "banned": ("The site has barred us. Look at the page, and decide whether another account may be used.", ""),
    "seized": ("The site was seized. Keep the page as evidence, and take its schedule out.", "tuskwatch schedule list"),
    "exit": ("The site says it is closing. Keep the page as evidence, and take its schedule out.", "tuskwatch schedule list"),
    "unknown": ("Look at the page: no rule knew it. A mark in the site's file can name it.", "tuskwatch site check {site}"),
}  # fmt: skip
"""What a person should do next, by the state of a session: (in words, what to type)."""


@dataclass(frozen=True)
class AddressView:
    id: int
    address: str
    state: str
    source: str
    reason: str
    seconds: float | None
    checked_at: datetime | None
    recheck_at: datetime | None
    signed_by: str
    found_on: int | None
    decided_by: str
    decided_at: datetime | None


@dataclass(frozen=True)
class Standing:
    """Where we stand with a site for one account or none. open: a session that a person opened holds until expires_at."""

    account: bool
    state: str
    since: datetime
    message: str
    page_id: int | None
    open: bool
    opened_by: str
    opened_at: datetime | None
    expires_at: datetime | None
    waiting: tuple[int, ...]
    todo: str
    command: str


@dataclass(frozen=True)
class Held:
    """One thing that is held: what a run must have, and what the last healthy one had. share: it goes from 0 to 1."""

    name: str
    min: float | None
    max: float | None
    last: float | None
    share: bool

    @property
    def off(self) -> bool:
        """Is the last healthy run outside? Possible once a person has edited the file."""
        return self.last is not None and (
            (self.min is not None and self.last < self.min) or (self.max is not None and self.last > self.max)
        )

    def say(self, value: float | None) -> str:
        if value is None:
            return "–"
        return f"{value * 100:.0f} %" if self.share else f"{value:,.0f}"


@dataclass(frozen=True)
class Expectations:
    """from_run: the run that they were written from, 0 when there are none. last_run: the last healthy one, 0 for none."""

    rows: tuple[Held, ...] = ()
    from_run: int = 0
    last_run: int = 0
    fault: str = ""


def view_address(row: Address) -> AddressView:
    return AddressView(
        row.id, defang(row.onion), row.state, row.source, defang_text(row.reason), row.seconds, row.checked_at,
        row.recheck_at, row.signed_by, row.found_on, row.decided_by, row.decided_at,
    )  # fmt: skip


def find_standings(session: Session, *, now: datetime) -> dict[str, list[Standing]]:
    """By site's name, the one without an account first."""
    waiting: dict[tuple[int | None, str], list[int]] = {}
    for run in find_waiting(session):
        waiting.setdefault((run.site_id, str(run.settings.get("account") or "")), []).append(run.id)
    found: dict[str, list[Standing]] = {}
    for row, name in find_sessions(session):
        runs = tuple(waiting.get((row.site_id, row.account_key), ()))
        opened = is_open(row, now=now)
        todo, command = NEXT.get(row.state, ("", ""))
        if row.state == "unknown" and row.page_id is None:
            todo, command = "Nothing: the site was not visited yet.", ""
        if runs and not opened:
            todo, command = NEXT["login"] if row.state == "login" else NEXT["captcha"]
            if row.state not in ("captcha", "login"):
                todo = "A person opens the gate, and the run goes on where it stopped."
        elif row.state == "ok":
            todo = "Nothing." if opened or row.opened_at is None else "Open it again when a run asks for it."
        account = " --account NAME" if row.account_key else ""
        found.setdefault(name, []).append(
            Standing(
                account=bool(row.account_key),
                state=row.state,
                since=row.since,
                message=defang_text(row.message),
                page_id=row.page_id,
                open=opened,
                opened_by=row.opened_by,
                opened_at=row.opened_at,
                expires_at=row.expires_at,
                waiting=runs,
                todo=todo,
                command=command.format(site=name, account=account),
            )
        )
    return found


def read_expectations(session: Session, folder: Path, site: Site) -> Expectations:
    """What expected.yml holds, beside the last healthy run. A wrong file is said and nothing of it shown."""
    try:
        expected = load_expected(folder / site.name)
    except SiteError as exc:
        # The path of the folder is nobody's business on a screen; file and line are.
        return Expectations(fault=str(exc).replace(f"{folder}/", "")[:1_000])
    rows = find_figures(session, site_id=site.id, before=_NEWEST, plan="full", limit=1)
    run_id, figures = rows[0] if rows else (0, None)
    if expected is None:
        return Expectations(last_run=run_id)
    return Expectations(tuple(_hold(expected, figures)), expected.from_run, run_id)


def _hold(expected: Expected, last: RunFigures | None) -> Iterator[Held]:
    def held(name: str, limits: Range, number: int | None, of: int | None = None) -> Iterator[Held]:
        if limits == Range():
            return
        share = of is not None
        value = None if number is None or of == 0 else number / of if of is not None else float(number)
        yield Held(name, limits.min, limits.max, value, share)

    run = last or RunFigures()
    seen = last is not None
    yield from held("pages", expected.pages, run.pages if seen else None)
    yield from held("ads read", expected.listings, run.read if seen else None)
    gates = sum(number for kind, number in run.kinds.items() if kind in GATE_KINDS)
    yield from held("gates among the pages", expected.gates, gates, run.pages)
    for kind, limits in expected.kinds.items():
        yield from held(f"{kind} pages", limits, run.kinds.get(kind, 0), run.pages)
    for name, limits in expected.fields.items():
        if name == "read":
            yield from held("ads' pages that were read", limits, run.read, run.asked)
        else:
            yield from held(f"ads with a {FIELDS[name]}", limits, run.fields.get(name, 0), run.read)
