"""Coursera's research data exports: the tables of a course, and its clickstream.

- A session is a run, `coursera/<course_id>/<on_demand_session_id>`; whoever is in no session of a course is in the run
  `coursera/<course_id>/on-demand`, which lasts from the first to the last event.
- What a learner does belongs to the session entered last before it, or to the first one entered.
- Times are UTC, and what happened was known at once.
- A pass (with or without verified identity) is an outcome when it is first exported; the grade so far is the attribute
  `course_grade`. Who has not passed has no outcome: a MOOC may be finished years later.
- Nobody's name is in an export. The ids are hashed once more on the way in; addresses, places and browsers are not
  read.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from headway.domain.errors import InputError
from headway.sources.calendar import CALENDAR_OPTIONS, course_runs, event_staging
from headway.sources.coursera_tables import KIND_OF_TABLE, stage
from headway.sources.source import SOURCES, Delivery, Request
from headway.sources.staging import Staging, no_records, text_sql

_OPTIONS: Final = MappingProxyType(
    {
        **CALENDAR_OPTIONS,
        "texts": "yes to keep the words of forum posts, with names, addresses and numbers masked (default no)",
    }
)

ITEM_TYPES: Final = (
    ("lecture", "video"),
    ("supplement", "page"),
    ("peer", "assignment"),
    ("programming", "assignment"),
    ("exam", "test"),
    ("quiz", "quiz"),
    ("discussion", "forum"),
    ("lti", "interactive"),
    ("notebook", "interactive"),
    ("lab", "interactive"),
    ("widget", "interactive"),
)
"""A word in the export's name of an item's type, or in the address of its page, to ours."""

CLICKS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "start": "played",
        "play": "played",
        "pause": "paused",
        "seek": "seeked",
        "end": "completed",
        "heartbeat": "progressed",
        "download_video": "downloaded",
        "download_subtitle": "downloaded",
        "pageview": "viewed",
    }
)
HEARTBEAT_S: Final = 5.0


class Coursera:
    """Reads Coursera research exports."""

    name = "coursera"
    summary = "Coursera research exports: zips or folders of CSV tables, with or without the clickstream"
    options: Mapping[str, str] = _OPTIONS

    def read(self, request: Request) -> Iterator[Delivery]:
        """The deliveries of all courses found; everything is staged and checked before the first one.

        Raises:
            InputError: an option is unknown or has no usable value.
            ConfigError: the workspace has no key for pseudonyms.
            SourceError: a file is missing, damaged or lacks a column.
        """
        texts = request.options.get("texts", "no")
        if texts not in ("yes", "no"):
            raise InputError(f"texts is {texts!r}. Write texts=yes, or leave it out.")
        staging = event_staging(self, request)
        stage(staging, request, texts=texts == "yes")
        return _deliveries(staging)


def _deliveries(staging: Staging) -> Iterator[Delivery]:
    yield from [
        course_runs(staging),
        _activities(staging),
        _enrolments(staging),
        _attributes(staging),
        _progress(staging),
        _forum(staging),
        _clicks(staging),
        _results(staging),
        _outcomes(staging),
        _texts(staging),
    ]
    for kind in dict.fromkeys(KIND_OF_TABLE.values()):
        for rejects in staging.rejects(kind):
            yield no_records(kind, rejects)


def _type_of(name: str) -> str:
    cases = " ".join(f"WHEN contains(lower({name}), '{word}') THEN '{ours}'" for word, ours in ITEM_TYPES)
    return f"CASE {cases} WHEN {name} IS NULL THEN NULL ELSE 'other' END"


def _act(**more: str) -> dict[str, str]:
    """The columns that all statements have."""
    return {
        "run": "run",
        "occurred_at": "moment",
        "recorded_at": "moment",
        "learner": "'coursera/' || learner",
        "role": "acts_as",
        "occurred_on": "local_day(moment, zone)",
        "hour": "hour(timezone(zone, moment))",
        "interactions": "1",
        **more,
    }


def _counted(table: str, *columns: str) -> str:
    """SQL for the rows of a table with `nth`, which counts equal rows within their file, and the zone of their run."""
    over = f"PARTITION BY file_no, run, learner, moment, {', '.join(columns)} ORDER BY line"
    return f"(SELECT *, row_number() OVER ({over}) AS nth FROM placed_{table}) JOIN calendar USING (run)"


def _activities(staging: Staging) -> Delivery:
    known = "timezone(zone, starts_on::TIMESTAMP)"
    select = {
        "run": "run",
        "occurred_at": known,
        "recorded_at": known,
        "activity": "item",
        "type": f"coalesce({_type_of('type')}, 'other')",
        "title": "title",
    }
    rows = (
        "FROM (SELECT r.run, r.zone, r.starts_on, i.item, i.type, i.title FROM course_items i "
        "JOIN runs r ON r.course = i.course "
        "UNION SELECT r.run, r.zone, r.starts_on, i.item, i.type, i.title FROM course_branch_items i "
        "JOIN runs r ON r.branch = i.branch) ORDER BY run, item, title, type"
    )
    native = "concat_ws(chr(31), run, item, coalesce(type, ''), coalesce(title, ''), starts_on, zone)"
    return staging.deliver("activities", select, native, rows)


def _enrolments(staging: Staging) -> Delivery:
    select = {
        "run": "run",
        "occurred_at": "moment",
        "recorded_at": "moment",
        "learner": "'coursera/' || learner",
        "status": "status",
        "valid_from": "moment",
        "valid_from_on": "local_day(moment, zone)",
    }
    session = "'coursera/' || course || '/' || session"
    rows = (
        f"FROM (SELECT DISTINCT * FROM (SELECT {session} AS run, learner, moment, 'enrolled' AS status "
        f"FROM on_demand_session_memberships UNION ALL SELECT {session}, learner, left_at, 'withdrawn' "
        "FROM on_demand_session_memberships WHERE left_at IS NOT NULL UNION ALL "
        "SELECT run, learner, moment, if(role = 'LEARNER', 'enrolled', 'withdrawn') FROM placed_course_memberships"
        ")) JOIN calendar USING (run) ORDER BY run, moment, learner, status"
    )
    return staging.deliver("enrolments", select, "concat_ws('/', run, learner, status, epoch_us(moment), zone)", rows)


def _attributes(staging: Staging) -> Delivery:
    select = {
        "run": "run",
        "occurred_at": "moment",
        "recorded_at": "moment",
        "learner": "'coursera/' || learner",
        "name": "'course_grade'",
        "value": "score::VARCHAR",
        "valid_from": "moment",
        "sensitive": "true",
    }
    rows = "FROM placed_course_grades ORDER BY run, moment, learner, score"
    return staging.deliver("attributes", select, "concat_ws('/', run, learner, epoch_us(moment), score)", rows)


def _outcomes(staging: Staging) -> Delivery:
    select = {
        "run": "run",
        "occurred_at": "moment",
        "recorded_at": "moment",
        "learner": "'coursera/' || learner",
        "label": "'pass'",
        "final_score": "score",
    }
    rows = "FROM placed_course_grades WHERE state IN (1, 2) ORDER BY run, moment, learner, score"
    return staging.deliver("outcomes", select, "concat_ws('/', run, learner, epoch_us(moment), score)", rows)


def _results(staging: Staging) -> Delivery:
    select = {
        "run": "run",
        "occurred_at": "moment",
        "recorded_at": "moment",
        "learner": "'coursera/' || learner",
        "activity": "item",
        "attempt": "1",
        "score": "score",
        "released_at": "moment",
        "transferred": "false",
    }
    rows = "FROM placed_course_item_grades ORDER BY run, moment, learner, item, score"
    native = "concat_ws('/', run, learner, item, epoch_us(moment), score)"
    return staging.deliver("results", select, native, rows)


def _progress(staging: Staging) -> Delivery:
    select = _act(
        verb="if(state = 1, 'viewed', 'completed')",
        object="item",
        object_type=_type_of("type"),
        event="if(state = 1, 'started', 'completed')",
    )
    # The type of an item is told by another table, so it is part of what names the row.
    types = (
        "(SELECT item, min(type) AS type FROM (SELECT item, type FROM course_items UNION ALL "
        "SELECT item, type FROM course_branch_items) GROUP BY item)"
    )
    rows = (
        f"FROM {_counted('course_progress', 'item', 'state')} LEFT JOIN {types} USING (item) "
        "ORDER BY run, moment, learner, item, state, nth"
    )
    native = "concat_ws(chr(31), run, learner, item, state, epoch_us(moment), zone, acts_as, coalesce(type, ''), nth)"
    return staging.deliver("statements", select, f"'progress' || chr(31) || {native}", rows)


def _forum(staging: Staging) -> Delivery:
    made = []
    for table, verb, kind, parent in (
        ("discussion_questions", "posted", "thread", "parent"),
        ("discussion_answers", "replied", "message", "parent"),
        ("discussion_question_votes", "reacted", "thread", "NULL"),
        ("discussion_answer_votes", "reacted", "message", "NULL"),
        ("discussion_question_followings", "reacted", "thread", "NULL"),
    ):
        made.append(
            f"SELECT run, learner, moment, acts_as, zone, thing, {parent} AS parent, '{verb}' AS verb, "
            f"'{kind}' AS kind, '{table.removesuffix('s')}' AS event, nth FROM {_counted(table, 'thing')}"
        )
    select = _act(verb="verb", object="thing", object_type="kind", parent="parent", event="event")
    rows = f"FROM ({' UNION ALL '.join(made)}) ORDER BY run, moment, learner, event, thing, nth"
    native = (
        "concat_ws(chr(31), event, run, learner, thing, coalesce(parent, ''), epoch_us(moment), zone, acts_as, nth)"
    )
    return staging.deliver("statements", select, native, rows)


def _clicks(staging: Staging) -> Delivery:
    verbs = " ".join(f"WHEN {text_sql(key)} THEN '{verb}'" for key, verb in CLICKS.items())
    video = "event NOT IN ('pageview', 'page_requested', 'page_preloaded')"
    select = _act(
        verb=f"CASE event {verbs} ELSE 'interacted' END",
        object="item",
        object_type=f"if({video}, 'video', coalesce({_type_of('place')}, 'page'))",
        event="event",
        duration_s=f"if(event = 'heartbeat', {HEARTBEAT_S}, NULL)",
        position_s="if(position >= 0 AND position < 1e6, position, NULL)",
    )
    rows = f"FROM {_counted('clicks', 'event', 'item', 'place', 'position')} ORDER BY run, moment, learner, event, nth"
    native = (
        "concat_ws(chr(31), 'click', run, learner, event, coalesce(item, ''), coalesce(place, ''), "
        "coalesce(position::VARCHAR, ''), epoch_us(moment), zone, acts_as, nth)"
    )
    return staging.deliver("statements", select, native, rows)


def _texts(staging: Staging) -> Delivery:
    select = {
        "run": "run",
        "occurred_at": "moment",
        "recorded_at": "moment",
        "learner": "'coursera/' || learner",
        "type": "'forum'",
        "activity": "thing",
        "body": "trim(body)",
    }
    posts = " UNION ALL ".join(
        f"SELECT run, learner, moment, thing, body, acts_as FROM placed_{table}"
        for table in ("discussion_questions", "discussion_answers")
    )
    rows = f"FROM ({posts}) WHERE trim(body) != '' AND acts_as IS NULL ORDER BY run, moment, learner, thing"
    native = "concat_ws(chr(31), run, learner, thing, epoch_us(moment), md5(body))"
    return staging.deliver("texts", select, native, rows)


SOURCES.add("coursera", Coursera())
