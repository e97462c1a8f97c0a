"""Landing what a source delivers: every row ends in the lake, was known before, or goes to quarantine with a reason.

Deliveries are landed one by one, each in one commit, so that a crash between two of them loses nothing: repeating the
import finds what has landed and goes on.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Protocol

import pyarrow as pa

from headway.domain.records import KINDS, REJECTS, record_id
from headway.lake.lake import Lake

CONFLICT: Final = "conflicts_with_known_record"


class Delivered(Protocol):
    """Records of one kind beside the rows that a source refused; see `headway.sources.source.Delivery`."""

    @property
    def kind(self) -> str:
        """The record kind."""
        ...

    @property
    def records(self) -> pa.RecordBatchReader:
        """Batches in the kind's schema, read once."""
        ...

    @property
    def rejects(self) -> pa.Table:
        """Rows in the schema of `domain.records.REJECTS`."""
        ...


@dataclass(slots=True)
class Counts:
    """What became of rows: `read = accepted + quarantined + unchanged`."""

    read: int = 0
    accepted: int = 0
    quarantined: int = 0
    unchanged: int = 0

    def add(self, other: "Counts") -> None:
        """Adds another count to this one."""
        self.read += other.read
        self.accepted += other.accepted
        self.quarantined += other.quarantined
        self.unchanged += other.unchanged


@dataclass(slots=True)
class IngestReport:
    """What an import did.

    Attributes:
        kinds: counts by record kind.
        reasons: quarantined rows by reason code.
        seconds: how long it took.
        notes: what the source had to say besides, a sentence each.
        next_since: where a pull from a service ended, for the next one.
    """

    kinds: dict[str, Counts] = field(default_factory=dict)
    reasons: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    notes: tuple[str, ...] = ()
    next_since: str | None = None

    @property
    def total(self) -> Counts:
        """The counts of all kinds together."""
        total = Counts()
        for counts in self.kinds.values():
            total.add(counts)
        return total

    def as_json(self) -> dict[str, Any]:
        """The totals, `seconds` and `reasons` beside one object of counts for each record kind delivered."""
        kinds = {kind: asdict(self.kinds[kind]) for kind in KINDS if kind in self.kinds}
        told: dict[str, Any] = {"notes": list(self.notes)} if self.notes else {}
        if self.next_since is not None:
            told["next_since"] = self.next_since
        return {
            **asdict(self.total),
            "seconds": round(self.seconds, 3),
            "reasons": dict(sorted(self.reasons.items())),
            **told,
            **kinds,
        }

    def count(self, kind: str, counts: Counts, rejects: pa.Table) -> None:
        """Adds what became of one delivery."""
        self.kinds.setdefault(kind, Counts()).add(counts)
        self.reasons.update(rejects["reason"].to_pylist())


def land(deliveries: Iterable[Delivered], lake: Lake, progress: Callable[[str], None]) -> IngestReport:
    """What became of the deliveries after landing them in the lake, in their order."""
    report = IngestReport()
    for delivery in deliveries:
        done = lake.append(delivery.kind, delivery.records)
        rejects = pa.concat_tables([delivery.rejects, _conflicts(delivery.kind, done.conflicting)])
        if rejects.num_rows:
            lake.reject(rejects)
        quarantined = delivery.rejects.num_rows + done.conflicting.num_rows
        read = done.read + delivery.rejects.num_rows
        report.count(delivery.kind, Counts(read, done.accepted, quarantined, done.unchanged), rejects)
        progress(f"{delivery.kind}: {read} rows read, {done.accepted} new")
    return report


def drain(deliveries: Iterable[Delivered], progress: Callable[[str], None]) -> IngestReport:
    """What would be read, without writing: rows that could land count as accepted, whether known before or not."""
    report = IngestReport()
    for delivery in deliveries:
        rows = sum(batch.num_rows for batch in delivery.records)
        rejected = delivery.rejects.num_rows
        report.count(delivery.kind, Counts(rows + rejected, rows, rejected, 0), delivery.rejects)
        progress(f"{delivery.kind}: {rows + rejected} rows read")
    return report


def _conflicts(kind: str, rows: pa.Table) -> pa.Table:
    """The rejects that stand for records which say something else under a known id."""
    return pa.Table.from_pylist(
        [
            {
                "id": record_id(row["source"], "rejects", f"{kind}\x1f{row['id'].hex()}\x1f{row}"),
                "source": row["source"],
                "kind": kind,
                "file": None,
                "line": None,
                "reason": CONFLICT,
                "detail": "The lake, or an earlier row, says something else under the same id.",
                "raw": str({name: value for name, value in row.items() if name != "id"}),
            }
            for row in rows.to_pylist()
        ],
        schema=REJECTS,
    )
