"""How long a site asks to be left alone: its Retry-After and its refresh, in seconds and within bounds.

Public names: read_retry_after, read_refresh, MAX_WAIT.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from email.utils import parsedate_to_datetime

MAX_WAIT = 600.0
"""Seconds that one answer may make us wait; who asks for more is asked again after that."""
_REFRESH = re.compile(r"\s*(\d{1,6})(?:\.\d*)?\s*(?:[;,]\s*(?:url\s*=\s*)?(.*))?", re.IGNORECASE | re.DOTALL)


def read_refresh(values: Iterable[str]) -> tuple[float | None, str]:
    """(seconds, where to) of the first value that can be read, as meta tags and headers have it: "5; url=/x"."""
    for value in values:
        if found := _REFRESH.match(value[:3000]):
            return float(found[1]), (found[2] or "").strip(" '\"\t\r\n")
    return None, ""


def read_retry_after(headers: Sequence[tuple[str, str]]) -> float:
    """From a number or a date; 0 without one. A date is held against the response's own: whose clock is right is not known."""
    said = {name.lower(): value.strip() for name, value in headers if name.lower() in ("retry-after", "date")}
    value = said.get("retry-after", "")
    if value.isascii() and value.isdigit():
        return min(float(value[:6]), MAX_WAIT)
    try:
        wait = (parsedate_to_datetime(value) - parsedate_to_datetime(said.get("date", ""))).total_seconds()
    except (ValueError, TypeError, IndexError, OverflowError):
        return 0
    return min(max(wait, 0.0), MAX_WAIT)
