"""What every request must satisfy and every answer carries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from starlette.datastructures import Headers

from web.security import check_origin, page_policy

OWN = "127.0.0.1:8000"


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "", "[::1", "10.0.0.1:8000", "localhost.evil"]
)
def test_other_host_names_are_refused(stranger: Any, host: str) -> None:
    stranger.host = host
    answer = stranger.get("/signin")
    assert answer.status == 400
    assert "127.0.0.1 and localhost" in answer.text


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8000", "localhost:9", "LOCALHOST"])
def test_our_own_names_are_served(stranger: Any, host: str) -> None:
    stranger.host = host
    assert stranger.get("/signin").status == 200


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({"sec-fetch-site": "same-origin", "origin": "null"}, True),
        ({"sec-fetch-site": "same-origin", "origin": f"http://{OWN}"}, True),
        ({"sec-fetch-site": "same-origin"}, True),
        ({"origin": f"http://{OWN}"}, True),
        ({"sec-fetch-site": "cross-site", "origin": "null"}, False),
        ({"sec-fetch-site": "same-site", "origin": f"http://{OWN}"}, False),
        ({"sec-fetch-site": "none"}, False),
        ({"sec-fetch-site": "same-origin", "origin": "http://evil.example"}, False),
        ({"origin": "http://127.0.0.1:9999"}, False),
        ({"origin": "null"}, False),
        ({}, False),
    ],
)
def test_forms_of_other_sites_are_refused(headers: dict[str, str], allowed: bool) -> None:
    assert (check_origin(Headers({"host": OWN} | headers)) is None) is allowed


def test_a_foreign_form_changes_nothing(browse: Callable[[str], Any]) -> None:
    browser = browse("analyst")
    answer = browser.post(
        "/signout", headers={"sec-fetch-site": "cross-site", "origin": "http://evil.example"}
    )
    assert answer.status == 403
    assert browser.get("/").status == 200


PATHS = [
    "/signin",
    "/",
    "/review",
    "/listings",
    "/nothing",
    "/listings/0",
    "/needs",
    "/needs.atom",
    "/runs",
    "/static/tuskwatch.css",
    "/static/none",
]


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_carries_the_headers(browse: Callable[[str], Any], path: str) -> None:
    headers = browse("admin").get(path).headers
    assert headers["content-security-policy"] == page_policy()
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["cache-control"] == ("no-cache" if path.startswith("/static/") else "no-store")


def test_the_policy_lets_nothing_in_from_outside() -> None:
    rules = dict(rule.split(" ", 1) for rule in page_policy().split("; "))
    assert rules["default-src"] == "'none'"
    assert {value for name, value in rules.items() if name != "default-src"} == {"'self'", "'none'"}
    assert rules["frame-ancestors"] == rules["base-uri"] == "'none'"


def test_a_failure_has_an_id_that_is_in_the_log(
    browse: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from structlog.testing import capture_logs

    browser = browse("reader")

    def fail(*args: object, **kwargs: object) -> None:
        raise ZeroDivisionError("a secret path /srv/x")

    monkeypatch.setattr("web.listings.find_listings", fail)
    with capture_logs() as logs:
        answer = browser.get("/listings", may_fail=True)
    assert answer.status == 500
    assert "secret" not in answer.text
    assert answer.headers["content-security-policy"] == page_policy()
    [entry] = [log for log in logs if log["event"] == "failed"]
    assert entry["error_id"] in answer.text


def test_a_refusal_has_an_id_that_is_in_the_log(browse: Callable[[str], Any]) -> None:
    from structlog.testing import capture_logs

    with capture_logs() as logs:
        answer = browse("reader").get("/runs/999")
    assert answer.status == 404
    assert logs[-1]["error_id"] in answer.text


def test_wrong_method_is_said_plainly(browse: Callable[[str], Any]) -> None:
    answer = browse("admin").post("/listings")
    assert answer.status == 405
    assert "does not take that kind of request" in answer.text
