"""The addresses of a site: checked through Tor, proposed from its own signed page, decided by a person.

Public names: propose_mirrors, check_mirrors, usable_site, decide_mirror, view_mirrors, MirrorView.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from crawler.errors import SiteError
from crawler.lookalike import Lookalikes
from crawler.mirrorpage import MAX_PAGE, MirrorKey, NotTrusted, read_key, read_mirrors
from crawler.mirrors import use_known
from crawler.reach import Reach, check_addresses
from crawler.siteconfig import SiteConfig, is_onion
from jobs.errors import UsageError
from jobs.places import Places
from jobs.sites import find_site, register
from storage.engine import reading
from storage.errors import BodyError
from storage.issues import raise_issue
from storage.mirrors import accept_list, decide_address, find_known_onions, propose_addresses
from storage.pages import read_body
from storage.sites import find_addresses, find_usable, record_check
from storage.tables import Address, Page, Run

MAX_PAGES = 5
"""Pages of mirrors that are read after one run, the newest first."""
_SHORTEST = 6


@dataclass(frozen=True)
class MirrorView:
    """One address as it is shown: `address` is defanged."""

    site: str
    address: str
    state: str
    source: str
    in_file: bool
    reason: str
    seconds: float | None
    checked_at: datetime | None
    recheck_at: datetime | None
    signed_by: str
    found_on: int | None
    decided_by: str
    decided_at: datetime | None


def propose_mirrors(places: Places, engine: Engine, *, run_id: int, now: datetime) -> list[str]:
    """Read the pages of mirrors that the run stored; the onions that now wait for a person's approval.

    Whatever is wrong with such a page becomes an issue of the run, and then nothing on it is proposed.
    """
    with reading(engine) as session:
        run = session.get(Run, run_id)
        site = run.site.name if run is not None and run.site is not None else None
    if run is None or run.site_id is None or site is None:
        return []
    try:
        config = find_site(places, site)
    except UsageError:
        return []  # the next crawl says so, and does not begin
    if config.mirrors.key is None and config.mirrors.page is None:
        return []
    proposals = _Proposals(engine, config, run_id=run_id, site_id=run.site_id, now=now)
    if config.mirrors.key is None:
        proposals.report(None, "site.yml names a page of mirrors and no key: nothing on it can be believed")
        return []
    try:
        key = read_key(places.sites / site / config.mirrors.key)
    except SiteError as exc:
        proposals.report(None, str(exc), level="fail")
        return []
    with reading(engine) as session:
        pages = _find_pages(session, run_id, config)
    # The oldest first, so that a list and its successor in one run are no replay.
    return [onion for page in reversed(pages) for onion in proposals.read(page, key)]


def _find_pages(session: Session, run_id: int, config: SiteConfig) -> list[Page]:
    """The newest page of each address that is one of mirrors."""
    found: dict[str, Page] = {}
    rows = select(Page).where(Page.run_id == run_id, Page.status == 200).order_by(Page.id.desc())
    if config.mirrors.page is None:
        rows = rows.where(Page.kind == "directory")
    else:
        rows = rows.where(Page.url.endswith(config.mirrors.page, autoescape=True))
    for page in session.scalars(rows.limit(100)):
        parts = urlsplit(page.url)
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        if config.mirrors.page in (None, path) and len(found) < MAX_PAGES:
            found.setdefault(page.url, page)
    return list(found.values())


class _Proposals:
    """The work on one run's pages of mirrors."""

    def __init__(
        self, engine: Engine, config: SiteConfig, *, run_id: int, site_id: int, now: datetime
    ) -> None:
        self._engine, self._config, self._run_id, self._site_id = engine, config, run_id, site_id
        self._now = now

    def report(
        self, page_id: int | None, message: str, *, level: str = "warn", kind: str = "mirrors"
    ) -> None:
        raise_issue(
            self._engine, site_id=self._site_id, run_id=self._run_id, page_id=page_id, kind=kind, level=level,
            message=message, now=self._now,
        )  # fmt: skip

    def read(self, page: Page, key: MirrorKey) -> list[str]:
        with reading(self._engine) as session:
            known = find_known_onions(session)
            others = find_known_onions(session, except_site=self._site_id)
            try:
                body = read_body(session, page, max_size=MAX_PAGE)
            except BodyError as exc:
                body, trouble = b"", str(exc)
            else:
                trouble = ""
        if trouble:
            self._distrust(page, trouble)
            return []
        found = read_mirrors(body, key, content_type=page.content_type, known=known, now=self._now)
        if isinstance(found, NotTrusted):
            self._distrust(page, found.why)
            return []
        if not accept_list(
            self._engine, site_id=self._site_id, signed_at=found.signed_at, fingerprint=found.fingerprint,
            page_id=page.id, count=len(found.onions), now=self._now,
        ):  # fmt: skip
            self._distrust(
                page, f"it was signed on {found.signed_at:%Y-%m-%d %H:%M} UTC, before the last list"
            )
            return []
        signed = f"signed {found.signed_at:%Y-%m-%d}: "
        new = propose_addresses(
            self._engine, site_id=self._site_id, found={o: signed + line for o, line in found.onions.items()},
            page_id=page.id, signed_by=found.fingerprint, now=self._now,
        )  # fmt: skip
        if found.wrong:
            self.report(page.id, f"{found.wrong} signed address(es) have a wrong checksum and were left out")
        if new:
            name = self._config.name
            self.report(
                page.id,
                f"{len(new)} new address(es) on the signed page of mirrors wait for approval: "
                f"tuskwatch mirror list {name}",
                kind="mirror-proposed",
            )
        looks = Lookalikes(others)
        for onion in new:
            if warning := looks.warn(onion):
                self.report(page.id, f"proposed mirror: {warning}", level="fail", kind="look-alike")
        return new

    def _distrust(self, page: Page, why: str) -> None:
        self.report(page.id, f"no mirror was taken from the page of mirrors: {why}", level="fail")


def usable_site(engine: Engine, config: SiteConfig, *, now: datetime) -> SiteConfig:
    """The site with the addresses that may be asked: of its file, less the refused ones, and the approved ones.

    Registers the site. CrawlError when a person refused all of them.
    """
    site_id = register(engine, config, now=now)
    with reading(engine) as session:
        return use_known(config, find_usable(session, site_id))


def check_mirrors(
    engine: Engine, config: SiteConfig, *, socks: tuple[str, int], now: datetime
) -> Sequence[Reach]:
    """Ask every usable address of the site through Tor, and keep what was found. Registers the site."""
    site_id = register(engine, config, now=now)
    reached = check_addresses(usable_site(engine, config, now=now), socks=socks)
    for found in reached:
        record_check(
            engine, site_id=site_id, onion=found.onion, state=found.state, seconds=found.seconds,
            reason=found.reason, now=now,
        )  # fmt: skip
    return reached


def decide_mirror(
    engine: Engine, config: SiteConfig, address: str, *, approve: bool, by: str, now: datetime
) -> MirrorView:
    """A person's word on one address, written in full, defanged, or by its first letters when these name one only."""
    site_id = register(engine, config, now=now)
    with reading(engine) as session:
        rows = find_addresses(session, site_id)
    onion = _find_onion(rows, address, config.name)
    try:
        decide_address(engine, site_id=site_id, onion=onion, approve=approve, by=by, now=now)
    except ValueError as exc:
        raise UsageError(f"{_defang(onion)} cannot be approved: {exc}.") from exc
    return next(view for view in view_mirrors(engine, config, now=now) if view.address == _defang(onion))


def view_mirrors(engine: Engine, config: SiteConfig, *, now: datetime) -> list[MirrorView]:
    """The addresses of one site, those that wait for a person first."""
    site_id = register(engine, config, now=now)
    with reading(engine) as session:
        rows = find_addresses(session, site_id)
    rows.sort(key=lambda row: row.state != "proposed")
    return [
        MirrorView(
            site=config.name,
            address=_defang(row.onion),
            state=row.state,
            source=row.source,
            in_file=row.onion in config.addresses,
            reason=row.reason,
            seconds=row.seconds,
            checked_at=row.checked_at,
            recheck_at=row.recheck_at,
            signed_by=row.signed_by,
            found_on=row.found_on,
            decided_by=row.decided_by,
            decided_at=row.decided_at,
        )
        for row in rows
    ]


def _find_onion(rows: list[Address], address: str, site: str) -> str:
    wanted = address.strip().lower().replace("[.]", ".").removeprefix("http://").rstrip("/")
    found = [row.onion for row in rows if row.onion == wanted]
    # Mirrors share their first letters, and so do copies: fewer would only seem to name one.
    if not found and len(wanted) >= _SHORTEST and not wanted.endswith(".onion"):
        found = [row.onion for row in rows if row.onion.startswith(wanted)]
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(f"{len(found)} addresses of {site} begin with {wanted[:60]}: write the whole one.")
    if wanted.endswith(".onion") and not is_onion(wanted):
        raise UsageError("That is no v3 onion: its checksum is wrong. Is a letter mistyped?")
    raise UsageError(
        f'{site} has no such address. "tuskwatch mirror list {site}" shows all; a new one goes into its site.yml.'
    )


def _defang(onion: str) -> str:
    return onion.replace(".", "[.]")
