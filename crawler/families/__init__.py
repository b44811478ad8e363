"""Adapters: short modules for families of sites whose pages the generic reader does not read whole.

Public names: Adapter, find_adapter, find_families, apply_adapter.

A family is a folder here: adapter.py, and samples/NNN/{page.html,page.json,expected.json}, all invented. adapter.py has
VERSION (an int, raised with every change of what it gives), `judge(page) -> str`, the page's kind or "" where it says
nothing, and `read(page, reading, captured_at=) -> Mapping[str, Value]`: fields that stand in place of the generic
reader's, a Value of None for one that must not be kept. A site names its family in site.yml. What neither reads stays
among the leftovers, and those that come often are raised as issues.
"""

from __future__ import annotations

import importlib
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Protocol, cast

from crawler.regions import Page
from crawler.values import PageReading, Value

_NAME = re.compile(r"[a-z][a-z0-9_]{1,30}")


class _Module(Protocol):
    VERSION: int

    def judge(self, page: Page) -> str: ...

    def read(
        self, page: Page, reading: PageReading, *, captured_at: datetime
    ) -> Mapping[str, Value | None]: ...


@dataclass(frozen=True)
class Adapter:
    """One family's module. `version` is what readings made with it are marked with, beside the reader's own."""

    name: str
    module: _Module

    @property
    def version(self) -> str:
        return f"{self.name}-{self.module.VERSION}"


def find_families() -> tuple[str, ...]:
    """The names of all families there are."""
    here = Path(__file__).parent
    return tuple(sorted(path.parent.name for path in here.glob("*/adapter.py")))


@lru_cache(maxsize=64)
def find_adapter(name: str) -> Adapter | None:
    """The adapter of a family, or None where there is no family of that name."""
    if not _NAME.fullmatch(name) or name not in find_families():
        return None
    return Adapter(name, cast(_Module, importlib.import_module(f"crawler.families.{name}.adapter")))


def apply_adapter(
    adapter: Adapter, page: Page, reading: PageReading, *, captured_at: datetime
) -> PageReading:
    """The generic reading with the adapter's fields in place of its own; their labels are no leftovers any more."""
    found = adapter.module.read(page, reading, captured_at=captured_at)
    fields = {name: value for name, value in reading.fields.items() if name not in found}
    fields |= {name: value for name, value in found.items() if value is not None}
    known = {" ".join(value.raw.split()) for value in found.values() if value is not None}
    # Where two labels have that value it is not clear which of them was read: both stay, and are raised.
    said = Counter(" ".join(value.split()) for _, value in reading.leftovers)
    left = tuple(
        pair
        for pair in reading.leftovers
        if (value := " ".join(pair[1].split())) not in known or said[value] > 1
    )
    return replace(reading, fields=fields, leftovers=left)
