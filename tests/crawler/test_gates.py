"""Which pages bar the way, and which only look so."""

from __future__ import annotations

import pytest

from crawler.gates import MAX_WAIT, judge
from crawler.links import find_links

LOGIN = '<form method="post"><input name="u"><input type="password" name="p"></form>'
CAPTCHA = '<form method="post"><img alt="captcha" src="/c.png"><input name="cap"></form>'
QUEUE = '<meta http-equiv="refresh" content="12"><p>You are in queue. Estimated time: 3 min</p>'
LONG = "<p>" + "Old white bangle, sixty grams, with papers. " * 40 + "</p>"


@pytest.mark.parametrize(
    ("status", "body", "path", "kind"),
    [
        (200, "<h1>Home</h1>", "/", None),
        (200, LONG, "/p/1", None),
        (200, "", "/", None),
        (404, "<h1>Not found</h1>", "/p/1", "not_found"),
        (410, "", "/p/1", "not_found"),
        (429, "", "/", "limited"),
        (500, "<h1>Oops</h1>", "/", "down"),
        (503, QUEUE, "/", "queue"),
        (200, QUEUE, "/", "queue"),
        (200, LONG + QUEUE, "/t/1", None),  # a thread that tells of queues, with a refresh of its own
        (200, '<meta http-equiv="refresh" content="0; url=/next"><p>Moved</p>', "/", None),
        (200, CAPTCHA, "/", "captcha"),
        (200, LONG + CAPTCHA, "/t/1", None),  # a reply form with a captcha under a long thread
        (200, LOGIN, "/", "login"),
        (200, LONG + LOGIN, "/", None),  # a login box beside content
        (200, LONG + LOGIN, "/login", "login"),
        (403, "<p>No.</p>", "/x", "login"),
        (401, "", "/x", "login"),
        (200, "<h1>This hidden site has been seized</h1>", "/", "seized"),
        (200, LONG * 3 + "<p>The market has been seized, they say</p>", "/t/2", None),
        (200, "<p>плохо</p>\xff\xfe", "/", None),
    ],
)
def test_pages_are_told_apart(status: int, body: str, path: str, kind: str | None) -> None:
    gate = judge(status, [], body.encode("utf-8", "surrogateescape"), path=path)
    assert (gate.kind if gate else None) == kind


@pytest.mark.parametrize(
    ("status", "body", "path", "asked", "retry", "person"),
    [
        (200, CAPTCHA, "/", "/", True, True),
        (200, LOGIN, "/login", "/p/7", True, True),  # sent to the login from a page: it is barred
        (200, LOGIN, "/login", "/login", False, False),  # the login page itself: nothing is barred
        (404, "x", "/p", "/p", False, False),
        (503, "x", "/p", "/p", True, False),
    ],
)
def test_what_a_gate_asks_for(
    status: int, body: str, path: str, asked: str, retry: bool, person: bool
) -> None:
    gate = judge(status, [], body.encode(), path=path, asked=asked)
    assert gate is not None
    assert (gate.retry, gate.person) == (retry, person)


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ([("Retry-After", "30")], 30),
        ([("retry-after", "999999")], MAX_WAIT),
        ([("Retry-After", "soon")], 0),
        ([], 0),
    ],
)
def test_the_wait_that_the_site_asks_for_is_bounded(headers: list[tuple[str, str]], wait: float) -> None:
    gate = judge(429, headers, b"", path="/")
    assert gate is not None
    assert gate.wait == wait


def test_a_queue_tells_its_wait() -> None:
    gate = judge(200, [], QUEUE.encode(), path="/")
    assert gate is not None
    assert (gate.wait, gate.retry, gate.person) == (12, True, False)


HOSTILE = {
    "boxes in boxes": "<div>" * 40_000,
    "boxes in boxes, each with a link": "<div><a href='/p/1'>x</a>" * 10_000,
    "refreshes of a page that is little text": '<meta http-equiv="refresh" content="5;url=/p/1">' * 12_000,
    "refreshes of a queue": QUEUE + '<meta http-equiv="refresh" content="x">' * 12_000,
    "styles never closed": "<b><i><p>" * 20_000,
    "attributes without end": f"<p {' '.join(f'a{number}' for number in range(100_000))}>",
    "forms in boxes": "<div><form><input type=password>" * 8_000,
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_page_is_judged_and_read_for_links_at_a_bounded_cost(body: str) -> None:
    """Each took a minute to many hours when it was parsed as it came."""
    gate = judge(200, [], body.encode(), path="/")
    found = find_links(body.encode(), url="http://site.onion/", hosts=["site.onion"])
    assert gate is None or gate.kind in ("queue", "login")
    assert set(found.paths) <= {"/p/1"}


def test_forms_within_forms_are_left_out_of_the_text_together() -> None:
    body = (
        "<style>a</style><div><form><div></form><form>"
        + LOGIN
        + "<p>x</p></form></div></div><script>b</script>"
    )
    gate = judge(200, [], body.encode(), path="/p/1")
    assert gate is not None
    assert gate.kind == "login"
