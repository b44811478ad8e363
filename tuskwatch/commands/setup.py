"""`tuskwatch init`: makes the data folder and its databases, or brings them up to date.

Public names: init, prepare.
"""

from __future__ import annotations

import typer

from jobs.places import Places
from tuskwatch.output import Json, data_option, say, show_json, show_text
from tuskwatch.places import find_places


def prepare(places: Places) -> None:
    """Folders (mode 700), database and queue. Safe to do again at any time."""
    from crawler.denyfile import write_empty
    from jobs.engine import prepare_engine
    from storage.engine import upgrade

    new = not places.data.exists()
    places.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    if new:
        places.data.chmod(0o700)
    for folder in (places.sites, places.runs, places.reports, places.workers):
        folder.mkdir(exist_ok=True, mode=0o700)
    write_empty(places.data)
    upgrade(places.database_url)
    prepare_engine(places)


def init(context: typer.Context, as_json: Json = False) -> None:
    """Make the data folder with its database, or bring an older one up to date."""
    places = find_places(data_option(context))
    say(f"Preparing {places.data}")
    prepare(places)
    if as_json:
        show_json({"data": places.data, "database": _hide_password(places.database_url)})
        return
    show_text(f"Ready: {places.data}")
    show_text(
        "Next: add a site (tuskwatch site new NAME writes its file; docs/sites.md), and crawl it: tuskwatch crawl NAME"
    )


def _hide_password(url: str) -> str:
    from sqlalchemy import make_url

    return make_url(url).render_as_string(hide_password=True)
