"""What a sweep's frontier holds of each shape, and the closing of a branch that leads nowhere.

Public names: count_shapes, find_known_keys, find_addresses, close_branch, find_closed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import cast

from sqlalchemy import Engine, Table, bindparam, func, select, update

from storage.engine import reading, transaction
from storage.tables import Frontier

_FRONTIER = cast(Table, Frontier.__table__)
_CHUNK = 500
_KNOWN = select(_FRONTIER.c.url_key).where(
    _FRONTIER.c.site_id == bindparam("site_id"),
    _FRONTIER.c.sweep_id == bindparam("sweep_id"),
    _FRONTIER.c.url_key.in_(bindparam("keys", expanding=True)),
)


def count_shapes(engine: Engine, *, sweep_id: int) -> dict[str, int]:
    """How many addresses of each shape the sweep has. Reads the whole sweep (no index holds the shape): once a process."""
    with reading(engine) as session:
        rows = session.execute(
            select(Frontier.shape, func.count()).where(Frontier.sweep_id == sweep_id).group_by(Frontier.shape)
        )
        return {row[0]: row[1] for row in rows}


def find_known_keys(engine: Engine, *, site_id: int, sweep_id: int, keys: Collection[str]) -> set[str]:
    """Those of the keys that the sweep's frontier has already."""
    found: set[str] = set()
    wanted = sorted(set(keys))
    with reading(engine) as session:
        for start in range(0, len(wanted), _CHUNK):
            some = {"site_id": site_id, "sweep_id": sweep_id, "keys": wanted[start : start + _CHUNK]}
            found |= set(session.connection().execute(_KNOWN, some).scalars())
    return found


def find_addresses(engine: Engine, *, sweep_id: int, limit: int = 20_000) -> list[tuple[int | None, str]]:
    """(page it was found on, address) of what the sweep has with a query, oldest first: what a new process learns from."""
    with reading(engine) as session:
        rows = session.execute(
            select(Frontier.found_on, Frontier.url)
            .where(Frontier.sweep_id == sweep_id, Frontier.url.contains("?", autoescape=True))
            .order_by(Frontier.id)
            .limit(limit)
        )
        return [(row[0], row[1]) for row in rows]


def close_branch(
    engine: Engine, *, sweep_id: int, shape: str, belongs: Callable[[str], bool], error: str
) -> int:
    """Refuse the rows of a shape that were not asked for yet and whose address belongs to a branch; how many."""
    with transaction(engine) as session:
        rows = session.execute(
            select(Frontier.id, Frontier.url).where(
                Frontier.sweep_id == sweep_id, Frontier.state == "new", Frontier.shape == shape
            )
        )
        ids = [row[0] for row in rows.yield_per(1000) if belongs(row[1])]
        for start in range(0, len(ids), _CHUNK):
            session.execute(
                update(Frontier)
                .where(Frontier.id.in_(ids[start : start + _CHUNK]))
                .values(state="refused", error=error, not_before=None)
            )
        return len(ids)


def find_closed(engine: Engine, *, sweep_id: int, error: str, limit: int = 100_000) -> list[str]:
    """The addresses that were refused for this reason, so that a new process knows which branches are closed."""
    with reading(engine) as session:
        rows = session.scalars(
            select(Frontier.url)
            .where(Frontier.sweep_id == sweep_id, Frontier.state == "refused", Frontier.error == error)
            .limit(limit)
        )
        return list(rows)
