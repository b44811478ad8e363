"""Reading what is stored, when one site's file is wrong."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from crawler.sites import load_site
from jobs.places import Places
from jobs.sites import register
from jobs.verbs import read_pages
from storage.engine import open_engine, reading
from storage.pages import Fetched, store_page
from storage.runs import create_run, start_run
from storage.tables import Issue, Reading, Site


def test_one_wrong_site_file_holds_up_that_site_alone(places: Places, now: datetime) -> None:
    engine = open_engine(places.database_url)
    for name in ("oldport", "newport"):
        site_id = register(engine, load_site(places.data / "sites" / name), now=now)
        run_id = create_run(engine, verb="crawl", site_id=site_id, by="test", reason="", settings={}, now=now)
        start_run(engine, run_id=run_id, worker="w", pid=None, now=now)
        page = Fetched(
            site_id=site_id, run_id=run_id, frontier_id=None, attempt=1, hop=0, url="http://x.onion/", method="GET",
            request_headers=(), requested_at=now, status=200, reason="OK", response_headers=(), received_at=now,
            body=b"<p>hello</p>", content_type="text/html", content_encoding="", circuit_token="0" * 64,
        )  # fmt: skip
        store_page(engine, page, now=now)
    file = places.data / "sites" / "oldport" / "site.yml"
    good = file.read_text()
    file.write_text(good + "nonsense: 1\n")
    assert read_pages(places, now=now).pages == 1
    with reading(engine) as session:
        read = session.scalars(select(Site.name).join(Reading, Reading.site_id == Site.id)).all()
        issue = session.scalars(select(Issue).where(Issue.kind == "site-file")).one()
    assert read == ["newport"]
    assert "nonsense" in issue.message
    file.write_text(good)
    assert read_pages(places, now=now).pages == 1
    engine.dispose()
