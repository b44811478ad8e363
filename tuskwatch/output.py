"""How commands speak: results on stdout (words or JSON), progress on stderr, plain words when something is wrong.

Public names: Exit, Json, say, show_json, show_table, show_time, plain_errors, watch_progress, Chosen.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, is_dataclass
from datetime import datetime
from decimal import Decimal
from enum import IntEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

OUR_PACKAGES = {"text", "storage", "crawler", "classifier", "reports", "jobs", "web", "lab", "tuskwatch"}

Json = Annotated[bool, typer.Option("--json", help="Print the result as one JSON document on stdout.")]


class Exit(IntEnum):
    """The exit codes of every command."""

    OK = 0
    FAILED = 1
    USAGE = 2
    PAUSED = 3
    CANCELLED = 4
    PERSON = 6
    INTERRUPTED = 130


@dataclass(frozen=True)
class Chosen:
    """What was said before the command's name; kept on the typer context."""

    data: Path | None


def data_option(context: typer.Context) -> Path | None:
    chosen = context.find_object(Chosen)
    return chosen.data if chosen is not None else None


def say(text: str) -> None:
    """A sentence for the person, on stderr: never part of the result."""
    Console(stderr=True, highlight=False, soft_wrap=True).print(escape(_tame(text)))


def show_json(value: Any) -> None:
    sys.stdout.write(json.dumps(value, default=_plain, ensure_ascii=False, indent=2) + "\n")


def show_text(text: str) -> None:
    Console(highlight=False, soft_wrap=True).print(escape(_tame(text)))


def show_table(columns: Sequence[str], rows: Sequence[Sequence[object]], *, title: str | None = None) -> None:
    """Rows as a table on stdout. Cells are shown as they are: text from a site is never read as markup."""
    # Into a pipe or a file a table is not cut at 80 columns: that would lose what it says.
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=200)
    table = Table(
        title=escape(title) if title else None, title_justify="left", header_style="bold", pad_edge=False
    )
    for number, column in enumerate(columns):
        numeric = bool(rows) and all(isinstance(row[number], int | float) for row in rows)
        table.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(escape(_cell(value)) for value in row))
    console.print(table)


def show_time(time: datetime | None) -> str:
    return "-" if time is None else time.strftime("%Y-%m-%d %H:%M:%S UTC")


@contextmanager
def watch_progress(*, quiet: bool = False) -> Iterator[Progress]:
    """Progress bars on stderr; only where a person sees them."""
    console = Console(stderr=True)
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=quiet or not console.is_terminal,
    ) as progress:
        yield progress


class plain_errors:
    """Turns the errors that this project defines into a sentence and an exit code; others are defects and pass.

    Every exception class of our packages carries a sentence for the person at the screen (house rule), so none of
    them needs to be imported, and waited for, at the start of every command.
    """

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if kind is None or error is None:
            return
        sentence = explain_error(error) if isinstance(error, Exception) else None
        if sentence is not None:
            say(sentence)
            code = Exit.USAGE if kind.__name__ in ("UsageError", "SettingsError") else Exit.FAILED
            raise typer.Exit(code) from error


def explain_error(error: BaseException) -> str | None:
    """The sentence for an error that a person can do something about; None for a defect of ours."""
    kind = type(error)
    if kind.__module__.split(".")[0] in OUR_PACKAGES:
        return str(error)
    if isinstance(
        error, PermissionError | FileNotFoundError | NotADirectoryError | FileExistsError | IsADirectoryError
    ):
        return f"{error.strerror}: {error.filename}. Check the path and who may use it."
    if kind.__module__.startswith("sqlalchemy.") and kind.__name__ in (
        "OperationalError",
        "DatabaseError",
        "ArgumentError",
    ):
        first = str(getattr(error, "orig", None) or error).strip().splitlines()[:1]
        return f'The database cannot be used: {first[0] if first else kind.__name__}. Run "tuskwatch doctor".'
    return None


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.2f}"
    if isinstance(value, datetime):
        return show_time(value)
    return _tame(str(value).replace("\n", " "))


def _tame(text: str) -> str:
    """Without what could drive a terminal or turn the direction of writing: the text may come from a site."""
    return "".join(char if char.isprintable() or char == "\n" else "\ufffd" for char in text)


def _plain(value: object) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Decimal | Path):
        return str(value)
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")
