"""The command line as a person uses it, on a data folder of its own."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tuskwatch.cli import app

SITE = """\
name: {name}
title: Invented {name}
addresses: [{onion}]
authorised: {{by: "A. Analyst", on: 2026-10-01}}
"""


class Tuskwatch:
    """Runs commands on one data folder, in this process."""

    def __init__(self, data: Path) -> None:
        self.data = data

    def __call__(self, *arguments: str, stdin: str | None = None) -> Result:
        return CliRunner().invoke(app, ["--data", str(self.data), *arguments], input=stdin)

    def json(self, *arguments: str) -> Any:
        result = self(*arguments, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    def add_site(self, name: str, text: str = SITE) -> Path:
        key = hashlib.sha256(name.encode()).digest()
        checksum = hashlib.sha3_256(b".onion checksum" + key + b"\x03").digest()[:2]
        onion = base64.b32encode(key + checksum + b"\x03").decode().lower() + ".onion"
        folder = self.data / "sites" / name
        folder.mkdir(parents=True)
        path = folder / "site.yml"
        path.write_text(text.format(name=name, onion=onion))
        return path


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in os.environ:
        if name.startswith("TUSKWATCH_"):
            monkeypatch.delenv(name)


@pytest.fixture
def bare(tmp_path: Path) -> Tuskwatch:
    """No data folder yet."""
    return Tuskwatch(tmp_path / "data")


@pytest.fixture
def tuskwatch(bare: Tuskwatch) -> Tuskwatch:
    """After `tuskwatch init`, with one site."""
    result = bare("init")
    assert result.exit_code == 0, result.output
    bare.add_site("oldport")
    return bare


@pytest.fixture
def hide_tor(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    def hide() -> None:
        monkeypatch.setenv("TUSKWATCH_TOR_BINARY", "/nowhere/tor")

    return hide
