"""Visit: one request as the pages see it, checked and with plain values.

Public names: Visit, Web, Person, Refusal, bad_input, not_found, route, View, Form.

Every page is a plain function `(Visit) -> Response`, run in a thread because the database is synchronous. `route` does
for all of them what must never be forgotten: who is signed in, what their role allows, how large a form may be.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, urlencode

from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

if TYPE_CHECKING:
    from jobs.places import Places
    from web.auth import Doorkeeper
    from web.screen import Screen

MAX_FORM = 65_536
"""Bytes of a form; the longest field is a note."""

MAX_ID = 2**31 - 1
ROLES = ("reader", "reviewer", "analyst", "admin")
"""Each may do what those before it may."""

_NUMBER = re.compile(r"[0-9]{1,19}", re.ASCII)


class Refusal(HTTPException):
    """An answer other than the page asked for; `detail` is a sentence for the person, with the next step."""


def bad_input(sentence: str) -> Refusal:
    return Refusal(400, sentence)


def not_found(what: str) -> Refusal:
    return Refusal(404, f"There is no such {what}. It may never have existed, or the address was cut off.")


@dataclass(frozen=True)
class Person:
    """Who is signed in, and by which browser."""

    id: int
    name: str
    role: str
    must_change: bool
    token_sha256: str

    def may(self, role: str) -> bool:
        return self.role in ROLES and ROLES.index(self.role) >= ROLES.index(role)


@dataclass(frozen=True)
class Web:
    """What every page needs and no page changes."""

    engine: Engine
    places: Places
    screen: Screen
    doorkeeper: Doorkeeper
    clock: Callable[[], datetime]
    metrics: bool = False


@dataclass(frozen=True)
class Form:
    """The fields of a posted form, or of an address's query: text without NUL, bounded."""

    fields: tuple[tuple[str, str], ...] = ()

    def text(self, name: str, *, limit: int = 500, default: str | None = None) -> str:
        """The field, stripped; `default` where it is missing; a missing field without a default is refused."""
        for key, value in self.fields:
            if key == name:
                value = value.strip()
                if "\0" in value:
                    raise bad_input(
                        f"The field “{name}” holds a NUL character, which no text has. Remove it."
                    )
                if len(value) > limit:
                    raise bad_input(f"The field “{name}” is too long: at most {limit:,} characters.")
                return value
        if default is None:
            raise bad_input(f"The field “{name}” is missing. Go back and fill in the form.")
        return default

    def number(self, name: str, *, default: int | None = None, least: int = 1, most: int = MAX_ID) -> int:
        text = self.text(name, limit=40, default="" if default is not None else None)
        if text == "" and default is not None:
            return default
        if not _NUMBER.fullmatch(text) or not least <= int(text) <= most:
            raise bad_input(f"“{name}” must be a whole number from {least:,} to {most:,}.")
        return int(text)

    def numbers(self, name: str, *, at_most: int = 200) -> tuple[int, ...]:
        """A list such as "4,8,15"; the last `at_most` of it."""
        text = self.text(name, limit=4_000, default="")
        parts = [part for part in text.split(",") if part]
        if not all(_NUMBER.fullmatch(part) and int(part) <= MAX_ID for part in parts):
            raise bad_input(f"“{name}” must be whole numbers with commas between them.")
        return tuple(int(part) for part in parts)[-at_most:]

    def choice(self, name: str, choices: tuple[str, ...], *, default: str | None = None) -> str:
        text = self.text(name, limit=100, default=default)
        if text in choices or text == default:
            return text
        raise bad_input(f"“{name}” must be one of: {', '.join(c for c in choices if c)}.")

    def every(self, name: str) -> tuple[str, ...]:
        return tuple(value for key, value in self.fields if key == name)


@dataclass(frozen=True)
class Visit:
    request: Request
    web: Web
    now: datetime
    query: Form
    form: Form = field(default_factory=Form)
    somebody: Person | None = None

    @property
    def person(self) -> Person:
        """Who is signed in; only for pages that have a role."""
        if self.somebody is None:
            raise Refusal(401, "Sign in first.")
        return self.somebody

    def path_number(self, name: str, what: str) -> int:
        """A number in the path; anything else is a page that does not exist."""
        text = str(self.request.path_params[name])
        if not _NUMBER.fullmatch(text) or not 1 <= int(text) <= MAX_ID:
            raise not_found(what)
        return int(text)

    def path_text(self, name: str) -> str:
        return str(self.request.path_params[name])

    def render(self, template: str, *, status: int = 200, frames: bool = False, **values: Any) -> Response:
        return self.web.screen.render(self, template, status=status, frames=frames, values=values)


View = Callable[[Visit], Response]


def go(path: str, query: Mapping[str, str | int] | None = None) -> Response:
    """Answers a form: the browser fetches `path` next (303), so a reload never posts twice. Only paths of our own."""
    wanted = {key: value for key, value in (query or {}).items() if value != ""}
    return RedirectResponse(path + ("?" + urlencode(wanted) if wanted else ""), status_code=303)


async def read_form(request: Request) -> Form:
    """The posted fields; refused when too large or of a kind that no page of ours sends."""
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_FORM:
            raise Refusal(413, "The form is too large. Shorten the note.")
    if kind != "application/x-www-form-urlencoded" and body:
        raise Refusal(415, "This page takes only forms sent by its own buttons.")
    return _parse(body.decode("latin-1"))


def _parse(text: str) -> Form:
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=400, errors="replace")
    except ValueError as exc:
        raise bad_input("The form has too many fields.") from exc
    return Form(tuple(pairs))


def route(path: str, view: View, *, role: str | None, method: str = "GET") -> Route:
    """One page. role None: open to everybody. A person with a one-time password sees only the page to change it."""

    def answer(request: Request, form: Form) -> Response:
        web: Web = request.app.state.web
        now = web.clock().astimezone(UTC)
        query = _parse(request.scope.get("query_string", b"").decode("latin-1"))
        somebody = web.doorkeeper.find_person(request, now=now)
        if role is not None:
            if somebody is None:
                if method == "GET":
                    return go("/signin", {"next": _next_path(request)})
                raise Refusal(401, "You are signed out. Sign in and send the form again.")
            if somebody.must_change and path not in ("/password", "/signout"):
                return go("/password")
            if not somebody.may(role):
                raise Refusal(
                    403, f"This needs the role “{role}”; yours is “{somebody.role}”. Ask an administrator."
                )
        return view(Visit(request, web, now, query, form, somebody))

    async def endpoint(request: Request) -> Response:
        form = await read_form(request) if method == "POST" else Form()
        return await run_in_threadpool(answer, request, form)

    return Route(path, endpoint, methods=[method])


def _next_path(request: Request) -> str:
    """Where to go after signing in. Not from request.url, which fails on bytes that are no text."""
    query = request.scope.get("query_string", b"").decode("ascii", "ignore")
    path = quote(request.scope["path"]) + ("?" + query if query else "")
    return "" if path == "/" or len(path) > 1_000 else path
