"""Labels and the values beside them, wherever on the page they stand and however they are marked up.

Public names: Pair, find_pairs.

Five forms are known: cells of a table (beside or below), definition lists, a marked word and what follows it
(<b>Price:</b> $5), "Label: value" lines, and headings or tabs over a section of text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from crawler.html import BLOCKS, Element
from crawler.labels import SECTIONS, Label, find_label, find_prefix
from crawler.parts import first_link, is_control, pictures_of, text_of_parts
from crawler.regions import Page

_HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
_MARKED = frozenset(("b", "strong", "label", "th", "dt", "small", "em"))
_ACTIVE = frozenset(("active", "selected", "current", "focus", "focused", "on"))
_CONTROLS = frozenset(("input", "select", "button", "textarea", "option", "legend", "fieldset"))
_LINE = re.compile(r"^\s*([^:：\n]{2,44}?)\s*[:：]\s*(\S.*)$", re.S)
_OF = re.compile(r"^(.{3,32}?) (?:of|for|von|de|du|di|da|van) \S")
_PARTS = re.compile(r"[|•·/\n]|\s-\s")
_BREAKS = re.compile(r"\n|\s[|•·]\s")
_MOST = 1_000
"""Pairs of one page. A page with more is a flood."""
_MOST_WORK = 400_000
"""Elements that the values of all pairs hold together. Labels nested in each other's values count them again and again."""
_HEADS = SECTIONS - {"tags"}
_NEAR = 60
_FAR = 3_000
"""Nodes after a label that may be its value, or its section."""
_WIDE = 400
"""Children of a row. One with more is no row of labels and values, and looking through it for each cell takes for ever."""


@dataclass(frozen=True)
class Pair:
    """A label and its value. `element`: where the value stands. `link`: the text of the first link in the value."""

    label: Label | None
    name: str
    value: str
    element: Element
    sure: float
    link: str = ""
    parts: tuple[Element | str, ...] = ()


class _Finder:
    def __init__(self, page: Page) -> None:
        self.page = page
        self.inside = {element.number for element in page.content}
        self.labels: dict[int, Label] = {}
        self.marks: set[int] = set()
        self.pairs: list[Pair] = []
        self.targets: dict[str, Element] = {}
        self.work = 0

    def find(self) -> list[Pair]:
        for element in self.page.worded:
            if len(element.short or "") <= 60 and element.tag not in _CONTROLS:
                self._note(element, element.short or "")
        for element in self.page.content:
            if element.attrs and "id" in element.attrs:
                self.targets.setdefault(element.attrs["id"], element)
        for element in self.page.content:
            if len(self.pairs) >= _MOST or self.work > _MOST_WORK:
                break
            if label := self.labels.get(element.number):
                self._read_label(element, label)
            elif element.number in self.marks:
                self._read_mark(element)
            elif element.tag not in _CONTROLS:
                self._read_strings(element)
        return self.pairs

    # --- which elements are labels ---

    def _note(self, element: Element, text: str) -> None:
        parent = element.parent
        if parent is not None and parent.short == text and parent.number in self.inside:
            return  # the outermost element with this text is the label
        if label := _label_of(text):
            self.labels[element.number] = label
        elif _is_mark(element, text):
            self.marks.add(element.number)

    # --- the value of a label ---

    def _read_label(self, element: Element, label: Label) -> None:
        if label.field in SECTIONS:
            if (pane := self._pane(element)) is not None:
                self._last = pane
                self._add(label, element.short or "", [pane], 0.9)
                return
            if _is_inactive_tab(element, self.page.url):
                return
            parts = self._section(element)
            sure = 0.95 if element.tag in _HEADINGS else 0.9
        else:
            if element.tag == "a" or (element.tag == "li" and any(c.tag == "a" for c in element.elements())):
                return  # a link to somewhere, no label
            parts, sure = self._beside(element)
        self._add(label, element.short or "", parts, sure)

    def _pane(self, element: Element) -> Element | None:
        """The part of the page that a tab shows (href="#terms"), where the part has no heading of that name itself."""
        link = next((i for i in element.iter() if i.tag == "a"), None)
        target = link.attrs.get("href", "") if link is not None else ""
        if len(target) < 2 or target[0] != "#":
            return None
        pane = self.targets.get(target[1:])
        if pane is None or not pane.size or pane.tag in ("a", "body", "html") or element.inside(pane):
            return None
        own = self.labels.get(element.number)
        inside = (self.labels[i.number] for i in pane.iter()[:200] if i.number in self.labels)
        return None if any(own is not None and each.field == own.field for each in inside) else pane

    def _read_mark(self, element: Element) -> None:
        parts, _ = self._beside(element)
        self._add(None, element.short or "", parts, 0.5)

    def _add(self, label: Label | None, name: str, parts: list[Element | str], sure: float) -> None:
        if not parts:
            return
        self.work += sum(part.last - part.number + 1 for part in parts if isinstance(part, Element))
        value = text_of_parts(parts) or pictures_of(parts)
        if not value or (label is None and len(value) > 200):
            return
        anchor = next((part for part in parts if isinstance(part, Element)), None)
        if anchor is None:
            anchor = self._last
        self.pairs.append(Pair(label, name, value, anchor, sure, first_link(parts), tuple(parts)))

    def _beside(self, element: Element) -> tuple[list[Element | str], float]:
        self._last = element
        parent = element.parent
        if parent is None:
            return [], 0.0
        after = _after(parent, element.place)
        if element.tag in ("td", "th"):
            return self._cell(element, parent, after)
        if element.tag == "dt":
            values: list[Element | str] = []
            for node in after:
                if isinstance(node, Element):
                    if node.tag == "dt":
                        break
                    values.append(node)
            return values, 0.95
        parts = self._until_label(after)
        return parts, 0.92

    def _cell(
        self, element: Element, row: Element, after: list[Element | str]
    ) -> tuple[list[Element | str], float]:
        if len(row.children) > _WIDE:
            return [], 0.0
        cells = [node for node in after if isinstance(node, Element) and node.tag in ("td", "th")]
        row_cells = [node for node in row.elements() if node.tag in ("td", "th")]
        if cells and not (element.tag == "th" and cells[0].tag == "th"):
            # "Payment | Escrow": a value may be a label's word, but in rows of pairs it stands in the second place
            paired = element.tag == "td" and len(row_cells) % 2 == 0 and row_cells.index(element) % 2 == 0
            headed = element.tag == "th" and cells[0].tag == "td" and len(row_cells) == 2
            if headed or not self._is_label(cells[0]) or (paired and not _is_bold(cells[0])):
                self.labels.pop(cells[0].number, None)
                return [cells[0]], 0.95
        heads = sum(1 for cell in row_cells if cell.tag == "th" or self._is_label(cell))
        if heads < len(row_cells) or len(row_cells) < 2:
            return [], 0.0
        below = _rows_below(row)
        if len(below) != 1:
            return [], 0.0  # a table of many things, not of this one
        column = [node for node in below[0].elements() if node.tag in ("td", "th")]
        index = row_cells.index(element)
        return ([column[index]], 0.9) if len(column) == len(row_cells) else ([], 0.0)

    def _is_label(self, element: Element) -> bool:
        return element.number in self.labels or element.number in self.marks

    def _until_label(self, nodes: list[Element | str], *, filled: bool = False) -> list[Element | str]:
        """What follows a marked word: up to the next label, line break or block. `filled`: the value has begun."""
        parts: list[Element | str] = []
        for place, node in enumerate(nodes):
            if isinstance(node, str):
                parts.append(node)
                filled = filled or any(map(str.isalnum, node))
                continue
            if not filled and node.number in self.labels and _ends_row(node, nodes[place + 1 :]):
                self.labels.pop(node.number)  # "Payment | Escrow": the value is a label's word
                return [*parts, node]
            if self._is_label(node) or node.tag == "hr" or is_control(node):
                break  # before a control it is the control's label, and no value follows
            if node.tag == "br":
                if filled:
                    break
                continue
            block = node.tag in BLOCKS
            if block and filled:
                break
            if any(self._is_label(inner) or is_control(inner) for inner in node.iter()):
                break
            parts.append(node)
            filled = filled or node.size > 0
            if block and filled:
                break
        return parts if filled or pictures_of(parts) else []

    def _section(self, element: Element) -> list[Element | str]:
        """The stretch of text that a heading or tab stands over."""
        here: Element = element
        self._last = element
        for _ in range(4):
            parent = here.parent
            if parent is None or here.tag == "body":
                return []
            if here.tag == "td" and (cells := self._cell(here, parent, _after(parent, here.place))[0]):
                return cells
            parts = self._stretch(_after(parent, here.place, _FAR), element)
            if parts:
                return parts
            here = parent
        return []

    def _stretch(self, nodes: list[Element | str], head: Element) -> list[Element | str]:
        parts: list[Element | str] = []
        filled = False
        tab = any(i.tag == "a" and "href" in i.attrs and i.short == head.short for i in head.iter())
        for node in nodes:
            if isinstance(node, str):
                parts.append(node)
                filled = filled or any(map(str.isalnum, node))
                continue
            label = self.labels.get(node.number)
            if label is not None or (node.tag in _HEADINGS and filled and node.tag <= _level(head)):
                if filled or node.tag not in ("a", "li", "span", "button"):
                    break
                continue  # the other tabs of the bar
            if node.number not in self.inside or (node.tag == "form" and filled):
                continue
            if not filled and tab and node.tag == head.tag:
                continue  # another tab of the bar, whatever it is called
            first = next((self.labels[i.number] for i in node.iter() if i.number in self.labels), None)
            if first is not None and filled:
                break
            if filled and (_is_action(node) or _is_tagged(node)):
                continue
            parts.append(node)
            filled = filled or node.size > 0
        return parts if filled else []

    # --- lines of text ---

    def _read_strings(self, element: Element) -> None:
        children = element.children
        self._last = element
        for index, child in enumerate(children):
            if not isinstance(child, str) or len(child) > 400 or child.isspace():
                continue
            if len(self.pairs) >= _MOST:
                return
            text = child.strip(" \t\n\r\u00a0|·•")
            if self._leads_on(children, index + 1):
                tail = text if len(text) <= 44 and not _PARTS.search(text) else _PARTS.split(text)[-1].strip()
                if tail and (label := find_label(tail)) and label.field not in _HEADS:
                    # "Sold by <a>nk88</a>", "Price: <span>$5</span>"
                    self._add(label, tail, self._until_label(_after(element, index)), 0.88)
                    continue
            if "\n" not in text and (
                ("|" not in text and "•" not in text and "·" not in text) or not _BREAKS.search(text)
            ):
                self._read_line(text, element, index)
            else:
                for line in _BREAKS.split(text):
                    self._read_line(line.strip(), element)

    def _leads_on(self, nodes: list[Element | str], start: int) -> bool:
        """Is the first element from there on neither a line break nor a label?"""
        for place in range(start, min(start + _NEAR, len(nodes))):
            node = nodes[place]
            if isinstance(node, Element):
                return node.tag != "br" and not self._is_label(node)
        return False

    def _read_line(self, line: str, element: Element, index: int = -1) -> None:
        """`index`: the line's place among the children of `element`, where a value may go on behind it."""
        if len(line) < 5:
            return
        if (":" in line or "：" in line) and (match := _LINE.match(line)):
            label = find_label(match[1])
            if label is not None and label.field not in _HEADS:
                rest = self._until_label(_after(element, index), filled=True) if index >= 0 else []
                self._add(label, match[1], [match[2], *rest], 0.85)
            elif label is None and len(line) <= 80 and len(match[1].split()) <= 3:
                self._add(None, match[1], [match[2]], 0.3)
        elif len(line) <= 120 and (found := find_prefix(line)):
            self._add(found[0], found[0].text, [found[1]], 0.8)


def find_pairs(page: Page) -> list[Pair]:
    """All labels of the content with their values, in the order of the page; unknown labels have `label` None."""
    return _Finder(page).find()


def _label_of(text: str) -> Label | None:
    label = find_label(text)
    if label is None and text.count(" ") > 1 and (match := _OF.match(text)):
        head = find_label(match[1])  # "Terms and conditions of nk88"
        label = head if head is not None and head.field in SECTIONS else None
    return label


def _is_mark(element: Element, text: str) -> bool:
    """A word in the place of a label that no dictionary knows."""
    if len(text) > 40 or len(text.split()) > 5:
        return False
    if element.tag in ("th", "dt", "label"):
        return True
    if element.tag == "td":
        row = element.parent
        if row is None or len(row.children) > _WIDE:
            return False
        cells = [node for node in row.elements() if node.tag == "td"]
        return (len(cells) == 2 and cells[0] is element and text.rstrip().endswith((":", "："))) or (
            len(cells) == 2
            and cells[0] is element
            and any(child.tag in _MARKED for child in element.elements())
        )
    return element.tag in _MARKED and text.endswith((":", "："))


def _is_inactive_tab(element: Element, url: str) -> bool:
    """One of several tabs that lead elsewhere: only the tab whose text is on this page may head it."""
    link = element if element.tag == "a" else next((i for i in element.iter() if i.tag == "a"), None)
    if link is None or not link.attrs.get("href") or link.short != element.short:
        return False
    href = link.attrs["href"]
    if href.startswith("#"):
        return True  # its text has an element of its own
    for item in (element, link, element.parent):
        if item is not None:
            names = set(item.attrs.get("class", "").lower().replace("-", " ").replace("_", " ").split())
            active = (
                names & _ACTIVE or "aria-current" in item.attrs or item.attrs.get("aria-selected") == "true"
            )
            if active and (item is not element.parent or item.tag == "li"):
                return False
    return not (
        url and href.split("#")[0] and url.split("://", 1)[-1].partition("/")[2].endswith(href.lstrip("./"))
    )


def _is_action(element: Element) -> bool:
    """Nothing but a link or two: "Report this item"."""
    if element.short is None or len(element.short) > 60 or element.tag == "pre":
        return False
    linked = sum(inner.size for inner in element.iter() if inner.tag == "a" and "href" in inner.attrs)
    return element.size > 0 and linked >= element.size


def _ends_row(element: Element, after: list[Element | str]) -> bool:
    """Is a label's word the last of its row, without a colon or text of its own to follow?"""
    text = element.short or ""
    if text.endswith((":", "：")) or element.tag in _HEADINGS or len(after) > 3:
        return False
    return not any(node.strip() if isinstance(node, str) else node.size for node in after)


def _is_tagged(element: Element) -> bool:
    """A line of key words under a text: "Tags: ivory, old"."""
    head, colon, _ = (element.short or "").replace("：", ":").partition(":")
    label = find_label(head) if colon else None
    return label is not None and label.field == "tags"


def _is_bold(element: Element) -> bool:
    return any(child.tag in ("b", "strong", "label", "th") for child in element.elements())


def _level(element: Element) -> str:
    if element.tag in _HEADINGS:
        return element.tag
    return next((inner.tag for inner in element.iter() if inner.tag in _HEADINGS), "h9")


def _after(parent: Element, place: int, most: int = _NEAR) -> list[Element | str]:
    """The children of `parent` that follow a place, so many at most: hostile pages have a hundred thousand."""
    return parent.children[place + 1 : place + 1 + most]


def _rows_below(row: Element) -> list[Element]:
    table = next((outer for outer in row.up() if outer.tag == "table"), None)
    if table is None:
        return []
    return [inner for inner in table.iter() if inner.tag == "tr" and inner.number > row.last]
