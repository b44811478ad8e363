"""Tells a page that is content from one that bars the way to it.

Public names: judge, parse_page, Gate, MAX_WAIT (from waits.py).

Pure. In this order: what the site file says (crawler.marks), the status, and generic detectors by the make and the words
of the page. Content wins: a page with much text of its own, with prices, posts or a menu full of links is content even
when it speaks of captchas, seizures and bans, or shows a login box at its side.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from selectolax.lexbor import LexborHTMLParser

from crawler import gatewords as words
from crawler.charsets import decode_body
from crawler.links import is_login_path
from crawler.looks import Look, look_at, much_text
from crawler.marks import check_marks
from crawler.markup import parse_bounded
from crawler.siteconfig import Marks
from crawler.waits import MAX_WAIT, read_refresh, read_retry_after

__all__ = ["MAX_WAIT", "Gate", "judge"]

_SHORT = 600
"""Letters outside forms: a gate says little, content says more."""
_BANNER = 3000
"""Letters of a banner in many languages."""
_MENU = 15
"""Links: a gate has no menu."""
_HEAD = 400
_BY_WORDS = (
    ("limited", words.LIMITED, _MENU), ("banned", words.BANNED, _MENU), ("exit", words.EXIT, 5), ("down", words.DOWN, 5),
)  # fmt: skip


@dataclass(frozen=True)
class Gate:
    """kind: a gate kind. retry: fetch the page again later. person: somebody must look. wait: seconds asked for.

    refused: the server said no (401, 403) without any form: one page that is not for us, or we are shut out.
    to: where a queue's refresh leads, as written; "" for the page itself.
    """

    kind: str
    message: str
    retry: bool = False
    person: bool = False
    wait: float = 0
    refused: bool = False
    to: str = ""


def judge(
    status: int,
    headers: Sequence[tuple[str, str]],
    body: bytes | None,
    *,
    path: str,
    asked: str = "",
    kind: str = "other",
    expected: bool = False,
    marks: Mapping[str, Marks] | None = None,
    tree: LexborHTMLParser | None = None,
) -> Gate | None:
    """The gate that this response is, or None for content.

    body: the plain body; None when none was kept or it cannot be read. path: the page's own address; asked: the one asked
    for, when redirects led here. kind: what the site file says of `path`. expected: is this an address we came for? tree: the body, where the
    caller has parsed it (parse_page) already.
    """
    if tree is None and body:
        tree = parse_page(body, headers)
    lacks = ""
    if tree is not None and marks:
        report = check_marks(tree, marks, kind)
        if report.gate:
            return _name_gate(report.gate, look_at(tree, headers), headers)
        if report.sure and status < 400:
            return None
        lacks = report.lacks
    if status in (404, 410):
        return Gate("not_found", "the site says the page does not exist")
    if tree is None:
        return _judge_without_body(status, headers, empty=body is not None and expected)
    gate = None
    if status >= 400 or lacks or not much_text(tree) or _asks_login(tree, path, asked):
        look = look_at(tree, headers)
        gate = _judge_look(
            look, status, headers, path=path, asked=asked or path, kind=kind, expected=expected
        )
    gate = gate or _judge_status(status, headers)
    if gate is None and lacks:
        message = f"the address says {kind}, but the page is none: {lacks}"
        return Gate("unknown", message, retry=True)
    return gate


def parse_page(body: bytes, headers: Sequence[tuple[str, str]]) -> LexborHTMLParser:
    """The tree of a plain body in the charset that its header or the page itself names."""
    types = [value for name, value in headers if name.lower() == "content-type"]
    text, encoding, _ = decode_body(body, types[0] if types else "")
    return parse_bounded(body if encoding == "utf-8" else text.encode("utf-8", "replace"))


def _judge_without_body(status: int, headers: Sequence[tuple[str, str]], *, empty: bool) -> Gate | None:
    seconds, to = read_refresh(value for name, value in headers if name.lower() == "refresh")
    if seconds is not None:
        return _queue(seconds, to)
    gate = _judge_status(status, headers)
    if gate is None and empty and status < 300:
        return Gate("unknown", "an empty answer where a page should be", retry=True)
    return gate


def _judge_status(status: int, headers: Sequence[tuple[str, str]]) -> Gate | None:
    if status == 429:
        return Gate(
            "limited", "the site says we ask too often (429)", retry=True, wait=read_retry_after(headers)
        )
    if status >= 500:
        message = f"the site is in trouble (status {status})"
        return Gate("down", message, retry=True, wait=read_retry_after(headers))
    if status in (401, 403):
        return Gate("login", f"the site refuses the page ({status})", person=True, refused=True)
    return None


def _asks_login(tree: LexborHTMLParser, path: str, asked: str) -> bool:
    return (is_login_path(path) or asked != path) and tree.css_first("input[type=password]") is not None


def _judge_look(
    look: Look,
    status: int,
    headers: Sequence[tuple[str, str]],
    *,
    path: str,
    asked: str,
    kind: str,
    expected: bool,
) -> Gate | None:
    head = " ".join((look.title, *look.headings, look.text[:_HEAD]))
    own = _has_content(look, kind)
    if gate := _judge_refresh(look, head, path=path, asked=asked, own=own):
        return gate
    if _is_banner(look, head, own):
        return _name_gate("seized", look, headers)
    if gate := _judge_login(look, path=path, asked=asked, own=own):
        return gate
    if _is_missing(look, own):
        return Gate("not_found", "the page says that what was asked for does not exist")
    if own or look.letters >= _SHORT:
        return None
    if _is_captcha(look, head):
        return _name_gate("captcha", look, headers)
    if (
        words.QUEUE.search(look.text)
        and look.letters < 300
        and not look.forms
        and not look.posts
        and look.links <= 3
    ):
        return Gate("queue", "the site let us wait in a queue", retry=True, wait=read_retry_after(headers))
    for named, pattern, most_links in _BY_WORDS:
        if look.links <= most_links and pattern.search(head):
            return _name_gate(named, look, headers)
    if status >= 400:
        return None
    return _judge_shell(look, head, expected=expected)


def _judge_refresh(look: Look, head: str, *, path: str, asked: str, own: bool) -> Gate | None:
    if look.refresh is None or own or look.letters >= _SHORT or look.links > 5:
        return None
    target = (
        urlsplit(urljoin(f"http://x{path if path.startswith('/') else '/'}", look.refresh_to))
        if look.refresh_to
        else None
    )
    goes = f"{target.path}?{target.query}".rstrip("?") if target else path
    if is_login_path(goes) and not is_login_path(asked) and look.letters < 80:
        return Gate("login", "the site sends us to its login", retry=True, person=True)
    if look.refresh < 1 and goes != path:
        return None  # a redirect written into the page: its link is read as any other
    if words.QUEUE.search(head) or look.letters < 80:
        return _queue(look.refresh, look.refresh_to)
    return None


def _queue(seconds: float, to: str = "") -> Gate:
    wait = min(max(seconds, 1.0), MAX_WAIT)
    return Gate("queue", "the site let us wait in a queue", retry=True, wait=wait, to=to)


def _judge_login(look: Look, *, path: str, asked: str, own: bool) -> Gate | None:
    if not look.password:
        if (
            is_login_path(path)
            and not is_login_path(asked)
            and not own
            and (look.forms or look.letters < _SHORT)
        ):
            return Gate("login", "the site sent us to its login", retry=True, person=True)
        return None
    named = bool(words.LOGIN.search(look.title)) or (
        bool(look.headings) and all(words.LOGIN.search(line) for line in look.headings[:2])
    )
    content = own and not (named and not look.prices and not look.posts)
    if not is_login_path(path) and (content or look.letters >= (_BANNER if named else _SHORT)):
        return None
    if is_login_path(asked):
        return Gate("login", "a login page")
    return Gate("login", "the site wants a login for this page", retry=True, person=True)


def _is_captcha(look: Look, head: str) -> bool:
    if look.posts:
        return False
    if look.captcha_box:
        return True
    if not words.CAPTCHA.search(f"{head} {look.form_words[:600]} {look.alts[:300]}"):
        return False
    if look.forms:
        return look.boxes > 0 or look.choices > 0 or look.pictures > 0
    named = words.CAPTCHA.search(" ".join((look.title, *look.headings[:2])))
    return named is not None and look.links <= 3


def _is_banner(look: Look, head: str, own: bool) -> bool:
    """A seizure notice: it says so at its top or in its picture's name, and has next to nothing to click on."""
    if own or look.letters >= _BANNER or look.links > 6 or look.forms > 1 or look.posts:
        return False
    if look.letters < 40 and words.SEIZED.search(f"{look.title} {re.sub('[_-]+', ' ', look.alts)}"):
        return True
    if look.letters < 40 and re.search(
        r"\bseized?\b|seizure", re.sub("[_-]+", " ", look.alts), re.IGNORECASE
    ):
        return True
    said = words.SEIZED.search(head)
    if said is None or "?" in re.split(r"[.!\n]", head[said.start() :], maxsplit=1)[0]:
        return False
    return (look.links <= 2 and look.letters < 250) or bool(words.AUTHORITY.search(look.text[:_BANNER]))


def _is_missing(look: Look, own: bool) -> bool:
    """By its whole title, whatever menus stand around; by a heading or all its text where there is nothing else."""
    if look.posts or look.letters >= _BANNER:
        return False
    lines = [look.title] if own else [look.title, *look.headings[:2]]
    if look.letters < 120 and look.links <= 5:
        lines.append(look.text)
    pieces = [
        piece.strip() for line in lines if len(line) < 200 for piece in re.split(r"\s[-–|:·»—]\s", line)
    ]
    return any(len(piece) <= 90 and words.NOT_FOUND.fullmatch(piece) for piece in pieces if piece)


def _judge_shell(look: Look, head: str, *, expected: bool) -> Gate | None:
    if look.refresh is not None or look.password:
        return None
    if look.links <= 2 and look.letters < 250 and words.BLOCKED.search(head):
        return Gate("unknown", "the site answers, and refuses the page in words", retry=True)
    if look.links == 0 and look.letters < 250 and not look.forms and words.SCRIPT.search(look.text):
        return Gate("unknown", "the page is empty without JavaScript, which is never run", retry=True)
    if expected and look.letters < 20 and not (look.links or look.forms or look.solid):
        return Gate("unknown", "an empty shell where a page should be", retry=True)
    return None


def _has_content(look: Look, kind: str) -> bool:
    return (
        look.links >= _MENU
        or look.prices >= 2
        or (look.prices >= 1 and look.letters >= 40)
        or (look.posts and look.letters >= 80)
        or (kind in ("thread", "rules") and look.links >= 2 and look.letters >= 100)
    )


_MESSAGES = {
    "captcha": "the site asks for a captcha: a person must solve it",
    "login": "the site wants a login for this page",
    "limited": "the site says we ask too often",
    "banned": "the site says that we are banned or suspended",
    "seized": "the page says that the site was seized",
    "exit": "the page says that the site is closing for good",
    "down": "the site shows an error page of its front end",
    "not_found": "the page says that what was asked for does not exist",
    "unknown": "the page has the marks of one that is no content",
}


def _name_gate(kind: str, look: Look, headers: Sequence[tuple[str, str]]) -> Gate:
    """A gate known by its kind alone, with the next step that belongs to it."""
    if kind == "queue":
        return _queue(look.refresh or read_retry_after(headers), look.refresh_to)
    return Gate(
        kind,
        _MESSAGES[kind],
        retry=kind != "not_found",
        person=kind in ("captcha", "login", "banned", "seized", "exit"),
        wait=read_retry_after(headers) if kind in ("limited", "down") else 0,
    )
