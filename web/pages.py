"""Pages: one stored response, its request and its body as text.

Public names: routes.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from storage.engine import reading
from storage.errors import BodyError
from storage.pages import find_page, read_body
from storage.tombstones import find_tombstone
from text.defang import defang_text
from web.visit import Refusal, Visit, not_found, route

MAX_BODY = 4_000_000
SHOWN = 200_000
"""Characters of a body on the screen; a browser gets slow with more."""

ENCODINGS = frozenset(
    [
        *("ascii", "utf-8", "utf-16", "utf-16-le", "utf-16-be", "cp874", "tis-620", "koi8-r", "koi8-u"),
        *(f"iso8859-{part}" for part in range(1, 17)),
        *(f"cp125{part}" for part in range(9)),
        *("gb2312", "gbk", "gb18030", "big5", "big5hkscs", "euc_jp", "shift_jis", "cp932", "iso2022_jp"),
        *("euc_kr", "cp949", "johab"),
    ]
)
"""Encodings of the web. Python knows more (punycode, idna, unicode_escape, hex), and a site must not choose those."""

SECRETS = frozenset(
    {"cookie", "cookie2", "set-cookie", "set-cookie2", "authorization", "proxy-authorization"}
)
"""Headers that hold a sign-in at the site; an analyst may see them, nobody below."""

_CHARSET = re.compile(r"charset\s*=\s*[\"']?([A-Za-z0-9_.:-]{1,40})", re.ASCII)


def show_page(visit: Visit) -> Response:
    with reading(visit.web.engine) as session:
        page_id = visit.path_number("page", "page")
        stored = find_page(session, page_id)
        if stored is None:
            stone = find_tombstone(session, "page", page_id)
            if stone is None:
                raise not_found("page")
            raise Refusal(
                410,
                f"Page {page_id} was removed under retention on {stone.removed_at:%Y-%m-%d %H:%M} UTC by the rule "
                f"“{stone.rule}” (run {stone.run_id}). It was received on {stone.made_at:%Y-%m-%d %H:%M} UTC; the "
                f"SHA-256 of its body was {stone.sha256 or 'never taken, as no body was kept'}.",
            )
        text, problem = "", ""
        try:
            body = read_body(session, stored, max_size=MAX_BODY)
            text = decode(body, stored.content_type)
        except BodyError as exc:
            problem = str(exc)
        may_see = visit.person.may("analyst")
        return visit.render(
            "page.html",
            stored=stored,
            sent=say_headers(stored.request_headers, secrets=may_see),
            received=say_headers(stored.response_headers, secrets=may_see),
            text=text,
            problem=problem,
            limit=SHOWN,
        )


def say_headers(rows: Iterable[Any], *, secrets: bool) -> list[str]:
    """The header lines with addresses defanged; without `secrets`, "[hidden]" in place of a cookie."""
    lines = []
    for name, value in rows:
        hide = not secrets and str(name).strip().lower() in SECRETS
        lines.append(defang_text(f"{name}: {'[hidden]' if hide else value}"))
    return lines


def decode(body: bytes, content_type: str) -> str:
    """The body as text in the encoding that its header names, UTF-8 where it names none; never fails."""
    named = _CHARSET.search(content_type)
    encoding = "utf-8"
    if named is not None:
        with suppress(LookupError):
            found = codecs.lookup(named[1]).name
            encoding = found if found in ENCODINGS else encoding
    return body.decode(encoding, "replace")


routes: list[Route] = [route("/pages/{page}", show_page, role="reader")]
