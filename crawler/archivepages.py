"""Reads saved pages: HTML files as browsers, SingleFile, HTTrack and wget leave them, and MHTML.

Public names: read_html_file, read_mhtml, find_saved.

Where a page came from and when it was saved is taken from the mark that the saving tool left; else its place in the
archive and the date of the file stand for them, and the record's note says so.
"""

from __future__ import annotations

import email
import email.policy
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.errors import MessageError
from email.message import Message
from email.utils import parsedate_to_datetime

from crawler.archives import GIANT, MAX_BODY, MAX_URL, NOT_TEXT, Record, file_url, hash_body, is_text
from crawler.siteconfig import is_onion

MAX_MHTML = 4 * MAX_BODY
MAX_PARTS = 2000
_HEAD = 16 * 1024
_SUFFIXES = (".html", ".htm", ".xhtml", ".php", ".asp", ".aspx", ".jsp", ".txt")
_OTHERS = (
    ".css", ".js", ".mjs", ".json", ".xml", ".svg", ".map", ".woff", ".woff2", ".ttf", ".ico", ".png", ".jpg", ".jpeg", ".gif",
    ".webp", ".bmp", ".mp4", ".webm", ".mp3", ".pdf", ".zip", ".gz",
)  # fmt: skip
_SINGLEFILE = re.compile(
    r"<!--\s*Page saved with SingleFile\s+url:\s*(\S{1,4000})\s+saved date:\s*([^\n\r]{1,100})"
)
_SAVED_FROM = re.compile(r"<!--\s*saved from url=\(\d{1,6}\)(\S{1,4000})\s*-->")
_HTTRACK = re.compile(
    r"<!-- Mirrored from (\S{1,4000}) by HTTrack Website Copier/[^,]{1,60}, ([^>]{1,60}) -->"
)
_JS_DATE = re.compile(
    r"[A-Z][a-z]{2} ([A-Z][a-z]{2}) (\d{1,2}) (\d{4}) (\d\d):(\d\d):(\d\d) GMT([+-])(\d\d)(\d\d)"
)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True)
class Saved:
    """What the saving tool says; "" and None where it says nothing."""

    url: str = ""
    at: datetime | None = None
    by: str = ""


def find_saved(body: bytes) -> Saved:
    """The mark of the tool that saved the page, near its beginning."""
    head = body[:_HEAD].decode("utf-8", "replace")
    if found := _SINGLEFILE.search(head):
        return Saved(_address(found[1]), _read_js_date(found[2]), "SingleFile")
    if found := _HTTRACK.search(head):
        # HTTrack leaves the scheme out and cannot be asked: what it fetched over https looks the same.
        return Saved(_address(f"http://{found[1]}"), _read_mail_date(found[2]), "HTTrack")
    if found := _SAVED_FROM.search(head):
        return Saved(_address(found[1]), None, "a browser")
    return Saved()


def read_html_file(name: str, body: bytes, *, changed_at: datetime | None) -> Record:
    """One file of saved HTML. `name` is its path in the archive."""
    sha256 = hash_body(body)
    if not looks_like_page(name, body):
        return Record(name, sha256, trouble=NOT_TEXT)
    if len(body) > MAX_BODY:
        return Record(name, sha256, trouble=GIANT)
    saved = find_saved(body)
    notes = ["imported; no answer of a server is in the archive; 200 stands for its status"]
    url = saved.url
    if url:
        notes.append(f"the address is that which {saved.by} wrote into the page")
    elif url := _mirror_url(name):
        notes.append("the address is put together from the folders of a mirror, as wget makes them")
    else:
        url = file_url(name)
        notes.append("the address is not known; the file's name stands for it")
    if saved.at is not None:
        notes.append(f"the time is that which {saved.by} wrote into the page")
    elif changed_at is not None:
        notes.append("the time is the file's own date")
    else:
        notes.append("no time is known: that of the import stands for it")
    plain = name.lower().endswith((".txt", ".text"))
    return Record(
        name,
        sha256,
        body=body,
        url=url,
        received_at=saved.at or changed_at,
        status=200,
        content_type="text/plain" if plain else "text/html",
        note="; ".join(notes),
    )


def looks_like_page(name: str, body: bytes) -> bool:
    """Is this file a page? By its name where that says so, else by how it begins (a mirror's files may have any name)."""
    last = name.rpartition("/")[2].lower()
    if last.endswith(_OTHERS):
        return False
    if not is_text("", body):
        return False
    if last.endswith(_SUFFIXES):
        return True
    return re.search(rb"<(?:!doctype\s+html|html|head|body|title|div|table)\b", body[:4096], re.I) is not None


def read_mhtml(name: str, raw: bytes, *, changed_at: datetime | None) -> Iterator[Record]:
    """The pages of one MHTML file: each part of HTML is one."""
    if len(raw) > MAX_MHTML:
        yield Record(name, hash_body(raw), trouble=GIANT)
        return
    try:
        message = email.message_from_bytes(raw, policy=email.policy.compat32)
        parts = list(_parts(message))
    except (MessageError, RecursionError, ValueError, LookupError, AssertionError, TypeError):
        yield Record(name, hash_body(raw), trouble="its MIME structure cannot be read")
        return
    at = _read_mail_date(str(message.get("Date", "")))
    top = _address(str(message.get("Snapshot-Content-Location", "")))
    pages = 0
    for number, part in enumerate(parts[:MAX_PARTS]):
        kind = part.get_content_type()
        if kind not in ("text/html", "application/xhtml+xml", "text/plain"):
            continue
        place = name if pages == 0 else f"{name} part {number}"
        body = _payload(part)
        if body is None:
            yield Record(place, hash_body(raw), trouble="a part of it cannot be unpacked")
            continue
        pages += 1
        if len(body) > MAX_BODY:
            yield Record(place, hash_body(body), trouble=GIANT)
            continue
        own = _address(str(part.get("Content-Location", "")))
        url = own or (top if pages == 1 else "") or file_url(place)
        notes = ["imported from MHTML; no answer of a server is in it; 200 stands for its status"]
        if url.startswith("file:"):
            notes.append("the address is not known; the file's name stands for it")
        notes.append("the time is that of the MHTML file's head" if at else "the time is the file's own date")
        charset = part.get_param("charset")
        content_type = f"{kind}; charset={charset}" if isinstance(charset, str) else kind
        yield Record(
            place,
            hash_body(body),
            body=body,
            url=url,
            received_at=at or changed_at,
            status=200,
            content_type=content_type[:200],
            note="; ".join(notes),
        )
    if pages == 0:
        yield Record(name, hash_body(raw), trouble="there is no page of HTML in it")


def _parts(message: Message) -> Iterator[Message]:
    pending = [message]
    seen = 0
    while pending:
        part = pending.pop()
        seen += 1
        if seen > MAX_PARTS:
            return
        inner = part.get_payload() if part.is_multipart() else None
        if isinstance(inner, list):
            pending.extend(reversed([each for each in inner if isinstance(each, Message)]))
        else:
            yield part


def _payload(part: Message) -> bytes | None:
    try:
        body = part.get_payload(decode=True)
    except (ValueError, LookupError, AssertionError, TypeError):
        return None
    return body if isinstance(body, bytes) else None


def _mirror_url(name: str) -> str:
    """http://HOST/… for a file under a folder that is an onion's name, as wget and others lay out a mirror."""
    folders = name.split("/")
    for at, folder in enumerate(folders[:-1]):
        if is_onion(folder.lower()):
            rest = "/".join(folders[at + 1 :])
            if rest == "index.html" or rest.endswith("/index.html"):
                rest = rest.removesuffix("index.html")
            return f"http://{folder.lower()}/{rest.replace('%3F', '?')}"[:MAX_URL]
    return ""


def _address(text: str) -> str:
    text = text.strip().strip("<>")[:MAX_URL]
    return text if re.match(r"https?://[^\s/]", text, re.I) else ""


def _read_js_date(text: str) -> datetime | None:
    """ "Thu Jun 18 2020 17:24:07 GMT+0200 (…)", as JavaScript writes a date."""
    found = _JS_DATE.match(text.strip())
    if found is None or found[1] not in _MONTHS:
        return None
    offset = f"{found[7]}{found[8]}:{found[9]}"
    stamp = f"{found[3]}-{_MONTHS.index(found[1]) + 1:02}-{int(found[2]):02}T{found[4]}:{found[5]}:{found[6]}{offset}"
    try:
        return datetime.fromisoformat(stamp).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _read_mail_date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text.strip())
        return (found if found.tzinfo is not None else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
