"""Makes the Places of this installation out of its settings.

Public names: find_places, make_places, open_places, MODELS.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from jobs.errors import UsageError
from jobs.places import Places

if TYPE_CHECKING:
    from tuskwatch.settings import Settings

MODELS = Path(__file__).resolve().parent.parent / "models"
"""The models that come with Tuskwatch: beside the packages, in a checkout and in an installation alike."""


def find_places(data: Path | None) -> Places:
    """The places that settings and command line name, whether there is anything yet or not."""
    from tuskwatch.settings import read_settings

    return make_places(read_settings(data=data))


def make_places(settings: Settings) -> Places:
    """Plain values for all parts. Makes no folder and opens nothing."""
    from tuskwatch.settings import find_key_file

    database = settings.database_url or f"sqlite:///{settings.data / 'tuskwatch.db'}"
    if settings.engine_url:
        engine = settings.engine_url
    elif database.startswith("postgres"):
        engine = database
    else:
        engine = f"sqlite:///{settings.data / 'engine.db'}"
    password = settings.tor_control_password
    return Places(
        data=settings.data,
        database_url=database,
        engine_url=engine,
        models=(settings.models.expanduser().absolute() if settings.models else MODELS),
        tor_control_port=settings.tor_control_port,
        tor_control_password=password.get_secret_value() if password else None,
        tor_socks_port=settings.tor_socks_port,
        tor_binary=settings.tor_binary,
        crawls=settings.crawls,
        crawls_everywhere=settings.crawls_everywhere,
        log_level=settings.log_level,
        log_format=settings.log_format,
        key_file=find_key_file(settings),
        recall=settings.recall,
    )


def open_places(data: Path | None) -> Places:
    """The places of an installation that has been made with "tuskwatch init". UsageError when it has not."""
    places = find_places(data)
    if not places.data.is_dir():
        raise UsageError(
            f'There is no data folder {places.data} yet. Make it with "tuskwatch init", or name another one: '
            '"tuskwatch --data FOLDER ...".'
        )
    if (
        places.database_url == f"sqlite:///{places.data / 'tuskwatch.db'}"
        and not (places.data / "tuskwatch.db").exists()
    ):
        raise UsageError(f'There is no database in {places.data} yet. Make it with "tuskwatch init".')
    return places
