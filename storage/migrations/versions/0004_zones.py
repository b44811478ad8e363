"""What a score says beside its probabilities: its zone, and the kind of post.

Revision ID: 0004
Revises: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("score", sa.Column("zone", sa.String(length=5), nullable=False, server_default=""))
    op.add_column("score", sa.Column("kind", sa.String(length=20), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("score", "kind")
    op.drop_column("score", "zone")
