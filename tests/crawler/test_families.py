"""Adapters of site families: each sample's fields one by one, and what holds for every adapter."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

import crawler.families
from crawler.extract import read_page
from crawler.families import find_adapter, find_families
from crawler.siteconfig import SiteConfig
from crawler.values import PageReading, as_json

HOME = Path(crawler.families.__file__).parent
SAMPLES = sorted(path.parent for path in HOME.glob("*/samples/*/page.html"))
NOW = datetime(2026, 11, 22, tzinfo=UTC)


def name_of(sample: Path) -> str:
    return f"{sample.parent.parent.name}/{sample.name}"


def read(sample: Path, body: bytes | None = None, *, adapted: bool = True) -> PageReading:
    page = json.loads((sample / "page.json").read_text("utf-8"))
    return read_page(
        (sample / "page.html").read_bytes() if body is None else body,
        url=page["url"],
        content_type=page["content_type"],
        captured_at=datetime.fromisoformat(page["captured_at"]),
        kind_hint=page["kind_hint"],
        adapter=find_adapter(sample.parent.parent.name) if adapted else None,
    )


def expected(sample: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((sample / "expected.json").read_text("utf-8"))
    return found


FIELDS = [(sample, name) for sample in SAMPLES for name in expected(sample)["fields"]]


@pytest.mark.parametrize(
    ("sample", "name"), FIELDS, ids=[f"{name_of(sample)} {name}" for sample, name in FIELDS]
)
def test_field(sample: Path, name: str) -> None:
    value = as_json(read(sample).fields)[name]["value"]
    if name == "feedback":
        value = [{key: said for key, said in one.items() if key != "where"} for one in value]
    assert value == expected(sample)["fields"][name]


@pytest.mark.parametrize("sample", SAMPLES, ids=name_of)
def test_kind(sample: Path) -> None:
    assert read(sample).kind == expected(sample)["kind"]


@pytest.mark.parametrize("family", find_families())
def test_an_adapter_gives_what_the_generic_reader_misses(family: str) -> None:
    own = [sample for sample in SAMPLES if sample.parent.parent.name == family]
    assert own, "a family needs samples"
    assert any(as_json(read(s).fields) != as_json(read(s, adapted=False).fields) for s in own)


@pytest.mark.parametrize("sample", SAMPLES, ids=name_of)
def test_a_broken_page_is_no_error(sample: Path) -> None:
    body, seeded = (sample / "page.html").read_bytes(), random.Random(7)
    for _ in range(60):
        start, end = sorted(seeded.sample(range(len(body)), 2))
        piece = seeded.choice((b"", body[start:end] * 3, b"<div><a>", b"\x00\xff", b"</div></div>"))
        reading = read(sample, body[:start] + piece + body[end:])
        assert reading.kind


@pytest.mark.parametrize("family", find_families())
def test_an_adapters_values_say_where_they_stood(family: str) -> None:
    for sample in SAMPLES:
        if sample.parent.parent.name == family:
            generic = read(sample, adapted=False).fields
            for name, value in read(sample).fields.items():
                assert name in generic or (value.where and 0 < value.sure <= 1), name


def test_labels_that_the_adapter_read_are_no_leftovers() -> None:
    left = PageReading("listing", 0.9, leftovers=(("Offered by", "somebody"), ("Kettle size", "two litres")))

    class Module:
        VERSION = 3

        def judge(self, page: Any) -> str:
            return ""

        def read(self, page: Any, reading: PageReading, *, captured_at: datetime) -> dict[str, Any]:
            return {"seller": crawler.families.Value("somebody", "somebody", "p", 0.9), "title": None}

    adapter = crawler.families.Adapter("made", Module())
    found = crawler.families.apply_adapter(adapter, None, left, captured_at=NOW)  # type: ignore[arg-type]
    assert found.leftovers == (("Kettle size", "two litres"),)
    assert adapter.version == "made-3"


def test_a_value_under_two_labels_leaves_both_to_be_raised() -> None:
    left = PageReading("listing", 0.9, leftovers=(("Deals", "3"), ("Tusk length, feet", "3")))

    class Module:
        VERSION = 1

        def judge(self, page: Any) -> str:
            return ""

        def read(self, page: Any, reading: PageReading, *, captured_at: datetime) -> dict[str, Any]:
            return {"seller_sales": crawler.families.Value("3", "3", "p", 0.9)}

    adapter = crawler.families.Adapter("made", Module())
    found = crawler.families.apply_adapter(adapter, None, left, captured_at=NOW)  # type: ignore[arg-type]
    assert found.leftovers == left.leftovers


def test_an_unknown_family_is_refused_in_plain_words() -> None:
    assert find_adapter("nosuch") is None
    assert find_adapter("../etc") is None
    with pytest.raises(ValidationError, match="there is no family 'nosuch'; known: agora"):
        SiteConfig.model_validate({"family": "nosuch"})
