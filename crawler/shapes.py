"""The shape of an address: what is left when its numbers, hashes, dates, names and session ids are taken out.

Public names: words, shape_of, branch_of, prefix_of, split_query, page_number, is_session_name, SHAPE_LENGTH, PAGE_NAMES, SORT_NAMES.

Pure. Pages of one template share a shape, and so do the addresses that a trap makes up without end. A word keeps its
place in the shape only where it is likely to be part of the site's own making: in the first step, after a number, or
when it is one of a few words that sites build addresses with. All other words are names (of a category, a seller).
"""

from __future__ import annotations

import re
from functools import lru_cache


def words(text: str) -> frozenset[str]:
    """A list of words, written as one text."""
    return frozenset(text.split())


SHAPE_LENGTH = 200
_MAX_STEPS = 12
_MAX_NAMES = 12

_WORD = re.compile(r"[A-Za-z][A-Za-z_]{0,19}(\.[a-z]{2,5})?")
_NUMBER = re.compile(r"\d{1,20}")
_DATE = re.compile(r"(19|20)\d\d[-_.](0?[1-9]|1[0-2])([-_.]\d{1,2})?")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.I)
_HASH = re.compile(r"(?=[^\s]*\d)(?=[^\s]*[A-Za-z])(?:[0-9a-fA-F]{8,}|[A-Za-z0-9_=~.-]{20,})")
_SCRIPT = re.compile(r"[A-Za-z]{1,20}([-_](\d{1,12}|[a-z]{1,12})){1,5}\.(html?|php)", re.I)
"""thread-1234-page-2.html: one step that is all of the address."""
_ENDING = re.compile(r"\.(php|html?|aspx?|jsp|cgi|pl|py)$", re.I)
_BUILDING = words("""ad ads api archive article board browse buy calendar cat categories category comments description details events
    feedback forum forums group home index item items key list listing listings market messages mirrors news offer offers
    page pages pgp post posts product products profile ratings reviews rules search seller sellers shop show store tag tags
    thread threads topic topics user users vendor vendors view viewforum viewtopic showthread forumdisplay""")
_ROUTERS = words("action act do a mod module view tab route r op section controller c task")
"""Query names whose value says which part of the site answers."""
PAGE_NAMES = words("""page p pg pn pageno page_no page_num pagenum page_id pagina pagine seite str stranica strona sida sayfa trang
    offset start from skip begin index""")
"""Query names that say which piece of a list is wanted."""
SORT_NAMES = words("""sort sorting sortby sort_by sortorder sort_order order orderby order_by ordering dir direction asc desc sortierung
    sortieren ordnung orden ordenar ordenar_por tri trier ordina sorteren sorteer filter filters filtern filtro filtre
    view layout display style theme skin mode per_page perpage pagesize page_size limit show_all lang language locale hl
    sprache idioma langue currency cur curr coin waehrung moneda devise min max min_price max_price price_min price_max
    price_from price_to minprice maxprice""")
"""Query names that show the same things in another order, form, tongue, coin or selection."""
_SESSION = re.compile(
    r"(phpsessid|jsessionid|sid|sessionid|session_id|oscsid|zenid|aspsessionid\w*|cfid|cftoken|s(?==[0-9a-f]{32}$))",
    re.I,
)


def is_session_name(name: str, value: str = "") -> bool:
    """Is this query name known for holding a session id?"""
    found = _SESSION.match(f"{name}={value}")
    return found is not None and (found.end() == len(name))


def split_query(path: str) -> tuple[str, list[tuple[str, str]]]:
    """(path without its query, [(name, value), ...]) as written: nothing is unescaped."""
    base, mark, query = path.partition("?")
    if not mark or not query:
        return base, []
    return base, [(name, value) for name, _, value in (part.partition("=") for part in query.split("&"))]


def page_number(path: str) -> int | None:
    """Which piece of a list the address asks for; None when it does not say."""
    for name, value in split_query(path)[1]:
        if name.lower() in PAGE_NAMES and _NUMBER.fullmatch(value) and len(value) < 10:
            return int(value)
    return None


@lru_cache(maxsize=4096)
def shape_of(path: str) -> str:
    """The shape of one path with its query, at most SHAPE_LENGTH letters: "/p/N/feedback?page=N"."""
    base, pairs = split_query(path)
    steps = base.split("/")[1:]
    shaped: list[str] = []
    for place, step in enumerate(steps[:_MAX_STEPS]):
        literal = place == 0 or shaped[-1] in ("N", "H", "D")  # a word after a number: the name of a tab
        shaped.append(_shape_step(step, literal=literal))
    if len(steps) > _MAX_STEPS:
        shaped.append("...")
    names = sorted({_shape_pair(name, value) for name, value in pairs if not is_session_name(name, value)})
    query = "&".join(names[:_MAX_NAMES]) + ("&..." if len(names) > _MAX_NAMES else "")
    shape = "/" + "/".join(shaped) + (f"?{query}" if query else "")
    return shape[:SHAPE_LENGTH]


@lru_cache(maxsize=4096)
def branch_of(path: str) -> str:
    """The part of a site that an address belongs to: its shape, and the words that stand before its first number.

    "/cal/2031/5" and "/cal/2031/6" are of one branch, "/c/other?page=7" and "/c/food?page=7" are not.
    """
    base, _ = split_query(path)
    named: list[str] = []
    for step in base.split("/")[1:_MAX_STEPS]:
        if _class_of(step) != "W":
            break
        named.append(step[:60])
    return f"{shape_of(path)} /{'/'.join(named)}"


def prefix_of(path: str) -> str:
    """How the addresses of this one's branch begin: the words before the first number."""
    return branch_of(path).rpartition(" ")[2]


def _class_of(step: str) -> str:
    bare = _ENDING.sub("", step)
    if _NUMBER.fullmatch(bare):
        return "N"
    if _DATE.fullmatch(bare):
        return "D"
    if _UUID.fullmatch(bare) or _HASH.fullmatch(bare):
        return "H"
    if _SCRIPT.fullmatch(step) and any(letter.isdigit() for letter in step):
        return "F"
    return "W"


def _shape_step(step: str, *, literal: bool) -> str:
    if not step:
        return ""
    kind = _class_of(step)
    if kind == "F":
        return re.sub(r"\d+", "N", step)
    if kind != "W":
        return kind
    if (literal and _WORD.fullmatch(step)) or _ENDING.sub("", step).lower() in _BUILDING:
        return step
    return "W"


def _shape_pair(name: str, value: str) -> str:
    low = re.sub(r"\d+", "N", name.lower())[:30]
    if low in _ROUTERS and value and len(value) <= 20 and value.replace("_", "").isalpha():
        return f"{low}={value.lower()}"
    return low
