"""What a check of `tuskwatch doctor` found.

Public names: Finding.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """level: ok, warn (works, but) or fail (must be repaired). remedy: what to do, empty when all is well."""

    subject: str
    level: str
    text: str
    remedy: str = ""
