"""Trying a site out: one page, or a short look around, fetched by a real run; and a stored page made into a sample.

Public names: find_target, start_tryout, read_run, find_stored, make_site_sample, Target.

A trial is a run like any other, so its pages are stored, isolated, watched by the canary and held against the deny list.
Its sweep is its own (see crawler.errand).
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from crawler.errand import Errand
from crawler.errors import VaultError
from crawler.inspection import Inspection, Stored, inspect_page, match_path
from crawler.links import normalise_url
from crawler.samplefiles import SAMPLES, write_sample
from crawler.samples import Made, make_sample
from crawler.settings import MAX_PLAIN_SIZE
from crawler.siteconfig import SiteConfig
from crawler.sites import sort_sites
from crawler.vault import Vault
from jobs.engine import open_client
from jobs.errors import BusyError, PersonWanted, UsageError
from jobs.places import Places
from jobs.runs import LIVE, enqueue_run
from jobs.sites import find_site, register
from storage.engine import reading
from storage.errors import BodyError
from storage.health import find_newest_page, find_run_pages
from storage.pages import find_page, read_body
from storage.runs import create_run, find_runs
from storage.sessions import find_sessions
from storage.sites import find_sites
from storage.tables import Page

TRIED = "tried by hand"
LOOKED = "look around"
ASIDE = "aside"
"""Among a run's settings: its sweep is its own, neither taken up from another run nor given on."""
SALT = ".salt"
_SAMPLE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,60}")


@dataclass(frozen=True)
class Target:
    """One address of a curated site."""

    config: SiteConfig
    path: str


def find_target(places: Places, address: str, *, site: str | None) -> Target:
    """The site and path that a person named by URL or path. UsageError when it is no address of a site with a file."""
    if address.startswith("/"):
        if site is None:
            known = sorted(path.parent.name for path in places.sites.glob("*/site.yml"))
            if len(known) != 1:
                raise UsageError(
                    f'"{address[:80]}" is a path: say of which site with --site NAME. Known: {", ".join(known) or "none yet"}.'
                )
            site = known[0]
        return _allowed(find_site(places, site), address)
    address = address.replace("[.]", ".")  # as our own screens show addresses
    try:
        parts = urlsplit(address if "://" in address else f"http://{address}")
        host = (parts.hostname or "").lower()
        good = parts.scheme == "http" and bool(host) and parts.port in (None, 80)
    except ValueError:
        good = False
    if not good:
        raise UsageError(
            f'"{address[:80]}" is no address of an onion site: write http://….onion/path, or /path --site NAME.'
        )
    path = normalise_url(parts)
    if site is not None:
        config = find_site(places, site)
        if host not in config.addresses:
            raise UsageError(
                f"This onion is not an address of {site}, so nothing is fetched. Sites are curated: if it is a mirror that "
                f"you have verified, add it under addresses in {places.sites / site / 'site.yml'}."
            )
        return _allowed(config, path)
    for config in sort_sites(places.data)[0].values():
        if host in config.addresses:
            return _allowed(config, path)
    raise UsageError(
        "This onion is not an address of any site with a file, so nothing is fetched. Sites are curated: make one with "
        '"tuskwatch site new NAME --address ONION" once somebody has authorised it.'
    )


def _allowed(config: SiteConfig, path: str) -> Target:
    path = normalise_url(urlsplit(path))
    if config.skips(path):
        rule = next((name for name in match_path(path, config) if name.startswith("skip[")), "skip")
        raise UsageError(
            f"{path} is never fetched: the site file says so with {rule}. Take the pattern out if that is wrong."
        )
    return Target(config, path)


def start_tryout(
    places: Places, engine: Engine, config: SiteConfig, errand: Errand, *, by: str, reason: str, now: datetime
) -> int:
    """Put a run with this errand on the queue; its id. BusyError when the site is being crawled."""
    site_id = register(engine, config, now=now)
    with reading(engine) as session:
        for run in find_runs(session, site=config.name, limit=20):
            if run.verb == "crawl" and run.waits_for == "person":
                raise PersonWanted(
                    f"Run {run.id} of {config.name} waits for a person ({run.message or 'a gate'}). Open the gate with "
                    f'"tuskwatch session open {config.name}", or end it with "tuskwatch run cancel {run.id}"; then try again.'
                )
            if run.verb == "crawl" and run.state in LIVE:
                raise BusyError(
                    f"{config.name} is being crawled just now: run {run.id} is {run.state}. One run of a site at a time: "
                    f'wait for it, or end it with "tuskwatch run cancel {run.id}".'
                )
    settings = {**errand.settings(), ASIDE: True}
    run_id = create_run(
        engine, verb="crawl", site_id=site_id, by=by, reason=reason, settings=settings, now=now
    )
    with open_client(places) as client:
        enqueue_run(client, run_id, site=config.name)
    return run_id


def read_run(engine: Engine, run_id: int, config: SiteConfig) -> list[Inspection | str]:
    """The run's pages as the site file and the reader see them, in the order of fetching; a sentence for each request
    that brought no page."""
    with reading(engine) as session:
        return [_inspect(session, page, config) for page in find_run_pages(session, run_id)]


def _inspect(session: Session, page: Page, config: SiteConfig) -> Inspection | str:
    path = normalise_url(urlsplit(page.url))
    if page.status is None:
        return f"{path}: no answer ({page.error or 'no reason given'})"
    if 300 <= page.status < 400:
        return f"{path}: leads on to another address ({page.status})"
    if page.body_sha256 is None:
        return f"{path}: status {page.status}, and no body was kept ({page.note or 'none came'})"
    try:
        return inspect_page(_stored(session, page), config)
    except BodyError as exc:
        return f"{path}: {exc}"


def _stored(session: Session, page: Page) -> Stored:
    return Stored(
        url=page.url,
        status=page.status or 0,
        headers=tuple((str(name), str(value)) for name, value in page.response_headers),
        content_type=page.content_type,
        body=read_body(session, page, max_size=MAX_PLAIN_SIZE),
        received_at=page.received_at,
        kind=page.kind,
        page_id=page.id,
    )


def find_stored(
    places: Places, engine: Engine, wanted: str, *, site: str | None
) -> tuple[SiteConfig, Stored]:
    """A stored page by its number, or the newest one of an address. UsageError when there is none."""
    with reading(engine) as session:
        if wanted.isdigit():
            page = find_page(session, int(wanted[:18]))
            if page is None:
                raise UsageError(f'There is no page {wanted}. "tuskwatch site try" says each page\'s number.')
            config = _site_of(places, session, page)
            if site is not None and config.name != site:
                raise UsageError(f"Page {wanted} is one of {config.name}, not of {site}.")
        else:
            target = find_target(places, wanted, site=site)
            config = target.config
            page = find_newest_page(session, [f"http://{host}{target.path}" for host in config.addresses])
            if page is None:
                raise UsageError(
                    f'No page of {target.path} is stored. Fetch it first: tuskwatch site try "{target.path}" --site {config.name}'
                )
        try:
            return config, _stored(session, page)
        except BodyError as exc:
            raise UsageError(f"{exc} It cannot become a sample.") from exc


def _site_of(places: Places, session: Session, page: Page) -> SiteConfig:
    name = next(site.name for site in find_sites(session) if site.id == page.site_id)
    return find_site(places, name)


def make_site_sample(
    places: Places,
    engine: Engine,
    config: SiteConfig,
    page: Stored,
    *,
    name: str | None,
    hide: Sequence[str],
    mask_people: bool,
) -> tuple[Made, Path]:
    """Scrub a page and write it as a sample of its site; what was made, and where it lies."""
    folder = places.sites / config.name
    samples = folder / SAMPLES
    samples.mkdir(mode=0o700, exist_ok=True)
    if name is None:
        name = _free_name(samples)
    elif not _SAMPLE_NAME.fullmatch(name):
        raise UsageError("A sample's name has letters, digits, - and _ only, 61 at most.")
    secrets = (*hide, *_names_of_ours(places, engine, config.name))
    made = make_sample(page, config, name=name, salt=_salt(samples), hide=secrets, mask_people=mask_people)
    return made, write_sample(folder, made.sample)


def _names_of_ours(places: Places, engine: Engine, site: str) -> list[str]:
    """The names of our accounts at this site, and the values of our cookies: they must not stand in a sample."""
    with reading(engine) as session:
        sealed = [row.sealed for row, name in find_sessions(session) if name == site and row.sealed]
    if not sealed:
        return []
    if places.key_file is None:
        raise UsageError(
            f"A session of {site} is sealed, and no key file is set, so it cannot be seen whether our account's name stands "
            "on the page. Set TUSKWATCH_KEY_FILE, or close the session first."
        )
    vault = Vault(places.key_file, data=places.data)
    words: list[str] = []
    for blob in sealed:
        try:
            opened = vault.unseal(blob)
        except VaultError as exc:
            raise UsageError(
                f"A session of {site} is sealed and cannot be opened, so it cannot be seen whether our account's name stands "
                f"on the page: {exc}"
            ) from exc
        words.append(str(opened.get("account", "")))
        words += [str(cookie.get("value", "")) for cookie in opened.get("cookies", ())]
    return [word for word in words if len(word) >= 3]


def _free_name(samples: Path) -> str:
    taken = {path.name for path in samples.iterdir()}
    return next(f"{number:03}" for number in range(1, 10_000) if f"{number:03}" not in taken)


def _salt(samples: Path) -> bytes:
    """The key of this site's masks: without it nobody can try names out. It stays on this machine."""
    path = samples / SALT
    if not path.exists():
        path.touch(mode=0o600)
        path.write_bytes(secrets.token_bytes(32))
    return path.read_bytes()
