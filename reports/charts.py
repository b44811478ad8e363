"""Draws the report's chart as SVG: the same drawing on screen and on paper, no script, nothing from outside.

Public names: draw_weeks.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import altair
import vl_convert

from reports.figures import Week

REVIEWED, SCORED = "reviewed by a person", "flagged, not yet reviewed"
COLOURS = {REVIEWED: "#0f5f59", SCORED: "#e3b04b"}
INK, QUIET, LINE = "#1c1b18", "#5d594e", "#dcd8cd"
"""Plain words for colours that the report's style sheet turns round in a dark theme."""
FONT = "DejaVu Sans, sans-serif"
MAX_LABELS = 14
MAX_NUMBERS = 30


def draw_weeks(weeks: Sequence[Week]) -> str:
    """Two bars for each week, reviewed and waiting side by side (the two are never added up), each with its number."""
    step = max(1, -(-len(weeks) // MAX_LABELS))
    labels = [f"{week.start.day} {week.start:%b}" + ("" if week.whole else "*") for week in weeks]
    bars = [
        {"week": number, "evidence": evidence, "ads": count}
        for number, week in enumerate(weeks)
        for evidence, count in ((REVIEWED, week.reviewed), (SCORED, week.scored))
        if count
    ]
    highest = max((max(week.reviewed, week.scored) for week in weeks), default=0)
    shown = [number for number in range(len(weeks)) if number % step == 0]
    words = " : ".join(f"datum.value == {number} ? '{labels[number]}'" for number in shown)
    x = altair.X(
        "week:O",
        axis=altair.Axis(
            title="week from Monday (UTC)"
            + ("" if all(week.whole for week in weeks) else "; * partly in the period"),
            titlePadding=8,
            labelPadding=5,
            values=shown,
            labelExpr=f"{words} : ''" if shown else "''",
            labelAngle=0,
            labelOverlap=False,
            ticks=False,
            domainColor=QUIET,
        ),
        scale=altair.Scale(domain=list(range(len(weeks))), paddingInner=0.25, paddingOuter=0.15),
    )
    offset = altair.XOffset("evidence:N", scale=altair.Scale(domain=list(COLOURS)))
    scale = altair.Scale(domain=[0, max(4, highest + 1)], nice=False)
    axis = altair.Axis(
        title="distinct ads",
        tickMinStep=1,
        tickCount=5,
        format="d",
        gridColor=LINE,
        domain=False,
        ticks=False,
    )
    base = altair.Chart({"values": bars}).encode(x=x, xOffset=offset)
    drawn = base.mark_bar(stroke=INK, strokeWidth=0.6).encode(
        y=altair.Y("ads:Q", axis=axis, scale=scale, stack=None),
        color=altair.Color(
            "evidence:N",
            scale=altair.Scale(domain=list(COLOURS), range=list(COLOURS.values())),
            legend=altair.Legend(title=None, orient="top", symbolType="square", symbolStrokeColor=INK),
        ),
    )
    numbers = base.mark_text(dy=-7, font=FONT, fontSize=11, color=INK).encode(
        y=altair.Y("ads:Q", scale=scale, stack=None), text=altair.Text("ads:Q", format="d")
    )
    # Over half a year the numbers would stand on each other; table 2 has them all.
    layers = [drawn, numbers] if len(weeks) <= MAX_NUMBERS else [drawn]
    chart = (
        altair.layer(*layers)
        .properties(width=780, height=165, background="transparent")
        .configure_view(stroke=None)
        .configure_axis(
            labelFont=FONT, titleFont=FONT, labelColor=INK, titleColor=QUIET, titleFontWeight="normal"
        )
        .configure_legend(labelFont=FONT, labelColor=INK, labelFontSize=11)
    )
    # An empty list of base addresses: the drawing can fetch nothing, whatever stands in it.
    svg: str = vl_convert.vegalite_to_svg(chart.to_json(), allowed_base_urls=[])
    return _name(svg)


def _name(svg: str) -> str:
    """The drawing as an image that readers of screens are told about in one sentence, by the table beneath it."""
    svg = re.sub(r"<\?xml[^>]*\?>|<!DOCTYPE[^>]*>", "", svg)
    return svg.replace("<svg ", '<svg role="img" aria-labelledby="chart-title" ', 1)
