"""What a run's signed page of mirrors leads to: proposals for a person, or an issue that says why not."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pysequoia import SignatureMode, Tsk, sign
from sqlalchemy import Engine

from jobs.mirrors import check_mirrors, propose_mirrors, view_mirrors
from jobs.places import Places
from jobs.sites import find_site, register
from storage.engine import open_engine, reading
from storage.issues import find_issues
from storage.mirrors import accept_list, decide_address
from storage.pages import Fetched, store_page
from storage.runs import create_run
from storage.sites import find_usable

NOW = datetime.now(UTC)
"""The clock of this machine: signatures are made by it."""
TSK = Tsk.generate("Old Port")
FINGERPRINT = TSK.extract_certificate().fingerprint
PATH = "/mirrors"


class Desk:
    """A site with a key on file, and a run that stored pages of it."""

    def __init__(self, places: Places, engine: Engine) -> None:
        self.places, self.engine = places, engine
        self.write_site(page=PATH, key="site.asc")
        self.config = find_site(places, "oldport")
        self.site_id = register(engine, self.config, now=NOW)
        self.run_id = create_run(
            engine, verb="crawl", site_id=self.site_id, by="test", reason="", settings={}, now=NOW
        )
        self.write_key(TSK)

    def write_site(self, **mirrors: str) -> Desk:
        path = self.places.sites / "oldport" / "site.yml"
        kept = [line for line in path.read_text().splitlines() if not line.startswith("mirrors:")]
        inside = ", ".join(f"{name}: {value}" for name, value in mirrors.items())
        path.write_text("\n".join([*kept, *([f"mirrors: {{{inside}}}"] if mirrors else [])]) + "\n")
        return self

    def write_key(self, tsk: Tsk) -> None:
        (self.places.sites / "oldport" / "site.asc").write_text(str(tsk.extract_certificate()))

    def store(self, body: str, *, path: str = PATH, kind: str = "text/html", status: int = 200) -> int:
        page = Fetched(
            site_id=self.site_id, run_id=self.run_id, frontier_id=None, attempt=1, hop=0,
            url=f"http://{self.config.addresses[0]}{path}", method="GET", request_headers=(), requested_at=NOW,
            status=status, reason="OK", response_headers=(), received_at=NOW, body=body.encode(), content_type=kind,
            content_encoding="", circuit_token="c" * 64,
        )  # fmt: skip
        return store_page(self.engine, page, now=NOW)

    def propose(self) -> list[str]:
        return propose_mirrors(self.places, self.engine, run_id=self.run_id, now=NOW)

    def issues(self) -> list[tuple[str, str, str]]:
        with reading(self.engine) as session:
            return [(issue.kind, issue.level, issue.message) for issue in find_issues(session)]


@pytest.fixture
def desk(places: Places) -> Iterator[Desk]:
    engine = open_engine(places.database_url)
    yield Desk(places, engine)
    engine.dispose()


@pytest.fixture
def onions() -> list[str]:
    return [_onion(f"mirror {number}") for number in range(3)]


def _onion(seed: str) -> str:
    import base64
    import hashlib

    key = hashlib.sha256(seed.encode()).digest()
    checksum = hashlib.sha3_256(b".onion checksum" + key + b"\x03").digest()[:2]
    return base64.b32encode(key + checksum + b"\x03").decode().lower() + ".onion"


def _signed(onions: list[str], tsk: Tsk = TSK) -> str:
    text = (
        "Mirrors of the Old Port\n" + "\n".join(f"{n}. {onion}" for n, onion in enumerate(onions, 1)) + "\n"
    )
    block = sign(tsk.signer(), text.encode(), mode=SignatureMode.CLEAR).decode()
    return f"<html><body><pre>{html.escape(block)}</pre></body></html>"


def test_signed_addresses_wait_for_a_person(desk: Desk, onions: list[str]) -> None:
    page = desk.store(_signed([desk.config.addresses[0], *onions]))
    assert desk.propose() == onions
    views = view_mirrors(desk.engine, desk.config, now=NOW)
    assert [(view.state, view.source) for view in views] == [("proposed", "page")] * 3 + [
        ("unverified", "file")
    ]
    assert (views[0].found_on, views[0].signed_by) == (page, FINGERPRINT)
    assert f"signed {NOW:%Y-%m-%d}: 2. {onions[0].replace('.', '[.]')}" == views[0].reason
    with reading(desk.engine) as session:
        assert [row.onion for row in find_usable(session, desk.site_id)] == [desk.config.addresses[0]]
    ((kind, level, message),) = desk.issues()
    assert (kind, level) == ("mirror-proposed", "warn")
    assert "tuskwatch mirror list oldport" in message


def test_what_is_known_is_not_proposed_again(desk: Desk, onions: list[str]) -> None:
    desk.store(_signed(onions))
    assert desk.propose() == onions
    assert desk.propose() == []
    decide_address(desk.engine, site_id=desk.site_id, onion=onions[0], approve=False, by="ana", now=NOW)
    assert desk.propose() == []


WRONG: dict[str, tuple[Callable[[Desk, list[str]], Any], str]] = {
    "not signed": (lambda desk, onions: desk.store(f"<p>{onions[0]}</p>"), "no signed text"),
    "by another key": (lambda desk, onions: desk.store(_signed(onions, Tsk.generate("x"))), "another key"),
    "changed": (lambda desk, onions: desk.store(_signed(onions[:2]).replace(onions[0], onions[2])), "changed"),
    "a replay": (
        lambda desk, onions: (
            accept_list(
                desk.engine, site_id=desk.site_id, signed_at=NOW + timedelta(hours=1), fingerprint=FINGERPRINT,
                page_id=1, count=1, now=NOW,
            ),
            desk.store(_signed(onions)),
        ),
        "before the last list",
    ),
    "too large": (lambda desk, onions: desk.store(_signed(onions) + " " * 600_000), "at most 524288"),
    "no key named": (
        lambda desk, onions: desk.write_site(page=PATH).store(_signed(onions)), "and no key",
    ),
    "no key there": (
        lambda desk, onions: desk.write_site(page=PATH, key="gone.asc").store(_signed(onions)),
        "the key cannot be read",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("do", "why"), WRONG.values(), ids=WRONG.keys())
def test_what_cannot_be_trusted_is_an_issue_and_no_proposal(
    desk: Desk, onions: list[str], do: Callable[[Desk, list[str]], Any], why: str
) -> None:
    do(desk, onions)
    assert desk.propose() == []
    assert len(view_mirrors(desk.engine, desk.config, now=NOW)) == 1
    ((kind, _, message),) = desk.issues()
    assert kind == "mirrors"
    assert why in message


def test_a_list_and_its_successor_in_one_run_are_no_replay(desk: Desk, onions: list[str]) -> None:
    """Two signatures of one second: the later page holds as well."""
    desk.write_site(key="site.asc")
    first, second = desk.store(_signed(onions[:1]), path="/a"), desk.store(_signed(onions[1:]), path="/b")
    from crawler.pages import mark_kind

    for page in (first, second):
        mark_kind(desk.engine, page, "directory")
    assert sorted(desk.propose()) == sorted(onions)


@pytest.mark.parametrize(
    ("path", "status", "count"), [(PATH, 200, 3), (PATH, 404, 0), ("/other", 200, 0), ("/x" + PATH, 200, 0)]
)
def test_only_the_page_that_the_site_file_names_is_read(
    desk: Desk, onions: list[str], path: str, status: int, count: int
) -> None:
    desk.store(_signed(onions), path=path, status=status)
    assert len(desk.propose()) == count


def test_a_site_without_a_key_and_a_page_has_no_proposals(desk: Desk, onions: list[str]) -> None:
    desk.write_site()
    desk.store(_signed(onions))
    assert (desk.propose(), desk.issues()) == ([], [])


def test_a_proposal_that_looks_like_an_address_of_another_site_is_phishing(
    desk: Desk, onions: list[str]
) -> None:
    from storage.sites import register_site

    twin = onions[0][:9] + "a" * 47 + ".onion"
    register_site(desk.engine, name="twin", title="Twin", config_sha256="1" * 64, onions=[twin], now=NOW)
    desk.store(_signed(onions))
    assert desk.propose() == onions
    (alike,) = (issue for issue in desk.issues() if issue[0] == "look-alike")
    assert alike[1] == "fail"
    assert ".onion" not in alike[2]


def test_a_run_of_no_site_has_no_proposals(desk: Desk) -> None:
    assert propose_mirrors(desk.places, desk.engine, run_id=999, now=NOW) == []


def test_a_check_asks_approved_addresses_and_no_others(
    desk: Desk, onions: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from crawler.reach import Reach

    asked: list[str] = []

    def answer(config: Any, *, socks: Any) -> list[Reach]:
        asked.extend(config.addresses)
        return [Reach(onion, "dead", None, None, "no answer in time") for onion in config.addresses]

    monkeypatch.setattr("jobs.mirrors.check_addresses", answer)
    desk.store(_signed(onions))
    desk.propose()
    decide_address(desk.engine, site_id=desk.site_id, onion=onions[0], approve=True, by="ana", now=NOW)
    decide_address(desk.engine, site_id=desk.site_id, onion=onions[1], approve=False, by="ana", now=NOW)
    check_mirrors(desk.engine, desk.config, socks=("127.0.0.1", 9), now=NOW)
    assert asked == [desk.config.addresses[0], onions[0]]
    views = {view.address: view for view in view_mirrors(desk.engine, desk.config, now=NOW)}
    dead = views[onions[0].replace(".", "[.]")]
    assert (dead.state, dead.reason, dead.recheck_at) == (
        "dead", "no answer in time", NOW + timedelta(minutes=30),
    )  # fmt: skip
