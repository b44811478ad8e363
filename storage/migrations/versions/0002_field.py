"""What a crawl in the field needs: sessions, the life of addresses, plans, coverage, proof of the way out.

Revision ID: 0002
Revises: 0001
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# Table, column, type, value in rows that are there already (None: the column may be empty).
COLUMNS: tuple[tuple[str, str, sa.types.TypeEngine[Any], str | None], ...] = (
    ("address", "reason", sa.String(), ""),
    ("address", "recheck_at", sa.DateTime(timezone=True), None),
    ("address", "source", sa.String(length=16), "file"),
    ("address", "found_on", sa.Integer(), None),
    ("address", "signed_by", sa.String(length=64), ""),
    ("address", "decided_by", sa.String(length=100), ""),
    ("address", "decided_at", sa.DateTime(timezone=True), None),
    ("run", "plan", sa.String(length=16), "full"),
    ("run", "waits_for", sa.String(length=16), ""),
    ("run", "coverage", sa.JSON(), "{}"),
    ("run", "proof", sa.JSON(), "{}"),
    ("frontier", "shape", sa.String(length=200), ""),
)


def upgrade() -> None:
    for table, name, kind, default in COLUMNS:
        op.add_column(table, sa.Column(name, kind, nullable=default is None, server_default=default))
    op.create_table(
        "session",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column("account_key", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("message", sa.String(), nullable=False),
        sa.Column("page_id", sa.Integer(), nullable=True),
        sa.Column("circuit", sa.String(length=64), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("opened_by", sa.String(length=100), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_session_site_id_site")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_session")),
        sa.UniqueConstraint("site_id", "account_key", name=op.f("uq_session_site_id_account_key")),
    )


def downgrade() -> None:
    op.drop_table("session")
    for table, name, _, _ in reversed(COLUMNS):
        op.drop_column(table, name)
