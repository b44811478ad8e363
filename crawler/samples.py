"""Samples of a site: scrubbed pages beside its file, what should be read from them, and how the file's rules do on them.

Public names: Made, SampleCheck, FieldCheck, SiteCheck, make_sample, check_samples. Pure; files: samplefiles.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from crawler.charsets import decode_body
from crawler.errors import SiteError
from crawler.inspection import Inspection, Stored, inspect_page, match_path, read_stored
from crawler.samplefiles import Sample
from crawler.scrub import STEPS, Mask, Scrubbed, scrub_page
from crawler.siteconfig import GATE_KINDS, SiteConfig
from crawler.values import PageReading, as_json


@dataclass(frozen=True)
class Made:
    """A sample ready to be written. changed: what would be read differently from the page itself (name: before, after);
    kept: the steps of scrubbing that were left out because the reading would have changed by them."""

    sample: Sample
    scrubbed: Scrubbed
    kept: tuple[str, ...]
    changed: Mapping[str, tuple[str, str]]


@dataclass(frozen=True)
class FieldCheck:
    """state: ok, missing (expected, not read), wrong (another value), new (read, not expected)."""

    field: str
    state: str
    expected: str
    read: str


@dataclass(frozen=True)
class SampleCheck:
    """How one sample does."""

    name: str
    inspection: Inspection
    fields: tuple[FieldCheck, ...]

    @property
    def faults(self) -> int:
        return sum(row.state in ("missing", "wrong") for row in self.fields)


@dataclass(frozen=True)
class SiteCheck:
    """idle: patterns and selectors that match nothing in any sample. unnamed: samples whose address no pattern matches."""

    samples: tuple[SampleCheck, ...]
    idle: tuple[str, ...]
    unnamed: tuple[str, ...]

    @property
    def faults(self) -> int:
        return sum(check.faults for check in self.samples)


def make_sample(
    page: Stored,
    config: SiteConfig,
    *,
    name: str,
    salt: bytes,
    hide: Sequence[str] = (),
    mask_people: bool = True,
) -> Made:
    """Scrub a page so that it is read as before. Where a step would change that, it is left out, and named."""
    text, _, _ = decode_body(page.body, page.content_type)
    before = inspect_page(page, config)
    hint = before.kind
    first = read_stored(page, config, hint=hint)
    sellers = _sellers(first, page, config) if mask_people else ()
    steps = STEPS if mask_people else ("images",)
    best: Made | None = None
    for kept in ((), *((step,) for step in steps), steps):
        mask = Mask(
            salt=salt,
            hide=hide,
            cookies=_cookies(page),
            sellers=() if "sellers" in kept else sellers,
            contacts=mask_people and "contacts" not in kept,
        )
        scrubbed = scrub_page(text, mask, keep_images="images" in kept)
        sample = _sample(name, scrubbed, page, mask, kind=hint)
        second = read_stored(sample.page, config, hint=hint)
        changed = _differences(first, second, mask)
        made = Made(replace(sample, expected=_expect(second)), scrubbed, kept, changed)
        if not changed:
            return made
        if best is None or len(changed) < len(best.changed):
            best = made
    assert best is not None
    return best


def check_samples(samples: Iterable[Sample], config: SiteConfig) -> SiteCheck:
    """Hold every rule of the site file against every sample, and what is read against what is expected."""
    checks = [_check(sample, config) for sample in samples]
    matched = {name for check in checks for name in check.inspection.patterns}
    for check in checks:
        for link in check.inspection.links:
            matched.update(match_path(link.path, config))
    idle = [name for name in _all_patterns(config) if name not in matched]
    for mark in dict.fromkeys((m.kind, m.wanted, m.selector) for c in checks for m in c.inspection.marks):
        if not any(
            (m.kind, m.wanted, m.selector) == mark and m.found for c in checks for m in c.inspection.marks
        ):
            idle.append(f"marks.{mark[0]}.{mark[1]} {mark[2]}")
    unnamed = [
        check.name
        for check in checks
        if not check.inspection.gate and not any(p.startswith("kinds.") for p in check.inspection.patterns)
    ]
    return SiteCheck(tuple(checks), tuple(idle), tuple(unnamed))


# --- making ---


def _sample(name: str, scrubbed: Scrubbed, page: Stored, mask: Mask, *, kind: str) -> Sample:
    made = Stored(
        url=mask(page.url),
        status=page.status,
        headers=(),
        content_type="text/html; charset=utf-8",
        body=scrubbed.html.encode("utf-8", "replace"),
        received_at=page.received_at,
        kind=kind,
    )
    return Sample(name, made, {})


def _expect(reading: PageReading) -> dict[str, Any]:
    fields = {name: value["value"] for name, value in as_json(reading.fields).items()}
    return {
        "kind": reading.kind,
        "language": reading.language,
        "cards": len(reading.cards),
        "fields": fields,
    }


def _differences(before: PageReading, after: PageReading, mask: Mask) -> dict[str, tuple[str, str]]:
    """What is read differently, apart from what the mask itself replaces."""
    want, have = _flat(_expect(before)), _flat(_expect(after))
    found = {}
    for name in sorted(want.keys() | have.keys()):
        old, new = mask(want.get(name, "")), have.get(name, "")
        if old != new:
            found[name] = (old, new)
    return found


def _flat(expected: Mapping[str, Any]) -> dict[str, str]:
    rows = {name: _text(expected.get(name)) for name in ("kind", "language", "cards")}
    return rows | {name: _text(value) for name, value in dict(expected.get("fields", {})).items()}


def _sellers(reading: PageReading, page: Stored, config: SiteConfig) -> tuple[str, ...]:
    """Names of sellers and posters that stand on the page, as the reader and the site's own addresses say."""
    names = [reading.text("seller"), reading.text("author"), *(card.seller for card in reading.cards)]
    for reply in reading.fields["replies"].value or () if "replies" in reading.fields else ():
        if isinstance(reply, dict):
            names.append(str(reply.get("author", "")))
    for link in inspect_page(page, config).links:
        if link.kind == "seller":
            names.append(urlsplit(link.path).path.rstrip("/").rpartition("/")[2])
    return tuple(dict.fromkeys(name for name in names if len(name) >= 3))


def _cookies(page: Stored) -> list[str]:
    values = []
    for name, value in page.headers:
        if name.lower() == "cookie":
            values += [part.partition("=")[2].strip() for part in value.split(";")]
        elif name.lower() == "set-cookie":
            values.append(value.partition(";")[0].partition("=")[2].strip())
    return values


# --- checking ---


def _check(sample: Sample, config: SiteConfig) -> SampleCheck:
    # A gate stays what the crawl found it to be: its headers are not in the sample. All else is judged anew, and so is
    # what only lacked a mark: marks are what is being mended here.
    kind = sample.page.kind if sample.page.kind in GATE_KINDS and sample.page.kind != "unknown" else None
    page = replace(sample.page, kind=kind)
    seen = inspect_page(page, config)
    reading = read_stored(page, config, hint=seen.kind)
    rows = [
        _compare("kind", sample.expected.get("kind"), "unknown" if seen.kind == "unknown" else reading.kind)
    ]
    fields = {name: value["value"] for name, value in as_json(reading.fields).items()}
    wanted = sample.expected.get("fields", {})
    if not isinstance(wanted, dict):
        raise SiteError(f"sample {sample.name}, expected.json: fields: must be an object: {{...}}")
    for name in sorted(wanted.keys() | fields.keys()):
        if name not in wanted:
            rows.append(FieldCheck(name, "new", "", _text(fields[name])))
        else:
            rows.append(_compare(name, wanted[name], fields.get(name)))
    if "cards" in sample.expected:
        rows.append(_compare("cards", sample.expected["cards"], len(reading.cards)))
    return SampleCheck(sample.name, seen, tuple(rows))


def _compare(name: str, expected: Any, read: Any) -> FieldCheck:
    state = "ok" if expected == read else "missing" if read in (None, "", [], 0) else "wrong"
    return FieldCheck(name, state, _text(expected), _text(read))


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


def _all_patterns(config: SiteConfig) -> list[str]:
    names = [
        f"kinds.{kind}[{n}] {p}" for kind, patterns in config.kinds.items() for n, p in enumerate(patterns)
    ]
    names += [f"skip[{number}] {p}" for number, p in enumerate(config.skip)]
    return names + [f"plan.interest[{number}] {p}" for number, p in enumerate(config.plan.interest)]
