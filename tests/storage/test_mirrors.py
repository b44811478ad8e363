"""The life of an address: checked, proposed, approved, refused, dropped; and lists that are not accepted twice."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from storage.audit import find_entries, verify
from storage.engine import reading
from storage.mirrors import (
    accept_list,
    decide_address,
    find_accepted,
    find_known_onions,
    propose_addresses,
)
from storage.sites import RECHECK, find_addresses, find_usable, record_check, register_site
from storage.tables import Address

if TYPE_CHECKING:
    from conftest import Store

ONE, TWO, THREE = (letter * 56 + ".onion" for letter in "abc")
KEY = "f" * 40


def _register(store: Store, *onions: str, name: str = "oldport") -> int:
    return register_site(
        store.engine, name=name, title=name, config_sha256="1" * 64, onions=onions, now=store.now
    )


def _propose(store: Store, site: int, *onions: str) -> list[str]:
    return propose_addresses(
        store.engine, site_id=site, found=dict.fromkeys(onions, "signed page"), page_id=7, signed_by=KEY, now=store.now
    )  # fmt: skip


def _decide(store: Store, site: int, onion: str, approve: bool) -> tuple[str, str]:
    return decide_address(store.engine, site_id=site, onion=onion, approve=approve, by="ana", now=store.now)


def _row(store: Store, site: int, onion: str) -> Address:
    with reading(store.engine) as session:
        return next(row for row in find_addresses(session, site) if row.onion == onion)


def _states(store: Store, site: int) -> dict[str, str]:
    with reading(store.engine) as session:
        return {row.onion[0]: row.state for row in find_addresses(session, site)}


def _usable(store: Store, site: int) -> list[str]:
    with reading(store.engine) as session:
        return [row.onion for row in find_usable(session, site)]


def _check(store: Store, site: int, onion: str, state: str, **more: Any) -> None:
    record_check(
        store.engine, site_id=site, onion=onion, state=state, **{"seconds": None, "now": store.now} | more
    )


def test_a_dead_address_is_asked_again_after_half_an_hour(store: Store) -> None:
    site = _register(store, ONE)
    _check(store, site, ONE, "dead", reason="it is not published")
    row = _row(store, site, ONE)
    assert (row.state, row.reason, row.recheck_at) == ("dead", "it is not published", store.now + RECHECK)
    _check(store, site, ONE, "slow", seconds=12.5)
    row = _row(store, site, ONE)
    assert (row.state, row.reason, row.recheck_at, row.seconds) == ("slow", "", None, 12.5)


def test_a_check_finds_nothing_but_alive_slow_and_dead(store: Store) -> None:
    site = _register(store, ONE)
    with pytest.raises(ValueError, match="alive, slow or dead"):
        _check(store, site, ONE, "refused")
    with pytest.raises(LookupError):
        _check(store, site, TWO, "alive")


@pytest.mark.parametrize("barred", ["proposed", "refused", "dropped"])
def test_a_check_that_comes_late_does_not_undo_what_a_person_said(store: Store, barred: str) -> None:
    site = _register(store, ONE, TWO)
    onion = {"proposed": THREE, "refused": TWO, "dropped": ONE}[barred]
    _propose(store, site, THREE)
    _decide(store, site, TWO, approve=False)
    _register(store, TWO)
    _check(store, site, onion, "alive", seconds=1.0)
    assert _row(store, site, onion).state == barred
    assert _usable(store, site) == []


def test_a_proposed_address_waits_for_a_person(store: Store) -> None:
    site = _register(store, ONE)
    assert _propose(store, site, ONE, TWO, TWO) == [TWO]
    row = _row(store, site, TWO)
    assert (row.state, row.source, row.found_on, row.signed_by) == ("proposed", "page", 7, KEY)
    assert _usable(store, site) == [ONE]
    assert _decide(store, site, TWO, approve=True) == ("proposed", "unverified")
    assert _usable(store, site) == [ONE, TWO]
    assert (_row(store, site, TWO).decided_by, _row(store, site, TWO).decided_at) == ("ana", store.now)
    assert _propose(store, site, TWO) == []


def test_what_was_refused_is_neither_used_nor_proposed_again(store: Store) -> None:
    site = _register(store, ONE)
    _propose(store, site, TWO)
    assert _decide(store, site, TWO, approve=False) == ("proposed", "refused")
    assert _propose(store, site, TWO) == []
    assert _usable(store, site) == [ONE]
    _register(store, ONE, TWO)  # somebody writes it into the file all the same
    assert _usable(store, site) == [ONE]
    assert _decide(store, site, TWO, approve=True) == ("refused", "unverified")
    assert _usable(store, site) == [ONE, TWO]


def test_an_approved_address_outlives_a_new_site_file(store: Store) -> None:
    site = _register(store, ONE)
    _propose(store, site, TWO, THREE)
    _decide(store, site, TWO, approve=True)
    _check(store, site, TWO, "alive", seconds=1.0)
    _register(store, ONE)
    assert _states(store, site) == {"a": "unverified", "b": "alive", "c": "proposed"}


def test_writing_a_proposed_address_into_the_site_file_approves_it(store: Store) -> None:
    site = _register(store, ONE)
    _propose(store, site, TWO)
    _register(store, ONE, TWO)
    assert _usable(store, site) == [ONE, TWO]
    _register(store, ONE)
    assert _states(store, site) == {"a": "unverified", "b": "dropped"}


def test_what_left_the_site_file_may_be_proposed_and_not_simply_approved(store: Store) -> None:
    site = _register(store, ONE, TWO)
    _register(store, ONE)
    with pytest.raises(ValueError, match="left the site file"):
        _decide(store, site, TWO, approve=True)
    assert _propose(store, site, TWO) == [TWO]
    assert _decide(store, site, TWO, approve=True) == ("proposed", "unverified")


def test_a_page_address_without_a_decision_is_never_usable(store: Store) -> None:
    """However its state came about."""
    from storage.engine import transaction

    site = _register(store, ONE)
    with transaction(store.engine) as session:
        session.add(Address(site_id=site, onion=TWO, state="alive", source="page"))
    assert _usable(store, site) == [ONE]


def test_approving_what_is_in_use_changes_nothing(store: Store) -> None:
    site = _register(store, ONE)
    _check(store, site, ONE, "alive", seconds=1.0)
    assert _decide(store, site, ONE, approve=True) == ("alive", "alive")
    with reading(store.engine) as session:
        assert find_entries(session, limit=10) == []


def test_each_decision_leaves_an_audit_row_that_nobody_can_click(store: Store) -> None:
    site = _register(store, ONE)
    _propose(store, site, TWO)
    _decide(store, site, TWO, approve=False)
    _decide(store, site, TWO, approve=True)
    with reading(store.engine) as session:
        rows = [(row.actor, row.action, row.subject) for row in find_entries(session, limit=10)]
        details = str([row.detail for row in find_entries(session, limit=10)])
        assert verify(session) == []
    assert rows == [
        ("ana", "mirror.approve", "site oldport"),
        ("ana", "mirror.refuse", "site oldport"),
        ("crawler", "mirror.propose", "site oldport"),
    ]
    assert TWO not in details
    assert "b[.]onion" in details


def _accept(store: Store, site: int, minutes: float, key: str = KEY) -> bool:
    return accept_list(
        store.engine, site_id=site, signed_at=store.now + timedelta(minutes=minutes), fingerprint=key,
        page_id=7, count=3, now=store.now,
    )  # fmt: skip


def test_an_older_list_is_not_accepted_after_a_newer_one(store: Store) -> None:
    site, other = _register(store, ONE), _register(store, TWO, name="newport")
    assert [_accept(store, site, minutes) for minutes in (5, 5, 4, 9, 5)] == [True, True, False, True, False]
    assert _accept(store, other, 1)
    assert _accept(store, site, 1, key="e" * 40)  # a new key on file begins anew
    with reading(store.engine) as session:
        accepted = find_accepted(session, other)
        assert accepted is not None
        assert accepted.signed_at == store.now + timedelta(minutes=1)
        assert len(find_entries(session, limit=10)) == 4


def test_what_a_phisher_would_copy_is_what_people_wrote_down_or_approved(store: Store) -> None:
    site, other = _register(store, ONE), _register(store, TWO, name="newport")
    _propose(store, site, THREE)
    with reading(store.engine) as session:
        assert find_known_onions(session) == [ONE, TWO]
        assert find_known_onions(session, except_site=other) == [ONE]
    _decide(store, site, THREE, approve=True)
    _decide(store, site, ONE, approve=False)
    with reading(store.engine) as session:
        assert find_known_onions(session) == [TWO, THREE]
