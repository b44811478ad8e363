"""Changed copies of training ads: disguised, goods exchanged or taken out, other text beside them. Training only.

Public names: Copy, make_copies, disguise, remove_goods, swap_goods.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from classifier.ads import Ad
from classifier.terms import TermKey, get_matcher
from classifier.tricks import TRICKS, Trick
from storage.tables import GROUPS
from text.normalise import normalise

_Terms = tuple[TermKey, ...]


@dataclass(frozen=True)
class Copy:
    """A text to train on. at: number of the ad it was made of; change: "" for the ad as it is."""

    at: int
    text: str
    labels: tuple[str, ...]
    kind: str
    change: str


def make_copies(ads: Sequence[Ad], terms: _Terms, *, seed: int) -> list[Copy]:
    """Every ad as it is, then the changed copies. Deterministic for a seed; a copy depends on its ad and the ads of its
    batch alone, so that a batch that is held back leaves nothing of its own in other ads' copies."""
    copies = [Copy(at, ad.joined, ad.labels, ad.kind, "") for at, ad in enumerate(ads)]
    pools = _find_pools(ads, terms)
    beside: defaultdict[str, list[Ad]] = defaultdict(list)
    for ad in ads:
        if ad.kind in ("everyday", "decoy"):
            beside[ad.batch].append(ad)
    for at, ad in enumerate(ads):
        rng = random.Random(f"{seed}:{ad.id}")  # noqa: S311  # for variety, not for secrets
        if ad.labels:
            copies.append(Copy(at, disguise(ad.joined, terms, rng), ad.labels, ad.kind, "disguise"))
            rest = remove_goods(ad.joined, terms)
            if rest != normalise(ad.joined).text:
                copies.append(Copy(at, rest, (), "everyday", "removed"))
            if beside[ad.batch]:
                text = f"{ad.joined}\n{rng.choice(beside[ad.batch]).text}"
                copies.append(Copy(at, text, ad.labels, ad.kind, "beside"))
        elif rng.random() < 0.3:
            # hidden words are no sign of an offer by themselves
            copies.append(Copy(at, disguise(ad.joined, terms, rng), (), ad.kind, "disguise"))
        swapped = swap_goods(ad, terms, pools, rng)
        if swapped is not None:
            copies.append(Copy(at, swapped[0], swapped[1], ad.kind, "swapped"))
    return copies


def disguise(text: str, terms: _Terms, rng: random.Random, trick: Trick | None = None) -> str:
    """The names of the goods hidden by this trick, or each by one of TRICKS at random."""
    folded = normalise(text)
    out: list[str] = []
    at = 0
    for hit in get_matcher(terms).find(folded.text):
        start, end = folded.span(hit.start, hit.end)
        if hit.role.split(":")[0] not in GROUPS or start < at:
            continue
        hide = trick or TRICKS[rng.choice(sorted(TRICKS))]
        out += (text[at:start], hide(text[start:end], rng))
        at = end
    return "".join([*out, text[at:]])


def remove_goods(text: str, terms: _Terms) -> str:
    """The text without any word of ours, which makes it a text that offers nothing: prices, weights and secrecy alone
    are no reason for a flag."""
    folded = normalise(text).text
    out: list[str] = []
    at = 0
    for hit in get_matcher(terms).find(folded):
        if hit.role.split(":")[0] in GROUPS:
            out.append(folded[at : max(hit.start, at)])
            at = max(hit.end, at)
    return "".join([*out, folded[at:]])


def swap_goods(
    ad: Ad, terms: _Terms, pools: dict[tuple[str, str], list[str]], rng: random.Random
) -> tuple[str, tuple[str, ...]] | None:
    """The ad with the goods of one group named as those of another, in the same language; None where that is not
    possible. So what is learned of wanted posts for horn also holds for tiger bone."""
    folded = normalise(ad.joined).text
    hits = [hit for hit in get_matcher(terms).find(folded) if hit.role.endswith(":strong")]
    groups = {hit.role.split(":")[0] for hit in hits}
    if len(groups) != 1 or len(ad.labels) > 1 or (ad.labels and set(ad.labels) != groups):
        return None
    old = next(iter(groups))
    choices = [group for group in GROUPS if group != old and pools.get((ad.language, group))]
    if not choices:
        return None
    new = rng.choice(choices)
    out: list[str] = []
    at = 0
    for hit in hits:
        if hit.start >= at:
            out += (folded[at : hit.start], rng.choice(pools[ad.language, new]))
            at = hit.end
    return "".join([*out, folded[at:]]), (new,) if ad.labels else ()


def _find_pools(ads: Sequence[Ad], terms: _Terms) -> dict[tuple[str, str], list[str]]:
    """Names of the goods that true offers use, by language and group; all of them are terms of the lexicon."""
    pools: dict[tuple[str, str], set[str]] = {}
    for ad in ads:
        if len(ad.labels) == 1:
            folded = normalise(ad.joined).text
            for hit in get_matcher(terms).find(folded):
                if hit.role == f"{ad.labels[0]}:strong":
                    pools.setdefault((ad.language, ad.labels[0]), set()).add(folded[hit.start : hit.end])
    return {key: sorted(found) for key, found in pools.items()}
