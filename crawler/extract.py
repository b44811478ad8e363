"""A stored page -> a reading: the generic reader, which goes by label texts, microdata and make, never by position.

Public names: READER_VERSION, read_page, PageReading, Value, Card.

Pure: touches neither network nor database. Never raises for anything a site can send, and is bounded in time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from crawler.cards import read_cards
from crawler.charsets import decode_body
from crawler.families import Adapter, apply_adapter
from crawler.feedback import find_feedback
from crawler.html import parse_html
from crawler.linkeddata import add_linked, read_linked
from crawler.listings import read_listing
from crawler.pagefields import read_fields
from crawler.pagekinds import judge_kind
from crawler.profiles import active_tab
from crawler.regions import Page, make_page
from crawler.repair import needs_repair, parse_broken
from crawler.threads import Post, any_in, complete_offer, find_offer, find_posts, read_thread
from crawler.values import Card, PageReading, Value

__all__ = ["READER_VERSION", "Card", "PageReading", "Value", "read_page"]

READER_VERSION = "generic-5"
"""Change it with any change of what read_page gives: readings are marked with it, and `extract --again` makes new ones."""

_WITH_CARDS = frozenset(("listing", "search", "home", "seller"))
_TEXT_TYPES = ("", "text/", "application/xhtml", "application/xml")


def read_page(
    body: bytes,
    *,
    url: str,
    content_type: str,
    captured_at: datetime,
    kind_hint: str | None,
    site_title: str = "",
    day_first: bool | None = None,
    adapter: Adapter | None = None,
) -> PageReading:
    """Read one page. `body` is without content encoding. `kind_hint` is the kind by the site file, None or "other" when it
    says nothing; `site_title` keeps the site's own name from being taken for a title; `day_first` says how the site writes
    dates of numbers, where that is known; `adapter` is that of the site's family, if it has one."""
    kind_of_body = content_type.partition(";")[0].strip().lower()
    if not body.strip() or (not kind_of_body.startswith(_TEXT_TYPES[1:]) and kind_of_body):
        return PageReading("other", 0.2, notes=("empty",) if not body.strip() else ("not a page of text",))
    text, _, notes = decode_body(body, content_type)
    if kind_of_body == "text/plain":
        return PageReading("other", 0.5, notes=notes)
    tree = parse_html(text)
    if needs_repair(text, tree):
        tree = parse_broken(text) or tree
    page = make_page(tree, url=url, site_title=site_title)
    if adapter is not None and kind_hint in (None, "", "other"):
        kind_hint = adapter.module.judge(page) or kind_hint
    linked = read_linked(text)
    reading = _read_tree(page, captured_at=captured_at, hint=kind_hint, day_first=day_first, linked=linked)
    if adapter is not None:
        reading = apply_adapter(adapter, page, reading, captured_at=captured_at)
    tree.clear()
    return replace(reading, notes=(*notes, *tree.notes))


def _read_tree(
    page: Page,
    *,
    captured_at: datetime,
    hint: str | None,
    day_first: bool | None,
    linked: Mapping[str, Value],
) -> PageReading:
    reader = read_listing(page, captured_at=captured_at, day_first=day_first)
    language = reader.language
    posts: list[Post] = []
    if hint in (None, "", "other", "thread", "rules", "listing"):
        posts = find_posts(page, captured_at=captured_at, language=language, day_first=day_first)
    offer = find_offer(posts, reader.pairs)
    if offer is not None or any_in(reader.pairs, posts[1:]):
        # what is said in answer to an offer is no part of it
        out = frozenset(inner.number for post in posts[1:] for inner in post.element.iter())
        reader = read_listing(
            replace(page, frame=page.frame | out),
            captured_at=captured_at,
            day_first=day_first,
            offer=offer.body if offer is not None else None,
        )
    add_linked(reader.fields, linked)
    tab = active_tab(page)
    feedback, rated = find_feedback(
        page, captured_at=captured_at, language=language, day_first=day_first, tab=tab
    )
    kind = judge_kind(
        page,
        hint=hint,
        fields=reader.fields,
        pairs=reader.pairs,
        posts=0 if offer else len(posts),
        rated=rated,
        tab=tab,
        offer=offer is not None,
    )
    if kind.name == "thread":
        fields, spoken = read_thread(page, captured_at=captured_at, day_first=day_first)
        return PageReading(kind.name, kind.confidence, fields, (), (), spoken or language)
    cards: tuple[Card, ...] = ()
    if kind.name in _WITH_CARDS:
        cards = read_cards(page, language=language, without=rated, few=kind.name == "seller")
    if offer is not None and kind.name == "listing":
        complete_offer(reader.fields, offer, reader.pairs)
    fields = read_fields(kind.name, reader, cards=cards, feedback=feedback)
    left = reader.leftovers() if kind.name == "listing" else ()
    return PageReading(kind.name, kind.confidence, fields, left, cards, language)
