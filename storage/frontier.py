"""What a sweep still has to fetch: leased, fetched and done in steps that a crash cannot tear apart.

Public names: Link, Leased, FetchedRow, seed, lease, knock, hold, finish, give_back, give_up, refuse, recover, count_try,
forget_try, count_states.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import Connection, Engine, Integer, Table, bindparam, func, or_, select, update

from storage.engine import insert_ignore, reading, transaction, writing
from storage.tables import Frontier, Page

_PAGE, _FRONTIER = (cast(Table, table.__table__) for table in (Page, Frontier))


@dataclass(frozen=True)
class Link:
    """An address to fetch. url_key: SHA-256 of the normalised address without its host; shape: see crawler.shapes."""

    url: str
    url_key: str
    depth: int
    priority: int
    shape: str = ""


@dataclass(frozen=True)
class Leased:
    """A frontier row that this run may fetch now. `attempt` numbers the fetch."""

    id: int
    url: str
    depth: int
    attempt: int
    found_on: int | None
    priority: int = 0


@dataclass(frozen=True)
class FetchedRow:
    """A row whose page is stored and whose links are not: they are to be read again from the store."""

    frontier_id: int
    page_id: int
    url: str
    depth: int
    priority: int = 0


def seed(engine: Engine, *, site_id: int, sweep_id: int, links: Sequence[Link], now: datetime) -> int:
    """Add the links that the sweep does not have yet; how many were new."""
    with writing(engine) as write:
        return _add(write, site_id, sweep_id, links, None, now)


def lease(
    engine: Engine, *, site_id: int, sweep_id: int, run_id: int, limit: int, now: datetime, seconds: float
) -> list[Leased]:
    """Take up to `limit` rows for `seconds`: highest priority first, oldest first within it.

    Rows that wait for their time (`not_before`) are left; leases that ran out are taken again.
    """
    with writing(engine) as write:
        given = {"site": site_id, "sweep": sweep_id, "at": now}
        write.execute(_EXPIRE, given)
        rows: list[Any] = []
        below = _ABOVE_ALL
        # One priority at a time: each step reads the index in order, whatever the size of the frontier.
        while len(rows) < limit:
            below = write.execute(_NEXT_PRIORITY, {**given, "below": below}).scalar()
            if below is None:
                break
            some = {**given, "priority": below, "few": limit - len(rows)}
            rows += write.execute(_READY, some).all()
        if rows:
            until = now + timedelta(seconds=seconds)
            write.execute(_LEASE, {"rows": [row.id for row in rows], "run": run_id, "until": until})
        return [
            Leased(row.id, row.url, row.depth, row.attempts + 1, row.found_on, row.priority) for row in rows
        ]


def knock(engine: Engine, *, site_id: int, sweep_id: int, url_key: str) -> Leased | None:
    """A row that is done, to be asked for once more to see whether the site answers at all; None when there is none.

    Its state does not change, only the number of its fetches.
    """
    with writing(engine) as write:
        given = {"site_id": site_id, "sweep_id": sweep_id, "keys": [url_key]}
        for found in write.execute(_HAVE, given):
            row = write.execute(_KNOCK, {"row": found.id}).first()
            if row is not None:
                return Leased(row.id, row.url, row.depth, row.attempts, row.found_on, row.priority)
    return None


def hold(engine: Engine, *, frontier_id: int, run_id: int, now: datetime, seconds: float) -> None:
    """Lease a row once more whose stored page is a queue that sends us on, so that a crash on the way gives it back."""
    with transaction(engine) as session:
        session.execute(
            update(Frontier)
            .where(Frontier.id == frontier_id, Frontier.state.in_(("fetched", "leased")))
            .values(state="leased", leased_by=run_id, lease_until=now + timedelta(seconds=seconds))
        )


# Written once: building and keying a statement anew costs ten times what running it does, and this is every page.
_ABOVE_ALL: int | None = 2**31 - 1
_EXPIRE = (
    update(_FRONTIER)
    .where(
        _FRONTIER.c.sweep_id == bindparam("sweep"),
        _FRONTIER.c.state == "leased",
        _FRONTIER.c.lease_until < bindparam("at"),
    )
    .values(state="new", leased_by=None, lease_until=None)
)
_IS_READY = (
    _FRONTIER.c.site_id == bindparam("site"),
    _FRONTIER.c.sweep_id == bindparam("sweep"),
    _FRONTIER.c.state == "new",
    or_(_FRONTIER.c.not_before.is_(None), _FRONTIER.c.not_before <= bindparam("at")),
)
_NEXT_PRIORITY = select(func.max(_FRONTIER.c.priority)).where(
    *_IS_READY, _FRONTIER.c.priority < bindparam("below")
)
_READY = (
    select(
        _FRONTIER.c.id,
        _FRONTIER.c.url,
        _FRONTIER.c.depth,
        _FRONTIER.c.attempts,
        _FRONTIER.c.found_on,
        _FRONTIER.c.priority,
    )
    .where(*_IS_READY, _FRONTIER.c.priority == bindparam("priority"))
    .order_by(_FRONTIER.c.id)
    .limit(bindparam("few", type_=Integer()))
    .with_for_update(skip_locked=True)
)
_LEASE = (
    update(_FRONTIER)
    .where(_FRONTIER.c.id.in_(bindparam("rows", expanding=True)))
    .values(
        state="leased",
        attempts=_FRONTIER.c.attempts + 1,
        leased_by=bindparam("run"),
        lease_until=bindparam("until"),
    )
)
_KIND = (
    update(_PAGE)
    .where(_PAGE.c.id == bindparam("page"), _PAGE.c.kind.is_(None))
    .values(kind=bindparam("kind"))
)
_KNOCK = (
    update(_FRONTIER)
    .where(_FRONTIER.c.id == bindparam("row"), _FRONTIER.c.state == "done")
    .values(attempts=_FRONTIER.c.attempts + 1)
    .returning(
        _FRONTIER.c.id,
        _FRONTIER.c.url,
        _FRONTIER.c.depth,
        _FRONTIER.c.attempts,
        _FRONTIER.c.found_on,
        _FRONTIER.c.priority,
    )
)
_DONE = (
    update(_FRONTIER)
    .where(_FRONTIER.c.id == bindparam("row"))
    .values(state="done", leased_by=None, lease_until=None, error="")
)
_HAVE = select(_FRONTIER.c.url_key, _FRONTIER.c.id, _FRONTIER.c.priority).where(
    _FRONTIER.c.site_id == bindparam("site_id"),
    _FRONTIER.c.sweep_id == bindparam("sweep_id"),
    _FRONTIER.c.url_key.in_(bindparam("keys", expanding=True)),
)
_RAISE = (
    update(_FRONTIER)
    .where(_FRONTIER.c.id == bindparam("row"), _FRONTIER.c.state == "new")
    .values(priority=bindparam("to"))
)


def finish(
    engine: Engine,
    *,
    frontier_id: int,
    page_id: int,
    kind: str,
    links: Sequence[Link],
    site_id: int,
    sweep_id: int,
    now: datetime,
) -> int:
    """Store a page's kind and links and close its row, all or nothing; how many links were new.

    The kind is set once; a second call (after a crash) changes nothing.
    """
    with writing(engine) as write:
        new = _add(write, site_id, sweep_id, links, page_id, now)
        write.execute(_KIND, {"page": page_id, "kind": kind})
        write.execute(_DONE, {"row": frontier_id})
        return new


def give_back(
    engine: Engine,
    *,
    frontier_id: int,
    error: str,
    now: datetime,
    retry_at: datetime | None,
    max_attempts: int,
) -> str:
    """Return a row that could not be fetched: "new" again (not before `retry_at`), or "failed" when too often.

    An empty `error` says that nothing went wrong (the run was paused): it is not counted as a failure.
    """
    with transaction(engine) as session:
        row = session.get(Frontier, frontier_id, with_for_update=True)
        if row is None:
            raise LookupError(f"there is no frontier row {frontier_id}")
        if error:
            row.failures += 1
        row.state = "failed" if error and row.failures >= max_attempts else "new"
        row.error = error
        row.leased_by = None
        row.lease_until = None
        row.not_before = retry_at if row.state == "new" else None
        return row.state


def give_up(engine: Engine, *, frontier_id: int, error: str) -> None:
    """Close a row as failed whatever its count says."""
    with transaction(engine) as session:
        session.execute(
            update(Frontier)
            .where(Frontier.id == frontier_id)
            .values(state="failed", error=error, leased_by=None, lease_until=None, not_before=None)
        )


def count_try(engine: Engine, *, frontier_id: int, max_attempts: int) -> bool:
    """Count one try at a row's stored page before it is made; False when its tries were used up before.

    Committed first, so that a page which ends the process that reads it is counted, too.
    """
    with transaction(engine) as session:
        row = session.get(Frontier, frontier_id, with_for_update=True)
        if row is None:
            raise LookupError(f"there is no frontier row {frontier_id}")
        if row.failures >= max_attempts:
            return False
        row.failures += 1
        return True


def forget_try(engine: Engine, *, frontier_id: int) -> None:
    """Take the last counted try back: the page could be read after all."""
    with transaction(engine) as session:
        session.execute(
            update(Frontier)
            .where(Frontier.id == frontier_id, Frontier.failures > 0)
            .values(failures=Frontier.failures - 1)
        )


def refuse(engine: Engine, *, frontier_id: int, error: str, now: datetime) -> None:
    """Close a row that a rule forbids to fetch."""
    with transaction(engine) as session:
        session.execute(
            update(Frontier)
            .where(Frontier.id == frontier_id)
            .values(state="refused", error=error, leased_by=None, lease_until=None)
        )


def recover(engine: Engine, *, sweep_id: int, now: datetime) -> list[FetchedRow]:
    """Make a sweep ready after a stop of any kind; call it before the first lease of a run.

    A site has one run at a time, so every lease still open belongs to a dead one and is freed. Given back: the rows
    whose page was stored but whose links were not.
    """
    with transaction(engine) as session:
        session.execute(
            update(Frontier)
            .where(Frontier.sweep_id == sweep_id, Frontier.state == "leased")
            .values(state="new", leased_by=None, lease_until=None)
        )
        last = (
            select(func.max(Page.id))
            .where(Page.frontier_id == Frontier.id, Page.status.is_not(None))
            .correlate(Frontier)
            .scalar_subquery()
        )
        rows = session.execute(
            select(Frontier.id, last.label("page_id"), Frontier.url, Frontier.depth, Frontier.priority)
            .where(Frontier.sweep_id == sweep_id, Frontier.state == "fetched")
            .order_by(Frontier.id)
        )
        return [FetchedRow(*row) for row in rows]


def count_states(engine: Engine, *, sweep_id: int) -> dict[str, int]:
    """How many rows of the sweep are in each state."""
    with reading(engine) as session:
        rows = session.execute(
            select(Frontier.state, func.count()).where(Frontier.sweep_id == sweep_id).group_by(Frontier.state)
        )
        return {row[0]: row[1] for row in rows}


def _add(
    write: Connection,
    site_id: int,
    sweep_id: int,
    links: Sequence[Link],
    found_on: int | None,
    now: datetime,
) -> int:
    known: dict[str, tuple[int, int]] = {}
    keys = sorted({link.url_key for link in links})
    for start in range(0, len(keys), 500):
        some = {"site_id": site_id, "sweep_id": sweep_id, "keys": keys[start : start + 500]}
        known |= {row[0]: (row[1], row[2]) for row in write.execute(_HAVE, some)}
    # An address met again where it matters more (a listing in a category of interest) moves up; none ever moves down.
    for link in links:
        if link.url_key in known and link.priority > known[link.url_key][1]:
            write.execute(_RAISE, {"row": known[link.url_key][0], "to": link.priority})
    fresh = {link.url_key: link for link in reversed(links) if link.url_key not in known}
    rows = [
        {
            "site_id": site_id,
            "sweep_id": sweep_id,
            "url": link.url,
            "url_key": link.url_key,
            "shape": link.shape[:200],
            "depth": link.depth,
            "priority": link.priority,
            "state": "new",
            "attempts": 0,
            "failures": 0,
            "error": "",
            "found_on": found_on,
            "created_at": now,
        }
        for link in reversed(fresh.values())
    ]
    return insert_ignore(write, Frontier, rows)
