"""Events, users, profile edits, and the counters that number them."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_SEQ = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables."""
    counters = op.create_table("counters", sa.Column("name", sa.String(63), primary_key=True), sa.Column("value", _SEQ, nullable=False))
    op.bulk_insert(counters, [{"name": name, "value": 0} for name in ("events", "users", "profiles")])
    op.create_table(
        "events",
        sa.Column("seq", _SEQ, primary_key=True, autoincrement=False),
        sa.Column("event_id", sa.String(200), nullable=False, unique=True),
        sa.Column("user_id", sa.String(512), nullable=False),
        sa.Column("item_id", sa.String(512)),
        sa.Column("kind", sa.String(63), nullable=False),
        sa.Column("time", sa.Double, nullable=False),
        sa.Column("quantity", sa.Double, nullable=False),
        sa.Column("value", sa.Double),
        sa.Column("price_cents", sa.BigInteger),
        sa.Column("properties", sa.JSON),
        sa.Column("received_s", sa.Double, nullable=False),
    )
    op.create_index("events_of_user", "events", ["user_id", "seq"])
    op.create_table(
        "users",
        sa.Column("user_id", sa.String(512), primary_key=True),
        sa.Column("attributes", sa.JSON, nullable=False),
        sa.Column("revision", _SEQ, nullable=False),
        sa.Column("received_s", sa.Double, nullable=False),
    )
    op.create_table(
        "profile_edits",
        sa.Column("user_id", sa.String(512), primary_key=True),
        sa.Column("relation", sa.String(63), primary_key=True),
        sa.Column("value", sa.String(512), primary_key=True),
        sa.Column("weight", sa.Double, nullable=False),
        sa.Column("revision", _SEQ, nullable=False),
        sa.Column("received_s", sa.Double, nullable=False),
    )
    op.create_index("ix_profile_edits_revision", "profile_edits", ["revision"])


def downgrade() -> None:
    """Drop them: everything in them is lost."""
    for name in ("profile_edits", "users", "events", "counters"):
        op.drop_table(name)
