"""`tuskwatch deny`: what must never be kept: add to the list, look at it, make hashes to share.

Public names: app.
"""

from __future__ import annotations

import getpass
import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tuskwatch.output import Exit, Json, data_option, say, show_json, show_table, show_text, watch_progress
from tuskwatch.places import open_places

if TYPE_CHECKING:
    from jobs.places import Places

app = typer.Typer(help="The deny list: words and bodies that are never kept.", no_args_is_help=True)

Words = Annotated[str, typer.Argument(metavar="WORDS", help="A word or a phrase of up to 8 words.")]
BodyFile = Annotated[
    Path | None,
    typer.Option("--file", metavar="FILE", help="The bytes of a whole body, instead of words."),
]


@app.command("add")
def add(
    context: typer.Context,
    words: Annotated[
        str | None,
        typer.Argument(metavar="WORDS", help="A word, a phrase, or a hash that was shared with you."),
    ] = None,
    file: BodyFile = None,
    hashed: Annotated[bool, typer.Option("--hashed", help="Keep the words as a hash only.")] = False,
    as_json: Json = False,
) -> None:
    """Add words (or the hash of a whole body) to the list. Crawls that run follow within seconds."""
    from crawler.denyfile import DENY_FILE, add_entry, read_deny_list

    places = open_places(data_option(context))
    path = places.data / DENY_FILE
    salt = read_deny_list(path).salt
    if file is None and words is not None and words.startswith(("words-", "body:")):
        section, text = "hashes", words
    elif file is not None or hashed:
        section, text = "hashes", _hash(words, file, salt)
    else:
        section, text = "terms", _need(words)
    deny = add_entry(path, section=section, text=text)
    _record(places, "deny.add", section=section, rules=len(deny), version=deny.version)
    if as_json:
        show_json({"section": section, "rules": len(deny)})
        return
    show_text(f"Added to {section}. The list has {len(deny)} rules now.")
    say('Pages that are stored already stay: "tuskwatch deny check" counts those that would match.')


@app.command("list")
def show(context: typer.Context, as_json: Json = False) -> None:
    """Show the rules: plain terms as they are compared, hashed ones by their number only."""
    from crawler.denyfile import open_deny_list

    deny = open_deny_list(open_places(data_option(context)).data).current()
    rows = [
        {"rule": rule.name, "kind": rule.kind, "words": rule.words if rule.kind == "hash" else None,
         "text": rule.value if rule.kind == "term" else None}
        for rule in deny.rules
    ]  # fmt: skip
    if as_json:
        show_json(rows)
    elif not rows:
        show_text("The list is empty: every page is kept. Add to it: tuskwatch deny add WORDS")
    else:
        show_table(("Rule", "What", "Text"), [
            (row["rule"], {"term": "words", "hash": f"hash of {row['words']} word(s)", "body": "hash of a body"}[str(row["kind"])],
             row["text"] or "(not told)")
            for row in rows
        ])  # fmt: skip


@app.command("hash")
def make_hash(
    context: typer.Context,
    words: Annotated[str | None, typer.Argument(metavar="WORDS", help="A word or a phrase.")] = None,
    file: BodyFile = None,
    as_json: Json = False,
) -> None:
    """Print the line for "hashes" that stands for these words, under this list's salt. Nothing is added."""
    from crawler.denyfile import open_deny_list

    deny = open_deny_list(open_places(data_option(context)).data).current()
    text = _hash(words, file, deny.salt)
    if as_json:
        show_json({"hash": text, "salt": deny.salt})
        return
    show_text(text)
    say(
        f"It holds for lists with this salt only: {deny.salt}. Whoever has both can try out words, so share them as you would "
        "share the words with people you trust less."
    )


@app.command("check")
def check(
    context: typer.Context,
    stored: Annotated[
        bool, typer.Option("--stored/--no-stored", help="Look at the stored pages too.")
    ] = True,
    as_json: Json = False,
) -> None:
    """Check the list, and count the stored pages that it would not keep today. Changes nothing; no Tor."""
    from crawler.denycheck import check_stored
    from crawler.denyfile import open_deny_list
    from storage.engine import open_engine

    places = open_places(data_option(context))
    deny = open_deny_list(places.data).current()
    found: dict[str, list[int]] = {}
    pages = unread = 0
    if stored and len(deny):
        engine = open_engine(places.database_url)
        with watch_progress(quiet=as_json) as progress:
            bar = progress.add_task("looking at stored pages", total=None, note="")
            result = check_stored(
                engine, deny, progress=lambda done, total: progress.update(bar, completed=done, total=total)
            )
        engine.dispose()
        found, pages, unread = result.matches, result.pages, result.unread
    if as_json:
        show_json(
            {"rules": len(deny), "pages": pages, "unread": unread,
             "matches": {rule: len(ids) for rule, ids in found.items()}, "page_ids": found}
        )  # fmt: skip
    else:
        show_text(f"The list is in order: {len(deny)} rules.")
        if stored and len(deny):
            show_text(f"{pages:,} stored pages looked at, {unread:,} could not be unpacked.")
        for rule, ids in sorted(found.items()):
            show_text(f"{rule}: {len(ids):,} stored pages, for example page {ids[0]}")
        if found:
            show_text("Stored pages are evidence and stay; removing them is not part of this version.")
    if found:
        raise typer.Exit(Exit.FAILED)


def _need(words: str | None) -> str:
    from jobs.errors import UsageError

    if words is None or not words.strip():
        raise UsageError("Say which words, or name a file with --file.")
    return words


def _hash(words: str | None, file: Path | None, salt: str) -> str:
    from crawler.deny import hash_body, hash_words, make_rule, split_words
    from jobs.errors import UsageError

    if not salt:
        raise UsageError(
            'The list has no salt, so it cannot hold hashes. Write a line such as "salt: <20 random letters>".'
        )
    if file is not None:
        with file.open("rb") as body:
            return f"body:{hash_body(hashlib.file_digest(body, 'sha256').hexdigest(), salt=salt)}"
    text = _need(words)
    try:
        make_rule("term", 1, text)
    except ValueError as exc:
        raise UsageError(f"What you named {exc}.") from exc
    parts = split_words(text)
    return f"words-{len(parts)}:{hash_words(parts, salt=salt)}"


def _record(places: Places, action: str, **detail: object) -> None:
    """In the audit log: that the list was changed, never by which words."""
    from storage import audit
    from storage.engine import open_engine, transaction

    engine = open_engine(places.database_url)
    with transaction(engine) as session:
        audit.record(
            session,
            actor=getpass.getuser(),
            action=action,
            subject="deny list",
            detail=detail,
            now=datetime.now(UTC),
        )
    engine.dispose()
