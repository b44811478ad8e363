"""Planned work: schedules with rules, workers, notices, holds and tombstones; what a run needs to be fenced and followed.

A row of an append-only table may be deleted from here on when its tombstone stands in the table of that name.

Revision ID: 0006
Revises: 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

GUARDED = ("audit", "blob", "page", "reading", "report", "score", "verdict")
REFERENCES = (
    ("sighting", "page_id"),
    ("feedback", "page_id"),
    ("issue", "page_id"),
    ("signature", "reading_id"),
    ("contact", "seller_id"),
)
"""Foreign keys that a removal looks along: without an index each would be a scan of the table."""
NEVER = ("report",)
"""Guarded tables from which nothing is ever taken away."""


def upgrade() -> None:
    for column in (
        sa.Column("retry_of", sa.Integer(), nullable=True),
        sa.Column("schedule", sa.String(length=60), nullable=False, server_default=""),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("priority", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("fence", sa.Integer(), nullable=True),
        sa.Column("done", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("total", sa.Integer(), nullable=False, server_default="0"),
    ):
        op.add_column("run", column)
    op.create_index(op.f("ix_run_retry_of"), "run", ["retry_of"])
    op.add_column("site", sa.Column("fence", sa.Integer(), nullable=False, server_default="0"))
    for table, name in REFERENCES:
        op.create_index(op.f(f"ix_{table}_{name}"), table, [name])
    make_schedule()
    make_worker()
    make_notice()
    make_hold()
    make_tombstone()
    if op.get_bind().dialect.name == "postgresql":
        guard_postgresql()
    else:
        guard_sqlite()


def make_schedule() -> None:
    op.create_table(
        "schedule",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("verb", sa.String(length=16), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=True),
        sa.Column("cron", sa.String(length=200), nullable=False),
        sa.Column("tz", sa.String(length=60), nullable=False),
        sa.Column("jitter_seconds", sa.Integer(), nullable=False),
        sa.Column("blackout", sa.JSON(), nullable=False),
        sa.Column("overlap", sa.String(length=8), nullable=False),
        sa.Column("missed", sa.String(length=8), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("by", sa.String(length=100), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.String(length=100), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_run_id", sa.Integer(), nullable=True),
        sa.Column("last_words", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_schedule_site_id_site")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_schedule")),
        sa.UniqueConstraint("name", name=op.f("uq_schedule_name")),
    )
    op.create_index(op.f("ix_schedule_due_at"), "schedule", ["due_at"])
    op.create_index(op.f("ix_schedule_site_id"), "schedule", ["site_id"])


def make_worker() -> None:
    op.create_table(
        "worker",
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("host", sa.String(length=100), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("version", sa.String(length=40), nullable=False),
        sa.Column("labels", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("beats", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("beat_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tor", sa.String(length=200), nullable=False),
        sa.Column("crawls", sa.Integer(), nullable=False),
        sa.Column("free_bytes", sa.BigInteger(), nullable=True),
        sa.Column("message", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_worker")),
    )


def make_notice() -> None:
    op.create_table(
        "notice",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=120), nullable=False),
        sa.Column("level", sa.String(length=8), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
        sa.UniqueConstraint(
            "channel", "subject", "raised_at", name=op.f("uq_notice_channel_subject_raised_at")
        ),
    )
    op.create_index("ix_notice_state_next_at", "notice", ["state", "next_at"])


def make_hold() -> None:
    op.create_table(
        "hold",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("subject", sa.String(length=16), nullable=False),
        sa.Column("subject_id", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("by", sa.String(length=100), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("released_by", sa.String(length=100), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hold")),
    )
    op.create_index("ix_hold_subject_subject_id", "hold", ["subject", "subject_id"])


def make_tombstone() -> None:
    op.create_table(
        "tombstone",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("table_name", sa.String(length=30), nullable=False),
        sa.Column("row_key", sa.String(length=64), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=True),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("rule", sa.String(length=30), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_tombstone_run_id_run")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tombstone")),
        sa.UniqueConstraint("table_name", "row_key", name=op.f("uq_tombstone_table_name_row_key")),
    )
    op.create_index(op.f("ix_tombstone_run_id"), "tombstone", ["run_id"])
    op.create_index(op.f("ix_tombstone_site_id"), "tombstone", ["site_id"])


def guard_sqlite() -> None:
    for table in GUARDED:
        if table in NEVER:
            continue
        key = "OLD.sha256" if table == "blob" else "CAST(OLD.id AS TEXT)"
        op.execute(f"DROP TRIGGER {table}_no_delete")
        op.execute(
            f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} WHEN NOT EXISTS "  # noqa: S608 - our own names
            f"(SELECT 1 FROM tombstone WHERE table_name = '{table}' AND row_key = {key}) "
            f"BEGIN SELECT RAISE(ABORT, 'rows of {table} are never changed or deleted'); END"
        )
    refuse = "BEGIN SELECT RAISE(ABORT, 'rows of tombstone are never changed or deleted'); END"
    op.execute(f"CREATE TRIGGER tombstone_no_update BEFORE UPDATE ON tombstone {refuse}")
    op.execute(f"CREATE TRIGGER tombstone_no_delete BEFORE DELETE ON tombstone {refuse}")


def guard_postgresql() -> None:
    removable = ", ".join(f"'{table}'" for table in GUARDED if table not in NEVER)
    op.execute(
        f"""
        CREATE OR REPLACE FUNCTION tuskwatch_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
            key text;
        BEGIN
            IF TG_TABLE_NAME = 'page' AND TG_OP = 'UPDATE' THEN
                IF OLD.kind IS NULL AND NEW.kind IS NOT NULL
                   AND to_jsonb(OLD) - 'kind' = to_jsonb(NEW) - 'kind' THEN
                    RETURN NEW;
                END IF;
            END IF;
            IF TG_OP = 'DELETE' AND TG_TABLE_NAME IN ({removable}) THEN
                IF TG_TABLE_NAME = 'blob' THEN
                    key := OLD.sha256;
                ELSE
                    key := OLD.id::text;
                END IF;
                IF EXISTS (SELECT 1 FROM tombstone WHERE table_name = TG_TABLE_NAME AND row_key = key) THEN
                    RETURN OLD;
                END IF;
            END IF;
            RAISE EXCEPTION 'rows of % are never changed or deleted', TG_TABLE_NAME;
        END $$
        """  # noqa: S608 - our own names
    )
    op.execute(
        "CREATE TRIGGER tombstone_no_change BEFORE UPDATE OR DELETE ON tombstone "
        "FOR EACH ROW EXECUTE FUNCTION tuskwatch_refuse()"
    )
    op.execute(
        "CREATE TRIGGER tombstone_no_truncate BEFORE TRUNCATE ON tombstone "
        "FOR EACH STATEMENT EXECUTE FUNCTION tuskwatch_refuse()"
    )


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        # The function still asks for tombstones: a missing table makes it refuse, which is what it did before.
        op.execute("DROP TRIGGER tombstone_no_change ON tombstone")
        op.execute("DROP TRIGGER tombstone_no_truncate ON tombstone")
    else:
        for table in GUARDED:
            if table in NEVER:
                continue
            op.execute(f"DROP TRIGGER {table}_no_delete")
            op.execute(
                f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} "
                f"BEGIN SELECT RAISE(ABORT, 'rows of {table} are never changed or deleted'); END"
            )
        op.execute("DROP TRIGGER tombstone_no_update")
        op.execute("DROP TRIGGER tombstone_no_delete")
    for table in ("tombstone", "hold", "notice", "worker", "schedule"):
        op.drop_table(table)
    for table, name in REFERENCES:
        op.drop_index(op.f(f"ix_{table}_{name}"), table)
    op.drop_column("site", "fence")
    op.drop_index(op.f("ix_run_retry_of"), "run")
    for column in ("total", "done", "fence", "priority", "due_at", "schedule", "retry_of"):
        op.drop_column("run", column)
