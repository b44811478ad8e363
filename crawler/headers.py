"""The request headers that Tor Browser sends for a page, in its order.

Public names: browser_headers, USER_AGENT.

What is copied: Tor Browser 15 (Firefox ESR 140), desktop, a person following a link in a tab on an http:// onion.

- User-Agent: resistFingerprinting sends "Windows NT 10.0" on every desktop (nsRFPService.h, SPOOFED_HTTP_UA_OS).
- Accept-Encoding: "br" and "zstd" are offered for the scheme https only (HttpBaseChannel::Init asks
  SchemeIs("https"), not whether the origin counts as trustworthy), so an http:// onion gets "gzip, deflate".
- Sec-GPC: privacy.globalprivacycontrol.enabled is true in its base profile (tor-browser#42777).
- Sec-Fetch-*: sent to potentially trustworthy origins (SecFetch.cpp); onions are, as Tor Browser sets
  dom.securecontext.allowlist_onions. Site is "none" for a typed address and "same-origin" for a followed link.
- Referer: strict-origin-when-cross-origin, so in full within one onion, which is the only place we follow links.
- Order: as set by Firefox: the standard ones, Referer, Sec-GPC, then Connection and Cookie when the request is sent out,
  Upgrade-Insecure-Requests, Sec-Fetch-Dest, -Mode, -Site, -User, Priority last.
"""

from __future__ import annotations

USER_AGENT = "Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0"


def browser_headers(
    host: str, *, referer: str = "", cookie: str = "", user_agent: str = ""
) -> list[tuple[str, str]]:
    """All headers of one GET, Host first. `host` carries its port when that is not 80.

    `user_agent`: of the browser in which a person opened the session, when sites tie cookies to it.
    """
    headers = [
        ("Host", host),
        ("User-Agent", user_agent or USER_AGENT),
        ("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
        ("Accept-Language", "en-US,en;q=0.5"),
        ("Accept-Encoding", "gzip, deflate"),
    ]
    if referer:
        headers.append(("Referer", referer))
    headers += [("Sec-GPC", "1"), ("Connection", "keep-alive")]
    if cookie:
        headers.append(("Cookie", cookie))
    headers += [
        ("Upgrade-Insecure-Requests", "1"),
        ("Sec-Fetch-Dest", "document"),
        ("Sec-Fetch-Mode", "navigate"),
        ("Sec-Fetch-Site", "same-origin" if referer else "none"),
        ("Sec-Fetch-User", "?1"),
        ("Priority", "u=0, i"),
    ]
    return headers
