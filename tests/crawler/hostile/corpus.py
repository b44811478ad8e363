"""All hostile cases, and what may become of one.

Public names: CASES, OUTCOMES, GROUPS.
"""

from __future__ import annotations

from hostile import packed, redirects, tags, texts, wire
from hostile.case import Case

GROUPS: dict[str, tuple[Case, ...]] = {
    "Packings": packed.CASES,
    "HTTP itself": wire.CASES,
    "Redirects, headers, cookies, links": redirects.CASES,
    "Markup": tags.CASES,
    "Bytes and text": texts.CASES,
}
CASES = tuple(case for group in GROUPS.values() for case in group)

OUTCOMES = {
    "kept": "stored as received, judged, its links read; what the reader makes of it is a reading",
    "left-packed": "stored as received; it cannot be unpacked within the bound, and an issue says why",
    "cut-off": "a page row without a body; its note says why",
    "redirect-barred": "each step is a page row; the last one is not followed, and an issue says why",
    "redirect-followed": "each step is a page row; it stays within the onion",
    "gate:login": "stored, and taken for a login page",
    "gate:unknown": "stored, and taken for an empty shell, no content; asked for again until its attempts are used up",
    "gate:queue": "stored, and taken for a queue; asked for again until its attempts are used up",
    "gate:down": "stored, taken for a site in trouble, asked for again",
    "timeout": "a page row whose error says that the time was over; the address is given up",
    "broken-off": "a page row whose error says that the connection ended; the address is given up",
    "bad-response": "a page row whose error says that this is no HTTP; the address is given up",
}
