"""What an archive is made of, whatever its form: records, one after the other, each whole or with a reason why not.

Public names: Record, FORMS, ROWS, BENIGN, MAX_BODY, NOT_TEXT, REVISIT, GIANT, detect_form, file_url, shorten_place, is_text, hash_body.

Pure but for the files that it is given. The forms are read by archivewarc, archivepages, archivepacks and archiverows; opened by
archiveforms.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from crawler.settings import MAX_PLAIN_SIZE
from storage.types import clean_text

FORMS = ("warc", "html", "mhtml", "csv", "jsonl", "text", "pack")
"""pack: a ZIP or TAR of pages."""
ROWS = ("csv", "jsonl", "text")
MAX_BODY = MAX_PLAIN_SIZE
"""Bytes of one page; of a larger one only the hash is kept."""
MAX_PLACE = 500
TEXT_TYPES = frozenset({"text/html", "text/plain", "application/xhtml+xml", "text/xml", "application/xml"})
"""Those of the crawl (crawler.transport), which a test compares; importing that would start half of Twisted."""
MAX_URL = 4000

NOT_TEXT = "not a page of text"
REVISIT = "a revisit: the archive says the page was unchanged, and the page that it means is not in it"
BENIGN = frozenset((NOT_TEXT, REVISIT))
"""Reasons to skip a record that nobody needs to look at."""
GIANT = f"larger than {MAX_BODY // (1024 * 1024)} MB: only its hash was kept"

_SUFFIXES = {
    ".warc": "warc", ".html": "html", ".htm": "html", ".xhtml": "html", ".mhtml": "mhtml", ".mht": "mhtml", ".csv": "csv",
    ".tsv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl", ".txt": "text", ".text": "text", ".zip": "pack",
    ".tar": "pack", ".tgz": "pack",
}  # fmt: skip


@dataclass(frozen=True)
class Record:
    """One record as it stands in the archive.

    place: where. sha256: of its body as it stands there. body None: it is skipped, and `trouble` says why in words that
    hold nothing of the record itself. received_at: when the page was fetched, as far as the archive says; `note` says
    what that time and address are. row: a line of a table; cells: its values
    by column, None of the line that names the columns; unread: why its cells cannot be told
    apart; text: all of it that a person can read. done: bytes of
    the archive read so far.
    """

    place: str
    sha256: str
    body: bytes | None = None
    url: str = ""
    received_at: datetime | None = None
    status: int | None = None
    reason: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    content_type: str = ""
    content_encoding: str = ""
    note: str = ""
    trouble: str = ""
    row: bool = False
    cells: Mapping[str, str] | None = None
    unread: str = ""
    text: str = ""
    done: int = 0


def detect_form(path: Path, start: bytes) -> str:
    """The form by what the file begins with, else by its name; "" when neither says."""
    if path.is_dir():
        return "html"
    if start.startswith(b"WARC/"):
        return "warc"
    name = path.name.lower()
    if start.startswith(b"PK\x03\x04") or name.endswith((".tar.gz", ".tar.bz2", ".tar.xz", ".tar.zst")):
        return "pack"
    for ending in (".gz", ".zst"):
        name = name.removesuffix(ending)
    form = _SUFFIXES.get(Path(name).suffix, "")
    head = start[:2000].lower()
    if form in ("", "html") and b"mime-version:" in head and b"multipart/related" in head:
        return "mhtml"
    if not form and re.match(rb"(?:\xef\xbb\xbf)?\s*(?:<!--|<!doctype html|<html|<head)", head):
        return "html"
    if not form and start[257:262] == b"ustar":
        return "pack"
    return form


def file_url(name: str) -> str:
    """What stands for the address of a record whose own is not known: its place in the archive."""
    return f"file:///{quote(name, safe='/=-_.~,')}"[:MAX_URL]


def shorten_place(place: str) -> str:
    """A place that fits its column; a longer one keeps a hash so that it stays unlike any other."""
    place = clean_text(place)
    if len(place) <= MAX_PLACE:
        return place
    digest = hashlib.sha256(place.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"{place[: MAX_PLACE - 20]}… {digest}"


def is_text(content_type: str, body: bytes) -> bool:
    """Is this a page of text, by its type, or where none is said, by how it begins?"""
    kind = content_type.partition(";")[0].strip().lower()
    if kind:
        return kind in TEXT_TYPES
    start = body[:1024]
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return True
    return b"\0" not in start and not start.startswith(
        (b"\x89PNG", b"GIF8", b"\xff\xd8\xff", b"%PDF", b"PK\x03\x04")
    )


def hash_body(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
