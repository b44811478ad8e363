"""What an analyst would write into the site files of the hard lab: hard_settings, hard_files."""

from __future__ import annotations

from datetime import date
from typing import Any

from lab.accounts import HOME
from lab.hard import MIRRORED, HardLab
from lab.hardsite import HardSite
from lab.mirrorlist import PATH
from lab.register import site_settings

KEY_FILE = "mirrors.asc"

_MARKS: dict[str, dict[str, dict[str, list[str]]]] = {
    "oldport": {
        "listing": {"require": ["#single-product"]},
        "search": {"require": ["table.list"]},
        "home": {"require": ["#side a"]},
        "captcha": {"require": ["#captcha-words"]},
    },
    "lanternrow": {
        "listing": {"require": ["h1.item-title"]},
        "search": {"require": ["nav.tree a"]},
        "home": {"require": ["nav.tree a"]},
    },
    "nordkontor": {
        "listing": {"require": ["dl.dl-horizontal"], "forbid": ["input[type=password]"]},
        "search": {"require": ["a.list-group-item"]},
        "home": {"require": ["a.list-group-item"]},
        "login": {"require": ["input[name=kennwort]"]},
    },
    "backroom": {
        "thread": {"require": ["div.post"]},
        "search": {"require": ["table.forumline"]},
        "home": {"require": ["table.forumline"]},
    },
}
_INTEREST = {
    "oldport": [r"^/c/(other-listings|jewelry)"],
    "lanternrow": [r"^/category/goods-(other-listings|jewellery-antiques)"],
    "nordkontor": [r"^/kategorie/(sonstige-angebote|schmuck-und-antiquitaeten)"],
    "backroom": [r"^/board/(offers|wanted)"],
}
_COUNTS = {
    "oldport": {"link": "#side li a"},
    "lanternrow": {"link": "nav.tree li li a", "count": "span.n"},
    "nordkontor": {"link": "a.list-group-item"},
}


def hard_settings(lab: HardLab, site: HardSite, *, today: date) -> dict[str, Any]:
    """The contents of site.yml: the plain lab's, and what is known of this site's gates, pace and ends."""
    name, options = site.name, lab.options
    addresses = lab.addresses(name)
    found = site_settings(lab.doors[name], onion=addresses[0], today=today)
    found["addresses"] = addresses
    # Below 6 requests a second even where the jitter takes all it may: 1 / (0.25 * 0.7) is 5.7.
    found["pace"] = {"delay": options.delay, "jitter": 0.3, "in_flight": 1}
    found["bounds"] = {"pages": 5_000, "depth": 60, "minutes": 120}
    # No address fails more than three times in a row. Where there is another mirror, the dead one is left soon.
    found["patience"] = {
        "wait": 1,
        "longest": 5,
        "dead_after": 30 if name == MIRRORED else 180,
        "attempts": 5,
    }
    found["timeout"] = 20
    found["session"] = {"lifetime": options.session}
    found["budgets"] = {"shape": max(300, 2 * site.inner.count), "alike": 25}
    if name in _MARKS:
        found["marks"] = _MARKS[name]
        found["plan"] = {"interest": _INTEREST[name]}
    if name in _COUNTS:
        found["counts"] = _COUNTS[name]
    if site.accounts is not None:
        found["session"] = {"lifetime": options.session, "check": HOME, "accounts": True}
    if name == MIRRORED:
        found["mirrors"] = {"page": PATH, "key": KEY_FILE}
        found["start"] = [*found["start"], PATH]
    return found


def hard_files(lab: HardLab, name: str) -> dict[str, str]:
    """Further files beside site.yml: name -> text."""
    return {KEY_FILE: lab.mirror_list.public_key} if name == MIRRORED else {}
