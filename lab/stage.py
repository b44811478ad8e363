"""What the lab's own process does for a hard lab: HardStage."""

from __future__ import annotations

import asyncio
import json
from datetime import date
from pathlib import Path

from lab.bootstrap import Network
from lab.hard import DESCRIPTION, HardLab
from lab.hardfiles import hard_files, hard_settings
from lab.killer import CircuitKiller
from lab.ledger import Ledger
from lab.options import read_options
from lab.register import write_files
from lab.state import SiteState, State
from lab.wire import AccessLog, serve_site
from lab.wishes import answer_wishes, open_wishes


class HardStage:
    """The sites of a hard lab while they are served."""

    def __init__(self, folder: Path, state: State) -> None:
        self._folder = folder
        self._today = date.fromisoformat(state.today)
        self._servers: dict[str, asyncio.Server] = {}
        self.ports: dict[str, int] = {}
        self._killer = CircuitKiller()
        self.lab = HardLab(
            seed=state.seed,
            listings=state.listings,
            today=self._today,
            options=read_options(state.hard or {}),
            ledger=Ledger(folder),
            kill=self._killer.kill,
        )
        self.keys = self.lab.make_keys()

    async def serve(self, log: AccessLog) -> None:
        """Listen, a port for each onion."""
        for name, door in self.lab.doors.items():
            self._servers[name], self.ports[name] = await serve_site(door, log=log, behind_tor=True)

    def register(self, data: Path | None, network: Network) -> dict[str, str]:
        """The onions are known: tell the sites, write down the truth, and the site files into the data folder."""
        self.lab.settle(network.onions)
        service = next(node for node in network.nodes if node.name == "service")
        self._killer.attach(port=network.ports.service, cookie=service.data / "control_auth_cookie")
        path = self._folder / DESCRIPTION
        path.touch(mode=0o600)
        path.write_text(json.dumps(self.lab.describe(), indent=1, ensure_ascii=False), encoding="utf-8")
        open_wishes(self._folder)
        if data is None:
            return {}
        return write_files(
            data,
            settings={n: hard_settings(self.lab, s, today=self._today) for n, s in self.lab.sites.items()},
            socks_port=network.ports.socks,
            control_port=network.ports.control,
            beside={name: hard_files(self.lab, name) for name in self.lab.sites},
        )

    def states(self) -> tuple[SiteState, ...]:
        """What the lab's state says about each site."""
        return tuple(
            SiteState(name, site.title, self.lab.onions[name], self.ports[name], site.inner.count)
            for name, site in self.lab.sites.items()
        )

    def look(self) -> None:
        """Do what was wished, and stop listening behind onions that have died."""
        answer_wishes(self._folder, self.lab.carry_out)
        for name, door in self.lab.doors.items():
            if door.dead and name in self._servers:
                self._servers.pop(name).close()
