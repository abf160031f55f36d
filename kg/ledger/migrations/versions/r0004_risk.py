"""What persons decided of suspected accounts."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_SEQ = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the table."""
    op.execute("INSERT INTO counters (name, value) VALUES ('risk', 0)")
    op.create_table(
        "risk_decisions",
        sa.Column("seq", _SEQ, primary_key=True, autoincrement=False),
        sa.Column("user_id", sa.String(512), nullable=False),
        sa.Column("decision", sa.String(16), nullable=False),
        sa.Column("decided_by", sa.String(200), nullable=False),
        sa.Column("note", sa.String(2000), nullable=False),
        sa.Column("decided_s", sa.Double, nullable=False),
    )
    op.create_index("risk_decisions_of_user", "risk_decisions", ["user_id", "seq"])


def downgrade() -> None:
    """Drop it: the decisions are lost."""
    op.drop_table("risk_decisions")
    op.execute("DELETE FROM counters WHERE name = 'risk'")
