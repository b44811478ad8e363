"""What the person who runs Tuskwatch has set: environment variables that begin with TUSKWATCH_, nothing else.

Public names: Settings, read_settings, find_key_file, SettingsError.

Nothing is read when this module is imported; a command reads its settings when it runs.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

DEFAULT_DATA = Path("~/.local/share/tuskwatch")

Port = Annotated[int, Field(ge=1, le=65535)]


class SettingsError(Exception):
    """A setting has a value that cannot be; the text names it."""


class Settings(BaseSettings):
    """One field a setting. The name of the variable is TUSKWATCH_ and the field's name in capitals."""

    model_config = SettingsConfigDict(
        env_prefix="TUSKWATCH_", extra="ignore", env_ignore_empty=True, frozen=True
    )

    data: Annotated[Path, Field(description="The data folder: database, sites, logs, reports.")] = (
        DEFAULT_DATA
    )
    database_url: Annotated[
        str | None,
        Field(description="The database. Empty: SQLite in the data folder. postgresql://... for a team."),
    ] = None
    engine_url: Annotated[
        str | None,
        Field(
            description="The database of the queue and the schedules. Empty: engine.db in the data folder, or, when "
            "TUSKWATCH_DATABASE_URL names a PostgreSQL, a schema of its own in that."
        ),
    ] = None
    models: Annotated[
        Path | None, Field(description="The folder of classifier models. Empty: the ones that come along.")
    ] = None
    recall: Annotated[
        Literal["0.80", "0.85", "0.90", "0.93", "0.95", "0.97", "0.98", "0.99"],
        Field(
            description="Share of the true offers that the classifier's flags are to find; more finds bring more false "
            "flags. What each brings stands in the model's card."
        ),
    ] = "0.80"
    key_file: Annotated[
        Path | None,
        Field(
            description="The age key that seals sessions with sites. Empty: one for each data folder in "
            "~/.config/tuskwatch/keys. Never inside the data folder."
        ),
    ] = None
    tor_binary: Annotated[
        str, Field(description="The tor program that is started when none is attached to.")
    ] = "tor"
    tor_control_port: Annotated[
        Port | None,
        Field(
            description="Attach to the Tor whose control port this is, on 127.0.0.1, instead of starting one."
        ),
    ] = None
    tor_control_password: Annotated[
        SecretStr | None, Field(description="The password of that control port, if it has one.")
    ] = None
    tor_socks_port: Annotated[
        Port | None, Field(description="The SOCKS port of that Tor. Empty: Tor is asked which one it has.")
    ] = None
    crawls: Annotated[int, Field(ge=1, le=64, description="How many sites one worker crawls at once.")] = 4
    crawls_everywhere: Annotated[
        int | None,
        Field(
            ge=1, le=1000, description="How many sites all workers together crawl at once. Empty: no bound."
        ),
    ] = None
    port: Annotated[
        int,
        Field(ge=0, le=65535, description='The port of "tuskwatch serve" on 127.0.0.1. 0 takes a free one.'),
    ] = 8000
    log_level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR"],
        Field(description="How much the worker and the screens say on stderr."),
    ] = "INFO"
    log_format: Annotated[
        Literal["text", "json"],
        Field(description="How the worker and the screens write their log: lines for people, or JSON lines."),
    ] = "text"
    metrics: Annotated[
        bool, Field(description="Give numbers for Prometheus at /metrics of the screens, on 127.0.0.1 only.")
    ] = False


def read_settings(*, data: Path | None = None) -> Settings:
    """The settings of this process. `data`, from the command line, wins over TUSKWATCH_DATA."""
    try:
        settings = Settings()
    except ValidationError as exc:
        lines = [
            f"TUSKWATCH_{'_'.join(map(str, error['loc'])).upper()}: {error['msg']}" for error in exc.errors()
        ]
        raise SettingsError("A setting is wrong. " + "; ".join(lines)) from exc
    # Without links: "demo-data/last" may point elsewhere tomorrow, while this process still works on today's folder.
    folder = (data if data is not None else settings.data).expanduser().resolve()
    return settings.model_copy(update={"data": folder})


def find_key_file(settings: Settings) -> Path:
    """Where the key that seals sessions lies: as set, else a file for this data folder in the person's own settings.

    Not in ~/.local/share/tuskwatch: that is the data folder itself when none is named.
    """
    if settings.key_file is not None:
        return settings.key_file.expanduser().absolute()
    base = Path(os.environ.get("XDG_CONFIG_HOME") or "~/.config").expanduser()
    if not base.is_absolute():
        base = Path("~/.config").expanduser()  # a relative one is to be ignored, says the XDG specification
    name = hashlib.sha256(str(settings.data).encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return base / "tuskwatch" / "keys" / f"{name}.age"
