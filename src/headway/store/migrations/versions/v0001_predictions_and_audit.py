"""Score runs, predictions and the audit chain."""

import sqlalchemy as sa
from alembic import op

from headway.store.tables import Instant

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the first tables."""
    _score_runs()
    _predictions()
    _audit()


def downgrade() -> None:
    """Remove them, with all they hold."""
    for table in ("audit", "predictions", "score_runs"):
        op.drop_table(table)


def _score_runs() -> None:
    op.create_table(
        "score_runs",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("model_version", sa.String(255), nullable=False),
        sa.Column("run", sa.String(255), nullable=False),
        sa.Column("as_of", Instant, nullable=False),
        sa.Column("scored_at", Instant, nullable=False),
        sa.Column("snapshot", sa.Text, nullable=False),
        sa.Column("view_hash", sa.String(64), nullable=False),
        sa.Column("learners", sa.Integer, nullable=False),
        sa.Column("too_early", sa.Integer, nullable=False),
        sa.Column("settings", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_score_runs"),
        sa.UniqueConstraint("model_version", "run", "as_of", name="uq_score_runs_model_version_run_as_of"),
        sa.CheckConstraint(
            "too_early >= 0 AND too_early <= learners", name=op.f("ck_score_runs_too_early_among_learners")
        ),
    )
    op.create_index("ix_score_runs_run_as_of", "score_runs", ["run", "as_of"])


def _predictions() -> None:
    op.create_table(
        "predictions",
        sa.Column("score_run_id", sa.String(36), nullable=False),
        sa.Column("learner", sa.String(64), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("risk", sa.Double),
        sa.Column("low", sa.Double),
        sa.Column("high", sa.Double),
        sa.Column("comparable", sa.Integer, nullable=False),
        sa.Column("why_too_early", sa.Text),
        sa.Column("features_hash", sa.String(64), nullable=False),
        sa.Column("reasons", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("score_run_id", "learner", name="pk_predictions"),
        sa.ForeignKeyConstraint(
            ["score_run_id"], ["score_runs.id"], name="fk_predictions_score_runs", ondelete="CASCADE"
        ),
        sa.CheckConstraint("status IN ('scored', 'too_early')", name=op.f("ck_predictions_status")),
        sa.CheckConstraint(
            "status <> 'scored' OR (risk IS NOT NULL AND low IS NOT NULL AND high IS NOT NULL)",
            name=op.f("ck_predictions_scored_has_risk"),
        ),
        sa.CheckConstraint(
            "status <> 'too_early' OR why_too_early IS NOT NULL", name=op.f("ck_predictions_too_early_has_reason")
        ),
        sa.CheckConstraint(
            "0 <= low AND low <= risk AND risk <= high AND high <= 1", name=op.f("ck_predictions_risk_in_range")
        ),
    )
    op.create_index("ix_predictions_learner", "predictions", ["learner"])


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), autoincrement=False, nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("actor", sa.String(255), nullable=False),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("subject", sa.String(512), nullable=False),
        sa.Column("detail", sa.JSON, nullable=False),
        sa.Column("prev_hash", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
        sa.UniqueConstraint("prev_hash", name="uq_audit_prev_hash"),
    )
    op.create_index("ix_audit_subject", "audit", ["subject"])
