"""Names that another word ran into, where a page lost the end of a line: "pierman25Email", "pier77Overnight delivery".

Public names: cut_glued.
"""

from __future__ import annotations

import re

from crawler.cues import NOT_HANDLES

_CUE = re.compile(
    r"(?<=[a-z0-9])(?:OR|AND|Or|And)?(?:Kik|KIK|E-?mails?|E-?MAILS?|Whats|WHATS|Telegram|TELEGRAM|Wickr|WICKR|Signal|SIGNAL|Icq|ICQ|Skype|"
    r"SKYPE|Text|TEXT|Phone|PHONE|Proton|PROTON|Contact|CONTACT|Session|SESSION|Threema|THREEMA|Jabber|JABBER|Snapchat|SNAPCHAT)"
)
_LOWER_CUE = re.compile(r"(?<=[0-9])(?:kik|e?mail|whatsapp|telegram|wickr|snapchat|icq)$")
_LOWER_WORD = re.compile(r"(?<=[0-9])[a-z]{3,}$")
_JOINER = re.compile(r"(?<=[0-9])(?:or|and|OR|AND|Or|And)$")
_WORD = re.compile(r"[0-9][A-Z][a-z]+$|[a-z0-9][A-Z]{4,}$|[a-z0-9][A-Z][a-z]+_[a-z]+$")


def cut_glued(name: str, rest: str) -> str:
    """The name without what ran into it; "" when nobody can say where it ends. rest: what follows it in the text.

    The name of another messenger is cut off, so is "or" after a figure. A capitalised word after a figure may be part
    of a name; only where the line ends after it is it taken for that.
    """
    cue = _CUE.search(name) or _LOWER_CUE.search(name)
    if cue is not None and cue.start() >= 3:
        return name[: cue.start()]
    joiner = _JOINER.search(name)
    if joiner is not None and rest[:1].isspace():
        return name[: joiner.start()]
    line = rest.split("\n", 1)[0].strip(" \t\r.,;!")
    lower = _LOWER_WORD.search(name)
    if line and (_WORD.search(name) or (lower is not None and lower[0] in NOT_HANDLES)):
        return ""
    return name
