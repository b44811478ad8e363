"""The figures as a table for other programs: one measure a row, and no cell that a spreadsheet runs.

Public names: render_csv, safe_cell, COLUMNS.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import datetime, timedelta

from reports.figures import EVIDENCE, Figures, Tally
from storage.tables import GROUPS

COLUMNS = ("section", "site", "evidence", "group", "from", "to", "measure", "value", "text")
"""section: period, scope, ads, week, model or ad. An empty site, evidence or group means: of all of them, distinct."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "＝", "＋", "－", "＠")

Row = tuple[str, str, str, str, str, str, str, object, str]


def render_csv(figures: Figures) -> str:
    """All figures, then one row for each ad. Times in UTC; `to` is not in the row's period."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in (*_scope(figures), *_counts(figures), *_weeks(figures), *_models(figures), *_ads(figures)):
        writer.writerow([safe_cell(str(cell)) for cell in row])
    return buffer.getvalue()


def safe_cell(text: str) -> str:
    """An apostrophe before anything that a spreadsheet could take for a formula."""
    return "'" + text if text.lstrip(" \u3000\u00a0").startswith(_FORMULA) else text


def _scope(figures: Figures) -> Iterator[Row]:
    coverage = figures.coverage
    start, end = _time(figures.start), _time(figures.end)
    yield (
        "period",
        "",
        "",
        "",
        start,
        end,
        "written",
        _time(figures.now),
        "both times in UTC; the end is not in it",
    )
    for gone in coverage.gone:
        words = f"rule {gone.rule}, last {_time(gone.last)}"
        yield (
            "scope",
            "",
            "",
            "",
            start,
            _time(figures.now),
            f"{gone.table}s taken away by retention",
            gone.count,
            words,
        )
    look = _time(coverage.first_look), _time(coverage.last_look)
    for measure, value in (
        ("sites known", len(coverage.sites)),
        ("sites read", coverage.sites_read),
        ("sites read to the end", coverage.sites_done),
        ("runs ended", coverage.runs),
        ("runs that reached the end", coverage.runs_done),
        ("runs ended within the period", coverage.runs_inside),
        ("pages fetched", coverage.pages),
        ("pages with content", coverage.answered),
        ("requests without an answer", coverage.failed),
        ("listings seen", coverage.seen),
    ):
        yield "scope", "", "", "", *look, measure, value, ""
    for measure, value in (
        ("listings dated in the period", figures.listings),
        ("of them dated by the first time seen", figures.undated),
        ("of them scored by a model", figures.scored_listings),
        ("flagged", figures.flagged),
        ("flagged and reviewed", figures.flagged_reviewed),
        ("flagged, reviewed and found to be an ad", figures.flagged_confirmed),
        ("flagged and waiting for review", figures.waiting),
        ("reviewed and found to be none", figures.turned_down),
        ("reviewed ads that were not flagged", figures.unflagged_found),
        ("people who reviewed", figures.reviewers),
        ("passed over by today's model, of any date", figures.checked.passed),
        ("of them drawn at random and judged", figures.checked.drawn),
        ("of these found to be an ad", figures.checked.missed),
    ):
        yield "scope", "", "", "", start, end, measure, value, ""
    for site in coverage.sites:
        look = _time(site.first_look), _time(site.last_look)
        for measure, value in (
            ("runs ended", site.ended),
            ("runs that reached the end", site.done),
            ("pages fetched", site.pages),
            ("pages with content", site.answered),
            ("requests without an answer", site.failed),
            ("listings seen", site.seen),
        ):
            yield "scope", site.site, "", "", *look, measure, value, site.state
        yield "scope", site.site, "", "", start, end, "listings dated in the period", site.listings, ""


def _counts(figures: Figures) -> Iterator[Row]:
    tallies = {"reviewed": figures.reviewed, "scored": figures.scored}
    for evidence in EVIDENCE:
        yield from _tally(figures, "", evidence, tallies[evidence])
    for site in figures.sites:
        yield from _tally(figures, site.site, "reviewed", site.reviewed)
        yield from _tally(figures, site.site, "scored", site.scored)


def _tally(figures: Figures, site: str, evidence: str, tally: Tally) -> Iterator[Row]:
    period = _time(figures.start), _time(figures.end)
    for group in GROUPS:
        note = "one ad may offer several groups: these rows have no sum"
        yield "ads", site, evidence, group, *period, "ads that offer the group", tally.groups[group], note
    yield "ads", site, evidence, "", *period, "distinct ads", tally.ads, ""
    yield "ads", site, evidence, "", *period, "ads that offer more than one group", tally.several, ""


def _weeks(figures: Figures) -> Iterator[Row]:
    for week in figures.weeks:
        span = (
            _time(max(week.start, figures.start)),
            _time(min(week.start + timedelta(days=7), figures.end)),
        )
        note = "" if week.whole else "partly in the period"
        yield "week", "", "reviewed", "", *span, "distinct ads", week.reviewed, note
        yield "week", "", "scored", "", *span, "distinct ads", week.scored, note
        yield "week", "", "", "", *span, "listings", week.listings, note


def _models(figures: Figures) -> Iterator[Row]:
    period = _time(figures.start), _time(figures.end)
    for model in figures.models:
        yield "model", "", "scored", "", *period, "listings scored", model.listings, model.version
        for group in GROUPS:
            if group in model.thresholds:
                threshold = f"{model.thresholds[group]:.4f}"
                yield "model", "", "scored", group, *period, "threshold", threshold, model.version


def _ads(figures: Figures) -> Iterator[Row]:
    for ad in figures.ads:
        dated = "posted" if ad.has_posted_date else "first seen"
        groups = " ".join(ad.groups)
        yield "ad", ad.site, ad.evidence, groups, _time(ad.dated_at), "", dated, ad.listing_id, ad.title


def _time(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%dT%H:%M:%SZ}"
