"""Hostile markup made harmless for a parser: tags counted, nesting, attributes and open styles bounded.

Public names: tame, parse_bounded, SAFE_SIZE, MAX_DEPTH, MAX_TAGS.

HTML5's own rules make some small pages very dear: a parser's time grows with the square of the depth (200,000 deep took
lexbor 240 s), of the attributes of one tag (200,000 took 260 s), and of styles that are opened and never closed
(each is opened again in every later block). What this module gives has one meaning only: no comments, no raw text,
no more of each than the bounds.
"""

from __future__ import annotations

import re

from selectolax.lexbor import LexborHTMLParser

SAFE_SIZE = 30_000
"""Shorter pages, with fewer than 2,000 "<", cannot cost more than about a second and need no taming."""
MAX_DEPTH = 400
MAX_TAGS = 100_000
_MAX_OPEN_STYLES = 24
_MAX_BOXES = 300
"""Boxes without meaning stop earlier, so that what has one still finds room inside of them."""
_MAX_OPTIONS = 1_000  # lexbor's time grows with their square, too
_FIRST_OPTIONS = 100
_MAX_SELECTS = 40
"""A few options of a later choice are read even where lists of countries used up the others: ways of shipping are choices."""
_MAX_TAG = 1_500
_MAX_ATTRIBUTES = 40
_MAX_VALUE = 2_000

# Start tags exactly as the HTML standard's tokenizer reads them ("13.2.5 Tokenization"), all quantifiers possessive.
_ATTRIBUTE = r"""(?:=[^\s/>=]*+|[^\s/>=]++)(?:\s*+=\s*+(?:"[^"]*+"?+|'[^']*+'?+|[^\s>"'][^\s>]*+)?+)?+"""
_TOKEN = re.compile(
    rf"""<!--(?:-?>|.*?(?:--!?>|\Z))
    | </(?P<end>[a-zA-Z][^\s/>]*+)[^>]*+>?
    | <[!?/][^>]*+>?
    | <(?P<start>[a-zA-Z][^\s/>]*+)(?P<attributes>(?:[\s/]++|{_ATTRIBUTE})*+)(?P<close>>?)
    | <""",
    re.X | re.S,
)
_PAIR = re.compile(
    r"""(?P<name>[a-zA-Z][\w:.-]*+)\s*+=\s*+(?:"(?P<a>[^"]*+)"|'(?P<b>[^']*+)'|(?P<c>[^\s>"'][^\s>]*+))"""
    r"""|(?P<bare>[a-zA-Z][\w:.-]*+)|[^\s\w][^\s]*"""
)
_NAME = re.compile(r"[a-z][a-z0-9:-]{0,30}")
# Their end tags may be left out, or they have none: a second one closes the first, so they do not nest by themselves.
_LOOSE = frozenset(
    ["p", "li", "td", "th", "tr", "dt", "dd", "option", "optgroup", "thead", "tbody", "tfoot", "area", "base"]
).union(
    ["br", "col", "embed", "frame", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"],
    ["html", "head", "body"],
)
# "Formatting elements" of the standard, less <a>, of which a second one closes the first.
_STYLES = frozenset(
    ["b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u"]
)
_BOXES = frozenset(
    ["div", "span", "section", "article", "center", "main", "blockquote", "ins", "del", "label"]
)
_UNREAD = frozenset(["script", "style"])
_RAW = frozenset(["title", "textarea", "xmp", "iframe", "noembed", "noframes"])


def _small_tag(name: str, attributes: str) -> str:
    parts = [name]
    for count, pair in enumerate(_PAIR.finditer(attributes[:200_000])):
        if count >= _MAX_ATTRIBUTES:
            break
        if key := pair["name"]:
            value = (pair["a"] or pair["b"] or pair["c"] or "")[:_MAX_VALUE].replace('"', "&quot;")
            parts.append(f'{key}="{value}"')
        elif pair["bare"]:
            parts.append(pair["bare"])
    return f"<{' '.join(parts)}>"


class _Nesting:
    """Which elements are open, as far as it matters for the bounds."""

    def __init__(self) -> None:
        self.open: list[str] = []
        self.styles: list[str] = []
        self.too_deep = False

    def opens(self, name: str) -> bool:
        """May this start tag stand?"""
        if name in _LOOSE:
            return True
        if name in _STYLES:
            if len(self.styles) >= _MAX_OPEN_STYLES:
                self.too_deep = True
                return False
            self.styles.append(name)
            return True
        if name == "a":
            # One at most is open, so it needs no bound: a link is worth following however deep it stands.
            if "a" in self.open:
                self.open.remove("a")
            self.open.append(name)
            return True
        if len(self.open) >= (_MAX_BOXES if name in _BOXES else MAX_DEPTH):
            self.too_deep = True
            return False
        self.open.append(name)
        return True

    def closes(self, name: str) -> bool:
        """Does this end tag close anything?"""
        if name in _LOOSE:
            return True
        stack = self.styles if name in _STYLES else self.open
        if stack and stack[-1] == name:
            stack.pop()
            return True
        if name not in stack:
            return False
        for index in range(len(stack) - 1, -1, -1):
            if stack[index] == name:
                if name in _STYLES or name == "a":
                    del stack[index]
                else:
                    del stack[index:]
                return True
        return False


def tame(text: str) -> tuple[str, list[str]]:
    """(markup with one meaning and within bounds, notes). Linear in the length of the text."""
    parts: list[str] = []
    nesting = _Nesting()
    notes: list[str] = []
    unclosed: set[str] = set()
    names: dict[str, str] = {}  # as written -> in small letters, "" for what is no name
    find_token, find = _TOKEN.match, text.find
    tokens = options = position = selects = own = 0
    end = len(text)
    while position < end:
        tokens += 1
        if tokens > 2 * MAX_TAGS:
            notes.append("cut: too many tags")
            break
        if text[position] != "<":
            start, position = position, find("<", position)
            if position < 0:
                position = end
            parts.append(text[start:position])
            continue
        match = find_token(text, position)
        if match is None:
            break
        position = match.end()
        kind = match.lastgroup
        if kind is None:
            if position - match.start() == 1:
                parts.append("&lt;")
            continue
        written = match["end" if kind == "end" else "start"]
        name = names.get(written)
        if name is None:
            name = written.lower()
            name = names[written] = name if _NAME.fullmatch(name) and name != "plaintext" else ""
        if not name:
            continue
        if name == "option":
            options += 1
            own += 1
            if options > _MAX_OPTIONS and (own > _FIRST_OPTIONS or selects > _MAX_SELECTS):
                continue
        elif name == "select" and kind != "end":
            selects += 1
            own = 0
        if kind == "end":
            if name in _LOOSE or nesting.closes(name):
                parts.append(f"</{name}>")
            continue
        if not match["close"]:
            break  # the page ends inside a tag
        if name in _UNREAD or name in _RAW:
            inner = ""
            if name not in unclosed:  # its end was looked for once, to the end of the page
                position, inner, closed = _raw_text(text, position, name)
                if not closed:
                    unclosed.add(name)
            if name in _RAW:
                opening = _small_tag(name, match["attributes"])
                parts.append(f"{opening}{inner.replace('<', '&lt;')}</{name}>")
            continue
        if name in _LOOSE or nesting.opens(name):
            whole = match[0]
            parts.append(whole if len(whole) <= _MAX_TAG else _small_tag(name, match["attributes"]))
    if nesting.too_deep:
        notes.append("flattened: nested too deep")
    return "".join(parts), notes


def _raw_text(text: str, start: int, name: str) -> tuple[int, str, bool]:
    """Where the element of raw text ends, what stands in it, and whether it ends at all."""
    end = re.compile(rf"</{name}(?=[\s/>])[^>]*>?", re.I).search(text, start)
    if end is None:
        # Never closed: a browser would swallow the rest of the page. Scripts may; a title or box must not.
        return (len(text) if name in _UNREAD else start), "", False
    return end.end(), text[start : end.start()], True


# lexbor cannot copy a tree whose type names a place outside (SelectolaxError); what stands here means the same to it.
_DOCTYPE = re.compile(r"<!doctype\b[^>]*+>?", re.I)


def parse_bounded(body: bytes) -> LexborHTMLParser:
    """The tree of one page of a site, at a bounded cost whatever the page is."""
    text = body.decode("utf-8", "replace")
    if len(text) > SAFE_SIZE or text.count("<") > 2_000:
        text, _ = tame(text)
    return LexborHTMLParser(_DOCTYPE.sub("<!DOCTYPE html>", text))
