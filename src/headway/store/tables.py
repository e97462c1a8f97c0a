"""The tables of the store: what was predicted, and the audit chain.

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
