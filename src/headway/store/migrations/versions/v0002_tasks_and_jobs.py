"""Tasks with their contacts, rules, engagement, jobs and notices."""

import sqlalchemy as sa
from alembic import op

from headway.store.tables import Instant

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

LIVE = sa.text("status IN ('open', 'contacted')")


def upgrade() -> None:
    """Make the tables."""
    _tasks()
    _contacts()
    _rules()
    _engagement()
    _jobs()
    _notices()


def downgrade() -> None:
    """Remove them, with all they hold."""
    for table in ("notices", "jobs", "engagement", "rule_states", "no_contact", "contacts", "tasks"):
        op.drop_table(table)


def _tasks() -> None:
    op.create_table(
        "tasks",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("run", sa.String(255), nullable=False),
        sa.Column("learner", sa.String(64), nullable=False),
        sa.Column("rule", sa.String(80), nullable=False),
        sa.Column("list", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("evidence", sa.JSON, nullable=False),
        sa.Column("as_of", Instant, nullable=False),
        sa.Column("opened_at", Instant, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("closing_code", sa.String(24)),
        sa.Column("due_at", Instant),
        sa.Column("snoozed_until", Instant),
        sa.Column("assignee", sa.String(255)),
        sa.Column("changed_at", Instant, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_tasks"),
        sa.CheckConstraint("status IN ('open', 'contacted', 'closed', 'expired')", name=op.f("ck_tasks_status")),
        sa.CheckConstraint(
            "closing_code IN ('helped', 'not_needed', 'wrongly_flagged', 'no_answer')",
            name=op.f("ck_tasks_closing_code"),
        ),
        sa.CheckConstraint("(status = 'closed') = (closing_code IS NOT NULL)", name=op.f("ck_tasks_closed_has_code")),
    )
    op.create_index(
        "uq_tasks_live", "tasks", ["run", "learner", "rule"], unique=True, sqlite_where=LIVE, postgresql_where=LIVE
    )
    op.create_index("ix_tasks_run_status_opened_at", "tasks", ["run", "status", "opened_at"])
    op.create_index("ix_tasks_learner", "tasks", ["learner"])


def _contacts() -> None:
    op.create_table(
        "contacts",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("task_id", sa.String(36), nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("by", sa.String(255), nullable=False),
        sa.Column("channel", sa.String(16), nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("note", sa.Text),
        sa.Column("follow_up_on", sa.Date),
        sa.PrimaryKeyConstraint("id", name="pk_contacts"),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.id"], name="fk_contacts_tasks", ondelete="CASCADE"),
    )
    op.create_index("ix_contacts_task_id", "contacts", ["task_id"])
    op.create_table(
        "no_contact",
        sa.Column("learner", sa.String(64), nullable=False),
        sa.Column("since", Instant, nullable=False),
        sa.Column("recorded_by", sa.String(255), nullable=False),
        sa.PrimaryKeyConstraint("learner", name="pk_no_contact"),
    )


def _rules() -> None:
    op.create_table(
        "rule_states",
        sa.Column("run", sa.String(255), nullable=False),
        sa.Column("rule", sa.String(80), nullable=False),
        sa.Column("as_of", Instant, nullable=False),
        sa.Column("evaluated_at", Instant, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("note", sa.Text),
        sa.Column("counts", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("run", "rule", name="pk_rule_states"),
        sa.CheckConstraint("state IN ('evaluated', 'frozen')", name=op.f("ck_rule_states_state")),
    )


def _engagement() -> None:
    op.create_table(
        "engagement",
        sa.Column("run", sa.String(255), nullable=False),
        sa.Column("learner", sa.String(64), nullable=False),
        sa.Column("day_on", sa.Date, nullable=False),
        sa.Column("score", sa.Double, nullable=False),
        sa.Column("parts", sa.JSON, nullable=False),
        sa.Column("flag", sa.String(16)),
        sa.Column("computed_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("run", "learner", "day_on", name="pk_engagement"),
        sa.CheckConstraint("score >= 0 AND score <= 100", name=op.f("ck_engagement_score_in_range")),
        sa.CheckConstraint("flag IN ('below', 'fell')", name=op.f("ck_engagement_flag")),
    )
    op.create_index("ix_engagement_learner", "engagement", ["learner"])
    op.create_index("ix_engagement_run_day_on", "engagement", ["run", "day_on"])


def _jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("request", sa.JSON, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("due_at", Instant, nullable=False),
        sa.Column("locked_by", sa.String(255)),
        sa.Column("locked_until", Instant),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("last_error", sa.Text),
        sa.Column("progress", sa.JSON, nullable=False),
        sa.Column("asked_at", Instant, nullable=False),
        sa.Column("finished_at", Instant),
        sa.PrimaryKeyConstraint("id", name="pk_jobs"),
        sa.CheckConstraint("state IN ('waiting', 'running', 'done', 'dead')", name=op.f("ck_jobs_state")),
    )
    op.create_index("ix_jobs_state_due_at", "jobs", ["state", "due_at"])


def _notices() -> None:
    op.create_table(
        "notices",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("channel", sa.String(16), nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("payload", sa.JSON, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_at", Instant, nullable=False),
        sa.Column("last_error", sa.Text),
        sa.Column("made_at", Instant, nullable=False),
        sa.Column("sent_at", Instant),
        sa.PrimaryKeyConstraint("id", name="pk_notices"),
        sa.CheckConstraint("channel IN ('email', 'webhook', 'slack', 'teams')", name=op.f("ck_notices_channel")),
        sa.CheckConstraint("state IN ('pending', 'sent', 'dead')", name=op.f("ck_notices_state")),
    )
    op.create_index("ix_notices_state_next_at", "notices", ["state", "next_at"])
