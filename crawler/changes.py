"""What a reader now says otherwise than an earlier one did: field by field, counted, with examples.

Public names: OldReading, Tally, Example, HOWS.

Pure. Only values are compared: where on the page they stood, and how sure a reader was, may change freely.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from storage.readings import ReadingRow
from storage.types import clean_text

HOWS = ("same", "new", "lost", "changed")
"""new: read now and not before. lost: read before and no more. A field that neither has is not counted."""
_EXAMPLES = 3
_SHOWN = 120


@dataclass(frozen=True)
class OldReading:
    """What stands in the database for the same main page. contacts: (kind, value)."""

    kind: str
    title: str
    description: str
    fields: Mapping[str, Any]
    contacts: frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Example:
    """One change, cut to what a line of a table holds."""

    page_id: int
    old: str
    new: str


@dataclass
class Tally:
    """How often which field changed how. pages: looked at. readings: that differ in anything. unread: never read before."""

    pages: int = 0
    readings: int = 0
    unread: int = 0
    fields: dict[str, Counter[str]] = field(default_factory=dict)
    examples: dict[str, list[Example]] = field(default_factory=dict)
    """By "field how"."""

    def compare(self, old: OldReading | None, new: ReadingRow) -> bool:
        """Count one page's two readings; whether they differ."""
        self.pages += len(new.page_ids)
        if old is None:
            self.unread += len(new.page_ids)
            self.readings += 1
            return True
        before, after = _values_of_old(old), _values_of_new(new)
        differs = False
        for name in sorted(before.keys() | after.keys()):
            how = _judge(before.get(name), after.get(name))
            if not how:
                continue
            self.fields.setdefault(name, Counter())[how] += 1
            if how != "same":
                differs = True
                shown = self.examples.setdefault(f"{name} {how}", [])
                if len(shown) < _EXAMPLES:
                    shown.append(Example(new.page_ids[0], _cut(before.get(name)), _cut(after.get(name))))
        self.readings += differs
        return differs

    def add(self, other: Tally) -> None:
        self.pages += other.pages
        self.readings += other.readings
        self.unread += other.unread
        for name, counts in other.fields.items():
            self.fields.setdefault(name, Counter()).update(counts)
        for name, shown in other.examples.items():
            kept = self.examples.setdefault(name, [])
            kept.extend(shown[: _EXAMPLES - len(kept)])


def _judge(before: Any, after: Any) -> str:
    if _is_nothing(before):
        return "" if _is_nothing(after) else "new"
    if _is_nothing(after):
        return "lost"
    return "same" if before == after else "changed"


def _is_nothing(value: Any) -> bool:
    return value is None or value in ("", [], {})


def _values_of_old(old: OldReading) -> dict[str, Any]:
    values = {
        name: found.get("value") if isinstance(found, dict) else found for name, found in old.fields.items()
    }
    contacts = sorted(f"{kind} {value}" for kind, value in old.contacts)
    return values | {
        "kind": old.kind,
        "title": old.title,
        "description": old.description,
        "contacts": contacts,
    }


def _values_of_new(new: ReadingRow) -> dict[str, Any]:
    # As the database would give it back: what no database keeps is replaced on the way in.
    return _values_of_old(
        OldReading(
            kind=new.kind,
            title=clean_text(new.title),
            description=clean_text(new.description),
            fields=_clean(new.fields),
            contacts=frozenset((kind, clean_text(value)) for kind, value, _ in new.contacts),
        )
    )


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, Mapping):
        return {clean_text(str(name)): _clean(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(inner) for inner in value]
    return value


def _cut(value: Any) -> str:
    text = "" if value is None else " ".join(str(value).split())
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
