"""The written report: three files of the same figures, safe to open, the same bytes for the same figures."""

from __future__ import annotations

import csv
import hashlib
import io
import os
import re
import socket
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pypdf
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from weasyprint.urls import FatalURLFetchingError

from reports.cells import COLUMNS, render_csv, safe_cell
from reports.charts import draw_weeks
from reports.trend import _write_percent, render_html, render_pdf, write_report
from storage.audit import find_entries
from storage.engine import reading, transaction
from storage.reports import find_report, find_reports
from storage.tombstones import Stone, put_stones

if TYPE_CHECKING:
    from conftest import Desk

HOSTILE = "<script>alert(1)</script><img src=http://127.0.0.1/x> ask grey_heron at http://{onion}.onion/p/1"


@pytest.fixture
def hostile(desk: Desk) -> Desk:
    """Ads whose every foreign text is an attack or must not be shown."""
    desk.look("oldport")
    onion = "tuskfakeaddress234567tuskfakeaddress234567tuskfakeaddre2"
    desk.put("oldport", judged=("ivory",), title=HOSTILE.format(onion=onion), ships_from='"><b>x</b>')
    desk.put("oldport", scored=("tiger",), title="=HYPERLINK(1)", ships_to="@SUM(A1)", seller="=grey")
    desk.put("oldport", scored=("tiger",), title="")
    return desk


def read_text(pdf: bytes) -> str:
    return " ".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages)


def list_numbers(text: str) -> set[str]:
    return set(re.findall(r"(?<![\w.,:#-])\d[\d,]*(?![\w.:-])", text))


def strip_tags(html: str) -> str:
    html = re.sub(r"<style>.*?</style>", " ", html, flags=re.DOTALL)
    words = "".join(re.findall(r"<text[^>]*>[^<]*</text>", html))
    html = re.sub(r"<svg.*?</svg>", words, html, flags=re.DOTALL)
    return re.sub(r"<[^>]+>", " ", html)


def test_a_sum_over_groups_is_shown_nowhere(survey: Desk) -> None:
    # 15 + 8 + 3 = 26 mentions in 21 ads, and no other figure of this store is 26.
    figures = survey.figures()
    figures = replace(figures, ads=tuple(replace(ad, listing_id=900 + ad.listing_id) for ad in figures.ads))
    html = strip_tags(render_html(figures).replace("22 November", "").replace("26 October 2026", ""))
    html = html.replace("26 Oct", "")
    shown = list_numbers(html)
    assert {"21", "15", "8", "3"} <= shown
    assert "26" not in shown
    values = [row["value"] for row in csv.DictReader(io.StringIO(render_csv(figures)))]
    assert {"21", "15", "8", "3"} <= set(values)
    assert "26" not in values


def test_distinct_ads_stand_beside_the_groups(survey: Desk) -> None:
    html = render_html(survey.figures())
    row = re.search(r"All sites</th>(.*?)</tr>", html, re.DOTALL)
    assert re.findall(r">(\d+)</td>", row[1]) == ["8", "0", "15", "0", "3", "0", "21", "0"]


def test_hostile_texts_are_shown_as_text(hostile: Desk) -> None:
    html = render_html(hostile.figures())
    assert "<script" not in html
    assert "<img" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "&#34;&gt;&lt;b&gt;x&lt;/b&gt;" in html


def test_no_address_and_no_seller_is_in_any_file(hostile: Desk, tmp_path: Path) -> None:
    number = write_report(
        hostile.engine,
        folder=tmp_path / "reports",
        start=hostile.start,
        end=hostile.end,
        now=hostile.now,
        by="ana",
    )
    folder = tmp_path / "reports" / str(number)
    shown = {
        "html": (folder / "report.html").read_text(),
        "pdf": read_text((folder / "report.pdf").read_bytes()),
        "csv": (folder / "report.csv").read_text(),
    }
    with reading(hostile.engine) as session:
        shown["figures"] = str(find_report(session, number).figures)
    for name, content in shown.items():
        for secret in ("onion", "tuskfakeaddress", "grey_heron"):
            assert secret not in content, (name, secret)
    assert "[name] at [address]" in shown["csv"]


def test_the_html_asks_for_nothing_and_runs_nothing(survey: Desk) -> None:
    html = render_html(survey.figures())
    assert set(re.findall(r"https?://[^\s\"'<>]+", html)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }
    assert not re.search(r"\s(src|href|on\w+)=|url\(|@import|<script|<link", html)


@pytest.mark.parametrize(
    "element",
    [
        "<link rel=stylesheet href='{url}a.css'>",
        "<img src='{url}x.png'>",
        "<style>@import '{url}a.css';</style>",
        "<style>@font-face {{ font-family: x; src: url('{url}a.woff') }} p {{ font-family: x }}</style>",
        "<p style=\"background: url('{url}x.png')\">x</p>",
        "<img src='file:///etc/hostname'>",
    ],
)
def test_the_pdf_asks_for_nothing(element: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        with pytest.raises(FatalURLFetchingError):
            render_pdf(element.format(url=url) + "<p>text</p>")
        with pytest.raises(BlockingIOError):
            server.accept()


def test_the_pdf_says_what_the_page_says(survey: Desk) -> None:
    words = " ".join(read_text(render_pdf(render_html(survey.figures()))).split())
    assert "1 October 2026 up to, not including, 1 November 2026 (UTC)" in words
    assert "21 distinct ads for the three species groups were found" in words
    assert "All sites 8 0 15 0 3 0 21 0" in words
    assert "Method and limits" in words


def test_the_same_figures_give_the_same_bytes(survey: Desk) -> None:
    html = render_html(survey.figures())
    assert render_html(survey.figures()) == html
    pdf = render_pdf(html)
    # Another process with another order of sets and another clock makes the same file.
    child = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; from reports.trend import render_pdf; "
            "sys.stdout.buffer.write(render_pdf(sys.stdin.buffer.read().decode()))",
        ],
        input=html.encode(),
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONHASHSEED": "7"},
        check=True,
        timeout=120,
    )
    assert hashlib.sha256(child.stdout).hexdigest() == hashlib.sha256(pdf).hexdigest()


def test_a_report_is_a_row_with_the_hashes_of_its_files(survey: Desk, tmp_path: Path) -> None:
    folder = tmp_path / "reports"
    numbers = [
        write_report(
            survey.engine, folder=folder, start=survey.start, end=survey.end, now=survey.now, by="ana"
        )
        for _ in range(2)
    ]
    assert numbers == [1, 2]
    with reading(survey.engine) as session:
        first, second = find_report(session, 1), find_report(session, 2)
        assert find_entries(session, limit=1)[0].action == "report.write"
    assert (first.folder, first.figures["reviewed"]["ads"]) == ("reports/1", 21)
    assert sorted(first.files) == ["report.csv", "report.html", "report.pdf"]
    for name, sha256 in first.files.items():
        assert hashlib.sha256((folder / "1" / name).read_bytes()).hexdigest() == sha256
    # The log has grown by the first report, and nothing else changed.
    assert first.figures["audit_head"] != second.figures["audit_head"]
    assert {**first.figures, "audit_head": ""} == {**second.figures, "audit_head": ""}
    with pytest.raises(DBAPIError, match="never changed"), transaction(survey.engine) as session:
        session.execute(text("UPDATE report SET by = 'eve'"))


def test_a_report_that_cannot_be_placed_leaves_no_row_and_no_draft(survey: Desk, tmp_path: Path) -> None:
    folder = tmp_path / "reports"
    (folder / "1").mkdir(parents=True)
    (folder / "1" / "something").write_text("not ours")
    with pytest.raises(OSError, match="not empty"):
        write_report(
            survey.engine, folder=folder, start=survey.start, end=survey.end, now=survey.now, by="ana"
        )
    with reading(survey.engine) as session:
        assert find_reports(session) == []
    assert [path.name for path in folder.iterdir()] == ["1"]


def test_the_table_for_programs_has_one_measure_a_row(survey: Desk) -> None:
    rows = list(csv.DictReader(io.StringIO(render_csv(survey.figures()))))
    assert tuple(rows[0]) == COLUMNS
    counts = {(row["site"], row["evidence"], row["group"], row["measure"]): row["value"] for row in rows}
    assert counts["", "reviewed", "rhino_horn", "ads that offer the group"] == "15"
    assert counts["", "reviewed", "", "distinct ads"] in {"21", "0"}
    assert counts["", "", "", "listings dated in the period"] == "50"
    assert sum(row["section"] == "ad" for row in rows) == 21


def test_no_cell_is_a_formula(hostile: Desk) -> None:
    cells = [cell for row in csv.reader(io.StringIO(render_csv(hostile.figures()))) for cell in row]
    assert "'=HYPERLINK(1)" in cells
    assert not [cell for cell in cells if cell.lstrip().startswith(("=", "+", "-", "@", "|"))]


@pytest.mark.parametrize(
    ("cell", "safe"),
    [
        ("=1+1", "'=1+1"),
        ("  @SUM(1)", "'  @SUM(1)"),
        ("\u3000＝1", "'\u3000＝1"),
        ("-5", "'-5"),
        ("\tx", "'\tx"),
        ("plain = text", "plain = text"),
        ("", ""),
    ],
)
def test_cells_are_made_safe(cell: str, safe: str) -> None:
    assert safe_cell(cell) == safe


def test_a_report_about_nothing_is_written_too(desk: Desk) -> None:
    html = render_html(desk.figures())
    assert "nobody looked" in html
    assert "No site is registered." in html
    assert render_pdf(html).startswith(b"%PDF-")


def test_a_random_check_of_the_passed_says_what_is_missed(desk: Desk) -> None:
    desk.look("oldport")
    assert "none was made yet" in render_html(desk.figures())
    for _ in range(30):
        desk.put("oldport", judged=(), queue="audit")
    desk.put("oldport", scored=["ivory"], judged=["ivory"])
    desk.put("oldport")
    words = " ".join(strip_tags(render_html(desk.figures())).split())
    # 1 - 0.05 ** (1 / 30) = 0.095; of 31 passed at most 2.95, so one of 3.95 offers is flagged at least
    assert "Of the 31 listings that today's model passed over, 30 were drawn at random" in words
    assert (
        "0 were offers. So at most 9.6 % of what is passed are offers, and at least 25.3 % of all offers"
        in words
    )


@pytest.mark.parametrize(
    ("share", "up", "words"),
    [
        (0.9963, False, "99.6 %"),
        (0.09504, True, "9.6 %"),
        (0.0, False, "0 %"),
        (1.0, True, "100 %"),
        (0.00017831, True, "0.018 %"),
    ],
)
def test_a_bound_is_never_rounded_into_its_claim(share: float, up: bool, words: str) -> None:
    assert _write_percent(share, up) == words


def test_what_retention_took_away_is_said(desk: Desk) -> None:
    desk.look("oldport")
    stone = Stone(
        "page", "77", desk.runs["oldport"][0], "pages without flags", "0" * 64, desk.now - timedelta(days=9)
    )
    before = replace(stone, key="78", made_at=desk.start - timedelta(seconds=1))
    with transaction(desk.engine) as session:
        put_stones(session, [stone, before], run_id=desk.runs["oldport"][1], now=desk.now)
    figures = desk.figures()
    assert figures.coverage.sites[0].gone == 1
    assert replace(figures.coverage.sites[0], pages=0).state == "taken away"
    words = " ".join(strip_tags(render_html(figures)).split())
    assert (
        "1 page (rule “pages without flags”, last 2026-11-22 10:00). All counts of this report are of what is left"
        in words
    )
    rows = list(csv.DictReader(io.StringIO(render_csv(figures))))
    assert [row["value"] for row in rows if row["measure"] == "pages taken away by retention"] == ["1"]


def test_a_long_period_is_drawn_without_numbers_on_the_bars(survey: Desk) -> None:
    weeks = survey.figures().weeks
    short, long = draw_weeks(weeks), draw_weeks(weeks * 12)
    assert ">21<" in short
    assert ">21<" not in long
    assert long.count("<text") < 30
