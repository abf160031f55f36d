"""Changes of the catalogue, and the items that were changed as they are now."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_SEQ = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_STREAMS = ("catalogue", "live_items")


def upgrade() -> None:
    """Make the tables."""
    counters = sa.table("counters", sa.column("name", sa.String), sa.column("value", sa.BigInteger))
    op.bulk_insert(counters, [{"name": name, "value": 0} for name in _STREAMS])
    op.create_table(
        "catalogue_changes",
        sa.Column("seq", _SEQ, primary_key=True, autoincrement=False),
        sa.Column("item_id", sa.String(512), nullable=False),
        sa.Column("operation", sa.String(16), nullable=False),
        sa.Column("fields", sa.JSON, nullable=False),
        sa.Column("received_s", sa.Double, nullable=False),
    )
    op.create_index("catalogue_changes_of_item", "catalogue_changes", ["item_id", "seq"])
    op.create_table(
        "live_items",
        sa.Column("item_id", sa.String(512), primary_key=True),
        sa.Column("seq", _SEQ, nullable=False),
        sa.Column("revision", _SEQ, nullable=False),
        sa.Column("deleted", sa.Boolean, nullable=False),
        sa.Column("fields", sa.JSON, nullable=False),
        sa.Column("facts", sa.JSON, nullable=False),
        sa.Column("in_graph", sa.String(64), nullable=False),
    )
    for name in ("seq", "revision"):
        op.create_index(f"ix_live_items_{name}", "live_items", [name])


def downgrade() -> None:
    """Drop them: everything in them is lost."""
    for name in ("live_items", "catalogue_changes"):
        op.drop_table(name)
    op.execute("DELETE FROM counters WHERE name IN ('catalogue', 'live_items')")
