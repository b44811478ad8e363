"""How a page looks from afar: how much it says, which forms and links it has, where it sends itself on.

Public names: Look, look_at, much_text, MUCH.

Pure. The tree comes from crawler.markup, so that the cost of a hostile page is bounded; every count here is, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from selectolax.lexbor import LexborHTMLParser, LexborNode

from crawler.gatewords import CAPTCHA, PRICE
from crawler.waits import read_refresh

MUCH = 4000
"""Letters outside forms from which on a page is content whatever its words are: no gate says so much."""
_MAX_NODES = 60
_MAX_METAS = 50
_MAX_TEXT = 6000
_POSTS = (
    "article, blockquote, textarea, time, .post, .post_body, .postbody, .post_wrapper, .comment, .comments, .message-body, "
    '.ui.comments, [id^="post"], [id^="comment"]'
)
_SEARCH_BOX = re.compile(r"^(q|s|query|search|term|keyword|find|topsearch)", re.IGNORECASE)


@dataclass(frozen=True)
class Look:
    """text: outside forms and scripts, one space between words, cut after some thousand; letters: its length.

    boxes: fields for text that are neither search boxes nor hidden. links: those that lead somewhere, up to 60.
    refresh: seconds until the page sends itself on (None: it does not), `refresh_to`: where.
    posts: has parts of a forum or of comments. solid: has a heading, a list, a table or a picture.
    """

    title: str
    headings: tuple[str, ...]
    text: str
    letters: int
    form_words: str
    forms: int
    password: bool
    boxes: int
    captcha_box: bool
    choices: int
    links: int
    pictures: int
    alts: str
    prices: int
    posts: bool
    solid: bool
    refresh: float | None
    refresh_to: str


def much_text(tree: LexborHTMLParser) -> bool:
    """Is this a page with so much text of its own that no gate could be like it? Cheap: most pages end here."""
    if tree.body is None:
        return False
    left = tree.body.text(deep=True, separator=" ")
    needed = MUCH
    if len(left) < needed:
        return False
    budget = 4 * len(left)  # nested ones would be read again and again
    for node in tree.css("form, script, style, noscript"):
        own = node.text(deep=True, separator=" ")
        budget -= len(own)
        needed += len(" ".join(own.split()))
        if needed > len(left) or budget < 0:
            return False
    # Of a long page its beginning says enough; to cut the whole into words would be a fourth of the judgement's cost.
    start = " ".join(left[: 2 * needed].split())
    return len(start) >= needed or (len(left) > 2 * needed and len(" ".join(left.split())) >= needed)


def look_at(tree: LexborHTMLParser, headers: Sequence[tuple[str, str]] = ()) -> Look:
    """The look of one page; `headers` of its response, for the Refresh header."""
    refresh, refresh_to = _find_refresh(tree, headers)
    forms = tree.css("form")[:_MAX_NODES]
    boxes, choices, captcha_box = _count_controls(tree)
    copy = tree.clone()
    for node in reversed(copy.css("form, script, style, head")):  # the inner ones before those around them
        node.decompose()
    body = copy.body
    text = " ".join((body.text(deep=True, separator=" ") if body else "").split())
    pictures = tree.css("img, picture, svg, object, embed")[:_MAX_NODES]
    title = tree.css_first("title")
    return Look(
        title=_line(title),
        headings=tuple(filter(None, (_line(node) for node in tree.css("h1, h2, h3, legend")[:6]))),
        text=text[:_MAX_TEXT],
        letters=len(text),
        form_words=" ".join(_inside(form) for form in forms[:5])[:10_000],
        forms=len(forms),
        password=tree.css_first("input[type=password]") is not None,
        boxes=boxes,
        captcha_box=captcha_box,
        choices=choices,
        links=_count_links(copy.css("a[href], area[href]")),
        pictures=len(pictures),
        alts=" ".join(_values(pictures, ("alt", "title", "src")))[:2000],
        prices=sum(1 for _, _ in zip(PRICE.finditer(text[:_MAX_TEXT]), range(10), strict=False)),
        posts=copy.css_first(_POSTS) is not None or tree.css_first("textarea") is not None,
        solid=bool(pictures) or tree.css_first("h1, h2, h3, h4, li, td, dd, pre, frame, iframe") is not None,
        refresh=refresh,
        refresh_to=refresh_to,
    )


def _find_refresh(tree: LexborHTMLParser, headers: Sequence[tuple[str, str]]) -> tuple[float | None, str]:
    said = [value for name, value in headers if name.lower() == "refresh"][:1]
    for node in tree.css("meta[http-equiv][content]")[:_MAX_METAS]:
        if (node.attributes.get("http-equiv") or "").strip().lower() == "refresh":
            said.append(node.attributes.get("content") or "")
    return read_refresh(said)


def _count_controls(tree: LexborHTMLParser) -> tuple[int, int, bool]:
    """(boxes to write into, things to choose among, is one of them there for a captcha?)"""
    boxes = choices = 0
    captcha = False
    for node in tree.css("form input, form button")[:200]:
        kind = (node.attributes.get("type") or "text").lower()
        names = " ".join(node.attributes.get(key) or "" for key in ("name", "id", "placeholder", "class"))[
            :500
        ]
        if kind in ("text", "number", "tel") and node.tag == "input":
            if not _SEARCH_BOX.match(names.strip()):
                boxes += 1
                captcha |= bool(re.search(r"captcha|\bcap\b|капч|验证码", names, re.IGNORECASE))
        elif kind in ("radio", "checkbox", "image"):
            choices += 1
            captcha |= bool(re.search("captcha", names, re.IGNORECASE))
    shown = " ".join(_values(tree.css("form img")[:20], ("alt", "src", "id", "class", "title")))
    return boxes, choices, captcha or bool(CAPTCHA.search(shown[:2000]))


def _count_links(nodes: Iterable[LexborNode]) -> int:
    count = 0
    for node in nodes:
        target = (node.attributes.get("href") or "").strip().lower()
        if target and not target.startswith(("#", "mailto:", "javascript:", "data:")):
            count += 1
            if count >= _MAX_NODES:
                break
    return count


def _inside(node: LexborNode) -> str:
    texts = [node.text(deep=True, separator=" ")[:2000]]
    return " ".join(
        texts + _values(node.css("img, input")[:50], ("alt", "title", "name", "value", "placeholder"))
    )[:4000]


def _values(nodes: Iterable[LexborNode], names: Sequence[str]) -> list[str]:
    return [value[:300] for node in nodes for name in names if (value := node.attributes.get(name))]


def _line(node: LexborNode | None) -> str:
    return " ".join(node.text(deep=True, separator=" ")[:600].split())[:300] if node is not None else ""
