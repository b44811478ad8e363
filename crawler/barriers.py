"""Gates by the make of a page as the reader sees it: little text, and a form for a person, a refresh, or a few words.

Public names: judge_gate, Kind.

For pages that no crawl has judged (crawler.gates does that with the status and headers of the answer), such as imported ones.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from crawler import gatewords as words
from crawler.cleaning import clean_line
from crawler.html import Element
from crawler.regions import Page, headings

_LITTLE = 700
"""Letters outside forms and frames: a gate says little."""
_MENU = 15
"""Links: a gate has no menu."""


@dataclass(frozen=True)
class Kind:
    """name: a page kind or gate kind. confidence: 0 to 1. why: the clues, for whoever looks at it."""

    name: str
    confidence: float
    why: str = ""


def judge_gate(page: Page, *, hinted: bool = False) -> Kind | None:
    """The gate that a page is by its make: little text, and a form for a person or a refresh. None for content.

    `hinted`: the site file names the page as content, so words alone do not make it a gate.
    """
    title = page.tree.title
    if sum(map(len, page.strings)) > 6 * _LITTLE and not words.LOGIN.search(title):
        return None
    text = _text_outside_forms(page)
    forms = _controls(page.tree.elements)
    little = len(text) < _LITTLE
    if page.tree.refresh and (
        words.QUEUE.search(text) or len(text) < 80 or (little and re.search("queue|ddos", title, re.I))
    ):
        return Kind("queue", 0.9, "refreshes itself and says little")
    links = sum(1 for e in page.tree.elements if e.tag == "a" and len(e.attrs.get("href", "#")) > 1)
    head = " ".join([title, text[:400]])
    if len(text) < 4 * _LITTLE and links <= _MENU and words.SEIZED.search(head):
        return Kind("seized", 0.9, "says that it was seized")
    if not little:
        if forms.password and words.LOGIN.search(title):
            return Kind("login", 0.75, "a password box and a title that says login")
        return None
    if (
        not hinted
        and words.LOGIN.search(title)
        and not any(len((h.short or "").split()) > 4 for h in headings(page))
    ):
        return Kind(
            "login", 0.7, "a title that says login and little text"
        )  # its form may be hidden from scrapers
    captcha = forms.named_captcha or (
        forms.texts + forms.choices > 0 and bool(words.CAPTCHA.search(text + " " + title + " " + forms.words))
    )
    if forms.password:
        return Kind("login", 0.9, "a password box and little text")
    if captcha and (forms.texts or forms.pictures or forms.choices):
        return Kind("captcha", 0.9, "a box for a captcha and little text")
    if forms.pictures and forms.texts == 1 and links <= 3 and len(text) < 300:
        return Kind("captcha", 0.7, "a picture, one box to write into, and hardly any text")
    if (
        words.QUEUE.search(text)
        and len(text) < 300
        and links <= 3
        and not any(e.tag == "form" for e in page.tree.elements)
    ):
        return Kind("queue", 0.6, "asks to wait")
    if hinted or page.groups or forms.texts > 1:
        return None
    for name, pattern, most in (
        ("limited", words.LIMITED, _MENU), ("banned", words.BANNED, _MENU), ("exit", words.EXIT, 5), ("down", words.DOWN, 5),
    ):  # fmt: skip
        if links <= most and pattern.search(head):
            return Kind(name, 0.7, f"little text, and words of a page that is {name}")
    return None


@dataclass
class _Controls:
    password: int = 0
    texts: int = 0
    pictures: int = 0
    choices: int = 0
    named_captcha: bool = False
    words: str = ""


def _controls(elements: Collection[Element]) -> _Controls:
    found = _Controls()
    forms = {inner.number for element in elements if element.tag == "form" for inner in element.iter()}
    words: list[str] = []
    for element in elements:
        if element.tag == "input":
            kind = element.attrs.get("type", "text").lower()
            found.password += kind == "password"
            found.choices += kind in ("radio", "checkbox", "image") and element.number in forms
            if kind in ("text", "number", "") and element.number in forms:
                found.texts += 1
                name = f"{element.attrs.get('name', '')} {element.attrs.get('placeholder', '')} {element.attrs.get('id', '')}"
                found.named_captcha |= bool(re.search(r"captcha|\bcap\b", name, re.I))
        elif element.number in forms and len(words) < 40:
            found.pictures += element.tag == "img"
            if element.short:
                words.append(element.short)
    found.words = " ".join(words)[:1000]
    return found


def _text_outside_forms(page: Page) -> str:
    forms = {inner.number for e in page.content if e.tag == "form" for inner in e.iter()}
    return clean_line(
        " ".join(
            child
            for element in page.content
            if element.number not in forms
            for child in element.children
            if isinstance(child, str)
        )
    )
