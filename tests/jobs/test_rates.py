"""Files of rates: every line right, or nothing is imported and the lines that are wrong are named."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.errors import UsageError
from jobs.places import Places
from jobs.rates import MAX_ROWS, import_rates, read_rates
from storage.engine import open_engine, reading
from storage.rates import find_rate_tables

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def read(text: str | bytes, *, base: str = "USD") -> list[tuple[str, str, str, str, str]]:
    body = text.encode() if isinstance(text, str) else text
    rows = read_rates(body, base=base, source="a table", now=NOW)
    return [(row.day.isoformat(), row.code, f"{row.value:f}", row.base, row.source) for row in rows]


ONE = ("2026-11-01", "BTC", "430.10", "USD", "a table")


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("day,code,value\n2026-11-01,BTC,430.10\n", [ONE]),
        ("2026-11-01,BTC,430.10\n", [ONE]),
        ("\ufeffday,code,value\r\n2026-11-01,btc,430.10\r\n\r\n", [ONE]),
        ("Date;Currency;Rate\n2026-11-01;BTC;430,10\n", [ONE]),
        ("day\tcode\tvalue\n2026-11-01\tBTC\t430.10", [ONE]),
        ('code,"day",value,note\nBTC,2026-11-01,430.10,"a, b"\n', [ONE]),
        ("value,source,base,code,day\n430.10,bank,EUR,BTC,2026-11-01", [("2026-11-01", "BTC", "430.10", "EUR", "bank")]),
        ("2026-11-01,VND,0.0000393000\n", [("2026-11-01", "VND", "0.0000393000", "USD", "a table")]),
        ("day,code,value\n2026-11-01,BTC,430.10\n".encode("utf-16"), [ONE]),
    ],
)  # fmt: skip
def test_files_as_people_save_them(text: str | bytes, rows: list[tuple[str, ...]]) -> None:
    assert read(text) == rows


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "holds no rates"),
        ("day,code,value\n", "holds no rates"),
        ("day,code\n2026-11-01,BTC", "must name day, code and value"),
        ("day,day,code,value\n", "must name day, code and value"),
        ("a,b,c\n", 'line 1: code "B" is no code'),
        ("day,code,value\n01.11.2026,BTC,1", 'line 2: day "01.11.2026" is no date'),
        ("day,code,value\n20261101,BTC,1", "is no date"),
        ("day,code,value\n2026-02-30,BTC,1", "is no date"),
        ("day,code,value\n2026-12-24,BTC,1", "in the future"),
        ("day,code,value\n1999-12-24,BTC,1", "in the future"),
        ("day,code,value\n2026-11-01,B TC,1", "is no code"),
        ("day,code,value\n2026-11-01,,1", "is no code"),
        ("day,code,value\n2026-11-01,USD,1", "given in itself"),
        ("day,code,value\n2026-11-01,BTC,", "value is empty"),
        ("day,code,value\n2026-11-01,BTC", "value is empty"),
        ("day,code,value\n2026-11-01,BTC,0", "more than nothing"),
        ("day,code,value\n2026-11-01,BTC,-1", "begins like a formula"),
        ("day,code,value\n2026-11-01,BTC,=1+1", "begins like a formula"),
        ('day,code,value,source\n2026-11-01,BTC,1,"=HYPERLINK(0)"', "begins like a formula"),
        ("day,code,value\n2026-11-01,BTC,@x", "begins like a formula"),
        ("day,code,value\n2026-11-01,BTC,3.9e-5", "no plain number"),
        ("day,code,value\n2026-11-01,BTC,NaN", "no plain number"),
        ("day,code,value\n2026-11-01,BTC,٤٣", "no plain number"),
        ("day;code;value\n2026-11-01;BTC;1,050", "could mean two numbers"),
        ("day,code,value\n2026-11-01,BTC,1,05", "it has 4 cells"),
        ("day,code,value\n2026-11-01,BTC,1\x00", "NUL byte"),
        ('day,code,value\n2026-11-01,BTC,"1', "quotation marks"),
        ("day,code,value\n" + "x" * 3000, "3,000 characters"),
        ("day,code,value\n2026-11-01,BTC," + "9" * 60, "no plain number"),
        (b"day,code,value\n2026-11-01,BTC,1,\xe4", "not UTF-8"),
        (b"\xff\xfed\x00\x00\xd8", "not UTF-16"),
    ],
)
def test_a_wrong_file_is_refused_in_words(text: str | bytes, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        read(text)


def test_every_wrong_line_is_named_up_to_twenty() -> None:
    with pytest.raises(UsageError) as caught:
        read("day,code,value\n2026-11-01,BTC,1\n" + "x,BTC,1\n" * 25)
    lines = str(caught.value).splitlines()
    assert lines[1].startswith("line 3:")
    assert (len(lines), lines[-1]) == (22, "… and 5 more lines")


def test_too_many_lines() -> None:
    with pytest.raises(UsageError, match="Split it"):
        read(b"\n" * (MAX_ROWS + 1))


def test_a_wrong_base() -> None:
    with pytest.raises(UsageError, match="no code of a currency"):
        read("2026-11-01,BTC,1", base="dollars!")


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.text(max_size=200).map(str.encode), st.binary(max_size=200)))
def test_any_bytes_are_rates_or_a_sentence(body: bytes) -> None:
    try:
        rows = read_rates(b"day,code,value\n" + body, base="USD", source="s", now=NOW)
    except UsageError:
        return
    assert all(row.value > 0 for row in rows)


@settings(max_examples=100, deadline=None)
@given(st.decimals(min_value="0.00000001", max_value=10**12, places=8), st.sampled_from(",;\t"))
def test_a_written_value_is_read_back_exactly(value: Decimal, mark: str) -> None:
    text = f"day{mark}code{mark}value\n2026-11-01{mark}BTC{mark}{value:f}"
    assert [Decimal(row[2]) for row in read(text)] == [value]


def test_an_import_is_whole_or_not_at_all_and_may_be_repeated(places: Places, tmp_path: Path) -> None:
    engine = open_engine(places.database_url)
    file = tmp_path / "daily.csv"
    file.write_text("day,code,value\n2026-11-01,BTC,430.10\n2026-11-02,BTC,wrong\n")
    options = {"base": "USD", "source": "", "by": "ana", "now": NOW}
    with pytest.raises(UsageError, match="line 3"):
        import_rates(engine, file, **options)  # type: ignore[arg-type]
    with reading(engine) as session:
        assert find_rate_tables(session) == []
    file.write_text("day,code,value\n2026-11-01,BTC,430.10\n2026-11-02,BTC,431\n")
    first = import_rates(engine, file, **options)  # type: ignore[arg-type]
    again = import_rates(engine, file, **options)  # type: ignore[arg-type]
    with reading(engine) as session:
        tables = find_rate_tables(session)
    engine.dispose()
    assert (first.new, first.known, again.new, again.known) == (2, 0, 0, 2)
    assert (first.first, first.last) == (date(2026, 11, 1), date(2026, 11, 2))
    assert [(table.source, table.days) for table in tables] == [("daily.csv", 2)]
