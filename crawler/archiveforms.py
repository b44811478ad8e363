"""Opens an archive of any form and gives its records in their order.

Public names: read_archive, choose_form.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from html import unescape

from crawler.archivecells import BAD_ENCODING, BAD_JSON, parse_header, parse_row
from crawler.archivefiles import ArchiveBroken, ArchiveError, Entry, Source, open_entry, read_time, walk
from crawler.archivemapping import Mapping
from crawler.archivepacks import read_pack
from crawler.archivepages import MAX_MHTML, read_html_file, read_mhtml
from crawler.archiverows import read_rows
from crawler.archives import (
    FORMS,
    GIANT,
    MAX_BODY,
    ROWS,
    Record,
    detect_form,
    file_url,
    hash_body,
    shorten_place,
)
from crawler.archivestreams import Stream
from crawler.archivewarc import read_warc

_TYPES = {"csv": "text/csv", "jsonl": "application/json", "text": "text/plain"}


def choose_form(source: Source, asked: str = "") -> str:
    """The form that was asked for, else the one that the file shows. ArchiveError when neither is known."""
    if asked:
        if asked not in FORMS:
            raise ArchiveError(f'"{asked}" is no form of archive. Known: {", ".join(FORMS)}.')
        if source.is_folder and asked not in ("html", "mhtml"):
            raise ArchiveError(f"{source.path} is a folder; {asked} archives are imported file by file.")
        return asked
    start = b""
    if not source.is_folder:
        with open_entry(source.path) as file:
            start = Stream(file).peek(2000)
    form = detect_form(source.path, start)
    if not form:
        raise ArchiveError(
            f"What {source.name} is cannot be told by its beginning or its name. Say it: --format {'|'.join(FORMS)}."
        )
    return form


def read_archive(source: Source, form: str, mapping: Mapping | None) -> Iterator[Record]:
    """Every record. ArchiveBroken, after what could be read, when the rest cannot be."""
    if form in ROWS and mapping is None:
        raise ArchiveError(
            f"A table ({form}) needs a mapping that says what its columns are: --mapping FILE.yml. docs/import.md shows one."
        )
    if source.is_folder:
        records = _read_folder(source)
    elif form == "html":
        records = _read_single(source)
    elif form == "mhtml":
        records = _read_mhtml(source)
    elif form == "pack":
        records = read_pack(source)
    else:
        records = _read_stream(source, form, mapping)
    for record in records:
        yield replace(record, place=shorten_place(record.place))


def _date(source: Source) -> datetime | None:
    return read_time(source.path.stat().st_mtime)


def _read_stream(source: Source, form: str, mapping: Mapping | None) -> Iterator[Record]:
    with open_entry(source.path) as file:
        stream = Stream(file)
        if form == "warc":
            yield from read_warc(stream)
            return
        assert mapping is not None
        yield from _read_table(source, stream, form, mapping)
        if stream.cut:
            raise ArchiveBroken("its end is missing: it was cut within a packed part")
        if stream.gaps:
            raise ArchiveBroken(f"it is damaged in {stream.gaps} places, which were stepped over")


def _read_table(source: Source, stream: Stream, form: str, mapping: Mapping) -> Iterator[Record]:
    at = _date(source)
    charset = "utf-8" if form == "jsonl" else mapping.encoding
    columns = mapping.columns
    for row in read_rows(stream, form, mapping):
        cells: dict[str, str] | None = None
        trouble = unread = ""
        note = "imported row of a table; the time is the file's own date"
        if row.trouble:
            trouble = row.trouble
        elif form == "csv" and not columns:
            columns = parse_header(row.raw, mapping)
            _check_columns(source, columns, mapping)
            note = "imported; the line that names the columns of a table"
        else:
            cells, unread = parse_row(row.raw, form, mapping, columns)
            if unread in (BAD_ENCODING, BAD_JSON):
                # What cannot be read cannot be held against the deny list.
                trouble, cells = unread, None
        yield Record(
            row.place,
            hash_body(row.raw),
            body=None if trouble else row.raw,
            url=f"{file_url(source.name)}#bytes={row.place.removeprefix('bytes ')}",
            received_at=at,
            content_type=f"{_TYPES[form]}; charset={charset}",
            note=note,
            trouble=trouble,
            row=True,
            cells=cells,
            unread=unread,
            text="" if trouble else _all_text(row.raw, charset, cells or {}),
            done=stream.packed,
        )


def _check_columns(source: Source, columns: tuple[str, ...], mapping: Mapping) -> None:
    """Every column that the mapping names must be there: a mistyped one would leave its field silently empty."""
    wanted = {name for field in mapping.fields for name in mapping.columns_of(field)}
    if missing := sorted(wanted - set(columns)):
        raise ArchiveError(
            f"{source.name} has no column {', '.join(map(repr, missing[:10]))}. It has: "
            f"{', '.join(repr(name[:60]) for name in columns[:60])}. Correct the mapping (its delimiter and encoding too), "
            "or name the columns in it."
        )


def _all_text(raw: bytes, charset: str, cells: dict[str, str]) -> str:
    """All that a person could read in a row, escapes undone: what the deny list is held against."""
    plain = raw.decode(charset, "replace")
    texts = [plain, *cells.values()]
    return "\n".join([*texts, *(unescape(each) for each in texts if "&" in each)])


def _read_folder(source: Source) -> Iterator[Record]:
    done = 0
    for entry in walk(source.path):
        done += entry.size
        for record in _read_entry(entry):
            yield replace(record, done=done)


def _read_entry(entry: Entry) -> Iterator[Record]:
    if entry.trouble:
        yield Record(entry.name, "", trouble=entry.trouble)
        return
    is_mhtml = entry.name.lower().endswith((".mhtml", ".mht"))
    try:
        with open_entry(entry.path) as file:
            raw = file.read((MAX_MHTML if is_mhtml else MAX_BODY) + 1)
    except OSError:
        yield Record(entry.name, "", trouble="a file cannot be read")
        return
    if len(raw) > MAX_BODY and not is_mhtml:
        yield Record(entry.name, entry.sha256, trouble=GIANT)
    elif is_mhtml:
        yield from read_mhtml(entry.name, raw, changed_at=entry.changed_at)
    else:
        yield read_html_file(entry.name, raw, changed_at=entry.changed_at)


def _read_single(source: Source) -> Iterator[Record]:
    yield from _read_file(source, MAX_BODY, html=True)


def _read_mhtml(source: Source) -> Iterator[Record]:
    yield from _read_file(source, MAX_MHTML, html=False)


def _read_file(source: Source, limit: int, *, html: bool) -> Iterator[Record]:
    with open_entry(source.path) as file:
        stream = Stream(file)
        raw = stream.read(limit + 1)
        if len(raw) > limit:
            yield Record(source.name, source.sha256, trouble=GIANT, done=source.size)
            return
        name = source.name
        if html:
            yield replace(read_html_file(name, raw, changed_at=_date(source)), done=stream.packed)
        else:
            for record in read_mhtml(name, raw, changed_at=_date(source)):
                yield replace(record, done=stream.packed)
        if stream.cut:
            raise ArchiveBroken("its end is missing: it was cut within a packed part")
