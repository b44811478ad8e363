"""Addresses that lead to a member of a site: by a step of the path ("/vendor/nk88") or by a query ("?mode=viewprofile&u=12").

Public names: SELLER_PATH, leads_to_somebody.
"""

from __future__ import annotations

import re
from functools import lru_cache

_WORDS = (
    r"users?|members?|memberlist|profiles?|profil|vendors?|sellers?|merchants?|stores?|shops?|verkaeufer|anbieter|haendler|vendedor(?:es|as?)?"
    r"|vendeurs?|tiendas?|boutiques?|lojas?|negozi[oe]?|venditor[ei]|winkels?|verkopers?|sklep|sprzedawca|magazin|prodavec|prodavets|lavka"
    r"|satici|obchod|prodejce|dealers?|traders?|sellerprofile|vendorprofile|userprofile|viewprofile|showuser|viewuser|view_profile|view_vendor"
)
SELLER_PATH = re.compile(rf"(?:^|/)(?:u|v|{_WORDS})(?:[/?]|$)", re.IGNORECASE)
"""A step of an address that is for somebody's page."""
_SCRIPT = re.compile(
    r"(?:^|/)(?:users?|members?|memberlist|profiles?|profil|vendors?|sellers?|merchants?|viewprofile|showuser|viewuser|view_profile|view_vendor|view_user)"
    r"\.(?:php|html?|aspx?|cgi|jsp)\?",
    re.IGNORECASE,
)
_QUERY = re.compile(
    r"[?&](?:vendor|seller|user|username|uid|userid|user_id|vendor_id|seller_id|member|memberid|merchant|shop|store|profile|author|lavka)(?:name|id)?=[^&#]+"
    r"|[?&](?:mode|action|do|page|act|p|view)=(?:view)?(?:profile|user|vendor|seller|member|showuser|viewprofile)\b",
    re.IGNORECASE,
)
_OTHER = re.compile(
    r"[?&](?:sort|order|search|q|to)=|(?:^|/)(?:search|pm|message|msg|report|login|cart|order)\b",
    re.IGNORECASE,
)


@lru_cache(maxsize=4096)
def leads_to_somebody(href: str) -> bool:
    """Is an address somebody's page, as far as it says so itself? A list of what somebody sells may not be told apart."""
    href = href[:300]
    path = href.split("://", 1)[-1] if "://" in href else href
    if _OTHER.search(path):
        return False
    bare = path.partition("?")[0].rstrip("/")
    steps = [step for step in bare.split("/") if step not in ("", ".", "..")]
    if SELLER_PATH.search(path) and (len(steps) >= 2 or "?" in path):
        return True
    return bool(_SCRIPT.search(path) or _QUERY.search(path))
