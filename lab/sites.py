"""The lab's sites, ready to be served: SITE_NAMES, LabSite, make_sites."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from types import ModuleType

from lab.goods import FORUM, SiteGoods, share_listings
from lab.pages import backroom, lanternrow, nordkontor, oldport
from lab.pages.backroom import Backroom
from lab.pages.lanternrow import LanternRow
from lab.pages.nordkontor import Nordkontor
from lab.pages.oldport import OldPort
from lab.threads import ForumGoods

LabSite = OldPort | LanternRow | Nordkontor | Backroom

SITE_NAMES = ("oldport", "lanternrow", "nordkontor", "backroom")

PAGES: Mapping[str, ModuleType] = {
    "oldport": oldport,
    "lanternrow": lanternrow,
    "nordkontor": nordkontor,
    "backroom": backroom,
}
"""The module of each site, for its `key_of`, `show_price` and `show_date`."""


def make_sites(*, seed: int, listings: int, today: date) -> list[LabSite]:
    """All sites with `listings` listings and threads in all."""
    counts = share_listings(listings)
    goods = {
        name: SiteGoods(name, seed=seed, count=count, today=today)
        for name, count in counts.items()
        if name != FORUM
    }
    return [
        OldPort(goods["oldport"]),
        LanternRow(goods["lanternrow"]),
        Nordkontor(goods["nordkontor"]),
        Backroom(ForumGoods(seed=seed, count=counts[FORUM], today=today)),
    ]
