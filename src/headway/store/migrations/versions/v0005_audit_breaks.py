"""Where the audit chain was found broken, and who accepted it."""

import sqlalchemy as sa
from alembic import op

from headway.store.tables import Instant

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "audit_breaks",
        sa.Column("entry", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=False),
        sa.Column("found_hash", sa.String(64), nullable=False),
        sa.Column("found_at", Instant, nullable=False),
        sa.Column("accepted_at", Instant),
        sa.Column("accepted_by", sa.String(255)),
        sa.Column("reason", sa.Text),
        sa.CheckConstraint(
            "(accepted_at IS NULL) = (reason IS NULL)", name=op.f("ck_audit_breaks_accepted_has_reason")
        ),
    )


def downgrade() -> None:
    """Remove it, with all it holds."""
    op.drop_table("audit_breaks")
