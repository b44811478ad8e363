"""What reading listings needs: signatures of near copies, ratings, links between sellers, rates, archives.

Revision ID: 0003
Revises: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "rate",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=8), nullable=False),
        sa.Column("base", sa.String(length=8), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("value", sa.String(length=64), nullable=False),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("imported_by", sa.String(length=100), nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rate")),
        sa.UniqueConstraint("code", "base", "day", "source", name=op.f("uq_rate_code_base_day_source")),
    )
    op.create_index(op.f("ix_rate_day"), "rate", ["day"])

    op.create_table(
        "archive",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("form", sa.String(length=16), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("custodian", sa.String(length=200), nullable=False),
        sa.Column("obtained_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("by", sa.String(length=100), nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("message", sa.String(), nullable=False),
        sa.Column("stored", sa.Integer(), nullable=False),
        sa.Column("skipped", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_archive_run_id_run")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_archive_site_id_site")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_archive")),
        sa.UniqueConstraint("sha256", "site_id", name=op.f("uq_archive_sha256_site_id")),
    )
    op.create_index(op.f("ix_archive_run_id"), "archive", ["run_id"])

    op.create_table(
        "seller_link",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("a_id", sa.Integer(), nullable=False),
        sa.Column("b_id", sa.Integer(), nullable=False),
        sa.Column("strength", sa.Double(), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("decided_by", sa.String(length=100), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("first_seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["a_id"], ["seller.id"], name=op.f("fk_seller_link_a_id_seller")),
        sa.ForeignKeyConstraint(["b_id"], ["seller.id"], name=op.f("fk_seller_link_b_id_seller")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_seller_link")),
        sa.UniqueConstraint("a_id", "b_id", name=op.f("uq_seller_link_a_id_b_id")),
    )
    op.create_index(op.f("ix_seller_link_b_id"), "seller_link", ["b_id"])
    op.create_index(op.f("ix_seller_link_state"), "seller_link", ["state"])

    op.create_table(
        "archive_record",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("archive_id", sa.Integer(), nullable=False),
        sa.Column("place", sa.String(length=500), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("page_id", sa.Integer(), nullable=True),
        sa.Column("message", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["archive_id"], ["archive.id"], name=op.f("fk_archive_record_archive_id_archive")
        ),
        sa.ForeignKeyConstraint(["page_id"], ["page.id"], name=op.f("fk_archive_record_page_id_page")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_archive_record")),
        sa.UniqueConstraint("archive_id", "place", name=op.f("uq_archive_record_archive_id_place")),
    )
    op.create_index(op.f("ix_archive_record_page_id"), "archive_record", ["page_id"])

    op.create_table(
        "band",
        sa.Column("hash", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("listing_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(["listing_id"], ["listing.id"], name=op.f("fk_band_listing_id_listing")),
        sa.PrimaryKeyConstraint("hash", "listing_id", name=op.f("pk_band")),
        sqlite_with_rowid=False,
    )

    op.create_table(
        "feedback",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("page_id", sa.Integer(), nullable=False),
        sa.Column("reading_id", sa.Integer(), nullable=False),
        sa.Column("seller_id", sa.Integer(), nullable=True),
        sa.Column("listing_id", sa.Integer(), nullable=True),
        sa.Column("sign", sa.String(length=8), nullable=False),
        sa.Column("stars", sa.Double(), nullable=True),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("product", sa.String(), nullable=False),
        sa.Column("buyer", sa.String(length=20), nullable=False),
        sa.Column("price_amount", sa.String(length=64), nullable=True),
        sa.Column("price_currency", sa.String(length=8), nullable=False),
        sa.Column("price_text", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("date_text", sa.String(length=100), nullable=False),
        sa.Column("first_seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["listing_id"], ["listing.id"], name=op.f("fk_feedback_listing_id_listing")),
        sa.ForeignKeyConstraint(["page_id"], ["page.id"], name=op.f("fk_feedback_page_id_page")),
        sa.ForeignKeyConstraint(["reading_id"], ["reading.id"], name=op.f("fk_feedback_reading_id_reading")),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_feedback_run_id_run")),
        sa.ForeignKeyConstraint(["seller_id"], ["seller.id"], name=op.f("fk_feedback_seller_id_seller")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_feedback_site_id_site")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feedback")),
        sa.UniqueConstraint("site_id", "key", name=op.f("uq_feedback_site_id_key")),
    )
    op.create_index(op.f("ix_feedback_at"), "feedback", ["at"])
    op.create_index(op.f("ix_feedback_listing_id"), "feedback", ["listing_id"])
    op.create_index(op.f("ix_feedback_reading_id"), "feedback", ["reading_id"])
    op.create_index(op.f("ix_feedback_run_id"), "feedback", ["run_id"])
    op.create_index(op.f("ix_feedback_seller_id"), "feedback", ["seller_id"])

    op.create_table(
        "likeness",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("a_id", sa.Integer(), nullable=False),
        sa.Column("b_id", sa.Integer(), nullable=False),
        sa.Column("similarity", sa.Double(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("version", sa.String(length=40), nullable=False),
        sa.Column("first_seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["a_id"], ["listing.id"], name=op.f("fk_likeness_a_id_listing")),
        sa.ForeignKeyConstraint(["b_id"], ["listing.id"], name=op.f("fk_likeness_b_id_listing")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_likeness")),
        sa.UniqueConstraint("a_id", "b_id", name=op.f("uq_likeness_a_id_b_id")),
    )
    op.create_index(op.f("ix_likeness_b_id"), "likeness", ["b_id"])

    op.create_table(
        "signature",
        sa.Column("listing_id", sa.Integer(), nullable=False),
        sa.Column("reading_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.String(length=40), nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["listing_id"], ["listing.id"], name=op.f("fk_signature_listing_id_listing")),
        sa.ForeignKeyConstraint(["reading_id"], ["reading.id"], name=op.f("fk_signature_reading_id_reading")),
        sa.PrimaryKeyConstraint("listing_id", name=op.f("pk_signature")),
    )


def downgrade() -> None:
    for table in (
        "signature",
        "likeness",
        "feedback",
        "band",
        "archive_record",
        "seller_link",
        "archive",
        "rate",
    ):
        op.drop_table(table)
