"""The clock of a session: what a site must do to the cookies that a person brought for it to begin anew."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from scrapy import Request
from scrapy.http import Response

from crawler.account import Account, open_account
from crawler.errors import VaultError
from crawler.mirrors import Mirrors
from crawler.pages import Job
from crawler.sites import load_site
from crawler.upkeep import KEEP_SECONDS, Upkeep
from crawler.vault import Vault, make_key
from storage.engine import reading
from storage.sessions import close_session, ensure_session, find_session, open_session
from storage.tables import SiteSession

BEGAN = datetime.now(UTC).replace(microsecond=0)
"""Of the real clock: the standard library's jar drops what is over by it."""
LATER = BEGAN + timedelta(minutes=40)
HOUR = timedelta(hours=1)


class Session:
    """A session opened at BEGAN for an hour, with one cookie "pass" that a person brought."""

    def __init__(self, place: Any, *, ends: datetime | None = None) -> None:
        place.write_site(start=["/"])
        self.place = place
        key_file = place.data.parent / "session.key"
        make_key(key_file, data=place.data, now=BEGAN)
        self.vault = Vault(key_file, data=place.data)
        cookie = {
            "name": "pass", "value": "v1", "path": "/", "secure": False, "expires": ends.timestamp() if ends else None
        }  # fmt: skip
        ensure_session(place.engine, site_id=place.site_id, circuit="f" * 32, now=BEGAN)
        open_session(
            place.engine, site_id=place.site_id, account_key="", sealed=self.vault.seal({"cookies": [cookie]}), by="ana",
            expires_at=BEGAN + HOUR, now=BEGAN,
        )  # fmt: skip
        self.config = load_site(place.data / "sites" / "oldport")
        self.account: Account = open_account(
            place.engine, self.config, site_id=place.site_id, key="", key_file=key_file, data=place.data,
            goes_on=True, now=BEGAN,
        )  # fmt: skip

    def answer(self, *cookies: str) -> None:
        request = Request(f"http://{self.place.onion}/")
        self.account.jar.read(request, Response(request.url, headers={"Set-Cookie": list(cookies)}))

    def keep(self, now: datetime = LATER) -> bool:
        return self.account.keep(self.place.onion, now=now)

    def row(self) -> SiteSession:
        with reading(self.place.engine) as session:
            row = find_session(session, site_id=self.place.site_id)
        assert row is not None
        return row

    def cookies(self) -> dict[str, str]:
        sealed = self.row().sealed
        assert sealed is not None
        return {each["name"]: each["value"] for each in self.vault.unseal(sealed)["cookies"]}


@pytest.mark.parametrize(
    ("answers", "kept", "cookies", "longer"),
    [
        ((), False, {"pass": "v1"}, False),
        (("pass=v1; Path=/",), False, {"pass": "v1"}, False),
        (("pass=v2; Path=/",), True, {"pass": "v2"}, True),
        (("csrf=a1; Path=/",), True, {"pass": "v1", "csrf": "a1"}, False),
        (("pass=; Path=/; Max-Age=0",), False, {"pass": "v1"}, False),
        (("pass=; Path=/; Max-Age=0", "guest=g1; Path=/"), False, {"pass": "v1"}, False),
    ],
)
def test_only_a_renewed_cookie_of_the_person_sets_the_clock_anew(
    place: Any, answers: tuple[str, ...], kept: bool, cookies: dict[str, str], longer: bool
) -> None:
    session = Session(place)
    session.answer(*answers)
    assert session.keep() is kept
    assert session.cookies() == cookies
    until = LATER + HOUR if longer else BEGAN + HOUR
    assert (session.row().expires_at, session.account.expires_at) == (until, until)


def test_the_cookies_own_end_bounds_the_clock(place: Any) -> None:
    session = Session(place, ends=BEGAN + HOUR)
    session.answer("pass=v1; Path=/; Max-Age=5400")
    assert session.keep(datetime.now(UTC) + (LATER - BEGAN))
    until = session.row().expires_at
    assert until is not None
    now = datetime.now(UTC)  # a cookie's age counts from when it came, not from when this module was loaded
    assert now + timedelta(minutes=85) < until <= now + timedelta(minutes=90)


def test_a_cookie_that_the_site_set_beside_never_sets_the_clock_later(place: Any) -> None:
    session = Session(place)
    session.answer("csrf=a1; Path=/")
    assert session.keep(BEGAN + timedelta(minutes=1))
    session.answer("csrf=a2; Path=/")
    assert session.keep()
    assert session.row().expires_at == BEGAN + HOUR
    session.answer("pass=v2; Path=/")
    assert session.keep()
    assert session.row().expires_at == LATER + HOUR


def test_a_session_that_a_person_closed_meanwhile_stays_closed(place: Any) -> None:
    session = Session(place)
    close_session(place.engine, site_id=place.site_id, account_key="", by="ana", now=LATER)
    session.answer("pass=v2; Path=/")
    assert session.keep() is False
    assert (session.row().sealed, session.account.expires_at) == (None, BEGAN + HOUR)


def test_the_beat_keeps_the_session_once_a_minute_and_a_vault_in_trouble_stops_nothing(place: Any) -> None:
    session = Session(place)
    run = place.new_run()
    job = Job(
        engine=place.engine, config=session.config, site_id=place.site_id, run_id=run, sweep_id=run, now=lambda: LATER
    )  # fmt: skip
    mirrors = Mirrors(session.config.addresses, session.config.patience)
    upkeep = Upkeep(job, mirrors=mirrors, account=session.account)
    called: list[str] = []

    def keep(host: str, *, now: datetime) -> bool:
        called.append(host)
        raise VaultError("the key is gone")

    session.account.keep = keep  # type: ignore[method-assign]
    for at in (100.0, 102.0, 100.0 + KEEP_SECONDS, 102.0 + KEEP_SECONDS, 101.0 + 2 * KEEP_SECONDS):
        upkeep.beat(at=at)
    assert called == [place.onion, place.onion]
