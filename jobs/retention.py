"""Removes what is past its date, by the rules of retention.yml, or only counts it.

Public names: remove_old, RetentionCounts, RemovedLine, KeptLine.

Everything is decided again within each batch's transaction, so the work may be stopped, killed and done again at any time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine

from jobs.errors import UsageError
from jobs.places import Places
from jobs.retentionfile import RetentionRules, read_rules
from jobs.verbs import alone
from storage.engine import check_schema, reading
from storage.keeping import Gone
from storage.leftovers import (
    count_old_entries,
    find_bare_sellers,
    find_done_addresses,
    find_freed,
    find_orphans,
    remove_addresses,
    remove_bodies,
    remove_entries,
    remove_sellers,
    weigh_addresses,
    weigh_bodies,
    weigh_entries,
    weigh_sellers,
)
from storage.retention import Batch, Removed, find_space, open_for_removal, remove_pages, weigh_pages
from storage.runs import find_run
from storage.safety import Cutoffs, count_aged, find_aged
from storage.sites import find_sites

PAGES_A_BATCH = 100
ROWS_A_BATCH = 1_000
PASSES = 10
VERB = "retention"
_NAMES = {
    "page": "pages", "reading": "readings", "score": "scores", "listing": "listings", "sighting": "sightings",
    "contact": "contacts", "feedback": "ratings", "verdict": "verdicts", "seller": "sellers", "frontier": "addresses",
    "blob": "bodies", "audit": "audit_rows",
}  # fmt: skip
"""What a table's rows are called in the counts."""

Tell = Callable[[int, int], object]
Wished = Callable[[], str | None]


@dataclass(frozen=True)
class RemovedLine:
    """rule: storage.retention.RULES. site: its name; "" for what has none (bodies, the audit log)."""

    rule: str
    site: str
    what: str
    rows: int


@dataclass(frozen=True)
class KeptLine:
    """Pages past their date that stay. reason: storage.keeping.REASONS."""

    reason: str
    site: str
    pages: int


@dataclass(frozen=True)
class RetentionCounts:
    """What was removed, or would be. bytes: of bodies as kept, packed. oldest, newest: of the pages and audit rows that
    went. ended: done, or what was wished: pause or cancel. advice: what becomes of the space."""

    pages: int = 0
    readings: int = 0
    scores: int = 0
    listings: int = 0
    sightings: int = 0
    contacts: int = 0
    ratings: int = 0
    verdicts: int = 0
    sellers: int = 0
    addresses: int = 0
    bodies: int = 0
    bytes: int = 0
    audit_rows: int = 0
    kept: int = 0
    rules: str = ""
    ended: str = "done"
    advice: str = ""
    oldest: datetime | None = None
    newest: datetime | None = None
    removed_lines: tuple[RemovedLine, ...] = ()
    kept_lines: tuple[KeptLine, ...] = ()

    @property
    def rows(self) -> int:
        return sum(line.rows for line in self.removed_lines)

    def say(self) -> str:
        """In a sentence."""
        if not self.rows:
            return f"Nothing was past its date. {self.rules}"
        parts = [
            f"{getattr(self, name):,} {name.replace('_', ' ')}"
            for name in _NAMES.values()
            if getattr(self, name)
        ]
        return f"{', '.join(parts)}; {self.bytes:,} bytes of bodies."


def remove_old(
    places: Places,
    *,
    run_id: int | None,
    now: datetime,
    dry_run: bool,
    tell: Tell | None = None,
    wished: Wished | None = None,
) -> RetentionCounts:
    """Remove, or with `dry_run` count, what is past its date at `now`. UsageError when the rules are wrong.

    Asked between batches, `wished` ends it there ("pause", "cancel"); the next removal goes on. run_id: the run that the
    tombstones name; only a dry run needs none.
    """
    rules = read_rules(places)
    engine = open_for_removal(places.database_url)
    try:
        check_schema(engine)
        if not dry_run and run_id is None:
            raise UsageError("A removal belongs to a run.")
        cut = rules.cutoffs(now, model=_find_model(places))
        with reading(engine) as session:
            sites = {site.id: site.name for site in find_sites(session)}
            run = find_run(session, run_id) if run_id is not None else None
        work = _Work(engine, cut, Batch(run_id or 0, run.by if run is not None else "", now), tell, wished)
        # Two removals at a time would go over the same rows.
        with nullcontext() if dry_run else alone(places, VERB):
            ended = work.count() if dry_run else work.remove()
        return _say_counts(work, sites, rules, ended, find_space(engine) if not dry_run else "")
    finally:
        engine.dispose()


class _Work:
    """One removal: which batches, in which order. `total` adds up what went, `kept` what stayed in the last pass."""

    def __init__(
        self, engine: Engine, cut: Cutoffs, batch: Batch, tell: Tell | None, wished: Wished | None
    ) -> None:
        self._engine = engine
        self._cut = cut
        self._batch = batch
        self._tell = tell
        self._wished = wished
        self._done = 0
        with reading(engine) as session:
            self._all = count_aged(session, cut) + count_old_entries(session, cut=cut)
        self._gone = Gone()
        self.total = Removed()
        self.kept: Counter[tuple[str, int]] = Counter()

    def remove(self) -> str:
        """ "done", or the wish that ended it early."""
        steps: tuple[Callable[[], str | None], ...] = (
            lambda: self._pass_pages(
                lambda ids: remove_pages(self._engine, ids, cut=self._cut, batch=self._batch)
            ),
            self._remove_bodies,
            lambda: self._remove_rest(remove_sellers),
            lambda: self._remove_rest(remove_addresses),
            self._remove_entries,
        )
        for step in steps:
            if (wish := step()) is not None:
                return wish
        self._note(self._all)
        return "done"

    def count(self) -> str:
        wish = self._pass_pages(self._weigh)
        if wish is not None:
            return wish
        with reading(self._engine) as session:
            bodies = find_freed(session, self._gone)
            after = ""
            while some := find_orphans(session, after=after, limit=ROWS_A_BATCH):
                bodies |= set(some)
                after = some[-1]
            self.total.add(weigh_bodies(session, bodies, now=self._batch.now))
            number, going = 0, True
            while going:
                ids, number = find_bare_sellers(
                    session, cut=self._cut, after=number, limit=ROWS_A_BATCH, gone=self._gone
                )
                self.total.add(weigh_sellers(session, ids))
                going = number > 0
            going = True
            while going:
                found, number = find_done_addresses(
                    session, cut=self._cut, after=number, limit=ROWS_A_BATCH, gone=self._gone
                )
                self.total.add(weigh_addresses(found))
                going = number > 0
            self.total.add(weigh_entries(session, cut=self._cut))
        self._note(self._all)
        return "done"

    def _pass_pages(self, do: Callable[[list[int]], Removed]) -> str | None:
        """Go through the pages until nothing goes any more: what rests on a page may go in one pass, the page in the next."""
        for turn in range(PASSES):
            self.kept = Counter()
            went, after = False, 0
            while ids := self._next_pages(after):
                if (wish := self._ask()) is not None:
                    return wish
                removed = do(ids)
                went = went or bool(removed.rows)
                self.total.add(removed)
                self.kept.update((reason, removed.sites[page_id]) for page_id, reason in removed.kept.items())
                after = ids[-1]
                if turn == 0:
                    self._note(self._done + len(ids))
            if not went:
                break
        return None

    def _next_pages(self, after: int) -> list[int]:
        with reading(self._engine) as session:
            return find_aged(session, self._cut, after=after, limit=PAGES_A_BATCH)

    def _weigh(self, ids: list[int]) -> Removed:
        with reading(self._engine) as session:
            return weigh_pages(session, ids, cut=self._cut, gone=self._gone)

    def _remove_bodies(self) -> str | None:
        after = ""
        while True:
            if (wish := self._ask()) is not None:
                return wish
            with reading(self._engine) as session:
                some = find_orphans(session, after=after, limit=ROWS_A_BATCH)
            if not some:
                return None
            after = some[-1]
            self.total.add(remove_bodies(self._engine, some, batch=self._batch))

    def _remove_rest(self, do: Callable[..., tuple[Removed, int]]) -> str | None:
        after, going = 0, True
        while going:
            if (wish := self._ask()) is not None:
                return wish
            removed, after = do(
                self._engine, cut=self._cut, after=after, limit=ROWS_A_BATCH, batch=self._batch
            )
            self.total.add(removed)
            going = after > 0
        return None

    def _remove_entries(self) -> str | None:
        while True:
            if (wish := self._ask()) is not None:
                return wish
            removed = remove_entries(self._engine, cut=self._cut, limit=ROWS_A_BATCH, batch=self._batch)
            if not removed.rows:
                return None
            self.total.add(removed)

    def _ask(self) -> str | None:
        return self._wished() if self._wished is not None else None

    def _note(self, done: int) -> None:
        self._done = min(done, self._all)
        if self._tell is not None:
            self._tell(self._done, self._all)


def _say_counts(
    work: _Work, sites: dict[int, str], rules: RetentionRules, ended: str, advice: str
) -> RetentionCounts:
    sums: Counter[str] = Counter()
    lines = []
    for (rule, site_id, table), rows in sorted(work.total.rows.items(), key=lambda line: str(line[0])):
        sums[_NAMES[table]] += rows
        lines.append(RemovedLine(rule, sites.get(site_id or 0, ""), _NAMES[table], rows))
    kept = tuple(
        KeptLine(reason, sites.get(site_id, ""), pages)
        for (reason, site_id), pages in sorted(work.kept.items())
    )
    numbers: dict[str, Any] = dict(sums)
    return RetentionCounts(
        **numbers,
        bytes=work.total.bytes,
        kept=sum(line.pages for line in kept),
        rules=rules.say(),
        ended=ended,
        advice=advice,
        oldest=work.total.oldest,
        newest=work.total.newest,
        removed_lines=tuple(lines),
        kept_lines=kept,
    )


def _find_model(places: Places) -> str | None:
    """The version that CURRENT names; None where there is none: then the model that scored last counts."""
    try:
        first = (places.models / "CURRENT").read_text("utf-8").splitlines()[:1]
    except (OSError, UnicodeDecodeError):
        return None
    return first[0].removeprefix("version ").strip() or None if first else None
