"""Where everything of one installation is: plain values, made once by the front door and handed down.

Public names: Places, TorFile, read_tor_file, dump_places, load_places.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml

from jobs.errors import JobError

TOR_FILE = "tor.yml"
TOR_FILE_LIMIT = 10_000


@dataclass(frozen=True)
class Places:
    """The data folder, the two databases, the models, and how Tor is reached.

    tor_control_port None: start a Tor of our own, unless `<data>/tor.yml` names one to attach to.
    crawls: how many sites one worker crawls at once; crawls_everywhere: all workers together (None: no bound). key_file: the key that seals sessions; outside the data folder.
    recall: share of the true offers that flags are to find, one of classifier.zones.RECALLS as text.
    """

    data: Path
    database_url: str
    engine_url: str
    models: Path
    tor_control_port: int | None = None
    tor_control_password: str | None = None
    tor_socks_port: int | None = None
    tor_binary: str = "tor"
    crawls: int = 4
    log_level: str = "INFO"
    log_format: str = "text"
    key_file: Path | None = None
    recall: str = "0.80"
    crawls_everywhere: int | None = None

    @property
    def runs(self) -> Path:
        return self.data / "runs"

    @property
    def workers(self) -> Path:
        return self.data / "workers"

    @property
    def reports(self) -> Path:
        return self.data / "reports"

    @property
    def sites(self) -> Path:
        return self.data / "sites"


@dataclass(frozen=True)
class TorFile:
    """What `<data>/tor.yml` says: attach to this running Tor."""

    control_port: int
    socks_port: int | None
    lab: bool


def read_tor_file(data: Path) -> TorFile | None:
    """The Tor that the data folder names, or None when there is no such file."""
    path = data / TOR_FILE
    try:
        if path.stat().st_size > TOR_FILE_LIMIT:
            raise JobError(f"{path} is far too large to be what it should be. Remove it, or write it again.")
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (yaml.YAMLError, UnicodeDecodeError) as exc:
        raise JobError(f"{path} cannot be read: {exc}. Correct it or remove it.") from exc
    ports = content if isinstance(content, dict) else {}
    unknown = sorted(str(name) for name in set(ports) - {"control_port", "socks_port", "lab"})
    if unknown:
        raise JobError(f"{path}: unknown line {unknown[0]!r}. Known: control_port, socks_port, lab.")
    control, socks = _port(ports, "control_port", path), _port(ports, "socks_port", path)
    if control is None:
        raise JobError(f"{path}: control_port is missing. Write control_port: 9051, or remove the file.")
    return TorFile(control_port=control, socks_port=socks, lab=ports.get("lab") is True)


def _port(ports: dict[str, Any], name: str, path: Path) -> int | None:
    value = ports.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 65536:
        raise JobError(f"{path}: {name} must be a port number from 1 to 65535, not {value!r}.")
    return value


def dump_places(places: Places) -> str:
    """As one line of JSON, for a child process (on its standard input: the password is not for the process list)."""
    paths = {
        "data": str(places.data),
        "models": str(places.models),
        "key_file": str(places.key_file) if places.key_file is not None else None,
    }
    return json.dumps(asdict(places) | paths)


def load_places(text: str) -> Places:
    values = json.loads(text)
    key_file = values.get("key_file")
    paths = {
        "data": Path(values["data"]),
        "models": Path(values["models"]),
        "key_file": Path(key_file) if key_file is not None else None,
    }
    return Places(**values | paths)
