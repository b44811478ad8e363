"""A captcha in words, whose answer the lab knows: Challenge, make_challenge.

A person can read it. No program of this project does: the crawler calls a person, and the scripted person of the tests
asks the lab's truth.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

_WORDS = (
    "acorn", "barrel", "candle", "drawer", "engine", "feather", "garden", "hammer", "island", "jacket", "kettle",
    "ladder", "mirror", "needle", "orchard", "pencil", "quarry", "ribbon", "saddle", "tunnel", "umbrella", "velvet",
    "window", "yellow", "zipper",
)  # fmt: skip
_PLACES = ("first", "second", "third", "fourth", "fifth", "sixth")


@dataclass(frozen=True)
class Challenge:
    """What is shown, and what must be typed."""

    name: str
    words: tuple[str, ...]
    place: str
    answer: str


def make_challenge(secret: str, name: str) -> Challenge:
    """The challenge of that name; the same for the same secret."""
    rng = random.Random(f"{secret}/{name}")
    words = tuple(rng.sample(_WORDS, k=len(_PLACES)))
    number = rng.randrange(len(_PLACES))
    return Challenge(name, words, _PLACES[number], words[number])
