"""What a worker says holds no secret, in whatever field, nesting or traceback it stands."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs.logs import open_log

SECRET = "q7Zt9kW2mX4v"
ONION = "a" * 56 + ".onion"
PLACES = [
    f"postgresql://tuskwatch:{SECRET}@127.0.0.1/db",
    f"Cookie: pass={SECRET}",
    f"password={SECRET}",
    f"http://127.0.0.1/?token={SECRET}",
    f"-----BEGIN PGP PRIVATE KEY BLOCK-----\n{SECRET}\n-----END PGP PRIVATE KEY BLOCK-----",
]
NESTED = st.recursive(
    st.sampled_from(PLACES),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["a", "error", "why"]), inner, max_size=3),
    ),
    max_leaves=6,
)


@pytest.fixture(autouse=True)
def restore() -> Iterator[None]:
    loggers = [logging.getLogger(), logging.getLogger("dbos")]
    before = [(list(logger.handlers), logger.propagate) for logger in loggers]
    yield
    for logger, (handlers, propagate) in zip(loggers, before, strict=True):
        logger.handlers, logger.propagate = handlers, propagate
    logging.captureWarnings(False)
    structlog.reset_defaults()


@pytest.mark.parametrize("form", ["text", "json"])
@given(value=NESTED)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_secret_never_comes_out(capsys: pytest.CaptureFixture[str], form: str, value: Any) -> None:
    open_log("INFO", form=form)
    structlog.get_logger("worker").info("something", error=value)
    assert SECRET not in capsys.readouterr().err


@pytest.mark.parametrize("form", ["text", "json"])
def test_nor_out_of_a_chain_of_errors(capsys: pytest.CaptureFixture[str], form: str) -> None:
    open_log("INFO", form=form)
    try:
        try:
            raise ValueError(PLACES[0])
        except ValueError as exc:
            raise OSError(f"no database at {ONION}") from exc
    except OSError:
        structlog.get_logger("worker").exception("failed")
    said = capsys.readouterr().err
    assert SECRET not in said
    assert ".onion" not in said
    assert "no database" in said


def test_json_lines_are_json(capsys: pytest.CaptureFixture[str]) -> None:
    open_log("INFO", form="json")
    structlog.get_logger("worker").info("worker ready", name="w1")
    line = json.loads(capsys.readouterr().err)
    assert (line["event"], line["level"], line["name"]) == ("worker ready", "info", "w1")


def test_less_is_said_when_less_is_wanted(capsys: pytest.CaptureFixture[str]) -> None:
    open_log("ERROR")
    structlog.get_logger("worker").warning("not this")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("name", ["uvicorn.error", "dbos", "asyncio"])
def test_what_libraries_say_holds_none_either(
    capsys: pytest.CaptureFixture[str], form: str, name: str
) -> None:
    open_log("INFO", form=form)
    try:
        raise OSError(PLACES[0])
    except OSError:
        logging.getLogger(name).exception("it broke: %s", PLACES[2])
    said = capsys.readouterr().err
    assert "it broke" in said
    assert "OSError" in said
    assert SECRET not in said


def test_opened_twice_each_line_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    open_log("INFO")
    open_log("INFO")
    logging.getLogger("dbos").warning("only once")
    assert capsys.readouterr().err.count("only once") == 1
