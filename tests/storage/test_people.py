"""People sign in and out, and who may not any more is out at once."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from storage.audit import find_entries
from storage.engine import reading
from storage.errors import StorageError
from storage.users import (
    disable_user,
    end_login,
    end_logins,
    find_login,
    find_user,
    find_users,
    set_password,
    start_login,
)

if TYPE_CHECKING:
    from conftest import Store

TOKEN = "f" * 64


def sign_in(store: Store, user: int, token: str = TOKEN) -> None:
    start_login(
        store.engine,
        user_id=user,
        token_sha256=token,
        expires_at=store.now + timedelta(hours=12),
        now=store.now,
    )


def is_in(store: Store, *, hours: float = 0, token: str = TOKEN) -> bool:
    with reading(store.engine) as session:
        return find_login(session, token, now=store.now + timedelta(hours=hours)) is not None


def test_a_login_carries_its_person_until_it_runs_out(store: Store) -> None:
    user = store.user()
    sign_in(store, user)
    with reading(store.engine) as session:
        login = find_login(session, TOKEN, now=store.now)
    assert login.user.name == "ana"
    assert is_in(store, hours=11.9)
    assert not is_in(store, hours=12)
    assert not is_in(store, token="0" * 64)


@pytest.mark.parametrize("way", ["end", "end all", "disable", "password"])
def test_signed_out(store: Store, way: str) -> None:
    user = store.user()
    sign_in(store, user)
    if way == "end":
        end_login(store.engine, token_sha256=TOKEN, now=store.now)
    elif way == "end all":
        end_logins(store.engine, user_id=user, now=store.now)
    elif way == "disable":
        disable_user(store.engine, user_id=user, by="root", now=store.now)
    else:
        set_password(
            store.engine, user_id=user, password_hash="new", must_change=False, by="ana", now=store.now
        )
    assert not is_in(store)


def test_a_name_is_given_once(store: Store) -> None:
    store.user("ana")
    with pytest.raises(StorageError, match="There is a user ana already"):
        store.user("ana")
    with pytest.raises(StorageError, match="owner is no role"):
        store.user("ben", role="owner")
    with reading(store.engine) as session:
        assert [user.name for user in find_users(session)] == ["ana"]


def test_a_hostile_name_finds_nobody_and_breaks_nothing(store: Store) -> None:
    store.user("ana")
    with reading(store.engine) as session:
        assert find_user(session, "ana\x00") is None
        assert find_user(session, "x" * 10_000) is None


def test_acts_on_people_are_logged_without_their_passwords(store: Store) -> None:
    user = store.user()
    set_password(
        store.engine, user_id=user, password_hash="secret-hash", must_change=True, by="root", now=store.now
    )
    with reading(store.engine) as session:
        entries = find_entries(session, limit=9)
    assert [entry.action for entry in entries] == ["user.password", "user.add"]
    assert "secret-hash" not in str([entry.detail for entry in entries])
