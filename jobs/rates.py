"""Tables of rates out of CSV files: every row right, or nothing is imported and each bad line is named.

Public names: read_rates, import_rates, Imported.

The file: a first line with the names day, code, value and perhaps base and source, in any order; or no such line and the cells in
that order. Separated by commas, semicolons or tabs, in UTF-8 (UTF-16 where it begins with its mark). In a file with semicolons or tabs a
comma may be the decimal sign; three digits behind it could mean thousands, so those lines are refused.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from sqlalchemy import Engine

from jobs.errors import UsageError
from storage.rates import RateRow, StoredRates, store_rates

MAX_BYTES = 64 * 1024 * 1024
MAX_ROWS = 200_000
"""One transaction holds the database while they go in; others wait for it at most 30 s."""
MAX_LINE = 2_000
SHOWN = 20
_EARLIEST = date(2009, 1, 3)
"""The first day of Bitcoin; no market is older."""
_NAMES = {"day": "day", "date": "day", "code": "code", "currency": "code", "value": "value", "rate": "value", "base": "base", "source": "source"}  # fmt: skip
_VALUE = re.compile(r"[0-9]{1,20}(?:\.[0-9]{1,30})?")
_COMMA_VALUE = re.compile(r"([0-9]{1,20}),([0-9]{1,30})")
_CODE = re.compile(r"[A-Z][A-Z0-9]{1,7}")


@dataclass(frozen=True)
class Imported:
    """What an import did: rows in the file, of them new and known already, and the file's SHA-256."""

    rows: int
    new: int
    known: int
    sha256: str
    first: date
    last: date


def import_rates(engine: Engine, path: Path, *, base: str, source: str, by: str, now: datetime) -> Imported:
    """Read a file and store its rates in one transaction. UsageError, and nothing stored, when a line is wrong."""
    body = _read_body(path)
    rows = read_rates(body, base=base, source=source or path.name, now=now)
    sha256 = hashlib.sha256(body).hexdigest()
    stored: StoredRates = store_rates(engine, rows, by=by, now=now, subject=path.name, sha256=sha256)
    days = [row.day for row in rows]
    return Imported(len(rows), stored.new, stored.known, sha256, min(days), max(days))


def read_rates(body: bytes, *, base: str, source: str, now: datetime) -> list[RateRow]:
    """The rates of a CSV file. UsageError names the lines that are wrong, the first twenty of them."""
    base = base.strip().upper()
    if not _CODE.fullmatch(base):
        raise UsageError(f'--base "{base[:20]}" is no code of a currency, such as USD or EUR.')
    lines = _decode(body).replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if len(lines) > MAX_ROWS:
        raise UsageError(f"The file has {len(lines):,} lines; at most {MAX_ROWS:,} are read. Split it.")
    rows: list[RateRow] = []
    wrong: list[str] = []
    names: list[str] | None = None
    separator = _find_separator(lines)
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            cells = _split(line, separator)
            if names is None:
                names = _read_names(cells)
                if names is not None:
                    continue
                names = ["day", "code", "value", "base", "source"][: max(3, len(cells))]
            rows.append(_read_row(cells, names, number, base, source, separator, now))
        except ValueError as exc:
            wrong.append(f"line {number}: {exc}")
    if wrong:
        more = f"\n… and {len(wrong) - SHOWN:,} more lines" if len(wrong) > SHOWN else ""
        raise UsageError("Nothing was imported. Correct these lines:\n" + "\n".join(wrong[:SHOWN]) + more)
    if not rows:
        raise UsageError(
            "The file holds no rates. It needs lines such as 2026-11-01,BTC,430.10 under the names day,code,value."
        )
    return rows


def _read_body(path: Path) -> bytes:
    with path.open("rb") as file:
        body = file.read(MAX_BYTES + 1)
    if len(body) > MAX_BYTES:
        raise UsageError(f"{path.name} is larger than {MAX_BYTES // 1024 // 1024} MiB. Split it.")
    return body


def _decode(body: bytes) -> str:
    encoding = "utf-16" if body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    try:
        return body.decode(encoding)
    except UnicodeDecodeError as exc:
        raise UsageError(
            f"The file is not {'UTF-16' if encoding == 'utf-16' else 'UTF-8'} (byte {exc.start:,}). "
            'Save it as "CSV UTF-8" and import it again.'
        ) from exc


def _find_separator(lines: list[str]) -> str:
    first = next((line for line in lines if line.strip()), "")[:MAX_LINE]
    return next((mark for mark in (";", "\t") if first.count(mark) > 1), ",")


def _split(line: str, separator: str) -> list[str]:
    if len(line) > MAX_LINE:
        raise ValueError(f"it has {len(line):,} characters; at most {MAX_LINE:,} are read")
    if "\0" in line:
        raise ValueError("it holds a NUL byte")
    try:
        cells = next(iter(csv.reader([line], delimiter=separator, strict=True)), [])
    except csv.Error as exc:
        raise ValueError(f"its quotation marks do not pair ({exc})") from exc
    return [cell.strip() for cell in cells]


def _read_names(cells: list[str]) -> list[str] | None:
    """The columns that a first line names; None when it is no line of names."""
    names = [_NAMES.get(cell.lower(), "") for cell in cells]
    if not any(names):
        return None
    missing = [name for name in ("day", "code", "value") if names.count(name) != 1]
    if missing or len([name for name in names if name]) != len({name for name in names if name}):
        raise UsageError(
            f"The first line must name day, code and value once each (and may name base and source); "
            f"it has: {', '.join(cell[:20] for cell in cells[:10])}."
        )
    return names


def _read_row(
    cells: list[str], names: list[str], line: int, base: str, source: str, separator: str, now: datetime
) -> RateRow:
    if len(cells) > len(names) and any(cells[len(names) :]):
        raise ValueError(f"it has {len(cells)} cells where {len(names)} were named")
    found = dict(_pair(names, cells))
    for name, cell in found.items():
        # A spreadsheet would run these; no rate begins so.
        if cell[:1] in ("=", "+", "-", "@"):
            raise ValueError(f'{name} "{cell[:30]}" begins like a formula')
    code = found.get("code", "").upper()
    own_base = found.get("base", "").upper() or base
    for name, value in (("code", code), ("base", own_base)):
        if not _CODE.fullmatch(value):
            raise ValueError(f'{name} "{value[:20]}" is no code such as BTC or USD')
    if code == own_base:
        raise ValueError(f"{code} is given in itself; a rate has two currencies")
    own_source = found.get("source", "") or source
    if len(own_source) > 200 or any(ord(char) < 32 for char in own_source):
        raise ValueError("source is longer than 200 characters, or holds control characters")
    return RateRow(
        _read_day(found.get("day", ""), now), code, own_base, _read_value(found.get("value", ""), separator), own_source, line
    )  # fmt: skip


def _pair(names: list[str], cells: list[str]) -> Iterator[tuple[str, str]]:
    return ((name, cell) for name, cell in zip(names, cells, strict=False) if name)


def _read_day(text: str, now: datetime) -> date:
    try:
        # Only the form that means one day everywhere; fromisoformat alone would take "20261101" and weeks too.
        day = date.fromisoformat(text) if re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", text) else None
    except ValueError:
        day = None
    if day is None:
        raise ValueError(f'day "{text[:20]}" is no date such as 2026-11-01')
    if not _EARLIEST <= day <= now.astimezone(UTC).date() + timedelta(days=1):
        raise ValueError(f"day {day} lies before {_EARLIEST} or in the future")
    return day


def _read_value(text: str, separator: str) -> Decimal:
    if not text:
        raise ValueError("value is empty")
    if _VALUE.fullmatch(text):
        value = Decimal(text)
    elif separator != "," and (match := _COMMA_VALUE.fullmatch(text)):
        if len(match[2]) == 3 and match[1].lstrip("0"):
            raise ValueError(f'value "{text[:30]}" could mean two numbers; write the decimals with a point')
        value = Decimal(f"{match[1]}.{match[2]}")
    else:
        raise ValueError(f'value "{text[:30]}" is no plain number such as 430.10')
    if value <= 0:
        raise ValueError("value must be more than nothing")
    return value
