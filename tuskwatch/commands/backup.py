"""`tuskwatch backup`, `verify` and `restore`: a copy of everything, whether it is whole, and back on an empty machine.

Public names: backup, verify, restore.
"""

from __future__ import annotations

import getpass
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import Progress

from tuskwatch.output import Exit, Json, data_option, say, show_json, show_text, watch_progress
from tuskwatch.places import make_places, open_places

if TYPE_CHECKING:
    from storage.backupcheck import Check


def backup(
    context: typer.Context,
    to: Annotated[
        Path | None,
        typer.Argument(metavar="[TO]", help="The folder for backups. Else backups in the data folder."),
    ] = None,
    keep: Annotated[
        int | None,
        typer.Option("--keep", min=1, help="Then leave only so many whole backups of this data there."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Copy database, site files and reports into a new folder while crawls go on."""
    from jobs.backupfiles import read_manifest
    from jobs.errors import JobError
    from jobs.taskrun import do_by_hand

    places = open_places(data_option(context))
    target = (to if to is not None else places.data / "backups").expanduser().absolute()
    settings = {"to": str(target)} | ({"keep": keep} if keep is not None else {})
    with watch_progress(quiet=as_json) as progress:
        ended = do_by_hand(
            places, "backup", by=getpass.getuser(), settings=settings, show=_show(progress, "Copying (MB)")
        )
    if ended.state != "done":
        raise JobError(ended.message)
    folder = Path(str(ended.result["path"]))
    manifest, sha256 = read_manifest(folder)
    size = sum(line.size for line in manifest.files)
    if as_json:
        show_json(
            {
                "run": ended.run_id, "folder": folder, "manifest_sha256": sha256, "bytes": size, "files": len(manifest.files),
                "rows": manifest.rows, "left_out": manifest.left_out,
            }
        )  # fmt: skip
        return
    show_text(
        f"{folder}: {len(manifest.files):,} files, {size / 1e6:,.1f} MB, {manifest.rows.get('page', 0):,} pages"
    )
    show_text(f"manifest.json has the SHA-256 {sha256}")
    for line in manifest.left_out:
        say(f"Left out: {line}")
    if folder.stat().st_dev == places.data.stat().st_dev:
        say("It lies on the same disk as the data: copy it to another machine.")
    say(f"Next: tuskwatch verify {folder}")


def verify(
    context: typer.Context,
    folder: Annotated[
        Path | None, typer.Argument(metavar="[BACKUP]", help="A backup. Else the data folder in use.")
    ] = None,
    since: Annotated[
        Path | None,
        typer.Option(
            "--since", metavar="BACKUP", help="The audit chain must still have this backup's last row."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Say whether a backup, or the data in use, is whole: files, database, audit chain, every page's body."""
    from jobs.backup import verify_backup, verify_live
    from jobs.errors import UsageError

    if folder is not None and since is not None:
        raise UsageError("--since is for the data in use: leave the backup out.")
    with watch_progress(quiet=as_json) as progress:
        tell = _show(progress, "Bodies")
        if folder is not None:
            found = _say_each(verify_backup(folder.absolute(), tell=tell), quiet=as_json)
        else:
            found = _say_each(
                verify_live(open_places(data_option(context)), since=since, tell=tell), quiet=as_json
            )
    whole = all(check.ok for check in found)
    if as_json:
        show_json({"what": folder, "ok": whole, "checks": found})
    else:
        show_text("Whole." if whole else "Not whole: see the lines above. docs/deploy.md says what to do.")
    if not whole:
        raise typer.Exit(Exit.FAILED)


def restore(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="BACKUP", help="The folder that tuskwatch backup wrote.")],
    to: Annotated[
        Path, typer.Option("--to", metavar="FOLDER", help="The new data folder; empty, or not there.")
    ],
    database: Annotated[
        str | None,
        typer.Option(
            "--database",
            metavar="URL",
            help="An empty database for a backup of PostgreSQL. Else TUSKWATCH_DATABASE_URL, which keeps the password "
            "out of the list of processes.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Bring a backup back into an empty data folder (and an empty PostgreSQL database)."""
    from jobs.backup import restore as restore_backup
    from jobs.engine import prepare_engine
    from tuskwatch.settings import read_settings

    settings = read_settings(data=to)
    if database is not None:
        settings = settings.model_copy(update={"database_url": database})
    places = make_places(settings)
    with watch_progress(quiet=as_json) as progress:
        done = restore_backup(
            places,
            folder.absolute(),
            now=datetime.now(UTC),
            by=getpass.getuser(),
            tell=_show(progress, "Verifying"),
        )
    prepare_engine(places)
    if as_json:
        show_json({"data": places.data, **vars(done)})
        return
    for check in done.checks:
        show_text(f"  ✓ {check.words}")
    show_text(f"{done.name} is restored in {places.data}.")
    show_text(done.queue)
    if done.lost:
        show_text(
            f"Runs that were under way are lost; the next worker takes up the crawls: {', '.join(map(str, done.lost))}"
        )
    if places.key_file is not None and not places.key_file.exists():
        say(
            f"The key of sealed sessions is in no backup: put yours at {places.key_file}, or open the sessions again."
        )
    say(f"Next: tuskwatch --data {places.data} doctor, then tuskwatch --data {places.data} serve")


def _say_each(checks: Iterable[Check], *, quiet: bool) -> list[Check]:
    found = []
    for check in checks:
        found.append(check)
        if not quiet:
            show_text(f"  {'✓ ok     ' if check.ok else '✗ wrong  '} {check.words}")
    return found


def _show(progress: Progress, what: str) -> Callable[[int, int], None]:
    task = progress.add_task(what, total=None, note="")

    def tell(done: int, total: int) -> None:
        progress.update(task, completed=done, total=total)

    return tell
