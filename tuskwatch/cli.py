"""The command `tuskwatch`: one module for each group of commands, put together here.

Public names: app, main.

Commands import the heavy parts (Scrapy, scikit-learn, DBOS, Altair) when they run: `tuskwatch --help` is quick.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from tuskwatch.commands import (
    archive,
    backup,
    crawl,
    demo,
    deny,
    doctor,
    extract,
    judge,
    lab,
    mirror,
    model,
    needs,
    people,
    rates,
    report,
    retention,
    run,
    schedule,
    seller,
    serve,
    session,
    setup,
    site,
)
from tuskwatch.output import Chosen, Exit, plain_errors


class Commands(TyperGroup):
    """The root of all commands: what goes wrong in any of them comes out as a sentence."""

    def invoke(self, ctx: Any) -> Any:
        with plain_errors():
            return super().invoke(ctx)


app = typer.Typer(
    name="tuskwatch",
    cls=Commands,
    help="Watches darknet markets through Tor for advertisements of ivory, rhino horn and tiger parts.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        sys.stdout.write(f"tuskwatch {version('tuskwatch')}\n")
        raise typer.Exit(Exit.OK)


@app.callback()
def choose(
    context: typer.Context,
    data: Annotated[
        Path | None,
        typer.Option(
            "--data",
            metavar="FOLDER",
            help="The data folder. Else TUSKWATCH_DATA, else ~/.local/share/tuskwatch.",
        ),
    ] = None,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and end."),
    ] = False,
) -> None:
    """Options that hold for every command."""
    context.obj = Chosen(data=data)


app.command("init")(setup.init)
app.add_typer(site.app, name="site")
app.command("crawl")(crawl.crawl)
app.command("import")(archive.import_)
app.command("extract")(extract.extract)
app.command("classify")(model.classify)
app.add_typer(run.app, name="run")
app.add_typer(session.app, name="session")
app.add_typer(mirror.app, name="mirror")
app.add_typer(deny.app, name="deny")
app.add_typer(schedule.app, name="schedule")
app.add_typer(needs.app, name="needs")
app.add_typer(needs.notice_app, name="notice")
app.add_typer(seller.app, name="seller")
app.add_typer(rates.app, name="rates")
app.command("report")(report.report)
app.command("retention")(retention.retention)
app.add_typer(retention.hold_app, name="hold")
app.command("train")(model.train)
app.command("learn")(model.learn)
app.add_typer(model.app, name="models")
app.command("score")(judge.score)
app.command("explain")(judge.explain)
app.command("evaluate")(judge.evaluate)
app.add_typer(people.app, name="user")
app.command("serve")(serve.serve)
app.command("worker")(serve.worker)
app.add_typer(lab.app, name="lab")
app.command("demo")(demo.demo)
app.command("doctor")(doctor.doctor)
app.command("backup")(backup.backup)
app.command("verify")(backup.verify)
app.command("restore")(backup.restore)


def main() -> None:
    """Run the command line of this process and end it with the command's exit code."""
    app()


if __name__ == "__main__":
    main()
