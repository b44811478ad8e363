"""Mail addresses and Jabber names in a text, plain ones and those written so that a machine should not see them.

Public names: find_mails.

Nothing proves a mail address: none is valid, all look like one. "name [at] mail [dot] com" is taken as it stands; "name at
mail dot com" and "name @ mail . com" only after a word that announces an address, because running text is full of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from crawler.contact import Contact

_MOST = 200
_LOCAL = r"(?P<local>[A-Za-z0-9][\w.+-]{0,63})"
_PLAIN = re.compile(
    rf"(?<![\w.+-]){_LOCAL}@(?P<domain>(?:[A-Za-z0-9-]{{1,63}}\.){{1,4}}[A-Za-z]{{2,24}})(?![\w-])", re.ASCII
)
_AT = r"(?:at|@|a|ät|arroba|собака|собачка|arobase|chiocciola|małpa|艾特)"
_DOT = r"(?:dot|\.|d|punkt|punto|point|ponto|точка|kropka|nokta|点|點)"
_WORD_AT = r"(?:at|@|ät|arroba|собака|собачка|arobase|chiocciola|małpa|艾特)"
_WORD_DOT = r"(?:dot|\.|punkt|punto|point|ponto|точка|kropka|nokta|点|點)"
_HOST = r"[A-Za-z0-9][A-Za-z0-9-]{0,62}"
_BRACKETED = re.compile(
    rf"(?<![\w.+-]){_LOCAL}\s{{0,3}}[\[({{<*_]{{1,2}}\s{{0,2}}{_AT}\s{{0,2}}[\])}}>*_]{{1,2}}\s{{0,3}}"
    rf"(?P<domain>{_HOST}(?:(?:\s{{0,3}}[\[({{<*_]{{1,2}}\s{{0,2}}{_DOT}\s{{0,2}}[\])}}>*_]{{1,2}}\s{{0,3}}|\s{{1,3}}{_WORD_DOT}\s{{1,3}}|\.){_HOST}){{1,4}})"
    r"(?![\w-])",
    re.IGNORECASE,
)
_HALF = re.compile(
    rf"(?<![\w.+-]){_LOCAL}@(?P<domain>{_HOST}(?:\s{{0,3}}[\[({{<*_]{{1,2}}\s{{0,2}}{_DOT}\s{{0,2}}[\])}}>*_]{{1,2}}\s{{0,3}}{_HOST}){{1,4}})(?![\w-])",
    re.IGNORECASE,
)
_SPOKEN = re.compile(
    rf"(?<![\w.+-]){_LOCAL}\s{{1,3}}{_WORD_AT}\s{{1,3}}(?P<domain>{_HOST}(?:(?:\s{{1,3}}{_WORD_DOT}\s{{1,3}}|\s{{0,2}}\.\s{{0,2}}){_HOST}){{1,3}})(?![\w-])",
    re.IGNORECASE,
)
_SEPARATED = re.compile(
    rf"\s*[\[({{<*_]{{1,2}}\s*{_DOT}\s*[\])}}>*_]{{1,2}}\s*|\s+{_WORD_DOT}\s+|\s*\.\s*", re.IGNORECASE
)
_HIDDEN = re.compile(rf"[\[({{<*_]\s{{0,2}}(?:{_AT}|{_DOT})\s{{0,2}}[\])}}>*_]", re.IGNORECASE)
_SPACED = re.compile(rf"\s{_WORD_AT}\s.{{1,100}}(?:\s{_WORD_DOT}\s|\.)", re.IGNORECASE)
_PROVIDER = re.compile(
    r"(?:(?:protonmail|gmail|googlemail|yahoo|hotmail|outlook|aol|icloud|gmx|tutanota|tuta|safe-mail|hushmail|zoho|yandex|"
    r"countermail|elude|cock|airmail|secmail|torbox|mail2tor|onionmail|ctemplar|disroot|riseup|mailfence|startmail|tutamail|keemail)"
    r"\.(?:com|net|org|in|io|me|ch|ru|de|li|is|us|info)|proton\.me|pm\.me|tuta\.io|yahoo\.co\.uk)(?=(?-i:[A-Z])|[a-z]{3})",
    re.IGNORECASE,
)
_CASED = re.compile(r"(com|net|org|info|biz|io|me|ch|li|de|ru|su|cc|co|is|im|pm|us|uk|eu|in|onion)(?=[A-Z])")
_TOP = re.compile(r"[a-z]{2,24}")


def find_mails(text: str, cue_before: Callable[[int], str]) -> Iterator[Contact]:
    """Addresses of kind email, or jabber where `cue_before(place)` (the kind last announced before a place) says so."""
    spans: list[tuple[int, int]] = []
    for pattern, needs_cue in _find_patterns(text):
        for count, match in enumerate(pattern.finditer(text)):
            if count >= _MOST:
                break
            start, end = match.span()
            if any(begin < end and start < stop for begin, stop in spans):
                continue
            cue = cue_before(start)
            if needs_cue and cue not in ("email", "jabber"):
                continue
            value = _join(match["local"], match["domain"])
            if value:
                spans.append((start, end))
                yield Contact("jabber" if cue == "jabber" else "email", value, False, start, end)


def _find_patterns(text: str) -> Iterator[tuple[re.Pattern[str], bool]]:
    """The patterns that can match at all (they are dear), and whether each needs a cue."""
    hidden = _HIDDEN.search(text) is not None
    if "@" in text:
        yield _PLAIN, False
    if hidden:
        if "@" in text:
            yield _HALF, False
        yield _BRACKETED, False
    if hidden or _SPACED.search(text):
        yield _SPOKEN, True


def _cut_glued(domain: str) -> str:
    """A domain without the word that ran into it when a line lost its end ("gmail.comOrder"); "" when that is unsure."""
    provider = _PROVIDER.match(domain)
    if provider is not None:
        return provider[0]
    top = domain.rpartition(".")[2]
    if top in (top.lower(), top.upper(), top.capitalize()) and (
        len(top) <= 6 or not top.lower().startswith(("com", "net", "org"))
    ):
        return domain
    end = _CASED.match(top)
    return domain[: len(domain) - len(top)] + end[1] if end is not None else ""


def _join(local: str, domain: str) -> str:
    hosts = _cut_glued(_SEPARATED.sub(".", domain)).lower().split(".")
    if (
        not all(hosts)
        or _TOP.fullmatch(hosts[-1]) is None
        or any(host[0] == "-" or host[-1] == "-" for host in hosts)
    ):
        return ""
    # No address has two dots in a row: what stands before them is a leader of dots.
    local = local.rpartition("..")[2].strip(".+-").lower()
    return f"{local}@{'.'.join(hosts)}" if local else ""
