"""Keeps a session alive: what a site renewed during a run takes the place of what a person sealed.

Public names: renew_sealed.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, Engine, update

from storage.engine import transaction
from storage.tables import SiteSession


def renew_sealed(
    engine: Engine,
    *,
    site_id: int,
    account_key: str,
    old: bytes,
    new: bytes,
    expires_at: datetime | None = None,
) -> bool:
    """Replace the sealed session `old` by `new`; False when a person opened or closed it meanwhile.

    Who opened it and when stay as they are. expires_at: until when it lasts now; without it that stays as well.
    """
    values: dict[str, Any] = {"sealed": new}
    if expires_at is not None:
        values["expires_at"] = expires_at
    with transaction(engine) as session:
        done = session.execute(
            update(SiteSession)
            .where(
                SiteSession.site_id == site_id,
                SiteSession.account_key == account_key,
                SiteSession.sealed == old,
            )
            .values(**values)
        )
        return cast(CursorResult[Any], done).rowcount == 1
