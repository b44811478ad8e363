"""What an analyst says about one site: <data>/sites/<site>/site.yml, checked before anything is fetched.

Public names: SiteConfig, KindMatch, PAGE_KINDS, GATE_KINDS, is_onion, and one class for each section of the file.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    model_validator,
)
from selectolax.lexbor import LexborHTMLParser, SelectolaxError

PAGE_KINDS = (
    "listing", "search", "home", "seller", "feedback", "pgp", "thread", "directory", "rules", "other",
)  # fmt: skip

GATE_KINDS = (
    "queue", "captcha", "login", "limited", "banned", "seized", "exit", "down", "not_found", "unknown",
)  # fmt: skip
"""Pages that are no content. unknown: it should be content by its address, and lacks what such a page must have."""

_NAME = re.compile(r"[a-z][a-z0-9_-]{1,40}")
_FAMILIES = Path(__file__).parent / "families"


def is_onion(host: str) -> bool:
    """Is `host` a v3 onion with a right checksum? (rend-spec-v3, "Encoding onion addresses")"""
    if len(host) != 62 or not host.endswith(".onion"):
        return False
    try:
        raw = base64.b32decode(host[:56].upper())
    except ValueError:
        return False
    key, checksum, version = raw[:32], raw[32:34], raw[34:]
    good = hashlib.sha3_256(b".onion checksum" + key + version).digest()[:2]
    return version == b"\x03" and checksum == good


def _check_onion(value: str) -> str:
    value = value.strip().lower()
    if "://" in value or "/" in value or ":" in value:
        raise ValueError("write the bare onion, without http://, port or path")
    if len(value) != 62 or not value.endswith(".onion"):
        raise ValueError("is not a v3 onion: 56 letters and digits, then .onion")
    if not is_onion(value):
        raise ValueError("has a wrong checksum: a letter is mistyped, or it is not a v3 onion")
    return value


def _check_path(value: str) -> str:
    if not value.startswith("/"):
        raise ValueError("must start with /")
    return value


def _check_regex(value: str) -> str:
    try:
        pattern = re.compile(value)
    except re.error as exc:
        raise ValueError(f"is no valid regular expression: {exc}") from exc
    if set(pattern.groupindex) - {"key"}:
        raise ValueError("may name one group only, (?P<key>...)")
    return value


def _check_kind(value: str) -> str:
    if value not in PAGE_KINDS:
        raise ValueError(f"is no page kind; known are {', '.join(PAGE_KINDS)}")
    return value


def _check_any_kind(value: str) -> str:
    if value not in PAGE_KINDS + GATE_KINDS:
        raise ValueError(f"is no kind of page or gate; known are {', '.join(PAGE_KINDS + GATE_KINDS)}")
    return value


def _check_selector(value: str) -> str:
    try:
        LexborHTMLParser("<p></p>").css(value)
    except (SelectolaxError, ValueError, RuntimeError) as exc:
        raise ValueError(f"is no CSS selector: {exc}") from exc
    return value


def _check_file_name(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,100}", value):
        raise ValueError("must be the bare name of a file that lies beside site.yml")
    return value


def _check_family(value: str) -> str:
    known = sorted(path.parent.name for path in _FAMILIES.glob("*/adapter.py"))
    if value and value not in known:
        raise ValueError(f"there is no family {value!r}; known: {', '.join(known) or 'none yet'}")
    return value


Onion = Annotated[str, AfterValidator(_check_onion)]
SitePath = Annotated[str, Field(max_length=2000), AfterValidator(_check_path)]
Regex = Annotated[str, Field(min_length=1, max_length=1000), AfterValidator(_check_regex)]
Kind = Annotated[str, AfterValidator(_check_kind)]
AnyKind = Annotated[str, AfterValidator(_check_any_kind)]
Selector = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_check_selector)]
Family = Annotated[str, AfterValidator(_check_family)]
FileName = Annotated[str, AfterValidator(_check_file_name)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Authorised(_Strict):
    """Who decided that this site may be read, and when: without it nothing is fetched."""

    by: str = Field(min_length=1, max_length=200)
    on: date
    note: str = Field(default="", max_length=2000)


class Pace(_Strict):
    """One request every `delay` seconds, more or less the share `jitter`, at most `in_flight` at once."""

    delay: float = Field(default=2.0, ge=0, le=3600)
    jitter: float = Field(default=0.5, ge=0, le=1)
    in_flight: int = Field(default=1, ge=1, le=32)


class Bounds(_Strict):
    """Where one run stops by itself."""

    pages: int = Field(default=20_000, ge=1, le=5_000_000)
    depth: int = Field(default=30, ge=0, le=1000)
    minutes: float = Field(default=600, gt=0, le=60 * 24 * 14)


class Patience(_Strict):
    """How long a site in trouble is waited for. tor.md: a mirror is dead after 180 s of failures."""

    wait: float = Field(default=5, ge=0, le=3600)
    """Seconds without a request after a failure; doubles with each further one, up to `longest`."""
    longest: float = Field(default=60, ge=0, le=3600)
    dead_after: float = Field(default=180, ge=0, le=86_400)
    """Seconds of failures without one success: then the next address, or the end of the run."""
    attempts: int = Field(default=4, ge=1, le=20)
    """Fetches of one page before it is given up."""


class Marks(_Strict):
    """How a page of one kind looks: a page has all of `require` and none of `forbid`."""

    require: tuple[Selector, ...] = Field(default=(), max_length=50)
    forbid: tuple[Selector, ...] = Field(default=(), max_length=50)


class Mirrors(_Strict):
    """Where the site lists its own mirrors, and the PGP key that must have signed the list."""

    page: SitePath | None = None
    key: FileName | None = None
    """The public key, a file beside site.yml."""


class SessionRules(_Strict):
    """What is known of the site's sessions. tor.md: EndGame ends one after 3,600 seconds."""

    lifetime: float = Field(default=3600, gt=0, le=60 * 60 * 24 * 365)
    check: SitePath | None = None
    """A page that only an open session shows; the first start page otherwise."""
    accounts: bool = False
    """Is nothing to be read here without an account?"""


class Plan(_Strict):
    """What is fetched first, and how often what."""

    interest: tuple[Regex, ...] = Field(default=(), max_length=200)
    """Categories that come before all else: patterns of their addresses."""
    known_hours: float = Field(default=24, gt=0, le=24 * 365)
    full_days: float = Field(default=7, gt=0, le=3650)


class Budgets(_Strict):
    """Where a branch of a site ends by itself: calendars, sort orders, endless pages."""

    shape: int = Field(default=20_000, ge=1, le=5_000_000)
    """Addresses of one shape in one sweep."""
    alike: int = Field(default=25, ge=2, le=100_000)
    """Near-identical pages of one shape in a row."""


class Counts(_Strict):
    """Where the site says how many listings each category has. Without it the reader looks for "Name (123)"."""

    link: Selector | None = None
    count: Selector | None = None
    """Within the link or beside it."""


@dataclass(frozen=True)
class KindMatch:
    """What the site file says of one path: the page's kind and, when it names one, the site's own key."""

    kind: str
    key: str | None


class SiteConfig(_Strict):
    """One site, as its site.yml states it. Paths are matched with their query: "/p/7?tab=1"."""

    name: str
    title: str = Field(min_length=1, max_length=200)
    addresses: tuple[Onion, ...] = Field(min_length=1, max_length=50)
    start: tuple[SitePath, ...] = Field(default=("/",), min_length=1, max_length=200)
    authorised: Authorised
    pace: Pace = Pace()
    bounds: Bounds = Bounds()
    patience: Patience = Patience()
    timeout: float = Field(default=60, gt=0, le=600)
    kinds: Mapping[Kind, tuple[Regex, ...]] = Field(default_factory=dict)
    family: Family = ""
    """The family of sites whose adapter helps the reader (crawler/families); none where the generic reader is enough."""
    worker: str = Field(default="", pattern=r"^([a-z0-9][a-z0-9_-]{0,39})?$")
    """Only a worker of this name or label crawls the site."""
    skip: tuple[Regex, ...] = ()
    priority: Mapping[Kind, Annotated[int, Field(ge=-1000, le=1000)]] = Field(default_factory=dict)
    marks: Mapping[AnyKind, Marks] = Field(default_factory=dict)
    mirrors: Mirrors = Mirrors()
    session: SessionRules = SessionRules()
    plan: Plan = Plan()
    budgets: Budgets = Budgets()
    counts: Counts = Counts()

    _kinds: tuple[tuple[str, re.Pattern[str]], ...] = PrivateAttr(default=())
    _skip: tuple[re.Pattern[str], ...] = PrivateAttr(default=())

    @model_validator(mode="after")
    def _check_names(self) -> SiteConfig:
        if not _NAME.fullmatch(self.name):
            raise ValueError("name: 2 to 41 small letters, digits, - or _, beginning with a letter")
        if len(set(self.addresses)) != len(self.addresses):
            raise ValueError("addresses: the same onion stands there twice")
        return self

    def model_post_init(self, context: Any, /) -> None:
        self._kinds = tuple((kind, re.compile(p)) for kind, patterns in self.kinds.items() for p in patterns)
        self._skip = tuple(re.compile(p) for p in self.skip)

    def kind_of(self, path: str) -> KindMatch:
        """The first kind of which a pattern matches; `other` when none does."""
        for kind, pattern in self._kinds:
            if found := pattern.search(path):
                return KindMatch(kind, found.groupdict().get("key"))
        return KindMatch("other", None)

    def skips(self, path: str) -> bool:
        """Must this path never be fetched?"""
        return any(pattern.search(path) for pattern in self._skip)

    def priority_of(self, kind: str) -> int:
        """Higher first. What matches nothing comes last."""
        return self.priority.get(kind, -1 if kind == "other" else 0)
