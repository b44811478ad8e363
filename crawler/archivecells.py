"""One row of a table -> its cells by column.

Public names: parse_row, parse_header, open_csv, BAD_CSV, BAD_JSON, BAD_ENCODING, TOO_WIDE.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from typing import Any

from crawler.archivemapping import Mapping

MAX_COLUMNS = 2000
MAX_DEPTH = 30
BAD_CSV = "a row of CSV cannot be taken apart"
BAD_JSON = "a row is no valid JSON object"
BAD_ENCODING = "a row is not in the encoding that the mapping names"
TOO_WIDE = "a row has more cells than there are columns"


def open_csv(lines: Iterable[str], mapping: Mapping) -> Iterator[list[str]]:
    """csv.reader with the signs of the mapping."""
    if not mapping.quote:
        return csv.reader(lines, delimiter=mapping.delimiter, quotechar=None, quoting=csv.QUOTE_NONE)
    return csv.reader(lines, delimiter=mapping.delimiter, quotechar=mapping.quote)


def parse_row(raw: bytes, form: str, mapping: Mapping, header: tuple[str, ...]) -> tuple[dict[str, str], str]:
    """(column -> text, trouble) of one row. Of plain text a column is a label before a colon, and "*" is all of it."""
    codec = "utf-8" if form == "jsonl" else "utf-16-le" if mapping.encoding == "utf-16" else mapping.encoding
    try:
        text = raw.decode(codec).removeprefix("\ufeff")
    except UnicodeDecodeError:
        return {}, BAD_ENCODING
    if form == "jsonl":
        return _parse_json(text)
    if form == "csv":
        return _parse_csv(text, mapping, header)
    return _parse_labels(text), ""


def parse_header(raw: bytes, mapping: Mapping) -> tuple[str, ...]:
    codec = "utf-16-le" if mapping.encoding == "utf-16" else mapping.encoding
    try:
        cells = next(open_csv(io.StringIO(raw.decode(codec).removeprefix("\ufeff"), newline=""), mapping), [])
    except (UnicodeDecodeError, csv.Error):
        return ()
    names: list[str] = []
    for cell in cells[:MAX_COLUMNS]:
        name, count = cell.strip(), 1
        while name and name in names:  # two columns of one name: neither may stand for the other
            count += 1
            name = f"{cell.strip()} ({count})"
        names.append(name)
    return tuple(names)


def _parse_csv(text: str, mapping: Mapping, header: tuple[str, ...]) -> tuple[dict[str, str], str]:
    try:
        cells: list[str] = next(open_csv(io.StringIO(text, newline=""), mapping), [])
    except csv.Error:
        return {}, BAD_CSV
    names = mapping.columns or header
    if len(cells) > len(names) and any(cell.strip() for cell in cells[len(names) :]):
        # A delimiter that was not quoted moves every value behind it into a wrong column.
        return {}, TOO_WIDE
    return {name: cell.strip() for name, cell in zip(names, cells, strict=False) if name}, ""


def _parse_json(text: str) -> tuple[dict[str, str], str]:
    try:
        found = json.loads(text, parse_float=str, parse_int=str, parse_constant=str)
    except (ValueError, RecursionError):
        return {}, BAD_JSON
    if not isinstance(found, dict):
        return {}, BAD_JSON
    cells: dict[str, str] = {}
    _flatten(found, "", cells, 0)
    return cells, ""


def _flatten(value: Any, name: str, into: dict[str, str], depth: int) -> None:
    """{"seller": {"name": "x"}} as seller.name; lists of plain values one a line."""
    if depth > MAX_DEPTH or len(into) >= MAX_COLUMNS:
        return
    if isinstance(value, dict):
        for key, inner in value.items():
            _flatten(inner, f"{name}.{key}" if name else str(key), into, depth + 1)
    elif isinstance(value, list):
        plain = [str(item) for item in value if isinstance(item, str | int)]
        if plain:
            into[name] = "\n".join(plain)
        for at, item in enumerate(value[:50]):
            if isinstance(item, dict):
                _flatten(item, f"{name}.{at}", into, depth + 1)
    elif value is not None:
        into[name] = str(value).strip()


def _parse_labels(text: str) -> dict[str, str]:
    cells = {"*": text.strip()}
    last = ""
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        label = name.strip()
        is_label = colon and 0 < len(label) <= 60 and not value.startswith("//") and label not in cells
        if is_label and len(cells) < MAX_COLUMNS:
            last = label
            cells[last] = value.strip()
            continue
        if last and line.strip():
            cells[last] = f"{cells[last]}\n{line.strip()}".strip()
    return cells
