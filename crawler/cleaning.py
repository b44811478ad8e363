"""Text as a person sees it: unseen characters gone, white space folded.

Public names: clean_line, clean_text, has_digit.
"""

from __future__ import annotations

import re

# Unseen characters that split words. The joiners U+200C and U+200D mean something in emoji and in Persian or Indic
# writing, so they go only between letters of alphabets that never use them.
_UNSEEN = re.compile(
    "[\u200b\u2060\ufeff\u00ad\u180e]|(?<=[A-Za-z\u0370-\u04ff])[\u200c\u200d](?=[A-Za-z\u0370-\u04ff])"
)
_DIGIT = re.compile(r"\d")
_CONTROLS = dict.fromkeys([*range(9), 11, 12, *range(14, 32), 127])


def clean_line(text: str) -> str:
    """One line: unseen characters gone, white space folded."""
    if text.isprintable():  # neither controls nor unseen characters, and no white space but plain blanks
        return " ".join(text.split()) if "  " in text else text.strip()
    text = " ".join(text.split())
    if not text.isprintable():
        text = " ".join(text.translate(_CONTROLS).split())
    return text if text.isascii() else _UNSEEN.sub("", text).strip()


def clean_text(text: str) -> str:
    """Several lines: unseen characters gone, spaces folded, at most one empty line in a row."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    # what is printable holds neither controls nor unseen characters, and no white space but plain blanks
    if not text.replace("\n", "").isprintable():
        lines = text.split("\n")
        text = "\n".join([" ".join(_strip_unseen(line).split()) for line in lines])
    elif "  " in text or " \n" in text or "\n " in text:
        text = "\n".join([" ".join(line.split()) for line in text.split("\n")])
    while "\n\n\n" in text:
        text = text.replace("\n\n\n", "\n\n")
    return text.strip()


def _strip_unseen(text: str) -> str:
    if text.isprintable():
        return text
    text = text.translate(_CONTROLS)
    return text if text.isascii() else _UNSEEN.sub("", text)


def has_digit(text: str) -> bool:
    """Does a text hold a digit of any script?"""
    return _DIGIT.search(text) is not None
