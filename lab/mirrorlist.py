"""The page on which a market lists its own mirrors, signed with its PGP key: MirrorList, PATH."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from pysequoia import SignatureMode, Tsk, sign

PATH = "/mirrors.txt"


class MirrorList:
    """The market's key, made anew, and what it signs."""

    def __init__(self, title: str, *, site: str) -> None:
        self._title = title
        self._key = Tsk.generate(f"{title} <mirrors@{site}.invalid>")

    @property
    def public_key(self) -> str:
        """The armoured public key, as an analyst keeps it beside site.yml."""
        return str(self._key.extract_certificate())

    @property
    def fingerprint(self) -> str:
        return self._key.extract_certificate().fingerprint.upper()

    def sign(self, onions: Sequence[str], *, day: date) -> str:
        """The page's text."""
        lines = [
            f"{self._title}: the only mirrors there are, as of {day.isoformat()}.",
            "Anything else is a phishing copy. Check this signature with the key that you have kept.",
            "",
            *(f"http://{onion}/" for onion in onions),
            "",
        ]
        return sign(self._key.signer(), "\n".join(lines).encode(), mode=SignatureMode.CLEAR).decode()
