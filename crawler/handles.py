"""Handles of messengers in a text: by their links, by their own shape, or after a word that announces them.

Public names: find_handles, CueIndex.

Nothing proves a handle (only a Tox id has a checksum), so each "looks like" one. A name counts only where the text
says what it is a name of, and where it cannot as well be the next word of a sentence: a sign before it (":" or "@"), a
figure or an underscore in it, or the end of the line after it.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from crawler.contact import Contact
from crawler.cues import CUES, FILLERS, JOINERS, NOT_HANDLES
from crawler.glued import cut_glued
from crawler.wordtrie import fold_case, make_pattern

_MOST = 300
_BEFORE = 30
_END = r"(?![\w@])"
_LINKS = (
    ("telegram", r"(?:t(?:elegram)?\.(?:me|dog)/(?:s/)?|telegram\.org/|tg://resolve\?domain=)(?P<v>[A-Za-z]\w{3,31})(?![\w/])"),
    ("telegram", r"(?:t(?:elegram)?\.(?:me|dog)/(?:joinchat/|\+)|tg://join\?invite=)(?P<v>[A-Za-z0-9_-]{10,40})(?![\w-])"),
    ("whatsapp", r"(?:wa\.me/|api\.whatsapp\.com/send/?\?phone=)\+?(?P<v>\d{8,15})(?!\d)"),
    ("signal", r"signal\.me/#p/(?P<v>\+\d{8,15})(?!\d)"),
    ("signal", r"signal\.me/#eu/(?P<v>[A-Za-z0-9_-]{20,100})"),
    ("zalo", r"zalo\.me/(?:g/)?(?P<v>[A-Za-z0-9]{5,32})(?!\w)"),
    ("threema", r"threema\.id/(?P<v>[A-Za-z0-9*][A-Za-z0-9]{7})(?!\w)"),
    ("icq", r"icq\.(?:im|com/people)/(?P<v>[A-Za-z0-9_]{5,32})(?!\w)"),
    ("element", r"(?:matrix\.to/#/)?(?P<v>@[a-z0-9._=/+-]{1,60}:[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){0,3}\.[a-z]{2,24})(?!\w)"),
    ("jabber", r"xmpp:(?P<v>[\w.+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,4}[A-Za-z]{2,24})(?!\w)"),
)  # fmt: skip
_LINK = tuple(
    (kind, re.compile(rf"(?<![\w.-]){pattern}", re.IGNORECASE | re.ASCII)) for kind, pattern in _LINKS
)
_LINK_HINT = re.compile(r"\.(?:me|dog|id|im|org|com)/|tg:|xmpp:|@[^@\s]{1,60}:")
_LONG = re.compile(r"[0-9A-Fa-f]{66}")
_SESSION = re.compile(r"(?<![0-9A-Za-z])(05[0-9a-fA-F]{64})(?![0-9A-Za-z])")
_TOX = re.compile(r"(?<![0-9A-Za-z])([0-9A-Fa-f]{76})(?![0-9A-Za-z])")
_NAMES = {
    "telegram": re.compile(rf"[A-Za-z]\w{{3,31}}{_END}(?!\.[a-z])", re.ASCII),
    "wickr": re.compile(rf"[A-Za-z0-9](?:[\w-]|\.(?!\.)){{2,30}}\w{_END}", re.ASCII),
    "wechat": re.compile(rf"[A-Za-z][\w-]{{5,19}}{_END}", re.ASCII),
    "signal": re.compile(rf"[A-Za-z_]\w{{2,31}}(?:\.\d{{2,9}})?{_END}", re.ASCII),
    "threema": re.compile(rf"[A-Za-z0-9*][A-Za-z0-9]{{7}}{_END}", re.ASCII),
    "kik": re.compile(rf"[A-Za-z0-9](?:\w|\.(?!\.)){{2,18}}\w{_END}", re.ASCII),
    "zalo": re.compile(r"(?!)"),
    "icq": re.compile(rf"[1-9]\d{{0,2}}(?:-?\d{{2,3}}){{1,3}}{_END}", re.ASCII),
    "qq": re.compile(rf"[1-9]\d{{4,10}}{_END}", re.ASCII),
}
_PHONE = re.compile(r"\+?\(?\d[\d \u00a0().-]{6,24}\d(?![\w@])", re.ASCII)
_CASELESS = frozenset(["telegram", "wickr", "wechat", "signal", "zalo", "icq", "kik", "jabber", "element"])
"""Kinds whose names mean the same in upper and lower case."""
_PHONED = {"whatsapp", "signal", "zalo", "viber", "wechat", "telegram"}
_SIGN = re.compile(r"[\s:=\-–—>→⇒➡|/()\[\]{}【】「」《》«»\"'“”‘’.,•·*~❤;#&?!…]{0,40}@?\s?")
_STRONG = re.compile(r"[:=@→⇒➡【「《]|->|=>")
_WORD = re.compile(r"[^\W\d_]+", re.UNICODE)
_FILLER = re.compile(
    "|".join(
        # Chinese, Thai and others set no spaces between words.
        re.escape(word) + (r"(?![^\W_])" if ord(word[-1]) < 0xE00 else "")
        for word in sorted(FILLERS, key=len, reverse=True)
    )
)
_WEAK = frozenset(
    ["wa", "whats", "zap", "proton", "posta", "mail", "tele", "element", "matrix", "signal", "session"]
)


_KINDS = {word: kind for kind, words in CUES.items() for word in words}
_CUE = make_pattern(_KINDS)


@dataclass(frozen=True)
class _Cue:
    word: str
    kind: str
    start: int
    end: int


class CueIndex:
    """All words of a text that announce a contact, with their places."""

    def __init__(self, text: str) -> None:
        self.folded = fold_case(text)
        self.cues = list(_find_cues(text, self.folded))
        self._ends = [cue.end for cue in self.cues]

    def kind_before(self, place: int) -> str:
        """The kind announced last in the 30 characters before a place, "" when none is."""
        index = bisect_right(self._ends, place) - 1
        if index < 0 or place - self._ends[index] > _BEFORE:
            return ""
        return self.cues[index].kind


def _find_cues(text: str, folded: str) -> Iterator[_Cue]:
    place = 0
    while (match := _CUE.search(folded, place)) is not None:
        cue = _check(text, folded, match)
        # Inside what is none there may be one: "example mail" holds "e mail", and in it "mail".
        place = match.start() + 1 if cue is None else match.end()
        if cue is not None:
            yield cue


def _check(text: str, folded: str, match: re.Match[str]) -> _Cue | None:
    """A cue in an alphabet of words stands alone: "tg" in "length" is none. Chinese, Thai and others set no spaces."""
    word, (start, end) = match[0], match.span()
    if ord(word[0]) < 0xE00 and start and (folded[start - 1].isalnum() and ord(folded[start - 1]) < 0xE00):
        # Lines that lost their ends run together: "pier25WICKR", "mail.comIcq".
        before, first = text[start - 1], text[start]
        if len(word) < 3 or not first.isupper() or not (before.islower() or before.isdigit()):
            return None
    if ord(word[-1]) < 0xE00 and end < len(folded) and (folded[end].isalpha() and ord(folded[end]) < 0xE00):
        return None
    return _Cue(word, _KINDS[word], start, end)


def find_handles(text: str, index: CueIndex) -> Iterator[Contact]:
    """Handles by link and shape, then those after a cue."""
    for kind, pattern in _LINK if _LINK_HINT.search(index.folded) else ():
        for count, match in enumerate(pattern.finditer(text)):
            if count >= _MOST:
                break
            if kind == "telegram" and match["v"].lower() in _LINK_WORDS:
                continue
            # An invitation is a secret in which upper and lower case differ.
            invited = kind == "telegram" and "joinchat" in pattern.pattern
            value = f"joinchat/{match['v']}" if invited else _write(kind, match["v"])
            yield Contact(kind, value, False, *match.span("v"), {"link": True})
    if _LONG.search(text):
        for match in _SESSION.finditer(text):
            yield Contact("session", match[1].lower(), False, *match.span(1))
        for match in _TOX.finditer(text):
            yield Contact("tox", match[1].upper(), _is_tox(match[1]), *match.span(1))
    for cue in index.cues[: 10 * _MOST]:
        yield from _read_after(text, index.folded, cue)


_LINK_WORDS = frozenset(["joinchat", "share", "addstickers", "proxy", "socks", "login", "iv", "setlanguage"])


def _read_after(text: str, folded: str, cue: _Cue) -> Iterator[Contact]:
    if (cue.kind not in _NAMES and cue.kind not in _PHONED) or text.startswith("://", cue.end):
        return
    place, strong, filled = cue.end, False, False
    for _ in range(6):
        sign = _SIGN.match(text, place)
        if sign is not None:
            if sign[0].count("\n") > 1:
                return
            strong = strong or _STRONG.search(sign[0]) is not None
            place = sign.end()
        filler = _FILLER.match(folded, place) or _match_cue(text, folded, place)
        if filler is None:
            break
        filled, place = True, filler.end()
    found = _read_one(text, cue, place, strong=strong, filled=filled)
    if found is None:
        return
    yield found
    # "telegram: @one / @two"
    for _ in range(5):
        more = _MORE.match(text, found.end)
        if more is None or cue.kind != "telegram":
            return
        found = Contact(cue.kind, more["v"].lower(), False, *more.span("v"))
        yield found


def _match_cue(text: str, folded: str, place: int) -> re.Match[str] | None:
    """Another cue at this place ("telegram / wickr: name"), unless a name begins with its letters."""
    match = _CUE.match(folded, place)
    if (
        match is None
        or _check(text, folded, match) is None
        or re.match(r"[0-9_]", folded[match.end() : match.end() + 1])
    ):
        return None
    return match


_PLAIN_NAME = re.compile(r"[A-Za-z_]+[0-9]+|[A-Za-z0-9]+_[A-Za-z0-9_]+")
_MORE = re.compile(
    r"[\s,/|&+]{0,4}(?:or|and|и|или|y|o|et|ou|und|oder|和|或)?\s{0,2}@(?P<v>[A-Za-z]\w{3,31})(?![\w@])",
    re.ASCII,
)


def _read_one(text: str, cue: _Cue, place: int, *, strong: bool, filled: bool) -> Contact | None:
    if cue.kind in _PHONED and (phone := _PHONE.match(text, place)) is not None:
        return _judge_phone(cue, phone, strong=strong)
    pattern = _NAMES.get(cue.kind)
    if cue.kind == "threema" and text[place - 1] == "*":
        place -= 1  # the star of a company's id, not a sign before it
    match = None if pattern is None else pattern.match(text, place)
    if match is None or text.startswith("://", match.end()):
        return None
    name = cut_glued(match[0].rstrip(".-"), text[match.end() : match.end() + 30])
    signed = place > 0 and text[place - 1] == "@"
    marked = any(char.isdigit() or char == "_" for char in name)
    if name.lower() in NOT_HANDLES or _KINDS.get(name.lower()) or len(name) < 4:
        return None
    end = place + len(name)
    if cue.kind in ("icq", "qq"):
        digits = name.replace("-", "")
        if 5 <= len(digits) <= 11 and (strong or filled or len(digits) >= 6):
            return Contact(cue.kind, digits, False, place, end)
        return None
    if cue.kind == "threema":
        if not (name == name.upper() or (marked and strong)):
            return None
        return Contact("threema", name.upper(), False, place, end) if marked or strong else None
    written = _write(cue.kind, name)
    if cue.kind == "signal" and not (
        signed or "." in name or (strong and (marked or _stands_alone(text, end)))
    ):
        return None
    alone = _stands_alone(text, end)
    if marked and not strong:
        # Leet in a sentence has figures, too: only a usual shape needs no sign before it.
        marked = name[0].isalpha() and (alone or _PLAIN_NAME.fullmatch(name) is not None)
    if signed or marked or (alone and (strong or not cue.word.isascii())):
        return Contact(cue.kind, written, False, place, end)
    return None


def _stands_alone(text: str, end: int) -> bool:
    """Whether no sentence goes on after a name: the line ends, a sign follows, or a word that joins two contacts."""
    rest = text[end : end + 30]
    stripped = rest.lstrip(" \t")
    if not stripped or stripped[0] in "\r\n" or not (stripped[0].isalpha() or stripped[0].isdigit()):
        return True
    if ord(stripped[0]) >= 0xE00:
        return True
    word = _WORD.match(stripped)
    if word is None:
        return False
    folded = word[0].lower()
    return folded in JOINERS or folded in _KINDS


def _judge_phone(cue: _Cue, match: re.Match[str], *, strong: bool) -> Contact | None:
    digits = "".join(char for char in match[0] if char.isdigit())
    plus = match[0].startswith("+")
    if not 8 <= len(digits) <= 15:
        return None
    if cue.kind == "telegram" and not plus:
        return None
    if cue.kind == "wechat" and not plus and not (len(digits) == 11 and digits[0] == "1"):
        return None
    if not plus and (len(digits) < 9 or (cue.word in _WEAK and not strong)):
        return None
    return Contact(
        cue.kind, ("+" if plus else "") + digits, False, match.start(), match.end(), {"phone": True}
    )


def _write(kind: str, value: str) -> str:
    if kind == "threema":
        return value.upper()
    if kind == "whatsapp":
        return "+" + value
    return value.lower() if kind in _CASELESS else value


def _is_tox(text: str) -> bool:
    """The last two bytes are all even and all odd ones before them, added without carry."""
    raw = bytes.fromhex(text)
    even = odd = 0
    for index in range(0, 36, 2):
        even ^= raw[index]
        odd ^= raw[index + 1]
    return (even, odd) == (raw[36], raw[37])
