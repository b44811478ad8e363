"""PostgreSQL's own tools: pg_dump writes a database into one file, pg_restore reads it back, whole or row by row.

Public names: Tool, find_tool, dump_database, restore_dump, list_dump, read_dump.

The password goes through the environment, never over the command line, which every user of the machine can read.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError

from storage.errors import BackupError

DEBIAN = Path("/usr/lib/postgresql")
LOOK_SECONDS = 0.1
ESCAPES = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v", b"\\": b"\\"}
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)
_COPY = re.compile(rb'^COPY (?:"?(\w+)"?\.)?"?(\w+)"? \((.*)\) FROM stdin;$')

Look = Callable[[], None]
"""Called again and again while a tool works; it may raise to end it."""


@dataclass(frozen=True)
class Tool:
    """A program of PostgreSQL and its main version."""

    path: str
    major: int


def find_tool(name: str, *, major: int) -> Tool:
    """pg_dump or pg_restore that can deal with a server (or a dump) of that main version; the same version if there is one.

    BackupError, naming the package to install, when there is none.
    """
    known = [tool for path in _find_paths(name) if (tool := _ask_version(path)) is not None]
    fit = sorted((tool for tool in known if tool.major >= major), key=lambda tool: tool.major)
    if fit:
        return fit[0]
    found = (
        f"the newest here is version {max(tool.major for tool in known)}" if known else "there is none here"
    )
    raise BackupError(
        f"{name} of PostgreSQL {major} or newer is needed, and {found}. Install Debian's package "
        f"postgresql-client-{major} (from apt.postgresql.org where Debian has only an older one), and try again."
    )


def _find_paths(name: str) -> list[str]:
    first = shutil.which(name)
    others = sorted(
        (str(path) for path in DEBIAN.glob(f"*/bin/{name}") if path.parts[4].isdigit()),
        key=lambda path: -int(Path(path).parts[4]),
    )
    # Debian's pg_dump on the PATH is a script that chooses a version by rules of its own; the programs themselves go first.
    return [*others, *([first] if first else [])]


@functools.cache
def _ask_version(path: str) -> Tool | None:
    try:
        said = subprocess.run(
            [path, "--version"], capture_output=True, text=True, timeout=30, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r"\) (\d+)", said)
    return Tool(path, int(found[1])) if found else None


def dump_database(url: str, to: Path, *, major: int, snapshot: str, look: Look) -> Tool:
    """Write the whole database as it stands in that snapshot into the file `to`, which must not exist."""
    tool = find_tool("pg_dump", major=major)
    command = [
        tool.path, "--format=custom", "--compress=1", f"--snapshot={snapshot}", "--no-password", "--no-publications",
        "--no-subscriptions", "--lock-wait-timeout=60s", f"--file={to}",
    ]  # fmt: skip
    _run([*command, f"--dbname={_write_address(url)}"], url, "pg_dump", look)
    return tool


def restore_dump(url: str, dump: Path, *, major: int, look: Look) -> None:
    """Load a dump into an empty database, all of it or nothing. Owners and rights are those of who loads it."""
    tool = find_tool("pg_restore", major=major)
    command = [
        tool.path, "--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges", "--no-comments",
        "--no-password", f"--dbname={_write_address(url)}", str(dump),
    ]  # fmt: skip
    _run(command, url, "pg_restore", look)


def list_dump(dump: Path, *, major: int) -> list[str]:
    """The lines of a dump's table of contents. BackupError when it cannot be read."""
    tool = find_tool("pg_restore", major=major)
    done = subprocess.run(
        [tool.path, "--list", str(dump)],
        capture_output=True,
        text=True,
        errors="replace",
        timeout=600,
        check=False,
    )
    if done.returncode != 0:
        raise BackupError(f"{dump.name} cannot be read by pg_restore: {_last_line(done.stderr)}")
    return [line for line in done.stdout.splitlines() if line and not line.startswith(";")]


def read_dump(dump: Path, *, major: int) -> Iterator[tuple[str, str, dict[str, bytes | None]]]:
    """Every row of a dump as (schema, table, {column: text as PostgreSQL writes it, or None}), without any server."""
    tool = find_tool("pg_restore", major=major)
    with _open_process([tool.path, "--data-only", "--file=-", str(dump)]) as (child, complaint):
        assert child.stdout is not None
        table: tuple[str, str] | None = None
        columns: list[str] = []
        for line in child.stdout:
            line = line.rstrip(b"\n")
            if table is None:
                if found := _COPY.match(line):
                    table = ((found[1] or b"public").decode(), found[2].decode())
                    columns = [name.strip().strip('"') for name in found[3].decode().split(",")]
            elif line == b"\\.":
                table = None
            else:
                cells = line.split(b"\t")
                if len(cells) != len(columns):
                    raise BackupError(
                        f"{dump.name} is damaged: a row of {table[1]} has {len(cells)} columns."
                    )
                yield *table, dict(zip(columns, map(_unescape, cells), strict=True))
        if child.wait() != 0:
            raise BackupError(f"{dump.name} cannot be read to its end: {complaint()}")
        if table is not None:
            raise BackupError(f"{dump.name} ends in the middle of the table {table[1]}.")


def _unescape(cell: bytes) -> bytes | None:
    if cell == b"\\N":
        return None
    if b"\\" not in cell:
        return cell
    return _ESCAPED.sub(lambda found: ESCAPES.get(found[1], found[1]), cell)


def _run(command: list[str], url: str, name: str, look: Look) -> None:
    password = make_url(url).password
    with _open_process(command, password=str(password) if password else None) as (child, complaint):
        while child.poll() is None:
            look()
            time.sleep(LOOK_SECONDS)
        if child.returncode != 0:
            raise BackupError(f"{name} failed: {complaint() or f'it ended with {child.returncode}'}")


@contextmanager
def _open_process(
    command: list[str], *, password: str | None = None
) -> Iterator[tuple[subprocess.Popen[bytes], Callable[[], str]]]:
    """A tool at work and a way to ask for its last words; ended on leaving, whatever happened."""
    # What the tools themselves look at (PGPASSFILE, PGSSLROOTCERT ...) is handed on as it was given to us.
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "PGTZ": "UTC"}
    if password is not None:
        environment["PGPASSWORD"] = password
    with tempfile.TemporaryFile() as words:

        def complaint() -> str:
            words.seek(0)
            return _last_line(words.read(100_000).decode("utf-8", "replace"))

        try:
            child = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=words, env=environment
            )
        except OSError as exc:
            raise BackupError(f"{command[0]} cannot be started: {exc.strerror}.") from exc
        try:
            yield child, complaint
        finally:
            if child.poll() is None:
                child.terminate()
                try:
                    child.wait(10)
                except subprocess.TimeoutExpired:
                    child.kill()
                    child.wait()
            if child.stdout is not None:
                child.stdout.close()


def _write_address(url: str) -> str:
    """Where the database is, as libpq reads it, without the password."""
    try:
        target = make_url(url)
    except ArgumentError as exc:
        raise BackupError("The database's address cannot be read.") from exc
    return " ".join(f"{name}='{_quote(str(value))}'" for name, value in _split(target).items())


def _split(target: URL) -> dict[str, Any]:
    named = {"host": target.host, "port": target.port, "user": target.username, "dbname": target.database}
    asked = {name: value for name, value in target.query.items() if name != "password"}
    joined = {name: value if isinstance(value, str) else ",".join(value) for name, value in asked.items()}
    return {name: value for name, value in {**named, **joined}.items() if value is not None}


def _quote(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "\\'")


def _last_line(words: str) -> str:
    lines = [line.strip() for line in words.splitlines() if line.strip()]
    return (lines[-1] if lines else "")[:500]
