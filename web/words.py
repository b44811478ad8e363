"""Words: how times, numbers, states and names are said on the screen.

Public names: say_number, say_share, say_ago, say_span, say_size, say_price, GROUP_NAMES, STATES.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

GROUP_NAMES = {"ivory": "ivory", "rhino_horn": "rhino horn", "tiger": "tiger"}

STATES: dict[str, tuple[str, str]] = {
    # state of a run: (icon, tone)
    "queued": ("clock", "idle"),
    "waiting": ("clock", "warn"),
    "running": ("play", "live"),
    "paused": ("pause", "warn"),
    "done": ("check", "good"),
    "failed": ("cross", "bad"),
    "cancelled": ("stop", "idle"),
    "lost": ("question", "bad"),
    "late": ("triangle", "bad"),
    # how a site does, on the board
    "fine": ("check", "good"),
    "silent": ("question", "warn"),
    "never": ("question", "idle"),
    # state of a worker
    "ready": ("check", "good"),
    "leaving": ("stop", "warn"),
    "stopped": ("stop", "idle"),
    # state of an address
    "unverified": ("question", "idle"),
    "alive": ("check", "good"),
    "slow": ("clock", "warn"),
    "dead": ("cross", "bad"),
    "dropped": ("stop", "idle"),
    "proposed": ("person", "warn"),
    "refused": ("stop", "idle"),
    # standing with a site
    "ok": ("check", "good"),
    "unknown": ("question", "idle"),
    **dict.fromkeys(("captcha", "login"), ("person", "warn")),
    **dict.fromkeys(("queue", "limited", "down", "not_found"), ("clock", "warn")),
    **dict.fromkeys(("banned", "seized", "exit"), ("cross", "bad")),
    "over": ("stop", "idle"),
    "open": ("check", "good"),
    # the proof of the way out
    "proved": ("check", "good"),
    # level of an issue
    "warn": ("triangle", "warn"),
    "fail": ("cross", "bad"),
}
"""A colour never stands alone: each state has a word (its own), an icon and a tone."""


def say_number(value: int | float | Decimal) -> str:
    """1234567 -> "1,234,567"."""
    return f"{value:,}"


def say_share(value: float) -> str:
    """A probability with two digits; never rounded up to a certainty: 0.999 -> "0.99"."""
    return f"{min(value, 0.99):.2f}"


def _largest(span: timedelta) -> str:
    seconds = max(0, int(span.total_seconds()))
    for size, unit in ((86_400 * 365, "y"), (86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size:,} {unit}"
    return f"{seconds} s"


def say_ago(then: datetime, now: datetime) -> str:
    """How long ago, by the largest unit: "3 h ago"; a time ahead is "in 5 min"."""
    if then > now + timedelta(seconds=1):
        return f"in {_largest(then - now)}"
    if now - then < timedelta(seconds=10):
        return "just now"
    return f"{_largest(now - then)} ago"


def say_span(start: datetime | None, end: datetime | None) -> str:
    """How long it took: "2 h 05 min", "3 min 12 s", "8 s"; "" when it has not begun or has no end."""
    if start is None or end is None:
        return ""
    seconds = max(0, int((end - start).total_seconds()))
    hours, minutes = seconds // 3_600, seconds % 3_600 // 60
    if hours:
        return f"{hours:,} h {minutes:02d} min"
    return f"{minutes} min {seconds % 60:02d} s" if minutes else f"{seconds} s"


def say_size(count: int) -> str:
    """Bytes for people: "812 bytes", "24 KB", "3.1 MB"."""
    if count < 1_000:
        return f"{count} bytes"
    if count < 1_000_000:
        return f"{count / 1_000:.0f} KB"
    return f"{count / 1_000_000:,.1f} MB"


def say_price(amount: Decimal | None, currency: str) -> str:
    """An asking price as read: "USD 410.00"; "" when none was read."""
    if amount is None:
        return ""
    # A site may name a price of any length: one that nobody asks is shown by its size, not by its digits.
    sane = amount.is_finite() and -12 <= amount.adjusted() < 15
    text = f"{amount:,f}" if sane else f"{amount:.3e}"
    return f"{currency} {text}".strip()
