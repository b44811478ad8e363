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


def draw_weeks(weeks: Sequence[Week]) -> str:
    """A bar for each week, reviewed ads below and waiting ones above, with the week's number of ads on top."""
    step = max(1, -(-len(weeks) // MAX_LABELS))
    labels = [f"{week.start:%d %b}" + ("" if week.whole else "*") for week in weeks]
    bars = [
        {"week": number, "evidence": evidence, "ads": count, "order": order}
        for number, week in enumerate(weeks)
        for order, (evidence, count) in enumerate(((REVIEWED, week.reviewed), (SCORED, week.scored)))
    ]
    tops = [
        {"week": number, "ads": week.reviewed + week.scored}
        for number, week in enumerate(weeks)
        if week.reviewed + week.scored
    ]
    highest = max((top["ads"] for top in tops), default=0)
    shown = [number for number in range(len(weeks)) if number % step == 0]
    words = " : ".join(f"datum.value == {number} ? '{labels[number]}'" for number in shown)
    x = altair.X(
        "week:O",
        axis=altair.Axis(
            title="week from Monday (UTC)"
            + ("" if all(week.whole for week in weeks) else "   * partly in the period"),
            values=shown,
            labelExpr=f"{words} : ''" if shown else "''",
            labelAngle=0,
            labelOverlap=False,
            ticks=False,
            domainColor=QUIET,
        ),
        scale=altair.Scale(paddingInner=0.25, paddingOuter=0.15),
    )
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
    drawn = (
        altair.Chart({"values": bars})
        .mark_bar(stroke=INK, strokeWidth=0.6)
        .encode(
            x=x,
            y=altair.Y("ads:Q", axis=axis, scale=scale, stack="zero"),
            color=altair.Color(
                "evidence:N",
                scale=altair.Scale(domain=list(COLOURS), range=list(COLOURS.values())),
                legend=altair.Legend(title=None, orient="top", symbolType="square", symbolStrokeColor=INK),
            ),
            order=altair.Order("order:O"),
        )
    )
    numbers = (
        altair.Chart({"values": tops})
        .mark_text(dy=-7, font=FONT, fontSize=11, color=INK)
        .encode(x=x, y=altair.Y("ads:Q", scale=scale), text=altair.Text("ads:Q", format="d"))
    )
    chart = (
        altair.layer(drawn, numbers)
        .properties(width=640, height=190, background="transparent")
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
