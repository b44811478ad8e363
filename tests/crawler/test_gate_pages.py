"""Invented gates in many languages are named as what they are, and pages that only speak of gates stay content."""

from __future__ import annotations

import pytest

from crawler.gates import judge
from crawler.marks import check_marks
from crawler.markup import parse_bounded
from crawler.siteconfig import Marks

MENU = "<nav>" + "".join(f'<a href="/c/{n}">Category {n}</a> ' for n in range(18)) + "</nav>"
FEW = (
    '<p><a href="/">Home</a> <a href="/forum">Forum</a> <a href="/rules">Rules</a> <a href="/pgp">PGP</a></p>'
)
PROSE = (
    "<p>" + "It came after eighteen days, well packed, and looked just like the picture did. " * 9 + "</p>"
)
BOX = '<form method="post" action="/login"><input name="u"><input type="password" name="p"><input type="submit"></form>'
PICTURE_BOX = (
    '<form method="post"><img src="/i/7"><input type="text" name="answer"><button>Go</button></form>'
)


def _page(title: str, body: str) -> str:
    return f"<html><head><title>{title}</title></head><body>{body}</body></html>"


def _listing(text: str, beside: str = "") -> str:
    return _page(
        "Old white bangle - Old Port",
        f"<div>{beside}</div><h1>Old white bangle</h1><p>USD 410.00 / 0.0093 BTC</p><p>{text}</p><p>Ships from: ZA</p>",
    )


def _post(text: str, title: str = "Question") -> str:
    posts = "".join(f'<div class="post">{who}: {text}</div>' for who in ("alba", "brun"))
    return _page(
        f"{title} - Harbour Forum",
        f"{FEW}<h1>{title}</h1>{posts}<form><textarea name=reply></textarea></form>",
    )


GATES = {
    # --- queues ---
    "queue by meta": ("queue", '<meta http-equiv="refresh" content="12"><p>You are in queue. Estimated time: 3 min</p>'),
    "queue in capitals": ("queue", '<META HTTP-EQUIV="Refresh" CONTENT="5; URL=/"><h1>PLEASE WAIT</h1>'),
    "queue without words": ("queue", '<meta http-equiv="refresh" content="3"><p>...</p>'),
    "queue without refresh": ("queue", "<h1>Access queue</h1><p>Your position in the queue: 41. Reload in a minute.</p>"),
    "queue in German": ("queue", '<meta http-equiv="refresh" content="7"><h1>Warteschlange</h1><p>Noch 3 Minuten</p>'),
    "queue in Russian": ("queue", '<meta http-equiv="refresh" content="9"><p>Вы в очереди. Подождите, пожалуйста.</p>'),
    "queue in Chinese": ("queue", '<meta http-equiv="refresh" content="9"><p>您正在排队,请稍候……</p>'),
    "queue in French": ("queue", "<h1>File d'attente</h1><p>Veuillez patienter, 2 minutes.</p>"),
    "queue of a shield": ("queue", _page("DDoS protection", '<meta http-equiv="refresh" content="5"><p>Checking your browser</p>')),
    # --- captchas ---
    "captcha by name": ("captcha", '<p>Prove you are human</p><form><img src="/x"><input name="captcha"></form>'),
    "captcha by picture": ("captcha", '<form><img alt="captcha" src="/c.png"><input name="a1"></form>'),
    "captcha by words": ("captcha", f"<h1>Security check</h1><p>Type the letters you see in the image</p>{PICTURE_BOX}"),
    "captcha of circles": (
        "captcha",
        "<h1>Are you human?</h1><p>Click on the open circle.</p><form><input type=image src=/a><input type=image src=/b></form>",
    ),
    "captcha to choose": (
        "captcha",
        "<p>Select all the clocks that show three</p><form><input type=checkbox name=a><input type=checkbox name=b></form>",
    ),
    "captcha in Russian": ("captcha", f"<h1>Введите код с картинки</h1>{PICTURE_BOX}"),
    "captcha in Chinese": ("captcha", f"<h1>请输入验证码</h1>{PICTURE_BOX}"),
    "captcha in Spanish": ("captcha", f"<p>Introduzca el código de seguridad</p>{PICTURE_BOX}"),
    "captcha in Vietnamese": ("captcha", f"<p>Nhập mã xác nhận để tiếp tục</p>{PICTURE_BOX}"),
    "captcha with a few links": ("captcha", f"{FEW}<h1>Anti-bot</h1><p>Solve this to go on</p>{PICTURE_BOX}"),
    # --- logins ---
    "login": ("login", _page("Sign in", BOX)),
    "login with a captcha": ("login", _page("Login", BOX.replace("</form>", '<img alt=captcha><input name=captcha></form>'))),
    "login with words around": ("login", _page("Old Port", f"<h1>Login to Old Port</h1><p>Please log in to see the goods.</p>{FEW}{BOX}")),
    "login in German": ("login", _page("Anmelden", f"<h2>Anmelden</h2>{BOX}")),
    "login with a list of mirrors": ("login", _page("Old Port Login", f"{MENU}<h1>Login</h1>{BOX}")),
    "sent to the login by the page": ("login", '<meta http-equiv="refresh" content="0; URL=/index/login?x=1">'),
    # --- limits ---
    "too many requests": ("limited", "<h1>Too many requests</h1><p>Slow down.</p>"),
    "limit in words": ("limited", _page("Old Port", "<p>You are loading pages too fast. Try again in 30 seconds.</p>")),
    "limit in German": ("limited", "<p>Zu viele Anfragen. Bitte versuchen Sie es spaeter.</p>"),
    "limit in Russian": ("limited", "<p>Слишком много запросов</p>"),
    "limit in Chinese": ("limited", "<p>请求过于频繁,请稍后再试</p>"),
    # --- bans ---
    "banned account": ("banned", _page("Old Port", f"{FEW}<p>Your account has been suspended.</p>")),
    "banned address": ("banned", "<h1>Access denied</h1><p>Your IP address has been temporarily blocked.</p>"),
    "banned in Spanish": ("banned", "<p>Su cuenta ha sido suspendida por incumplir las normas.</p>"),
    "banned in Russian": ("banned", "<p>Ваш аккаунт заблокирован администрацией.</p>"),
    "banned in Turkish": ("banned", "<p>Hesabınız askıya alındı.</p>"),
    "banned in Chinese": ("banned", "<p>您的账号已被封禁</p>"),
    # --- seizures ---
    "seized": ("seized", "<h1>THIS HIDDEN SITE HAS BEEN SEIZED</h1><p>by the Federal Bureau of Investigation and Europol</p>"),
    "seized, short": ("seized", "<p>This market has been seized.</p>"),
    "seized in German": ("seized", "<h1>Diese Plattform wurde beschlagnahmt</h1><p>durch das Bundeskriminalamt</p>"),
    "seized in French": ("seized", "<h1>Ce service a été saisi</h1><p>Gendarmerie nationale, Europol</p>"),
    "seized in Dutch": ("seized", "<h1>Deze site is in beslag genomen</h1><p>Politie, Openbaar Ministerie</p>"),
    "seized in Russian": ("seized", "<h1>Сайт конфискован</h1><p>по решению суда</p>"),
    "seized in Chinese": ("seized", "<h1>该网站已被公安机关查封</h1>"),
    "seized, picture by its words": ("seized", '<body><img src="/b.jpg" alt="This domain has been seized by the police"></body>'),
    "seized, picture by its name": ("seized", '<body bgcolor=black><img src="/seized_banner.png"></body>'),
    "seized in many languages": (
        "seized",
        "<h1>This website has been seized</h1><p>Operation Old Harbour. Europol, police.</p>" + "<p>Beschlagnahmt. A été saisi. Ha sido incautado.</p>" * 20,
    ),
    # --- the end ---
    "exit": ("exit", "<h1>Goodbye</h1><p>We are shutting down the market. Please withdraw your funds.</p>"),
    "retired": ("exit", "<h1>Final notice</h1><p>After six years we are retiring. Thank you all.</p>"),
    "exit in German": ("exit", "<p>Der Markt wird endgültig geschlossen.</p>"),
    "exit in Russian": ("exit", "<p>Площадка закрывается. Спасибо всем.</p>"),
    # --- front ends in trouble, with status 200 ---
    "bad gateway": ("down", _page("502 Bad Gateway", "<center><h1>502 Bad Gateway</h1></center><hr><center>nginx</center>")),
    "nginx": ("down", _page("Welcome to nginx!", "<h1>Welcome to nginx!</h1><p>If you see this page, it works.</p>")),
    "balancer": ("down", "<pre>onionbalance: no healthy backend</pre>"),
    "maintenance": ("down", "<h1>Under maintenance</h1><p>Back soon.</p>"),
    "maintenance in Russian": ("down", "<h1>Технические работы</h1><p>Мы скоро вернемся</p>"),
    "database": ("down", "<p>SQLSTATE[HY000] [2002] Connection refused</p>"),
    # --- not there ---
    "soft 404": ("not_found", _page("Page not found - Old Port", f"{MENU}<p>Nothing here.</p>")),
    "listing gone": ("not_found", _page("Old Port", f"{FEW}<h1>This listing is no longer available</h1>")),
    "soft 404 in German": ("not_found", _page("Fehler", "<h1>Seite nicht gefunden</h1>")),
    "soft 404 in Russian": ("not_found", _page("Порт", "<h1>Страница не найдена</h1>")),
    # --- neither one nor the other ---
    "shell": ("unknown", "<html><head><title>Old Port</title></head><body><div id=app></div></body></html>"),
    "only for JavaScript": ("unknown", "<body><p>Please enable JavaScript to see this page.</p><div id=app></div></body>"),
    "soft block": ("unknown", "<p>Access denied.</p>"),
    "soft block in words": ("unknown", "<p>Your request was rejected by our rules.</p>"),
    "nothing at all": ("unknown", "<html></html>"),
}  # fmt: skip

CONTENT = {
    "thread about captchas": _post("How do I solve the captcha? It says prove you are human and I type the letters."),
    "thread about seizures": _post("They say this hidden site has been seized by the FBI and Europol, is it true?", "Seized?"),
    "thread about bans": _post("Your account has been banned, it says. What did I do? Anybody else?", "I am banned"),
    "thread about limits": _post("Too many requests, slow down: that is all I get since this morning from the market."),
    "thread about the end": _post("The market is shutting down, they write. Withdraw your funds before it is too late."),
    "thread about queues": _post("Please wait, you are in the queue: for an hour now. Estimated time 3 min, haha."),
    "thread about errors": _post("502 Bad Gateway all day. Are they under maintenance or is it the end of it all?"),
    "thread in Russian about seizures": _post("Говорят, сайт конфискован полицией. Кто знает больше? Напишите, пожалуйста, сюда.", "Новости"),
    "thread in German about bans": _post("Dein Konto wurde gesperrt, steht da. Was habe ich denn bloss falsch gemacht? Hilfe.", "Sperre"),
    "long thread without marks of one": _page("Seized", f"{FEW}<h1>This market has been seized?</h1>{PROSE * 5}"),
    "rules": _page("Rules", f"{FEW}<h1>Rules</h1><p>Who spams is banned. Your account will be suspended after three warnings.</p>{PROSE}"),
    "short rules with a menu": _page("Rules", f"{MENU}<h1>Rules</h1><p>No spam, or you are banned. Solve the captcha by yourself.</p>"),
    "news of a seizure with a menu": _page("News", f"{MENU}<h1>News</h1><p>Another market has been seized by the police. We are fine.</p>"),
    "news of a closing with a menu": _page("News", f"{MENU}<h1>News</h1><p>North Quay is shutting down. Withdraw your coins there.</p>"),
    "listing with a login box at its side": _listing("Sixty-two grams, old.", BOX),
    "listing with a login box that has a heading": _listing("Short.", f"<h3>Login</h3>{BOX}"),
    "listing of a captcha solver": _listing("Captcha solver, solves any captcha. Not a robot? Prove you are human.", PICTURE_BOX),
    "listing of an account login": _page("Streaming login for life", f"<h1>Streaming login for life</h1><p>$4.00, instant delivery, ask me first</p>{BOX}"),
    "listing that waits": _listing("Please wait up to 3 days. In the queue: 4 orders."),
    "listing of seized goods": _listing("This knife was seized by police once, sold at auction, and found its way here."),
    "listing with a refresh": '<meta http-equiv="refresh" content="300">' + _listing("Sixty-two grams, old, white."),
    "category with a login box": _page("Other", f"{MENU}{BOX}<h1>Other</h1><ul><li>Bangle $12<li>Box $40</ul>"),
    "category without goods": _page("Other", f"{MENU}<h1>Other</h1><p>No results found.</p>"),
    "search without results": _page("Search", f"{FEW}<form><input name=q></form><h1>Search</h1><p>Nothing found for your words.</p>"),
    "search box beside words of captchas": _page("Other", f"<form><input name=query></form>{MENU}<p>captcha captcha captcha</p>"),
    "seller who is banned": _page("alba", f"{MENU}<h1>alba</h1><p>This vendor is banned. Member since 2 years.</p>"),
    "seller on holiday": _page("brun", f"{FEW}<h1>brun</h1><p>My shop is closed until May. Level 3, 41 sales, USD 12 minimum order.</p>"),
    "thread with a reply form that has a captcha": _post("Came in 18 days, thanks. Will order from you again, best seller here.").replace(
        "</textarea>", "</textarea><img alt=captcha><input name=captcha>"
    ),
    "home with a login box": _page("Old Port", f"{MENU}{BOX}<h1>Welcome</h1><p>Browse our goods.</p>"),
    "a page moved": '<meta http-equiv="refresh" content="0; url=/next"><p>Moved</p>',
    "a heading alone": "<h1>Home</h1>",
    "one link alone": '<a href="/p/1">x</a>',
    "guide to PGP": _page("Guide", f"{FEW}<h1>Guide</h1><p>Log in, then sign in with your key.</p>{PROSE}"),
    "directory of mirrors": _page("Mirrors", "<h1>Mirrors</h1><pre>-----BEGIN PGP SIGNED MESSAGE-----\nFinal list of our addresses</pre>"),
    "question about a 404": _post("Page not found, says the market on every listing since yesterday. Is it gone?", "Page not found"),
    "a question about a seizure, alone": "<h1>Seized?</h1><p>Has this site has been seized by the FBI?</p>",
    "words of a poem": _page("Poem", f"{FEW}<h1>Poem</h1>{PROSE}<p>Goodbye, the market is closed forever.</p>"),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "body"), GATES.values(), ids=GATES)
def test_a_gate_is_named(kind: str, body: str) -> None:
    gate = judge(200, [], body.encode(), path="/p/7", kind="listing", expected=True)
    assert gate is not None
    assert gate.kind == kind


@pytest.mark.parametrize("body", CONTENT.values(), ids=CONTENT)
def test_content_is_never_a_gate(body: str) -> None:
    gate = judge(200, [], body.encode(), path="/p/7", kind="listing", expected=True)
    assert gate is None


@pytest.mark.parametrize(
    "words",
    [
        "Your account has been banned, it said.",
        "Too many requests, all day.",
        "This market has been seized by Europol.",
        "The captcha: prove you are human!",
    ],
)
def test_a_short_thread_by_its_address_may_say_anything(words: str) -> None:
    body = f"{FEW}<h1>Help</h1><div>alba: {words} What now, dear all? I only wanted to read.</div>"
    assert judge(200, [], body.encode(), path="/t/7", kind="thread", expected=True) is None


@pytest.mark.parametrize(
    ("headers", "kind", "wait"),
    [
        ([("Refresh", "8; url=/p/7")], "queue", 8),
        ([("refresh", "99999")], "queue", 600),
        ([("Refresh", "0; url=/other")], None, 0),
        ([("Refresh", "soon")], None, 0),
    ],
)
def test_a_refresh_in_the_header_counts(
    headers: list[tuple[str, str]], kind: str | None, wait: float
) -> None:
    gate = judge(200, headers, b"<h1>Wait</h1>", path="/p/7", expected=True)
    assert (gate.kind if gate else None) == kind
    assert (gate.wait if gate else 0) == wait


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (403, f"<h1>Are you human?</h1>{PICTURE_BOX}", "captcha"),
        (403, "<p>Your account has been suspended.</p>", "banned"),
        (403, "<p>Access denied.</p>", "login"),
        (503, "<h1>Too many requests</h1>", "limited"),
        (503, f"<h1>Security check: are you human?</h1>{PICTURE_BOX}", "captcha"),
        (502, "<h1>Bad gateway</h1>", "down"),
        (404, PROSE, "not_found"),
        (429, PROSE, "limited"),
        (500, MENU + PROSE, "down"),
    ],
)
def test_status_and_words_go_together(status: int, body: str, kind: str) -> None:
    gate = judge(status, [], body.encode(), path="/p/7", expected=True)
    assert gate is not None
    assert gate.kind == kind


@pytest.mark.parametrize(
    ("path", "asked", "kind"),
    [
        ("/login", "/p/7", "login"),
        ("/auth/login?next=/p/7", "/p/7", "login"),
        ("/p/7", "/p/7", None),
        ("/c/1", "/p/7", None),
    ],
)
def test_a_redirect_to_the_login_is_a_login(path: str, asked: str, kind: str | None) -> None:
    gate = judge(
        200,
        [],
        b"<h1>Welcome back</h1><p>Enter your words.</p><form><input name=mnemonic></form>",
        path=path,
        asked=asked,
    )
    assert (gate.kind if gate else None) == kind


def test_words_count_in_the_charset_of_the_page() -> None:
    body = "<p>Вы в очереди. Подождите.</p>".encode("cp1251")
    gate = judge(200, [("Content-Type", "text/html; charset=windows-1251")], body, path="/")
    assert gate is not None
    assert gate.kind == "queue"


def test_a_body_that_was_not_kept_is_no_shell_and_an_empty_one_is() -> None:
    assert judge(200, [], None, path="/p/7", kind="listing", expected=True) is None
    assert judge(200, [], b"", path="/x") is None
    gate = judge(200, [], b"", path="/p/7", kind="listing", expected=True)
    assert gate is not None
    assert gate.kind == "unknown"


def test_the_time_to_wait_may_be_a_date() -> None:
    headers = [("Date", "Sun, 01 Nov 2026 12:00:00 GMT"), ("Retry-After", "Sun, 01 Nov 2026 12:02:00 GMT")]
    gate = judge(429, headers, b"", path="/")
    assert gate is not None
    assert gate.wait == 120


MARKS = {
    "listing": Marks(require=("h1.title", ".price"), forbid=(".teaser",)),
    "queue": Marks(require=("#line",)),
    "login": Marks(require=("form#login",)),
    "search": Marks(forbid=(".wall",)),
    "banned": Marks(forbid=("h1",)),
}
REAL = '<h1 class="title">Bangle</h1><p class="price">12</p>'


@pytest.mark.parametrize(
    ("kind", "body", "gate"),
    [
        ("listing", REAL, None),
        ("listing", REAL + f'<form id="login">{BOX}</form>', None),  # content's own marks win
        ("listing", "<h1>Bangle</h1><p>Nice.</p>", "unknown"),
        ("listing", REAL + '<p class="teaser">Members see more</p>', "unknown"),
        ("listing", f"<h1>Bangle</h1>{PROSE * 8}", "unknown"),  # much text, and still not what it should be
        ("listing", f"<p>Solve the captcha</p>{PICTURE_BOX}", "captcha"),  # a detector knows better than "unknown"
        ("listing", '<div id="line">3</div>', "queue"),
        ("home", '<form id="login"></form>' + MENU, "login"),
        ("search", f'<div class="wall"></div>{MENU}', "unknown"),
        ("search", MENU, None),
        ("other", "<p>Hello, this is some page.</p>", None),
    ],
)  # fmt: skip
def test_marks_of_the_site_file_decide(kind: str, body: str, gate: str | None) -> None:
    found = judge(200, [], body.encode(), path="/p/7", kind=kind, expected=kind != "other", marks=MARKS)
    assert (found.kind if found else None) == gate


def test_a_mark_says_what_is_missing() -> None:
    report = check_marks(parse_bounded(b"<h1 class=title>x</h1>"), MARKS, "listing")
    assert (report.sure, report.gate, report.lacks) == (False, "", "it has no .price")


@pytest.mark.parametrize(
    ("kind", "retry", "person"),
    [
        ("queue", True, False), ("captcha", True, True), ("login", True, True), ("limited", True, False),
        ("banned", True, True), ("seized", True, True), ("exit", True, True), ("down", True, False),
        ("not_found", False, False), ("unknown", True, False),
    ],
)  # fmt: skip
def test_each_gate_that_the_site_file_names_has_its_own_next_step(
    kind: str, retry: bool, person: bool
) -> None:
    gate = judge(200, [], b"<b id=g>x</b>", path="/", marks={kind: Marks(require=("#g",))})
    assert gate is not None
    assert (gate.kind, gate.retry, gate.person) == (kind, retry, person)
