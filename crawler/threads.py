"""One thread of a forum out of a page: title, opening post, author, date, replies.

Public names: read_thread, find_posts, find_offer, complete_offer, any_in, Post.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from crawler import fields as f
from crawler.html import Element, text_of, where_of
from crawler.labels import find_label, fold_label, guess_language
from crawler.pairs import Pair, find_pairs
from crawler.regions import Page
from crawler.titles import find_title
from crawler.values import Value
from text.language import guess_language as guess_text_language

_POST_WORDS = frozenset(
    ("post", "message", "comment", "reply", "replies", "beitrag", "article", "entry", "answer", "mensaje")
)
_BODY_WORDS = frozenset(
    (
        "body", "content", "text", "inner", "message", "postbody", "bbcode", "blockquote", "texto", "inhalt", "corpo", "cuerpo",
        "contenido", "conteudo", "contenu", "corps", "testo", "tekst", "mensaje", "mensagem", "nachricht",
    )
)  # fmt: skip
_AUTHOR_WORDS = frozenset(
    ("author", "user", "username", "poster", "autor", "auteur", "member", "name", "profile", "nick", "by")
)
_DATE_WORDS = frozenset(
    ("date", "time", "posted", "datum", "fecha", "when", "stamp", "meta", "info", "posttime")
)
_FRAME_WORDS = frozenset(
    ("form", "quick", "signature", "sig", "actions", "buttons", "rules", "header", "title")
)
_BEFORE_AUTHOR = frozenset(
    fold_label(w) for w in ("by", "von", "por", "par", "da", "door", "от", "author", "posted by", "autor")
)
_GOODS = frozenset(
    (
        "title",
        "quantity",
        "stock",
        "ships_from",
        "ships_to",
        "shipping",
        "escrow",
        "payment",
        "product_class",
        "seller",
        "description",
    )
)
_DAY_SHAPE = re.compile(
    r"\d{1,2}[./-]\d{1,2}[./-](?:19|20)\d\d(?:,?\s+\d{1,2}:\d\d(?::\d\d)?)?|(?:19|20)\d\d-\d\d-\d\d(?:[T,]?\s*\d{1,2}:\d\d(?::\d\d)?)?"
)
_LABELLED = re.compile(r"[^:\d]{2,30}:\s")
_NUMBERED = re.compile(r"(?:p|post|msg|message|c|comment|r|reply)[_-]?\d{1,12}")
_HEAD_OF_POST = 80
"""Letters of "#3 Posted: Mar 02 2026, 11:04" and the like inside a post's body."""
_PEOPLE = (
    "/u/", "user", "member", "profile", "/v/", "author", "membro", "miembro", "membre", "mitglied", "usuario", "utilizador",
    "benutzer", "profil", "autor", "uid=",
)  # fmt: skip
"""In the address of a link to somebody."""
_LEAST_POST = 20
"""Letters that a post has besides the link to itself."""
_MOST_REPLIES = 200


@dataclass(frozen=True)
class Post:
    """One post. `element`: where it stands."""

    author: str
    posted: datetime | None
    posted_raw: str
    text: str
    element: Element
    body: Element


def read_thread(
    page: Page, *, captured_at: datetime, day_first: bool | None = None
) -> tuple[dict[str, Value], str]:
    """(fields, language). fields: title, description and seller (of the opening post), posted, category, replies."""
    pairs = find_pairs(page)
    language = guess_language([pair.label for pair in pairs if pair.label is not None], page.tree.language)
    posts = find_posts(page, captured_at=captured_at, language=language, day_first=day_first)
    found: dict[str, Value] = {}
    title = find_title(page, [])
    if title is not None:
        found["title"] = title
    if posts:
        first = posts[0]
        where = where_of(first.body)
        if first.text:
            found["description"] = Value(first.text, first.text, where, 0.85)
        if first.author:
            found["seller"] = Value(first.author, first.author, where_of(first.element), 0.8)
        if first.posted is not None:
            found["posted"] = Value(first.posted, first.posted_raw, where_of(first.element), 0.8)
        replies = tuple(
            {"author": post.author, "posted": post.posted, "text": post.text[:5000]}
            for post in posts[1:_MOST_REPLIES]
        )
        told = guess_text_language(
            "\n".join(str(found[n].value)[:2000] for n in ("title", "description") if n in found)
        )
        if told != "und":
            found["language"] = Value(told, "", where, 0.8)
        if replies:
            found["replies"] = Value(replies, "", where_of(posts[1].element), 0.8)
    for crumb in page.crumbs:
        steps = [i.short for i in crumb.iter() if i.tag == "a" and i.short]
        if len(steps) > 1:
            found["category"] = Value(tuple(steps[1:8]), crumb.short or "", where_of(crumb), 0.7)
            break
    return found, language


def find_posts(
    page: Page, *, captured_at: datetime, language: str = "", day_first: bool | None = None
) -> list[Post]:
    """The posts of a page: outermost elements named for a post that hold a text, and an author or a date."""
    posts: list[Post] = []
    taken: set[int] = set()
    linked = _find_linked(page)
    for element in page.tree.elements:
        words = element.words
        if not (
            (words and words & _POST_WORDS)
            or element.tag == "article"
            or element.number in linked
            or ("id" in element.attrs and _is_numbered(element))
        ):
            continue
        if (
            element.number in taken
            or element.number in page.frame
            or element.tag in ("html", "body", "form", "main", "a")
            or words & _FRAME_WORDS
        ):
            continue
        if _holds_posts(element):
            continue
        post = _read_post(element, captured_at, language, day_first)
        if post is not None:
            posts.append(post)
            taken.update(range(element.number, element.last + 1))
    return posts


def find_offer(posts: Sequence[Post], pairs: Sequence[Pair]) -> Post | None:
    """The opening post, where it is an offer: it has a label for the price and another for the goods. Replies may talk as
    they like."""
    if not posts:
        return None
    first = posts[0]
    told = {
        pair.label.field
        for pair in pairs
        if pair.label is not None and first.body.number <= pair.element.number <= first.body.last
    }
    return first if "price" in told and told & _GOODS else None


def any_in(pairs: Sequence[Pair], posts: Sequence[Post]) -> bool:
    """Does one of these posts hold a label for a price?"""
    return any(
        pair.label is not None and pair.label.field == "price" and pair.element.inside(post.element)
        for pair in pairs
        for post in posts[:50]
    )


def complete_offer(fields: dict[str, Value], offer: Post, pairs: Sequence[Pair]) -> None:
    """Who wrote the post sells, and its day is the offer's; what the post itself labels goes before, but a rank beside the
    author ("Shop") is no label."""
    where = where_of(offer.element)
    named = any(
        pair.label is not None
        and pair.label.field == "seller"
        and offer.body.number <= pair.element.number <= offer.body.last
        for pair in pairs
    )
    if offer.author and not named:
        fields["seller"] = Value(offer.author, offer.author, where, 0.8)
    if offer.posted_raw and "posted" not in fields:
        fields["posted"] = Value(offer.posted, offer.posted_raw, where, 0.8)


def _find_linked(page: Page) -> set[int]:
    """Numbers of the elements that hold a link to themselves, "#4": what a reader may point at is a post, whatever the site
    calls it."""
    found: set[int] = set()
    for link in page.tree.elements:
        if link.tag != "a" or not link.short or len(link.short) > _HEAD_OF_POST:
            continue
        name = link.attrs.get("href", "").rpartition("#")[2]
        step = link.parent
        while name and step is not None:
            if step.attrs.get("id") == name:
                if step.size > len(link.short) + _LEAST_POST:
                    found.add(step.number)
                break
            step = step.parent
    return found


def _is_numbered(element: Element) -> bool:
    name = element.attrs.get("id")
    return name is not None and _NUMBERED.fullmatch(name.lower()) is not None


def _holds_posts(element: Element) -> bool:
    """Is this a list of posts rather than one? Two children of the same make that are posts."""
    inner = [i for i in element.iter() if i is not element and (i.tag == "article" or _is_numbered(i))]
    if len(inner) >= 2:
        return True
    makes: dict[str, int] = {}
    for child in element.elements():
        if child.words & _POST_WORDS and child.tag in ("div", "article", "li", "tr", "section", "table"):
            name = child.attrs.get("class", "").split()[0] if child.attrs.get("class") else child.tag
            makes[name] = makes.get(name, 0) + 1
    return any(count >= 2 for count in makes.values())


def _read_post(element: Element, captured_at: datetime, language: str, day_first: bool | None) -> Post | None:
    body = _find_body(element)
    if body is None:
        return None
    inside = {inner.number for inner in body.iter()}
    author = ""
    posted: datetime | None = None
    raw = ""
    for inner in element.iter():
        if inner.number in inside or not inner.short:
            continue
        text = inner.short
        words = inner.words
        if (
            _LABELLED.match(text)
            and (label := find_label(text.partition(":")[0]))
            and label.field != "posted"
        ):
            continue  # "Registered: 02.05.2021"
        if not author and len(text) <= 60:
            author = _find_author(inner, words)
        if (
            posted is None
            and len(text) <= 60
            and (inner.tag == "time" or words & _DATE_WORDS or any(map(str.isdigit, text)))
        ):
            for stamp in filter(None, (inner.attrs.get("datetime"), text, *_tails(text))):
                posted = f.read_date(stamp, captured_at=captured_at, language=language, day_first=day_first)
                if posted is not None:
                    raw = stamp
                    break
            if posted is None and not raw and (day := _DAY_SHAPE.search(text)):
                raw = day[0]  # kept as written where its order or the clock does not let it be read
    if not author and posted is None and not raw:
        return None
    quotes = frozenset(
        i.number for i in body.iter() if i.tag == "blockquote" or i.words & {"quote", "signature"}
    )
    text = text_of(body, without=quotes, limit=50_000) or text_of(body, limit=50_000)
    return Post(author, posted, raw, text, element, body)


def _tails(text: str) -> list[str]:
    """What may be the date in "by nk88 on Mar 02, 2019", "nk88 · 2019-03-02"."""
    found = []
    for mark in (
        " on ",
        " am ",
        " le ",
        " el ",
        " em ",
        " il ",
        " op ",
        " dnia ",
        " · ",
        " » ",
        " | ",
        " - ",
        " – ",
        ", ",
        ": ",
    ):
        if mark in text:
            found.append(text.split(mark, 1)[1])
    return found


def _find_author(element: Element, words: frozenset[str]) -> str:
    text = element.short or ""
    if element.attrs.get("itemprop") == "author" or words & _AUTHOR_WORDS:
        link = next((i for i in element.iter() if i.tag == "a" and i.short), element)
        return f.read_name(link.short or "")
    if element.tag == "a" and element.parent is not None:
        before = ""
        for child in element.parent.children:
            if child is element:
                break
            if isinstance(child, str) and child.strip():
                before = child
        words_before = fold_label(before).split()
        if words_before and words_before[-1] in _BEFORE_AUTHOR:
            return f.read_name(text)
        href = element.attrs.get("href", "").lower()
        if any(step in href for step in _PEOPLE):
            return f.read_name(text)
    return ""


def _find_body(element: Element) -> Element | None:
    """The part of a post that holds its text: by name, else the part with most text of its own."""
    named = [
        i
        for i in element.iter()
        if i is not element
        and i.size
        and i.words & _BODY_WORDS
        and not i.words & _FRAME_WORDS
        and i.tag != "a"
    ]
    if named:
        # the innermost of a chain, the largest of several
        named.sort(key=lambda i: -i.size)
        best = named[0]
        for other in named[1:]:
            if other.inside(best) and (
                other.size >= 0.8 * best.size or best.size - other.size <= _HEAD_OF_POST
            ):
                best = other
        return best
    best_inner: Element | None = None
    most = 0
    for inner in element.iter():
        own = sum(len(c.strip()) for c in inner.children if isinstance(c, str))
        own += sum(
            c.size
            for c in inner.elements()
            if c.tag in ("b", "i", "em", "strong", "u", "span", "p", "blockquote")
        )
        if inner is not element and own > most and inner.tag not in ("a", "time", "small", "h1", "h2", "h3"):
            best_inner, most = inner, own
    return best_inner
