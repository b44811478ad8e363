"""Writes a trend report: HTML, PDF and CSV of the same figures in one folder that never changes afterwards.

Public names: write_report, render_html, render_pdf, render_csv.

The same figures give the same bytes on the same machine: no clock, no chance, a fixed PDF identifier.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from dataclasses import asdict
from datetime import UTC, datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup
from sqlalchemy import Engine

from reports.cells import render_csv
from reports.charts import draw_weeks
from reports.figures import Figures, collect_figures, compute_interval
from reports.findings import write_findings
from storage.engine import reading
from storage.reports import store_report
from storage.tables import GROUPS

TEMPLATES = Path(__file__).parent / "templates"
GROUP_NAMES = {"ivory": "Ivory", "rhino_horn": "Rhino horn", "tiger": "Tiger parts"}


def write_report(
    engine: Engine, *, folder: Path, start: datetime, end: datetime, now: datetime, by: str
) -> int:
    """Write the report of [start, end) into a new folder below `folder` and add its row; its id.

    The files are finished before the row is added, and gone when it cannot be.
    """
    with reading(engine) as session:
        figures = collect_figures(session, start=start, end=end, now=now)
    html = render_html(figures)
    files = {
        "report.html": html.encode(),
        "report.pdf": render_pdf(html),
        "report.csv": render_csv(figures).encode(),
    }
    folder.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=folder))
    placed: list[Path] = []

    def place(report_id: int) -> str:
        target = folder / str(report_id)
        draft.rename(target)
        placed.append(target)
        return f"{folder.name}/{report_id}"

    try:
        for name, content in files.items():
            (draft / name).write_bytes(content)
        return store_report(
            engine,
            period_from=figures.start,
            period_to=figures.end,
            files={name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
            figures=json.loads(json.dumps(asdict(figures), default=_dump)),
            by=by,
            now=now,
            place=place,
        )
    except BaseException:
        # Also on Ctrl-C: a folder without a row would look like a report that nobody vouches for.
        for path in (draft, *placed):
            shutil.rmtree(path, ignore_errors=True)
        raise


def render_html(figures: Figures) -> str:
    """The report as one HTML file: style and chart inside, no script, no address."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "count": _write_count,
        "day": _write_day,
        "minute": _write_minute,
        "share": _write_share,
        "percent": _write_percent,
        "interval": _write_interval,
    }
    return environment.get_template("report.html").render(
        figures=figures,
        coverage=figures.coverage,
        findings=write_findings(figures),
        groups=GROUPS,
        names=GROUP_NAMES,
        chart=Markup(draw_weeks(figures.weeks)),  # noqa: S704 - our own drawing; no foreign text is in it
        style=Markup((TEMPLATES / "report.css").read_text()),  # noqa: S704 - a file of this package
        before_start=figures.start - (figures.end - figures.start),
    )


def render_pdf(html: str) -> bytes:
    """The same document on A4. It asks for nothing: any address in it, of a file too, is an error."""
    # Loaded here: it takes a second, which no other command should wait for.
    import weasyprint
    from weasyprint.urls import URLFetcher

    nothing = URLFetcher(allowed_protocols=(), fail_on_errors=True)
    document = weasyprint.HTML(string=html, url_fetcher=nothing)
    identifier = hashlib.sha256(html.encode()).digest()[:16]
    pdf: bytes = document.write_pdf(pdf_identifier=identifier, pdf_tags=True)
    return pdf


def _dump(value: object) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    raise TypeError(f"{type(value).__name__} is no figure")


def _write_count(value: int) -> str:
    return f"{value:,}"


def _write_day(value: datetime) -> str:
    value = value.astimezone(UTC)
    text = f"{value.day} {value:%B %Y}"
    return text if value.time() == datetime.min.time() else f"{text}, {value:%H:%M}"


def _write_minute(value: datetime | None) -> str:
    return "–" if value is None else f"{value.astimezone(UTC):%Y-%m-%d %H:%M}"


def _write_percent(share: float, up: bool = False) -> str:  # a filter of the template
    """A bound with two digits that say something, rounded away from what it claims. up: it is an upper one."""
    value = Decimal(repr(100 * share))
    step = Decimal(1).scaleb(-max(1 - value.adjusted(), 1) if value else 0)
    return f"{value.quantize(step, ROUND_CEILING if up else ROUND_FLOOR).normalize():f} %"


def _write_share(found: int, of: int) -> str:
    """A percentage with its numbers; nothing of nothing is not 0 %."""
    if of <= 0:
        return "none to count"
    share = 100 * found / of
    words = f"{share:.0f}" if share in (0, 100) else f"{share:.1f}"
    return f"{words} % ({found:,} of {of:,})"


def _write_interval(found: int, of: int) -> str:
    low, high = compute_interval(found, of)
    return f"{100 * low:.1f} to {100 * high:.1f} %"
