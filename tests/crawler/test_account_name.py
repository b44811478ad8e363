"""A page that shows the account's name is marked as such, and the name is written nowhere else."""

from __future__ import annotations

import gzip
import stat
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any

import pytest

from crawler.account import Account
from crawler.sites import load_site
from crawler.vault import Vault, make_key
from storage.pages import NAMES_ACCOUNT, join_notes, names_account
from storage.sessions import ensure_session, open_session

NAME = "Ana-on-the-port"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("Welcome, Ana-on-the-port!", True),
        ("welcome, ANA-ON-THE-PORT", True),
        ("/u/ana-on-the-port/orders", True),
        ("Banana-on-the-port", False),
        ("ana-on-the-ports", False),
        ("Ana on the port", False),
        ("", False),
    ],
)
def test_a_name_is_found_as_a_whole_and_in_any_case(place: Any, text: str, named: bool) -> None:
    place.write_site()
    config = load_site(place.data / "sites" / "oldport")
    opened = {"account": NAME, "cookies": []}
    account = Account(place.engine, config, site_id=1, key="k", circuit="c", opened=opened)
    assert account.is_named(text) is named


def test_without_a_name_no_text_is_named(place: Any) -> None:
    place.write_site()
    config = load_site(place.data / "sites" / "oldport")
    account = Account(place.engine, config, site_id=1, key="", circuit="c", opened={"cookies": []})
    assert (account.has_name, account.is_named("Welcome, guest")) == (False, False)


def test_notes_are_joined_and_the_mark_is_found_among_them() -> None:
    assert join_notes("", NAMES_ACCOUNT) == NAMES_ACCOUNT
    assert names_account(join_notes("cut off", NAMES_ACCOUNT))
    assert not names_account("cut off")


def test_pages_that_show_the_name_are_marked_and_say_it_nowhere(place: Any, stub: ModuleType) -> None:
    place.write_site()
    key_file = place.data.parent / "session.key"
    make_key(key_file, data=place.data, now=place.now)
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    environment = place.environment
    place.environment = lambda socks: environment(socks) | {"TUSKWATCH_KEY_FILE": str(key_file)}
    now = datetime.now(UTC)
    sealed = Vault(key_file, data=place.data).seal({"account": NAME, "cookies": []})
    ensure_session(place.engine, site_id=place.site_id, circuit="f" * 32, now=now)
    open_session(
        place.engine, site_id=place.site_id, account_key="", sealed=sealed, by="ana", expires_at=now + timedelta(hours=1),
        now=now,
    )  # fmt: skip

    def answer(asked: Any) -> bytes:
        if asked.path == "/":
            return bytes(stub.html("Home", ["/p/1", "/p/2", "/p/3"], text="A house of many things. " * 4))
        if asked.path == "/p/1":
            return bytes(stub.html("Thing", text="You are known here as ana&#45;on-the-port."))
        if asked.path == "/p/2":
            packed = gzip.compress(b"<html><body><h1>Hello Ana-on-the-port</h1></body></html>", mtime=0)
            return bytes(stub.reply(packed, more=("Content-Encoding: gzip",)))
        return bytes(stub.html("Thing", text="It says no name. " * 5))

    with stub.OnionStub(answer) as tor:
        crawled = place.crawl(tor.socks)
    assert crawled.code == 0, crawled.err
    notes = {page.url.rpartition("/")[2]: page.note for page in place.pages()}
    assert notes == {"": "", "1": NAMES_ACCOUNT, "2": NAMES_ACCOUNT, "3": ""}
    assert {row.state for row in place.frontier()} == {"done"}
    said = "\n".join([place.log(crawled.run), crawled.err, *(f"{issue.kind} {issue.message}" for issue in place.issues())])  # fmt: skip
    assert NAME.lower() not in said.lower()
    assert "unreadable-page" not in said
