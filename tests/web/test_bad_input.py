"""Whatever an address or a form says, the answer is a clear page and never a failure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

NUMBERS = [
    "0",
    "-1",
    "1.5",
    "abc",
    "99999999999999999999",
    "2147483648",
    "٣",
    "1e3",
    "0x1",
    " 1",
    "%00",
    "null",
    "1;drop",
]
PATHS = ["/listings/{}", "/pages/{}", "/runs/{}", "/runs/{}/log", "/reports/{}", "/reports/{}/report.html"]


@pytest.mark.parametrize("path", PATHS)
def test_bad_ids_are_not_found(browse: Callable[[str], Any], path: str) -> None:
    browser = browse("admin")
    assert {browser.get(path.format(number)).status for number in NUMBERS} == {404}


@pytest.mark.parametrize("path", PATHS)
def test_ids_of_nothing_are_not_found(browse: Callable[[str], Any], path: str) -> None:
    assert browse("admin").get(path.format(2_147_483_647)).status == 404


@pytest.mark.parametrize("name", ["nowhere", "a" * 5_000, "%2e%2e", "<b>", "oldport'--", "OLDPORT", "\u202e"])
def test_names_of_nothing_are_not_found(browse: Callable[[str], Any], name: str) -> None:
    answer = browse("admin").get(f"/sites/{name}")
    assert answer.status == 404
    assert "<b>" not in answer.text


QUERIES = [
    ("/listings", b"page=-1", 400),
    ("/listings", b"page=0", 400),
    ("/listings", b"page=abc", 400),
    ("/listings", b"page=999999999999", 400),
    ("/listings", b"page=999999", 404),
    ("/listings", b"page=%D9%A3", 400),
    ("/listings", b"page=", 200),
    ("/listings", b"text=%00", 400),
    ("/listings", b"text=%ff%fe", 200),
    ("/listings", b"text=%ed%a0%80", 200),
    ("/listings", b"text=" + b"a" * 300, 400),
    ("/listings", b"text=" + b"a" * 100_000, 414),
    ("/listings", b"text=%25_%5C", 200),
    ("/listings", b"\xff\xfe=\xff", 400),
    ("/listings/", b"text=\xff", 400),
    ("/listings", b"group=pangolin", 400),
    ("/listings", b"state=asleep", 400),
    ("/listings", b"site=" + b"s" * 65, 400),
    ("/listings", b"&".join(b"a=%d" % n for n in range(900)), 400),
    ("/listings.csv", b"group=pangolin", 400),
    ("/listings.json", b"state=asleep", 400),
    ("/runs", b"state=asleep", 400),
    ("/runs", b"site=%00", 400),
    ("/review", b"skip=a", 400),
    ("/review", b"skip=1,2,3", 200),
    ("/review", b"skip=" + b",".join(b"%d" % n for n in range(1, 900)), 200),
    ("/review", b"skip=99999999999999999999", 400),
    ("/review", b"listing=-1", 400),
    ("/review", b"listing=2147483647", 404),
    ("/review", b"saved=2147483647", 200),
    ("/review", b"problem=<script>", 200),
    ("/", b"done=<script>alert(1)</script>", 400),
    ("/", b"done=nonsense", 200),
    ("/signin", b"next=%00", 400),
]


@pytest.mark.parametrize(("path", "query", "status"), QUERIES)
def test_bad_addresses_get_a_clear_page(
    browse: Callable[[str], Any], path: str, query: bytes, status: int
) -> None:
    answer = browse("admin").get(path, query=query)
    assert answer.status == status
    assert "<script>" not in answer.text.replace('<script src="/static/', "")


BODIES = [
    (b"", None, 400),
    (b"name=a", None, 400),
    (b"name=%00&password=x", None, 400),
    (b"name=" + b"a" * 101 + b"&password=x", None, 400),
    (b"name=a&password=" + b"a" * 2_000, None, 400),
    (b"name=%ff&password=%ff", None, 403),
    (b"name=a&password=x&" + b"x" * 70_000, None, 413),
    (b"&".join(b"a=1" for _ in range(900)), None, 400),
    (b'{"name": "reader"}', "application/json", 415),
    (b"--x\r\n\r\n--x--", "multipart/form-data; boundary=x", 415),
    (b"name=a", "", 415),
]


@pytest.mark.parametrize(("body", "kind", "status"), BODIES)
def test_bad_bodies_get_a_clear_page(stranger: Any, body: bytes, kind: str | None, status: int) -> None:
    headers = {} if kind is None else {"content-type": kind}
    assert stranger.post("/signin", body=body, headers=headers).status == status


@pytest.mark.parametrize(
    ("cookie", "location"), [("x", "/signin"), ("y" * 43, "/signin"), ("\xff" * 43, "/signin")]
)
def test_a_made_up_cookie_signs_nobody_in(stranger: Any, cookie: str, location: str) -> None:
    stranger.cookies = {"tuskwatch": cookie}
    assert stranger.get("/").location == location


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    path=st.sampled_from(["/listings", "/listings.csv", "/runs", "/review", "/", "/reports", "/schedules"]),
    pairs=st.lists(
        st.tuples(
            st.sampled_from(
                ["page", "text", "site", "group", "state", "skip", "listing", "saved", "done", "problem"]
            ),
            st.one_of(st.binary(max_size=40), st.integers().map(lambda n: str(n).encode())),
        ),
        max_size=4,
    ),
)
def test_no_address_makes_it_fail(signed_in: Any, path: str, pairs: list[tuple[str, bytes]]) -> None:
    query = b"&".join(name.encode() + b"=" + value for name, value in pairs)
    assert signed_in.get(path, query=query).status in (200, 400, 404)


@pytest.fixture
def signed_in(browse: Callable[[str], Any]) -> Any:
    return browse("admin")
