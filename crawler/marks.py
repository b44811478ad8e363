"""What the site file says of how pages look, held against one page: is it what its address says, or which gate?

Public names: check_marks, MarkReport.

Pure. Selectors are checked when the site file is read; the tree is bounded by crawler.markup.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from selectolax.lexbor import LexborHTMLParser

from crawler.siteconfig import GATE_KINDS, Marks


@dataclass(frozen=True)
class MarkReport:
    """sure: the page has all that its kind requires and nothing that it forbids. gate: the gate whose marks it has.

    lacks: what is wrong with it as a page of its kind, in words; empty when nothing is, or when nothing was said of it.
    """

    sure: bool = False
    gate: str = ""
    lacks: str = ""


def check_marks(tree: LexborHTMLParser, marks: Mapping[str, Marks], kind: str) -> MarkReport:
    """Hold the marks of `kind` (what the address says) and of every gate against one page.

    A page that is surely of its kind is no gate, whatever else it shows: a login box may stand beside a listing.
    """
    own = marks.get(kind)
    lacks = _lacks(tree, own) if own is not None else ""
    if own is not None and own.require and not lacks:
        return MarkReport(sure=True)
    for gate in GATE_KINDS:
        named = marks.get(gate)
        # A gate that requires nothing would be every page that lacks something.
        if named is not None and named.require and not _lacks(tree, named):
            return MarkReport(gate=gate, lacks=lacks)
    return MarkReport(lacks=lacks)


def _lacks(tree: LexborHTMLParser, marks: Marks) -> str:
    for selector in marks.require:
        if tree.css_first(selector) is None:
            return f"it has no {selector}"
    for selector in marks.forbid:
        if tree.css_first(selector) is not None:
            return f"it has {selector}"
    return ""
