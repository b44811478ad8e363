"""How much of a site a sweep has seen, held against the numbers that the site itself writes beside its categories.

Public names: read_counts, measure_coverage, CategoryCount, MAX_CATEGORIES.

read_counts is pure and bounded; measure_coverage reads the sweep's stored pages of lists and writes run.coverage.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode
from sqlalchemy import Engine

from crawler.links import FoundLinks, find_links, normalise_url
from crawler.markup import parse_bounded
from crawler.settings import MAX_PLAIN_SIZE
from crawler.shapes import PAGE_NAMES, SORT_NAMES, split_query
from crawler.sites import SiteConfig
from storage.coverage import TOTAL, find_list_pages, find_seen_addresses, write_coverage
from storage.engine import reading
from storage.errors import BodyError
from storage.issues import raise_issue
from storage.pages import find_page, read_body

MAX_CATEGORIES = 500
_MAX_COUNT = 10_000_000
_NUMBER = r"\d{1,3}(?:[.,'\u00a0\u202f ]\d{3})+|\d{1,8}"
_BRACKETS = re.compile(rf"[(\[{{（［【]\s*({_NUMBER})\s*[)\]}}）］】]\s*$")
_AFTER = re.compile(rf"\s*[(\[{{（［【]\s*({_NUMBER})\s*[)\]}}）］】]")
_BARE = re.compile(rf"\s*({_NUMBER})\s*")
_BADGES = "span, small, b, em, i, sup, strong, badge, td"
_MAX_TEXT = 160
_LIST_KINDS = frozenset(("search", "other"))
LOW, ENOUGH = 0.8, 20
"""A category that says at least ENOUGH and of which less than LOW was seen is worth an issue."""


@dataclass
class CategoryCount:
    """says: the highest number met beside the category's link; None: none was. seen: keys of its ads."""

    says: int | None = None
    seen: set[str] = field(default_factory=set)


def read_number(text: str) -> int | None:
    """1,234 and 1.234 and 1 234 as a person means them; None for what is no number of things."""
    digits = re.sub(r"[^\d]", "", text)
    if not digits or len(digits) > 8:
        return None
    value = int(digits)
    return value if value <= _MAX_COUNT else None


def category_of(path: str) -> str:
    """The address of the whole list that an address shows a piece or an order of."""
    base, pairs = split_query(path)
    rest = [
        f"{name}={value}"
        for name, value in pairs
        if name.lower() not in PAGE_NAMES and name.lower() not in SORT_NAMES
    ]
    return f"{base}?{'&'.join(rest)}" if rest else base


def read_counts(tree: LexborHTMLParser, config: SiteConfig, *, url: str) -> dict[str, int]:
    """{category's path: how many ads the page says it has}: by the site file's selectors, else "Name (123)" and badges."""
    host = urlsplit(url).hostname or ""
    found: dict[str, int] = {}
    if config.counts.link is not None:
        nodes = [node for node in tree.css(config.counts.link)[: 4 * MAX_CATEGORIES] if node is not None]
        for node in nodes:
            link = node if node.tag == "a" else node.css_first("a[href]")
            path = _path_of(link, url, host, config)
            count = _count_by_selector(node, config.counts.count) if path else None
            if path and count is not None:
                found.setdefault(path, count)
            if len(found) >= MAX_CATEGORIES:
                break
        return found
    links = find_links(tree, url=url, hosts=config.addresses)
    wanted = frozenset(("search",)) if "search" in config.kinds else _LIST_KINDS
    for path in links.paths:
        if len(found) >= MAX_CATEGORIES:
            break
        if config.kind_of(path).kind not in wanted or config.skips(path) or category_of(path) != path:
            continue
        count = _count_beside(links.nodes[path])
        if count is not None:
            found[path] = count
    here = category_of(normalise_url(urlsplit(url)))
    if config.kind_of(here).kind == "search" and here not in found:
        for head in tree.css("h1, h2, h3")[:5]:
            if (match := _BRACKETS.search(head.text(deep=True, separator=" ")[:_MAX_TEXT])) is not None:
                if (own := read_number(match[1])) is not None:
                    found[here] = own
                break
    return found


def _path_of(link: LexborNode | None, url: str, host: str, config: SiteConfig) -> str | None:
    href = link.attributes.get("href") if link is not None else None
    if not href:
        return None
    one = find_links(f'<a href="{href.replace(chr(34), "")}">x</a>'.encode(), url=url, hosts=config.addresses)
    return category_of(one.paths[0]) if one.paths else None


def _count_by_selector(node: LexborNode, selector: str | None) -> int | None:
    if selector is None:
        return _count_beside(node)
    place = node.css_first(selector)
    if place is None and node.parent is not None and len(node.parent.css("a[href]")) == 1:
        place = node.parent.css_first(selector)  # beside the link, where no other link claims it
    if place is None:
        return None
    found = re.search(_NUMBER, place.text(deep=True)[:_MAX_TEXT])
    return read_number(found[0]) if found else None


def _count_beside(node: LexborNode) -> int | None:
    """ "Name (12)" in the link; a badge with a bare number in it; or either right behind it."""
    text = node.text(deep=True, separator=" ")[:_MAX_TEXT]
    if (found := _BRACKETS.search(text)) and text[: found.start()].strip():
        return read_number(found[1])
    for badge in node.css(_BADGES)[:5]:
        inner = badge.text(deep=True)[:_MAX_TEXT]
        if (found := _BARE.fullmatch(inner)) and inner.strip() != text.strip():
            return read_number(found[1])
    beside = node.next
    for _ in range(3):
        if beside is None:
            return None
        words = (beside.text(deep=True) or "")[:_MAX_TEXT]
        if beside.tag == "-text":
            if found := _AFTER.match(words):
                return read_number(found[1])
            if words.strip():
                return None
        elif beside.tag in _BADGES.split(", "):
            found = _BARE.fullmatch(words) or _AFTER.fullmatch(words)
            return read_number(found[1]) if found else None
        else:
            return None
        beside = beside.next
    return None


def measure_coverage(
    engine: Engine,
    config: SiteConfig,
    *,
    run_id: int,
    now: datetime,
    progress: Callable[[int], None] | None = None,
) -> dict[str, dict[str, int]]:
    """Count the ads that the run's sweep has a page of, category by category, beside what the site says; written to the
    run, with one issue when much is missing of a sweep that is done."""
    with reading(engine) as session:
        pages = find_list_pages(session, run_id=run_id)
        fetched = {
            _ad_of(normalise_url(urlsplit(url)), config)
            for url in find_seen_addresses(session, run_id=run_id)
        }
    counts: dict[str, CategoryCount] = {}
    for number, page_id in enumerate(pages):
        _count_page(engine, page_id, config, counts, fetched)
        if progress is not None:
            progress(number)
    said = {path: count for path, count in counts.items() if count.says is not None}
    coverage = {
        path: {"says": count.says or 0, "seen": len(count.seen)} for path, count in sorted(said.items())
    }
    if coverage:
        coverage[TOTAL] = {
            "says": sum(row["says"] for row in coverage.values()),
            "seen": sum(row["seen"] for row in coverage.values()),
        }
    done, site_id = write_coverage(engine, run_id=run_id, coverage=coverage)
    if done:
        _tell(engine, coverage, site_id=site_id, run_id=run_id, now=now)
    return coverage


def _count_page(
    engine: Engine, page_id: int, config: SiteConfig, counts: dict[str, CategoryCount], fetched: set[str]
) -> None:
    with reading(engine) as session:
        page = find_page(session, page_id)
        if page is None:
            return
        try:
            body = read_body(session, page, max_size=MAX_PLAIN_SIZE)
        except BodyError:
            return  # said when it was fetched
        url = page.url
    tree = parse_bounded(body)
    for path, says in read_counts(tree, config, url=url).items():
        if path in counts or len(counts) < MAX_CATEGORIES:
            known = counts.setdefault(path, CategoryCount())
            known.says = max(known.says or 0, says)
    here = category_of(normalise_url(urlsplit(url)))
    if here not in counts and len(counts) >= MAX_CATEGORIES:
        return
    found: FoundLinks = find_links(tree, url=url, hosts=config.addresses)
    ads = {_ad_of(path, config) for path in found.paths if config.kind_of(path).kind in ("listing", "thread")}
    counts.setdefault(here, CategoryCount()).seen |= ads & fetched


def _ad_of(path: str, config: SiteConfig) -> str:
    match = config.kind_of(path)
    return f"{match.kind} {match.key or path}"


def _tell(
    engine: Engine, coverage: dict[str, dict[str, int]], *, site_id: int, run_id: int, now: datetime
) -> None:
    low = [
        (row["says"] - row["seen"], path, row)
        for path, row in coverage.items()
        if path != TOTAL and row["says"] >= ENOUGH and row["seen"] < LOW * row["says"]
    ]
    if not low:
        return
    worst = ", ".join(
        f"{path[:80]} ({row['seen']} of {row['says']})" for _, path, row in sorted(low, reverse=True)[:3]
    )
    many = "1 category has" if len(low) == 1 else f"{len(low)} categories have"
    message = f"{many} more ads than were seen, by the site's own count: {worst}"
    raise_issue(
        engine,
        site_id=site_id,
        run_id=run_id,
        page_id=None,
        kind="coverage",
        level="warn",
        message=message,
        now=now,
    )
