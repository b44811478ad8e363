"""Branches without an end, as real sites have them without meaning it: TRAPS, answer_trap, add_session_ids, trap_links.

A calendar, a member list whose last page repeats, a list that can be sorted and filtered in thousands of ways, pages that
differ by one word, and the same pages under a new session id each time.
"""

from __future__ import annotations

import hashlib
import re

from lab.wire import Request, Response

TRAPS = ("calendar", "members", "finder", "tags", "session id")

_CHOICES = {
    "sort": ("name", "date", "replies", "views"),
    "order": ("up", "down"),
    "board": ("offers", "wanted", "talk", "scams"),
    "age": ("1d", "7d", "30d", "1y"),
}
_MEMBERS_END = 40
"""The last page of members; every later one repeats it and still links to the next."""

trap_links = (
    '<p class="extras"><a href="/calendar/2026/11">Calendar</a> <a href="/members?page=1">Members</a> '
    '<a href="/finder">Find a topic</a> <a href="/tag/misc/1">Tags</a></p>'
)


def answer_trap(request: Request) -> tuple[Response, str] | None:
    """The page of a trap and the trap's name; None when the path belongs to none."""
    if found := re.fullmatch(r"/calendar/(\d{4})/(\d{1,2})", request.path):
        return _calendar(int(found[1]), int(found[2]))
    if request.path == "/members":
        number = request.query.get("page", "1")
        return _members(int(number) if re.fullmatch(r"[0-9]{1,9}", number) else 1), "members"
    if request.path == "/finder":
        return _finder(request.query), "finder"
    if found := re.fullmatch(r"/tag/([a-z]{1,20})/([0-9]{1,9})", request.path):
        return _tag(found[1], int(found[2])), "tags"
    return None


def add_session_ids(text: str, *, target: str) -> str:
    """The page with a session id in the links to its threads, another one on each page."""
    sid = hashlib.md5(target.encode(), usedforsecurity=False).hexdigest()
    return re.sub(r'href="(/t/\d+)"', rf'href="\1?sid={sid}"', text)


def _calendar(year: int, month: int) -> tuple[Response, str]:
    month = min(max(month, 1), 12)
    number = year * 12 + month - 1
    before, after = number - 1, number + 1
    days = "".join(
        f"<tr>{''.join(f'<td>{day}</td>' for day in range(w * 7 + 1, min(w * 7 + 8, 31)))}</tr>"
        for w in range(5)
    )
    return _page(
        f"Calendar {year}-{month:02d}",
        f"<h2>{year}-{month:02d}</h2><table class='calendar'>{days}</table><p>No event in this month.</p><p>"
        f"<a href='/calendar/{before // 12}/{before % 12 + 1}'>earlier</a> "
        f"<a href='/calendar/{after // 12 % 10_000:04d}/{after % 12 + 1}'>later</a></p>",
    ), "calendar"


def _members(page: int) -> Response:
    shown = min(max(page, 1), _MEMBERS_END)
    rows = "".join(
        f"<tr><td>guest{shown * 10 + n}</td><td>{(shown * 7 + n) % 40} posts</td></tr>" for n in range(10)
    )
    return _page(
        f"Members, page {page}",
        f"<h2>Members</h2><table>{rows}</table><p><a href='/members?page={page + 1}'>next</a></p>",
    )


def _finder(query: dict[str, str]) -> Response:
    chosen = {name: value for name, value in query.items() if value in _CHOICES.get(name, ())}
    links = []
    for name, values in _CHOICES.items():
        rest = [(other, value) for other, value in chosen.items() if other != name]
        for value in values:  # what was chosen last stands last: the same choice has many addresses
            words = "&amp;".join(f"{key}={word}" for key, word in (*rest, (name, value)))
            links.append(f"<a href='/finder?{words}'>{name}: {value}</a>")
    words = ", ".join(f"{name}: {value}" for name, value in chosen.items())
    return _page(
        "Find a topic",
        f"<h2>Find a topic</h2><p>{words or 'everything'}</p><p>Nothing found.</p>{' '.join(links)}",
    )


def _tag(word: str, number: int) -> Response:
    body = (
        "<p>Topics with this tag are shown to members with more than fifty posts. Ask a friend to vouch for you.</p>"
        * 4
    )
    return _page(
        f"Tag {word} {number}",
        f"<h2>Tag {word}, part {number}</h2>{body}<p><a href='/tag/{word}/{number * 2}'>more</a> <a href='/tag/{word}/{number * 2 + 1}'>other</a></p>",
    )


def _page(title: str, main: str) -> Response:
    text = (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title} - The Backroom</title></head>'
        f"<body><h1><a href='/'>The Backroom</a></h1>{main}</body></html>"
    )
    return Response(200, text.encode())
