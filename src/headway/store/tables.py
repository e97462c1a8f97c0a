"""The tables of the store: what was predicted, what people and the worker do about it, and the audit chain.

The migrations lead to exactly these; a test compares. Instants are UTC and come back with their zone. A table is
defined only here; queries live beside the package that asks.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Final

import sqlalchemy as sa

from headway.domain.errors import InputError


class Instant(sa.TypeDecorator[datetime]):
    """A UTC instant to the microsecond. SQLite keeps no zone: it is taken off going in and put back coming out."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """What the database is given."""
        if value is None:
            return None
        if value.utcoffset() != timedelta(0):
            raise InputError(f"The store keeps UTC instants, got {value!r}. Convert it with astimezone(UTC).")
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """What the caller gets."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


METADATA: Final = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

SCORE_RUNS: Final = sa.Table(
    "score_runs",
    METADATA,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("model_version", sa.String(255), nullable=False),  # the registry's ref, name/3
    sa.Column("run", sa.String(255), nullable=False),
    sa.Column("as_of", Instant, nullable=False),
    sa.Column("scored_at", Instant, nullable=False),
    sa.Column("snapshot", sa.Text, nullable=False),
    sa.Column("view_hash", sa.String(64), nullable=False),
    sa.Column("learners", sa.Integer, nullable=False),
    sa.Column("too_early", sa.Integer, nullable=False),
    sa.Column("settings", sa.JSON, nullable=False),
    sa.UniqueConstraint("model_version", "run", "as_of"),
    sa.Index(None, "run", "as_of"),
    sa.CheckConstraint("too_early >= 0 AND too_early <= learners", name="too_early_among_learners"),
)

PREDICTIONS: Final = sa.Table(
    "predictions",
    METADATA,
    sa.Column("score_run_id", sa.ForeignKey("score_runs.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("learner", sa.String(64), primary_key=True),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("risk", sa.Double),
    sa.Column("low", sa.Double),
    sa.Column("high", sa.Double),
    sa.Column("comparable", sa.Integer, nullable=False),  # how many past learners the range rests on
    sa.Column("why_too_early", sa.Text),
    sa.Column("features_hash", sa.String(64), nullable=False),
    sa.Column("reasons", sa.JSON, nullable=False),
    sa.Index(None, "learner"),  # one learner's predictions: access report, erasure
    sa.CheckConstraint("status IN ('scored', 'too_early')", name="status"),
    sa.CheckConstraint(
        "status <> 'scored' OR (risk IS NOT NULL AND low IS NOT NULL AND high IS NOT NULL)", name="scored_has_risk"
    ),
    sa.CheckConstraint("status <> 'too_early' OR why_too_early IS NOT NULL", name="too_early_has_reason"),
    sa.CheckConstraint("0 <= low AND low <= risk AND risk <= high AND high <= 1", name="risk_in_range"),
)

TASKS: Final = sa.Table(
    "tasks",
    METADATA,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("run", sa.String(255), nullable=False),
    sa.Column("learner", sa.String(64), nullable=False),
    sa.Column("rule", sa.String(80), nullable=False),
    sa.Column("list", sa.String(16), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("evidence", sa.JSON, nullable=False),  # what the rule saw: feature values, a score run's id
    sa.Column("as_of", Instant, nullable=False),
    sa.Column("opened_at", Instant, nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("closing_code", sa.String(24)),
    sa.Column("due_at", Instant),  # when an open task expires
    sa.Column("snoozed_until", Instant),
    sa.Column("assignee", sa.String(255)),
    sa.Column("changed_at", Instant, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),  # counts changes: who writes names the one that was read
    # At most one that is not over for each learner and rule of a run.
    sa.Index(
        "uq_tasks_live",
        "run",
        "learner",
        "rule",
        unique=True,
        sqlite_where=sa.text("status IN ('open', 'contacted')"),
        postgresql_where=sa.text("status IN ('open', 'contacted')"),
    ),
    sa.Index(None, "run", "status", "opened_at"),
    sa.Index(None, "learner"),
    sa.CheckConstraint("status IN ('open', 'contacted', 'closed', 'expired')", name="status"),
    sa.CheckConstraint("closing_code IN ('helped', 'not_needed', 'wrongly_flagged', 'no_answer')", name="closing_code"),
    sa.CheckConstraint("(status = 'closed') = (closing_code IS NOT NULL)", name="closed_has_code"),
)

CONTACTS: Final = sa.Table(
    "contacts",
    METADATA,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("task_id", sa.ForeignKey("tasks.id", ondelete="CASCADE"), nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("by", sa.String(255), nullable=False),
    sa.Column("channel", sa.String(16), nullable=False),
    sa.Column("outcome", sa.String(16), nullable=False),
    sa.Column("note", sa.Text),
    sa.Column("follow_up_on", sa.Date),
    sa.Index(None, "task_id"),
)

NO_CONTACT: Final = sa.Table(  # learners who said: do not contact me on the basis of this
    "no_contact",
    METADATA,
    sa.Column("learner", sa.String(64), primary_key=True),
    sa.Column("since", Instant, nullable=False),
    sa.Column("recorded_by", sa.String(255), nullable=False),
)

RULE_STATES: Final = sa.Table(  # how a rule last went in a run
    "rule_states",
    METADATA,
    sa.Column("run", sa.String(255), primary_key=True),
    sa.Column("rule", sa.String(80), primary_key=True),
    sa.Column("as_of", Instant, nullable=False),
    sa.Column("evaluated_at", Instant, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("note", sa.Text),  # why it is frozen or could not be evaluated
    sa.Column("counts", sa.JSON, nullable=False),
    sa.CheckConstraint("state IN ('evaluated', 'frozen')", name="state"),
)

ENGAGEMENT: Final = sa.Table(
    "engagement",
    METADATA,
    sa.Column("run", sa.String(255), primary_key=True),
    sa.Column("learner", sa.String(64), primary_key=True),
    sa.Column("day_on", sa.Date, primary_key=True),
    sa.Column("score", sa.Double, nullable=False),
    sa.Column("parts", sa.JSON, nullable=False),
    sa.Column("flag", sa.String(16)),
    sa.Column("computed_at", Instant, nullable=False),
    sa.Index(None, "learner"),
    sa.Index(None, "run", "day_on"),
    sa.CheckConstraint("score >= 0 AND score <= 100", name="score_in_range"),
    sa.CheckConstraint("flag IN ('below', 'fell')", name="flag"),
)

JOBS: Final = sa.Table(  # what the worker does: standing jobs by name, and those asked for once
    "jobs",
    METADATA,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("kind", sa.String(64), nullable=False),
    sa.Column("request", sa.JSON, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("due_at", Instant, nullable=False),
    sa.Column("locked_by", sa.String(255)),
    sa.Column("locked_until", Instant),
    sa.Column("attempts", sa.Integer, nullable=False),  # failures in a row
    sa.Column("last_error", sa.Text),
    sa.Column("progress", sa.JSON, nullable=False),
    sa.Column("asked_at", Instant, nullable=False),
    sa.Column("finished_at", Instant),
    sa.Index(None, "state", "due_at"),
    sa.CheckConstraint("state IN ('waiting', 'running', 'done', 'dead')", name="state"),
)

NOTICES: Final = sa.Table(  # the outbox
    "notices",
    METADATA,
    sa.Column("id", sa.String(36), primary_key=True),
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
    sa.Index(None, "state", "next_at"),
    sa.CheckConstraint("channel IN ('email', 'webhook', 'slack', 'teams')", name="channel"),
    sa.CheckConstraint("state IN ('pending', 'sent', 'dead')", name="state"),
)

API_KEYS: Final = sa.Table(
    "api_keys",
    METADATA,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("name", sa.String(255), nullable=False),
    sa.Column("scopes", sa.JSON, nullable=False),
    sa.Column("secret_hash", sa.String(64), nullable=False, unique=True),  # SHA-256 of 256 random bits
    sa.Column("made_at", Instant, nullable=False),
    sa.Column("made_by", sa.String(255), nullable=False),
    sa.Column("revoked_at", Instant),
)

ACCOUNTS: Final = sa.Table(  # who may sign in to the pages
    "accounts",
    METADATA,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("name", sa.String(255), nullable=False, unique=True),  # the sign-in name, in small letters
    sa.Column("shown_as", sa.String(255), nullable=False),
    sa.Column("password_hash", sa.Text),  # Argon2id; none for those whom an identity provider vouches for
    sa.Column("subject", sa.String(64), unique=True),  # hash of issuer and subject at an identity provider
    sa.Column("made_at", Instant, nullable=False),
    sa.Column("made_by", sa.String(255), nullable=False),
    sa.Column("disabled_at", Instant),
    sa.Column("failures", sa.Integer, nullable=False),  # wrong passwords in a row
    sa.Column("locked_until", Instant),
    sa.Column("settings", sa.JSON, nullable=False),
)

GRANTS: Final = sa.Table(  # what an account may see, and as what
    "grants",
    METADATA,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("account_id", sa.ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False),
    sa.Column("role", sa.String(16), nullable=False),
    sa.Column("runs", sa.String(255), nullable=False),  # a glob of course runs
    sa.Column("group_name", sa.String(80)),  # only learners of this group
    sa.Column("learner", sa.String(64)),  # whom a learner's account is about
    sa.Index(None, "account_id"),
    sa.CheckConstraint(
        "role IN ('adviser', 'tutor', 'instructor', 'data_scientist', 'governance', 'learner')", name="role"
    ),
    sa.CheckConstraint("(role = 'learner') = (learner IS NOT NULL)", name="learner_is_somebody"),
    sa.CheckConstraint("role <> 'tutor' OR group_name IS NOT NULL", name="tutor_has_group"),
)

SESSIONS: Final = sa.Table(  # who is signed in
    "sessions",
    METADATA,
    sa.Column("token_hash", sa.String(64), primary_key=True),  # SHA-256 of 256 random bits
    sa.Column("account_id", sa.ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False),
    sa.Column("role", sa.String(16), nullable=False),  # which of the account's roles is being used
    sa.Column("made_at", Instant, nullable=False),
    sa.Column("seen_at", Instant, nullable=False),
    sa.Column("expires_at", Instant, nullable=False),
    sa.Index(None, "account_id"),
    sa.Index(None, "expires_at"),
)

PEOPLE: Final = sa.Table(  # the vault: who a pseudonym is, sealed with the workspace's key
    "people",
    METADATA,
    sa.Column("learner", sa.String(64), primary_key=True),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    sa.Column("changed_at", Instant, nullable=False),
    sa.Index(None, "changed_at"),
)

GROUP_MEMBERS: Final = sa.Table(  # tutor groups
    "group_members",
    METADATA,
    sa.Column("run", sa.String(255), primary_key=True),
    sa.Column("learner", sa.String(64), primary_key=True),
    sa.Column("group_name", sa.String(80), nullable=False),
    sa.Index(None, "learner"),
)

NOTES: Final = sa.Table(
    "notes",
    METADATA,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("run", sa.String(255), nullable=False),
    sa.Column("learner", sa.String(64), nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("by", sa.String(255), nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("visible_to_learner", sa.Boolean, nullable=False),
    sa.Index(None, "learner", "run"),
)

CHALLENGES: Final = sa.Table(  # somebody says that a prediction is wrong
    "challenges",
    METADATA,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("run", sa.String(255), nullable=False),
    sa.Column("learner", sa.String(64), nullable=False),
    sa.Column("score_run_id", sa.String(36), nullable=False),
    sa.Column("kind", sa.String(24), nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("by", sa.String(255), nullable=False),
    sa.Column("by_learner", sa.Boolean, nullable=False),
    sa.Column("off_list", sa.Boolean, nullable=False),  # whether the learner left the list meanwhile
    sa.Column("at", Instant, nullable=False),
    sa.Column("due_on", sa.Date, nullable=False),
    sa.Column("answered_at", Instant),
    sa.Column("answered_by", sa.String(255)),
    sa.Column("outcome", sa.String(16)),
    sa.Column("answer", sa.Text),
    sa.Index(None, "learner", "run"),
    sa.Index(None, "answered_at", "due_on"),
    sa.CheckConstraint(
        "kind IN ('wrong_data', 'knows_more', 'reason_does_not_fit', 'already_handled', 'other')", name="kind"
    ),
    sa.CheckConstraint("outcome IN ('agreed', 'kept', 'data_mended')", name="outcome"),
    sa.CheckConstraint("(answered_at IS NULL) = (outcome IS NULL)", name="answered_has_outcome"),
)

COURSE_MARKS: Final = sa.Table(  # what was changed in a course, as a mark on its timelines
    "course_marks",
    METADATA,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("run", sa.String(255), nullable=False),
    sa.Column("item", sa.String(255)),
    sa.Column("happened_on", sa.Date, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("by", sa.String(255), nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Index(None, "run", "happened_on"),
)

SAVED_SEGMENTS: Final = sa.Table(
    "saved_segments",
    METADATA,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("run", sa.String(255), nullable=False),
    sa.Column("name", sa.String(120), nullable=False),
    sa.Column("rule", sa.JSON, nullable=False),
    sa.Column("by", sa.String(255), nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.UniqueConstraint("run", "name"),
)

APPROVALS: Final = sa.Table(  # what waits for somebody's decision, and what was decided
    "approvals",
    METADATA,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("kind", sa.String(24), nullable=False),
    sa.Column("subject", sa.String(512), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("asked_by", sa.String(255), nullable=False),
    sa.Column("asked_at", Instant, nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("decided_by", sa.String(255)),
    sa.Column("decided_at", Instant),
    sa.Column("decision_reason", sa.Text),
    sa.Index(None, "status", "asked_at"),
    sa.CheckConstraint("status IN ('waiting', 'approved', 'refused')", name="status"),
    sa.CheckConstraint("(status = 'waiting') = (decided_at IS NULL)", name="decided_has_date"),
)

AUDIT: Final = sa.Table(
    "audit",
    METADATA,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("actor", sa.String(255), nullable=False),
    sa.Column("action", sa.String(64), nullable=False),
    sa.Column("subject", sa.String(512), nullable=False),
    sa.Column("detail", sa.JSON, nullable=False),  # PostgreSQL's json keeps the text as given; jsonb would round -0.0
    sa.Column("prev_hash", sa.String(64), nullable=False, unique=True),  # unique: the chain cannot fork
    sa.Column("hash", sa.String(64), nullable=False),
    sa.Index(None, "subject"),
)

AUDIT_BREAKS: Final = sa.Table(
    "audit_breaks",
    METADATA,
    sa.Column("entry", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=False),
    sa.Column("found_hash", sa.String(64), nullable=False),  # of the whole entry as it was found
    sa.Column("found_at", Instant, nullable=False),
    sa.Column("accepted_at", Instant),
    sa.Column("accepted_by", sa.String(255)),
    sa.Column("reason", sa.Text),
    sa.CheckConstraint("(accepted_at IS NULL) = (reason IS NULL)", name="accepted_has_reason"),
)


def insert_many(
    connection: sa.Connection, table: sa.Table, rows: Iterable[Mapping[str, Any]], chunk: int = 5_000
) -> int:
    """How many rows were inserted. `rows` may be a generator: at most `chunk` of them are held at once.

    Every row must have the same keys.
    """
    count, waiting = 0, iter(rows)
    while batch := [dict(row) for row in islice(waiting, chunk)]:
        connection.execute(sa.insert(table), batch)
        count += len(batch)
    return count
