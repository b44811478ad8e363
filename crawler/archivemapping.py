"""The analyst's word on what the columns of a table mean: a YAML file, checked, and named by its hash.

Public names: Mapping, load_mapping, read_mapping, FIELDS, MAPPING_VERSION.
"""

from __future__ import annotations

import codecs
import hashlib
import json
import re
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from crawler.archivefiles import ArchiveError
from crawler.errors import SiteError
from crawler.yamlfile import read_model, read_node

MAX_FILE = 256 * 1024
MAPPING_VERSION = 1
"""Raised when the same mapping gives other readings."""

FIELDS = (
    "title", "description", "seller", "category", "price", "currency", "quantity", "stock", "sold", "ships_from", "ships_to",
    "payment", "posted", "seen_at", "url", "key", "contact", "language",
)  # fmt: skip


def _check_field(value: str) -> str:
    if value not in FIELDS:
        raise ValueError(f"is no field; known are {', '.join(FIELDS)}")
    return value


def _check_encoding(value: str) -> str:
    try:
        name = codecs.lookup(value).name
        "".encode(name)
        b"".decode(name)
    except (LookupError, ValueError, TypeError) as exc:
        raise ValueError(
            "is no encoding of text that is known here; for example utf-8, cp1251, gb18030, utf-16"
        ) from exc
    if name in ("idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined"):
        raise ValueError("is no encoding of text")
    if name in ("utf-16", "utf-32", "utf-32-le", "utf-32-be", "utf-7"):
        if name == "utf-16":
            return name
        raise ValueError("is not read here; save the file as UTF-8 first")
    return name


FieldName = Annotated[str, AfterValidator(_check_field)]
Encoding = Annotated[str, AfterValidator(_check_encoding)]
Column = Annotated[str, Field(min_length=1, max_length=300)]


class Mapping(BaseModel):
    """What the columns are. `fields`: field -> column; several columns of a description are joined by new lines."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    encoding: Encoding = "utf-8"
    delimiter: str = Field(default=",", min_length=1, max_length=1)
    quote: str = Field(default='"', max_length=1)
    """Empty: quotes mean nothing in this file."""
    columns: tuple[Column, ...] = Field(default=(), max_length=2000)
    """The names of the columns in order, for a file whose first line does not name them."""
    records: Literal["line", "paragraph", "file"] = "paragraph"
    """Of plain text: what one record is. A paragraph ends at an empty line."""
    separator: str = Field(default="", max_length=200)
    """Of plain text: a line that stands between two records, instead."""
    fields: dict[FieldName, Column | tuple[Column, ...]] = Field(min_length=1)
    seen_at: AwareDatetime | None = None
    """When the rows were seen, where no column says so."""
    currency: str = Field(default="", pattern=r"^[A-Z]{0,6}$")
    """Of amounts that name none."""
    seller: str = Field(default="", max_length=300)
    """Whose listings these are, where no column says so."""
    day_first: bool | None = None
    """Whether 03/04 is the third of April. Not said: such a date stays unread."""
    language: str = Field(default="", pattern=r"^([a-z]{2})?$")

    @model_validator(mode="after")
    def _check(self) -> Mapping:
        if not {"title", "description"} & set(self.fields):
            raise ValueError("fields: name the column of the title or that of the description")
        if self.delimiter in ("\n", "\r", self.quote):
            raise ValueError("delimiter: is a line end or the quote itself")
        if self.quote and not self.quote.isascii():
            raise ValueError("quote: must be one ASCII sign, or empty")
        for name, columns in self.fields.items():
            if (
                isinstance(columns, tuple)
                and name not in ("description", "contact", "category")
                and len(columns) != 1
            ):
                raise ValueError(
                    f"fields.{name}: takes one column; only description, contact and category take several"
                )
        return self

    def columns_of(self, field: str) -> tuple[str, ...]:
        found = self.fields.get(field, ())
        return (found,) if isinstance(found, str) else found

    @property
    def sha256(self) -> str:
        """Of what it says, whatever its layout."""
        plain = json.dumps(self.model_dump(mode="json"), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(plain.encode()).hexdigest()

    @property
    def reader_version(self) -> str:
        return f"mapping-{MAPPING_VERSION}:{self.sha256[:8]}"


def load_mapping(path: Path) -> Mapping:
    """The mapping in this file. ArchiveError names file, line and field of each fault."""
    try:
        with path.open("rb") as file:
            text = file.read(MAX_FILE + 1)
    except OSError as exc:
        raise ArchiveError(f"The mapping {path} cannot be read ({exc.strerror}).") from exc
    return read_mapping(text, path)


def read_mapping(text: bytes, path: Path) -> Mapping:
    try:
        node, values = read_node(path, text, max_size=MAX_FILE)
        return read_model(path, node, _mend(values), Mapping)
    except SiteError as exc:
        raise ArchiveError(f"The mapping cannot be used. {exc}") from exc


def _mend(values: object) -> object:
    """YAML reads a date without a zone as one, which says too little: UTC is what all times are kept in."""
    if isinstance(values, dict):
        seen = values.get("seen_at")
        if isinstance(seen, datetime) and seen.tzinfo is None:
            return values  # pydantic names the fault
        if isinstance(seen, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", seen):
            return values | {"seen_at": f"{seen}T00:00:00Z"}
        if seen is not None and type(seen).__name__ == "date":
            return values | {"seen_at": f"{seen}T00:00:00Z"}
    return values
