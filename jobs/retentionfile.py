"""What `<data>/retention.yml` says: how long each class of data is kept. Without the file nothing is ever removed.

Public names: RetentionRules, RetentionError, FILE, CLASSES, read_rules, LEAST_DAYS.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict, field_validator, model_validator

from crawler.errors import SiteError
from crawler.yamlfile import read_model, read_node
from jobs.errors import UsageError
from jobs.places import Places
from storage.safety import Cutoffs

FILE = "retention.yml"
CLASSES = ("pages", "flagged", "verdicts", "audit")
LEAST_DAYS = 30
"""Pages are kept at least so long: reading, scoring and reviewing need their time, and so does somebody who notices."""
MOST_DAYS = 36_500
_MAX_FILE = 64 * 1024
_KEEP = re.compile(r"([0-9]{1,6}) days?", re.ASCII)


class RetentionError(UsageError):
    """retention.yml is wrong; the text names file, line and field."""


class _Class(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    keep: int | None = None
    """Days; None is for ever."""

    @field_validator("keep", mode="before")
    @classmethod
    def _is_time(cls, value: object) -> int | None:
        text = str(value).strip()
        if text == "forever":
            return None
        found = _KEEP.fullmatch(text)
        if not found:
            raise ValueError(f'is "365 days" or "forever", not {text[:40]!r}')
        days = int(found[1])
        if not LEAST_DAYS <= days <= MOST_DAYS:
            raise ValueError(
                f"is {LEAST_DAYS} to {MOST_DAYS:,} days, not {days:,}: what comes in needs time to be read, scored and "
                "reviewed"
            )
        return days


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    pages: _Class = _Class()
    flagged: _Class = _Class()
    verdicts: _Class = _Class()
    audit: _Class = _Class()

    @model_validator(mode="after")
    def _fits_together(self) -> _File:
        for name in ("flagged", "verdicts"):
            if _is_shorter(getattr(self, name), self.pages):
                raise ValueError(
                    f"{name}: is kept at least as long as pages: {_say(self.pages.keep)} or more"
                )
        for name in ("pages", "flagged", "verdicts"):
            if _is_shorter(self.audit, getattr(self, name)):
                raise ValueError(
                    f"audit: is kept at least as long as {name}: {_say(getattr(self, name).keep)} or more. It says who "
                    "did what with them"
                )
        return self


@dataclass(frozen=True)
class RetentionRules:
    """Days for each class, None for ever. there: is there a file at all?"""

    pages: int | None = None
    flagged: int | None = None
    verdicts: int | None = None
    audit: int | None = None
    there: bool = False

    def cutoffs(self, now: datetime, *, model: str | None = None) -> Cutoffs:
        ends = {
            name: None if (days := getattr(self, name)) is None else now - timedelta(days=days)
            for name in CLASSES
        }
        return Cutoffs(**ends, model=model)

    def say(self) -> str:
        """The rules in a sentence."""
        if not self.there:
            return f"There is no {FILE} in the data folder: everything is kept for ever."
        parts = ", ".join(f"{name} {_say(getattr(self, name))}" for name in CLASSES)
        return f"Kept: {parts}."


def read_rules(places: Places) -> RetentionRules:
    """The rules; without a file those that keep everything. RetentionError names what is wrong, by line."""
    path = places.data / FILE
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return RetentionRules()
    except OSError as exc:
        raise RetentionError(
            f"{path}: cannot be read: {exc.strerror}. Nothing is removed until it can."
        ) from exc
    try:
        node, values = read_node(path, text, max_size=_MAX_FILE)
        if values is None:
            return RetentionRules(there=True)
        file = read_model(path, node, values, _File)
    except SiteError as exc:
        raise RetentionError(
            f"{exc}\nNothing is removed until it is mended; docs/retention.md shows one."
        ) from exc
    return RetentionRules(
        pages=file.pages.keep,
        flagged=file.flagged.keep,
        verdicts=file.verdicts.keep,
        audit=file.audit.keep,
        there=True,
    )


def _is_shorter(one: _Class, other: _Class) -> bool:
    return one.keep is not None and (other.keep is None or one.keep < other.keep)


def _say(days: int | None) -> str:
    return "for ever" if days is None else f"{days:,} days"
