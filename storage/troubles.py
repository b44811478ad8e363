"""Says in plain words what is wrong with the database or its disk, and what to do about it.

Public names: explain_trouble, is_away.
"""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError

_GOES_ON = "then start the crawl again: it goes on where it stopped, and nothing stored is lost"
_AWAY = (
    "connection refused",
    "server closed",
    "terminating connection",
    "could not connect",
    "connection failed",
    "the database system is",
    "connection is lost",
    "ssl connection has been closed",
)
_KNOWN = (
    (
        ("database or disk is full", "no space left on device", "could not extend file", "disk full"),
        f"the disk is full. Make room on it, {_GOES_ON}.",
    ),
    (
        ("database is locked", "lock timeout", "deadlock detected"),
        f"another program held the database for too long. Find and end it (a copy, a backup, an open shell), {_GOES_ON}.",
    ),
    (
        ("disk i/o error", "input/output error"),
        f"the disk did not take what was to be written. It may be full or failing: look at it, {_GOES_ON}.",
    ),
    (
        ("readonly database", "read-only", "permission denied", "unable to open database file"),
        f"the database cannot be written. Check who owns the data folder and how it is mounted, {_GOES_ON}.",
    ),
    (
        ("malformed", "not a database"),
        "the database file is damaged. Stop all of Tuskwatch, keep a copy of the file, and bring back the last backup.",
    ),
    (
        _AWAY,
        f"the database server is gone. See that it runs and can be reached, {_GOES_ON}.",
    ),
)


def explain_trouble(error: BaseException) -> str | None:
    """What an error of the database or the disk means; None for any other error."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    if not isinstance(error, (DBAPIError, OSError)):
        return None
    said = str(cause).casefold()
    for signs, words in _KNOWN:
        if any(sign in said for sign in signs):
            return words
    return f"the database or the disk gave an error ({str(cause).strip()[:200]}). When it is mended, {_GOES_ON[5:]}."


def is_away(error: BaseException) -> bool:
    """Is the database server gone for now? Then nothing is wrong with what was to be done."""
    if not isinstance(error, DBAPIError):
        return False
    return bool(error.connection_invalidated) or any(sign in str(error.orig).casefold() for sign in _AWAY)
