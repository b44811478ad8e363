"""Run facts: how much of its site a run has seen, and the proof that nothing left another way, as plain values.

Public names: Category, Coverage, Proof, read_coverage, read_proof, pick_left_out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from storage.coverage import TOTAL
from storage.tables import Issue

SHOWN = 50
"""Categories on a page; the rest is counted. The JSON twin has all."""
_LEFT_OUT = ("bound", "denied-link", "coverage")


@dataclass(frozen=True)
class Category:
    """says: by the site's own count; seen: of the ads that its lists show, those whose page is stored."""

    path: str
    says: int
    seen: int

    @property
    def share(self) -> float | None:
        """None for a category that says it is empty."""
        return min(self.seen / self.says, 1.0) if self.says else None

    @property
    def percent(self) -> str:
        """Rounded down: "100 %" means all of them."""
        return "–" if self.share is None else f"{int(self.share * 100)} %"


@dataclass(frozen=True)
class Coverage:
    total: Category
    categories: tuple[Category, ...]


@dataclass(frozen=True)
class Proof:
    """What the canary kept with the run. failed: in words, "" when all looks were good. owner: of Tor's listening socket."""

    checks: int
    first: datetime | None
    last: datetime | None
    tor_version: str
    tor: str
    owner: str
    circuits: int
    pages: int
    foreign: int
    failed: str
    failed_at: datetime | None


def read_coverage(kept: Mapping[str, Any]) -> Coverage | None:
    """None when the site shows no counts, or none were read yet. What was missed most comes first."""
    rows = [_category(path, row) for path, row in kept.items()]
    total = next((row for row in rows if row.path == TOTAL), None)
    if total is None:
        return None
    categories = sorted(
        (row for row in rows if row.path != TOTAL), key=lambda row: (row.seen - row.says, row.path)
    )
    return Coverage(total, tuple(categories))


def _category(path: str, row: Any) -> Category:
    return Category(path, _count(row, "says"), _count(row, "seen"))


def read_proof(kept: Mapping[str, Any]) -> Proof | None:
    """None before the first look, and for runs that ask nobody."""
    if not kept:
        return None
    return Proof(
        checks=_count(kept, "checks"),
        first=_time(kept.get("first")),
        last=_time(kept.get("last")),
        tor_version=str(kept.get("tor_version") or ""),
        tor=str(kept.get("tor") or ""),
        owner=str(kept.get("owner") or ""),
        # Their names stay in the database: a page shows how many there were.
        circuits=len(kept.get("circuits") or ()),
        pages=_count(kept, "pages"),
        foreign=_count(kept, "foreign"),
        failed=str(kept.get("failed") or ""),
        failed_at=_time(kept.get("failed_at")),
    )


def pick_left_out(issues: Sequence[Issue]) -> list[Issue]:
    """Of a run's issues those that say what was left out, and why."""
    return [issue for issue in issues if issue.kind.startswith("left-out") or issue.kind in _LEFT_OUT]


def _count(row: Any, name: str) -> int:
    value = row.get(name) if isinstance(row, Mapping) else None
    return value if isinstance(value, int) and value > 0 else 0


def _time(text: Any) -> datetime | None:
    try:
        time = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return time if time.tzinfo is not None else time.replace(tzinfo=UTC)
