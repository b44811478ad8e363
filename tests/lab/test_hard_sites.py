"""The hard lab's sites behind their front-ends: login, outages, traps, mirrors, new templates, and the record of it all."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest
from pysequoia import Cert, verify

from crawler.siteconfig import GATE_KINDS, PAGE_KINDS, is_onion
from crawler.sites import load_site
from lab.errors import LabError
from lab.faults import MOST_IN_A_ROW, Faults
from lab.hard import MIRRORED, HardLab
from lab.hardfiles import KEY_FILE, hard_files, hard_settings
from lab.hostile import HOSTILE
from lab.ledger import Ledger, Served, read_served, summarise
from lab.makeover import MAKEOVERS
from lab.options import HARD_SITES, HardOptions, read_options
from lab.pages.base import invent_onion
from lab.register import write_files
from lab.truth import truth
from lab.vanity import make_lookalikes
from lab.wire import Request, Response

TODAY = date(2026, 11, 22)
LISTINGS = 120


@dataclass
class World:
    """A hard lab without Tor, and a visitor with cookies for each site."""

    folder: Path
    lab: HardLab
    now: list[float]
    jars: dict[str, dict[str, str]] = field(default_factory=dict)

    def ask(
        self, door: str, path: str = "/", *, method: str = "GET", form: str = "", circuit: str = "c"
    ) -> Response:
        """A request by a patient visitor, a second after the last."""
        self.now[0] += 1
        jar = self.jars.setdefault(door, {})
        host = self.lab.onions[door]
        headers = {"user-agent": "a browser", "host": host, "referer": f"http://{host}{path}",
                   "cookie": "; ".join(f"{name}={value}" for name, value in jar.items())}  # fmt: skip
        response = self.lab.doors[door].respond(Request(method, path, headers, form.encode(), circuit))
        for header, value in response.headers:
            if header == "Set-Cookie":
                name, _, token = value.partition(";")[0].partition("=")
                jar[name] = token
        return response

    def enter(self, door: str) -> None:
        """Wait in the queue."""
        while self.served()[-1:] == [] or self.served()[-1].kind == "queue":
            self.ask(door)

    def log_in(self) -> Response:
        account = self.lab.account
        form = f"name={account.name}&kennwort={account.password}"
        return self.ask("nordkontor", "/anmelden", method="POST", form=form)

    def served(self) -> list[Served]:
        return read_served(self.folder)


def make_world(folder: Path, **options: float) -> World:
    now = [1_000_000.0]
    lab = HardLab(
        seed=21,
        listings=LISTINGS,
        today=TODAY,
        options=read_options({"break_after": 0, "outages": 0, **options}),
        ledger=Ledger(folder),
        clock=lambda: now[0],
    )
    lab.settle({name: invent_onion(name) for name in lab.doors})
    return World(folder, lab, now)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return make_world(tmp_path)


def location(response: Response) -> str:
    return dict(response.headers).get("Location", "")


def test_a_market_shows_nothing_without_an_account(world: World) -> None:
    row = world.lab.sites["nordkontor"].inner
    first = world.ask("nordkontor", "/")
    assert (first.status, location(first)) == (302, "/anmelden?ziel=%2F")
    soft = world.ask("nordkontor", row.path_of(3))  # type: ignore[union-attr]
    assert soft.status == 200
    assert b"type='password'" in soft.body
    assert world.log_in().status == 302
    assert b"marschland" in world.ask("nordkontor", "/konto").body
    assert b"dl-horizontal" in world.ask("nordkontor", row.path_of(3)).body  # type: ignore[union-attr]
    assert [r.kind for r in world.served()] == ["redirect", "login", "redirect", "other", "listing"]


def test_a_wrong_password_opens_nothing(world: World) -> None:
    form = f"name={world.lab.account.name}&kennwort=x"
    assert b"falsch" in world.ask("nordkontor", "/anmelden", method="POST", form=form).body
    assert world.ask("nordkontor", "/konto").status == 302


@pytest.mark.parametrize("how", ["time", "logout"])
def test_a_session_ends(world: World, how: str) -> None:
    world.log_in()
    assert world.ask("nordkontor", "/konto").status == 200
    if how == "time":
        world.now[0] += 3600
    else:
        world.lab.carry_out("logout", "nordkontor")
    assert location(world.ask("nordkontor", "/konto")).startswith("/anmelden")


def test_outages_are_a_third_of_requests_and_the_same_for_the_same_seed() -> None:
    def fail(seed: int) -> list[str]:
        faults = Faults(seed=seed, site="backroom", share=0.3)
        found = []
        for _ in range(3):
            for page in range(1000):
                verdict = faults.judge(Request("GET", f"/t/{page}", {}))
                found.append(verdict.note if verdict else "")
        return found

    one = fail(21)
    assert one == fail(21)
    assert one != fail(22)
    assert 0.27 < sum(map(bool, one)) / len(one) < 0.33
    assert set(one) == {
        "", "bad gateway", "unavailable", "soft bad gateway", "limited", "closed", "cut", "hung",
    }  # fmt: skip


def test_no_address_fails_more_than_three_times_in_a_row() -> None:
    faults = Faults(seed=3, site="backroom", share=0.9)
    failed = [faults.judge(Request("GET", "/t/1", {})) is not None for _ in range(400)]
    longest = max(len(part) for part in "".join("x" if f else "." for f in failed).split("."))
    assert longest == MOST_IN_A_ROW


def test_outages_spare_the_login(tmp_path: Path) -> None:
    world = make_world(tmp_path, outages=0.9)
    assert world.log_in().status == 302
    assert all(world.ask("nordkontor", "/konto").status == 200 for _ in range(50))


def test_a_refusal_says_when_to_come_back(tmp_path: Path) -> None:
    world = make_world(tmp_path, outages=0.5)
    answers = [world.ask("backroom", f"/tag/x/{n}") for n in range(300)]
    later = {dict(a.headers).get("Retry-After") for a in answers if a.status == 429}
    assert later == {"1"}


def walk(world: World, door: str, start: str, *, most: int, follow: Callable[[str], bool]) -> set[str]:
    """Every address that can be reached over those that `follow` takes, up to `most`."""
    seen: set[str] = set()
    waiting = [start]
    while waiting and len(seen) < most:
        target = waiting.pop(0)
        if target in seen:
            continue
        seen.add(target)
        body = world.ask(door, target).body.decode("utf-8", "replace")
        for link in re.findall(r"""href=['"]([^'"]+)['"]""", body):
            path = urlsplit(urljoin(f"http://here{target}", link.replace("&amp;", "&")))
            whole = path.path + (f"?{path.query}" if path.query else "")
            if path.netloc == "here" and follow(whole):
                waiting.append(whole)
    return seen


@pytest.mark.parametrize("branch", ["/calendar/", "/members", "/finder", "/tag/"])
def test_the_traps_hang_on_the_home_page_and_do_not_end(world: World, branch: str) -> None:
    home = world.ask("backroom", "/").body.decode()
    start = next(link for link in re.findall(r'href="([^"]+)"', home) if link.startswith(branch))
    assert len(walk(world, "backroom", start, most=300, follow=lambda path: path.startswith(branch))) == 300


def test_the_same_thread_has_another_address_on_each_page(world: World) -> None:
    found = [
        set(re.findall(r"\?sid=([0-9a-f]{32})", world.ask("backroom", path).body.decode()))
        for path in ("/board/offers", "/board/talk", "/t/301", f"/t/301?sid={'0' * 32}")
    ]
    assert all(len(sids) == 1 for sids in found)
    assert len(set.union(*found)) == 4


def test_the_last_page_of_members_repeats(world: World) -> None:
    table = re.compile(r"<table>.*</table>")
    one, other = (
        table.search(world.ask("backroom", f"/members?page={n}").body.decode()) for n in (40, 99_999)
    )
    assert one is not None
    assert other is not None
    assert one[0] == other[0]
    assert "/members?page=100000" in world.ask("backroom", "/members?page=99999").body.decode()


def test_the_attic_is_linked_and_each_of_its_pages_answers(world: World) -> None:
    home = world.ask("backroom", "/").body.decode()
    for name in HOSTILE:
        assert f'href="/attic/{name}"' in home
        response = world.ask("backroom", f"/attic/{name}")
        assert response.script is not None or response.body or location(response)
    assert Counter(r.kind for r in world.served())["hostile"] == len(HOSTILE)


def test_a_bomb_is_small_on_the_way() -> None:
    script = HOSTILE["bomb"]().script
    assert script is not None
    assert len(script.first) < 200_000


@pytest.mark.parametrize("site", ["oldport", "lanternrow", "nordkontor", "backroom"])
def test_every_listing_can_be_reached_behind_the_gates(world: World, site: str) -> None:
    hard = world.lab.sites[site]
    if site == "nordkontor":
        world.log_in()
    skip = [re.compile(pattern) for pattern in hard.inner.skip]
    known = [re.compile(pattern) for patterns in hard.kinds.values() for pattern in patterns]

    def follow(path: str) -> bool:
        if "sid=" in path or any(pattern.search(path) for pattern in skip):
            return False
        return any(pattern.search(path) for pattern in known)

    # The inner pages stand behind the captcha; its own tests show the way through it.
    door = world.lab.doors[site]
    door.front._queue = False
    if site == "backroom":
        hard._changes["backroom"] = lambda request, text: text
    reached = walk(world, site, "/", most=5000, follow=follow)
    true = {row.path for row in truth(seed=21, listings=LISTINGS, today=TODAY) if row.site == site}
    assert len(true) == hard.inner.count
    assert true <= reached


def test_every_market_shows_how_many_offers_each_category_has(world: World) -> None:
    for site in ("oldport", "lanternrow", "nordkontor"):
        world.lab.doors[site].front._queue = False
    world.log_in()
    shown = {
        "oldport": r'<li><a href="/c/[^"]+">[^<]+</a> \((\d+)\)',
        "lanternrow": r'</a> <span class="n">(\d+)</span></li>',
        "nordkontor": r'href="/kategorie/[^"]+">[^<]+ \((\d+)\)</a>',
    }
    for site, pattern in shown.items():
        counts = [int(n) for n in re.findall(pattern, world.ask(site).body.decode())]
        assert len(counts) == 15, site
        assert sum(counts) == world.lab.sites[site].inner.count


def test_a_mirror_dies_after_so_many_requests_and_the_others_live(tmp_path: Path) -> None:
    world = make_world(tmp_path, break_after=5)
    for _ in range(5):
        assert world.ask(MIRRORED).script is None
    assert world.ask(MIRRORED).script is not None
    assert world.ask(f"{MIRRORED}-b").script is None
    assert [row.kind for row in world.served()][-2:] == ["dropped", "queue"]


def test_break_kills_one_onion_after_the_other(world: World) -> None:
    for role in ("", "-b", "-c"):
        assert f"{MIRRORED}{role} of" in world.lab.carry_out("break", MIRRORED)
    with pytest.raises(LabError, match="dead already"):
        world.lab.carry_out("break", MIRRORED)
    assert not world.lab.doors[f"{MIRRORED}-phish"].dead


def test_the_mirrors_page_is_signed_with_the_key_beside_the_site_file(world: World) -> None:
    world.lab.doors[MIRRORED].front._queue = False
    assert b'href="/mirrors.txt"' in world.ask(MIRRORED, "/").body
    page = world.ask(MIRRORED, "/mirrors.txt")
    cert = Cert.from_bytes(hard_files(world.lab, MIRRORED)[KEY_FILE].encode())
    checked = verify(page.body, store=lambda ids: [cert])
    assert [sig.certificate for sig in checked.valid_sigs] == [world.lab.mirror_list.fingerprint.lower()]
    listed = re.findall(r"[a-z2-7]{56}\.onion", page.body.decode())
    own = [world.lab.onions[f"{MIRRORED}{role}"] for role in ("", "-b", "-c")]
    assert listed == own
    assert world.lab.addresses(MIRRORED) == own[:2]
    assert world.lab.describe()["sites"][MIRRORED]["mirrors"]["proposed"] == own[2]


def test_lookalikes_are_real_keys_that_share_their_first_letters() -> None:
    import random

    one, two = make_lookalikes(random.Random(5), letters=4)
    assert is_onion(one.onion)
    assert is_onion(two.onion)
    assert one.onion[:4] == two.onion[:4]
    assert one.public != two.public
    assert len(one.file) == 96


def test_a_public_key_is_that_of_rfc_8032() -> None:
    import hashlib

    from lab import vanity

    # RFC 8032, 7.1, test 1
    seed = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    digest = hashlib.sha512(seed).digest()
    scalar = (int.from_bytes(digest[:32], "little") & ((1 << 254) - 8)) | 1 << 254
    public = vanity._encode([vanity._times(scalar, vanity._BASE)])[0]
    assert public.hex() == "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"


def test_the_forum_links_to_the_phishing_copy_and_nobody_else_does(world: World) -> None:
    world.lab.doors[MIRRORED].front._queue = False
    copy = world.lab.onions[f"{MIRRORED}-phish"]
    assert f"http://{copy}/" in world.ask("backroom").body.decode()
    assert copy not in world.ask(MIRRORED, "/mirrors.txt").body.decode()
    assert copy not in world.ask(MIRRORED).body.decode()
    world.ask(f"{MIRRORED}-phish")
    assert world.served()[-1].kind == "phishing"


@pytest.mark.parametrize(("site", "kind"), [("graymarsh", "seized"), ("tollgate", "exit")])
def test_sites_that_are_no_more_say_so_on_every_page(world: World, site: str, kind: str) -> None:
    for path in ("/", "/item/3", "/x"):
        assert world.ask(site, path).status == 200
    assert [row.kind for row in world.served()] == [kind] * 3


def test_a_market_can_be_seized_while_it_is_crawled(world: World) -> None:
    world.ask("backroom")
    world.lab.carry_out("seize", "backroom")
    assert b"HAS BEEN SEIZED" in world.ask("backroom").body
    assert [row.kind for row in world.served()] == ["home", "seized"]


@pytest.mark.parametrize("site", sorted(MAKEOVERS))
def test_a_new_template_loses_words_and_keeps_marks(world: World, site: str) -> None:
    from selectolax.lexbor import LexborHTMLParser

    world.lab.doors[site].front._queue = False
    if site == "nordkontor":
        world.log_in()
    inner = world.lab.sites[site].inner
    path = inner.path_of(5)  # type: ignore[union-attr]
    before = world.ask(site, path).body.decode()
    world.lab.carry_out("change", site)
    after = world.ask(site, path).body.decode()
    marks = hard_settings(world.lab, world.lab.sites[site], today=TODAY)["marks"]["listing"]["require"]
    assert all(LexborHTMLParser(after).css_first(mark) is not None for mark in marks)
    for old, _ in MAKEOVERS[site]:
        assert not re.search(old, after) or old.startswith("<title>")
    assert inner.goods.listing(5).seller in after  # type: ignore[union-attr]
    assert before != after
    world.lab.carry_out("change", site)
    assert world.ask(site, path).body.decode() == before


@pytest.mark.parametrize(
    ("verb", "site", "words"),
    [
        ("change", "backroom", "no other template"),
        ("break", "nowhere", "no site nowhere"),
        ("eat", "oldport", "cannot"),
    ],
)
def test_what_makes_no_sense_is_refused(world: World, verb: str, site: str, words: str) -> None:
    with pytest.raises(LabError, match=words):
        world.lab.carry_out(verb, site)


@pytest.mark.parametrize("wrong", [{"outages": 1.0}, {"queue": -1.0}, {"tries": 0}, {"rate": 0.0}])
def test_impossible_options_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(LabError, match=next(iter(wrong))):
        read_options(wrong)


def test_the_product_accepts_the_site_files_and_removes_what_was_written(
    world: World, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    written = write_files(
        data,
        settings={
            name: hard_settings(world.lab, site, today=TODAY) for name, site in world.lab.sites.items()
        },
        socks_port=1,
        control_port=2,
        beside={name: hard_files(world.lab, name) for name in world.lab.sites},
    )
    assert len(written) == len(HARD_SITES) + 2
    for name in HARD_SITES:
        config = load_site(data / "sites" / name)
        assert list(config.addresses) == world.lab.addresses(name)
        assert (1 / (config.pace.delay * (1 - config.pace.jitter))) * config.pace.in_flight < 6
    market = load_site(data / "sites" / MIRRORED)
    assert (market.mirrors.page, market.mirrors.key) == ("/mirrors.txt", KEY_FILE)
    shop = load_site(data / "sites" / "nordkontor")
    assert (shop.session.check, shop.session.accounts) == ("/konto", True)


def test_what_is_served_is_of_a_known_kind(tmp_path: Path) -> None:
    world = make_world(tmp_path, outages=0.3)
    for door in world.lab.doors:
        for path in ("/", "/p/10413", "/rules", "/nothing", "/x.png", "/login", "/t/301", "/board/talk"):
            for _ in range(4):
                world.ask(door, path)
    known = {
        *PAGE_KINDS,
        *GATE_KINDS,
        "redirect",
        "asset",
        "refused",
        "phishing",
        "hostile",
        "dropped",
        "hung",
        "cut",
    }
    assert {row.kind for row in world.served()} <= known


def test_the_summary_counts_what_was_served(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    for number in range(9):
        at = 100 + number / 4
        ledger.add(Served(at, "oldport", "main", "a" if number else "b", "GET", "/", 200, "home"))
    ledger.add(Served(200, "oldport", "main", "a", "GET", "/", 0, "dropped", "", "too fast", True))
    ledger.close()
    found = summarise(read_served(tmp_path))["oldport"]
    assert found == {
        "requests": 10, "kinds": {"home": 9, "dropped": 1}, "circuits": 2, "killed": {"too fast": 1}, "barred": 1,
        "peak_rate": 4,
    }  # fmt: skip
    assert json.dumps(found)


def test_the_lab_itself_is_not_counted(world: World) -> None:
    from lab.visit import KNOCK

    response = world.lab.doors["oldport"].respond(Request("GET", "/", {"user-agent": KNOCK}))
    assert response.body == b"ready"
    assert world.served() == []


def test_the_options_are_those_measured_at_real_markets() -> None:
    o = HardOptions()
    assert (o.rate, o.burst, o.queue, o.captcha, o.tries, o.session, o.bar) == (6, 10, 5, 60, 3, 3600, 3600)
