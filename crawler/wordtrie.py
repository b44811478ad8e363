"""A regular expression for many words at once, which takes the longest and looks at each letter of a text about once.

Public names: make_pattern, fold_case.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any


def make_pattern(words: Iterable[str]) -> re.Pattern[str]:
    """Matches each of the words as it is written; alternatives that share a beginning are tried once."""
    root: dict[str, Any] = {}
    for word in words:
        node = root
        for char in word:
            node = node.setdefault(char, {})
        node[""] = {}
    return re.compile(_write(root))


def fold_case(text: str) -> str:
    """Lower case of the same length: places stay what they are."""
    lower = text.lower()
    if len(lower) == len(text):
        return lower
    return "".join(char.lower() if len(char.lower()) == 1 else char for char in text)


def _write(node: dict[str, Any]) -> str:
    branches = [re.escape(char) + _write(below) for char, below in node.items() if char]
    if not branches:
        return ""
    if "" not in node and len(branches) == 1:
        return branches[0]
    return f"(?:{'|'.join(branches)})" + ("?" if "" in node else "")
