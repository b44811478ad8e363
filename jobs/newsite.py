"""The file of a new site: written once, with comments, from what a person knows at the beginning.

Public names: write_site_file, read_onion, NewSite.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit

from crawler.errors import SiteError
from crawler.siteconfig import is_onion
from crawler.sites import load_site, sort_sites
from jobs.errors import UsageError
from jobs.places import Places

_NAME = re.compile(r"[a-z][a-z0-9_-]{1,40}")
_FILE = """\
# {title_line}: what Tuskwatch may read there, and how. docs/sites.md says what each line means.
# After every change: tuskwatch site check {name}
name: {name}
title: {title}
addresses:                # v3 onions, without http:// and path; mirrors that you have verified stand here, too
{addresses}
authorised:               # who decided that this site may be read, and when: without it nothing is fetched
  by: {by}
  on: {on}
  note: ""                # the mandate or the case number
start: ["/"]              # what is fetched first

pace: {{delay: 2.0, jitter: 0.5, in_flight: 1}}         # seconds between requests; slower than you think you need to be
bounds: {{pages: 20000, depth: 30, minutes: 600}}        # where one run stops by itself
timeout: 60                                            # seconds for one request; onions are slow

# Which addresses are pages of what kind: patterns (regular expressions) on path and query. In listings and threads the
# group (?P<key>...) is the site's own name of the ad. "tuskwatch site try {name} --pages 20" proposes patterns.
# Kinds: listing, search (categories too), home, seller, feedback, pgp, thread, directory (mirrors), rules, other.
kinds:
  home: ["^/$"]
#  listing: ["^/p/(?P<key>\\\\d+)$"]
#  search: ["^/c/[\\\\w-]+(\\\\?page=\\\\d+)?$"]
#  seller: ["^/v/[\\\\w-]+$"]

# Never fetched: what changes something, and what multiplies pages. Compare it with the links of the first pages.
skip:
  - "(?i)^/(log-?out|sign-?out|cart|basket|buy|checkout|order|purchase|wallet|deposit|withdraw)\\\\b"
  - "(?i)^/(message|messages|inbox|compose|report|dispute|vote|favou?rite|wishlist|settings)\\\\b"
  - "(?i)^/(pm|reply|post-?reply|new-?(thread|topic|post|message)|posting\\\\.php|upload|add|edit|delete|remove|register)\\\\b"
  - "(?i)[?&](sort|order_?by|dir|view|per_?page|lang|currency|action)="
priority: {{listing: 10, thread: 10, search: 5}}         # higher is fetched first

# Once you know more (docs/sites.md):
# marks:                  # how a page of a kind looks; a page that lacks it is no content, whatever its address
#   listing: {{require: ["h1"], forbid: ["form.login"]}}
# mirrors: {{page: /mirrors, key: key.asc}}
# session: {{lifetime: 3600, check: /account, accounts: false}}
# plan: {{interest: ["^/c/(other|jewelry|art)"], known_hours: 24, full_days: 7}}
# budgets: {{shape: 20000, alike: 25}}
# counts: {{link: "ul.categories a", count: "span"}}
"""
_TO_DO = {
    "addresses": "put at least one onion of the site here",
    "authorised.by": "write who decided that this site may be read",
    "authorised.on": "write when that was decided, for example 2026-11-22",
}


@dataclass(frozen=True)
class NewSite:
    """The file that was written. faults: what is still missing or wrong, each with line and field."""

    path: Path
    faults: tuple[str, ...]


def read_onion(places: Places, text: str) -> str:
    """The bare onion in what a person pasted. UsageError when it is none, or another site's."""
    text = text.strip().replace("[.]", ".").lower()
    try:
        host = urlsplit(text if "://" in text else f"http://{text}").hostname or ""
    except ValueError:
        host = ""
    if not host.endswith(".onion"):
        raise UsageError(
            f'"{text[:80]}" is no onion address. It looks like 56 letters and digits, then .onion.'
        )
    if not is_onion(host):
        raise UsageError(
            f'"{host[:80]}" is no v3 onion with a right checksum: a letter is mistyped or missing. Copy it again from where '
            "you verified it."
        )
    for name, config in sort_sites(places.data)[0].items():
        if host in config.addresses:
            raise UsageError(f"This onion is an address of {name} already.")
    return host


def write_site_file(
    places: Places, name: str, *, onions: Sequence[str], title: str, by: str, on: date | None
) -> NewSite:
    """Write <data>/sites/<name>/site.yml. UsageError for a wrong name, or when there is such a file: it is never
    overwritten."""
    if not _NAME.fullmatch(name):
        raise UsageError(
            f'"{name[:60]}" cannot be a site\'s name: 2 to 41 small letters, digits, - or _, a letter first.'
        )
    path = places.sites / name / "site.yml"
    if path.exists():
        raise UsageError(
            f'There is a site "{name}" already: {path}. It was left as it is; edit it, or choose another name.'
        )
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    lines = "\n".join(f"  - {onion}" for onion in onions)
    text = _FILE.format(
        name=name,
        title=json.dumps(title or name, ensure_ascii=False),
        title_line=" ".join((title or name).split()),
        addresses=lines
        or '  []                      # <- put the onion here: a line "- ....onion" instead of []',
        by=json.dumps(by, ensure_ascii=False) + ("" if by else "                  # <- a name"),
        on=on.isoformat() if on else '""                  # <- a day, for example 2026-11-22',
    )
    try:
        with path.open("x", encoding="utf-8") as file:  # never over a file that came meanwhile
            file.write(text)
    except FileExistsError as exc:
        raise UsageError(f'There is a site "{name}" already: {path}. It was left as it is.') from exc
    path.chmod(0o600)
    try:
        load_site(path.parent)
    except SiteError as exc:
        return NewSite(path, tuple(_plain(fault) for fault in str(exc).splitlines()))
    return NewSite(path, ())


def _plain(fault: str) -> str:
    """What the reader of site files says of a line that was left empty here, as a thing to do."""
    for field, words in _TO_DO.items():
        before, mark, _ = fault.partition(f": {field}: ")
        if mark:
            return f"{before}: {field}: {words}"
    return fault
