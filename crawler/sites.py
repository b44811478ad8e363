"""The sites of a data folder: those whose files are right, and what is wrong with the others.

Public names: SiteConfig, KindMatch, PAGE_KINDS, GATE_KINDS, is_onion (all from siteconfig.py), load_site (from sitefile.py),
load_sites, sort_sites, config_sha256.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from crawler.errors import SiteError
from crawler.siteconfig import GATE_KINDS, PAGE_KINDS, KindMatch, SiteConfig, is_onion
from crawler.sitefile import load_site

__all__ = [
    "SiteConfig", "KindMatch", "PAGE_KINDS", "GATE_KINDS", "is_onion", "load_site", "load_sites", "sort_sites", "config_sha256",
]  # fmt: skip


def load_sites(data: Path) -> dict[str, SiteConfig]:
    """All sites of a data folder by name. Raises SiteError with the faults of all wrong files."""
    sites, faults = sort_sites(data)
    if faults:
        raise SiteError("\n".join(faults.values()))
    return sites


def sort_sites(data: Path) -> tuple[dict[str, SiteConfig], dict[str, str]]:
    """(the sites whose files are right, what is wrong with each of the others), by name."""
    sites: dict[str, SiteConfig] = {}
    faults: dict[str, str] = {}
    for path in sorted((data / "sites").glob("*/site.yml")):
        try:
            sites[path.parent.name] = load_site(path.parent)
        except SiteError as exc:
            faults[path.parent.name] = str(exc)
    return sites, faults


def config_sha256(config: SiteConfig) -> str:
    """A hash of what the file says, whatever its layout."""
    return hashlib.sha256(config.model_dump_json().encode()).hexdigest()
