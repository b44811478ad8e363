"""`tuskwatch session`: a person opens the gate of a site, and the runs that wait for it go on.

Public names: app.
"""

from __future__ import annotations

import getpass
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tuskwatch.output import Json, data_option, say, show_json, show_table, show_text, show_time
from tuskwatch.places import open_places

if TYPE_CHECKING:
    from jobs.places import Places
    from jobs.sessions import Circuit, Desk, SessionView

app = typer.Typer(help="Sessions with sites: open, list, close.", no_args_is_help=True)

Site = Annotated[str, typer.Argument(metavar="SITE", help="The site's name.")]
Account = Annotated[
    str,
    typer.Option(
        "--account", metavar="NAME", help="The account on the site; without it the session of no account."
    ),
]


@app.command("open")
def open_session(
    context: typer.Context,
    site: Site,
    account: Account = "",
    cookies: Annotated[
        str | None,
        typer.Option(
            "--cookies",
            metavar="FILE",
            help="A cookies.txt or JSON export; - reads standard input. Without it you are asked.",
        ),
    ] = None,
    user_agent: Annotated[
        str,
        typer.Option(
            "--user-agent", metavar="TEXT", help="What your browser called itself; Tor Browser's if not said."
        ),
    ] = "",
    show: Annotated[
        bool, typer.Option("--show", help="Only show what is wanted and which circuit to use.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check/--no-check", help="Ask the site over Tor whether the session is good.")
    ] = True,
    as_json: Json = False,
) -> None:
    """Open the gate of a site with your own browser, hand over its cookies, and let the waiting run go on."""
    from crawler.jars import MAX_TEXT
    from jobs import sessions
    from jobs.child import ensure_worker
    from jobs.errors import JobError, UsageError
    from storage.engine import check_schema, open_engine

    places = open_places(data_option(context))
    agent = sessions.read_user_agent(user_agent)
    engine = open_engine(places.database_url)
    check_schema(engine)
    try:
        with sessions.keep_tor(places):
            desk = sessions.prepare(places, engine, site, account=account, now=datetime.now(UTC))
            view = sessions.view_session(engine, desk, now=datetime.now(UTC))
            asked = show or check or cookies is None
            circuit = _find_circuit(places, desk, needed=show or check) if asked else None
            if show:
                _show_wanted(view, circuit, desk, as_json=as_json)
                if not as_json and circuit is not None:
                    _show_steps(circuit, desk, view, door=None)
                return
            if cookies is None:
                if not _is_terminal():
                    raise UsageError(
                        "No cookies are given: name a file with --cookies FILE, or say --cookies - ."
                    )
                text: str | bytes = _ask_cookies(view, circuit, desk)
            else:
                text = _read_file(cookies, MAX_TEXT)
            jar = sessions.take_cookies(desk, text, now=datetime.now(UTC))
            onion = sessions.find_onion(desk, view, jar.cookies)
            _say_left_out(jar.foreign, jar.expired)
            checked = None
            if check:
                assert circuit is not None
                say(f"Asking {site} over Tor whether the session is good ...")
                checked = sessions.check_cookies(
                    desk, jar, onion=onion, user_agent=agent, socks=(circuit.host, circuit.port)
                )
                if not checked.good:
                    raise JobError(
                        f"The session is not good: {checked.message}{f' ({checked.gate})' if checked.gate else ''}. Nothing "
                        "was stored. Was it opened on the circuit above, and with the same user agent (--user-agent)?"
                    )
            ends, sent = sessions.keep_session(
                places, engine, desk, jar, onion=onion, user_agent=agent, by=getpass.getuser(), now=datetime.now(UTC)
            )  # fmt: skip
            view = sessions.view_session(engine, desk, now=datetime.now(UTC))
    finally:
        engine.dispose()
    if sent and ensure_worker(places):
        say("Started a worker in the background; it ends when there is nothing left to do.")
    if as_json:
        show_json({"session": view, "cookies": len(jar.cookies), "left_out": jar.foreign, "expired": jar.expired,
                   "checked": checked is not None, "sent_on": sent})  # fmt: skip
        return
    show_text(
        f"The session with {site} is open with {len(jar.cookies)} cookies until {show_time(ends)}"
        + ("." if checked else "; it was not checked.")
    )
    for run in sent:
        show_text(f"Run {run} goes on where it stopped.")
    if not sent and view.going is not None:
        show_text(f"Run {view.going} is going on; it uses the session when it is started again.")


@app.command("list")
def list_sessions(context: typer.Context, as_json: Json = False) -> None:
    """Show where we stand with each site, and which sessions are open until when."""
    from jobs.sessions import view_sessions
    from storage.engine import open_engine

    places = open_places(data_option(context))
    engine = open_engine(places.database_url)
    try:
        views = view_sessions(engine, now=datetime.now(UTC))
    finally:
        engine.dispose()
    if as_json:
        show_json([{**asdict(view), "url": _defang(view.url)} for view in views])
        return
    if not views:
        show_text("No site was visited yet.")
        return
    show_table(
        ("Site", "Account", "State", "Since", "Session", "Waiting runs", "Message"),
        [
            (
                view.site, "one of yours" if view.account else "none", view.state, show_time(view.since),
                f"open until {show_time(view.expires_at)}" if view.open else "over" if view.opened_at else "-",
                ", ".join(map(str, view.runs)) or "-", view.message or "-",
            )
            for view in views
        ],
    )  # fmt: skip


@app.command("close")
def close_session(context: typer.Context, site: Site, account: Account = "", as_json: Json = False) -> None:
    """Forget a session. The next run of the site begins with a new identity."""
    from jobs import sessions
    from storage.engine import open_engine

    places = open_places(data_option(context))
    engine = open_engine(places.database_url)
    try:
        closed = sessions.close_session(
            places, engine, site, account=account, by=getpass.getuser(), now=datetime.now(UTC)
        )
    finally:
        engine.dispose()
    if as_json:
        show_json({"site": site, "closed": closed})
        return
    show_text(f"The session with {site} is closed." if closed else f"No session with {site} was open.")


def _find_circuit(places: Places, desk: Desk, *, needed: bool) -> Circuit | None:
    """Without a check the circuit is only shown: then it may be missing."""
    from crawler.errors import CrawlError
    from jobs.errors import JobError
    from jobs.sessions import find_circuit

    try:
        return find_circuit(places, desk, report=lambda percent, words: say(f"Tor: {words or 'starting'}"))
    except (JobError, CrawlError) as exc:
        if needed:
            raise
        say(str(exc))
        return None


def _show_wanted(view: SessionView, circuit: Circuit | None, desk: Desk, *, as_json: bool) -> None:
    from crawler.headers import USER_AGENT
    from jobs.sessions import find_onion

    address = f"http://{find_onion(desk, view)}{desk.config.start[0]}"
    if as_json:
        wanted: dict[str, Any] = {**asdict(view), "url": _defang(view.url)}
        show_json(
            {"session": wanted, "address": _defang(address), "user_agent": USER_AGENT, "circuit": circuit}
        )
        return
    where = f"{view.site}{' (with an account)' if view.account else ''}"
    show_text(
        f"{where}: {view.state} since {show_time(view.since)}{': ' + view.message if view.message else ''}"
    )
    if view.runs:
        show_text(f"Waiting for you: run {', '.join(map(str, view.runs))}")
    if view.page_id is not None:
        show_text(f"The page that shows it: {view.page_id} at {_defang(view.url)}")
    if view.going is not None:
        show_text(f"Run {view.going} is going on now; it uses a session opened now when it is started again.")


def _ask_cookies(view: SessionView, circuit: Circuit | None, desk: Desk) -> str:
    """Keep a doorway open for the browser until the person comes back with the cookies."""
    from crawler.doorway import Doorway

    def ask() -> str:
        words = "Cookies (name=value; other=value), not shown as you paste them"
        return str(typer.prompt(words, hide_input=True, err=True))

    _show_wanted(view, circuit, desk, as_json=False)
    if circuit is None:
        return ask()
    with Doorway(desk.isolation, socks=(circuit.host, circuit.port), onions=desk.config.addresses) as door:
        try:
            _show_steps(circuit, desk, view, door=door.port)
            return ask()
        finally:
            if door.strangers:
                say(
                    f"Turned away at the doorway: {door.strangers} by another user of this machine. Start the browser as "
                    "the user who runs this command."
                )


def _show_steps(circuit: Circuit, desk: Desk, view: SessionView, *, door: int | None) -> None:
    from crawler.headers import USER_AGENT
    from jobs.sessions import find_onion

    address = f"http://{find_onion(desk, view)}{desk.config.start[0]}"
    lines = [
        "",
        "The site ties cookies to the circuit and to the user agent, so open it on the run's own circuit.",
        "",
    ]
    if door is not None:
        lines += [
            f'1. Let a browser use the SOCKS5 port 127.0.0.1:{door}, with "proxy DNS" on. It needs no password, leads to this',
            "   site only, and is open until you are done here. Tor Browser, from its folder:",
            f"     TOR_SKIP_LAUNCH=1 TOR_SOCKS_HOST=127.0.0.1 TOR_SOCKS_PORT={door} ./start-tor-browser.desktop",
            f"   or in about:config: network.proxy.socks 127.0.0.1, network.proxy.socks_port {door},",
            "   network.proxy.socks_remote_dns true. Chromium (only where a fingerprint does not matter):",
            f"     chromium --proxy-server=socks5://127.0.0.1:{door} --user-agent='{USER_AGENT}'",
            "   What can sign in to a SOCKS port, as curl can, may also go to Tor itself:",
        ]
    else:
        lines += [
            '1. Let what you use sign in to Tor\'s SOCKS port, and let Tor resolve the name ("proxy DNS", socks5h). Without',
            "   --show you get a port that needs no password, for a browser.",
        ]
    login = f"{circuit.user}:{circuit.password}"
    lines += [
        f"     SOCKS5      {circuit.host}:{circuit.port}",
        f"     user name   {circuit.user}",
        f"     password    {circuit.password}",
        f"     curl --socks5-hostname {login}@{circuit.host}:{circuit.port} -A '{USER_AGENT}' -c cookies.txt ADDRESS",
        f"2. Open {_defang(address)} (write it with http and dots). Solve what the site asks for; buy and write nothing.",
        "   Another browser than Tor Browser has another user agent: name it with --user-agent.",
        "3. Export the site's cookies (cookies.txt or JSON), or copy the Cookie header out of the browser's network tools.",
        "",
    ]
    for line in lines:
        show_text(line)


def _say_left_out(foreign: int, expired: int) -> None:
    if foreign:
        say(f"Left out: {foreign} cookies of other sites.")
    if expired:
        say(f"Left out: {expired} cookies whose time is over.")


def _is_terminal() -> bool:
    """Is there somebody to ask?"""
    return sys.stdin.isatty()


def _read_file(name: str, limit: int) -> bytes:
    """At most one byte more than is allowed: enough to see that it is too much."""
    if name == "-":
        return sys.stdin.buffer.read(limit + 1)
    with Path(name).open("rb") as file:
        return file.read(limit + 1)


def _defang(url: str) -> str:
    from text.defang import defang

    return defang(url)
