"""Where we stand with a site: one row for each account, a circuit that stays, a session that is opened and closed."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from storage.audit import find_entries
from storage.engine import reading
from storage.sessions import (
    MAX_SEALED,
    close_session,
    ensure_session,
    find_session,
    find_sessions,
    is_open,
    note_standing,
    open_session,
    renew_circuit,
)
from storage.tables import SiteSession

if TYPE_CHECKING:
    from conftest import Store

HOUR = timedelta(hours=1)


def row(store: Store, site: int, account: str = "") -> SiteSession:
    with reading(store.engine) as session:
        found = find_session(session, site_id=site, account_key=account)
    assert found is not None
    return found


def ensure(store: Store, site: int, circuit: str = "c1", account: str = "") -> SiteSession:
    return ensure_session(store.engine, site_id=site, account_key=account, circuit=circuit, now=store.now)


def note(store: Store, site: int, state: str, *, page: int | None = None, later: int = 0) -> bool:
    return note_standing(
        store.engine, site_id=site, account_key="", state=state, message=f"it is {state}", page_id=page,
        now=store.now + timedelta(minutes=later),
    )  # fmt: skip


def opened(store: Store, site: int, sealed: bytes = b"sealed", account: str = "") -> None:
    open_session(
        store.engine, site_id=site, account_key=account, sealed=sealed, by="ana", expires_at=store.now + HOUR,
        now=store.now,
    )  # fmt: skip


def test_a_new_row_knows_nothing_and_has_the_circuit_given(store: Store) -> None:
    found = ensure(store, store.site())
    assert (found.state, found.circuit, found.since, found.sealed) == ("unknown", "c1", store.now, None)


def test_a_row_that_is_there_keeps_its_circuit(store: Store) -> None:
    site = store.site()
    ensure(store, site, "c1")
    assert ensure(store, site, "c2").circuit == "c1"


def test_each_site_and_account_has_a_row_of_its_own(store: Store) -> None:
    first, second = store.site("oldport"), store.site("reedmarket")
    for site, account in ((second, ""), (first, "k1"), (first, "")):
        ensure(store, site, f"{site}{account}", account)
    with reading(store.engine) as session:
        found = [(name, each.account_key) for each, name in find_sessions(session)]
    assert found == [("oldport", ""), ("oldport", "k1"), ("reedmarket", "")]


def test_a_gate_is_kept_with_its_page_and_time(store: Store) -> None:
    site = store.site()
    ensure(store, site)
    assert note(store, site, "captcha", page=7, later=5) is True
    found = row(store, site)
    assert (found.state, found.message, found.page_id) == ("captcha", "it is captcha", 7)
    assert found.since == store.now + timedelta(minutes=5)


def test_the_same_gate_again_moves_the_page_and_not_the_time(store: Store) -> None:
    site = store.site()
    ensure(store, site)
    note(store, site, "captcha", page=7, later=5)
    assert note(store, site, "captcha", page=8, later=9) is False
    found = row(store, site)
    assert (found.page_id, found.since) == (8, store.now + timedelta(minutes=5))


def test_content_again_forgets_the_gate(store: Store) -> None:
    site = store.site()
    ensure(store, site)
    note(store, site, "queue", page=7)
    assert note(store, site, "ok", page=9) is True
    found = row(store, site)
    assert (found.state, found.message, found.page_id) == ("ok", "", None)


def test_standing_of_an_account_without_a_row_is_a_defect(store: Store) -> None:
    with pytest.raises(LookupError):
        note(store, store.site(), "captcha")


def test_an_opened_session_is_open_until_its_time_is_over(store: Store) -> None:
    site = store.site()
    ensure(store, site)
    note(store, site, "captcha", page=7)
    opened(store, site)
    found = row(store, site)
    assert (found.state, found.sealed, found.page_id, found.opened_by) == ("ok", b"sealed", None, "ana")
    assert is_open(found, now=store.now + HOUR - timedelta(seconds=1))
    assert not is_open(found, now=store.now + HOUR)


@pytest.mark.parametrize(
    ("state", "still"),
    [("login", False), ("captcha", False), ("banned", False), ("queue", True), ("down", True)],
)
def test_a_gate_after_the_opening_ends_it_unless_the_site_is_in_trouble(
    store: Store, state: str, still: bool
) -> None:
    site = store.site()
    ensure(store, site)
    opened(store, site)
    note(store, site, state, page=3)
    assert is_open(row(store, site), now=store.now) is still


def test_nothing_is_open_where_there_is_no_row(store: Store) -> None:
    assert not is_open(None, now=store.now)


def test_opening_and_closing_are_in_the_log_without_the_key_of_the_account(store: Store) -> None:
    site = store.site()
    ensure(store, site, account="k1")
    opened(store, site, account="k1")
    assert close_session(store.engine, site_id=site, account_key="k1", by="ben", now=store.now) is True
    with reading(store.engine) as session:
        close, open_ = find_entries(session, limit=2)
    assert (open_.actor, open_.action, open_.subject) == ("ana", "session.open", "site oldport")
    assert open_.detail == {"account": True, "until": (store.now + HOUR).isoformat()}
    assert (close.actor, close.action, close.detail) == ("ben", "session.close", {"account": True})


def test_a_closed_session_holds_nothing_sealed(store: Store) -> None:
    site = store.site()
    ensure(store, site)
    opened(store, site)
    close_session(store.engine, site_id=site, account_key="", by="ana", now=store.now)
    found = row(store, site)
    assert (found.sealed, found.expires_at, found.state) == (None, None, "unknown")


def test_what_was_never_opened_cannot_be_closed(store: Store) -> None:
    site = store.site()
    ensure(store, site)
    assert close_session(store.engine, site_id=site, account_key="", by="ana", now=store.now) is False
    assert close_session(store.engine, site_id=site, account_key="k9", by="ana", now=store.now) is False


def test_a_new_identity_is_a_new_circuit(store: Store) -> None:
    site = store.site()
    ensure(store, site)
    renew_circuit(store.engine, site_id=site, account_key="", circuit="c2", now=store.now)
    assert row(store, site).circuit == "c2"


def test_never_a_new_identity_inside_an_open_session(store: Store) -> None:
    site = store.site()
    ensure(store, site)
    opened(store, site)
    with pytest.raises(ValueError, match="this session is open"):
        renew_circuit(store.engine, site_id=site, account_key="", circuit="c2", now=store.now)
    renew_circuit(store.engine, site_id=site, account_key="", circuit="c3", now=store.now + HOUR)
    assert row(store, site).circuit == "c3"


def test_a_sealed_session_has_a_bound(store: Store) -> None:
    site = store.site()
    ensure(store, site)
    with pytest.raises(ValueError, match="is more than"):
        opened(store, site, b"x" * (MAX_SEALED + 1))
