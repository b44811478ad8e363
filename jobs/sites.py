"""The one site that a person named, out of the data folder.

Public names: find_site, register.
"""

from __future__ import annotations

import re
from datetime import datetime

from sqlalchemy import Engine

from crawler.errors import SiteError
from crawler.sites import SiteConfig, config_sha256, load_site
from jobs.errors import UsageError
from jobs.places import Places
from storage.sites import register_site


def find_site(places: Places, name: str) -> SiteConfig:
    """The site of that name. UsageError when there is none, or when its file is wrong (it names the line)."""
    if not re.fullmatch(r"[a-z][a-z0-9_-]{1,40}", name) or not (places.sites / name / "site.yml").is_file():
        known = ", ".join(sorted(path.parent.name for path in places.sites.glob("*/site.yml"))) or "none yet"
        raise UsageError(
            f'There is no site "{name[:60]}". Known sites: {known}. A site is a file {places.sites}/NAME/site.yml.'
        )
    try:
        return load_site(places.sites / name)
    except SiteError as exc:
        raise UsageError(str(exc)) from exc


def register(engine: Engine, config: SiteConfig, *, now: datetime) -> int:
    """Make the database know the site as its file says it; its id."""
    return register_site(
        engine,
        name=config.name,
        title=config.title,
        config_sha256=config_sha256(config),
        onions=config.addresses,
        now=now,
    )
