"""The rules by which predicted values are compared with gold ones, and the counts that come out.

Public names: Counts, Score, score_market, normalise, is_same.

A value is right when it is equal after normalisation: case folded and white space collapsed; amounts and counts as
Decimal (thousands separators, a leading +, a trailing % and currency signs do not count); addresses by path and query.
Lists of texts are compared as sets, `category` in order. In lists of records each gold record is paired with the
predicted one that shares most with it, and each of its fields is scored by itself; predicted records without a partner
are extra. A field that is only in "alt" may be absent. An empty gold list is right when nothing is predicted.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlsplit

Entry = Mapping[str, Any]

_NUMBERS = frozenset(
    """price_amount amount price_btc sold sales seller_sales rating seller_rating rating_count quantity minimum_order count total
    last_page n_reviews trust_up trust_down from to stars subscribers disputes_won disputes_lost positive neutral negative
    refresh_seconds autodispatch""".split()  # noqa: SIM905
)
_ADDRESSES = frozenset(("url", "refresh_url"))
_ORDERED = frozenset(("category",))
_WEIGHTS = {"url": 4, "title": 2, "name": 2, "amount": 2}


@dataclass
class Counts:
    """How often one field was exact, missing, wrong; `extra`: predicted where the gold has nothing."""

    exact: int = 0
    missing: int = 0
    wrong: int = 0
    extra: int = 0

    @property
    def total(self) -> int:
        return self.exact + self.missing + self.wrong

    @property
    def rate(self) -> float:
        return self.exact / self.total if self.total else 1.0


@dataclass(frozen=True)
class Miss:
    """One value that is not right."""

    page: str
    field: str
    why: str
    gold: Any
    found: Any


@dataclass
class Score:
    """The counts of every field of one market, its misses, and how kinds were taken for others."""

    counts: dict[str, Counts] = field(default_factory=lambda: defaultdict(Counts))
    misses: list[Miss] = field(default_factory=list)
    kinds: Counter[tuple[str, str]] = field(default_factory=Counter)

    def compare(self, entry: Entry, found: Entry | None) -> None:
        """One page: its gold entry and the prediction, None where there is none."""
        page, kind = str(entry["page"]), str(entry["kind"])
        predicted = (found or {}).get("kind") or ""
        fields = (found or {}).get("fields") or {}
        gold, others = entry["fields"], entry.get("alt", {})
        self._compare_kind(page, kind, entry.get("kind_alt", []), predicted)
        for name, value in gold.items():
            self._compare_field(
                page, f"{kind}.{name}", name, value, fields.get(name), others.get(name, ()), found
            )
        for name, values in others.items():
            if name not in gold and not _is_empty(fields.get(name)):
                self._hit(f"{kind}.{name}", page, name, values[0], fields[name], values[1:])
        if "price_amount" in gold:
            self._compare_price(kind, gold, fields)
        for name, value in fields.items():
            if name not in gold and name not in others and not _is_empty(value):
                self.counts[f"{kind}.{name}"].extra += 1

    def _compare_kind(self, page: str, kind: str, others: Sequence[str], found: str) -> None:
        self.kinds[kind, found or "-"] += 1
        counts = self.counts["kind"]
        if found == kind or found in others:
            counts.exact += 1
            return
        if found:
            counts.wrong += 1
        else:
            counts.missing += 1
        self.misses.append(Miss(page, "kind", "wrong" if found else "missing", kind, found))

    def _compare_field(
        self,
        page: str,
        key: str,
        name: str,
        gold: Any,
        found: Any,
        others: Sequence[Any],
        page_found: Entry | None,
    ) -> None:
        if isinstance(gold, list) and not gold:
            counts = self.counts[f"{key} (none)"]
            if page_found is None:
                counts.missing += 1
            elif _is_empty(found):
                counts.exact += 1
            else:
                counts.wrong += 1
                self.misses.append(Miss(page, f"{key} (none)", "wrong", gold, found))
        elif isinstance(gold, list) and isinstance(gold[0], dict):
            self._compare_records(key, page, gold, found)
        elif isinstance(gold, dict):
            for inner, value in gold.items():
                part = found.get(inner) if isinstance(found, dict) else None
                self._hit(f"{key}.{inner}", page, inner, value, part)
        else:
            self._hit(key, page, name, gold, found, others)

    def _compare_price(self, kind: str, gold: Mapping[str, Any], fields: Mapping[str, Any]) -> None:
        """price_any: the main price or one of the others is right."""
        right = [(gold["price_amount"], gold.get("price_currency"))]
        right += [(other["amount"], other["currency"]) for other in gold.get("prices_other", [])]
        amount, currency = fields.get("price_amount"), fields.get("price_currency")
        counts = self.counts[f"{kind}.price_any"]
        if any(
            is_same("price_amount", a, amount) and is_same("price_currency", c, currency) for a, c in right
        ):
            counts.exact += 1
        elif _is_empty(amount):
            counts.missing += 1
        else:
            counts.wrong += 1

    def _compare_records(self, key: str, page: str, gold: Sequence[Mapping[str, Any]], found: Any) -> None:
        others = found if isinstance(found, list) else []
        partners = _pair(gold, others)
        whole = self.counts[f"{key}[]"]
        for index, record in enumerate(gold):
            partner: Mapping[str, Any] = others[partners[index]] if index in partners else {}
            if index in partners:
                whole.exact += 1
            else:
                whole.missing += 1
                self.misses.append(Miss(page, f"{key}[]", "missing", dict(record), None))
            for name, value in record.items():
                if isinstance(value, list) and value and isinstance(value[0], dict):
                    self._compare_records(f"{key}[].{name}", page, value, partner.get(name))
                elif index in partners:
                    self._hit(f"{key}[].{name}", page, name, value, partner.get(name))
                else:
                    self.counts[f"{key}[].{name}"].missing += 1
        whole.extra += len(others) - len(partners)

    def _hit(self, key: str, page: str, name: str, gold: Any, found: Any, others: Sequence[Any] = ()) -> None:
        counts = self.counts[key]
        if any(is_same(name, right, found) for right in (gold, *others)):
            counts.exact += 1
            return
        why = "missing" if _is_empty(found) else "wrong"
        if why == "missing":
            counts.missing += 1
        else:
            counts.wrong += 1
        self.misses.append(Miss(page, key, why, gold, found))


def score_market(gold: Sequence[Entry], predicted: Sequence[Entry]) -> Score:
    """Compare all pages of one market."""
    score = Score()
    by_page = {entry["page"]: entry for entry in predicted}
    for entry in gold:
        score.compare(entry, by_page.get(entry["page"]))
    return score


def _squeeze(value: Any) -> str:
    return re.sub(r"\s+", " ", str(value).replace("\u00a0", " ").replace("\u200b", "")).strip()


def _read_number(value: Any) -> Decimal | None:
    text = re.sub(r"^[^\d+\-.]*\+?", "", _squeeze(value))
    text = re.sub(r"[^\d]*$", "", text)
    text = re.sub(r"(?<=\d)[,\s](?=\d{3}(?:\D|$))", "", text)
    if re.fullmatch(r"-?\d+,\d{1,2}", text):
        text = text.replace(",", ".")
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


def normalise(name: str, value: Any) -> tuple[Any, ...]:
    """The form of a field's value in which it is compared."""
    if isinstance(value, bool):
        return ("truth", value)
    if name in _ADDRESSES:
        parts = urlsplit(_squeeze(value))
        path = parts.path
        while path.startswith(("./", "../")):
            path = path.split("/", 1)[1]
        return ("address", path.strip("/").casefold(), parts.query)
    if name in _NUMBERS and (number := _read_number(value)) is not None:
        return ("number", number)
    return ("text", _squeeze(value).casefold())


def _is_empty(value: Any) -> bool:
    return value is None or value in ("", [], {}, ())


def is_same(name: str, gold: Any, found: Any) -> bool:
    """Is a predicted value the gold one?"""
    if _is_empty(found):
        return False
    if isinstance(gold, list):
        items = found if isinstance(found, list) else [found]
        one = [normalise(name, item) for item in gold]
        two = [normalise(name, item) for item in items if not isinstance(item, (dict, list))]
        return one == two if name in _ORDERED else set(one) == set(two)
    if isinstance(found, (list, dict)):
        return False
    return normalise(name, gold) == normalise(name, found)


def _pair(gold: Sequence[Mapping[str, Any]], found: Sequence[Any]) -> dict[int, int]:
    """Which predicted record each gold one is paired with: those that share most first, then the nearest."""
    candidates: list[tuple[int, int, int, int]] = []
    for i, record in enumerate(gold):
        for j, other in enumerate(found):
            if not isinstance(other, dict):
                continue
            shared = sum(
                is_same(name, value, other.get(name)) * _WEIGHTS.get(name, 1)
                for name, value in record.items()
                if not isinstance(value, (list, dict))
            )
            if shared:
                candidates.append((-shared, abs(i - j), i, j))
    pairs: dict[int, int] = {}
    taken: set[int] = set()
    for _, _, i, j in sorted(candidates):
        if i not in pairs and j not in taken:
            pairs[i] = j
            taken.add(j)
    return pairs
