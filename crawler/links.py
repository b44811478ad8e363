"""What a stored page says to fetch next, and what of it must never be fetched.

Public names: find_links, FoundLinks, ForeignLink, url_key, normalise_url, defang, is_login_path, make_links, find_hop.

Pure. Everything here is hostile text: the number, length and depth of links are bounded.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urljoin, urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode
from w3lib.url import safe_url_string

from crawler.markup import parse_bounded
from crawler.shapes import is_session_name, shape_of, split_query
from crawler.sites import SiteConfig, is_onion
from storage.frontier import Link

MAX_LINKS = 2000
MAX_TARGETS = 20_000
"""Of one page that are looked at: the same link a million times is read no further."""
MAX_URL = 2000
MAX_FOREIGN = 200
MAX_HOPS = 5

# What is no text by its name: never asked for, whatever the site file says.
_NOT_TEXT = re.compile(
    r"\.(jpe?g|png|gif|webp|avif|svg|ico|bmp|tiff?|mp[34]|m4[av]|avi|mkv|mov|webm|ogg|wav|flac|zip|rar|7z|gz|tgz|bz2|xz"
    r"|tar|exe|msi|apk|dmg|iso|deb|rpm|jar|pdf|docx?|xlsx?|pptx?|epub|js|mjs|css|wasm|woff2?|ttf|otf|eot|bin|torrent)$",
    re.IGNORECASE,
)
_PATH_SESSION = re.compile(r";jsessionid=[^/?#]*", re.IGNORECASE)
# Most links are of this kind; they need none of the machinery below, which costs more than all else on a page.
_PLAIN = re.compile(r"/(?!/)[A-Za-z0-9_\-~/]*(\?[A-Za-z0-9_\-~=&]*)?")
_LOGIN_PATH = re.compile(r"/(log|sign)[-_]?(in|on|up)\b|/(register|auth|logout)\b", re.IGNORECASE)


@dataclass(frozen=True)
class ForeignLink:
    """A link that leaves the site: recorded, never followed. kind: onion, clear-net or other (mailto, magnet ...)."""

    kind: str
    host: str
    """Defanged: it cannot be clicked by accident."""


@dataclass
class FoundLinks:
    """Own links as paths with their query, in the page's order, and what was left out and why."""

    paths: list[str] = field(default_factory=list)
    nodes: dict[str, LexborNode] = field(default_factory=dict)
    """The first element that links to each path."""
    foreign: list[ForeignLink] = field(default_factory=list)
    too_many: bool = False
    too_long: int = 0


def defang(host: str) -> str:
    return host.replace(".", "[.]")


def is_login_path(path: str) -> bool:
    """Is this the address of a login or registration page itself?"""
    return bool(_LOGIN_PATH.search(path))


def normalise_url(parts: SplitResult) -> str:
    """Path and query in one spelling: no fragment, no host, characters escaped, an empty path is "/"."""
    path = _PATH_SESSION.sub("", parts.path) or "/"
    if not path.startswith("/"):
        path = "/" + path
    target = f"{path}?{parts.query}" if parts.query else path
    return safe_url_string(target)


def url_key(path: str, *, without: Collection[str] = ()) -> str:
    """SHA-256 of the address as the site means it: session ids are dropped, and the names of the query sorted.

    Values of the same name keep their order. `without`: further names that say nothing here (crawler.traps learns them).
    """
    base, pairs = split_query(path)
    if not pairs:
        return hashlib.sha256(base.encode()).hexdigest()
    kept = [pair for pair in pairs if pair[0] not in without and not is_session_name(*pair)]
    kept.sort(key=lambda pair: pair[0])
    query = "&".join(f"{name}={value}" for name, value in kept)
    return hashlib.sha256(f"{base}?{query}".encode() if query else base.encode()).hexdigest()


def find_links(page: bytes | LexborHTMLParser, *, url: str, hosts: Iterable[str]) -> FoundLinks:
    """All links of one HTML page, given as its body or its tree. `hosts` are the site's own addresses."""
    own = set(hosts)
    found = FoundLinks()
    tree = parse_bounded(page) if isinstance(page, bytes) else page
    base = url
    if (tag := tree.css_first("base[href]")) is not None:
        base = _join(url, tag.attributes.get("href") or "") or url
    seen: set[str] = set()
    seen_foreign: set[ForeignLink] = set()
    plain = base.startswith(tuple(f"http://{host}/" for host in own))
    for number, (target, node) in enumerate(_targets(tree)):
        if number >= MAX_TARGETS:
            found.too_many = True
            break
        if plain and len(target) < MAX_URL - 100 and _PLAIN.fullmatch(target):
            if target not in seen:
                if len(seen) >= MAX_LINKS:
                    found.too_many = True
                    break
                seen.add(target)
                found.paths.append(target)
                found.nodes[target] = node
            continue
        address = _join(base, target)
        if address is None:
            continue
        try:
            parts = urlsplit(address)
            host = (parts.hostname or "").lower()
            port = parts.port
        except ValueError:
            continue
        if parts.scheme == "http" and host in own and port in (None, 80):
            path = normalise_url(parts)
            if len(path) > MAX_URL - 100:
                found.too_long += 1
            elif path not in seen:
                if len(seen) >= MAX_LINKS:
                    found.too_many = True
                    break
                seen.add(path)
                found.paths.append(path)
                found.nodes[path] = node
            continue
        foreign = _foreign(parts, host, port, own)
        if foreign and foreign not in seen_foreign and len(seen_foreign) < MAX_FOREIGN:
            seen_foreign.add(foreign)
            found.foreign.append(foreign)
    return found


def make_links(
    found: FoundLinks,
    config: SiteConfig,
    *,
    depth: int,
    host: str,
    denied: Callable[[str], object] | None = None,
    priority: Callable[[str, str], int] | None = None,
    without: Collection[str] = (),
) -> tuple[list[Link], Mapping[str, int]]:
    """The links worth fetching, with their priority, and how many were left out by which rule.

    denied: says of a path whether the deny list names it. priority: of (path, page kind); the site file's own otherwise.
    """
    links: list[Link] = []
    left_out = {"skip": 0, "not-text": 0, "depth": 0, "denied": 0}
    for path in found.paths:
        if config.skips(path):
            left_out["skip"] += 1
        elif _NOT_TEXT.search(path.partition("?")[0]):
            left_out["not-text"] += 1
        elif depth > config.bounds.depth:
            left_out["depth"] += 1
        elif denied is not None and denied(path):
            left_out["denied"] += 1
        else:
            kind = config.kind_of(path).kind
            links.append(
                Link(
                    url=f"http://{host}{path}",
                    url_key=url_key(path, without=without),
                    depth=depth,
                    priority=config.priority_of(kind) if priority is None else priority(path, kind),
                    shape=shape_of(path),
                )
            )
    return links, left_out


def find_hop(url: str, location: str, *, config: SiteConfig, hop: int) -> tuple[str | None, str]:
    """Where the redirect number `hop` (from 0) leads: (address, "") when it may be followed, else (None, why not).

    Followed within the same onion only, a few steps, and never to what is skipped or no text.
    """
    host = urlsplit(url).hostname or ""
    try:
        target = urlsplit(urljoin(url, location))
        here = (target.scheme, (target.hostname or "").lower(), target.port or 80) == ("http", host, 80)
    except ValueError:
        return None, "nowhere"
    if not here:
        return None, "to another place"
    if hop >= MAX_HOPS:
        return None, f"on for more than {MAX_HOPS} steps"
    links, _ = make_links(FoundLinks(paths=[normalise_url(target)]), config, depth=0, host=host)
    return (links[0].url, "") if links else (None, "to what is never fetched")


def _targets(tree: LexborHTMLParser) -> Iterable[tuple[str, LexborNode]]:
    for node in tree.css("a[href], area[href], frame[src], iframe[src]"):
        value = node.attributes.get("href") or node.attributes.get("src")
        if value:
            yield value, node
    for node in tree.css("meta[http-equiv][content]"):
        if (node.attributes.get("http-equiv") or "").lower() == "refresh":
            _, _, value = (node.attributes.get("content") or "").partition("=")
            if value:
                yield value.strip(" '\""), node


def _join(base: str, target: str) -> str | None:
    target = target.strip().replace("\n", "").replace("\r", "").replace("\t", "")
    if not target or len(target) > 4 * MAX_URL:
        return None
    try:
        return urljoin(base, target)
    except ValueError:
        return None


def _foreign(parts: SplitResult, host: str, port: int | None, own: set[str]) -> ForeignLink | None:
    if parts.scheme not in ("http", "https"):
        return (
            ForeignLink("other", parts.scheme[:20])
            if parts.scheme not in ("javascript", "data", "about", "")
            else None
        )
    if not host or len(host) > 255:
        return None
    where = defang(host) + (f":{port}" if port else "")
    if host in own:
        return ForeignLink("onion", f"{where} ({parts.scheme})")  # the same onion by https or another port
    return ForeignLink("onion" if is_onion(host) else "clear-net", where)
