"""Reads the mirrors that a site names on a page which it signed with its PGP key, and trusts nothing else there.

Public names: read_mirrors, read_key, SignedList, NotTrusted, MirrorKey.

Anybody can copy a market's page and add an address of his own, so an address counts only when it stands inside a
cleartext-signed text (RFC 9580 §7) whose signature is right by the key that the analyst laid beside site.yml. What
OpenPGP allows and a reader would overlook is refused: several texts, several signatures, unsigned addresses beside the
signed text. The text is taken from what the verifier gives back, never from the page.
"""

from __future__ import annotations

import html
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pysequoia import Cert, verify
from pysequoia.packet import Packet, PacketPile, Tag

from crawler.errors import SiteError
from crawler.markup import parse_bounded
from crawler.siteconfig import is_onion

MAX_PAGE = 512 * 1024
MAX_BLOCK = 64 * 1024
MAX_KEY = 256 * 1024
MAX_ONIONS = 50
_MAX_LINE = 120
_CLOCKS = timedelta(hours=26)
"""How far ahead of ours another clock may be: some people set theirs to local time."""

_BEGIN = "-----BEGIN PGP SIGNED MESSAGE-----"
_SIGNATURE = "-----BEGIN PGP SIGNATURE-----"
_END = "-----END PGP SIGNATURE-----"
_ONION = re.compile(r"(?<![a-z2-7])[a-z2-7]{56}\.onion(?![a-z0-9])", re.IGNORECASE)


@dataclass(frozen=True)
class MirrorKey:
    """The public key that must have signed. `parts`: fingerprints of it and of its subkeys."""

    cert: Cert
    fingerprint: str
    parts: frozenset[str]


@dataclass(frozen=True)
class SignedList:
    """What the site says its addresses are. `onions`: each with the line of the text where it stands (defanged)."""

    onions: Mapping[str, str]
    wrong: int
    """Addresses in the signed text that are none by their checksum."""
    signed_at: datetime
    fingerprint: str


@dataclass(frozen=True)
class NotTrusted:
    """Why nothing on the page counts, as a sentence."""

    why: str


def read_key(path: Path) -> MirrorKey:
    """The one public key in a file, armored or not. SiteError says what is wrong with it."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_KEY + 1)
    except OSError as exc:
        raise SiteError(
            f"{path}: the key cannot be read ({exc.strerror}). Put the site's public key there."
        ) from exc
    if len(data) > MAX_KEY:
        raise SiteError(f"{path}: is larger than {MAX_KEY // 1024} KiB, which no key should be")
    try:
        certs = Cert.split_bytes(data)
        parts = {p.fingerprint.lower() for p in PacketPile.from_bytes(data) if p.fingerprint}
    except (RuntimeError, ValueError) as exc:
        raise SiteError(f"{path}: is no OpenPGP public key ({_first_line(exc)})") from exc
    if len(certs) != 1:
        # Several: whoever signs with the least of them would be believed.
        raise SiteError(f"{path}: holds {len(certs)} keys; leave only the one that signs the site's mirrors")
    return MirrorKey(certs[0], certs[0].fingerprint.lower(), frozenset(parts))


def read_mirrors(
    body: bytes, key: MirrorKey, *, content_type: str, known: Collection[str], now: datetime
) -> SignedList | NotTrusted:
    """The addresses in the page's one signed text, or why there are none.

    `body` is decoded already (no gzip). `known`: addresses that may stand beside the signed text, because we know them
    anyway (the one that the page came from stands in its header).
    """
    if key.cert.is_revoked:
        return NotTrusted("the key on file was revoked by its owner: find out why before you trust a new one")
    if key.cert.expiration is not None and key.cert.expiration <= now:
        return NotTrusted(f"the key on file expired on {key.cert.expiration:%Y-%m-%d}: get the renewed one")
    if len(body) > MAX_PAGE:
        return NotTrusted(f"the page is larger than {MAX_PAGE // 1024} KiB")
    texts = list(_texts(body, plain=content_type.lower().strip().startswith("text/plain")))
    page = texts[0]
    if (count := page.count(_BEGIN)) != 1 or page.count(_SIGNATURE) != 1:
        return NotTrusted(
            "there is no signed text on it"
            if count == 0
            else "it has more than one signed text, or a broken one"
        )
    blocks = list(dict.fromkeys(block for text in texts if (block := _block(text))))
    if not blocks:
        return NotTrusted(f"its signed text has no end, or is larger than {MAX_BLOCK // 1024} KiB")
    shown = {found[0].lower() for found in _ONION.finditer(page)} - set(known)
    why = ""
    for block in blocks:
        signed = _verify(block, key, now=now)
        if not isinstance(signed, str):
            return _list(*signed, key=key, shown=shown)
        why = why or signed
    return NotTrusted(why)


def _list(text: str, signed_at: datetime, *, key: MirrorKey, shown: set[str]) -> SignedList | NotTrusted:
    onions: dict[str, str] = {}
    wrong: set[str] = set()
    for line in text.splitlines():
        for found in _ONION.finditer(line):
            onion = found[0].lower()
            if is_onion(onion):
                onions.setdefault(onion, _tame(line))
            else:
                wrong.add(onion)
    if len(onions) > MAX_ONIONS:
        return NotTrusted(f"its signed text names more than {MAX_ONIONS} addresses")
    if not onions:
        return NotTrusted("its signed text names no v3 onion")
    # Those in the armor's own header lines, too: they look signed and are not.
    if beside := {onion for onion in shown if onion not in onions and is_onion(onion)}:
        return NotTrusted(
            f"{len(beside)} of the addresses that it shows stand outside of the signed text, as on a copy that a "
            "phisher added to"
        )
    return SignedList(onions, len(wrong), signed_at, key.fingerprint)


def _verify(block: str, key: MirrorKey, *, now: datetime) -> tuple[str, datetime] | str:
    """(the text that was signed, when), or what is wrong."""
    try:
        pile = PacketPile.from_bytes(block[block.index(_SIGNATURE) :].encode())
        packets: list[Packet] = [packet for _, packet in zip(range(3), pile, strict=False)]
    except (RuntimeError, ValueError) as exc:
        return f"its signature cannot be read ({_first_line(exc)})"
    # With several, one could be right and another say when: whoever adds a wrong one would set the date.
    if len(packets) != 1 or packets[0].tag != Tag.Signature:
        return "it has more than one signature, or something else in its place"
    signature = packets[0]
    issuer = (signature.issuer_fingerprint or signature.issuer_key_id or "").lower()
    if not issuer or not any(part.endswith(issuer) for part in key.parts):
        return f"it was signed by another key ({issuer[:40] or 'unnamed'}) than the one on file ({key.fingerprint})"
    try:
        result = verify(block.encode(), lambda _: [key.cert])
    except (RuntimeError, ValueError):
        return (
            "its signature is wrong: the text was changed after it was signed, or the key may no longer sign "
            "(revoked, expired, too weak)"
        )
    if result.bytes is None or [sig.certificate.lower() for sig in result.valid_sigs] != [key.fingerprint]:
        return "its signature is not by the key on file alone"
    created = signature.signature_created
    if created is None or created > now + _CLOCKS:
        return "its signature says that it was made in the future, or not when"
    return result.bytes.decode("utf-8", "replace"), created.astimezone(UTC)


def _texts(body: bytes, *, plain: bool) -> Iterator[str]:
    """The page as text, as a person would copy it: first the one to judge by, then other ways to read its lines."""
    source = body.decode("utf-8", "replace").replace("\r\n", "\n")
    if plain:
        yield source
        return
    tree = parse_bounded(body)
    tree.strip_tags(["script", "style", "template"])
    root = tree.body or tree.root
    yield (root.text(deep=True) if root else "").replace("\r\n", "\n")
    for node in tree.css("br"):
        node.replace_with("\n")
    yield (root.text(deep=True) if root else "").replace("\r\n", "\n")
    yield html.unescape(source)  # "<name@example>" written without entities is a tag to the parser


def _block(text: str) -> str:
    """From the mark of the signed text to the end of its signature; empty when there is no such thing."""
    begin = text.find(_BEGIN)
    end = text.find(_END, begin)
    whole = text[begin : end + len(_END)]
    if begin < 0 or end < 0 or len(whole) > MAX_BLOCK or not begin <= text.find(_SIGNATURE, begin) < end:
        return ""
    return whole + "\n"


def _tame(line: str) -> str:
    line = re.sub(r"\.(?=onion\b)", "[.]", line, flags=re.IGNORECASE)
    return "".join(char if char.isprintable() else " " for char in line).strip()[:_MAX_LINE]


def _first_line(exc: Exception) -> str:
    return (str(exc).splitlines() or [type(exc).__name__])[0][:100]
