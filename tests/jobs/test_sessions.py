"""A person opens the gate: cookies are checked on the session's own circuit, sealed, and the waiting run goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import Engine

from crawler.errors import JarError, VaultError
from crawler.headers import USER_AGENT
from crawler.vault import Vault
from jobs import sessions
from jobs.engine import open_client
from jobs.errors import JobError, UsageError
from jobs.places import Places
from jobs.runs import find_run, start_crawl
from storage.audit import find_entries
from storage.engine import open_engine, reading
from storage.mirrors import decide_address, propose_addresses
from storage.runs import start_run, wait_run_for
from storage.sessions import find_session, note_standing, renew_circuit
from storage.tables import SiteSession

NOW = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def home(places: Places, tmp_path: Path) -> Places:
    return replace(places, key_file=tmp_path / "keys" / "one.age")


@pytest.fixture
def engine(home: Places) -> Iterator[Engine]:
    engine = open_engine(home.database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def desk(home: Places, engine: Engine) -> sessions.Desk:
    return sessions.prepare(home, engine, "oldport", account="", now=NOW)


def change_site(home: Places, lines: str) -> None:
    with (home.sites / "oldport" / "site.yml").open("a") as file:
        file.write(lines)


def row(engine: Engine, desk: sessions.Desk) -> SiteSession:
    with reading(engine) as session:
        found = find_session(session, site_id=desk.site_id, account_key=desk.account_key)
    assert found is not None
    return found


def waiting_run(home: Places, engine: Engine, *, account: str = "") -> int:
    run_id = start_crawl(home, "oldport", by="ana", reason="by hand", now=NOW, account_key=account)
    with open_client(home) as client:
        client.cancel_workflow(f"run-{run_id}")
    start_run(engine, run_id=run_id, worker="w", pid=None, now=NOW)
    wait_run_for(engine, run_id=run_id, what="person", message="captcha", now=NOW)
    return run_id


def keep(home: Places, engine: Engine, desk: sessions.Desk, text: str = "sid=topsecret", **more: Any) -> Any:
    jar = sessions.take_cookies(desk, text, now=NOW)
    return sessions.keep_session(
        home, engine, desk, jar, onion=desk.config.addresses[0], user_agent="Agent/1", by="ana",
        **{"now": NOW} | more,
    )  # fmt: skip


def ask(desk: sessions.Desk, tor: Any, text: str = "sid=topsecret", **more: Any) -> Any:
    jar = sessions.take_cookies(desk, text, now=NOW)
    values = {"onion": desk.config.addresses[0], "user_agent": USER_AGENT, "timeout": 20.0} | more
    return sessions.check_cookies(desk, jar, socks=("127.0.0.1", tor.port), **values)


WELCOME = "<h1>Market</h1>" + "<p>Carved walnut box, oiled, with a brass hinge. Price 40 EUR.</p>" * 30


def test_the_circuit_stays_the_same_until_the_session_is_opened(home: Places, engine: Engine) -> None:
    first = sessions.prepare(home, engine, "oldport", account="", now=NOW)
    again = sessions.prepare(home, engine, "oldport", account="", now=NOW + HOUR)
    assert first.isolation.credentials() == again.isolation.credentials()


def test_no_two_sites_or_accounts_share_a_circuit(home: Places, engine: Engine) -> None:
    desks = [
        sessions.prepare(home, engine, site, account=account, now=NOW)
        for site in ("oldport", "newport")
        for account in ("", "grey_heron", "night_owl")
    ]
    assert len({desk.isolation.credentials() for desk in desks}) == 6


def test_the_key_file_is_made_by_the_first_use(home: Places, engine: Engine) -> None:
    assert home.key_file is not None
    assert not home.key_file.exists()
    sessions.prepare(home, engine, "oldport", account="", now=NOW)
    Vault(home.key_file, data=home.data).check()


@pytest.mark.parametrize("place", [None, "inside"])
def test_without_a_place_for_the_key_nothing_is_opened(
    home: Places, engine: Engine, place: str | None
) -> None:
    wrong = replace(home, key_file=home.data / "key.age" if place else None)
    with pytest.raises((UsageError, VaultError), match="TUSKWATCH_KEY_FILE"):
        sessions.prepare(wrong, engine, "oldport", account="", now=NOW)


def test_what_is_wanted_is_shown_with_the_runs_that_wait(
    home: Places, engine: Engine, desk: sessions.Desk
) -> None:
    run_id = waiting_run(home, engine)
    other = sessions.prepare(home, engine, "newport", account="", now=NOW)
    note_standing(
        engine,
        site_id=desk.site_id,
        account_key="",
        state="captcha",
        message="six letters",
        page_id=None,
        now=NOW,
    )
    view = sessions.view_session(engine, desk, now=NOW + HOUR)
    assert (view.site, view.state, view.message, view.since, view.runs) == (
        "oldport",
        "captcha",
        "six letters",
        NOW,
        (run_id,),
    )
    assert (view.open, view.account, view.going) == (False, False, None)
    assert sessions.view_session(engine, other, now=NOW).runs == ()


def test_a_good_session_is_asked_for_on_the_runs_own_circuit(desk: sessions.Desk, stub: ModuleType) -> None:
    with stub.OnionStub(lambda asked: stub.reply(WELCOME)) as tor:
        found = ask(desk, tor, "sid=topsecret; lang=en", user_agent="Mozilla/5.0 (invented)")
    assert (found.good, found.gate) == (True, "")
    (asked,) = tor.asked
    assert (asked.user, asked.password) == desk.isolation.credentials()
    assert (asked.host, asked.path) == (desk.config.addresses[0], "/")
    assert asked.header("Cookie") == "sid=topsecret; lang=en"
    assert asked.header("User-Agent") == "Mozilla/5.0 (invented)"


def test_the_page_that_only_a_session_shows_is_asked_for(
    home: Places, engine: Engine, stub: ModuleType
) -> None:
    change_site(home, "session: {check: /orders}\n")
    desk = sessions.prepare(home, engine, "oldport", account="", now=NOW)
    with stub.OnionStub(lambda asked: stub.reply(WELCOME)) as tor:
        assert ask(desk, tor).good
    assert [asked.path for asked in tor.asked] == ["/orders"]


CAPTCHA = (
    '<form method="post"><p>Are you human?</p><img alt="captcha" src="/c.png"><input name="captcha"></form>'
)
LOGIN = '<form method="post"><input name="user"><input type="password" name="password"></form>'


@pytest.mark.parametrize(
    ("answer", "gate", "words"),
    [
        (("reply", CAPTCHA, {}), "captcha", "captcha"),
        (("reply", LOGIN, {}), "login", "login"),
        (("reply", "", {"status": "302 Found", "more": ("Location: /login",)}), "login", "login page"),
        (("reply", "", {"status": "302 Found", "more": ("Location: /elsewhere",)}), "unknown", "sends us on"),
        (("reply", "<p>busy</p>", {"status": "503 Busy"}), "down", "trouble"),
        (("reply", "<p>no</p>", {"status": "403 No"}), "login", "refuses"),
        (("reply", b"\x1f\x8bbroken", {"more": ("Content-Encoding: gzip",)}), "", "cannot be read"),
    ],
)
def test_a_session_that_is_not_good_is_refused_in_words(
    desk: sessions.Desk, stub: ModuleType, answer: tuple[str, Any, dict[str, Any]], gate: str, words: str
) -> None:
    _, body, more = answer
    with stub.OnionStub(lambda asked: stub.reply(body, **more)) as tor:
        found = ask(desk, tor)
    assert (found.good, found.gate) == (False, gate)
    assert words in found.message
    assert len(tor.asked) == 1


def test_a_redirect_is_never_followed(desk: sessions.Desk, stub: ModuleType) -> None:
    more = ("Location: http://clear.example/",)
    with stub.OnionStub(lambda asked: stub.reply("", status="302 Found", more=more)) as tor:
        assert not ask(desk, tor).good
    assert [host for _, _, host, _ in tor.opened] == [desk.config.addresses[0]]


def test_a_bomb_is_not_unpacked(desk: sessions.Desk, stub: ModuleType) -> None:
    import gzip

    bomb = gzip.compress(b"\0" * 64_000_000)
    with stub.OnionStub(lambda asked: stub.reply(bomb, more=("Content-Encoding: gzip",))) as tor:
        assert "cannot be read" in ask(desk, tor).message


def test_a_site_that_says_nothing_is_not_waited_for(desk: sessions.Desk, stub: ModuleType) -> None:
    with stub.OnionStub(lambda asked: stub.reply(WELCOME), delay=60) as tor:
        found = ask(desk, tor, timeout=1.0)
    assert not found.good
    assert "no answer" in found.message


def test_what_fails_is_said_without_the_credentials(desk: sessions.Desk, stub: ModuleType) -> None:
    with stub.OnionStub(lambda asked: stub.reply(""), socks_code=lambda host: 0xF0) as tor:
        found = ask(desk, tor)
    assert not found.good
    assert all(secret not in found.message for secret in (*desk.isolation.credentials(), "topsecret"))


def test_nothing_is_asked_off_this_machine(desk: sessions.Desk) -> None:
    jar = sessions.take_cookies(desk, "a=b", now=NOW)
    with pytest.raises(ValueError, match=r"127\.0\.0\.1|this machine|loopback"):
        sessions.check_cookies(
            desk, jar, onion=desk.config.addresses[0], user_agent="x", socks=("192.0.2.1", 9050)
        )


def test_cookies_go_to_their_own_paths_only(home: Places, engine: Engine, stub: ModuleType) -> None:
    desk = sessions.prepare(home, engine, "oldport", account="", now=NOW)
    cookies = '[{"name": "all", "value": "1"}, {"name": "shop", "value": "2", "path": "/shop"}]'
    with stub.OnionStub(lambda asked: stub.reply(WELCOME)) as tor:
        ask(desk, tor, cookies)
    assert tor.asked[0].header("Cookie") == "all=1"


def test_a_kept_session_is_sealed_and_holds_for_the_sites_time(
    home: Places, engine: Engine, desk: sessions.Desk
) -> None:
    ends, sent = keep(home, engine, desk)
    assert (ends, sent) == (NOW + HOUR, [])
    stored = row(engine, desk)
    assert (stored.state, stored.expires_at, stored.opened_by) == ("ok", NOW + HOUR, "ana")
    assert stored.sealed is not None
    assert desk.vault.unseal(stored.sealed) == {
        "account": "",
        "user_agent": "Agent/1",
        "onion": desk.config.addresses[0],
        "cookies": [
            {"name": "sid", "value": "topsecret", "path": "/", "secure": False, "expires": None, "host": ""}
        ],
    }


def test_a_session_ends_with_the_first_of_its_cookies(
    home: Places, engine: Engine, desk: sessions.Desk
) -> None:
    soon = NOW + timedelta(minutes=10)
    ends, _ = keep(home, engine, desk, f'[{{"name": "sid", "value": "x", "expires": {soon.timestamp()}}}]')
    assert ends == soon


def test_the_runs_that_wait_for_it_go_on_as_themselves(
    home: Places, engine: Engine, desk: sessions.Desk
) -> None:
    run_id = waiting_run(home, engine)
    assert keep(home, engine, desk)[1] == [run_id]
    view = find_run(engine, run_id)
    assert (view.id, view.state, view.waits_for) == (run_id, "queued", "")
    with open_client(home) as client:
        queued = [flow.workflow_id for flow in client.list_workflows(status="ENQUEUED")]
    assert [name.startswith(f"run-{run_id}-") for name in queued] == [True]


def test_a_run_of_another_account_waits_on(home: Places, engine: Engine, desk: sessions.Desk) -> None:
    member = sessions.prepare(home, engine, "oldport", account="grey_heron", now=NOW)
    run_id = waiting_run(home, engine, account=member.account_key)
    assert keep(home, engine, desk)[1] == []
    assert find_run(engine, run_id).waits_for == "person"
    assert keep(home, engine, member)[1] == [run_id]


def test_cookies_of_a_circuit_that_is_gone_are_not_kept(
    home: Places, engine: Engine, desk: sessions.Desk
) -> None:
    renew_circuit(engine, site_id=desk.site_id, account_key="", circuit="another", now=NOW)
    with pytest.raises(JobError, match="has begun on another circuit meanwhile"):
        keep(home, engine, desk)
    assert row(engine, desk).sealed is None


def test_closing_forgets_it_and_says_whether_there_was_one(
    home: Places, engine: Engine, desk: sessions.Desk
) -> None:
    keep(home, engine, desk)
    assert sessions.close_session(home, engine, "oldport", account="", by="ana", now=NOW) is True
    assert sessions.close_session(home, engine, "oldport", account="", by="ana", now=NOW) is False
    assert row(engine, desk).sealed is None


@pytest.mark.parametrize("text", ["a\nb", "ключ", "x" * 301])
def test_a_user_agent_that_cannot_be_sent_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="user agent"):
        sessions.read_user_agent(text)


def test_tor_browsers_user_agent_is_taken_when_none_is_said() -> None:
    assert sessions.read_user_agent(" ") == USER_AGENT


def test_without_a_tor_that_stays_the_next_step_is_named(
    home: Places, desk: sessions.Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.hold.ensure_worker", lambda places: False)
    monkeypatch.setattr("jobs.hold.STALL_SECONDS", 0.5)
    with pytest.raises(JobError, match="TUSKWATCH_TOR_CONTROL_PORT"):
        sessions.find_circuit(home, desk)


def test_the_log_of_what_was_done_holds_no_name_and_no_cookie(home: Places, engine: Engine) -> None:
    desk = sessions.prepare(home, engine, "oldport", account="grey_heron", now=NOW)
    keep(home, engine, desk)
    with reading(engine) as session:
        details = [
            (entry.action, entry.subject, str(entry.detail)) for entry in find_entries(session, limit=100)
        ]
    assert "session.open" in [action for action, _, _ in details]
    assert all("grey_heron" not in str(each) and "topsecret" not in str(each) for each in details)
    assert all(desk.account_key not in str(each) for each in details)


def test_nothing_of_it_is_in_the_data_folder(
    home: Places, engine: Engine, find: Callable[[Path, bytes], list[Path]]
) -> None:
    desk = sessions.prepare(home, engine, "oldport", account="grey_heron", now=NOW)
    waiting_run(home, engine, account=desk.account_key)
    keep(home, engine, desk)
    with pytest.raises(JarError):
        sessions.take_cookies(desk, "sid=topsecret\x00", now=NOW)
    assert home.key_file is not None
    key = home.key_file.read_bytes().splitlines()[-1]
    for secret in (
        b"grey_heron",
        b"topsecret",
        b"Agent/1",
        key,
        *(word.encode() for word in desk.isolation.credentials()),
    ):
        assert find(home.data, secret) == []
    # The search itself finds what is there.
    assert find(home.data, desk.account_key.encode()) != []


@pytest.fixture
def find() -> Callable[[Path, bytes], list[Path]]:
    def search(folder: Path, secret: bytes) -> list[Path]:
        return [path for path in folder.rglob("*") if path.is_file() and secret in path.read_bytes()]

    return search


def test_a_gate_is_opened_at_addresses_that_a_crawl_may_ask(
    home: Places, engine: Engine, desk: sessions.Desk, stub: ModuleType
) -> None:
    (own,) = desk.config.addresses
    approved, proposed = stub.make_onion("approved"), stub.make_onion("proposed")
    propose_addresses(
        engine, site_id=desk.site_id, found=dict.fromkeys((approved, proposed), "signed"), page_id=1,
        signed_by="f" * 40, now=NOW,
    )  # fmt: skip
    for onion, yes in ((approved, True), (own, False)):
        decide_address(engine, site_id=desk.site_id, onion=onion, approve=yes, by="ana", now=NOW)
    again = sessions.prepare(home, engine, "oldport", account="", now=NOW)
    assert again.config.addresses == (approved,)
    assert sessions.find_onion(again, sessions.view_session(engine, again, now=NOW)) == approved
    jar = sessions.take_cookies(again, f"{approved}\tFALSE\t/\tFALSE\t0\tsid\tright\n", now=NOW)
    assert ([cookie.name for cookie in jar.cookies], jar.foreign) == (["sid"], 0)
