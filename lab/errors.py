"""What can go wrong with the lab, in words a user can act on: LabError."""

from __future__ import annotations


class LabError(Exception):
    """The lab cannot do what was asked; the text says why and what to do next."""
