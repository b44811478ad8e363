"""Makes a sample out of a stored page: what tells on us, or on people, goes; what is read from it stays.

Public names: Scrubbed, Mask, scrub_page, invent_onion, STEPS.

Pure. A sample lies beside the site file, may be shown to others, and must be read as the page was. So nothing is
shortened: a name or a token is replaced by another of the same make, the same one each time (keyed by `salt`).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import string
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from bs4 import BeautifulSoup, Comment, Doctype, Tag
from bs4.element import NavigableString, PreformattedString

from crawler.html import is_hidden
from crawler.markup import SAFE_SIZE, tame

MAX_TEXT = 3_000_000
STEPS = ("images", "contacts", "sellers")
"""What may be left out when the reading would change by it, in the order in which that is tried."""
_GONE = (
    "script", "style", "link", "object", "embed", "applet", "video", "audio", "source", "track", "svg", "canvas", "template",
)  # fmt: skip
_PICTURES = ("img", "picture", "map", "area")
_DEAD = frozenset(("srcset", "poster", "ping", "integrity", "nonce"))
_BLANK_INPUTS = frozenset(("", "hidden", "text", "password", "email", "search", "tel", "url"))
_SECRET_NAME = re.compile(r"csrf|xsrf|token|nonce|sess|(?:^|[_-])sid$|auth|ticket|captcha", re.IGNORECASE)
_SECRET_QUERY = re.compile(
    r"(?P<before>[?&;](?:amp;)?(?:[\w-]*(?:csrf|xsrf|token|nonce|sess|auth|ticket|signature)[\w-]*|sid|sig)=)(?P<value>[^&#\"'\s;]{4,})",
    re.IGNORECASE,
)
_ONION = re.compile(r"(?<![a-z2-7])(?:[a-z2-7]{56}|[a-z2-7]{16})(?=\.onion\b)", re.IGNORECASE)
_PGP = re.compile(r"(?<=-----BEGIN PGP PUBLIC KEY BLOCK-----)(.{40,20000}?)(?=-----END)", re.DOTALL)
_CONTACTS = (
    re.compile(r"(?<![\w.+-])[A-Za-z0-9][\w.+-]{0,63}@(?:[A-Za-z0-9-]{1,63}\.){1,4}[A-Za-z]{2,24}(?![\w-])"),
    re.compile(r"(?<![A-Za-z0-9])(?:[13][1-9A-HJ-NP-Za-km-z]{25,34}|bc1[02-9ac-hj-np-z]{11,71})(?![A-Za-z0-9])"),
    re.compile(r"(?<![A-Za-z0-9])[48][1-9A-HJ-NP-Za-km-z]{94}(?:[1-9A-HJ-NP-Za-km-z]{11})?(?![A-Za-z0-9])"),
    re.compile(r"(?<![0-9A-Za-z])(?:0x[0-9a-f]{40}|05[0-9a-f]{64}|[0-9A-F]{76})(?![0-9A-Za-z])", re.IGNORECASE),
    re.compile(r"(?<![0-9A-F])(?:[0-9A-F]{4} ?){5} ?(?:[0-9A-F]{4} ?){4}[0-9A-F]{4}(?![0-9A-F])"),
    re.compile(r"(?<=t\.me/)[A-Za-z]\w{4,31}\b", re.IGNORECASE),
    re.compile(r"(?<![\w@./])@[A-Za-z]\w{3,31}\b"),
    re.compile(
        r"(?<=telegram: )[\w.@-]{4,64}|(?<=wickr: )[\w.@-]{4,64}|(?<=session: )[\w.@-]{4,64}|(?<=jabber: )[\w.@-]{4,64}"
        r"|(?<=signal: )[\w.+@-]{4,64}|(?<=threema: )[\w.@-]{4,64}|(?<=wechat: )[\w.@-]{4,64}|(?<=zalo: )[\w.@-]{4,64}",
        re.IGNORECASE,
    ),
)  # fmt: skip
_ACCOUNT = re.compile(
    r"\b(?:(?:logged in as|signed in as|angemeldet als|welcome back,?)\s*:?|log ?out\s*[(\[:])\s*([A-Za-z][\w.-]{2,30})\b",
    re.IGNORECASE,
)
_NO_ACCOUNT = frozenset(
    ("home", "cart", "rules", "help", "the", "your", "you", "and", "now", "here", "page", "from", "this", "menu", "wallet")
)  # fmt: skip


@dataclass(frozen=True)
class Scrubbed:
    """html: the sample. removed: how many of what. suspects: words that may be an account's name and still stand there."""

    html: str
    removed: Mapping[str, int] = field(default_factory=dict)
    suspects: tuple[str, ...] = ()


def invent_onion(name: str, salt: bytes) -> str:
    """A well-formed v3 onion of nobody, the same for the same name."""
    key = hmac.new(salt, b"onion " + name.lower().encode(), hashlib.sha256).digest()
    checksum = hashlib.sha3_256(b".onion checksum" + key + b"\x03").digest()[:2]
    return base64.b32encode(key + checksum + b"\x03").decode().lower()


class Mask:
    """Replaces in any text what must not stand in a sample. The same text is replaced by the same, always."""

    def __init__(
        self,
        *,
        salt: bytes,
        hide: Iterable[str] = (),
        cookies: Iterable[str] = (),
        sellers: Iterable[str] = (),
        contacts: bool = True,
    ) -> None:
        self._salt = salt
        self._contacts = contacts
        self.counts: Counter[str] = Counter()
        secrets = sorted({c for c in cookies if len(c) >= 6}, key=len, reverse=True)
        self._secrets = re.compile("|".join(map(re.escape, secrets))) if secrets else None
        self._words = _words_pattern(hide)
        self._sellers = _words_pattern(sellers)

    def __call__(self, text: str) -> str:
        if not text:
            return text
        text = _ONION.sub(lambda found: self._onion(found[0]), text)
        text = _SECRET_QUERY.sub(
            lambda found: found["before"] + self._same_make(found["value"], "tokens"), text
        )
        if self._secrets is not None:
            text = self._secrets.sub(lambda found: self._same_make(found[0], "cookies"), text)
        if self._words is not None:
            text = self._words.sub(lambda found: self._same_make(found[0], "names of ours"), text)
        if self._sellers is not None:
            text = self._sellers.sub(lambda found: self._same_make(found[0], "sellers"), text)
        if self._contacts:
            text = _PGP.sub(lambda found: self._same_make(found[0], "PGP keys"), text)
            for pattern in _CONTACTS:
                text = pattern.sub(lambda found: self._same_make(found[0], "contacts"), text)
        return text

    def _onion(self, name: str) -> str:
        self.counts["onion addresses"] += 1
        invented = invent_onion(name, self._salt)
        return invented[: len(name)]

    def _same_make(self, text: str, what: str) -> str:
        """Letters for letters of the same case, figures for figures; everything else stays."""
        self.counts[what] += 1
        stream = hashlib.shake_256(self._salt + b"\0" + text.lower().encode()).digest(len(text))
        made = []
        for char, byte in zip(text, stream, strict=False):
            if char in string.digits:
                made.append(string.digits[byte % 10])
            elif char in string.ascii_lowercase:
                made.append(string.ascii_lowercase[byte % 26])
            elif char in string.ascii_uppercase:
                made.append(string.ascii_lowercase[byte % 26].upper())
            else:
                made.append(char)
        return "".join(made)


def scrub_page(text: str, mask: Mask, *, keep_images: bool = False) -> Scrubbed:
    """The page's markup without scripts, styles, pictures, tokens and comments, and with everything else masked."""
    text = text[:MAX_TEXT]
    if len(text) > SAFE_SIZE or text.count("<") > 2_000:
        text, _ = tame(text)
    soup = BeautifulSoup(text, "html.parser")
    removed: Counter[str] = Counter()
    for node in soup.find_all(string=lambda found: isinstance(found, PreformattedString)):
        if not isinstance(node, Doctype):
            node.extract()
            removed["comments"] += isinstance(node, Comment)
    for tag in soup.find_all([*_GONE, *(() if keep_images else _PICTURES)]):
        if not tag.decomposed:
            removed["pictures" if tag.name in _PICTURES else "scripts and styles"] += 1
            tag.decompose()
    for tag in soup.find_all(True):
        _scrub_tag(tag, mask, removed)
    for node in soup.find_all(string=True):
        if type(node) is NavigableString and (masked := mask(str(node))) != node:
            node.replace_with(masked)
    html = str(soup)
    words = soup.get_text(" ")[:200_000]
    suspects = dict.fromkeys(
        found[1] for found in _ACCOUNT.finditer(words) if found[1].lower() not in _NO_ACCOUNT
    )
    return Scrubbed(html, dict(removed + mask.counts), tuple(suspects)[:5])


def _scrub_tag(tag: Tag, mask: Mask, removed: Counter[str]) -> None:
    attributes = {name: " ".join(v) if isinstance(v, list) else str(v or "") for name, v in tag.attrs.items()}
    secret = tag.name in ("input", "meta") and _SECRET_NAME.search(
        " ".join(attributes.get(name, "") for name in ("name", "id", "property"))
    )
    kind = attributes.get("type", "").lower()
    for name, value in attributes.items():
        low = name.lower()
        if low.startswith("on") or low in _DEAD or (low == "src" and tag.name not in ("frame", "iframe")):
            del tag.attrs[name]
        elif low == "style":  # what hides text, or keeps its lines, is read
            if not is_hidden({"style": value}) and "white-space" not in value:
                del tag.attrs[name]
        elif (low == "value" and tag.name == "input" and (kind in _BLANK_INPUTS or secret)) or (
            low == "content" and secret
        ):
            removed["values of form fields"] += bool(value)
            tag.attrs[name] = ""
        elif low.startswith("data-") and _SECRET_NAME.search(low):
            removed["tokens"] += bool(value)
            tag.attrs[name] = ""
        elif low not in ("class", "id", "rel", "type", "name"):
            tag.attrs[name] = mask(value)


def _words_pattern(words: Iterable[str]) -> re.Pattern[str] | None:
    forms = {form for word in words if len(word.strip()) >= 3 for form in (word.strip(), quote(word.strip()))}
    if not forms:
        return None
    longest_first = sorted(forms, key=lambda form: (-len(form), form))
    return re.compile(r"(?<!\w)(?:" + "|".join(map(re.escape, longest_first)) + r")(?!\w)", re.IGNORECASE)
