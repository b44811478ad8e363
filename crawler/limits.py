"""What a healthy run of a site looks like, and when another one does not: expectations (min fails, max warns) and drift.

Public names: Expected, Range, Fault, expect_run, check_limits, find_drift, is_healthy, AD_KINDS,
FIELDS, newcombe, wilson. The file expected.yml is read and written by expectedfile.py.

The rule of drift. Two shares are compared, k of n now and K of N over the last healthy runs, by Newcombe's hybrid score
interval for the difference of two proportions (R. G. Newcombe, Statistics in Medicine 17 (1998) 873-890, method 10;
built on E. B. Wilson, JASA 22 (1927) 209-212), at z = 3.29 (99.9 %, since dozens of shares are compared in each run).
An alarm needs the whole interval to lie beyond a difference that matters (FIELD_STEP, KIND_STEP), and at least
FEWEST cases on both sides: three pages never alarm. Pages of one run are not independent, and which kinds come depends
on how far it came; so shares of kinds are compared between runs of the same plan that came to their end, with a larger
step. The simulation in tests/crawler/test_limits.py holds the rule to fewer than one false alarm in 1,000 runs.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field, model_validator

from crawler.siteconfig import GATE_KINDS, PAGE_KINDS
from storage.health import RunFigures

AD_KINDS = ("listing", "thread")
FIELDS = {
    "title": "title", "description": "description", "seller": "seller", "price_amount": "price", "quantity": "quantity",
    "ships_from": "ships from", "ships_to": "ships to", "posted": "date", "category": "category", "replies": "replies",
}  # fmt: skip
"""The fields that are watched, with their names in plain words."""
Z = 3.29
FEWEST = 20
FIELD_STEP = 0.10
KIND_STEP = 0.20
_READ = "read"
"""Stands for the share of ads' pages that were read as ads at all."""
_ENOUGH_PAGES = 20
_MOST_GATES = 0.3
_ROOM = 0.5
"""How far below the first healthy run's share a minimum is set, as a share of it."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Range(_Strict):
    """Below min the run fails, above max it warns. Either may be left out."""

    min: float | None = Field(default=None, ge=0)
    max: float | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _check_order(self) -> Range:
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError("min is larger than max")
        return self


class Expected(_Strict):
    """A site's expected.yml. Numbers for pages and listings, shares from 0 to 1 for all else."""

    from_run: int = Field(default=0, ge=0)
    """Runs before this one no longer count as healthy ones of now."""
    pages: Range = Range()
    listings: Range = Range()
    gates: Range = Range()
    kinds: Mapping[str, Range] = Field(default_factory=dict)
    fields: Mapping[str, Range] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _check_names(self) -> Expected:
        for name in self.kinds:
            if name not in PAGE_KINDS + GATE_KINDS:
                raise ValueError(f"kinds.{name}: is no kind of page or gate")
        for name in self.fields:
            if name not in (*FIELDS, _READ):
                raise ValueError(f"fields.{name}: is not watched; known are {', '.join((*FIELDS, _READ))}")
        for where, ranges in (("kinds", self.kinds), ("fields", self.fields), ("", {"gates": self.gates})):
            for name, limits in ranges.items():
                if max(limits.min or 0, limits.max or 0) > 1:
                    raise ValueError(f"{where}{'.' if where else ''}{name}: is a share, from 0 to 1")
        return self


@dataclass(frozen=True)
class Fault:
    """One thing that is not as it should be. name: "field price_amount", "kind listing", "pages" ...; level: warn or fail."""

    name: str
    level: str
    message: str
    kinds: tuple[str, ...] = ()
    """Look for a sample page among these kinds."""
    lacks: str | None = None
    """... one whose reading lacks this field."""
    unread: bool = False
    """... one that was not read as an ad."""


def wilson(hits: int, cases: int, *, z: float = Z) -> tuple[float, float]:
    """The score interval of one proportion (Wilson 1927)."""
    if cases == 0:
        return 0.0, 1.0
    share, square = hits / cases, z * z
    middle = (share + square / (2 * cases)) / (1 + square / cases)
    half = z / (1 + square / cases) * math.sqrt(share * (1 - share) / cases + square / (4 * cases * cases))
    return max(0.0, middle - half), min(1.0, middle + half)


def newcombe(
    hits: int, cases: int, hits_before: int, cases_before: int, *, z: float = Z
) -> tuple[float, float]:
    """The interval of (share now - share before); Newcombe 1998, method 10."""
    now, before = hits / cases if cases else 0.0, hits_before / cases_before if cases_before else 0.0
    low, high = wilson(hits, cases, z=z)
    low_before, high_before = wilson(hits_before, cases_before, z=z)
    change = now - before
    return (
        change - math.hypot(now - low, high_before - before),
        change + math.hypot(high - now, before - low_before),
    )


def find_drift(now: RunFigures, healthy: Sequence[RunFigures]) -> list[Fault]:
    """How this run differs from the last healthy ones together, by the rule above. Empty without any."""
    if not healthy:
        return []
    before_fields: Counter[str] = Counter()
    for figures in healthy:
        before_fields.update(figures.fields)
    read_before, asked_before = sum(f.read for f in healthy), sum(f.asked for f in healthy)
    faults = []
    if change := _compare(now.read, now.asked, read_before, asked_before, step=FIELD_STEP):
        words = f"{_percent(change[0])} of the pages of ads could be read as ads, now {_percent(change[1])}"
        if change[1] < change[0]:
            faults.append(Fault(f"field {_READ}", "fail", words, AD_KINDS, unread=True))
    for name, words in FIELDS.items():
        change = _compare(
            now.fields.get(name, 0), now.read, before_fields[name], read_before, step=FIELD_STEP
        )
        if change:
            text = f"{words} was read on {_percent(change[0])} of the ads, now on {_percent(change[1])}"
            fell = change[1] < change[0]
            faults.append(
                Fault(f"field {name}", "fail" if fell else "warn", text, AD_KINDS, name if fell else None)
            )
    return faults + _kind_drift(now, [figures for figures in healthy if figures.whole])


def _kind_drift(now: RunFigures, healthy: Sequence[RunFigures]) -> list[Fault]:
    if not now.whole or not healthy:
        return []
    kinds: Counter[str] = Counter()
    for figures in healthy:
        kinds.update(figures.kinds)
    pages = sum(figures.pages for figures in healthy)
    faults = []
    for kind in sorted(kinds.keys() | now.kinds.keys()):
        change = _compare(now.kinds.get(kind, 0), now.pages, kinds[kind], pages, step=KIND_STEP)
        if change:
            text = f"{_percent(change[0])} of the pages were {kind} pages, now {_percent(change[1])}"
            level = "fail" if kind in GATE_KINDS or (kind in AD_KINDS and change[1] < change[0]) else "warn"
            grown = max(now.kinds, key=lambda k: now.kinds[k] / now.pages - kinds[k] / pages)
            faults.append(Fault(f"kind {kind}", level, text, (kind,) if change[1] > change[0] else (grown,)))
    return faults


def _compare(
    hits: int, cases: int, hits_before: int, cases_before: int, *, step: float
) -> tuple[float, float] | None:
    """(share before, share now) when they differ by more than `step` beyond doubt."""
    if cases < FEWEST or cases_before < FEWEST:
        return None
    low, high = newcombe(hits, cases, hits_before, cases_before)
    if high < -step or low > step:
        return hits_before / cases_before, hits / cases
    return None


def check_limits(now: RunFigures, expected: Expected) -> list[Fault]:
    """Hold a run against the site's expected.yml. Numbers are held against runs that came to their end only."""
    faults: list[Fault] = []
    gates = sum(number for kind, number in now.kinds.items() if kind in GATE_KINDS)
    if now.whole and now.plan == "full":
        _hold(faults, "pages", float(now.pages), expected.pages, "pages were stored", share=False)
        _hold(faults, "listings", float(now.read), expected.listings, "ads were read", share=False)
    if now.pages >= FEWEST:
        shown = tuple(kind for kind in now.kinds if kind in GATE_KINDS)
        _hold(faults, "gates", gates / now.pages, expected.gates, "of the pages were gates", kinds=shown)
        if now.whole and now.plan == "full":
            for kind, limits in expected.kinds.items():
                share = now.kinds.get(kind, 0) / now.pages
                _hold(faults, f"kind {kind}", share, limits, f"of the pages were {kind} pages", kinds=(kind,))
    for name, limits in expected.fields.items():
        hits, cases = (now.read, now.asked) if name == _READ else (now.fields.get(name, 0), now.read)
        if cases < FEWEST:
            continue
        words = (
            "of the pages of ads could be read as ads"
            if name == _READ
            else f"of the ads had a {FIELDS[name]}"
        )
        if limits.min is not None and wilson(hits, cases)[1] >= limits.min and hits / cases < limits.min:
            continue  # so few cases that chance alone may have done it
        lacks = None if name == _READ else name
        _hold(
            faults,
            f"field {name}",
            hits / cases,
            limits,
            words,
            kinds=AD_KINDS,
            lacks=lacks,
            unread=name == _READ,
        )
    return faults


def _hold(
    faults: list[Fault], name: str, value: float, limits: Range, words: str, *, share: bool = True,
    kinds: tuple[str, ...] = (), lacks: str | None = None, unread: bool = False,
) -> None:  # fmt: skip
    show = _percent if share else lambda number: f"{number:,.0f}"
    if limits.min is not None and value < limits.min:
        text = f"{show(value)} {words}; at least {show(limits.min)} are expected"
        faults.append(Fault(name, "fail", text, kinds, lacks, unread))
    elif limits.max is not None and value > limits.max:
        text = f"{show(value)} {words}; at most {show(limits.max)} are expected"
        faults.append(Fault(name, "warn", text, kinds))


def is_healthy(now: RunFigures, faults: Sequence[Fault]) -> bool:
    """May later runs be held against this one? Enough pages, few gates, ads that could be read, and nothing that fails."""
    gates = sum(number for kind, number in now.kinds.items() if kind in GATE_KINDS)
    return (
        now.pages >= _ENOUGH_PAGES
        and gates <= _MOST_GATES * now.pages
        and now.read >= FEWEST
        and now.read >= 0.8 * now.asked
        and not any(fault.level == "fail" or fault.name.startswith("field") for fault in faults)
    )


def expect_run(now: RunFigures, *, run_id: int) -> Expected:
    """Expectations from a healthy run: wide enough for chance and growth, to be narrowed by the analyst."""
    gates = sum(number for kind, number in now.kinds.items() if kind in GATE_KINDS)
    kinds = {
        kind: Range(min=_round(share * _ROOM), max=_round(share + 0.25) if share < 0.75 else None)
        for kind, number in sorted(now.kinds.items())
        if kind not in GATE_KINDS and (share := number / now.pages) >= 0.05
    }
    fields = {
        name: Range(min=_round(share * _ROOM))
        for name in FIELDS
        if (share := now.fields.get(name, 0) / now.read if now.read else 0) >= 0.2
    }
    whole = now.whole and now.plan == "full"
    return Expected(
        from_run=run_id,
        pages=Range(min=now.pages // 2, max=now.pages * 3) if whole else Range(),
        listings=Range(min=now.read // 2, max=now.read * 3) if whole else Range(),
        gates=Range(max=_round(min(1.0, gates / now.pages + 0.2))) if now.pages else Range(),
        kinds=kinds if whole else {},
        fields={_READ: Range(min=_round(0.5 * now.read / now.asked))} | fields if now.asked else fields,
    )


def _round(share: float) -> float:
    return round(share, 2)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
