"""What an analyst says about one site: <data>/sites/<site>/site.yml, checked before anything is fetched.

Public names: SiteConfig, KindMatch, PAGE_KINDS, load_site, load_sites, sort_sites, is_onion, config_sha256.
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

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    model_validator,
)

from crawler.errors import SiteError

PAGE_KINDS = (
    "listing", "search", "home", "seller", "feedback", "pgp", "thread", "directory", "rules", "other",
)  # fmt: skip

_MAX_FILE = 256 * 1024
_NAME = re.compile(r"[a-z][a-z0-9_-]{1,40}")


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


Onion = Annotated[str, AfterValidator(_check_onion)]
SitePath = Annotated[str, Field(max_length=2000), AfterValidator(_check_path)]
Regex = Annotated[str, Field(min_length=1, max_length=1000), AfterValidator(_check_regex)]
Kind = Annotated[str, AfterValidator(_check_kind)]


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
    skip: tuple[Regex, ...] = ()
    priority: Mapping[Kind, Annotated[int, Field(ge=-1000, le=1000)]] = Field(default_factory=dict)

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


class _Loader(yaml.SafeLoader):
    """Safe YAML with three traps closed: `on:` is a word and not True, no key twice, no aliases (they can blow up)."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.constructor.ConstructorError(
                None, None, "anchors and aliases (& and *) are not allowed here", self.get_mark()
            )
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"{key.value}: stands there twice", key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in resolvers if tag != "tag:yaml.org,2002:bool"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"true|false"), list("tf"))


def _line_of(node: yaml.Node | None, loc: tuple[int | str, ...]) -> int:
    """The line (from 1) where `loc` stands in the file, or of the nearest thing around it."""
    line = node.start_mark.line + 1 if node else 1
    for step in loc:
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if key.value == str(step):
                    node, line = value, key.start_mark.line + 1
                    break
            else:
                break
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            line = node.start_mark.line + 1
        else:
            break
    return line


_MESSAGES = {"missing": "is missing", "extra_forbidden": "is not known here: is it mistyped?"}


def load_site(folder: Path) -> SiteConfig:
    """Read <folder>/site.yml. Raises SiteError with one line for each fault: file, line, field, what is wrong."""
    path = folder / "site.yml"
    try:
        text = path.read_bytes()
    except OSError as exc:
        raise SiteError(
            f"{path}: cannot be read ({exc.strerror}). Each site needs a file of that name."
        ) from exc
    if len(text) > _MAX_FILE:
        raise SiteError(f"{path}: is larger than {_MAX_FILE // 1024} KiB, which no site file should be")
    try:
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            values = loader.construct_document(node) if node else None
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as exc:
        line = exc.problem_mark.line + 1 if exc.problem_mark else 1
        raise SiteError(f"{path}, line {line}: {exc.problem or exc.context}") from exc
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, RecursionError) as exc:
        raise SiteError(f"{path}: is no readable YAML ({exc})") from exc
    if not isinstance(values, dict):
        raise SiteError(f"{path}, line 1: must be a list of `field: value` lines")
    try:
        config = SiteConfig.model_validate(values)
    except ValidationError as exc:
        faults = []
        for error in exc.errors(include_url=False):
            loc = tuple(step for step in error["loc"] if step != "[key]")
            message = _MESSAGES.get(error["type"], error["msg"].removeprefix("Value error, "))
            if not loc and ": " in message:  # our own checks of the whole name their field themselves
                field, message = message.split(": ", 1)
                loc = (field,)
            field = ".".join(str(step) for step in loc)
            faults.append(f"{path}, line {_line_of(node, loc)}: {field}: {message}")
        raise SiteError("\n".join(faults)) from exc
    if config.name != folder.name:
        raise SiteError(
            f"{path}, line {_line_of(node, ('name',))}: name: is {config.name!r}, but the folder is called "
            f"{folder.name!r}; they must be the same"
        )
    return config


def load_sites(data: Path) -> dict[str, SiteConfig]:
    """All sites of a data folder by name. Raises SiteError with the faults of all wrong files."""
    sites, faults = sort_sites(data)
    if faults:
        raise SiteError("\n".join(faults.values()))
    return sites


def sort_sites(data: Path) -> tuple[dict[str, SiteConfig], dict[str, str]]:
    """(the sites whose files are right, what is wrong with each of the others), by name."""
    sites: dict[str, SiteConfig] = {}
    faults: dict[str, str] = {}
    for path in sorted((data / "sites").glob("*/site.yml")):
        try:
            sites[path.parent.name] = load_site(path.parent)
        except SiteError as exc:
            faults[path.parent.name] = str(exc)
    return sites, faults


def config_sha256(config: SiteConfig) -> str:
    """A hash of what the file says, whatever its layout."""
    return hashlib.sha256(config.model_dump_json().encode()).hexdigest()
