"""What needs a person about single sites: open issues, gathered by kind, and site files that are wrong.

Public names: find_issue_needs, find_file_faults.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path

from sqlalchemy.orm import Session

from crawler.errors import SiteError
from crawler.sitefile import load_site
from jobs.need import Need
from jobs.places import Places
from storage.needs import OpenIssues, find_open_issues
from storage.tables import Site

_ELSEWHERE = ("person-wanted", "gate-captcha", "gate-login", "mirror-proposed", "site-file")
"""Issues of what is on the list by itself."""
_DRIFT = ("score-drift-", "drift-", "limit-")
_REPEATED = 2
"""A schedule that was left out once is not worth a person's time."""
_FRESH, _WEEK = timedelta(days=1), timedelta(days=7)


def find_issue_needs(session: Session, sites: Mapping[int, Site], *, now: datetime) -> Iterator[Need]:
    """One need for each site and kind of issue; all alarms of drift of a site are one."""
    drifts: dict[int | None, list[OpenIssues]] = {}
    for group in find_open_issues(session):
        if group.kind in _ELSEWHERE:
            continue
        if group.kind.startswith(_DRIFT):
            drifts.setdefault(group.site_id, []).append(group)
            continue
        site = sites.get(group.site_id) if group.site_id is not None else None
        if group.kind == "canary":
            level = "now" if group.last_seen > now - _FRESH else "soon"
            said = "The canary ended a crawl: it was not proved that all goes through Tor."
            what = "Read what it found and who listens; when it is mended"
            yield _about_issue(group, site, "tor", level, said, what)
        elif group.kind == "schedule":
            if "is paused" in group.message or (group.count >= _REPEATED and group.last_seen > now - _WEEK):
                said = (
                    f"A schedule came to be due {_say_times(group.count)}, and not all was done{_of(site)}."
                )
                yield _about_issue(
                    group, site, "schedule", "soon", said, "Look at its times; when it is mended"
                )
        elif group.kind == "look-alike":
            said = f"An address that looks like another one was found{_of(site)}."
            yield _about_issue(group, site, "mirror", "soon", said, "Compare them letter by letter; then")
        elif group.level == "fail":
            said = f"Issue “{group.kind}”{_of(site)}, {_say_times(group.count)}."
            yield _about_issue(group, site, "issue", "later", said, "Look at it; when it is dealt with")
    for site_id, groups in drifts.items():
        yield _about_drift(groups, sites.get(site_id) if site_id is not None else None)


def _say_times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"


def _of(site: Site | None) -> str:
    return f" at {site.name}" if site is not None else ""


def _about_issue(group: OpenIssues, site: Site | None, kind: str, level: str, said: str, what: str) -> Need:
    name = site.name if site is not None else ""
    link, command = "/needs", "tuskwatch doctor"
    if group.run_id:
        link, command = f"/runs/{group.run_id}", f"tuskwatch run show {group.run_id}"
    elif name:
        link, command = f"/sites/{name}", f"tuskwatch site check {name}"
    return Need(
        kind=kind, level=level, subject=f"issue {group.kind} of site {group.site_id or 0}", words=said,
        what_to_do=f"{what}: tuskwatch needs close {group.newest}.", command=command, link=link, since=group.first_seen,
        count=group.count, site=name, site_id=group.site_id, run_id=group.run_id, page_id=group.page_id, issue_id=group.newest,
        message=group.message,
    )  # fmt: skip


def _about_drift(groups: list[OpenIssues], site: Site | None) -> Need:
    last = max(groups, key=lambda group: (group.level == "fail", group.newest))
    serious = any(group.level == "fail" for group in groups)
    count = sum(group.issues for group in groups)
    said = f"{count} alarm{'s' if count != 1 else ''} of drift{_of(site)}: what is read or scored there has changed."
    what = "Look at a page; teach the reader, or take the run for the new normal (site expect); then"
    need = _about_issue(last, site, "drift", "soon" if serious else "later", said, what)
    since = min(group.first_seen for group in groups)
    return Need(
        **{**vars(need), "subject": f"drift of site {last.site_id or 0}", "since": since, "count": count}
    )


def find_file_faults(places: Places, sites: Mapping[int, Site]) -> Iterator[Need]:
    """Site files that are wrong. Each is read again only when it was changed."""
    ids = {site.name: site.id for site in sites.values()}
    for path in sorted(places.sites.glob("*/site.yml")):
        name = path.parent.name
        try:
            found = path.stat()
        except OSError:
            continue
        fault = _judge_file(path.parent, found.st_mtime_ns, found.st_size)
        if fault:
            site_id = ids.get(name)
            yield Need(
                kind="site-file", level="now", subject=f"site file {name}"[:120], words=f"The site file of {name} is wrong: it is not crawled.",
                what_to_do="Mend the line that is named, then check it.", command=f"tuskwatch site check {name}",
                link=f"/sites/{name}" if site_id else "/sites", since=datetime.fromtimestamp(found.st_mtime, UTC), site=name, site_id=site_id,
                message="; ".join(fault.replace(f"{path}, ", "").splitlines()),
            )  # fmt: skip


@lru_cache(maxsize=1_000)
def _judge_file(folder: Path, changed: int, size: int) -> str:
    """What is wrong with the file as it was at that time; "" when it is right."""
    try:
        load_site(folder)
    except SiteError as exc:
        return str(exc)
    return ""
