"""Fencing: of two crawls of one site only the newer can write, however long the older one was held up.

Public names: move_fence, set_fence, is_fenced, check_fence.

A site has a number that goes up whenever a crawl of it begins or is taken from its worker. A crawl process puts the
number it began with on its engine, and each of its write transactions looks first whether the site still has it. The
look holds the site's row until the transaction ends, so the number cannot go up between the look and the commit.
"""

from __future__ import annotations

from typing import cast

from sqlalchemy import Connection, Engine, Table, bindparam, select
from sqlalchemy.orm import Session

from storage.errors import FencedError
from storage.tables import Site

_MARK = "_tuskwatch_fence"
_SITE = cast(Table, Site.__table__)
_LOOK = select(_SITE.c.id).where(_SITE.c.id == bindparam("site"), _SITE.c.fence == bindparam("fence"))
_HOLD = _LOOK.with_for_update(read=True)


def move_fence(session: Session, site_id: int) -> int:
    """Shut out every crawl of the site that began before; the number of the one that begins now."""
    site = session.get(Site, site_id, with_for_update=True)
    if site is None:
        raise LookupError(f"there is no site {site_id}")
    site.fence += 1
    session.flush()
    return site.fence


def set_fence(engine: Engine, *, site_id: int, fence: int) -> None:
    """From here on a write through this engine raises FencedError once the site's number is another one."""
    vars(engine)[_MARK] = {"site": site_id, "fence": fence}


def is_fenced(engine: Engine) -> bool:
    """Was set_fence called for this engine?"""
    return _MARK in vars(engine)


def check_fence(engine: Engine, connection: Connection) -> None:
    """Within a write transaction: may this engine still write?"""
    given = vars(engine)[_MARK]
    # SQLite has one writer at a time anyway, and does not know the lock.
    statement = _HOLD if engine.dialect.name == "postgresql" else _LOOK
    if connection.execute(statement, given).first() is None:
        raise FencedError(
            "this crawl was taken from its worker, which gave no sign of life, and another one has the site now: "
            "nothing more is stored by this one"
        )
