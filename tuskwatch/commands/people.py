"""`tuskwatch user`: who may sign in.

Public names: app, give_one_time_password.
"""

from __future__ import annotations

import getpass
import re
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from tuskwatch.output import Json, data_option, say, show_json, show_table, show_text, show_time
from tuskwatch.places import open_places

if TYPE_CHECKING:
    from sqlalchemy import Engine

app = typer.Typer(help="People who may sign in to the screens.", no_args_is_help=True)

NAME = re.compile(r"[\w.@-]{1,60}")
Name = Annotated[str, typer.Argument(metavar="NAME", help="The name to sign in with.")]
OneTime = Annotated[
    bool, typer.Option("--one-time", help="Print a one-time password, to be changed at the first sign-in.")
]


@app.command("add")
def add(
    context: typer.Context,
    name: Name,
    role: Annotated[
        str,
        typer.Option(
            "--role", help="reader, reviewer, analyst or admin; each may do what those before it may."
        ),
    ] = "analyst",
    one_time: OneTime = False,
    as_json: Json = False,
) -> None:
    """Add a person. Asks for a password, or prints a one-time password."""
    from jobs.errors import UsageError
    from storage.engine import check_schema, open_engine, reading
    from storage.users import ROLES, add_user, find_user
    from web.auth import hash_password, new_password

    places = open_places(data_option(context))
    if not NAME.fullmatch(name):
        raise UsageError("A name is made of letters, digits and . _ @ -, at most 60 of them.")
    if role not in ROLES:
        raise UsageError(f'"{role}" is no role. Choose one of: {", ".join(ROLES)}.')
    engine = open_engine(places.database_url)
    check_schema(engine)
    with reading(engine) as session:
        if find_user(session, name) is not None:
            raise UsageError(
                f'There is a user "{name}" already. "tuskwatch user reset {name}" gives a new password.'
            )
    password = new_password() if one_time else _ask_password(name)
    user_id = add_user(
        engine,
        name=name,
        password_hash=hash_password(password),
        role=role,
        must_change=one_time,
        by=getpass.getuser(),
        now=datetime.now(UTC),
    )
    engine.dispose()
    if as_json:
        show_json(
            {
                "id": user_id,
                "name": name,
                "role": role,
                **({"one_time_password": password} if one_time else {}),
            }
        )
        return
    show_text(f'Added "{name}" ({role}).')
    if one_time:
        show_text(f"One-time password: {password}")


@app.command("list")
def list_users(context: typer.Context, as_json: Json = False) -> None:
    """Show who may sign in."""
    from storage.engine import open_engine, reading
    from storage.users import find_users

    engine = open_engine(open_places(data_option(context)).database_url)
    with reading(engine) as session:
        users = [
            {
                "name": user.name,
                "role": user.role,
                "must_change": user.must_change,
                "created_at": user.created_at,
                "disabled_at": user.disabled_at,
            }
            for user in find_users(session)
        ]
    engine.dispose()
    if as_json:
        show_json(users)
    elif not users:
        show_text("Nobody may sign in yet. Add somebody: tuskwatch user add NAME --one-time")
    else:
        show_table(
            ("Name", "Role", "Must change password", "Since", "Disabled"),
            [
                (u["name"], u["role"], u["must_change"], u["created_at"], show_time(u["disabled_at"]))  # type: ignore[arg-type]
                for u in users
            ],
        )


@app.command("reset")
def reset(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Print a new one-time password for somebody, and sign them out everywhere."""
    from storage.engine import check_schema, open_engine

    engine = open_engine(open_places(data_option(context)).database_url)
    check_schema(engine)
    password = give_one_time_password(engine, name, by=getpass.getuser(), now=datetime.now(UTC))
    engine.dispose()
    if as_json:
        show_json({"name": name, "one_time_password": password})
    else:
        show_text(f"One-time password: {password}")


def give_one_time_password(engine: Engine, name: str, *, by: str, now: datetime) -> str:
    """Set a fresh password that must be changed at the first sign-in. Only its hash is kept."""
    from jobs.errors import UsageError
    from storage.engine import reading
    from storage.users import find_user, set_password
    from web.auth import hash_password, new_password

    with reading(engine) as session:
        user = find_user(session, name)
    if user is None:
        raise UsageError(f'There is no user "{name}". "tuskwatch user list" shows who there is.')
    password = new_password()
    set_password(
        engine, user_id=user.id, password_hash=hash_password(password), must_change=True, by=by, now=now
    )
    return password


def _ask_password(name: str) -> str:
    """From the terminal, twice; else one line of standard input, for scripts."""
    from jobs.errors import UsageError
    from web.auth import check_new_password

    if sys.stdin.isatty():
        password = getpass.getpass(f"Password for {name}: ")
        if password != getpass.getpass("The same once more: "):
            raise UsageError("The two passwords differ. Nothing was changed; try again.")
    else:
        say("Reading the password from standard input.")
        password = sys.stdin.readline().rstrip("\n")
    fault = check_new_password(password, name)
    if fault is not None:
        raise UsageError(fault)
    return password
