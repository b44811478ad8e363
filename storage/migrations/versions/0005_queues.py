"""Which queue showed an ad to the person who judged it: only what was drawn at random tells of what the model misses.

Revision ID: 0005
Revises: 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("verdict", sa.Column("queue", sa.String(length=5), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("verdict", "queue")
