"""Alembic's entry: migrates the database named by the caller or by TUSKWATCH_DATABASE_URL."""

from __future__ import annotations

import os
from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import Connection

from storage.engine import open_engine
from storage.errors import SchemaError
from storage import tables
from storage.types import ExactNumber, ForeignText, UTCDateTime


def render_type(kind: str, thing: Any, autogen: AutogenContext) -> str | Literal[False]:
    """Migrations keep plain SQLAlchemy types, so that an old one never depends on today's code."""
    if kind == "type" and isinstance(thing, UTCDateTime | ExactNumber | ForeignText):
        return f"sa.{thing.impl_instance!r}"
    return False


def migrate(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=tables.Site.metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        transactional_ddl=True,
        compare_type=True,
        render_item=render_type,
    )
    with context.begin_transaction():
        context.run_migrations()


def run() -> None:
    given = context.config.attributes.get("connection")
    if given is not None:
        migrate(given)
        return
    url = context.config.attributes.get("url") or os.environ.get("TUSKWATCH_DATABASE_URL")
    if not url:
        raise SchemaError(
            "No database is named. Set TUSKWATCH_DATABASE_URL, for example sqlite:////tmp/tuskwatch.db"
        )
    engine = open_engine(url)
    try:
        with engine.connect() as connection:
            if connection.dialect.name == "sqlite":
                # Changing a table means copying it and dropping the old one: no rows may follow it. Outside a transaction.
                connection.connection.cursor().execute("PRAGMA foreign_keys = OFF")
            migrate(connection)
            if connection.dialect.name == "sqlite":
                broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
                if broken:
                    raise SchemaError(
                        f"The migration left {len(broken)} rows that refer to missing rows; it was stopped."
                    )
    finally:
        engine.dispose()


run()
