"""What the drill's database remembers of each run's states and of each page, by triggers of the drill's own.

Public names: Turn, Stored, Row, watch_database, read_turns, read_pages, read_rows, Row.

The product's tables say how things are; whether a run ended once or twice only its history can say. Times are the
database server's: one clock, whatever the machines' clocks say.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, text

from benchmarks.fleet.market import NUMBER
from storage.engine import reading

_TRIGGERS = {
    "postgresql": (
        """CREATE TABLE drill_turn (id serial PRIMARY KEY, run_id int, old varchar(20), new varchar(20),
           worker varchar(200), at double precision)""",
        """CREATE FUNCTION drill_note() RETURNS trigger AS $$ BEGIN
           IF TG_OP = 'INSERT' OR NEW.state IS DISTINCT FROM OLD.state THEN
           INSERT INTO drill_turn (run_id, old, new, worker, at) VALUES
           (NEW.id, CASE WHEN TG_OP = 'INSERT' THEN '' ELSE OLD.state END, NEW.state, NEW.worker,
           extract(epoch FROM clock_timestamp()));
           END IF; RETURN NEW; END $$ LANGUAGE plpgsql""",
        "CREATE TRIGGER drill_run AFTER INSERT OR UPDATE ON run FOR EACH ROW EXECUTE FUNCTION drill_note()",
    ),
    "sqlite": (
        """CREATE TABLE drill_turn (id integer PRIMARY KEY, run_id int, old varchar(20), new varchar(20),
           worker varchar(200), at double)""",
        """CREATE TRIGGER drill_new AFTER INSERT ON run BEGIN
           INSERT INTO drill_turn (run_id, old, new, worker, at) VALUES
           (NEW.id, '', NEW.state, NEW.worker, (julianday('now') - 2440587.5) * 86400.0); END""",
        """CREATE TRIGGER drill_run AFTER UPDATE ON run WHEN NEW.state IS NOT OLD.state BEGIN
           INSERT INTO drill_turn (run_id, old, new, worker, at) VALUES
           (NEW.id, OLD.state, NEW.state, NEW.worker, (julianday('now') - 2440587.5) * 86400.0); END""",
    ),
}
_TURNS = "SELECT run_id, old, new, coalesce(worker, ''), at FROM drill_turn ORDER BY id"
_PAGES = """SELECT page.id, site.name, page.run_id, run.fence, page.frontier_id, page.attempt, page.hop, page.status,
  page.url, page.body_sha256, page.response_headers FROM page JOIN site ON site.id = page.site_id
  JOIN run ON run.id = page.run_id ORDER BY page.id"""
_ROWS = """SELECT run.id, coalesce(site.name, ''), run.verb, run.state, run.reason, run.message, run.sweep_id,
  run.retry_of, run.ended_at, run.waits_for FROM run LEFT JOIN site ON site.id = run.site_id ORDER BY run.id"""


@dataclass(frozen=True)
class Turn:
    """A run's state changed. old "": it was added."""

    run: int
    old: str
    new: str
    worker: str
    at: float


@dataclass(frozen=True)
class Stored:
    """One page as it was stored; in the order in which they were."""

    id: int
    site: str
    run: int
    frontier: int | None
    attempt: int
    hop: int
    status: int | None
    path: str
    sha256: str
    number: int
    """Of the request that the server answered with it; 0 when no answer came."""


@dataclass(frozen=True)
class Row:
    """One run as it stands in the end."""

    id: int
    site: str
    verb: str
    state: str
    reason: str
    message: str
    sweep: int | None
    retry_of: int | None
    ended_at: datetime | None
    waits_for: str


def watch_database(engine: Engine) -> None:
    """Let the database write down every change of a run's state."""
    with engine.begin() as connection:
        for statement in _TRIGGERS[engine.dialect.name]:
            connection.execute(text(statement))


def read_turns(engine: Engine) -> list[Turn]:
    with reading(engine) as session:
        return [Turn(*row[:4], at=float(row[4])) for row in session.execute(text(_TURNS))]


def read_pages(engine: Engine) -> list[Stored]:
    with reading(engine) as session:
        return [
            Stored(
                row[0], row[1], row[2], row[4], row[5], row[6], row[7],
                "/" + row[8].split("/", 3)[3], row[9] or "", _find_number(row[10]),
            )
            for row in session.execute(text(_PAGES))
        ]  # fmt: skip


def read_rows(engine: Engine) -> list[Row]:
    with reading(engine) as session:
        return [Row(*row) for row in session.execute(text(_ROWS))]


def _find_number(headers: list[list[str]] | str) -> int:
    headers = json.loads(headers) if isinstance(headers, str) else headers
    return next((int(value) for name, value in headers if name.lower() == NUMBER.lower()), 0)
