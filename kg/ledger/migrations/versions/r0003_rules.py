"""Business rules."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_SEQ = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the table."""
    op.execute("INSERT INTO counters (name, value) VALUES ('rules', 0)")
    op.create_table(
        "rules",
        sa.Column("rule_id", sa.String(63), primary_key=True),
        sa.Column("body", sa.JSON, nullable=False),
        sa.Column("revision", _SEQ, nullable=False),
        sa.Column("changed_s", sa.Double, nullable=False),
    )


def downgrade() -> None:
    """Drop it: the rules are lost."""
    op.drop_table("rules")
    op.execute("DELETE FROM counters WHERE name = 'rules'")
