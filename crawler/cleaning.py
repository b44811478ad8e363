"""Text as a person sees it: unseen characters gone, white space folded.

Public names: clean_line, clean_text.
"""

from __future__ import annotations

import re

# Unseen characters that split words. The joiners U+200C and U+200D mean something in emoji and in Persian or Indic
# writing, so they go only between letters of alphabets that never use them.
_UNSEEN = re.compile(
    "[\u200b\u2060\ufeff\u00ad\u180e]|(?<=[A-Za-z\u0370-\u04ff])[\u200c\u200d](?=[A-Za-z\u0370-\u04ff])"
)
_SPACES = re.compile(r"[^\S\n]+")
_CONTROLS = dict.fromkeys([*range(9), 11, 12, *range(14, 32), 127])


def clean_line(text: str) -> str:
    """One line: unseen characters gone, white space folded."""
    text = " ".join(text.split())
    if not text.isprintable():
        text = " ".join(text.translate(_CONTROLS).split())
    return text if text.isascii() else _UNSEEN.sub("", text).strip()


def clean_text(text: str) -> str:
    """Several lines: unseen characters gone, spaces folded, at most one empty line in a row."""
    text = _UNSEEN.sub("", text.replace("\r\n", "\n").replace("\r", "\n").translate(_CONTROLS))
    text = "\n".join(line.strip() for line in _SPACES.sub(" ", text).split("\n"))
    return re.sub(r"\n{3,}", "\n\n", text).strip()
