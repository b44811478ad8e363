"""`tuskwatch seller`: who sells, by which contacts, and which sellers may be one; a person says whether they are.

Public names: app.
"""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tuskwatch.output import (
    Json,
    data_option,
    say,
    show_json,
    show_table,
    show_text,
    show_time,
    watch_progress,
)
from tuskwatch.places import open_places

if TYPE_CHECKING:
    from sqlalchemy import Engine

app = typer.Typer(help="Sellers, their contacts, and which of them may be one.", no_args_is_help=True)

Limit = Annotated[int, typer.Option("--limit", min=1, max=1000, help="How many at most.")]
Link = Annotated[int, typer.Argument(metavar="LINK", min=1, help="The link's number, from `seller links`.")]
Note = Annotated[str, typer.Option("--note", metavar="TEXT", help="Why; kept with the decision.")]


@app.command("list")
def list_sellers(
    context: typer.Context,
    text: Annotated[
        str, typer.Option("--text", metavar="TEXT", help="In the name, or a whole contact as it was read.")
    ] = "",
    site: Annotated[str, typer.Option("--site", metavar="SITE", help="Of this site only.")] = "",
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """Show sellers with their numbers of listings, contacts, ratings and links, those last seen first."""
    from jobs.sellerviews import view_seller
    from storage.engine import reading
    from storage.sellers import SellerFilter, find_sellers

    with _open(context) as engine, reading(engine) as session:
        rows, total = find_sellers(session, SellerFilter(text=text, site=site), per_page=limit)
        views = [view_seller(row) for row in rows]
    if as_json:
        show_json(views)
        return
    if not views:
        show_text(
            "No sellers. They are read from the pages of a crawl." if not text + site else "No seller fits."
        )
        return
    show_table(
        ("Seller", "Name", "Site", "Listings", "Contacts", "Ratings", "Links", "Waiting", "Last seen"),
        [
            (v["id"], v["name"], v["site"], v["listings"], v["contacts"], v["feedback"], v["confirmed_links"], v["proposed_links"], show_time(v["last_seen"]))
            for v in views
        ],
    )  # fmt: skip
    if total > len(views):
        say(f"{total - len(views):,} more: --limit shows more, --text and --site fewer.")


@app.command("show")
def show(
    context: typer.Context,
    seller: Annotated[
        int, typer.Argument(metavar="SELLER", min=1, help="The seller's number, from `seller list`.")
    ],
    as_json: Json = False,
) -> None:
    """Show one seller: contacts with whether they are proven and who else shows them, listings, links."""
    from jobs.errors import UsageError
    from jobs.sellers import MOST_HOLDERS
    from jobs.sellerviews import view_detail
    from storage.engine import reading
    from storage.sellerlinks import find_links
    from storage.sellers import find_seller

    with _open(context) as engine, reading(engine) as session:
        detail = find_seller(session, seller, most_holders=MOST_HOLDERS)
        if detail is None:
            raise UsageError(f"There is no seller {seller}. `tuskwatch seller list` shows those there are.")
        view = view_detail(detail, find_links(session, seller_id=seller, per_page=200)[0])
    if as_json:
        show_json(view)
        return
    show_text(
        f"{view['name']} on {view['site']}: {view['listings']} listings, {view['feedback']} ratings, "
        f"seen {show_time(view['first_seen'])} to {show_time(view['last_seen'])}"
    )
    show_table(
        ("Contact", "Value", "Checksum", "Also shown by"),
        [
            (
                each["kind"],
                each["value"],
                "right" if each["valid"] else "looks like one",
                _say_holders(each["shared_by"]),
            )
            for each in view["contact_list"]
        ],
        title="Contacts",
    )
    show_table(
        ("Listing", "Title", "First seen", "Last seen"),
        [
            (each["id"], each["title"], show_time(each["first_seen"]), show_time(each["last_seen"]))
            for each in view["listing_list"]
        ],
        title="Listings",
    )
    if view["links"]:
        _show_links(view["links"])


@app.command("links")
def links(
    context: typer.Context,
    state: Annotated[
        str, typer.Option("--state", metavar="STATE", help="proposed, confirmed, refused, or all.")
    ] = "proposed",
    seller: Annotated[
        int | None, typer.Option("--seller", metavar="SELLER", min=1, help="Of this seller only.")
    ] = None,
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """Show pairs of sellers who may be one, with the reasons, the strongest first."""
    from jobs.errors import UsageError
    from jobs.sellerviews import view_link
    from storage.engine import reading
    from storage.sellerlinks import LINK_STATES, find_links

    if state not in (*LINK_STATES, "all"):
        raise UsageError(f"{state!r} is no state of a link: proposed, confirmed, refused, or all.")
    with _open(context) as engine, reading(engine) as session:
        rows, total = find_links(
            session, state="" if state == "all" else state, seller_id=seller, per_page=limit
        )
        views = [view_link(row) for row in rows]
    if as_json:
        show_json(views)
        return
    if not views:
        show_text(
            "No such links. They are proposed after each reading of pages, or by `tuskwatch seller link`."
        )
        return
    _show_links(views)
    if total > len(views):
        say(f"{total - len(views):,} more: --limit shows more.")


@app.command("link")
def link(context: typer.Context, as_json: Json = False) -> None:
    """Look at all sellers anew and propose links. Decisions of people stay; runs do the same for what they read."""
    from jobs.sellers import link_sellers

    with _open(context) as engine, watch_progress() as progress:
        bar = progress.add_task("Sellers", total=None, note="")
        counts = link_sellers(
            engine,
            now=datetime.now(UTC),
            progress=lambda done, total: progress.update(bar, completed=done, total=total),
        )
    if as_json:
        show_json(counts)
        return
    show_text(
        f"{counts.proposed:,} new proposals, {counts.reopened:,} refused ones with stronger reasons, "
        f"{counts.changed:,} changed, {counts.withdrawn:,} withdrawn."
    )


@app.command("confirm")
def confirm(context: typer.Context, link: Link, note: Note = "", as_json: Json = False) -> None:
    """Say that the two sellers of a link are one. They stay two rows; the link says that they are one."""
    _decide(context, link, "confirm", note, as_json=as_json)


@app.command("refuse")
def refuse(context: typer.Context, link: Link, note: Note = "", as_json: Json = False) -> None:
    """Say that they are two. The same reasons do not propose it again; stronger new ones do."""
    _decide(context, link, "refuse", note, as_json=as_json)


@app.command("undo")
def undo(context: typer.Context, link: Link, note: Note = "", as_json: Json = False) -> None:
    """Take a decision back: the link is proposed again. The log keeps both."""
    _decide(context, link, "undo", note, as_json=as_json)


def _decide(context: typer.Context, link: int, act: str, note: str, *, as_json: bool) -> None:
    from jobs.sellerviews import view_link
    from storage.engine import reading
    from storage.sellerdecisions import decide_link, undo_decision
    from storage.sellerlinks import find_link

    by, now = getpass.getuser(), datetime.now(UTC)
    with _open(context) as engine:
        if act == "undo":
            undo_decision(engine, link, by=by, note=note, now=now)
        else:
            decide_link(engine, link, confirm=act == "confirm", by=by, note=note, now=now)
        with reading(engine) as session:
            row = find_link(session, link)
            assert row is not None
            view = view_link(row)
    if as_json:
        show_json(view)
        return
    names = f"{view['a_name']} on {view['a_site']} and {view['b_name']} on {view['b_site']}"
    words = {
        "confirm": "are one seller",
        "refuse": "are two sellers",
        "undo": "may be one seller: proposed again",
    }
    show_text(f"Link {link}: {names} {words[act]}.")


def _show_links(views: list[dict[str, Any]]) -> None:
    show_table(
        ("Link", "State", "Strength", "Seller", "And", "Reasons", "Decided"),
        [
            (
                v["id"], v["state"], v["strength"], f"{v['a_name']} ({v['a_site']}, {v['a_id']})", f"{v['b_name']} ({v['b_site']}, {v['b_id']})",
                "; ".join(_say_reason(reason) for reason in v["reasons"]),
                f"{v['decided_by']} {show_time(v['decided_at'])} {v['note']}".strip() if v["decided_at"] else "",
            )
            for v in views
        ],
        title="Links",
    )  # fmt: skip


def _say_reason(reason: dict[str, Any]) -> str:
    what = reason.get("what") or reason.get("kind")
    value = "" if reason.get("kind") == "text" else f" {reason.get('value')}"
    return (
        f"{what}{value} ({reason.get('strength'):.2f}{', refused before' if reason.get('refused') else ''})"
    )


def _say_holders(holders: list[int] | None) -> str:
    if holders is None:
        return "many, or the site itself: it counts for nothing"
    return ", ".join(f"seller {each}" for each in holders) or "nobody"


@contextmanager
def _open(context: typer.Context) -> Iterator[Engine]:
    from storage.engine import check_schema, open_engine

    engine = open_engine(open_places(data_option(context)).database_url)
    try:
        check_schema(engine)
        yield engine
    finally:
        engine.dispose()
