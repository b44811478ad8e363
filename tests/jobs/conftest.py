"""A data folder as `tuskwatch init` makes it, with two invented sites."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from crawler.denyfile import write_empty
from jobs.places import Places
from storage.engine import upgrade


def make_onion(seed: str) -> str:
    """An invented v3 onion with a right checksum; its key belongs to nobody."""
    key = hashlib.sha256(seed.encode()).digest()
    checksum = hashlib.sha3_256(b".onion checksum" + key + b"\x03").digest()[:2]
    return base64.b32encode(key + checksum + b"\x03").decode().lower() + ".onion"


SITE = """\
name: {name}
title: Invented {name}
addresses: [{onion}]
authorised: {{by: "A. Analyst", on: 2026-10-01}}
"""


@pytest.fixture
def now() -> datetime:
    return datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture
def add_site() -> Callable[[Path, str], None]:
    def add(data: Path, name: str) -> None:
        folder = data / "sites" / name
        folder.mkdir(parents=True)
        (folder / "site.yml").write_text(SITE.format(name=name, onion=make_onion(name)))

    return add


@pytest.fixture
def places(tmp_path: Path, add_site: Callable[[Path, str], None]) -> Places:
    data = tmp_path / "data"
    add_site(data, "oldport")
    add_site(data, "newport")
    url = f"sqlite:///{data}/tuskwatch.db"
    upgrade(url)
    write_empty(data)
    return Places(
        data=data,
        database_url=url,
        engine_url=f"sqlite:///{data}/engine.db",
        models=tmp_path / "models",
        tor_binary="/nowhere/tor",
    )
