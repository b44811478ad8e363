"""A market's new template: the same pages with other words, classes and forms: MAKEOVERS, make_over.

What a site file states as marks of a page stays (else the pages would be taken for gates); what a reader goes by does not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

MAKEOVERS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "oldport": (
        (r'<h2 class="name">([^<]*)</h2>', r'<div class="zq1"><span>\1</span></div>'),
        (r"<h3>Item For Sale : </h3>", ""),
        (r"<title>[^<]*</title>", "<title>Old Port Market</title>"),
        (r"<td>Ships from</td>", "<td>Quay</td>"),
        (r"<td>Ships to</td>", "<td>Bound</td>"),
        (r"<td>Put up on</td><td>[^<]*</td>", "<td>Tide</td><td>high</td>"),
        (r"Purchase price : <b>USD [\d,.]+</b> <small>\([^)]*\)</small>", "Ask at the quay"),
        (r"<b>Sold by</b>", "<b>Berth</b>"),
        (r'class="gen-user-link"', 'class="zq2"'),
        (r"USD [\d,.]+", "on request"),
    ),
    "lanternrow": (
        (r'<span class="k">Vendor</span>', '<span class="zk">Keeper</span>'),
        (r'<span class="k">Origin</span>', '<span class="zk">Out of</span>'),
        (r'<span class="k">Delivers to</span>', '<span class="zk">Walks to</span>'),
        (
            r'<span class="k">Listed on</span><span class="v">[^<]*</span>',
            '<span class="zk">Moon</span><span class="v">new</span>',
        ),
        (r'<span class="amount">[^<]*</span> <span class="n">[^<]*</span>', "<span>whisper it</span>"),
        (r'<div class="amount">[^<]*</div>', "<div>whisper it</div>"),
    ),
    "nordkontor": (
        (r'<p class="lead">.*?</p>', '<p class="zp">auf Anfrage</p>'),
        (r"<dt>Händler</dt>", "<dt>Wer</dt>"),
        (r"<dt>Versand aus</dt>", "<dt>Ab</dt>"),
        (r"<dt>Versand nach</dt>", "<dt>An</dt>"),
        (r"<dt>Eingestellt am</dt><dd>[^<]*</dd>", "<dt>Mond</dt><dd>neu</dd>"),
        (r'<span class="label">[^<]*</span>', '<span class="zp">auf Anfrage</span>'),
    ),
}
"""By site: what is replaced (regular expression) with what."""


def make_over(site: str, text: str) -> str:
    """A page in the site's new template."""
    for old, new in MAKEOVERS[site]:
        text = re.sub(old, new, text)
    return text
