"""docs/sites.md and the files that it documents have the same fields."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from crawler.limits import Expected
from crawler.siteconfig import GATE_KINDS, PAGE_KINDS, SiteConfig

PAGE = Path(__file__).parent.parent.parent / "docs" / "sites.md"


def examples() -> list[Any]:
    blocks = re.findall(r"^```yaml\n(.*?)^```", PAGE.read_text("utf-8"), re.M | re.S)
    return [
        yaml.safe_load(block.replace("<56 characters>", "a" * 56).replace(" on:", " 'on':"))
        for block in blocks
    ]


def fields_of(model: type[BaseModel], shown: Any, where: str = "") -> tuple[set[str], set[str]]:
    """(fields that the code has, fields that the example shows), with those of the sections inside."""
    known = {f"{where}{name}" for name in model.model_fields}
    found = {f"{where}{name}" for name in shown}
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel) and name in shown:
            more = fields_of(inner, shown[name], f"{where}{name}.")
            known, found = known | more[0], found | more[1]
    return known, found


@pytest.mark.parametrize(
    ("number", "model"), [(0, SiteConfig), (1, Expected)], ids=["site.yml", "expected.yml"]
)
def test_the_example_shows_every_field_and_no_other(number: int, model: type[BaseModel]) -> None:
    known, shown = fields_of(model, examples()[number])
    ends = {"pages.min", "pages.max", "listings.min", "listings.max", "gates.min", "gates.max"}
    assert known - ends == shown - ends


def test_the_examples_are_right(stub: Any) -> None:
    site, expected = examples()
    SiteConfig.model_validate(site | {"addresses": [stub.make_onion("oldport")]})
    Expected.model_validate(expected)


def test_every_kind_is_named() -> None:
    text = PAGE.read_text("utf-8")
    assert [kind for kind in PAGE_KINDS + GATE_KINDS if not re.search(rf"\b{kind}\b", text)] == []
