"""Holds pages that are stored already against the deny list as it is now: counts them, changes nothing.

Public names: check_stored, Checked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import Engine, func, select

from crawler.deny import DenyList
from crawler.denytext import judge_response
from crawler.settings import DOWNLOAD_MAXSIZE, MAX_PLAIN_SIZE
from storage.blobs import read_blob
from storage.engine import reading
from storage.errors import BodyError
from storage.tables import Page

BATCH = 200


@dataclass
class Checked:
    """matches: the pages of each rule. unread: pages whose body could not be unpacked."""

    pages: int = 0
    unread: int = 0
    matches: dict[str, list[int]] = field(default_factory=dict)


def check_stored(
    engine: Engine, deny: DenyList, *, progress: Callable[[int, int], None] = lambda done, total: None
) -> Checked:
    """Every stored page by number. `progress` gets (pages done, pages in all)."""
    checked = Checked()
    with reading(engine) as session:
        total = session.scalar(select(func.count()).select_from(Page)) or 0
    last = 0
    while True:
        # A transaction for each batch: a crawl that writes must not wait for the whole of it.
        with reading(engine) as session:
            pages = session.scalars(select(Page).where(Page.id > last).order_by(Page.id).limit(BATCH)).all()
            for page in pages:
                last = page.id
                checked.pages += 1
                body: bytes | None = None
                if page.body_sha256 is not None:
                    try:
                        body = read_blob(session, page.body_sha256, max_size=DOWNLOAD_MAXSIZE)
                    except BodyError:
                        checked.unread += 1
                judged = judge_response(
                    deny,
                    url=page.url,
                    headers=[(str(name), str(value)) for name, value in page.response_headers],
                    body=body,
                    content_type=page.content_type,
                    content_encoding=page.content_encoding,
                    max_size=MAX_PLAIN_SIZE,
                )
                checked.unread += judged.unread
                if judged.rule:
                    checked.matches.setdefault(judged.rule, []).append(page.id)
        progress(checked.pages, total)
        if not pages:
            return checked
