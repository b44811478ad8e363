"""What the hard lab is told to be like: HardOptions, read_options, HARD_LISTINGS, HARD_SITES.

The figures are those measured at real markets (EndGame v2); tests and trainings make the waits shorter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from lab.errors import LabError

HARD_LISTINGS = 240
"""How many listings the hard lab has when nobody says: few, since each takes its time."""

HARD_SITES = ("oldport", "lanternrow", "nordkontor", "backroom", "graymarsh", "tollgate")


@dataclass(frozen=True)
class HardOptions:
    """Times in seconds. `rate` requests a second with `burst` above it, per circuit and per cookie."""

    rate: float = 6.0
    burst: int = 10
    queue: float = 5.0
    captcha: float = 60.0
    tries: int = 3
    session: float = 3600.0
    """How long a session behind the captcha, and one behind the login, lasts."""
    bar: float = 3600.0
    """How long a cookie stays barred."""
    outages: float = 0.3
    """The share of requests that fail at the two sites in trouble."""
    break_after: int = 60
    """The market with mirrors loses its first one after so many requests to it; 0: only when told to."""
    delay: float = 0.25
    """What the site files state as pace."""
    bind_circuit: bool = True
    """Whether the front-end's cookie is worth nothing on another circuit."""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def read_options(raw: Mapping[str, Any]) -> HardOptions:
    """Options as they were written down; LabError when one makes no sense."""
    known = {field.name for field in fields(HardOptions)}
    options = HardOptions(**{name: value for name, value in raw.items() if name in known})
    wrong = [
        name
        for name, good in (
            ("rate", options.rate > 0),
            ("burst", options.burst >= 0),
            ("queue", 0 <= options.queue <= 600),
            ("captcha", options.captcha > 0),
            ("tries", options.tries >= 1),
            ("session", options.session > 0),
            ("bar", options.bar >= 0),
            ("outages", 0 <= options.outages < 1),
            ("break_after", options.break_after >= 0),
            ("delay", 0 <= options.delay <= 3600),
        )
        if not good
    ]
    if wrong:
        raise LabError(
            f"The hard lab cannot be made so: {', '.join(f'{n} = {getattr(options, n)}' for n in wrong)}."
        )
    return options
