"""The hard lab: all its sites, onions and keys, and what can be done to them while it runs: HardLab, VERBS, DESCRIPTION, read_description.

Six sites: a market behind a queue and a captcha (oldport); one with mirrors, of which one dies and a stranger's copy looks
alike (lanternrow); one that wants an account and is in trouble (nordkontor); a forum full of traps and hostile pages, in
trouble too (backroom); a seized one (graymarsh) and one that said goodbye (tollgate).
"""

from __future__ import annotations

import json
import random
import secrets
import time
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from lab.accounts import HOME, LOGIN, Account, Accounts
from lab.closed import make_closed
from lab.errors import LabError
from lab.faults import Faults
from lab.front import Front
from lab.hardsite import Door, HardSite
from lab.hostile import HOSTILE
from lab.ledger import Ledger
from lab.mirrorlist import PATH, MirrorList
from lab.options import HardOptions
from lab.sites import make_sites
from lab.traps import TRAPS
from lab.vanity import make_lookalikes

DESCRIPTION = "hard.json"
VERBS = ("break", "change", "logout", "seize")
MIRRORED = "lanternrow"
_TROUBLED = ("nordkontor", "backroom")
_ROLES = ("b", "c", "phish")


class HardLab:
    """Everything that the doors of the hard lab share."""

    def __init__(
        self,
        *,
        seed: int,
        listings: int,
        today: date,
        options: HardOptions,
        ledger: Ledger,
        clock: Callable[[], float] = time.time,
        kill: Callable[[str], None] = lambda circuit: None,
    ) -> None:
        self.options = options
        self.today = today
        self.secret = secrets.token_hex(16)
        self.mirror_list = MirrorList("Lantern Row", site=MIRRORED)
        self.account = Account("marschland", f"{random.Random(f'{seed}/account').getrandbits(60):x}")
        self.onions: dict[str, str] = {}
        self._ledger = ledger
        self._clock = clock
        self._kill = kill
        self.sites: dict[str, HardSite] = {}
        self.doors: dict[str, Door] = {}
        inner = make_sites(seed=seed, listings=listings, today=today)
        for site in (*inner, *make_closed(seed=seed)):
            accounts = None
            if site.name == "nordkontor":
                accounts = Accounts((self.account,), lifetime=options.session, clock=clock, gated="/angebot/")
            faults = None
            if site.name in _TROUBLED:
                faults = Faults(seed=seed, site=site.name, share=options.outages, spared=(HOME, LOGIN))
            hard = self.sites[site.name] = HardSite(site, accounts=accounts, faults=faults)
            self._open_door(hard, "main", break_after=options.break_after if site.name == MIRRORED else 0)
        for role in _ROLES:
            self._open_door(self.sites[MIRRORED], role)

    def _open_door(self, site: HardSite, role: str, *, break_after: int = 0) -> None:
        front = Front(
            title=site.title,
            secret=self.secret,
            options=self.options,
            clock=self._clock,
            queue=site.name in ("oldport", MIRRORED),
            captcha=site.name == "oldport",
            kill=self._kill,
        )
        door = Door(site, role, front, ledger=self._ledger, clock=self._clock, break_after=break_after)
        self.doors[door.name] = door

    def make_keys(self) -> dict[str, bytes]:
        """The secret key files of those onions that must look alike: the market's first one and its copy."""
        rng = random.Random(secrets.randbits(128))
        one, two = make_lookalikes(rng)
        return {MIRRORED: one.file, f"{MIRRORED}-phish": two.file}

    def settle(self, onions: Mapping[str, str]) -> None:
        """Tell every site where it is found. Doors of the same name as the onions."""
        self.onions = dict(onions)
        for name, door in self.doors.items():
            door.front.host = onions[name]
            if door.role == "main":
                door.site.inner.onion = onions[name]
        row = self.sites[MIRRORED]
        own = [onions[name] for name in (MIRRORED, f"{MIRRORED}-b", f"{MIRRORED}-c")]
        row.mirrors_text = self.mirror_list.sign(own, day=self.today)
        self.sites["backroom"].phishing_onion = onions[f"{MIRRORED}-phish"]

    def addresses(self, site: str) -> list[str]:
        """The onions that the analyst knows at the beginning."""
        names = [MIRRORED, f"{MIRRORED}-b"] if site == MIRRORED else [site]
        return [self.onions[name] for name in names]

    def carry_out(self, verb: str, name: str) -> str:
        """Do something to a site; what was done. LabError when it makes no sense."""
        site = self.sites.get(name)
        if site is None:
            raise LabError(f"The lab has no site {name}. It has: {', '.join(self.sites)}.")
        doors = [door for door in self.doors.values() if door.site is site and door.role != "phish"]
        if verb == "break":
            alive = [door for door in doors if not door.dead]
            if not alive:
                raise LabError(f"Every onion of {name} is dead already.")
            alive[0].dead = True
            return f"The onion {alive[0].name} of {name} is dead."
        if verb == "change":
            if not site.can_change:
                raise LabError(f"{name} has no other template.")
            site.remade = not site.remade
            return f"{name} has its {'new' if site.remade else 'old'} template."
        if verb == "seize":
            site.seized = True
            return f"{name} shows a seizure banner."
        if verb == "logout":
            for door in doors:
                door.front.end_sessions()
            if site.accounts is not None:
                site.accounts.end_sessions()
            return f"Every session at {name} has ended."
        raise LabError(f"The lab cannot {verb}.")

    def describe(self) -> dict[str, Any]:
        """What is true about the sites apart from their listings: onions, gates, accounts, and the captchas' secret."""
        return {
            "secret": self.secret,
            "options": self.options.as_json(),
            "sites": {name: self._describe(site) for name, site in self.sites.items()},
        }

    def _describe(self, site: HardSite) -> dict[str, Any]:
        name = site.name
        gates = [
            *(["queue"] if name in ("oldport", MIRRORED) else []),
            *(["captcha"] if name == "oldport" else []),
            *(["login"] if site.accounts else []),
            *(["down", "limited"] if site.faults else []),
            *([site.inner.kind] if hasattr(site.inner, "kind") else []),
        ]
        found: dict[str, Any] = {
            "title": site.title,
            "listings": site.inner.count,
            "onions": {d.role: self.onions[d.name] for d in self.doors.values() if d.site is site},
            "addresses": self.addresses(name),
            "gates": gates,
            "kinds": {kind: list(patterns) for kind, patterns in site.kinds.items()},
            "outages": self.options.outages if site.faults else 0,
        }
        if site.accounts:
            found["account"] = {"name": self.account.name, "password": self.account.password}
            found["login"] = LOGIN
        if name == MIRRORED:
            found["mirrors"] = {"page": PATH, "fingerprint": self.mirror_list.fingerprint,
                                "proposed": self.onions[f"{MIRRORED}-c"]}  # fmt: skip
        if name == "backroom":
            found["traps"], found["hostile"] = list(TRAPS), [f"/attic/{word}" for word in HOSTILE]
        return found


def read_description(folder: Path) -> dict[str, Any]:
    """What HardLab.describe wrote for the lab of that folder; LabError when that one is not hard."""
    try:
        found: dict[str, Any] = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
    except FileNotFoundError as exc:
        raise LabError(
            "No hard lab runs there. Start one with: tuskwatch lab up --hard (take a plain one down first)."
        ) from exc
    return found
