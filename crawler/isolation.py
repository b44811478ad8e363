"""Whose circuit a request uses, and what one exchange over it looked like.

Public names: Isolation, Exchange.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from crawler.wire import RawHeaders


@dataclass(frozen=True)
class Isolation:
    """Whose circuit a request may use: no two sites or accounts ever share one, nor two circuits of one account.

    `account` is a keyed hash of the account's name, "" without one. `circuit` is random and lies with the session: runs
    of one session give the same credentials, so that the site sees one visitor, and a new one makes a new identity.
    """

    site: str
    account: str
    circuit: str

    def credentials(self) -> tuple[str, str]:
        """The SOCKS user name and password. Hashes: a log of Tor's tells nobody which site is read."""
        digest = hashlib.sha256(f"{self.site}\0{self.account}\0{self.circuit}".encode()).hexdigest()
        return digest[:32], digest[32:]

    def token(self) -> str:
        """What a stored page may say about its circuit."""
        return hashlib.sha256(":".join(self.credentials()).encode()).hexdigest()


@dataclass(frozen=True)
class Exchange:
    """One request as sent and one response as received; put into `request.meta["exchange"]`."""

    request_headers: RawHeaders
    requested_at: datetime
    received_at: datetime
    circuit_token: str
    reason: str = ""
    response_headers: RawHeaders = ()
    note: str = ""
    """Why there is no body, when one was cut off."""
