"""Stored pages -> stored readings: finds what was not read yet, puts tabs together, reads, raises issues.

Public names: read_stored_pages, read_group, ReadCounts, Troubles.

The only module of the reading half that touches the database. It may be stopped and started at any time: what is
read once is read again only when somebody asks for it (jobs/redo.py).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from crawler.contacts import find_contacts
from crawler.dedup import content_hash
from crawler.extract import READER_VERSION, PageReading, read_page
from crawler.families import Adapter, find_adapter
from crawler.groups import LISTING_KINDS, Group, group_pages, path_of
from crawler.merging import choose_main, merge_readings
from crawler.pagekinds import GATES
from crawler.seen import CARD_KINDS, make_card_rows, make_feedback_rows
from crawler.settings import MAX_PLAIN_SIZE
from crawler.sites import SiteConfig
from crawler.values import as_json
from storage.engine import reading as read_only
from storage.errors import BodyError
from storage.issues import raise_issue
from storage.pages import PageRef, find_page, read_body
from storage.readings import ReadingRow, find_unread, store_readings
from storage.sites import find_sites

BATCH = 50
_SURE_ENOUGH = 0.6
"""A page that the site file does not name becomes a listing only from here on."""
_SELLER_KINDS = ("seller", "pgp", "feedback")
_OFTEN = 5
_MOST_LABELS = 5


@dataclass(frozen=True)
class ReadCounts:
    """pages: read now. readings: stored. listings: readings of listings and threads; new, changed as storage tells."""

    pages: int = 0
    readings: int = 0
    listings: int = 0
    new_listings: int = 0
    changed: int = 0
    sightings: int = 0
    issues: int = 0


def read_stored_pages(
    engine: Engine,
    sites: Mapping[str, SiteConfig],
    *,
    now: datetime,
    progress: Callable[[int, int], None] | None = None,
    run_id: int | None = None,
    site: str | None = None,
    leave: Collection[str] = (),
    until: Callable[[], bool] | None = None,
) -> ReadCounts:
    """Read every page that no reader has read, of one site when `site` names it: a site that is still
    being crawled is better left until all tabs of its listings are there. Pages of the sites in `leave` stay unread.
    `progress` gets (pages done, pages in all); `run_id` is the run that issues are raised for. `until`, asked before
    each batch, ends it there: what is read is read."""
    with read_only(engine) as session:
        names = {known.id: known.name for known in find_sites(session)}
        site_id = next((number for number, name in names.items() if name == site), None)
        if site is not None and site_id is None:
            return ReadCounts()
        found = find_unread(session, site_id=site_id)
        unread = [ref for ref in found if names[ref.site_id] not in leave]
        groups = list(group_pages(session, unread, names, sites))
    # Lists last: a card of a listing whose own page was read needs no reading.
    groups.sort(key=lambda group: group.kind in CARD_KINDS)
    total = sum(len(group.pages) for group in groups)
    counts = ReadCounts()
    troubles = Troubles()
    done = 0
    for start in range(0, len(groups), BATCH):
        if until is not None and until():
            break
        batch = groups[start : start + BATCH]
        with read_only(engine) as session:
            rows = [read_group(session, group, sites.get(group.site), troubles) for group in batch]
        stored = store_readings(engine, rows, now=now)
        done += sum(len(group.pages) for group in batch)
        counts = replace(
            counts,
            pages=done,
            readings=counts.readings + stored.readings,
            listings=counts.listings + sum(row.source != "" for row in rows),
            new_listings=counts.new_listings + stored.new_listings,
            changed=counts.changed + stored.changed,
            sightings=counts.sightings + stored.sightings,
        )
        if progress is not None:
            progress(done, total)
    return replace(counts, issues=troubles.raise_all(engine, run_id=run_id, now=now))


# --- reading one group ---


def read_group(session: Session, group: Group, config: SiteConfig | None, troubles: Troubles) -> ReadingRow:
    """One group's pages read by today's reader; stores nothing. What a person should look at goes to `troubles`."""
    title = config.title if config is not None else ""
    adapter = find_adapter(config.family) if config is not None and config.family else None
    read: list[tuple[str, PageReading, PageRef]] = []
    for ref in group.pages:
        path = path_of(ref.url)
        read.append((path, _read_one(session, ref, group, title, adapter, troubles), ref))
    if len(read) > 1:
        good = [item for item in read if item[1].kind not in GATES] or read
        main = good[choose_main([(path, reading) for path, reading, _ in good])]
        read = [main, *(item for item in read if item is not main)]
        merged = merge_readings([main[1], *(item[1] for item in good if item is not main)])
    else:
        merged = read[0][1]
    row = _make_row(group, merged, [item[2] for item in read], config, troubles)
    return row if adapter is None else replace(row, reader_version=f"{READER_VERSION}+{adapter.version}")


def _read_one(
    session: Session,
    ref: PageRef,
    group: Group,
    site_title: str,
    adapter: Adapter | None,
    troubles: Troubles,
) -> PageReading:
    if ref.kind in GATES:
        return PageReading(ref.kind or "other", 0.9, notes=("judged by the crawl",))
    page = find_page(session, ref.page_id)
    try:
        body = read_body(session, page, max_size=MAX_PLAIN_SIZE) if page is not None else b""
    except BodyError as exc:
        troubles.note(
            ref, "body", f"the body of a page cannot be read: {str(exc).replace(str(ref.page_id), 'N')}"
        )
        return PageReading("other", 0.0, notes=("the body cannot be read",))
    return read_page(
        body,
        url=ref.url,
        content_type=ref.content_type,
        captured_at=ref.received_at,
        kind_hint=group.kind,
        site_title=site_title,
        adapter=adapter,
    )


def _make_row(
    group: Group,
    reading: PageReading,
    refs: Sequence[PageRef],
    config: SiteConfig | None,
    troubles: Troubles,
) -> ReadingRow:
    main = refs[0]
    fields = reading.fields
    is_listing = reading.kind in LISTING_KINDS and (
        group.kind in LISTING_KINDS or reading.confidence >= _SURE_ENOUGH
    )
    title, description = reading.text("title"), reading.text("description")
    # On the pages of a seller the reader calls them by "name".
    seller = reading.text("seller") or (reading.text("name") if reading.kind in _SELLER_KINDS else "")
    if is_listing and not title:
        troubles.note(
            main, "title", f"a page of kind {reading.kind} has no title: is its pattern in site.yml right?"
        )
        is_listing = bool(description)
    elif group.kind in LISTING_KINDS and reading.kind in GATES:
        troubles.note(main, "gate", f"a page of kind {group.kind} is a {reading.kind} page")
    if is_listing:
        troubles.check(main, reading)
    value = _values(reading)
    return ReadingRow(
        page_ids=tuple(ref.page_id for ref in refs),
        site_id=main.site_id,
        run_id=main.run_id,
        reader_version=READER_VERSION,
        kind=reading.kind,
        confidence=reading.confidence,
        title=title,
        description=description,
        fields=as_json(fields),
        leftovers=[list(pair) for pair in reading.leftovers],
        content_sha256=content_hash(title, description, seller),
        key=(group.key or path_of(main.url)) if is_listing else "",
        source=reading.kind if is_listing else "",
        url=main.url,
        seller=seller,
        seen_at=main.received_at,
        category=" > ".join(value("category", tuple) or ()),
        price_amount=value("price_amount", Decimal),
        price_currency=value("price_currency", str) or "",
        ships_from=(value("ships_from", str) or "")[:200],
        ships_to=", ".join(value("ships_to", tuple) or ()),
        posted_at=value("posted", datetime),
        contacts=_contacts(title, description, reading),
        cards=make_card_rows(reading, url=main.url, config=config) if _is_sure(group, reading) else (),
        feedback=make_feedback_rows(reading),
    )


def _is_sure(group: Group, reading: PageReading) -> bool:
    return group.kind == reading.kind or reading.confidence >= _SURE_ENOUGH


def _values(reading: PageReading) -> Callable[[str, type], Any]:
    def value(name: str, kind: type) -> Any:
        found = reading.fields.get(name)
        return found.value if found is not None and isinstance(found.value, kind) else None

    return value


def _contacts(title: str, description: str, reading: PageReading) -> tuple[tuple[str, str, bool], ...]:
    texts = [title, description, reading.text("terms"), reading.text("contact"), reading.text("pgp_key")]
    if fingerprint := reading.text("pgp_fingerprint"):
        texts.append(f"PGP fingerprint {fingerprint}")
    return tuple((c.kind, c.value[:500], c.valid) for c in find_contacts("\n".join(filter(None, texts))))


# --- what a person should look at ---


class Troubles:
    """Problems of one reading, each raised once for a site with one page as its example."""

    def __init__(self) -> None:
        self.found: dict[tuple[int, str, str], PageRef] = {}
        self.labels: dict[int, Counter[str]] = defaultdict(Counter)
        self.examples: dict[tuple[int, str], PageRef] = {}

    def note(self, ref: PageRef, kind: str, message: str) -> None:
        self.found.setdefault((ref.site_id, kind, message), ref)

    def check(self, ref: PageRef, reading: PageReading) -> None:
        price = reading.fields.get("price_text")
        if price is not None and "price_amount" not in reading.fields:
            self.note(ref, "price", "a price could not be read; its raw text is kept")
        posted = reading.fields.get("posted")
        if posted is not None and posted.value is None:
            self.note(ref, "date", "a date could mean two days or is not known; its raw text is kept")
        for note in reading.notes:
            self.note(ref, "page", f"a page had to be bent into shape ({note})")
        for name, _ in reading.leftovers:
            self.labels[ref.site_id][name[:60]] += 1
            self.examples.setdefault((ref.site_id, name[:60]), ref)

    def raise_all(self, engine: Engine, *, run_id: int | None, now: datetime) -> int:
        for site_id, counter in self.labels.items():
            for name, count in counter.most_common(_MOST_LABELS):
                if count >= _OFTEN:
                    message = f'the label "{name}" is not known: no field takes its value'
                    self.note(self.examples[site_id, name], "label", message)
        for (site_id, kind, message), ref in self.found.items():
            raise_issue(
                engine,
                site_id=site_id,
                run_id=run_id if run_id is not None else ref.run_id,
                page_id=ref.page_id,
                kind=f"reading-{kind}",
                level="warn",
                message=message,
                now=now,
            )
        return len(self.found)
