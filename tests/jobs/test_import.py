"""Imports from end to end: stored first, with custody, then read; nothing twice, nothing lost."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from crawler.archivefiles import ArchiveError
from crawler.archivemapping import Mapping, read_mapping
from crawler.denyfile import DenyError, add_entry
from jobs.archiveafter import Imported
from jobs.archives import Custody, import_archive, plan_import
from jobs.errors import UsageError
from jobs.places import Places, dump_places
from storage.audit import verify
from storage.engine import open_engine, reading
from storage.tables import Archive, ArchiveRecord, Audit, Base, Blob, Issue, Listing, Page, Reading, Run

REPOSITORY = Path(__file__).parent.parent.parent


def listing(number: int, words: str = "Hand carved box of old wood, shipped by post.") -> bytes:
    return (
        f"<html><head><title>Carved box {number}</title></head><body><h1>Carved box {number}</h1><table>"
        f"<tr><th>Seller</th><td>grey_heron</td></tr><tr><th>Price</th><td>USD {number}0.00</td></tr>"
        f"<tr><th>Ships from</th><td>Norway</td></tr></table><h2>Description</h2><p>{words}</p></body></html>"
    ).encode()


def warc(bodies: dict[str, bytes], *, status: bytes = b"200 OK") -> bytes:
    parts = []
    for path, body in bodies.items():
        block = (
            b"HTTP/1.1 "
            + status
            + b"\r\nContent-Type: text/html\r\nSet-Cookie: sid=secret; Path=/\r\n\r\n"
            + body
        )
        head = (
            f"WARC/1.1\r\nWARC-Type: response\r\nWARC-Target-URI: http://invented.onion{path}\r\n"
            f"WARC-Date: 2026-03-05T10:20:30Z\r\nContent-Length: {len(block)}\r\n\r\n"
        )
        parts.append(gzip.compress(head.encode() + block + b"\r\n\r\n"))
    return b"".join(parts)


class Importer:
    """Imports into the places of a test, and looks at what came of it."""

    def __init__(self, places: Places, now: datetime) -> None:
        self.places, self.now = places, now
        self.engine: Engine = open_engine(places.database_url)

    def __call__(
        self, path: Path, *, site: str = "oldport", origin: str = "exhibit 7", **more: Any
    ) -> Imported:
        custody = Custody(origin, "Officer B", datetime(2026, 10, 1, tzinfo=UTC), "sealed bag")
        return import_archive(
            self.places, path, site=site, custody=custody, by="ana", clock=lambda: self.now, **more
        )

    def all(self, table: type[Base]) -> list[Any]:
        with reading(self.engine) as session:
            return list(session.scalars(select(table).order_by(next(iter(table.__table__.primary_key)))))


@pytest.fixture
def importer(places: Places, now: datetime) -> Iterator[Importer]:
    """Without a model: scoring fails, which costs nothing of what was stored and read."""
    made = Importer(places, now)
    yield made
    made.engine.dispose()


@pytest.fixture
def five(tmp_path: Path) -> Path:
    path = tmp_path / "crawl.warc.gz"
    path.write_bytes(
        warc({f"/p/{n}": listing(n, f"Box number {n} with {n * 7} drawers. " * 4) for n in range(1, 6)})
    )
    return path


def test_an_archive_is_stored_with_its_custody_and_read(
    importer: Importer, five: Path, repository: Path
) -> None:
    importer.places = replace(importer.places, models=repository / "models")
    done = importer(five)
    assert (done.state, done.stored, done.known, done.skipped) == ("done", 5, 0, {})
    assert (done.listings, done.flagged, done.trouble) == (5, 0, "")
    (archive,) = importer.all(Archive)
    assert archive.sha256 == hashlib.sha256(five.read_bytes()).hexdigest()
    assert (archive.origin, archive.custodian, archive.note, archive.by) == (
        "exhibit 7",
        "Officer B",
        "sealed bag",
        "ana",
    )
    assert (archive.form, archive.size, archive.state, archive.stored) == (
        "warc",
        five.stat().st_size,
        "done",
        5,
    )
    page = importer.all(Page)[0]
    assert (page.url, page.status, page.received_at) == (
        "http://invented.onion/p/1",
        200,
        datetime(2026, 3, 5, 10, 20, 30, tzinfo=UTC),
    )
    assert page.body_sha256 == hashlib.sha256(listing(1, "Box number 1 with 7 drawers. " * 4)).hexdigest()
    assert "secret" not in json.dumps(page.response_headers)
    run = importer.all(Run)[0]
    assert (run.verb, run.state, run.pages, run.listings) == ("import", "done", 5, 5)
    actions = {row.action for row in importer.all(Audit)}
    assert {"archive.import", "archive.done"} <= actions
    with reading(importer.engine) as session:
        assert verify(session) == []


def test_the_same_archive_again_brings_nothing_new(importer: Importer, five: Path, tmp_path: Path) -> None:
    importer(five)
    tables = (Page, Blob, ArchiveRecord, Archive, Listing, Reading)
    before = [len(importer.all(table)) for table in tables]
    copy = tmp_path / "other-name.warc.gz"
    copy.write_bytes(five.read_bytes())
    again = importer(copy)
    assert (again.stored, again.known, again.listings) == (0, 5, 0)
    assert [len(importer.all(table)) for table in tables] == before
    assert importer(five, site="newport").stored == 5  # another site is another matter


def test_a_cut_archive_is_broken_and_what_came_before_is_in(importer: Importer, five: Path) -> None:
    five.write_bytes(five.read_bytes()[:-60])
    done = importer(five)
    assert (done.state, done.stored, done.listings) == ("broken", 4, 4)
    assert "its end is missing" in done.message
    assert importer.all(Archive)[0].state == "broken"
    assert "archive-broken" in {issue.kind for issue in importer.all(Issue)}
    again = importer(five)
    assert (again.state, again.stored, again.known, again.message) == ("broken", 0, 4, done.message)


def test_gates_of_an_archive_never_become_listings(importer: Importer, tmp_path: Path) -> None:
    captcha = b"<html><title>Captcha</title><h1>Solve the captcha</h1><form><img src=x><input name=captcha></form></html>"
    path = tmp_path / "gates.warc.gz"
    path.write_bytes(warc({"/p/1": captcha, "/p/2": listing(2)}))
    done = importer(path)
    assert [page.kind for page in importer.all(Page)] == ["captcha", "other"]
    assert (done.stored, done.listings) == (2, 1)


def test_what_the_deny_list_names_leaves_a_hash_and_an_audit_row(importer: Importer, tmp_path: Path) -> None:
    add_entry(importer.places.data / "deny.yml", section="terms", text="forbidden phrase")
    folder = tmp_path / "forbidden phrase"
    folder.mkdir()
    (folder / "a.html").write_bytes(listing(1, "A for&#98;idden phrase stands here."))
    (folder / "b.html").write_bytes(listing(2))
    (folder / "forbidden phrase.html").write_bytes(listing(3))
    done = importer(folder)
    assert (done.stored, done.skipped) == (1, {"the deny list names it: nothing of its text was kept": 2})
    records = importer.all(ArchiveRecord)
    assert hashlib.sha256(listing(1, "A for&#98;idden phrase stands here.")).hexdigest() in {
        r.sha256 for r in records
    }
    assert not any("forbidden" in text for r in records for text in (r.place, r.message))
    assert not any("forbidden" in page.url for page in importer.all(Page))
    assert len(importer.all(Blob)) == 1
    assert [row.action for row in importer.all(Audit)].count("page.deny") == 2


def test_without_a_deny_list_nothing_comes_in(importer: Importer, five: Path) -> None:
    (importer.places.data / "deny.yml").unlink()
    with pytest.raises(DenyError):
        importer(five)
    assert importer.all(Page) == []


def test_a_site_must_be_known_or_said_to_be_new(importer: Importer, five: Path) -> None:
    for name, words in (("nowhere", "--new-site"), ("No Name", "cannot be a site's name")):
        with pytest.raises(UsageError, match=words):
            importer(five, site=name)
    with pytest.raises(UsageError, match="--origin"):
        importer(five, origin=" ")
    assert importer(five, site="nowhere", new_site=True).listings == 5
    from jobs.runs import start_crawl

    with pytest.raises(UsageError, match="There is no site"):
        start_crawl(importer.places, "nowhere", by="ana", reason="x", now=importer.now)


def test_a_plan_stores_nothing(importer: Importer, five: Path) -> None:
    plan = plan_import(importer.places, five, site="fresh", new_site=True)
    assert (plan.form, plan.known, plan.new_site, plan.source.files) == ("warc", "", True, 1)
    assert importer.all(Archive) == importer.all(Run) == []


def test_what_was_not_read_is_read_later(importer: Importer, five: Path) -> None:
    assert importer(five, read=False).listings is None
    assert importer.all(Reading) == []
    assert importer(five).listings == 5


def test_broken_records_become_one_issue_for_each_reason(importer: Importer, five: Path) -> None:
    bad = b"WARC/1.1\r\nWARC-Type: response\r\nContent-Length: 3\r\n\r\nabc\r\n\r\n"
    five.write_bytes(five.read_bytes() + gzip.compress(bad * 3))
    done = importer(five)
    assert (done.stored, sum(done.skipped.values())) == (5, 3)
    (issue,) = [issue for issue in importer.all(Issue) if issue.kind == "archive-record"]
    assert "3 of its records skipped" in issue.message


def test_times_that_cannot_be_are_not_believed(importer: Importer, tmp_path: Path) -> None:
    path = tmp_path / "odd.warc"
    path.write_bytes(gzip.decompress(warc({"/p/1": listing(1)})).replace(b"2026-03-05", b"2999-03-05"))
    importer(path)
    (page,) = importer.all(Page)
    assert page.received_at == importer.now
    assert "2999-03-05" in page.note


def test_a_page_that_breaks_a_parser_costs_only_itself(
    importer: Importer, five: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from crawler import archivesift

    real = archivesift.judge

    def judge(*arguments: Any, **named: Any) -> Any:
        if named["path"] == "/p/3":
            raise RecursionError("too deep")
        return real(*arguments, **named)

    monkeypatch.setattr(archivesift, "judge", judge)
    done = importer(five)
    assert (done.stored, done.skipped) == (4, {"it could not be looked at: only its hash was kept": 1})


SCRIPT = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from jobs.archives import Custody, import_archive
from jobs.places import load_places
places = load_places(sys.argv[1])
import_archive(places, Path(sys.argv[2]), site="oldport", custody=Custody("x"), by="ana",
               clock=lambda: datetime(2026, 11, 22, tzinfo=UTC), read=False)
"""


def test_a_killed_import_goes_on_and_loses_nothing(importer: Importer, tmp_path: Path) -> None:
    path = tmp_path / "many.warc.gz"
    path.write_bytes(warc({f"/p/{n}": listing(n) for n in range(1200)}))
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, dump_places(importer.places), str(path)],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None and len(importer.all(ArchiveRecord)) < 200:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait(30)
    before = len(importer.all(ArchiveRecord))
    assert 200 <= before < 1200
    assert len(importer.all(Page)) == before
    done = importer(path, read=False)
    assert (done.known, done.stored) == (before, 1200 - before)
    assert len(importer.all(Page)) == 1200
    assert [run.state for run in importer.all(Run)] == ["lost", "done"]


MEMORY = """
import resource, sys
exec(sys.argv[3])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def test_memory_stays_flat(importer: Importer, tmp_path: Path) -> None:
    """Of 200 MB of bodies, most of them in one record, next to nothing is held at a time."""
    path = tmp_path / "large.warc"
    head = "WARC/1.1\r\nWARC-Type: response\r\nWARC-Target-URI: http://invented.onion/{}\r\nWARC-Date: 2026-03-05T10:20:30Z\r\nContent-Length: {}\r\n\r\n"
    http = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n"
    with path.open("wb") as file:
        for number, size in enumerate([170_000_000, *[1_000_000] * 20]):
            file.write(head.format(number, len(http) + size).encode() + http)
            file.truncate(file.tell() + size)
            file.seek(size, 1)
            file.write(b"\r\n\r\n")

    def measure(script: str, *arguments: str) -> int:
        done = subprocess.run(
            [sys.executable, "-c", MEMORY, *arguments, script], env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        return int(done.stdout)

    idle = measure(SCRIPT.partition("places =")[0], "", "")
    busy = measure(SCRIPT, dump_places(importer.places), str(path))
    assert busy - idle < 120
    assert sorted(page.body_size for page in importer.all(Page)) == [1_000_000] * 20


# --- tables ---

MAPPING = """
fields:
  title: Item
  description: Text
  seller: Vendor
  price: Price
  currency: Cur
  ships_from: From
  posted: Date
  key: Id
  seen_at: Seen
day_first: true
"""
CSV = (
    "Id,Item,Text,Vendor,Price,Cur,From,Date,Seen,Extra\r\n"
    '7,"Carved ""old"" box","Two lines\r\nof text",grey_heron,"1,234.50",USD,Norway,03/04/2026,2026-05-01T10:00:00Z,left\r\n'
    "8,Bowl,Plain text,blue_tit,about 40,USD,Peru,2026-02-01,,\r\n"
    '9,Half "open,Text of nine,blue_tit,12,EUR,Peru,2026-02-01,,\r\n'
)


def mapping(text: str = MAPPING) -> Mapping:
    return read_mapping(text.encode(), Path("mapping.yml"))


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "export.csv"
    path.write_bytes(CSV.encode())
    os.utime(path, (1_770_000_000, 1_770_000_000))
    return path


def by_key(importer: Importer) -> dict[str, Any]:
    return {row.key: row for row in importer.all(Listing)}


def test_rows_become_pages_and_the_mapping_reads_them(importer: Importer, table: Path) -> None:
    done = importer(table, mapping=mapping())
    assert (done.form, done.stored, done.listings) == ("csv", 4, 3)
    pages = importer.all(Page)
    assert [page.content_type for page in pages] == ["text/csv; charset=utf-8"] * 4
    assert {page.status for page in pages} == {None}
    assert (
        pages[1].body_sha256
        == hashlib.sha256(CSV.encode().split(b"\r\n8,")[0].split(b"Extra\r\n")[1] + b"\r\n").hexdigest()
    )
    rows = by_key(importer)
    seven = rows["7"]
    assert (seven.title, str(seven.price_amount), seven.price_currency) == (
        'Carved "old" box',
        "1234.50",
        "USD",
    )
    assert (seven.ships_from, seven.posted_at, seven.first_seen) == (
        "Norway", datetime(2026, 4, 3, tzinfo=UTC), datetime(2026, 5, 1, 10, tzinfo=UTC),
    )  # fmt: skip
    assert rows["8"].price_amount is None  # "about" is no price
    assert rows["8"].first_seen == datetime.fromtimestamp(1_770_000_000, UTC)
    readings = importer.all(Reading)
    assert {reading.reader_version for reading in readings} == {mapping().reader_version}
    assert readings[0].fields["title"]["where"] == "Item"
    assert readings[0].leftovers == [["Extra", "left"]]
    run = importer.all(Run)[0]
    assert run.settings["mapping"]["sha256"] == mapping().sha256
    assert run.settings["mapping"]["content"]["fields"]["title"] == "Item"
    assert (run.pages, run.listings) == (4, 3)


def test_the_generic_reader_leaves_rows_alone(importer: Importer, table: Path) -> None:
    from jobs.verbs import read_pages

    importer(table, mapping=mapping())
    assert read_pages(importer.places, now=importer.now).pages == 0


def test_another_mapping_keeps_the_old_opinion(importer: Importer, table: Path) -> None:
    importer(table, mapping=mapping())
    other = mapping(MAPPING.replace("title: Item", "title: Extra"))
    again = importer(table, mapping=other)
    assert (again.stored, again.known) == (0, 4)
    versions = [reading.reader_version for reading in importer.all(Reading)]
    assert versions == [mapping().reader_version] * 3 + [other.reader_version] * 3
    assert len(importer.all(Page)) == 4
    assert importer(table, mapping=mapping()).listings == 0


@pytest.mark.parametrize(
    ("name", "content", "changes"),
    [
        ("x.jsonl", b'{"Item": "Bowl", "Price": 12.5, "Cur": "EUR", "v": {"name": "heron"}}\nnot json\n{"Item": "Cup"}\n', "  seller: v.name\n"),
        ("x.json", b'[{"Item": "Bowl", "Price": "12.5", "Cur": "EUR", "v": {"name": "heron"}},\n {"Item": "C}up\\"]"}, {"Item"]', "  seller: v.name\n"),
        ("x.csv", "Item;Price;Cur;v.name\nBowl;12,5;EUR;heron\nCup;;;\n".encode("utf-16"), "  seller: v.name\nencoding: utf-16\ndelimiter: ';'\n"),
        ("x.tsv.gz", gzip.compress("Item\tPrice\tCur\tv.name\nBowl\t12.5\tEUR\theron\nCup\t\t\t\n".encode("cp1251")), "  seller: v.name\nencoding: cp1251\ndelimiter: \"\\t\"\n"),
        ("x.txt", b"Item: Bowl\nPrice: 12.5\nCur: EUR\nv.name: heron\n\nItem: Cup\n", "  seller: v.name\n"),
        ("x.txt", b"Item: Bowl\nPrice: 12.5\nCur: EUR\nv.name: heron\n=====\nItem: Cup\n", "  seller: v.name\nseparator: '====='\n"),
    ],
)  # fmt: skip
def test_tables_of_every_form(
    importer: Importer, tmp_path: Path, name: str, content: bytes, changes: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    rows = mapping(f"fields:\n  title: Item\n  price: Price\n  currency: Cur\n{changes}")
    done = importer(path, mapping=rows)
    found = {row.title: row for row in importer.all(Listing)}
    bowl = found["Bowl"]
    assert (float(bowl.price_amount or 0), bowl.price_currency, done.listings) == (12.5, "EUR", 2)
    assert set(found) in ({"Bowl", "Cup"}, {"Bowl", 'C}up"]'})


def test_wrong_encoding_is_skipped_and_goes_in_with_the_right_one(importer: Importer, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes("Item\nСтарая шкатулка\nBowl\n".encode("cp1251"))
    done = importer(path, mapping=mapping("fields: {title: Item}"))
    assert (done.stored, done.skipped) == (2, {"a row is not in the encoding that the mapping names": 1})
    again = importer(path, mapping=mapping("fields: {title: Item}\nencoding: cp1251"))
    assert (again.stored, again.known, again.skipped) == (1, 2, {})
    assert "Старая шкатулка" in {row.title for row in importer.all(Listing)}


def test_an_open_quote_costs_one_row(
    importer: Importer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.csv"
    monkeypatch.setattr("crawler.archiverows.MAX_LINES", 20)
    lines = [f"Item {n},text" for n in range(60)]
    lines[3] = '"Item 3 is never closed,text'
    path.write_text("Item,Text\n" + "\n".join(lines) + "\n")
    done = importer(path, mapping=mapping("fields: {title: Item, description: Text}"))
    assert (done.listings, done.skipped) == (59, {"a row is too long": 1})


def test_a_row_with_too_many_cells_is_stored_and_not_read(importer: Importer, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("Item,Price\nBowl,1,234 EUR\nCup,5 EUR\n")
    done = importer(path, mapping=mapping("fields: {title: Item, price: Price}"))
    assert (done.stored, done.listings) == (3, 1)
    assert "archive-row" in {issue.kind for issue in importer.all(Issue)}


def test_rows_are_held_against_the_deny_list(importer: Importer, tmp_path: Path) -> None:
    add_entry(importer.places.data / "deny.yml", section="terms", text="forbidden")
    path = tmp_path / "x.jsonl"
    path.write_bytes(b'{"Item": "\\u0066orbidden"}\n{"Item": "Cup"}\n{"Item": "forbid&#100;en"}\n')
    done = importer(path, mapping=mapping("fields: {title: Item}"))
    assert (done.stored, sum(done.skipped.values())) == (1, 2)
    assert len(importer.all(Blob)) == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("fields: {titel: Item}", "line 1: fields.titel: is no field"),
        ("fields: {price: Item}", "name the column of the title"),
        ("fields: {title: Item}\nencoding: klingon", "is no encoding"),
        ("fields: {title: Item}\ndelimiter: ab", "line 2: delimiter"),
        ("fields: {title: Item}\nseen_at: 2026-01-01T10:00:00", "seen_at"),
        ("- x", "must be a list of `field: value` lines"),
        ("fields: {title: [a, b]}", "takes one column"),
    ],
)
def test_faults_of_a_mapping_are_named(text: str, words: str) -> None:
    with pytest.raises(ArchiveError) as caught:
        mapping(text)
    assert words in str(caught.value)


def test_a_column_that_is_not_there_stops_the_import(importer: Importer, table: Path) -> None:
    with pytest.raises(ArchiveError, match=r"has no column 'Preis'.*It has: 'Id', 'Item'"):
        importer(table, mapping=mapping("fields: {title: Item, price: Preis}"))
    with pytest.raises(ArchiveError, match="needs a mapping"):
        importer(table)
    assert importer.all(Page) == []


def test_constants_of_a_mapping(importer: Importer, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("Bowl,12\nCup,3 EUR\n")
    rows = mapping(
        "columns: [a, b]\nfields: {title: a, price: b}\nseen_at: 2026-01-05\ncurrency: USD\nseller: heron"
    )
    assert importer(path, mapping=rows).listings == 2
    bowl, cup = importer.all(Listing)
    assert (bowl.price_currency, cup.price_currency) == ("USD", "EUR")
    assert bowl.first_seen == datetime(2026, 1, 5, tzinfo=UTC)
    assert bowl.seller_id is not None
