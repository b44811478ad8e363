"""What one stored page is to us under a site file: its kind and why, what was read, where its links would lead.

Public names: Inspection, FieldRow, LinkRow, MarkRow, Stored, inspect_page, match_path, count_mark.

Pure. The same functions that a crawl uses judge and choose; this module only keeps what they said.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from selectolax.lexbor import LexborHTMLParser

from crawler.extract import PageReading, read_page
from crawler.gates import judge
from crawler.links import FoundLinks, find_links, make_links, normalise_url
from crawler.markup import parse_bounded
from crawler.siteconfig import GATE_KINDS, SiteConfig
from crawler.values import as_json

_MOST_MATCHES = 1_000


@dataclass(frozen=True)
class Stored:
    """One response as it was kept. `kind` is what the crawl judged it to be, when a crawl did."""

    url: str
    status: int
    headers: tuple[tuple[str, str], ...]
    content_type: str
    body: bytes
    received_at: datetime
    kind: str | None = None
    page_id: int | None = None

    @property
    def path(self) -> str:
        return normalise_url(urlsplit(self.url))


@dataclass(frozen=True)
class FieldRow:
    """One field: its value as text, where on the page it stood, how sure the reader is."""

    name: str
    value: str
    where: str
    sure: float


@dataclass(frozen=True)
class LinkRow:
    """One link of the site's own. why: the reason for leaving it out; empty when it would be followed."""

    path: str
    kind: str
    why: str


@dataclass(frozen=True)
class MarkRow:
    """One selector of the file's `marks`. wanted: require or forbid. found: how many elements match."""

    kind: str
    wanted: str
    selector: str
    found: int

    @property
    def good(self) -> bool:
        return (self.found > 0) == (self.wanted == "require")


@dataclass(frozen=True)
class Inspection:
    """kind: what the page counts as. why: what decided. read_as, sure: what the reader takes it for, and how surely."""

    path: str
    status: int
    size: int
    kind: str
    why: str
    gate: bool
    title: str
    read_as: str
    sure: float
    language: str
    cards: int
    notes: tuple[str, ...]
    fields: tuple[FieldRow, ...]
    leftovers: tuple[tuple[str, str], ...]
    patterns: tuple[str, ...]
    """Every pattern of the file that matches this address: "kinds.listing[0] ^/p/" and the like; the first counts."""
    links: tuple[LinkRow, ...]
    foreign: dict[str, int] = field(default_factory=dict)
    """Links to other places, by kind (onion, clear-net, other): recorded, never followed."""
    marks: tuple[MarkRow, ...] = ()
    page_id: int | None = None


def inspect_page(page: Stored, config: SiteConfig) -> Inspection:
    """Judge, read and follow one page, as a crawl and a reading would."""
    match = config.kind_of(page.path)
    gate = judge(
        page.status,
        page.headers,
        page.body,
        path=page.path,
        kind=match.kind,
        expected=match.kind != "other",
        marks=config.marks,
    )
    if page.kind is not None and page.kind in GATE_KINDS:
        kind, why = page.kind, gate.message if gate is not None else "the crawl found it so"
    elif gate is not None:
        kind, why = gate.kind, gate.message
    else:
        kind, why = match.kind, "no pattern under kinds matches its address"
        if first := next((name for name in match_path(page.path, config) if name.startswith("kinds.")), ""):
            why = f"the address matches {first}" + (f", key {match.key}" if match.key else "")
    is_gate = kind in GATE_KINDS
    reading = read_stored(page, config, hint=kind)
    tree = parse_bounded(page.body) if page.body else None
    links, foreign = ((), Counter()) if is_gate else _links(page, config)
    return Inspection(
        path=page.path,
        status=page.status,
        size=len(page.body),
        kind=kind,
        why=why,
        gate=is_gate,
        title=_title(tree),
        read_as=reading.kind,
        sure=reading.confidence,
        language=reading.language,
        cards=len(reading.cards),
        notes=reading.notes,
        fields=() if is_gate else _fields(reading),
        leftovers=reading.leftovers,
        patterns=match_path(page.path, config),
        links=links,
        foreign=dict(foreign),
        marks=tuple(_marks(tree, config)) if tree is not None else (),
        page_id=page.page_id,
    )


def read_stored(page: Stored, config: SiteConfig, *, hint: str) -> PageReading:
    """What the reader makes of it, as jobs do after a crawl."""
    return read_page(
        page.body,
        url=page.url,
        content_type=page.content_type,
        captured_at=page.received_at,
        kind_hint=hint,
        site_title=config.title,
    )


def match_path(path: str, config: SiteConfig) -> tuple[str, ...]:
    """All patterns of the file that match this address, in the order in which they count."""
    found = [f"skip[{number}] {p}" for number, p in enumerate(config.skip) if _pattern(p).search(path)]
    for kind, patterns in config.kinds.items():
        found += [f"kinds.{kind}[{n}] {p}" for n, p in enumerate(patterns) if _pattern(p).search(path)]
    found += [
        f"plan.interest[{number}] {p}"
        for number, p in enumerate(config.plan.interest)
        if _pattern(p).search(path)
    ]
    return tuple(found)


def count_mark(tree: LexborHTMLParser, selector: str) -> int:
    return len(tree.css(selector)[:_MOST_MATCHES])


@lru_cache(maxsize=1_000)
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text)


def _title(tree: LexborHTMLParser | None) -> str:
    node = tree.css_first("title") if tree is not None else None
    return " ".join(node.text().split())[:300] if node is not None else ""


def _fields(reading: PageReading) -> tuple[FieldRow, ...]:
    return tuple(
        FieldRow(name, _plain(value["value"], value["raw"]), str(value["where"]), float(value["sure"]))
        for name, value in as_json(reading.fields).items()
    )


def _plain(value: Any, raw: str) -> str:
    if value is None:
        return f"not understood: {raw}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _links(page: Stored, config: SiteConfig) -> tuple[tuple[LinkRow, ...], Counter[str]]:
    host = urlsplit(page.url).hostname or ""
    found = find_links(page.body, url=page.url, hosts={host, *config.addresses})
    rows = [LinkRow(path, config.kind_of(path).kind, why_left(path, config)) for path in found.paths]
    return tuple(rows), Counter(link.kind for link in found.foreign)


def why_left(path: str, config: SiteConfig) -> str:
    """Why a crawl would leave this link; empty when it would follow it."""
    links, left_out = make_links(FoundLinks(paths=[path]), config, depth=1, host=config.addresses[0])
    if links:
        return ""
    if config.skips(path):
        return next((name for name in match_path(path, config) if name.startswith("skip[")), "skip")
    return next((name for name, count in left_out.items() if count), "left out")


def _marks(tree: LexborHTMLParser, config: SiteConfig) -> Sequence[MarkRow]:
    return [
        MarkRow(kind, wanted, selector, count_mark(tree, selector))
        for kind, marks in config.marks.items()
        for wanted, selectors in (("require", marks.require), ("forbid", marks.forbid))
        for selector in selectors
    ]
