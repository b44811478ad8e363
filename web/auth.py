"""Auth: who is at the other end; passwords, sign-in, signed-in browsers, and the wait after wrong passwords.

Public names: Doorkeeper, hash_password, new_password, check_new_password, COOKIE, LIFETIME, routes.

The cookie holds a random token, the database its SHA-256: a stolen database opens no session, and signing out ends the
session on the server.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections import OrderedDict
from datetime import datetime, timedelta
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError
from sqlalchemy import Engine
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from storage import users
from storage.engine import reading
from web.visit import Person, Refusal, Visit, bad_input, go, route

COOKIE = "tuskwatch"
LIFETIME = timedelta(hours=12)
"""A working day; then the person signs in again."""

MIN_LENGTH = 12
MAX_LENGTH = 200
FREE_FAILURES = 5
"""Wrong passwords for one name from one place before a wait; then each doubles the wait, up to LONGEST_WAIT."""
FIRST_WAIT = timedelta(seconds=10)
LONGEST_WAIT = timedelta(minutes=15)
REMEMBERED = 2_000
"""Names and places whose failures are remembered; the oldest are forgotten first, so memory is bounded."""

_hasher = PasswordHasher()


def hash_password(password: str) -> str:
    """An argon2id hash with the library's present settings, salt inside."""
    return _hasher.hash(password)


@cache
def _nobody_hash() -> str:
    return hash_password(secrets.token_urlsafe(16))


def new_password() -> str:
    """A one-time password to read out or print: 20 letters and digits in groups of five, none easily confused."""
    letters = "abcdefghjkmnpqrstuvwxyz23456789"
    text = "".join(secrets.choice(letters) for _ in range(20))
    return "-".join(text[i : i + 5] for i in range(0, 20, 5))


def check_new_password(password: str, name: str) -> str | None:
    """What is wrong with a new password, in words; None when it will do."""
    if len(password) < MIN_LENGTH:
        return f"Choose at least {MIN_LENGTH} characters. Four random words are good."
    if len(password) > MAX_LENGTH:
        return f"Choose at most {MAX_LENGTH} characters."
    if len(set(password)) < 5 or (name and name.lower() in password.lower()):
        return "That is too easy to guess. Four random words are good."
    return None


class Failures:
    """Wrong sign-ins, counted in memory for each name and place. A restart forgets them; that is accepted."""

    def __init__(self) -> None:
        self._seen: OrderedDict[tuple[str, str], tuple[int, datetime]] = OrderedDict()
        self._lock = threading.Lock()

    def wait_until(self, key: tuple[str, str], *, now: datetime) -> datetime | None:
        with self._lock:
            count, last = self._seen.get(key, (0, now))
        if count < FREE_FAILURES:
            return None
        wait: timedelta = min(FIRST_WAIT * 2 ** min(count - FREE_FAILURES, 10), LONGEST_WAIT)
        return last + wait if last + wait > now else None

    def count(self, key: tuple[str, str], *, now: datetime) -> None:
        with self._lock:
            count, last = self._seen.pop(key, (0, now))
            count = 0 if now - last > LONGEST_WAIT * 2 else count
            self._seen[key] = (count + 1, now)
            while len(self._seen) > REMEMBERED:
                self._seen.popitem(last=False)

    def forget(self, key: tuple[str, str]) -> None:
        with self._lock:
            self._seen.pop(key, None)


class Doorkeeper:
    """Lets people in and out. One an app."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._failures = Failures()
        # Unknown names are checked against this, so that they take as long as known ones.
        self._nobody = _nobody_hash()

    def find_person(self, request: Request, *, now: datetime) -> Person | None:
        token = request.cookies.get(COOKIE, "")
        if not 20 <= len(token) <= 100:
            return None
        digest = hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
        with reading(self._engine) as session:
            login = users.find_login(session, digest, now=now)
            if login is None:
                return None
            user = login.user
            return Person(user.id, user.name, user.role, user.must_change, digest)

    def sign_in(self, name: str, password: str, *, remote: str, now: datetime) -> str:
        """The new token for the cookie; Refusal 403 or 429 in words otherwise."""
        key = (name.casefold(), remote)
        until = self._failures.wait_until(key, now=now)
        if until is not None:
            seconds = int((until - now).total_seconds()) + 1
            raise Refusal(429, f"Too many wrong passwords. Try again in {seconds} seconds.")
        with reading(self._engine) as session:
            user = users.find_user(session, name)
            usable = user is not None and user.disabled_at is None
            stored = user.password_hash if user is not None and usable else self._nobody
            user_id = user.id if user is not None else 0
        if not verify_password(stored, password) or not usable:
            self._failures.count(key, now=now)
            raise Refusal(403, "That name and password do not fit together.")
        self._failures.forget(key)
        return self._start_login(user_id, now=now)

    def _start_login(self, user_id: int, *, now: datetime) -> str:
        token = secrets.token_urlsafe(32)
        digest = hashlib.sha256(token.encode()).hexdigest()
        users.start_login(
            self._engine, user_id=user_id, token_sha256=digest, now=now, expires_at=now + LIFETIME
        )
        return token

    def sign_out(self, person: Person, *, now: datetime) -> None:
        users.end_login(self._engine, token_sha256=person.token_sha256, now=now)

    def change_password(self, person: Person, old: str, new: str, *, now: datetime) -> str:
        """Sets the new password, which signs the person out everywhere; the new token for this browser's cookie."""
        with reading(self._engine) as session:
            user = users.find_user(session, person.name)
            stored = user.password_hash if user is not None else self._nobody
        if not verify_password(stored, old):
            raise bad_input("The present password is wrong. Nothing was changed.")
        if old == new:
            raise bad_input("The new password is the old one. Choose another.")
        problem = check_new_password(new, person.name)
        if problem is not None:
            raise bad_input(problem)
        users.set_password(
            self._engine,
            user_id=person.id,
            password_hash=hash_password(new),
            must_change=False,
            by=person.name,
            now=now,
        )
        return self._start_login(person.id, now=now)


def verify_password(stored: str, password: str) -> bool:
    try:
        return _hasher.verify(stored, password)
    except (VerifyMismatchError, VerificationError, InvalidHashError):
        return False


def safe_next(path: str) -> str:
    """A path of ours to go to after signing in; anything that a browser could take for another site becomes "/"."""
    if not path.startswith("/") or path.startswith(("//", "/\\")) or any(ord(c) < 33 for c in path):
        return "/"
    return path


def show_signin(visit: Visit) -> Response:
    target = safe_next(visit.query.text("next", limit=2_000, default="/"))
    if visit.somebody is not None:
        return go(target)
    return visit.render("signin.html", next=target, problem="", name="")


def do_signin(visit: Visit) -> Response:
    name = visit.form.text("name", limit=100)
    password = _password(visit, "password")
    target = safe_next(visit.form.text("next", limit=2_000, default="/"))
    remote = visit.request.client.host if visit.request.client is not None else ""
    try:
        token = visit.web.doorkeeper.sign_in(name, password, remote=remote, now=visit.now)
    except Refusal as exc:
        return visit.render("signin.html", status=exc.status_code, next=target, problem=exc.detail, name=name)
    if visit.somebody is not None:
        visit.web.doorkeeper.sign_out(visit.somebody, now=visit.now)
    return _with_cookie(go(target), token)


def _with_cookie(response: Response, token: str) -> Response:
    response.set_cookie(
        COOKIE, token, max_age=int(LIFETIME.total_seconds()), path="/", httponly=True, samesite="strict"
    )
    return response


def do_signout(visit: Visit) -> Response:
    visit.web.doorkeeper.sign_out(visit.person, now=visit.now)
    response = go("/signin")
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")
    response.headers["clear-site-data"] = '"cache"'
    return response


def show_password(visit: Visit) -> Response:
    return visit.render("password.html", problem="")


def do_password(visit: Visit) -> Response:
    old, new, again = (_password(visit, field) for field in ("old", "new", "again"))
    try:
        if new != again:
            raise bad_input("The new password was not typed the same way twice.")
        token = visit.web.doorkeeper.change_password(visit.person, old, new, now=visit.now)
    except Refusal as exc:
        return visit.render("password.html", status=exc.status_code, problem=exc.detail)
    return _with_cookie(go("/", {"done": "password"}), token)


def _password(visit: Visit, name: str) -> str:
    """A password as typed: spaces at its ends count, so it is not stripped."""
    for value in visit.form.every(name):
        if len(value) > 1_000:
            raise bad_input("The password is too long.")
        return value
    raise bad_input(f"The field “{name}” is missing. Go back and fill in the form.")


routes: list[Route] = [
    route("/signin", show_signin, role=None),
    route("/signin", do_signin, role=None, method="POST"),
    route("/signout", do_signout, role="reader", method="POST"),
    route("/password", show_password, role="reader"),
    route("/password", do_password, role="reader", method="POST"),
]
