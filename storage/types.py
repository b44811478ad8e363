"""Column types that behave the same on SQLite and PostgreSQL.

Public names: UTCDateTime, ExactNumber, ForeignText, clean_text, clean_json.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from decimal import Decimal

from sqlalchemy import DateTime, String
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.types import TypeDecorator

# PostgreSQL keeps no NUL in text, and neither engine can encode half a surrogate pair; both occur in hostile pages.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def clean_text(text: str) -> str:
    """The same text with what no database keeps (NUL, lone surrogates) shown as U+FFFD."""
    return _UNSTORABLE.sub("\ufffd", text)


def clean_json(value: object) -> str:
    """JSON text of a value whose strings may come from a site: cleaned, keys as given, not ASCII-only."""
    text = json.dumps(value, ensure_ascii=False)
    # The escaped NUL may be a true one or six harmless characters, so the strings themselves are looked at.
    if "\\u0000" in text or _UNSTORABLE.search(text):
        text = json.dumps(_clean(value), ensure_ascii=False)
    return text


def _clean(value: object) -> object:
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, dict):
        return {clean_text(str(key)): _clean(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(inner) for inner in value]
    return value


class UTCDateTime(TypeDecorator[datetime]):
    """A time in UTC: refuses naive times on the way in, gives aware ones on the way out (SQLite keeps no zone)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone was about to be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class ExactNumber(TypeDecorator[Decimal]):
    """A Decimal kept to the digit on both engines: SQLite would store it as a float."""

    impl = String(64)
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> str | None:
        return None if value is None else format(value, "f")

    def process_result_value(self, value: str | None, dialect: Dialect) -> Decimal | None:
        return None if value is None else Decimal(value)


class ForeignText(TypeDecorator[str]):
    """Text that may come from a site: cleaned of what no database keeps, cut to the column's length."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if value is None:
            return None
        length = self.impl_instance.length if isinstance(self.impl_instance, String) else None
        return clean_text(value)[:length]
