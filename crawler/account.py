"""Under which identity a run reads its site: circuit, cookies, user agent and clock of the session that a person opened.

Public names: Account, open_account.

A session keeps its circuit over runs, because sites tie cookies to it; an unfinished sweep keeps it, too. Only a new sweep
without an open session begins as somebody else. Nothing here is ever changed inside a run. Cookies and names are plain in
the memory of the crawl process only.
"""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from crawler.cookies import SiteJar
from crawler.errors import CrawlError, VaultError
from crawler.isolation import Isolation
from crawler.sites import SiteConfig
from crawler.vault import Vault
from storage.engine import reading
from storage.sealed import renew_sealed
from storage.sessions import ensure_session, find_session, note_standing, renew_circuit

RUN_OUT = "the session has run out"
NEEDED = "the site can be read with an account only, and no session is open"
_HOLDING = ("ok", "queue", "limited", "down", "not_found")
"""States that say nothing against an open session."""
_LARGEST = datetime(9999, 1, 1, tzinfo=UTC).timestamp()
_USER_AGENT = re.compile(r"[\x20-\x7e]{1,300}")


class Account:
    """Where one run stands with its site; `isolation`, `jar` and `user_agent` are for its requests."""

    def __init__(
        self,
        engine: Engine,
        config: SiteConfig,
        *,
        site_id: int,
        key: str,
        circuit: str,
        state: str = "unknown",
        sealed: bytes | None = None,
        opened: Mapping[str, Any] | None = None,
        expires_at: datetime | None = None,
        vault: Vault | None = None,
    ) -> None:
        """opened: what was sealed, of a session that holds; None without one."""
        self._engine = engine
        self._site_id = site_id
        self._key = key
        self._sealed = sealed
        self._opened = dict(opened) if opened is not None else None
        self._vault = vault
        self._needed = config.session.accounts
        self._lifetime = timedelta(seconds=config.session.lifetime)
        self._said = (state, "")
        self.state = state
        """As the database had it when the run began."""
        self.expires_at = expires_at if opened is not None else None
        self.isolation = Isolation(config.name, key, circuit)
        name = _fold(str(self._opened.get("account") or "")).strip() if self._opened else ""
        self._name = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)") if name else None
        given = self._opened.get("cookies", []) if self._opened else []
        self.jar = SiteJar(_check_cookies(given), hosts=config.addresses)
        agent = str(self._opened.get("user_agent") or "") if self._opened else ""
        self.user_agent = agent if _USER_AGENT.fullmatch(agent) else ""

    @property
    def is_open(self) -> bool:
        """Does this run use a session that a person opened?"""
        return self._opened is not None

    @property
    def has_name(self) -> bool:
        return self._name is not None

    def is_named(self, text: str) -> bool:
        """Does this text, as a page shows it, hold the name under which we read the site? False without a name."""
        return self._name is not None and self._name.search(_fold(text)) is not None

    def find_need(self, now: datetime) -> str:
        """Why a person is needed before the next request; "" when none is."""
        if self.expires_at is not None and now >= self.expires_at:
            return RUN_OUT
        return NEEDED if self._needed and self._opened is None else ""

    def note(self, state: str, message: str, *, page_id: int | None, now: datetime) -> None:
        """Keep where we stand, when it changed."""
        if (state, message) == self._said:
            return
        if state == "ok" and self._said == ("login", RUN_OUT):
            return  # an answer to what was asked before the session's time was over
        self._said = (state, message)
        note_standing(
            self._engine,
            site_id=self._site_id,
            account_key=self._key,
            state=state,
            message=message,
            page_id=page_id,
            now=now,
        )

    def keep(self, host: str, *, now: datetime) -> bool:
        """Seal what the site renewed in the jar of `host`, so that the session lasts; was there anything to keep?

        The session's clock begins anew only when the site gave one of the cookies that a person brought a new value or a
        later end, and took none of them away: what else a site sets says nothing of the session. It never goes beyond
        the end that the site itself gave those cookies. Where it took one away and renewed none we are logged out: what
        was sealed stays, and the site's next page will say so.
        """
        if self._opened is None or self._sealed is None or self._vault is None:
            return False
        cookies = self.jar.cookies(host)
        before = {_place(each): each for each in _check_cookies(self._opened["cookies"])}
        after = {_place(each): each for each in cookies}
        brought = _read_brought(self._opened) or list(before)
        renewed = any(_is_newer(before.get(place), after.get(place)) for place in brought)
        lost = any(place not in after for place in brought)
        if not cookies or (lost and not renewed):
            return False
        if not renewed and sorted(map(_identity, cookies)) == sorted(map(_identity, before.values())):
            return False
        ends = None
        if renewed and not lost and self.expires_at is not None:
            until = [now + self._lifetime, *(_read_end(after[place]) for place in brought)]
            ends = max(self.expires_at, min(each for each in until if each is not None))
        opened = {**self._opened, "cookies": cookies, "brought": brought}
        new = self._vault.seal(opened)
        kept = renew_sealed(
            self._engine,
            site_id=self._site_id,
            account_key=self._key,
            old=self._sealed,
            new=new,
            expires_at=ends,
        )
        if kept:
            self._opened, self._sealed = opened, new
            self.expires_at = ends or self.expires_at
        return kept


def open_account(
    engine: Engine,
    config: SiteConfig,
    *,
    site_id: int,
    key: str,
    key_file: Path | None,
    data: Path,
    goes_on: bool,
    now: datetime,
) -> Account:
    """The account of one run. goes_on: it takes over an unfinished sweep.

    Raises CrawlError (VaultError) when a session is open and cannot be unsealed: the site must not meet us without it.
    """
    with reading(engine) as session:
        found = find_session(session, site_id=site_id, account_key=key)
        known = found is not None
    row = ensure_session(engine, site_id=site_id, account_key=key, circuit=secrets.token_hex(16), now=now)
    holds = (
        row.sealed is not None and row.state in _HOLDING and (row.expires_at is None or row.expires_at > now)
    )
    circuit = row.circuit
    if known and not holds and not goes_on:
        circuit = secrets.token_hex(16)
        renew_circuit(engine, site_id=site_id, account_key=key, circuit=circuit, now=now)
    if not holds or row.sealed is None:
        return Account(engine, config, site_id=site_id, key=key, circuit=circuit, state=row.state)
    if key_file is None:
        raise CrawlError(
            "a session of this site is open, and TUSKWATCH_KEY_FILE does not name the key file that unseals it. Start the "
            "crawl with `tuskwatch crawl`, which does."
        )
    vault = Vault(key_file, data=data)
    opened = vault.unseal(row.sealed)
    if not isinstance(opened.get("cookies"), list):
        raise VaultError('The stored session has no cookies. Open it again: "tuskwatch session open SITE".')
    return Account(
        engine,
        config,
        site_id=site_id,
        key=key,
        circuit=circuit,
        state=row.state,
        sealed=row.sealed,
        opened=opened,
        expires_at=row.expires_at,
        vault=vault,
    )


def _check_cookies(given: Sequence[Any]) -> list[Mapping[str, Any]]:
    return [
        each
        for each in given
        if isinstance(each, dict) and isinstance(each.get("name"), str) and isinstance(each.get("value"), str)
    ]


def _identity(cookie: Mapping[str, Any]) -> tuple[str, str, str]:
    return str(cookie.get("name")), str(cookie.get("value")), str(cookie.get("path") or "/")


def _place(cookie: Mapping[str, Any]) -> tuple[str, str]:
    return str(cookie.get("name")), str(cookie.get("path") or "/")


def _read_brought(opened: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Which cookies a person brought, as an earlier `keep` sealed it beside all that the site set; empty before it."""
    said = opened.get("brought")
    return [
        (str(each[0]), str(each[1]))
        for each in (said if isinstance(said, list) else [])
        if isinstance(each, list | tuple) and len(each) == 2
    ]


def _is_newer(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> bool:
    if before is None or after is None:
        return False
    old, new = _read_end(before), _read_end(after)
    return before.get("value") != after.get("value") or (old is not None and new is not None and new > old)


def _read_end(cookie: Mapping[str, Any]) -> datetime | None:
    expires = cookie.get("expires")
    if not isinstance(expires, int | float) or isinstance(expires, bool):
        return None
    return datetime.fromtimestamp(min(max(float(expires), 0.0), _LARGEST), UTC)


def _fold(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()
