"""What kind a page is: what the site file says, checked against the page's make; else its make and its words.

Public names: judge_kind, judge_gate, Kind, GATES.

Words count only in headings, titles, tabs and buttons, never in running text: a rules page that speaks of ivory on
every line is still a rules page, and a thread about vendors is no vendor's page.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import cached_property

from crawler import kindwords as words
from crawler.barriers import Kind, judge_gate
from crawler.cardcells import name_many
from crawler.cards import find_few
from crawler.categories import read_categories
from crawler.html import Element, text_of
from crawler.labels import find_label, fold_label
from crawler.pairs import Pair
from crawler.ratingwords import read_sign_word
from crawler.regions import Page, headings
from crawler.siteconfig import GATE_KINDS
from crawler.tallies import count_onions, has_count
from crawler.titles import own_line
from crawler.urls import split_url

__all__ = ["GATES", "Kind", "judge_gate", "judge_kind"]

GATES = frozenset(GATE_KINDS)

_SOFT_GATES = frozenset(("limited", "banned", "exit", "down"))
_SELLER_FIELDS = frozenset(("joined", "last_seen"))
_STANDING = frozenset(("level", "rating", "trust", "seller_sales", "seller_rating", "sold", "seller"))
_PARTS = re.compile(r"\s+(?:[-–—|·•»:]|::)\s+")
_FEEDBACK = re.compile(
    r"feedback|reviews?\b|ratings?\b|bewertung|rezension|opinion|valoracion|reseña|\bavis\b|évaluation|avaliaç|recension|valutazion|beoordeling|отзыв|оценки|відгук"
    r"|评价|評價|评论|đánh giá|nhận xét|opinie|oceny|recenzje|yorum|değerlendirme|hodnocení|értékelés|omdöme|anmeldelse|arvostelu|κριτικ|تقييم|ביקורות|समीक्षा|รีวิว|ulasan|レビュー|후기",
    re.IGNORECASE,
)
_SCORED = re.compile(
    r"\b\d[.,]\d{1,2}\s*(?:/\s*5\s*)?[(\[]\s*\d[\d.,]*\s*[)\]]|[(\[]\s*\d[\d.,]*\s*[)\]]\s*[(\[]\s*\d[.,]\d{1,2}\s*[)\]]"
)
_KEY_BLOCK = "-----BEGIN PGP PUBLIC KEY BLOCK-----"
_FEW_CARDS = 3
_MAIN = 0.18
"""Share of the page's text from which a group of cards is what the page is about, and not what stands at its side: on
pages of lists that we know it is 0.27 and more, beside other things 0.16 and less."""
_LONG_TEXT = 500
_FEW_SECTIONS = 3
_NUMBERED = re.compile(
    r"(?:§\s*)?\d{1,2}\s*[.)、．]\s*\S|§\s*\d|[一二三四五六七八九十]{1,3}\s*[、．.]|第[一二三四五六七八九十\d]+[条章]"
)
_LONG_HEADING = 6
"""Words of a heading that may still be the name of a page rather than of a thing."""
_MASS = (
    ("price_amount", 2.0), ("seller", 1.5), ("ships_from", 1.5), ("ships_to", 1.0), ("description", 1.0), ("title", 1.0), ("payment", 0.5),
    ("stock", 0.5), ("quantity", 0.5), ("product_class", 0.5), ("ends", 0.5), ("category", 0.5),
)  # fmt: skip


def judge_kind(
    page: Page,
    *,
    hint: str | None,
    fields: Collection[str],
    pairs: Collection[Pair],
    posts: int,
    rated: Collection[int] = (),
    tab: str = "",
    offer: bool = False,
) -> Kind:
    """`fields`: what a listing reader found. `posts`: how many posts of a forum. `rated`: the numbers of elements that are
    ratings. `tab`: the text of the open tab. `offer`: the first post labels goods and a price. The hint is the site file's word."""
    gate = judge_gate(page, hinted=bool(hint) and hint not in ("other", *GATES))
    content = {"price_amount", "seller"} <= set(fields)
    if gate is not None and gate.name in _SOFT_GATES:
        content = bool("price_amount" in fields or rated or posts)
    if gate is not None and not content:
        return gate
    if _says_not_found(page, fields):
        return Kind("not_found", 0.8, "says that nothing is here")
    judge = _Judge(page, set(fields), pairs, posts, rated, tab, offer)
    seen = judge.judge()
    if hint and hint not in ("other", *GATES):
        if hint == seen.name:
            return Kind(hint, 0.97, "the site file says so, and so does the page")
        good = _supports(hint, page, set(fields), posts)
        return Kind(hint, 0.85 if good else 0.4, f"the site file says so; the page looks like {seen.name}")
    return seen


def _supports(hint: str, page: Page, fields: set[str], posts: int) -> bool:
    if hint == "listing":
        return "title" in fields
    if hint == "thread":
        return posts > 0
    if hint in ("search", "home"):
        return bool(page.groups) or "description" not in fields
    return True


def _says_not_found(page: Page, fields: Collection[str]) -> bool:
    if {"price_amount", "description"} & set(fields) and "seller" in fields:
        return False
    heads = [page.tree.title, *(element.short or "" for element in headings(page))]
    if any(len(head) < 80 and words.NOT_FOUND.search(head) for head in heads[:4]):
        return len(text_of(page.tree.root, without=page.frame, limit=6000)) < 5000
    return _is_notice(page, heads[1:3])


def _is_notice(page: Page, heads: Collection[str]) -> bool:
    """A box of a few lines, of which the first says that nothing is here, under a heading such as "Information"."""
    if not any(words.NOTICE.fullmatch(head.strip()) for head in heads):
        return False
    lines = [e.short for e in page.content if e.tag in ("p", "li", "td") and e.short and len(e.short) < 120]
    return any(words.NOT_FOUND.search(line) for line in lines[:40])


class _Judge:
    """The clues of one page, and what they come to."""

    def __init__(
        self,
        page: Page,
        fields: set[str],
        pairs: Collection[Pair],
        posts: int,
        rated: Collection[int],
        tab: str,
        offer: bool,
    ) -> None:
        self.page = page
        self.fields = fields
        self.labels = {pair.label.field for pair in pairs if pair.label is not None}
        if "joined" not in self.labels and not self.labels & _STANDING and not self.says(words.PROFILE):
            self.labels.discard("last_seen")  # "Your last visit: yesterday"
        self.posts = posts
        self.rated = len(rated)
        self.tab = tab
        self.offer = offer
        groups = [g for g in page.groups if not any(m.number in rated for m in g.members)]
        sizes = [sum(member.size for member in group.members) for group in groups]
        whole = sum(map(len, page.strings)) + sum(sizes)
        main = [len(g.members) for g, size in zip(groups, sizes, strict=True) if size >= _MAIN * whole]
        self.cards = max(main, default=0)
        self.aside = max((len(group.members) for group in groups), default=0)
        if not self.cards and self.labels & _SELLER_FIELDS:
            self.cards = sum(len(group.members) for group in find_few(page, rated))

    @cached_property
    def heads(self) -> list[str]:
        """Short headings, and the parts of the document's title."""
        parts = [part.strip() for part in [self.page.tree.title, *_PARTS.split(self.page.tree.title)] if part]
        found = [*parts, *(element.short for element in headings(self.page) if element.short)]
        return [head for head in found[:24] if len(head.split()) <= _LONG_HEADING and len(head) <= 60]

    def says(self, pattern: re.Pattern[str]) -> bool:
        return any(pattern.search(head) for head in self.heads)

    @cached_property
    def orders(self) -> bool:
        """Can something be bought here: a button for it, outside of cards?"""
        for element in self.page.tree.elements:
            if element.number in self.page.carded or element.number in self.page.frame:
                continue
            if element.tag == "input" and element.attrs.get("type", "").lower() == "submit":
                if words.ORDER.match(element.attrs.get("value", "")):
                    return True
            elif element.tag in ("button", "a"):
                text = element.short or "".join(c for c in element.children if isinstance(c, str)).strip()
                if text and len(text) < 30 and words.ORDER.match(text):
                    return True
        return False

    @cached_property
    def mass(self) -> float:
        return sum(weight for name, weight in _MASS if name in self.fields)

    @cached_property
    def standing(self) -> float:
        """How much speaks for the page of one seller."""
        labels, found = self.labels, 0.0
        found += 2 * len(labels & _SELLER_FIELDS)
        found += 2 * (self.says(words.PROFILE))
        if (name := self._lone_name()) and _SCORED.search(" ".join(self._before_cards(name))):
            found += 3  # "nk88", and under it "Score 4.11 (289)"
        found += ("level" in labels) + ("rating" in labels) + ("sold" in labels) * 0.5 + bool(self.has_key)
        return found

    def _lone_name(self) -> Element | None:
        """The page's first heading, where it is one word with no place in the tree of categories."""
        first = next((e for e in headings(self.page) if e.short), None)
        if first is None or not first.short or re.fullmatch(r"[\w.-]{3,30}", first.short) is None:
            return None
        return first if fold_label(first.short) not in self.categories else None

    def _before_cards(self, head: Element) -> list[str]:
        first = min((g.members[0].number for g in self.page.groups), default=10**9)
        near = (e for e in self.page.content if head.number < e.number <= head.number + 20 and e.last < first)
        return [e.short for e in near if e.short]

    @cached_property
    def categories(self) -> frozenset[str]:
        """The names of the page's links to categories."""
        return frozenset(fold_label(each.name) for each in read_categories(self.page))

    @cached_property
    def is_category(self) -> bool:
        """Does a heading say the name of a category that the page links to?"""
        first = [e.short for e in headings(self.page) if e.short][:1]
        named = [*_PARTS.split(self.page.tree.title)[:1], *first]
        last = [re.split(r"\s*[›»>/]\s*", name)[-1] for name in named if name]
        return any(fold_label(name) in self.categories for name in last if len(name) > 2)

    @cached_property
    def has_key(self) -> int:
        """Letters of public keys on the page."""
        return sum(len(text) for text in self.page.strings if text.lstrip()[:40].startswith(_KEY_BLOCK))

    def judge(self) -> Kind:
        if self.offer and {"title", "price_text"} <= self.fields:
            return Kind("listing", 0.75, "the opening post of a thread offers something at a price")
        for clue in (
            self._errand,
            self._thread,
            self._rules,
            self._listing,
            self._home,
            self._tabs,
            self._list,
        ):
            if (kind := clue()) is not None:
                return kind
        return Kind("other", 0.5, "nothing decides")

    def _errand(self) -> Kind | None:
        """A cart, a wallet, an inbox: pages about the visitor. The last heading of the title says so."""
        first = next((e.short for e in headings(self.page) if e.short), "")
        named = [part for part in [*_PARTS.split(self.page.tree.title)[:2], first] if part]
        if any(words.ERRANDS.match(part.strip()) for part in named) and not self.labels & {
            "ships_from",
            "description",
        }:
            return Kind("other", 0.7, "about the visitor's own things")
        return None

    def _thread(self) -> Kind | None:
        if "price" in self.labels or self.rated >= max(1, self.posts // 2):
            return None
        if self.posts >= 2:
            return Kind("thread", 0.8, f"{self.posts} posts")
        if self.posts == 1 and not self.cards and not self.labels & _SELLER_FIELDS and self.mass < 5:
            return Kind("thread", 0.6, "one post with author or date")
        return None

    def _rules(self) -> Kind | None:
        if self.labels & {"price", "ships_from"} or self.standing >= 3:
            return None
        if self.cards >= _FEW_CARDS and (self.cards >= 6 or self._running() < _LONG_TEXT):
            return None  # a few cards at the side of a long text are what the site recommends on every page
        if self.is_category:
            return None
        first = [e.short for e in headings(self.page) if e.short][:2]
        named = [*_PARTS.split(self.page.tree.title)[:3], *first]
        short = [part for part in named if part and len(part.split()) <= _LONG_HEADING]
        if any(words.RULES.search(part.strip()) for part in short) and not self.orders:
            return Kind("rules", 0.75, "by its heading")
        if self._running() >= _LONG_TEXT and self.mass < 5 and self._sections() >= _FEW_SECTIONS:
            return Kind("rules", 0.6, "numbered sections of running text")
        return None

    def _sections(self) -> int:
        """Headings that are numbered, "3. Paying", "§ 2", "二、"."""
        return sum(1 for e in headings(self.page) if e.short and _NUMBERED.match(e.short))

    def _running(self) -> int:
        """Letters of the long pieces of text outside of cards and frames."""
        return sum(len(text) for text in self.page.strings if len(text) > 60)

    def _listing(self) -> Kind | None:
        if self.mass < 5 or "title" not in self.fields or not {"price_amount", "ships_from"} & self.fields:
            short = self.mass >= 3 and {"title", "price_amount"} <= self.fields
            if not short or not self.orders or self.cards >= _FEW_CARDS:
                return None
        strong = "ships_from" in self.fields or "price" in self.labels or self.orders
        sent = {"ships_from", "ships_to", "price_amount", "seller"} <= self.fields
        if self.standing >= 3 and not (strong and (self.orders or sent or "price" in self.labels)):
            return None
        if self.cards >= 6 and not strong:
            return None
        return Kind("listing", min(0.5 + self.mass / 20, 0.95), "title, price and the like")

    def _home(self) -> Kind | None:
        path = split_url(self.page.url).path
        if self.page.url and path in ("", "/", "/index.php", "/home", "/index.html", "/index"):
            return Kind("home", 0.8, "by its address")
        if self.says(words.PROFILE) or self.has_key:
            return None
        member = bool(self.labels & _SELLER_FIELDS)  # the visitor's own account, in a box of every page?
        if self.says(words.HOME) and (not member or (self.aside and self._tree() >= 3)):
            return Kind("home", 0.75, "by its title or heading")
        featured = sum(1 for head in self.heads if words.FEATURED.search(head))
        if featured and not member and not self._is_paged() and not self.says(words.RESULTS):
            groups = len(self.page.groups)
            if featured >= 2 or groups >= 2 or (self.aside and self._tree() >= 5):
                return Kind("home", 0.6, "what is new or chosen, and no list that goes on")
        return None

    def _tabs(self) -> Kind | None:
        """A seller's page, or a tab of it; or ratings or a key that stand alone."""
        tab = self.tab
        if self.standing < 2 and self._lists_topics():
            return Kind("search", 0.65, "a list of topics")
        few = self.cards < _FEW_CARDS and "joined" not in self.labels and not self.says(words.PROFILE)
        if few and not self.rated and (onions := count_onions(self.page)) and onions >= 3:
            return Kind("directory", 0.8, f"a list of {onions} onion addresses")
        seller = self.labels & _SELLER_FIELDS or self.standing >= 3
        key = bool(words.KEY.search(tab))
        if self.has_key and not self.cards and not self.rated:
            whole = self.has_key > 0.5 * sum(map(len, self.page.strings))
            if key or ((whole or not seller) and self.says(words.KEY)) or (whole and not seller):
                return Kind("pgp", 0.8, "a public key and little else")
        if seller:
            # what a seller offers may stand small beside a long list of ratings, and is no side show
            cards = self.cards or self.aside
            if key and not cards:
                return Kind("pgp", 0.8, "a seller's page, the tab of the key")
            own_cards = cards and not (self.rated > cards and name_many(self.page.groups))
            if not own_cards and (_FEEDBACK.search(tab) or read_sign_word(tab)):
                return Kind("feedback", 0.8, "a seller's page, the tab of feedback")
            headed = self.rated >= 2 and not cards and not self.has_key
            alone = headed and not self.labels & _SELLER_FIELDS
            if headed and self._is_headed_feedback() and not self.says(words.PROFILE):
                return Kind("feedback", 0.7, "ratings of somebody, as the page's first heading says")
            if alone and self.says(_FEEDBACK) and not self.says(words.PROFILE):
                return Kind("feedback", 0.7, "ratings under a heading for them")
            return Kind("seller", 0.8, "says since when somebody is a member, or that it is a profile")
        if (
            self.rated
            and (self.says(_FEEDBACK) or _FEEDBACK.search(tab) or self.rated >= 5)
            and not self.cards
        ):
            return Kind("feedback", 0.7, f"{self.rated} ratings")
        if (
            few
            and count_onions(self.page) >= 2
            and any("-----BEGIN PGP SIGNED" in text for text in self.page.strings)
        ):
            return Kind("directory", 0.7, "a signed list of onion addresses")
        if self.standing >= 2 and not (self.cards >= _FEW_CARDS and self.says(words.RESULTS)):
            return Kind("seller", 0.6, "says that it is a profile")
        return None

    def _is_headed_feedback(self) -> bool:
        first = next((own_line(e) or "" for e in headings(self.page) if e.size), "")
        named = [first, *_PARTS.split(self.page.tree.title)[:1]]
        return all(name and len(name) <= 80 and _FEEDBACK.search(name) for name in named)

    def _list(self) -> Kind | None:
        if self.cards >= _FEW_CARDS:
            return Kind("search", min(0.6 + self.cards / 40, 0.9), f"{self.cards} cards")
        listed = self.aside >= _FEW_CARDS and (self.says(words.RESULTS) or self._is_paged())
        if listed or (self.is_category and not self.fields & {"price_amount", "ships_from"}):
            return Kind("search", 0.6, "a category that holds little")
        label = find_label(self.tab) if self.tab else None
        if label is not None and label.field in ("description", "refund", "terms") and "title" in self.fields:
            return Kind("listing", 0.55, "the tab of a listing")
        if self.says(words.RESULTS) and (self.cards or self._says_nothing()):
            return Kind("search", 0.65, "a list that holds little or nothing")
        if self._tree() >= 8 and not self.fields & {"price_amount", "seller"} and len(self.page.strings) < 60:
            return Kind("home", 0.55, "hardly more than categories")
        return None

    def _lists_topics(self) -> bool:
        heads = [find_label(e.short) for e in self.page.content if e.tag in ("th", "td") and e.short]
        return {"title", "replies"} <= {label.field for label in heads[:60] if label is not None}

    def _says_nothing(self) -> bool:
        return any(
            element.short and len(element.short) <= 90 and words.NOTHING.search(element.short)
            for element in self.page.content
        )

    def _is_paged(self) -> bool:
        return any(
            element.words & {"pagination", "pager", "paging", "paginator"}
            for element in self.page.tree.elements
        )

    def _tree(self) -> int:
        """Links with a count beside their name: categories."""
        return sum(1 for element in self.page.tree.elements if element.tag == "a" and has_count(element))
