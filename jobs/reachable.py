"""What a crawl process may be connected to besides Tor: its database, and nothing where that is a file.

Public names: find_allowed, pin_database.
"""

from __future__ import annotations

import ipaddress
import socket
from pathlib import PurePosixPath

from sqlalchemy.engine import URL, make_url

from crawler.sockets import Allowed
from jobs.errors import JobError

PORT = 5432
LOCAL = ("/var/run/postgresql", "/run/postgresql", "/tmp")  # noqa: S108 - where servers put theirs, read only


def pin_database(url: str) -> str:
    """The same database by its number: the crawl process must have no reason to look a name up. JobError if that fails."""
    target = make_url(url)
    host = _host(target)
    if not host or host.startswith("/") or _is_number(host) or "hostaddr" in target.query:
        return url
    try:
        found = socket.getaddrinfo(host, _port(target), type=socket.SOCK_STREAM)
    except OSError as exc:
        raise JobError(f"The database's host {host} cannot be found: {exc.strerror or exc}.") from exc
    # The name stays beside it: certificates are checked by name.
    return target.update_query_dict({"hostaddr": str(found[0][4][0])}).render_as_string(hide_password=False)


def find_allowed(url: str) -> Allowed:
    """The peers of a crawl that keeps its pages in this database."""
    target = make_url(url)
    if target.get_backend_name() == "sqlite":
        return Allowed(frozenset())
    host, port = _query(target, "hostaddr") or _host(target), _port(target)
    if host and not host.startswith("/"):
        return Allowed(
            frozenset({(str(ipaddress.ip_address(host)), port)}) if _is_number(host) else frozenset()
        )
    folders = (host,) if host else LOCAL
    return Allowed(
        frozenset(), frozenset(str(PurePosixPath(folder) / f".s.PGSQL.{port}") for folder in folders)
    )


def _host(target: URL) -> str:
    if target.get_backend_name() == "sqlite":
        return ""
    return _query(target, "host") or target.host or ""


def _port(target: URL) -> int:
    port = _query(target, "port") or target.port or PORT
    return int(port)


def _query(target: URL, name: str) -> str:
    value = target.query.get(name, "")
    return value if isinstance(value, str) else value[0]


def _is_number(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
