"""Makes a running lab known to a data folder: register, write_files, site_settings, check_data_folder.

Writes <data>/sites/<site>/site.yml and <data>/tor.yml in the product's own format, without importing the product.
"""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from lab.errors import LabError
from lab.wire import Site


def check_data_folder(data: Path, names: Sequence[str]) -> None:
    """LabError when the data folder holds files of the user's own that the lab would have to overwrite."""
    settings = _read(data / "tor.yml")
    if settings is not None:
        if settings.get("lab") is not True:
            raise LabError(
                f"{data / 'tor.yml'} points to a Tor of your own. Give the lab another data folder, or move the file away."
            )
        if _listens(settings.get("control_port")):
            raise LabError(
                f"Another lab is registered with {data} and running. Take it down first: tuskwatch lab down"
            )
    for name in names:
        path = data / "sites" / name / "site.yml"
        site = _read(path)
        if site is not None and (site.get("authorised") or {}).get("by") != "lab":
            raise LabError(
                f"{path} is a site of your own. Give the lab another data folder, or rename the site."
            )


def register(
    data: Path,
    *,
    sites: Mapping[str, tuple[Site, str]],
    socks_port: int,
    control_port: int,
    today: date,
) -> dict[str, str]:
    """Write the files; `sites` maps a name to the site and its onion. Path -> SHA-256 of each file written."""
    settings = {name: site_settings(site, onion=onion, today=today) for name, (site, onion) in sites.items()}
    return write_files(data, settings=settings, socks_port=socks_port, control_port=control_port)


def write_files(
    data: Path,
    *,
    settings: Mapping[str, Mapping[str, Any]],
    socks_port: int,
    control_port: int,
    beside: Mapping[str, Mapping[str, str]] | None = None,
) -> dict[str, str]:
    """Write a site.yml for each name in `settings`, the texts in `beside` next to it, and tor.yml. Path -> SHA-256."""
    written = {}
    for name, found in settings.items():
        path = data / "sites" / name / "site.yml"
        path.parent.mkdir(parents=True, exist_ok=True)
        for other, text in (beside or {}).get(name, {}).items():  # first, so that it is removed first
            (path.parent / other).write_text(text, encoding="utf-8")
            written[str(path.parent / other)] = hashlib.sha256(text.encode()).hexdigest()
        written[str(path)] = _write(path, found)
    data.mkdir(parents=True, exist_ok=True)
    tor = {"control_port": control_port, "socks_port": socks_port, "lab": True}
    written[str(data / "tor.yml")] = _write(data / "tor.yml", tor)
    return written


def site_settings(site: Site, *, onion: str, today: date) -> dict[str, Any]:
    """What site.yml says about a site of the lab."""
    return {
        "name": site.name,
        "title": site.title,
        "addresses": [onion],
        "start": list(site.start),
        "authorised": {"by": "lab", "on": today, "note": "an invented site on this machine"},
        "pace": {"delay": 0, "jitter": 0, "in_flight": 8},
        "bounds": {"pages": 200_000, "depth": 1_000, "minutes": 600},
        "timeout": 60,
        "kinds": {kind: list(patterns) for kind, patterns in site.kinds.items()},
        "skip": list(site.skip),
        "priority": {"listing": 10, "thread": 10, "search": 5},
    }


def _write(path: Path, settings: Mapping[str, Any]) -> str:
    text = "# Written by `tuskwatch lab up`, removed by `tuskwatch lab down`.\n"
    body = (text + yaml.safe_dump(dict(settings), sort_keys=False, allow_unicode=True, width=110)).encode()
    path.write_bytes(body)
    return hashlib.sha256(body).hexdigest()


def _read(path: Path) -> dict[str, Any] | None:
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, yaml.YAMLError) as exc:
        raise LabError(f"{path} cannot be read ({exc}). Repair it or move it away.") from exc
    return found if isinstance(found, dict) else {}


def _listens(port: object) -> bool:
    if not isinstance(port, int) or not 0 < port < 65_536:
        return False
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
