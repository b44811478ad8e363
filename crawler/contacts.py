"""Ways to reach or pay somebody, found in a text: wallets, onions, keys, handles, with checksums where they have one.

Public names: Contact, find_contacts, is_bitcoin, is_monero, is_onion, keccak256.

Text that the page splits by tags is joined by the reader before it comes here; what hides a contact from a machine only
(invisible characters, full-width letters, "[at]") is undone here. See wallets.py, pgp.py, mails.py, handles.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from crawler.contact import Contact
from crawler.handles import CueIndex, find_handles
from crawler.keccak import keccak256
from crawler.mails import find_mails
from crawler.pgp import find_keys, hide_armour
from crawler.siteconfig import is_onion
from crawler.unhiding import make_plain
from crawler.wallets import find_wallets, is_bitcoin, is_monero

__all__ = ["Contact", "find_contacts", "is_bitcoin", "is_monero", "is_onion", "keccak256"]

_LIMIT = 200_000
_MOST = 50
_MOST_OF_A_KIND = 30
_DOT_ONION = r"\s{0,2}[\[({<]?\s{0,2}(?:\.|dot|punkt|точка|点)\s{0,2}[\])}>]?\s{0,2}onion(?![A-Za-z0-9])"
_ONION = re.compile(rf"(?<![A-Za-z0-9])([a-z2-7]{{56}}|[a-z2-7]{{16}}){_DOT_ONION}", re.IGNORECASE | re.ASCII)
_LONG = re.compile(r"[A-Za-z2-7]{56}")
_BARE_ONION = re.compile(r"(?<![A-Za-z0-9])([a-z2-7]{55}d|[A-Z2-7]{55}D)(?![A-Za-z0-9])")


def find_contacts(text: str) -> tuple[Contact, ...]:
    """All contacts of a text, each once, the surest kinds first: at most 50, and 30 of a kind.

    A wallet whose checksum is wrong is left out unless the text names its coin; then it only looks like one.
    """
    plain = make_plain(text[:_LIMIT])
    found: dict[tuple[str, str], Contact] = {}
    counts: dict[str, int] = {}
    for contact in _find_all(plain.text):
        name = (contact.kind, contact.value)
        known = found.get(name)
        if known is not None:
            # The same fingerprint in a key's block and in words: the block proves it.
            if contact.valid and not known.valid:
                found[name] = contact
            continue
        if len(found) < _MOST and counts.get(contact.kind, 0) < _MOST_OF_A_KIND:
            found[name] = contact
            counts[contact.kind] = counts.get(contact.kind, 0) + 1
    return tuple(
        replace(
            contact,
            start=plain.find_origin(contact.start),
            end=plain.find_origin(contact.end - 1) + 1 if contact.end else 0,
        )
        for contact in found.values()
    )


def _find_all(text: str) -> Iterator[Contact]:
    taken: list[tuple[int, int]] = []

    def take(contacts: Iterator[Contact]) -> Iterator[Contact]:
        for contact in contacts:
            taken.append((contact.start, contact.end))
            yield contact

    yield from take(find_keys(text))
    text = hide_armour(text)
    yield from take(_find_onions(text))
    keys = list(taken)
    for wallet in take(find_wallets(text)):
        # "fingerprint 0x..." is a key, although it has the shape of a wallet.
        if not any(start < wallet.end and wallet.start < end for start, end in keys):
            yield wallet
    index = CueIndex(text)
    mails = list(find_mails(text, index.kind_before))
    spans = taken + [(mail.start, mail.end) for mail in mails]
    for contact in find_handles(text, index):
        # A handle is not a piece of an address; an xmpp: link is one, and says more than the address alone.
        inside = any(start <= contact.start < end for start, end in spans)
        if not inside or contact.kind in ("jabber", "element"):
            yield contact
            if contact.kind == "jabber":
                mails = [mail for mail in mails if not contact.start <= mail.start < contact.end]
    yield from mails


def _find_onions(text: str) -> Iterator[Contact]:
    places = set()
    for match in _ONION.finditer(text) if "onion" in text.lower() else ():
        onion = match[1].lower() + ".onion"
        places.add(match.start())
        extra = {} if len(match[1]) == 56 else {"form": "version 2, which no Tor reaches any more"}
        yield Contact("onion", onion, is_onion(onion), *match.span(), extra)
    for match in _BARE_ONION.finditer(text) if _LONG.search(text) else ():
        # Without ".onion" only the checksum and the version tell it from other strings.
        onion = match[1].lower() + ".onion"
        if match.start() not in places and is_onion(onion):
            yield Contact("onion", onion, True, *match.span())
