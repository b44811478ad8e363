"""Words that turn a term round: "not resin", "kein Elfenbein", "不是象牙", "レプリカではありません".

Public names: mark_denied, DENIABLE.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from classifier.terms import Hit
from storage.tables import GROUPS

DENIABLE = frozenset({"cue:replica", "cue:substitute", "cue:legal", "cue:other_wildlife"})
"""Cues whose denial says something: "not resin", "no certificate"."""

_WINDOW = 18
_BEFORE = re.compile(
    r"(?:(?<!\w)(?:not|no|isn.?t|isnt|aint|ain.?t|never|without|w/o|nothing|none of|khong|khong phai|chang|bukan|tidak|tanpa|"
    r"kein|keine|keinen|kein echtes|nicht|ohne|pas|pas de|sans|aucun|aucune|ni|sin|ningun|ningun|ninguna|nao|sem|non|"
    r"senza|niente|nessun|не|без|нет|ни|nie|bez|brak|geen|niet|zonder|neni|ليس|ليست|بدون|مو|مش|غير|بلا|si|sio|hakuna|"
    r"ไม่ใช่|ไม่มี|ไม่|บไม่|ບໍ່ແມ່ນ|ບໍ່ມີ|គ្មាន|មិនមែន|मत|बिना)\W{0,3}"
    r"(?:(?<!\w)(?:a|an|any|the|real|of|from|in|made of|some|d|de|phai|hang|ein|eine|echte?s?|un|una|uma)\W{1,2}){0,2}"
    r"|(?:不是|非|没有|不含|无|并非|没|別|不)|(?:ไม่ใช่|ไม่มี|ไม่|ບໍ່ແມ່ນ|ບໍ່ມີ|គ្មាន|មិនមែន))$"
)
_AFTER = re.compile(
    r"\s?\S{0,2}?(?:ではありません|ではない|ではなく|じゃない|なし|아닙니다|아님|아니|없음|없|değil|degil|नहीं)"
)


def mark_denied(text: str, hits: Sequence[Hit]) -> list[Hit]:
    """The hits with the roles of denied ones changed: a denied cue to "cue:denied", denied goods to "<group>:denied"."""
    return [_mark(text, hit) for hit in hits]


def _mark(text: str, hit: Hit) -> Hit:
    group = hit.role.split(":")[0]
    if hit.role not in DENIABLE and group not in GROUPS:
        return hit
    denied = _BEFORE.search(text[max(0, hit.start - _WINDOW) : hit.start]) or _AFTER.match(
        text[hit.end : hit.end + 10]
    )
    if not denied:
        return hit
    return replace(hit, role="cue:denied" if hit.role in DENIABLE else f"{group}:denied")
