"""Tells people what needs them: gathers notices from the list of needs, and sends those that are due.

Public names: gather_notices, send_notices, send_test, SendCounts.

Each notice is sent at least once: who takes one and dies leaves it to be sent again, under the same Message-ID (or the same "id" of
a webhook), by which a receiver tells the second from the first. Nothing here runs in a crawl process.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Engine

from jobs.errors import JobError, UsageError
from jobs.need import EVENTS, KINDS, LEVELS, Need
from jobs.needs import find_needs
from jobs.noticehook import send_hook, write_body
from jobs.noticemail import send_mail, write_mail
from jobs.noticesettings import (
    CHANNELS,
    Feed,
    Mail,
    NoticeError,
    NoticeSettings,
    Quiet,
    Webhook,
    read_settings,
)
from jobs.noticetext import guard_text, name_subject, tell_event, tell_need
from jobs.noticewire import Route, WireError
from jobs.places import Places, read_tor_file
from storage.engine import reading
from storage.notices import (
    NewNotice,
    add_notices,
    drop_cleared,
    find_due,
    find_events,
    find_last_sent,
    forget_notices,
    is_stuck,
    settle_notices,
    take_notices,
)
from storage.tables import Notice

KEEP = timedelta(days=180)
_EVENTS_SINCE = timedelta(days=1)
_MAX_BATCH = 100
_ROUTE = Route()


@dataclass(frozen=True)
class SendCounts:
    """Notices, not letters. problem: why nothing could be tried at all, in words."""

    sent: int = 0
    failed: int = 0
    given_up: int = 0
    problem: str = ""


def gather_notices(places: Places, engine: Engine, *, now: datetime) -> int:
    """Make a notice of each need that a channel was not told yet, and drop those that are no more; how many are new.

    Without a (right) file of notices nothing is done: on another machine there may be one.
    """
    try:
        settings = read_settings(places)
    except NoticeError:
        return 0  # it is on the list of needs
    if settings is None:
        return 0
    for name in CHANNELS:
        if name not in settings.channels:
            drop_cleared(engine, name, standing=(), events=())
    if not settings.channels:
        return 0
    needs = find_needs(engine, places, now=now)
    events = _find_events(engine, now=now)
    added = 0
    for name, channel in settings.channels.items():
        new = []
        for need in needs:
            # A channel cannot tell that it is itself broken.
            if channel.tells(need.kind) and need.subject != f"channel {name}":
                text = tell_need(need, allow=channel.allow)
                kind = KINDS[need.kind]
                raised = need.since if kind.again is None else None
                again = kind.again or (timedelta(days=1) if need.since is None else None)
                new.append(NewNotice(need.kind, need.subject, need.level, text, raised, again))
        for event in events:
            if channel.tells(event.kind):
                text = tell_event(
                    event.kind, event.subject, site=event.site, site_id=event.site_id, allow=channel.allow
                )
                new.append(NewNotice(event.kind, event.subject, event.level, text, event.since))
        standing = {(each.kind, each.subject[:120]) for each in new}
        drop_cleared(engine, name, standing=standing, events=[kind for kind in EVENTS if channel.tells(kind)])
        added += add_notices(engine, name, new, now=now, sent=isinstance(channel, Feed))
    forget_notices(engine, before=now - KEEP)
    return added


def _find_events(engine: Engine, *, now: datetime) -> list[Need]:
    with reading(engine) as session:
        reports, runs = find_events(session, since=now - _EVENTS_SINCE)
        plain = Need(
            kind="", level="later", subject="", words="", what_to_do="", command="", link="", since=None
        )
        return [
            *(replace(plain, kind="report-ready", subject=f"report {each.id}", since=each.created_at) for each in reports),
            *(
                replace(
                    plain, kind="run-done", subject=f"run {each.id}", since=each.ended_at, site_id=each.site_id,
                    site=each.site.name if each.site is not None else "",
                )
                for each in runs
            ),
        ]  # fmt: skip


def send_notices(places: Places, engine: Engine, *, now: datetime, route: Route = _ROUTE) -> SendCounts:
    """Send what is due. Safe to be called by several workers at once; takes up to a minute for each letter.

    Errors of a channel end in the notice's row and on the list of needs, never in an exception.
    """
    try:
        settings = read_settings(places)
    except NoticeError as exc:
        return SendCounts(problem=str(exc))
    counts = SendCounts()
    for name, channel in settings.channels.items() if settings is not None else ():
        if isinstance(channel, Feed):
            continue
        with reading(engine) as session:
            due = find_due(session, name, now=now)
            last, stuck = find_last_sent(session, name), is_stuck(session, name)
        for batch in _make_batches(due, channel, last=last, stuck=stuck, now=now):
            taken = take_notices(engine, [notice.id for notice in batch], now=now)
            if not taken:
                continue  # another worker has them
            try:
                partly, error = _send(places, channel, taken, now=now, route=route), ""
            except (WireError, JobError) as exc:
                partly, error = "", str(exc)
            given_up = settle_notices(engine, taken, sent=not error, error=error or partly, now=now)
            counts = SendCounts(
                counts.sent + (0 if error else len(taken)),
                counts.failed + (len(taken) if error else 0),
                counts.given_up + given_up,
            )
            if error:
                break  # a server that hangs is met once a call; what else is due has its turn in the next one
    return counts


def _make_batches(
    due: Sequence[Notice], channel: Mail | Webhook, *, last: datetime | None, stuck: bool, now: datetime
) -> Iterator[list[Notice]]:
    """What goes out now, a letter each. Those tried together before are tried together again, so that the letter is the same.

    stuck: something could not be delivered yet. What is not urgent then waits for that, and is one letter afterwards.
    """
    quiet = channel.quiet is not None and is_quiet(channel.quiet, now)
    if quiet and channel.quiet is not None and channel.quiet.urgent == "wait":
        return
    tried: dict[tuple[int, datetime | None], list[Notice]] = {}
    fresh: list[Notice] = []
    for notice in due:
        if notice.tries:
            tried.setdefault((notice.tries, notice.next_at), []).append(notice)
        else:
            fresh.append(notice)
    urgent = [notice for notice in fresh if notice.level == "now"]
    if quiet:
        fresh = urgent
    if fresh and (urgent or (not stuck and _is_time(channel, last, now))):
        yield sorted(fresh, key=lambda notice: LEVELS.index(notice.level))[:_MAX_BATCH]
    for batch in tried.values():
        if not quiet or any(notice.level == "now" for notice in batch):
            yield batch


def _is_time(channel: Mail | Webhook, last: datetime | None, now: datetime) -> bool:
    return last is None or now - last >= timedelta(minutes=channel.every)


def is_quiet(quiet: Quiet, now: datetime) -> bool:
    """Is it between the hours, by the clock of the zone? They may span midnight."""
    begin, end = quiet.hours
    at = now.astimezone(ZoneInfo(quiet.tz)).time()
    return begin <= at < end if begin <= end else at >= begin or at < end


def _send(
    places: Places, channel: Mail | Webhook, notices: Sequence[Notice], *, now: datetime, route: Route
) -> str:
    route = replace(route, proxy=_find_proxy(places, channel.proxy))
    named = ",".join(str(notice.id) for notice in sorted(notices, key=lambda each: each.id))
    begun = min(notice.created_at for notice in notices).isoformat()
    message_id = hashlib.sha256(f"{named} {begun}".encode()).hexdigest()[:32]
    if isinstance(channel, Mail):
        letter = write_mail(
            channel,
            subject=_head(len(notices)),
            text=_write_text(notices, allow=channel.allow),
            message_id=message_id,
            now=now,
        )
        return send_mail(channel, letter, route)
    rows = [
        {
            "id": notice.id, "kind": notice.kind, "level": notice.level, "subject": name_subject(notice.subject),
            "text": guard_text(notice.text, allow=channel.allow), "raised_at": notice.raised_at.isoformat(),
        }
        for notice in notices
    ]  # fmt: skip
    body = write_body({"id": message_id, "sent_at": now.isoformat(), "notices": rows})
    send_hook(channel, body, message_id=message_id, route=route)
    return ""


def _head(count: int) -> str:
    return "Tuskwatch: 1 notice" if count == 1 else f"Tuskwatch: {count:,} notices"


def _write_text(notices: Sequence[Notice], *, allow: Sequence[str]) -> str:
    lines = []
    for level in LEVELS:
        found = [notice for notice in notices if notice.level == level]
        if found:
            lines += [level.capitalize(), *(f"- {_say(notice, allow)}" for notice in found), ""]
    return "\n".join(
        [*lines, 'The whole list: "tuskwatch needs list", or the first page of the screens.', ""]
    )


def _say(notice: Notice, allow: Sequence[str]) -> str:
    # Guarded once more as the settings are now: they may have become stricter since it was written.
    return f"{guard_text(notice.text, allow=allow)} (since {notice.raised_at:%Y-%m-%d %H:%M} UTC)"


def _find_proxy(places: Places, proxy: str) -> tuple[str, int] | None:
    if not proxy:
        return None
    if proxy != "tor":
        host, _, port = proxy.rpartition(":")
        return host.strip("[]"), int(port)
    named = read_tor_file(places.data)
    port_number = places.tor_socks_port or (named.socks_port if named is not None else None)
    if port_number is None:
        raise WireError(
            'proxy: tor needs a Tor whose SOCKS port is known. Write that port: proxy: "127.0.0.1:9050"'
        )
    return "127.0.0.1", port_number


def send_test(places: Places, name: str, *, now: datetime, route: Route = _ROUTE) -> str:
    """Send a trial notice by this channel at once; "" or what a part of the receivers said. WireError or UsageError in words."""
    settings: NoticeSettings | None = read_settings(places)
    channel = settings.channels.get(name) if settings is not None else None
    if channel is None:
        raise UsageError(
            f"There is no channel {name} in {places.data}/notices.yml. docs/notices.md says how to set one up."
        )
    if isinstance(channel, Feed):
        raise UsageError("The feed is read at /needs.atom by its readers; there is nothing to send.")
    trial = Notice(
        id=0, channel=name, kind="test", subject="test", level="later", text="This is a trial: notices arrive here.",
        raised_at=now, created_at=now, state="waiting", tries=0,
    )  # fmt: skip
    return _send(places, channel, [trial], now=now, route=route)
