"""`tuskwatch needs` and `tuskwatch notice`: what needs a person, and who is told of it.

Public names: app, notice_app.
"""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from tuskwatch.output import Exit, Json, data_option, say, show_json, show_table, show_text, show_time
from tuskwatch.places import open_places

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from jobs.places import Places

app = typer.Typer(help="Needs: what needs a person, the most urgent first.", no_args_is_help=True)
notice_app = typer.Typer(help="Notices: who is told, by mail, webhook or feed.", no_args_is_help=True)


@app.command("list")
def list_needs(
    context: typer.Context,
    kind: Annotated[
        str | None, typer.Option("--kind", metavar="KIND", help="One kind only, as the column says it.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show what needs a person, with what to do next."""
    from jobs.errors import UsageError
    from jobs.need import EVENTS, KINDS, show_need
    from jobs.needs import find_needs
    from text.defang import defang_text

    places, now = open_places(data_option(context)), datetime.now(UTC)
    if kind is not None and (kind not in KINDS or kind in EVENTS):
        known = ", ".join(each for each in KINDS if each not in EVENTS)
        raise UsageError(f'There is no kind "{kind[:60]}". Known: {known}.')
    with _open(places) as engine:
        needs = [need for need in find_needs(engine, places, now=now) if kind in (None, need.kind)]
    if as_json:
        show_json([show_need(need) for need in needs])
        return
    if not needs:
        show_text("Nothing needs a person.")
        return
    show_table(
        ("Urgent", "Kind", "What", "Since", "What to do", "Type"),
        [
            (
                need.level,
                need.kind,
                defang_text(need.words + (f" ({need.message[:200]})" if need.message else "")),
                show_time(need.since) if need.since else "now",
                need.what_to_do,
                need.command,
            )
            for need in needs
        ],
    )


@app.command("close")
def close(
    context: typer.Context,
    issue: Annotated[
        int, typer.Argument(metavar="ISSUE", help="The number of the issue, as the list says it.")
    ],
    note: Annotated[
        str, typer.Option("--note", help="What was found or done; it stands in the audit log.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Say that an issue is dealt with: it, and the same kind at the same site up to it. The next one is a new one."""
    from jobs.errors import UsageError
    from storage.needs import close_issues

    with _open(open_places(data_option(context))) as engine:
        try:
            count = close_issues(
                engine, issue_id=issue, by=getpass.getuser(), note=note[:1_000], now=datetime.now(UTC)
            )
        except LookupError as exc:
            raise UsageError(
                f'There is no issue {issue}. "tuskwatch needs list" shows those there are.'
            ) from exc
    if as_json:
        show_json({"closed": count})
    else:
        show_text(
            "It was closed already." if not count else f"Closed {count} issue{'s' if count > 1 else ''}."
        )


@notice_app.command("list")
def list_notices(
    context: typer.Context,
    state: Annotated[
        str | None, typer.Option("--state", help="waiting, sent, failed (given up) or dropped.")
    ] = None,
    limit: Annotated[
        int, typer.Option("--limit", min=1, max=10_000, help="How many, the newest first.")
    ] = 50,
    as_json: Json = False,
) -> None:
    """Show the notices that were made, and what became of each."""
    from jobs.errors import UsageError
    from storage.engine import reading
    from storage.notices import find_notices

    if state not in (None, "waiting", "sent", "failed", "dropped"):
        raise UsageError(f'"{state}" is no state of a notice: waiting, sent, failed or dropped.')
    with _open(open_places(data_option(context))) as engine, reading(engine) as session:
        rows = find_notices(session, state=state, limit=limit)
    if as_json:
        show_json(
            [
                {
                    "id": row.id, "channel": row.channel, "kind": row.kind, "level": row.level, "text": row.text, "state": row.state,
                    "raised_at": row.raised_at, "tries": row.tries, "next_at": row.next_at, "sent_at": row.sent_at, "error": row.error,
                }
                for row in rows
            ]
        )  # fmt: skip
        return
    if not rows:
        show_text(
            'No notices. docs/notices.md says how to be told; "tuskwatch notice check" looks at the file.'
        )
        return
    show_table(
        ("Notice", "Channel", "State", "Tries", "Text", "Sent or next (UTC)", "Error"),
        [
            (
                row.id,
                row.channel,
                row.state,
                row.tries,
                row.text,
                show_time(row.sent_at or row.next_at),
                row.error,
            )
            for row in rows
        ],
    )


@notice_app.command("check")
def check(context: typer.Context, as_json: Json = False) -> None:
    """Read the file of notices, its secrets and keys, and say who is told what; sends nothing. Ends with 1 when it is wrong."""
    from jobs.noticecheck import check_channels

    places = open_places(data_option(context))
    found = check_channels(places, now=datetime.now(UTC))
    if as_json:
        show_json(found)
    elif not found:
        show_text(
            f"There is no {places.data}/notices.yml, so nobody is told anything. docs/notices.md shows one."
        )
    else:
        show_table(
            ("Channel", "State", "To", "Told", "Not told"),
            [
                (each.name, each.problem or "ok", each.to, ", ".join(each.told), ", ".join(each.not_told))
                for each in found
            ],
        )
    if any(each.problem for each in found):
        raise typer.Exit(Exit.FAILED)


@notice_app.command("test")
def try_channel(
    context: typer.Context,
    channel: Annotated[str, typer.Argument(metavar="CHANNEL", help="mail or webhook.")],
    as_json: Json = False,
) -> None:
    """Send a trial notice at once. Ends with 1 when it did not get through."""
    from jobs.notices import send_test
    from jobs.noticewire import WireError
    from storage import audit
    from storage.engine import transaction

    places, now = open_places(data_option(context)), datetime.now(UTC)
    with _open(places) as engine:
        try:
            partly, problem = send_test(places, channel, now=now), ""
        except WireError as exc:
            partly, problem = "", str(exc)
        with transaction(engine) as session:
            audit.record(
                session, actor=getpass.getuser(), action="notice.test", subject=f"channel {channel}",
                detail={"delivered": not problem}, now=now,
            )  # fmt: skip
    if as_json:
        show_json({"channel": channel, "delivered": not problem, "problem": problem or partly})
    elif problem:
        say(f"Not delivered: {problem}.")
    else:
        show_text(f"Delivered by {channel}." + (f" But {partly}." if partly else ""))
    if problem:
        raise typer.Exit(Exit.FAILED)


@notice_app.command("retry")
def retry(
    context: typer.Context,
    notice: Annotated[
        int | None,
        typer.Argument(metavar="[NOTICE]", help="One notice; all undelivered ones when none is named."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Let what could not be delivered be tried again by the next worker, within a minute."""
    from jobs.errors import UsageError
    from storage.notices import retry_notices

    with _open(open_places(data_option(context))) as engine:
        count = retry_notices(engine, notice_id=notice, by=getpass.getuser(), now=datetime.now(UTC))
    if notice is not None and not count:
        raise UsageError(
            f'Notice {notice} is not one that could not be delivered. "tuskwatch notice list" shows all.'
        )
    if as_json:
        show_json({"retried": count})
    else:
        show_text(f"{count} to be sent again." if count else "Nothing waits to be sent again.")


@contextmanager
def _open(places: Places) -> Iterator[Engine]:
    from storage.engine import check_schema, open_engine

    engine = open_engine(places.database_url)
    try:
        check_schema(engine)
        yield engine
    finally:
        engine.dispose()
