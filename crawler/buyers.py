"""Buyers' names: which of them the site has masked, and the mask for those that it has not.

Public names: is_masked, find_mask, mask_buyer.
"""

from __future__ import annotations

import re
from functools import lru_cache

from crawler.labels import fold_label
from crawler.ratingwords import NOBODY

_MASK = re.compile(
    r"(?P<a>[^\s*•.…·:;,()\[\]]?)(?P<stars>[*•…·]{1,12}|\.{2,12}|(?:\s?[*.•]\s?){2,12}|x{3,})(?P<b>[^\s*•.…·:;,()\[\]]?)"
)
_MAY_BE = re.compile(r"[*＊•.…·]|xxx")
_AFTER = re.compile(r"\s*[(\[{]\s*[\d.,%/ +-]{1,16}\s*[)\]}]\s*$")
_KEPT = re.compile(r"\w[*＊]{2,12}\w?|[*＊]{2,12}\w|\w…\w?")
_MASKED_LONG = re.compile(r"[^\s*＊•]{0,3}[*＊•]{2,12}[^\s*＊•]{0,3}")


def is_masked(text: str) -> bool:
    """ "a***z", "T . . . p", "k•••7 [3]": a name of which little is left?"""
    return 2 <= len(text) <= 40 and find_mask(text) is not None


@lru_cache(maxsize=8192)
def find_mask(text: str) -> str | None:
    """The masked name that a text is, without what is said beside it; None for any other text."""
    if _MAY_BE.search(text) is None:
        return None
    bare = _AFTER.sub("", text.strip()).strip()
    bare = bare.removeprefix("by ").removeprefix("from ").strip()
    if _MASKED_LONG.fullmatch(bare) and any(map(str.isalnum, bare)):
        return bare
    match = _MASK.fullmatch(bare)
    if match is None or not any(map(str.isalnum, match["a"] + match["b"])):
        return None
    if "." in match["stars"] or "x" in match["stars"] or "…" in match["stars"]:
        return bare if match["a"] and match["b"] else None
    return bare if len(match["stars"]) > 1 else None


def mask_buyer(name: str) -> str:
    """At most the first and the last character of a name: "a***z". "" for nobody."""
    name = _AFTER.sub("", name.strip()).strip(" :@")
    if _KEPT.fullmatch(name):
        return name  # the site's own mask, as it shows it
    if not name or fold_label(name) in NOBODY or not any(map(str.isalnum, name)):
        return ""
    last = name[-1] if len(name) > 2 and name[-1].isalnum() else ""
    return f"{name[0] if name[0].isalnum() else ''}***{last}"
