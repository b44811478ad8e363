"""What a look around a site showed: its pages by kind, what was read, what was left out, and patterns to try.

Public names: Summary, KindRow, summarise.

Pure: from the inspected pages of one short run.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from crawler.errand import shape_of
from crawler.inspection import Inspection
from crawler.limits import AD_KINDS, FIELDS
from crawler.siteconfig import SiteConfig
from crawler.suggest import Suggestion, suggest_kinds

_MOST = 40


@dataclass(frozen=True)
class KindRow:
    """Pages of one kind, and what the reader took them for where that differs."""

    kind: str
    pages: int
    read_as: str
    example: str


@dataclass(frozen=True)
class Summary:
    """fields: (name, on how many ads it was read). left_out: (reason, how many addresses, one of them).
    unknown: shapes of addresses that no pattern matches, with how many addresses have them."""

    pages: int
    addresses: int
    kinds: tuple[KindRow, ...]
    ads: int
    fields: tuple[tuple[str, int], ...]
    left_out: tuple[tuple[str, int, str], ...]
    unknown: tuple[tuple[str, int], ...]
    foreign: tuple[tuple[str, int], ...]
    leftovers: tuple[tuple[str, int], ...]
    suggestions: tuple[Suggestion, ...]
    idle: tuple[str, ...]
    """Patterns of the site file that matched no address seen."""


def summarise(pages: Sequence[Inspection], config: SiteConfig) -> Summary:
    """Put the pages of one look around together."""
    content = [page for page in pages if not page.gate]
    links = {link.path: link for page in content for link in page.links}
    paths = list(dict.fromkeys([*(page.path for page in content), *links]))
    ads = [page for page in content if page.read_as in AD_KINDS]
    reasons: dict[str, list[str]] = {}
    for link in links.values():
        if link.why:
            reasons.setdefault(link.why, []).append(link.path)
    open_paths = [p for p in paths if config.kind_of(p).kind == "other" and not _left(links.get(p))]
    read_as = {page.path: page.kind if page.gate else page.read_as for page in pages}
    known = [re.compile(p) for patterns in config.kinds.values() for p in patterns]
    names = [name for kind, patterns in config.kinds.items() for name in _names(kind, patterns)]
    names += [f"skip[{number}] {p}" for number, p in enumerate(config.skip)]
    return Summary(
        pages=len(pages),
        addresses=len(paths),
        kinds=tuple(_kind_rows(pages)),
        ads=len(ads),
        fields=tuple((n, sum(any(f.name == n for f in ad.fields) for ad in ads)) for n in FIELDS if ads),
        left_out=tuple(
            sorted(((why, len(found), found[0]) for why, found in reasons.items()), key=lambda row: -row[1])
        ),
        unknown=tuple(Counter(shape_of(path) for path in open_paths).most_common(_MOST)),
        foreign=tuple(sum((Counter(page.foreign) for page in content), Counter()).most_common()),
        leftovers=tuple(Counter(name for ad in ads for name, _ in ad.leftovers).most_common(10)),
        suggestions=tuple(suggest_kinds(open_paths, read_as, known=known)[:_MOST]),
        idle=tuple(name for name in names if not _matches(name, paths)),
    )


def _left(link: object) -> bool:
    return bool(getattr(link, "why", ""))


def _names(kind: str, patterns: Sequence[str]) -> list[str]:
    return [f"kinds.{kind}[{number}] {pattern}" for number, pattern in enumerate(patterns)]


def _matches(name: str, paths: Sequence[str]) -> bool:
    pattern = re.compile(name.partition(" ")[2])
    return any(pattern.search(path) for path in paths)


def _kind_rows(pages: Sequence[Inspection]) -> list[KindRow]:
    rows: dict[tuple[str, str], list[Inspection]] = {}
    for page in pages:
        rows.setdefault((page.kind, "" if page.gate else page.read_as), []).append(page)
    return [
        KindRow(kind, len(found), read_as, found[0].path)
        for (kind, read_as), found in sorted(rows.items(), key=lambda row: -len(row[1]))
    ]
