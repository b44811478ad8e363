"""After scoring: are a site's new texts still like those that the model scored there before?

Public names: check_drift, SIDE.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Engine

from classifier.drift import Drift, Scored, find_drift, measure_shape
from storage.engine import reading
from storage.issues import raise_issue
from storage.scores import SeenScore, find_scores
from storage.sites import find_sites

SIDE = 2_000
"""So many texts of each side are looked at, the newest ones."""


def check_drift(
    engine: Engine, *, model_version: str, known: Collection[str], since: int, now: datetime
) -> dict[str, list[Drift]]:
    """Hold each site's scores after number `since` against the same model's earlier ones, and raise an issue with a sample
    page for what has moved; by the name of the site. known: the words that the model has weights for."""
    with reading(engine) as session:
        sites = {site.id: site.name for site in find_sites(session)}
        sides = {
            site: (
                find_scores(session, model_version=model_version, site_id=site, after=since, limit=SIDE),
                find_scores(session, model_version=model_version, site_id=site, upto=since, limit=SIDE),
            )
            for site in sites
        }
    found: dict[str, list[Drift]] = {}
    for site, (new, old) in sides.items():
        if not new or not old:
            continue
        drifts = find_drift(measure_shape(map(_show, new), known), measure_shape(map(_show, old), known))
        for drift in drifts:
            raise_issue(
                engine, site_id=site, run_id=None, page_id=new[0].page_id, kind=f"score-drift-{drift.kind}", level="warn",
                message=f"{drift.words}. Look at some of them; the model may need to learn from this site", now=now,
            )  # fmt: skip
        if drifts:
            found[sites[site]] = drifts
    return found


def _show(row: SeenScore) -> Scored:
    return Scored(row.title, row.description, row.top, row.language)
