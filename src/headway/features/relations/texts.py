"""What learners wrote, as numbers: how long, whether it asks, whether it speaks of difficulty.

The words themselves stay where they are, de-identified before they were kept. Private messages are left out: who
writes to a tutor does not write to a model. How somebody is, is for people to read and never a feature.
"""

from typing import TYPE_CHECKING, Final

import ibis

from headway.features.known import Sources
from headway.features.spans import NEVER, Spans

if TYPE_CHECKING:
    import ibis.expr.types as ir

READ: Final = ("forum", "survey")
"""The types of text that are read."""

DIFFICULTY: Final = (
    "stuck|confus(e|ed|es|ing|ion)|struggl(e|ed|es|ing)|difficult(y|ies)?|unclear|overwhelm(ed|ing)|"
    "too (hard|fast|difficult|much)|falling behind|(got|get|am|feel) lost|no idea|makes no sense|"
    "(do not|don't|cannot|can't|did not|didn't) (understand|follow|get (it|this|that)|figure)"
)
"""English words of difficulty with the matter or the pace, in small letters; another language has none of them."""


def texts(sources: Sources) -> Spans:
    """See `headway.features.relations`. A text has no local day of its own: its age counts days of UTC."""
    rows = sources.texts
    rows = sources.keep("worded", _worded(rows.filter(rows.type.isin(READ))))
    return Spans(
        rows.select(
            "enrolment",
            "run_no",
            "words",
            "asks",
            "is_difficult",
            "written_on",
            from_step="step",
            until_step=ibis.literal(NEVER, "int32"),
        ),
        ages={"age_days": "written_on"},
        always=frozenset({"written_on", "words", "asks", "is_difficult"}),
        made_of=rows,
    )


def _worded(rows: "ir.Table") -> "ir.Table":
    """A text's numbers, without the text."""
    spaced = rows.body.lower().replace("\u2019", "'").re_replace(r"\s+", " ").strip()
    return rows.select(
        "enrolment",
        "run_no",
        "step",
        written_on=rows.occurred_at.date(),
        words=ibis.ifelse(spaced == "", 0, spaced.length() - spaced.replace(" ", "").length() + 1).cast("int64"),
        asks=rows.body.contains("?"),
        is_difficult=spaced.re_search(rf"(^|[^a-z])({DIFFICULTY})([^a-z]|$)"),
    )
