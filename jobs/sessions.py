"""A person opens the gate of a site: what is wanted, on which circuit, and what becomes of the cookies taken over.

Public names: SessionView, Circuit, Desk, prepare, view_session, view_sessions, keep_tor, find_circuit,
find_onion, take_cookies, check_cookies, keep_session, send_runs_on, close_session, open_vault, find_account, read_user_agent.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from sqlalchemy import Engine

from crawler.admission import Admission, check_session
from crawler.headers import USER_AGENT
from crawler.isolation import Isolation
from crawler.jars import BrowserCookie, Jar, read_cookies
from crawler.sites import SiteConfig
from crawler.tor import open_tor
from crawler.vault import Vault, make_key
from jobs.calls import end_calls
from jobs.engine import open_client
from jobs.errors import JobError, UsageError
from jobs.hold import find_ready_tor, hold_tor
from jobs.mirrors import usable_site
from jobs.places import Places, read_tor_file
from jobs.runs import enqueue_run
from jobs.sites import find_site, register
from storage import sessions as rows
from storage.engine import reading
from storage.pages import find_page
from storage.runs import find_runs, find_waiting, send_on
from storage.tables import SiteSession

MAX_USER_AGENT = 300


@dataclass(frozen=True)
class SessionView:
    """Where we stand with a site, for one account or none, as a person sees it. No name and no cookie is in it.

    url: of the stored gate page, as it is (defang it before showing). runs: those that wait for this session.
    going: a crawl of the site that is at work or queued now.
    """

    site: str
    account: bool
    state: str
    since: datetime
    message: str
    page_id: int | None
    url: str
    opened_by: str
    opened_at: datetime | None
    expires_at: datetime | None
    open: bool
    runs: tuple[int, ...]
    going: int | None = None


@dataclass(frozen=True)
class Circuit:
    """Where a browser gets on the session's circuit: Tor's SOCKS port with this user name and password."""

    host: str
    port: int
    user: str
    password: str


@dataclass(frozen=True)
class Desk:
    """One site and account, ready to be opened."""

    config: SiteConfig
    site_id: int
    account: str
    account_key: str
    circuit: str
    vault: Vault

    @property
    def isolation(self) -> Isolation:
        return Isolation(self.config.name, self.account_key, self.circuit)


def open_vault(places: Places, *, now: datetime, make: bool = False) -> Vault:
    """The vault of this installation; with `make` its key file is made when there is none."""
    if places.key_file is None:
        raise UsageError("No key file is named. Set TUSKWATCH_KEY_FILE to a path outside the data folder.")
    if make:
        make_key(places.key_file, data=places.data, now=now)
    return Vault(places.key_file, data=places.data)


def find_account(places: Places, account: str, *, now: datetime) -> str:
    """The account's key: "" for none. The name itself goes no further."""
    return open_vault(places, now=now, make=True).account_key(account) if account else ""


def prepare(places: Places, engine: Engine, site: str, *, account: str, now: datetime) -> Desk:
    """The site's row and its circuit, made when there are none yet.

    UsageError for a site that is not known, CrawlError when a person refused all its addresses.
    """
    config = find_site(places, site)
    vault = open_vault(places, now=now, make=True)
    key = vault.account_key(account)
    site_id = register(engine, config, now=now)
    # The addresses that a crawl may ask: approved ones too, and none that a person refused.
    config = usable_site(engine, config, now=now)
    row = rows.ensure_session(
        engine, site_id=site_id, account_key=key, circuit=secrets.token_hex(16), now=now
    )
    return Desk(config, site_id, account.strip(), key, row.circuit, vault)


def view_session(engine: Engine, desk: Desk, *, now: datetime) -> SessionView:
    """What is wanted at this site."""
    with reading(engine) as session:
        row = rows.find_session(session, site_id=desk.site_id, account_key=desk.account_key)
    if row is None:
        raise LookupError(f"site {desk.site_id} has no row: prepare adds it")
    return _view(engine, row, desk.config.name, now=now)


def view_sessions(engine: Engine, *, now: datetime) -> list[SessionView]:
    """All sites and accounts of which anything is known."""
    with reading(engine) as session:
        found = rows.find_sessions(session)
    return [_view(engine, row, name, now=now) for row, name in found]


def keep_tor(places: Places) -> AbstractContextManager[None]:
    """While inside, the Tor that has the circuit stays: a worker of ours must not end with it."""
    return hold_tor(places)


def find_circuit(
    places: Places, desk: Desk, *, report: Callable[[int, str], None] = lambda percent, words: None
) -> Circuit:
    """Where the circuit is to be had; call it inside keep_tor. JobError when no Tor runs that will still be there when
    the run goes on.
    """
    host, port = _find_socks(places, report)
    user, password = desk.isolation.credentials()
    return Circuit(host, port, user, password)


def find_onion(desk: Desk, view: SessionView, cookies: Sequence[BrowserCookie] = ()) -> str:
    """The address to knock at: the one the cookies are for, else the one where the gate stood, else the first."""
    for host in [*(each.host for each in cookies), urlsplit(view.url).hostname or ""]:
        if host in desk.config.addresses:
            return host
    return desk.config.addresses[0]


def take_cookies(desk: Desk, text: str | bytes, *, now: datetime) -> Jar:
    """The site's cookies in what a person gave. Raises JarError in plain words."""
    return read_cookies(text, onions=desk.config.addresses, now=now)


def check_cookies(
    desk: Desk, jar: Jar, *, onion: str, user_agent: str, socks: tuple[str, int], timeout: float | None = None
) -> Admission:
    """Does the site let us in with them, on the session's circuit?"""
    return check_session(
        desk.config, onion=onion, isolation=desk.isolation, cookies=jar.cookies,
        user_agent=user_agent, socks=socks, timeout=timeout,
    )  # fmt: skip


def read_user_agent(text: str) -> str:
    """A user agent as it may stand in a header; Tor Browser's when nothing is said."""
    text = text.strip() or USER_AGENT
    if len(text) > MAX_USER_AGENT or not text.isascii() or not text.isprintable():
        raise UsageError(f"A user agent has at most {MAX_USER_AGENT} plain characters, all on one line.")
    return text


def keep_session(
    places: Places,
    engine: Engine,
    desk: Desk,
    jar: Jar,
    *,
    onion: str,
    user_agent: str,
    by: str,
    now: datetime,
) -> tuple[datetime, list[int]]:
    """Seal and store the session, and send the runs that wait for it on. Until when it holds, and those runs.

    It ends with the site's own clock or the first of the cookies that has an end. JobError when a run has begun with a
    new identity meanwhile: cookies of another circuit are worth nothing.
    """
    ends = now + timedelta(seconds=desk.config.session.lifetime)
    if jar.expires is not None:
        ends = min(ends, datetime.fromtimestamp(jar.expires, UTC))
    sealed = desk.vault.seal(
        {
            "account": desk.account,
            "user_agent": user_agent,
            "onion": onion,
            "cookies": [each.plain() | {"host": each.host} for each in jar.cookies],
        }
    )
    kept = rows.open_session(
        engine, site_id=desk.site_id, account_key=desk.account_key, circuit=desk.circuit, sealed=sealed, by=by,
        expires_at=ends, now=now,
    )  # fmt: skip
    if not kept:
        raise JobError(
            f"A crawl of {desk.config.name} has begun on another circuit meanwhile, so these cookies are worth nothing "
            f'there. Pause or cancel it ("tuskwatch run list --site {desk.config.name}"), then open the session again.'
        )
    return ends, send_runs_on(
        places, engine, desk.config.name, site_id=desk.site_id, account_key=desk.account_key, now=now
    )


def send_runs_on(
    places: Places, engine: Engine, site: str, *, site_id: int, account_key: str, now: datetime
) -> list[int]:
    """Put the runs that wait for a person at this site and account on the queue again; which ones."""
    with reading(engine) as session:
        waiting = [
            run.id for run in find_waiting(session, site_id=site_id) if _key_of(run.settings) == account_key
        ]
    sent = [run_id for run_id in waiting if send_on(engine, run_id=run_id, now=now)]
    if sent:
        end_calls(engine, site_id=site_id, run_ids=sent, now=now)
        with open_client(places) as client:
            for run_id in sent:
                enqueue_run(client, run_id, site=site, turn=f"-{int(now.timestamp() * 1000)}")
    return sent


def close_session(places: Places, engine: Engine, site: str, *, account: str, by: str, now: datetime) -> bool:
    """Forget the session of a site and account; was there one?"""
    config = find_site(places, site)
    key = open_vault(places, now=now).account_key(account)
    site_id = register(engine, config, now=now)
    return rows.close_session(engine, site_id=site_id, account_key=key, by=by, now=now)


def _key_of(settings: dict[str, object]) -> str:
    return str(settings.get("account") or "")


def _view(engine: Engine, row: SiteSession, name: str, *, now: datetime) -> SessionView:
    with reading(engine) as session:
        page = find_page(session, row.page_id) if row.page_id is not None else None
        runs = [
            run.id
            for run in find_waiting(session, site_id=row.site_id)
            if _key_of(run.settings) == row.account_key
        ]
        going = next(
            (
                run.id
                for run in find_runs(session, site=name, verb="crawl", limit=20)
                if run.state in ("queued", "running")
                or (run.state == "waiting" and run.waits_for != "person")
            ),
            None,
        )
    return SessionView(
        site=name,
        account=bool(row.account_key),
        state=row.state,
        since=row.since,
        message=row.message,
        page_id=row.page_id,
        url=page.url if page is not None else "",
        opened_by=row.opened_by,
        opened_at=row.opened_at,
        expires_at=row.expires_at,
        open=rows.is_open(row, now=now),
        runs=tuple(runs),
        going=going,
    )


def _find_socks(places: Places, report: Callable[[int, str], None]) -> tuple[str, int]:
    named = read_tor_file(places.data) if places.tor_control_port is None else None
    control = named.control_port if named else places.tor_control_port
    if control is None:
        # Tuskwatch's own Tor ends with the worker that started it, and a circuit with its Tor.
        return find_ready_tor(places, report=lambda words: report(0, words))
    tor = open_tor(
        data=places.data,
        control_port=control,
        password=places.tor_control_password,
        socks_port=named.socks_port if named else places.tor_socks_port,
        report=report,
    )
    try:
        return tor.socks
    finally:
        tor.close()
