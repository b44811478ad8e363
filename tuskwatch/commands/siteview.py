"""How pages, samples and runs of a site are shown to the person who adds it.

Public names: show_inspection, show_summary, show_checks, inspection_json.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from tuskwatch.output import show_table, show_text

if TYPE_CHECKING:
    from crawler.inspection import Inspection
    from crawler.lookaround import Summary
    from crawler.samples import SiteCheck

_WIDE = 90
_EXAMPLES = 3


def show_inspection(page: Inspection) -> None:
    """One page: what it is and why, what was read, where its links lead."""
    show_text(f"Page {page.page_id}: {page.path}" if page.page_id else page.path)
    show_text(f"  status {page.status}, {page.size:,} bytes, title: {page.title or '(none)'}")
    show_text(f"  {'gate' if page.gate else 'kind'}: {page.kind} ({page.why})")
    if not page.gate:
        differs = "" if page.read_as == page.kind else "   <- the site file says otherwise"
        show_text(
            f"  read as: {page.read_as} ({page.sure:.0%} sure), language {page.language or 'unknown'}, "
            f"{page.cards} cards{differs}"
        )
    for name in page.patterns:
        show_text(f"  matches {name}")
    for note in page.notes:
        show_text(f"  note: {note}")
    if page.fields:
        show_table(
            ("Field", "Read", "From", "Sure"),
            [(f.name, _clip(f.value), _clip(f.where, 60), f.sure) for f in page.fields],
        )
    if page.leftovers:
        show_text(
            "  labels that no field takes: " + ", ".join(f"{n}: {v}"[:60] for n, v in page.leftovers[:12])
        )
    if page.links:
        show_table(("Links to", "Followed", "Left out", "Why", "For example"), _link_rows(page))
    elif not page.gate:
        show_text("  no links of the site's own")
    if page.foreign:
        show_text(
            "  to other places, recorded and never followed: "
            + ", ".join(f"{number} {kind}" for kind, number in page.foreign.items())
        )
    if page.marks:
        show_table(
            ("Mark", "Selector", "Elements", "As it should be for this kind"),
            [
                (
                    f"{m.kind} {m.wanted}",
                    m.selector,
                    m.found,
                    ("yes" if m.good else "NO") if m.kind == page.kind else "-",
                )
                for m in page.marks
            ],
        )


def _link_rows(page: Inspection) -> list[tuple[object, ...]]:
    groups: dict[tuple[str, str], list[str]] = {}
    for link in page.links:
        groups.setdefault((link.kind, link.why), []).append(link.path)
    return [
        (
            kind,
            0 if why else len(paths),
            len(paths) if why else 0,
            _clip(why or "-", 60),
            _clip("  ".join(paths[:_EXAMPLES])),
        )
        for (kind, why), paths in sorted(groups.items(), key=lambda item: (bool(item[0][1]), -len(item[1])))
    ]


def show_summary(summary: Summary, troubles: Sequence[str]) -> None:
    """A look around: pages by kind, fields, what was left out, and patterns to put into the file."""
    show_text(f"{summary.pages} pages looked at; {summary.addresses} addresses seen.")
    show_table(
        ("Kind by the site file", "Pages", "Read as", "For example"),
        [(row.kind, row.pages, row.read_as or "-", row.example) for row in summary.kinds],
    )
    for trouble in troubles:
        show_text(f"  {trouble}")
    if summary.ads:
        show_table(
            (f"Field, on {summary.ads} ads", "Read on", "Share"),
            [(name, number, f"{number / summary.ads:.0%}") for name, number in summary.fields],
        )
    else:
        show_text("No ad among these pages: no page was read as a listing or thread.")
    if summary.leftovers:
        show_text(
            "Labels that no field takes: " + ", ".join(f"{name} ({n})" for name, n in summary.leftovers)
        )
    if summary.left_out:
        show_table(
            ("Left out because of", "Addresses", "For example"),
            [(why, number, example) for why, number, example in summary.left_out],
        )
    if summary.foreign:
        show_text(
            "To other places, never followed: " + ", ".join(f"{n} {kind}" for kind, n in summary.foreign)
        )
    for name in summary.idle:
        show_text(f"matches no address seen: {name}")
    if summary.suggestions:
        show_table(
            ("No pattern matches these: perhaps", "Pattern", "Read so", "Addresses", "For example"),
            [
                (s.kind or s.read or "(not looked at)",
                 s.pattern, f"{s.seen} of {s.looked}", s.addresses, "  ".join(s.examples))
                for s in summary.suggestions
            ],
        )  # fmt: skip
        lines: dict[str, list[str]] = {}
        for suggestion in summary.suggestions:
            if suggestion.kind:
                lines.setdefault(suggestion.kind, []).append("'" + suggestion.pattern + "'")
        if lines:
            show_text("To try, under kinds in site.yml (look at each before you believe it):")
            for kind, patterns in lines.items():
                show_text(f"  {kind}: [{', '.join(patterns)}]")


def show_checks(site: str, check: SiteCheck) -> None:
    """The samples of one site against its rules and what is expected of them."""
    for sample in check.samples:
        page = sample.inspection
        show_text(f"sample {sample.name}: {page.path}")
        show_text(f"  {'gate' if page.gate else 'kind'} {page.kind} ({page.why}); read as {page.read_as}")
        for name in page.patterns:
            show_text(f"  matches {name}")
        for mark in page.marks:
            if mark.found or mark.kind == page.kind:
                wrong = "   <- WRONG for its kind" if mark.kind == page.kind and not mark.good else ""
                show_text(f"  marks.{mark.kind}.{mark.wanted} {mark.selector}: {mark.found} elements{wrong}")
        show_table(
            ("Field", "State", "Expected", "Read"),
            [(row.field, row.state, _clip(row.expected, 70), _clip(row.read, 70)) for row in sample.fields],
        )
    if check.samples:
        for name in check.idle:
            show_text(f"{site}: matches nothing in any sample: {name}")
        for name in check.unnamed:
            show_text(f"{site}: no pattern under kinds matches the address of sample {name}")


def inspection_json(page: Inspection) -> dict[str, Any]:
    return asdict(page)


def _clip(text: str, width: int = _WIDE) -> str:
    text = " ".join(text.split())
    return text if len(text) <= width else text[: width - 1] + "…"
