"""What learners wrote in forums, and whether anybody answered."""

import ibis

from headway.features.known import Sources
from headway.features.spans import Spans, chained


def posts(sources: Sources) -> Spans:
    """See `headway.features.relations`."""
    rows = sources.statements
    written = sources.keep("written", rows.filter(rows.verb.isin(["posted", "replied"]) & rows.object.notnull()))
    any_written = written
    keys = ["enrolment", "run_no", "object"]
    written = written.group_by(*keys, "step").agg(
        posted_on=written.occurred_on.min(), replies=(written.verb == "replied").max().cast("int64")
    )
    named = written.select(*keys).distinct().join(sources.enrolled.select("enrolment", "learner"), "enrolment")
    got = sources.replies.select("run_no", "step", object="parent", writer="learner")
    got = named.join(got, ["run_no", "object"])
    got = got.filter(got.writer != got.learner)
    answered = got.group_by(*keys, "step").agg(answers=got.count())
    log = written.mutate(answers=ibis.literal(0, "int64")).union(
        answered.mutate(posted_on=ibis.null("date"), replies=ibis.null("int64")).select(
            *keys, "step", "posted_on", "replies", "answers"
        )
    )
    log = log.group_by(*keys, "step").agg(
        posted_on=log.posted_on.min(), replies=log.replies.max(), answers=log.answers.sum()
    )
    spans = chained(
        log,
        ["enrolment", "object"],
        {"posted_on": log.posted_on.min(), "replies": log.replies.max(), "answers": log.answers.sum()},
    )
    # An answer may be known before what it answers is.
    spans = spans.filter(spans.posted_on.notnull())
    return Spans(
        spans.select(
            "enrolment",
            "run_no",
            "from_step",
            "until_step",
            "posted_on",
            "answers",
            is_reply=spans.replies > 0,
            is_answered=spans.answers > 0,
        ),
        ages={"age_days": "posted_on"},
        always=frozenset({"posted_on", "answers", "is_reply", "is_answered"}),
        made_of=any_written,
    )
