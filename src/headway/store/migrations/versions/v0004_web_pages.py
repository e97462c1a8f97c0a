"""What the pages need: accounts with grants and sessions, the vault, notes, challenges, marks, approvals."""

import sqlalchemy as sa
from alembic import op

from headway.store.tables import Instant

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TABLES = (
    "accounts",
    "grants",
    "sessions",
    "people",
    "group_members",
    "notes",
    "challenges",
    "course_marks",
    "saved_segments",
    "approvals",
)


def upgrade() -> None:
    """Make the tables."""
    _accounts()
    _grants()
    _sessions()
    _people()
    _group_members()
    _notes()
    _challenges()
    _course_marks()
    _saved_segments()
    _approvals()


def downgrade() -> None:
    """Remove them, with all they hold."""
    for table in reversed(TABLES):
        op.drop_table(table)


def _accounts() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("shown_as", sa.String(255), nullable=False),
        sa.Column("password_hash", sa.Text),
        sa.Column("subject", sa.String(64)),
        sa.Column("made_at", Instant, nullable=False),
        sa.Column("made_by", sa.String(255), nullable=False),
        sa.Column("disabled_at", Instant),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("locked_until", Instant),
        sa.Column("settings", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_accounts"),
        sa.UniqueConstraint("name", name="uq_accounts_name"),
        sa.UniqueConstraint("subject", name="uq_accounts_subject"),
    )


def _grants() -> None:
    op.create_table(
        "grants",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("account_id", sa.String(36), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("runs", sa.String(255), nullable=False),
        sa.Column("group_name", sa.String(80)),
        sa.Column("learner", sa.String(64)),
        sa.PrimaryKeyConstraint("id", name="pk_grants"),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_grants_accounts", ondelete="CASCADE"),
        sa.CheckConstraint(
            "role IN ('adviser', 'tutor', 'instructor', 'data_scientist', 'governance', 'learner')",
            name=op.f("ck_grants_role"),
        ),
        sa.CheckConstraint("(role = 'learner') = (learner IS NOT NULL)", name=op.f("ck_grants_learner_is_somebody")),
        sa.CheckConstraint("role <> 'tutor' OR group_name IS NOT NULL", name=op.f("ck_grants_tutor_has_group")),
    )
    op.create_index("ix_grants_account_id", "grants", ["account_id"])


def _sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("account_id", sa.String(36), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("made_at", Instant, nullable=False),
        sa.Column("seen_at", Instant, nullable=False),
        sa.Column("expires_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name="pk_sessions"),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_sessions_accounts", ondelete="CASCADE"),
    )
    op.create_index("ix_sessions_account_id", "sessions", ["account_id"])
    op.create_index("ix_sessions_expires_at", "sessions", ["expires_at"])


def _people() -> None:
    op.create_table(
        "people",
        sa.Column("learner", sa.String(64), nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("changed_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("learner", name="pk_people"),
    )
    op.create_index("ix_people_changed_at", "people", ["changed_at"])


def _group_members() -> None:
    op.create_table(
        "group_members",
        sa.Column("run", sa.String(255), nullable=False),
        sa.Column("learner", sa.String(64), nullable=False),
        sa.Column("group_name", sa.String(80), nullable=False),
        sa.PrimaryKeyConstraint("run", "learner", name="pk_group_members"),
    )
    op.create_index("ix_group_members_learner", "group_members", ["learner"])


def _notes() -> None:
    op.create_table(
        "notes",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("run", sa.String(255), nullable=False),
        sa.Column("learner", sa.String(64), nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("by", sa.String(255), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("visible_to_learner", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_notes"),
    )
    op.create_index("ix_notes_learner_run", "notes", ["learner", "run"])


def _challenges() -> None:
    op.create_table(
        "challenges",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("run", sa.String(255), nullable=False),
        sa.Column("learner", sa.String(64), nullable=False),
        sa.Column("score_run_id", sa.String(36), nullable=False),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("by", sa.String(255), nullable=False),
        sa.Column("by_learner", sa.Boolean, nullable=False),
        sa.Column("off_list", sa.Boolean, nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("due_on", sa.Date, nullable=False),
        sa.Column("answered_at", Instant),
        sa.Column("answered_by", sa.String(255)),
        sa.Column("outcome", sa.String(16)),
        sa.Column("answer", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_challenges"),
        sa.CheckConstraint(
            "kind IN ('wrong_data', 'knows_more', 'reason_does_not_fit', 'already_handled', 'other')",
            name=op.f("ck_challenges_kind"),
        ),
        sa.CheckConstraint("outcome IN ('agreed', 'kept', 'data_mended')", name=op.f("ck_challenges_outcome")),
        sa.CheckConstraint(
            "(answered_at IS NULL) = (outcome IS NULL)", name=op.f("ck_challenges_answered_has_outcome")
        ),
    )
    op.create_index("ix_challenges_learner_run", "challenges", ["learner", "run"])
    op.create_index("ix_challenges_answered_at_due_on", "challenges", ["answered_at", "due_on"])


def _course_marks() -> None:
    op.create_table(
        "course_marks",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("run", sa.String(255), nullable=False),
        sa.Column("item", sa.String(255)),
        sa.Column("happened_on", sa.Date, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("by", sa.String(255), nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_course_marks"),
    )
    op.create_index("ix_course_marks_run_happened_on", "course_marks", ["run", "happened_on"])


def _saved_segments() -> None:
    op.create_table(
        "saved_segments",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("run", sa.String(255), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("rule", sa.JSON, nullable=False),
        sa.Column("by", sa.String(255), nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_saved_segments"),
        sa.UniqueConstraint("run", "name", name="uq_saved_segments_run_name"),
    )


def _approvals() -> None:
    op.create_table(
        "approvals",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("subject", sa.String(512), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("asked_by", sa.String(255), nullable=False),
        sa.Column("asked_at", Instant, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("decided_by", sa.String(255)),
        sa.Column("decided_at", Instant),
        sa.Column("decision_reason", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_approvals"),
        sa.CheckConstraint("status IN ('waiting', 'approved', 'refused')", name=op.f("ck_approvals_status")),
        sa.CheckConstraint("(status = 'waiting') = (decided_at IS NULL)", name=op.f("ck_approvals_decided_has_date")),
    )
    op.create_index("ix_approvals_status_asked_at", "approvals", ["status", "asked_at"])
