"""Changed copies of training ads: disguised, goods exchanged or taken out, other text beside them. Training only.

Public names: augment, disguise, remove_goods, swap_goods.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from classifier.ads import Ad
from classifier.terms import TermKey, get_matcher
from storage.tables import GROUPS
from text.normalise import normalise

_LOOKALIKES = {"a": "а", "e": "е", "o": "о", "c": "с", "p": "р", "x": "х", "i": "і", "y": "у"}
_LEET = {"i": "1", "o": "0", "e": "3", "a": "4"}
_Terms = tuple[TermKey, ...]


def augment(ads: Sequence[Ad], terms: _Terms, *, seed: int) -> tuple[list[str], list[tuple[str, ...]]]:
    """Texts and labels to train on: every ad as it is, then its changed copies. Deterministic for a seed."""
    rng = random.Random(seed)  # noqa: S311  # for variety, not for secrets
    texts = [ad.joined for ad in ads]
    labels = [ad.labels for ad in ads]
    pools = _find_pools(ads, terms)
    everyday = [ad for ad in ads if ad.kind == "everyday"]
    for ad in ads:
        if ad.labels:
            texts.append(disguise(ad.joined, terms, rng))
            labels.append(ad.labels)
            rest = remove_goods(ad.joined, terms)
            if rest != normalise(ad.joined).text:
                texts.append(rest)
                labels.append(())
            if everyday:
                texts.append(f"{ad.joined}\n{rng.choice(everyday).text}")
                labels.append(ad.labels)
        swapped = swap_goods(ad, terms, pools, rng)
        if swapped is not None:
            texts.append(swapped[0])
            labels.append(swapped[1])
    for _ in range(len(everyday)):
        texts.append("\n".join(ad.joined for ad in rng.sample(everyday, min(4, len(everyday)))))
        labels.append(())
    return texts, labels


def disguise(text: str, terms: _Terms, rng: random.Random) -> str:
    """The names of the goods written as sellers hide them: leet, letters of another alphabet, spaces, a lost letter."""
    folded = normalise(text)
    out: list[str] = []
    at = 0
    for hit in get_matcher(terms).find(folded.text):
        start, end = folded.span(hit.start, hit.end)
        if hit.role.split(":")[0] not in GROUPS or start < at:
            continue
        out += (text[at:start], _hide(text[start:end], rng))
        at = end
    return "".join([*out, text[at:]])


def _hide(word: str, rng: random.Random) -> str:
    trick = rng.randrange(5)
    if trick == 0:
        return "".join(_LEET.get(char, char) if rng.random() < 0.5 else char for char in word)
    if trick == 1:
        return "".join(_LOOKALIKES.get(char, char) if rng.random() < 0.5 else char for char in word)
    if trick == 2:
        return "  ".join(" ".join(part) for part in word.split())
    if trick == 3:
        return "\u200b".join(word)
    if len(word) < 5:
        return word
    cut = rng.randrange(1, len(word) - 1)
    return word[:cut] + word[cut + 1 :]


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
    """Names of the goods that true offers use, by language and group."""
    pools: dict[tuple[str, str], set[str]] = {}
    for ad in ads:
        if len(ad.labels) == 1:
            folded = normalise(ad.joined).text
            for hit in get_matcher(terms).find(folded):
                if hit.role == f"{ad.labels[0]}:strong":
                    pools.setdefault((ad.language, ad.labels[0]), set()).add(folded[hit.start : hit.end])
    return {key: sorted(found) for key, found in pools.items()}
