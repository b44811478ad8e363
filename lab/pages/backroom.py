"""The Backroom: a forum with boards, threads over several pages, authors and dates: Backroom, key_of."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import ClassVar

from lab.chance import pick_rng
from lab.listing import Post
from lab.pages.base import BaseSite, esc, page_count, paragraphs, read_page_number, route
from lab.threads import BOARDS, ForumGoods
from lab.wire import Request, Response

_THREADS_A_PAGE = 20
POSTS_A_PAGE = 8


def key_of(number: int) -> str:
    """The site's own number of a thread."""
    return str(301 + number * 2)


def number_of(key: str) -> int | None:
    value = int(key) - 301
    return value // 2 if value >= 0 and value % 2 == 0 else None


def show_date(at: datetime) -> str:
    return at.strftime("%b %d %Y, %H:%M")


class Backroom(BaseSite):
    name = "backroom"
    title = "The Backroom"
    cookie = "bb_sid"
    gzip = True
    kinds: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "thread": (r"^/t/(?P<key>\d+)(\?page=\d+)?$",),
        "search": (r"^/board/[a-z]+(\?p=\d+)?$",),
        "seller": (r"^/u/[\w-]+(\?p=\d+)?$",),
        "home": (r"^/$",),
        "rules": (r"^/rules$",),
    }
    skip = (r"^/logout", r"^/reply", r"^/newthread", r"^/pm", r"[?&]sort=")

    def __init__(self, goods: ForumGoods) -> None:
        super().__init__(seed=goods.seed)
        self.goods = goods
        self.count = goods.count

    def path_of(self, number: int) -> str:
        return f"/t/{key_of(number)}"

    def _layout(
        self, title: str, main: str, *, trail: str = "", status: int = 200, delay: float = 0.0
    ) -> Response:
        return self.page(
            f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{esc(title)} - The Backroom</title><script src="/forum.js"></script>
<style>body {{ background: #1d1f21; color: #ccc; font: 12px Tahoma, sans-serif; padding: 0 20px }} a {{ color: #8ab4d8 }} table.forumline {{ width: 100%; border-collapse: collapse }}
table.forumline td, table.forumline th {{ border: 1px solid #444; padding: 6px; text-align: left }} .post {{ border: 1px solid #444; margin: 8px 0; overflow: auto }}
.profile {{ float: left; width: 150px; padding: 8px }} .postbody {{ margin-left: 170px; padding: 8px; border-left: 1px solid #444 }} .when {{ color: #888 }}</style></head>
<body><h1><a href="/">The Backroom</a></h1><p class="nav"><a href="/">Boards</a> [ <a href="/rules">Rules</a> ] [ <a href="/login">Login</a> ] [ <a href="/logout">Logout</a> ] {trail}</p>
{main}
<hr><p>Archive: <a href="/archive/2025.zip">2025.zip</a>. Mirror of a friend: <a href="http://{self.foreign}/">onion</a>. Clear net: <a href="http://example.com/backroom">wiki</a>. <img src="/img/door.png" alt=""></p></body></html>""",
            status=status,
            delay=delay,
        )

    @route("/")
    def home(self, request: Request, match: re.Match[str]) -> Response:
        rows = "".join(
            f'<tr><td><a href="/board/{board}">{esc(name)}</a></td><td>{len(self.goods.in_category(board))} threads</td></tr>\n'
            for board, name in BOARDS.items()
        )
        return self._layout(
            "Boards",
            f'<table class="forumline"><tr><th>Board</th><th>Size</th></tr>\n{rows}</table><p><a href="/new">Newest thread</a></p>',
        )

    @route("/new")
    def newest(self, request: Request, match: re.Match[str]) -> Response:
        number = max(range(min(self.count, 200)), key=lambda n: self.goods.listing(n).posted)
        return self.redirect(self.path_of(number))

    def _threads(self, numbers: Sequence[int]) -> str:
        rows = []
        for number in numbers:
            it = self.goods.listing(number)
            last = it.replies[-1] if it.replies else Post(it.seller, it.posted, "")
            rows.append(
                f'<tr><td><a class="topictitle" href="{self.path_of(number)}">{esc(it.title)}</a></td><td><a href="/u/{it.seller}">{it.seller}</a></td>'
                f"<td>{len(it.replies)}</td><td>{show_date(last.at)}<br>by {last.author}</td></tr>\n"
            )
        return (
            '<table class="forumline"><tr><th>Topic</th><th>Author</th><th>Replies</th><th>Last post</th></tr>\n'
            + "".join(rows)
            + "</table>"
        )

    def _pager(self, base: str, name: str, page: int, last: int) -> str:
        shown = sorted({1, last, *range(max(1, page - 2), min(last, page + 2) + 1)})
        links = [
            f"<b>{n}</b>" if n == page else f'<a href="{base}{f"?{name}={n}" if n > 1 else ""}">{n}</a>'
            for n in shown
        ]
        return f'<p class="gensmall">Goto page {", ".join(links)}</p>'

    @route("/board/([a-z]+)")
    def board(self, request: Request, match: re.Match[str]) -> Response:
        name = BOARDS.get(match[1])
        if name is None:
            return self.not_found()
        numbers = self.goods.in_category(match[1])
        last = page_count(len(numbers), _THREADS_A_PAGE)
        page = read_page_number(request.query.get("p"), last=last)
        if page is None:
            return self.not_found()
        shown = numbers[(page - 1) * _THREADS_A_PAGE : page * _THREADS_A_PAGE]
        pager = self._pager(f"/board/{match[1]}", "p", page, last)
        return self._layout(
            name,
            f'<h2>{esc(name)}</h2><p><a href="/newthread?b={match[1]}">New topic</a></p>{pager}{self._threads(shown)}{pager}',
        )

    @route(r"/u/([\w-]+)")
    def user(self, request: Request, match: re.Match[str]) -> Response:
        if match[1] not in self.goods.sellers:
            return self.not_found()
        numbers = self.goods.by_seller(match[1])
        last = page_count(len(numbers), _THREADS_A_PAGE)
        page = read_page_number(request.query.get("p"), last=last)
        if page is None:
            return self.not_found()
        shown = numbers[(page - 1) * _THREADS_A_PAGE : page * _THREADS_A_PAGE]
        rank = pick_rng(self.seed, self.name, self.goods.sellers.index(match[1]), "user page")
        return self._layout(
            match[1],
            f"<h2>Viewing profile :: {match[1]}</h2><p>Rank: {rank.choice(('Newcomer', 'Regular', 'Barfly', 'Furniture'))}<br>Posts: {rank.randint(1, 900)}</p>"
            f"<h3>Topics started</h3>{self._threads(shown)}{self._pager(f'/u/{match[1]}', 'p', page, last)}",
        )

    @route(r"/t/(\d{1,12})")
    def thread(self, request: Request, match: re.Match[str]) -> Response:
        number = number_of(match[1])
        if number is None or number >= self.count:
            return self.not_found()
        it = self.goods.listing(number)
        posts = [Post(it.seller, it.posted, it.text), *it.replies]
        last = page_count(len(posts), POSTS_A_PAGE)
        page = read_page_number(request.query.get("page"), last=last)
        if page is None:
            return self.not_found()
        first = (page - 1) * POSTS_A_PAGE
        shown = "".join(
            self._post(number, place, post)
            for place, post in enumerate(posts[first : first + POSTS_A_PAGE], start=first + 1)
        )
        pager = self._pager(self.path_of(number), "page", page, last) if last > 1 else ""
        trail = f'&raquo; <a href="/board/{it.category}">{BOARDS[it.category]}</a>'
        return self._layout(
            it.title,
            f'<h2 class="topic-title"><a href="{self.path_of(number)}">{esc(it.title)}</a></h2>{pager}{shown}{pager}'
            f'<p><a href="/reply?t={key_of(number)}">Post reply</a></p>',
            trail=trail,
        )

    def _post(self, number: int, place: int, post: Post) -> str:
        return (
            f'<div class="post" id="p{place}"><div class="profile"><b><a href="/u/{post.author}">{post.author}</a></b><br><a href="/pm?to={post.author}">pm</a></div>'
            f'<div class="postbody"><p class="when">#{place} Posted: {show_date(post.at)}</p><div class="message">{paragraphs(post.text)}</div></div></div>\n'
        )

    @route("/rules")
    def rules(self, request: Request, match: re.Match[str]) -> Response:
        return self._layout(
            "Rules",
            "<h2>Rules of the room</h2><p>1. No names of real people. 2. No pictures of children, no killers, no bombs. 3. No endangered animals: "
            "sellers of ivory, rhino horn or tiger products get one warning and then the door. 4. Search before you ask. 5. The <a href='/whoisonline'>list of who is online</a> is slow.</p>",
        )

    @route("/whoisonline")
    def slow(self, request: Request, match: re.Match[str]) -> Response:
        return self._layout(
            "Who is online", "<h2>Who is online</h2><p>You, and people who prefer not to say.</p>", delay=2.0
        )

    @route("/viewtopic")
    def old_address(self, request: Request, match: re.Match[str]) -> Response:
        key = request.query.get("t", "")
        return self.redirect(f"/t/{key}", status=301) if key.isdecimal() else self.not_found()

    @route("/login")
    def login(self, request: Request, match: re.Match[str]) -> Response:
        return self._layout(
            "Login",
            '<h2>Login</h2><form method="post" action="/login"><p>Username: <input name="username"></p><p>Password: <input type="password" name="password"></p>'
            '<p><input type="submit" value="Log in"></p></form>',
        )

    def not_found(self) -> Response:
        return self._layout(
            "Information",
            "<h2>Information</h2><p>The topic or page you requested does not exist.</p>",
            status=404,
        )
