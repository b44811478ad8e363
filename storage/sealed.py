"""Keeps a session alive: what a site renewed during a run takes the place of what a person sealed.

Public names: renew_sealed.
"""

from __future__ import annotations

from typing import Any, cast

from sqlalchemy import CursorResult, Engine, update

from storage.engine import transaction
from storage.tables import SiteSession


def renew_sealed(engine: Engine, *, site_id: int, account_key: str, old: bytes, new: bytes) -> bool:
    """Replace the sealed session `old` by `new`; False when a person opened or closed it meanwhile.

    Who opened it, when, and until when it lasts stay as they are: the site's cookies changed, not the session.
    """
    with transaction(engine) as session:
        done = session.execute(
            update(SiteSession)
            .where(
                SiteSession.site_id == site_id,
                SiteSession.account_key == account_key,
                SiteSession.sealed == old,
            )
            .values(sealed=new)
        )
        return cast(CursorResult[Any], done).rowcount == 1
