"""Takes out of a foreign text what a report must not carry: addresses, sellers, contacts, and marks that play tricks.

Public names: redact.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

# Possessive and bounded repeats throughout: the texts are hostile, and no title may take long to search.
_ADDRESS = re.compile(
    r"\b[a-z][a-z0-9+.-]{1,10}+://\S++"  # anything with a scheme
    r"|(?<![a-z2-7])[a-z2-7]{16,}+\s?\.\s?onion\S*+"
    r"|(?<![a-z2-7])[a-z2-7]{56}(?![a-z2-7])"  # a bare v3 onion
    r"|\bwww\.\S++",
    re.IGNORECASE,
)
_CONTACT = re.compile(
    r"(?<![^\s@])[^\s@]{1,64}+@[^\s@]{3,}+"  # mail, jabber
    r"|(?<!\w)@\w{3,}+"  # handles
    r"|\bt\.me/\S++"
    r"|\b[A-Za-z0-9]{25,}+\b"  # wallets, keys, Session and Tox ids
    r"|\+\d[\d ()-]{7,20}"  # telephone numbers
    r"|\b(?:wickr|telegram|session|threema|signal|jabber|icq|tox|whatsapp|wechat|zalo)\b[ ]?(?:id)?[ ]?[:=][ ]?\S++",
    re.IGNORECASE,
)
_TRICKS = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Unicode categories that draw nothing and can turn, split or hide a text."""
MAX_INPUT = 2_000
"""No title that a person reads is longer, and the patterns above need not look at more."""


def redact(text: str, *, hidden: Iterable[str] = (), longest: int) -> str:
    """The text on one line, at most `longest` characters, without addresses, contacts and the `hidden` words."""
    plain = "".join(
        " " if character.isspace() or unicodedata.category(character) in ("Cc", "Zl", "Zp") else character
        for character in text[:MAX_INPUT]
        if character.isspace() or unicodedata.category(character) not in _TRICKS - {"Cc", "Zl", "Zp"}
    )
    plain = _CONTACT.sub("[contact]", _ADDRESS.sub("[address]", plain))
    for word in sorted(set(hidden), key=len, reverse=True):
        # Very short names ("a") would take letters out of every word.
        if len(word) >= 3:
            pattern = r"(?<!\w)" + re.escape(word) + r"(?!\w)"
            plain = re.sub(pattern, "[name]", plain, flags=re.IGNORECASE)
    plain = " ".join(plain.split())
    return plain if len(plain) <= longest else plain[: longest - 1].rstrip() + "…"
