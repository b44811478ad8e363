"""The proof that is kept with a run: what the canary looked at, when, by which Tor, and how it ended.

Public names: Proof.

{"tor_version", "socks", "tor": own | attached | none, "owner": process | word, "checks", "first", "last", "spans": [[first, last,
checks], ...], "circuits": {token: {"first", "last", "seen", "most"}}, "foreign", "pages", "failed", "failed_kind", "failed_at"}. Its size is
bounded: a run that is taken up again a hundred times keeps the last spans, and the counts of all.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from crawler.torfacts import TorFacts

MAX_SPANS = 20
MAX_TOKENS = 8


class Proof:
    """Grows with each look of one crawl process; begins with what the run had before."""

    def __init__(self, before: Mapping[str, Any], *, socks: str) -> None:
        self._data: dict[str, Any] = {
            "checks": 0,
            "spans": [],
            "circuits": {},
            "foreign": 0,
            "pages": 0,
            "failed": "",
        }
        self._data |= {key: value for key, value in before.items() if key not in ("failed_at", "failed_kind")}
        self._data |= {"socks": socks, "failed": ""}
        self._span: list[Any] | None = None

    def note_look(self, now: datetime) -> None:
        """One look at the sockets found nothing wrong."""
        at = now.isoformat(timespec="seconds")
        self._data["checks"] += 1
        self._data.setdefault("first", at)
        self._data["last"] = at
        if self._span is None:
            self._span = [at, at, 0]
            self._data["spans"] = [*self._data["spans"], self._span][-MAX_SPANS:]
        self._span[1] = at
        self._span[2] += 1

    def note_tor(self, facts: TorFacts | None) -> None:
        """Which Tor it is. owner: whether the listening socket was found to be its process's, or its word was taken."""
        if facts is None:
            self._data |= {"tor": "none", "owner": "", "tor_version": ""}
            return
        self._data |= {
            "tor": "own" if facts.own_pid is not None else "attached",
            "owner": "process" if facts.pid is not None else "word",
            "tor_version": facts.version,
        }

    def note_circuits(self, token: str, count: int, *, now: datetime) -> None:
        """So many circuits had this run's isolation name."""
        known: dict[str, Any] = self._data["circuits"]
        if token not in known and len(known) >= MAX_TOKENS:
            known.pop(next(iter(known)))
        at = now.isoformat(timespec="seconds")
        entry = known.setdefault(token, {"first": at, "seen": 0, "most": 0})
        entry |= {"last": at, "seen": entry["seen"] + 1, "most": max(entry["most"], count)}

    def note_foreign(self, count: int) -> None:
        self._data["foreign"] = max(self._data["foreign"], count)

    def note_pages(self, count: int) -> None:
        """So many more pages were stored while the canary watched."""
        self._data["pages"] += count

    def fail(self, words: str, *, kind: str, now: datetime) -> None:
        """kind: silent or leak (jobs.alarm)."""
        self._data |= {
            "failed": words[:500],
            "failed_kind": kind,
            "failed_at": now.isoformat(timespec="seconds"),
        }

    def as_json(self) -> dict[str, Any]:
        return {**self._data, "spans": [list(span) for span in self._data["spans"]]}
