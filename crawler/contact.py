"""What a contact is: one way to reach or pay somebody, and where in the text it stood.

Public names: Contact.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Contact:
    """kind: btc, ltc, bch, eth, xmr, onion, pgp, email, telegram, session, tox, jabber, signal, threema, wickr, wechat,
    whatsapp, zalo, icq, qq, kik, viber, element. value: as one would write it down (a key: its fingerprint).

    valid: a checksum (of a key: its own signature) proves it; false means that it looks like one. start, end: its place in
    the text, in characters. extra: what else is known of it, e.g. a key's user ids. Two contacts are the same when kind,
    value and valid are.
    """

    kind: str
    value: str
    valid: bool
    start: int = field(default=0, compare=False)
    end: int = field(default=0, compare=False)
    extra: Mapping[str, Any] = field(default_factory=dict, compare=False)
