"""A PostgreSQL of the drill's own, in a temporary folder, that can be stopped as by a power cut and started again.

Public names: Postgres.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, text


class PostgresMissing(Exception):
    """There is no PostgreSQL on this machine."""


def find_binaries() -> Path:
    """Where initdb and pg_ctl are; the newest."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    if on_path is None:
        raise PostgresMissing("PostgreSQL is not installed. Debian's package is postgresql.")
    return Path(on_path).parent


def find_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Postgres:
    """`with Postgres() as server:` its URL without a database name is server.url. As root it runs as user postgres."""

    def __init__(self, *, settings: str = "") -> None:
        self._settings = settings
        self._binaries = find_binaries()
        self._identity: dict[str, Any] = {}
        self.starts = 0

    def __enter__(self) -> Postgres:
        self.folder = Path(tempfile.mkdtemp(prefix="tuskwatch-fleet-pg-"))
        if os.geteuid() == 0:
            person = pwd.getpwnam("postgres")
            self._identity = {"user": person.pw_uid, "group": person.pw_gid}
            os.chown(self.folder, person.pw_uid, person.pw_gid)
        self.port = find_port()
        self.url = f"postgresql+psycopg://tuskwatch@127.0.0.1:{self.port}"
        try:
            self._run("initdb", "-D", str(self._data), "-U", "tuskwatch", "-A", "trust", "-E", "UTF8", "-N")
            self.start()
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise
        return self

    def __exit__(self, *_: object) -> None:
        try:
            if (self._data / "postmaster.pid").exists():
                self.stop()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def create(self, name: str) -> str:
        """A new database; its URL."""
        admin = create_engine(f"{self.url}/postgres", isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        admin.dispose()
        return f"{self.url}/{name}"

    def start(self) -> None:
        options = (
            f"-c listen_addresses=127.0.0.1 -p {self.port} -k {self.folder} -c max_connections=300 "
            f"-c fsync=off {self._settings}"
        )  # without waiting for the disk: a server that is stopped so loses nothing while its machine goes on
        self._run(
            "pg_ctl",
            "-D",
            str(self._data),
            "-w",
            "-o",
            options,
            "-l",
            str(self.folder / "server.log"),
            "start",
        )
        self.starts += 1

    def stop(self) -> None:
        """At once: no checkpoint, every connection cut. The next start recovers from the log."""
        self._run("pg_ctl", "-D", str(self._data), "-m", "immediate", "-w", "stop")

    def _run(self, program: str, *arguments: str) -> None:
        with (self.folder / "log").open("ab") as log:
            subprocess.run(
                [str(self._binaries / program), *arguments],
                check=True,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                timeout=120,
                env={"LC_ALL": "C.UTF-8"},
                **self._identity,
            )
