"""Invented seller names, as many as asked for: name_sellers."""

from __future__ import annotations

_FIRST = (
    "amber", "alpine", "arctic", "baltic", "basil", "blue", "brass", "calm", "candle", "cedar", "chrome", "cinder",
    "clever", "copper", "coral", "crisp", "dapper", "desert", "dusty", "early", "fable", "fern", "flint", "foggy",
    "gentle", "glass", "granite", "harbour", "hazel", "humble", "indigo", "jolly", "juniper", "lemon", "linen", "lucky",
    "lunar", "maple", "marble", "mellow",
)  # fmt: skip
_SECOND = (
    "alchemist", "baker", "barista", "broker", "chemist", "cobbler", "courier", "dentist", "doctor", "druid", "farmer",
    "ferryman", "gardener", "ghost", "grocer", "hermit", "joker", "kitchen", "librarian", "locksmith", "mailman",
    "mason", "merchant", "miller", "monk", "notary", "pharma", "pilot", "plumber", "post", "printer", "rabbit",
    "sailor", "smith", "tailor", "teacher", "tinker", "uncle", "walrus_", "wizard",
)  # fmt: skip

DECOY_SELLERS = ("IvoryQueen", "RhinoRX", "TigerUK")
"""Names that hold a telling word and mean nothing."""


def name_sellers(count: int, *, offset: int, extra: tuple[str, ...]) -> tuple[str, ...]:
    """`count` different names; `offset` makes those of one site differ from another's; `extra` come first."""
    names = [*DECOY_SELLERS, *extra]
    number = offset
    while len(names) < max(count, len(names)):
        number += 1
        first = _FIRST[number * 7 % len(_FIRST)]
        second = _SECOND[(number * 11 + number // len(_FIRST)) % len(_SECOND)].rstrip("_")
        style = number % 4
        round_ = number // (len(_FIRST) * len(_SECOND))
        name = (
            f"{first}_{second}",
            f"{first}{second}{number % 90 + 10}",
            f"{first.title()}{second.title()}",
            f"{second}-{first}",
        )[style]
        names.append(f"{name}{round_ or ''}")
    return tuple(dict.fromkeys(names))
