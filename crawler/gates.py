"""Tells a page that is content from one that bars the way to it.

Public names: judge, Gate.

Pure and thin: by status, by the shape of the page, and by few words. A page with much text of its own is content, even
when it shows a login box at its side.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from selectolax.lexbor import LexborHTMLParser, LexborNode

from crawler.links import is_login_path
from crawler.markup import parse_bounded

MAX_WAIT = 600.0


@dataclass(frozen=True)
class Gate:
    """kind: a gate kind. retry: fetch the page again later. person: somebody must look. wait: seconds asked for."""

    kind: str
    message: str
    retry: bool = False
    person: bool = False
    wait: float = 0


_QUEUE = re.compile(
    r"queue|estimated (waiting )?time|please wait|ddos|checking your browser|cola|очеред", re.IGNORECASE
)
_CAPTCHA = re.compile(r"captcha|\bcap\b|puzzle|not a robot|are you human|anti-?bot", re.IGNORECASE)
_SEIZED = re.compile(
    r"\b(hidden )?(site|service|market|domain)\b.{0,30}\bhas been seized\b", re.IGNORECASE | re.DOTALL
)
_SHORT = 600
"""Letters outside forms: a gate says little, content says more."""
_MAX_METAS = 50


def judge(
    status: int, headers: Sequence[tuple[str, str]], body: bytes, *, path: str, asked: str = ""
) -> Gate | None:
    """The gate that this response is, or None for content. `body` is the plain body, empty when there is none.

    `path` is the page's own address, `asked` the one that was asked for when redirects led here.
    """
    tree = parse_bounded(body) if body else None
    text = _text_outside_forms(tree) if tree else ""
    if tree and (queue := _judge_queue(tree, text)):
        return queue
    if status in (404, 410):
        return Gate("not_found", "the site says the page does not exist")
    if status == 429:
        return Gate("limited", "the site says we ask too often (429)", retry=True, wait=_retry_after(headers))
    if status >= 500:
        return Gate(
            "down", f"the site is in trouble (status {status})", retry=True, wait=_retry_after(headers)
        )
    if tree is None:
        return (
            Gate("login", f"the site refuses the page ({status})", person=True)
            if status in (401, 403)
            else None
        )
    if len(text) < 3000 and _SEIZED.search(text):
        return Gate("seized", "the page says that the site was seized", person=True)
    if len(text) < _SHORT and _is_captcha(tree):
        return Gate("captcha", "the site asks for a captcha: a person must solve it", retry=True, person=True)
    if tree.css_first("form input[type=password]") is not None and (
        len(text) < _SHORT or is_login_path(path)
    ):
        if is_login_path(asked or path):
            return Gate("login", "a login page")
        return Gate("login", "the site wants a login for this page", retry=True, person=True)
    if status in (401, 403):
        return Gate("login", f"the site refuses the page ({status})", person=True)
    return None


def _judge_queue(tree: LexborHTMLParser, text: str) -> Gate | None:
    if len(text) >= _SHORT:
        return None
    # The head may be all that says it. Written out once: a page may hold thousands of these.
    if not _QUEUE.search(text + (tree.html or "")[:2000]):
        return None
    for node in tree.css("meta[http-equiv][content]")[:_MAX_METAS]:
        if (node.attributes.get("http-equiv") or "").lower() != "refresh":
            continue
        seconds = re.match(r"\s*(\d{1,4})", node.attributes.get("content") or "")
        if seconds:
            wait = min(max(float(seconds.group(1)), 1.0), MAX_WAIT)
            return Gate("queue", "the site let us wait in a queue", retry=True, wait=wait)
    return None


def _is_captcha(tree: LexborHTMLParser) -> bool:
    form = tree.css_first("form")
    return form is not None and bool(_CAPTCHA.search(_inside(form)))


def _inside(node: LexborNode) -> str:
    parts = [node.text(deep=True, separator=" ")[:2000]]
    for child in node.css("img, input")[:50]:
        parts += [value or "" for value in child.attributes.values()]
    return " ".join(parts)[:10_000]


def _text_outside_forms(tree: LexborHTMLParser) -> str:
    copy = tree.clone()
    for node in reversed(copy.css("form, script, style, head")):  # the inner ones before those around them
        node.decompose()
    return " ".join((copy.body.text(deep=True, separator=" ") if copy.body else "").split())


def _retry_after(headers: Sequence[tuple[str, str]]) -> float:
    for name, value in headers:
        if name.lower() == "retry-after" and value.strip().isdigit():
            return min(float(value.strip()[:6]), MAX_WAIT)
    return 0
