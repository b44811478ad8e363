"""People who may sign in, and the browsers that are signed in. Passwords arrive hashed, tokens as SHA-256.

Public names: ROLES, add_user, find_user, find_users, set_password, disable_user, start_login, find_login, end_login,
end_logins.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session, joinedload

from storage import audit
from storage.engine import lock, transaction
from storage.errors import StorageError
from storage.tables import Login, User

ROLES = ("reader", "reviewer", "analyst", "admin")
"""Each may do what those before it may."""


def add_user(
    engine: Engine, *, name: str, password_hash: str, role: str, must_change: bool, by: str, now: datetime
) -> int:
    """Add a person; their id. StorageError when the name is taken."""
    if role not in ROLES:
        raise StorageError(f"{role} is no role. Choose one of: {', '.join(ROLES)}.")
    with transaction(engine) as session:
        lock(session, "user")
        if find_user(session, name) is not None:
            raise StorageError(f"There is a user {name} already. Choose another name.")
        user = User(
            name=name, password_hash=password_hash, role=role, must_change=must_change, created_at=now
        )
        session.add(user)
        session.flush()
        detail = {"role": role, "must_change": must_change}
        audit.record(session, actor=by, action="user.add", subject=f"user {name}", detail=detail, now=now)
        return user.id


def find_user(session: Session, name: str) -> User | None:
    """The user of that name, disabled or not."""
    return session.scalar(select(User).where(User.name == name))


def find_users(session: Session) -> list[User]:
    return list(session.scalars(select(User).order_by(User.name)))


def set_password(
    engine: Engine, *, user_id: int, password_hash: str, must_change: bool, by: str, now: datetime
) -> None:
    """Change a password and sign the person out everywhere."""
    with transaction(engine) as session:
        user = _get(session, user_id)
        user.password_hash, user.must_change = password_hash, must_change
        _end_logins(session, user_id, now)
        audit.record(
            session, actor=by, action="user.password", subject=f"user {user.name}", detail={}, now=now
        )


def disable_user(engine: Engine, *, user_id: int, by: str, now: datetime) -> None:
    """Shut a person out at once. Their verdicts stay."""
    with transaction(engine) as session:
        user = _get(session, user_id)
        user.disabled_at = now
        _end_logins(session, user_id, now)
        audit.record(
            session, actor=by, action="user.disable", subject=f"user {user.name}", detail={}, now=now
        )


def start_login(
    engine: Engine, *, user_id: int, token_sha256: str, expires_at: datetime, now: datetime
) -> None:
    """Sign a browser in: it holds the token, we keep the token's SHA-256."""
    with transaction(engine) as session:
        user = _get(session, user_id)
        session.add(Login(token_sha256=token_sha256, user_id=user_id, created_at=now, expires_at=expires_at))
        audit.record(
            session, actor=user.name, action="user.sign_in", subject=f"user {user.name}", detail={}, now=now
        )


def find_login(session: Session, token_sha256: str, *, now: datetime) -> Login | None:
    """The login with its user, unless it ended, ran out, or the user is disabled."""
    return session.scalar(
        select(Login)
        .join(User, Login.user_id == User.id)
        .options(joinedload(Login.user))
        .where(
            Login.token_sha256 == token_sha256,
            Login.ended_at.is_(None),
            Login.expires_at > now,
            User.disabled_at.is_(None),
        )
    )


def end_login(engine: Engine, *, token_sha256: str, now: datetime) -> None:
    """Sign one browser out."""
    with transaction(engine) as session:
        session.execute(
            update(Login)
            .where(Login.token_sha256 == token_sha256, Login.ended_at.is_(None))
            .values(ended_at=now)
        )


def end_logins(engine: Engine, *, user_id: int, now: datetime) -> None:
    """Sign a person out everywhere."""
    with transaction(engine) as session:
        _end_logins(session, user_id, now)


def _end_logins(session: Session, user_id: int, now: datetime) -> None:
    session.execute(
        update(Login).where(Login.user_id == user_id, Login.ended_at.is_(None)).values(ended_at=now)
    )


def _get(session: Session, user_id: int) -> User:
    user = session.get(User, user_id)
    if user is None:
        raise LookupError(f"there is no user {user_id}")
    return user
