"""What a check at the door says of the records in one request: which are kept, and which are not and why."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record that is not fit.

    Attributes:
        place: its position among the records of the request, from 0.
        reason: a short code, of the same words as the quarantine's: `missing_value`, `bad_date`.
        detail: one sentence: what is wrong with it, without any of its values.
        raw: the record as it came.
    """

    place: int
    reason: str
    detail: str
    raw: Any


@dataclass(frozen=True, slots=True)
class Checked:
    """The records of one request; every one of them is in one of the two.

    Attributes:
        accepted: in their order, as they came.
        rejected: in their order.
    """

    accepted: list[dict[str, Any]] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
