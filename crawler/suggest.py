"""Patterns for the `kinds` of a site file, proposed from addresses and from what the pages behind some of them are.

Public names: Suggestion, suggest_kinds, group_addresses, Group.

Pure. A proposal is a start for a person: it says what it was made from, and how many addresses it would match.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

KEYED = ("listing", "thread")
"""Kinds whose patterns name the site's own key of an ad."""
SUGGESTED = ("listing", "search", "seller", "feedback", "pgp", "thread", "home", "directory", "rules")
MOST_ADDRESSES = 20_000
_DIGITS = re.compile(r"\d+")
_HEX = re.compile(r"[0-9a-f-]{12,}", re.IGNORECASE)
_WORD = re.compile(r"[\w.~%+-]+")
_FEW = 3
"""So many different words at one place of an address make it a place for names."""
_MOST_EXAMPLES = 3
_WORDS = {
    "seller": re.compile(r"^/(v|vendors?|sellers?|users?|u|profiles?|members?|shop|store)/", re.IGNORECASE),
    "search": re.compile(
        r"^/(c|cat|category|categories|boards?|forums?|viewforum\.php|browse)\b", re.IGNORECASE
    ),
    "thread": re.compile(r"^/(t|threads?|topics?|viewtopic\.php|showthread\.php)\b", re.IGNORECASE),
}
"""Words at the head of an address that say more than the page does: a seller's page is often little but a list of ads."""
_PAGED = r"(\?page=\d+)?$"


@dataclass(frozen=True)
class Group:
    """Addresses of one make. pattern: what matches them all and little else."""

    pattern: str
    paths: tuple[str, ...]
    key_at: str = ""
    """The part of the pattern that differs from address to address and would be the key."""


@dataclass(frozen=True)
class Suggestion:
    """kind: what to put the pattern under, "" when nothing fits. read: what most pages of this make were read as (a gate,
    too), "" when none was looked at. seen: pages looked at that were so, of
    `looked`. addresses: how many known addresses it matches."""

    kind: str
    pattern: str
    read: str
    seen: int
    looked: int
    addresses: int
    examples: tuple[str, ...]


def group_addresses(paths: Iterable[str]) -> list[Group]:
    """Addresses sorted by make, the largest group first."""
    buckets: dict[tuple[str, ...], list[tuple[list[str], list[tuple[str, str]], str]]] = defaultdict(list)
    for path in list(dict.fromkeys(paths))[:MOST_ADDRESSES]:
        base, _, query = path.partition("?")
        parts = base.split("/")[1:]
        pairs = [(name, value) for name, _, value in (item.partition("=") for item in query.split("&"))]
        pairs = pairs if "?" in path else []
        # The first word of an address is nearly always the sort of page; a number or a name is not.
        head = parts[0] if not _is_name(parts[0]) and len(parts) > 1 else "" if len(parts) == 1 else "*"
        tail = parts[-1] if len(parts) > 2 and not _is_name(parts[-1]) else ""
        names = tuple(name for name, _ in pairs)
        single = parts[0] if len(parts) == 1 and not _is_name(parts[0]) else ""
        buckets[str(len(parts)), head, single, tail, *names].append((parts, pairs, path))
    # A tail that differs with every address was a name after all.
    merged: dict[tuple[str, ...], list[tuple[list[str], list[tuple[str, str]], str]]] = defaultdict(list)
    for key, rows in buckets.items():
        brothers = [k for k in buckets if k[:3] == key[:3] and k[4:] == key[4:] and k[3]]
        few = key[3] and sum(len(buckets[k]) for k in brothers) < 2 * len(brothers)
        merged[(*key[:3], "" if few else key[3], *key[4:])].extend(rows)
    groups = [_make_group(rows) for rows in merged.values()]
    return sorted(groups, key=lambda group: (-len(group.paths), group.pattern))


def suggest_kinds(
    paths: Iterable[str], read_as: Mapping[str, str], *, known: Iterable[re.Pattern[str]] = ()
) -> list[Suggestion]:
    """Proposals for the addresses that no pattern in `known` matches. `read_as`: what the reader took a path for."""
    patterns = list(known)
    open_paths = [path for path in paths if not any(pattern.search(path) for pattern in patterns)]
    found: dict[str, Suggestion] = {}
    for group in group_addresses(open_paths):
        kinds = Counter(read_as[path] for path in group.paths if path in read_as)
        kind, seen = kinds.most_common(1)[0] if kinds else ("", 0)
        read = kind
        if kind in ("search", "other", "home"):
            kind = next((name for name, words in _WORDS.items() if words.match(group.paths[0])), kind)
        pattern = group.pattern
        if kind in KEYED and group.key_at:
            pattern = pattern.replace(group.key_at, f"(?P<key>{group.key_at.strip('()')})", 1)
        elif kind in ("search", "seller") and r"\?" not in pattern:
            pattern = pattern[:-1] + _PAGED
        shown = kind if kind in SUGGESTED else ""
        made = Suggestion(
            shown, pattern, read, seen, kinds.total(), len(group.paths), group.paths[:_MOST_EXAMPLES]
        )
        found[pattern] = made
    lists = [re.compile(pattern) for pattern in found if pattern.endswith(_PAGED)]
    return [
        suggestion
        for pattern, suggestion in found.items()
        if pattern.endswith(_PAGED)
        or not any(all(known.search(path) for path in suggestion.examples) for known in lists)
    ]


def _make_group(rows: Sequence[tuple[list[str], list[tuple[str, str]], str]]) -> Group:
    key_at = ""
    pieces = []
    for column in zip(*(parts for parts, _, _ in rows), strict=True):
        piece = _piece(column)
        if piece != re.escape(column[0]) and (not key_at or _DIGITS.fullmatch(column[0])):
            key_at = piece
        pieces.append(piece)
    pattern = "^/" + "/".join(pieces)
    names = [name for name, _ in rows[0][1]]
    queries = []
    for number, name in enumerate(names):
        piece = _piece([pairs[number][1] for _, pairs, _ in rows])
        if not key_at and re.search(r"id$|^(p|t|tid|no|item|view)$", name) and piece == r"\d+":
            key_at = piece
        bare = all(f"{name}=" not in path for _, _, path in rows)
        queries.append(re.escape(name) + ("" if bare else f"={piece}"))
    if names:
        pattern += r"\?" + "&".join(queries)
    return Group(pattern + "$", tuple(path for _, _, path in rows), key_at)


def _piece(values: Sequence[str]) -> str:
    """What matches all of these and looks like them."""
    if all(_DIGITS.fullmatch(value) for value in values):
        return r"\d+"
    if len(set(values)) == 1 and not _is_name(values[0]):
        return re.escape(values[0])
    if all(_HEX.fullmatch(value) for value in values):
        return "[0-9a-f-]+"
    if all(_WORD.fullmatch(value) for value in values):
        return r"[\w.%+-]+" if any(set(value) & set(".%+") for value in values) else r"[\w-]+"
    return "[^/?&]*"


def _is_name(part: str) -> bool:
    """Does this part of an address name one thing of many (a number, a hash, a title in dashes)?"""
    return bool(_DIGITS.search(part) or len(part) > 24 or part.count("-") + part.count("_") >= _FEW - 1)
