"""Proposes links between sellers: by key, contact, near copies, manner of writing and name. Decides nothing.

Public names: link_sellers, MOST_HOLDERS, MOST_ON_A_SITE, STRENGTHS.

What each reason is worth stands in STRENGTHS; together they make 1 - (1 - s1)(1 - s2)... (storage/sellerlinks.py).
A contact that more than MOST_HOLDERS sellers show, or more than MOST_ON_A_SITE of one site, or that a site shows as its
own, counts for nothing: it is a market's support, an escrow wallet, a forum's link.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from jobs.likestyle import LEAST_TEXT, StyleBook, compare_styles
from storage.engine import reading
from storage.sellerfacts import (
    ContactKey,
    Copies,
    Trace,
    find_copies,
    find_holders,
    find_namesakes,
    find_recent,
    find_texts,
    find_touched,
    find_traces,
)
from storage.sellerlinks import LinkCounts, ProposedLink, Reason, find_pairs, store_links

MOST_HOLDERS = 6
"""Sellers of all sites who may show a contact for it to count."""
MOST_ON_A_SITE = 3
STRENGTHS = {
    # A key, an id made of a key, a wallet: proven by a checksum, made for one person.
    "pgp": 0.95, "session": 0.9, "tox": 0.9, "btc": 0.8, "ltc": 0.8, "bch": 0.8, "eth": 0.8, "xmr": 0.8, "wallet": 0.8,
    # Names that one person holds, and that anybody can write down.
    "telegram": 0.7, "wickr": 0.7, "threema": 0.7, "signal": 0.7, "jabber": 0.7, "email": 0.7, "whatsapp": 0.7, "wechat": 0.7,
    "zalo": 0.7, "qq": 0.7, "kik": 0.7, "icq": 0.7, "viber": 0.7, "element": 0.7, "phone": 0.7, "onion": 0.6,
}  # fmt: skip
"""What one shared contact is worth; not proven (its checksum missing or wrong) a key or wallet is worth three quarters."""
_PROVEN = ("pgp", "tox", "btc", "ltc", "bch", "eth", "xmr", "wallet", "onion")
NEAR_COPIES, EACH_MORE, MOST_COPIES = 0.35, 0.05, 0.5
SAME_STYLE = 0.3
SAME_NAME = 0.2
SHORTEST_NAME = 4
_BATCH = 200
_BACKGROUND = 150
_TEXT = 2_500
_ADS = 20
_STYLED_PAIRS = 100

_Pair = tuple[int, int]


def link_sellers(
    engine: Engine,
    *,
    now: datetime,
    run_id: int | None = None,
    after_reading: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> LinkCounts:
    """Look at every seller of whom this run's pages, or readings after `after_reading`, say something; else at all.

    What is found is kept batch by batch: it may be stopped and started again. `progress`: (sellers done, sellers in all).
    """
    with reading(engine) as session:
        touched = find_touched(session, run_id=run_id, after_reading=after_reading)
    total = Counter[str]()
    background: dict[int, str] = {}
    book = StyleBook()
    for start in range(0, len(touched), _BATCH):
        batch = touched[start : start + _BATCH]
        with reading(engine) as session:
            found = _find_links(session, batch, background, book)
        counts = store_links(engine, found, now=now)
        total.update(vars(counts))
        if progress is not None:
            progress(start + len(batch), len(touched))
    return LinkCounts(**{name: total[name] for name in ("proposed", "reopened", "changed", "withdrawn")})


def _find_links(
    session: Session, touched: Sequence[int], background: dict[int, str], book: StyleBook
) -> list[ProposedLink]:
    reasons: dict[_Pair, list[Reason]] = {pair: [] for pair in find_pairs(session, touched)}

    def add(a: int, b: int, reason: Reason) -> None:
        reasons.setdefault((min(a, b), max(a, b)), []).append(reason)

    _add_contacts(session, touched, add)
    for copies in find_copies(session, touched):
        add(copies.a_id, copies.b_id, _explain_copies(copies))
    for name, bearers in find_namesakes(session, touched, most=MOST_HOLDERS).items():
        if len(name) >= SHORTEST_NAME:
            for a, b in _pairs_of(bearers, touched):
                add(
                    a,
                    b,
                    Reason("name", "", name, SAME_NAME, f"Both are called {name!r}; names are free to take."),
                )
    _add_styles(session, [pair for pair, why in reasons.items() if why], background, book, add)
    return [ProposedLink(a, b, tuple(why)) for (a, b), why in sorted(reasons.items())]


def _add_contacts(
    session: Session, touched: Collection[int], add: Callable[[int, int, Reason], None]
) -> None:
    traces = find_traces(session, touched)
    keys = {key for of_one in traces.values() for key in of_one}
    holders = find_holders(session, keys, most=MOST_HOLDERS)
    shared = {
        key: sellers for key, sellers in holders.items() if sellers and len(sellers) > 1 and counts(sellers)
    }
    partners = {seller for sellers in shared.values() for seller in sellers}
    traces |= find_traces(session, partners - set(traces))
    for key, sellers in shared.items():
        for a, b in _pairs_of(sorted(sellers), touched):
            if key in traces.get(a, {}) and key in traces.get(b, {}):
                add(a, b, _explain_contact(key, traces[a][key], traces[b][key], len(sellers)))


def counts(holders: dict[int, int] | None) -> bool:
    """Whether a contact may tie sellers: not too many of one site show it. holders: {seller: site}, None when crowded."""
    return holders is not None and max(Counter(holders.values()).values(), default=0) <= MOST_ON_A_SITE


def _explain_contact(key: ContactKey, a: Trace, b: Trace, holders: int) -> Reason:
    proven = a.valid and b.valid
    strength = STRENGTHS.get(key[0], STRENGTHS.get(a.kind, 0.5))
    if a.kind in _PROVEN and not proven:
        strength *= 0.75
    what = "PGP key" if a.kind == "pgp" else a.kind
    words = f"Both show the same {what}"
    words += ", its checksum right in both" if proven else ""
    words += f"; {holders - 2} more do" if holders > 2 else ""
    kind = "pgp" if a.kind == "pgp" else "contact"
    return Reason(kind, a.kind, a.value, strength, words + ".", {"a": _seen(a), "b": _seen(b)})


def _seen(trace: Trace) -> dict[str, Any]:
    return {
        "readings": list(trace.readings),
        "first": trace.first.isoformat(timespec="seconds"),
        "last": trace.last.isoformat(timespec="seconds"),
    }


def _explain_copies(copies: Copies) -> Reason:
    strength = min(MOST_COPIES, NEAR_COPIES + EACH_MORE * (copies.count - 1))
    many = "An ad of one is" if copies.count == 1 else f"{copies.count} ads of one are"
    words = (
        f"{many} nearly the same as of the other (alike up to {copies.similarity:.2f}); ads are also stolen."
    )
    seen = {
        side: {
            "listings": [pair[place] for pair in copies.pairs],
            "first": copies.first.isoformat(timespec="seconds"),
            "last": copies.last.isoformat(timespec="seconds"),
        }
        for place, side in enumerate(("a", "b"))
    }
    return Reason("text", "near copies", "near copies", strength, words, seen)


def _add_styles(
    session: Session,
    pairs: Sequence[_Pair],
    background: dict[int, str],
    book: StyleBook,
    add: Callable[[int, int, Reason], None],
) -> None:
    """Only for pairs that something else ties: alone the manner of writing is too weak to propose anything.

    background: texts of sellers to compare with, filled when first needed.
    """
    pairs = pairs[:_STYLED_PAIRS]
    wanted = {seller for pair in pairs for seller in pair}
    texts = find_texts(session, wanted, listings=_ADS, length=_TEXT)
    pairs = [(a, b) for a, b in pairs if len(texts[a]) >= LEAST_TEXT <= len(texts[b])]
    if not pairs:
        return
    if not background:
        background |= find_texts(
            session, find_recent(session, limit=_BACKGROUND), listings=_ADS, length=_TEXT
        )
    texts = background | texts
    for style in compare_styles(pairs, texts, book=book):
        words = (
            f"They write more alike ({style.cosine:.2f}) than either of them and any of {style.others} others do "
            f"({style.nearest:.2f} at most)."
        )
        add(
            style.a_id,
            style.b_id,
            Reason("text", "manner of writing", "manner of writing", SAME_STYLE, words),
        )
    book.keep(background)


def _pairs_of(sellers: Sequence[int], touched: Collection[int]) -> list[_Pair]:
    among = defaultdict(bool, dict.fromkeys(touched, True))
    return [(a, b) for place, a in enumerate(sellers) for b in sellers[place + 1 :] if among[a] or among[b]]
