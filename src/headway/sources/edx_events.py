"""Tracking log lines of Open edX, in either form, made into one table of events in our words.

Promises that the two forms of one event give the same row, that each staged event is in `events` or refused once, and
that what names a person stays here: a refused event shows only its time, its kind and its origin. Other modules read
the tables `events`, `doubles` and `named_courses` and nothing else of this one.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from headway.governance.pseudonyms import hmac_sql
from headway.sources.edx_keys import make_links
from headway.sources.edx_words import BEGINNINGS, UNKNOWN, WORDS, words_sql
from headway.sources.json_lines import load_json
from headway.sources.staging import Staging, text_sql


def _own(*names: str) -> str:
    """The path of the first of `names` in what the event tells itself: `event` in a log, `data` in the other form."""
    return "|".join(f"$.event,$.data>$.{name}" for name in names)


FIELDS: Final = {
    "name": "$.name|$.event_type",
    "own_name": _own("name"),
    "time": "$.time|$.timestamp",
    "received": "$.context.received_at",
    "origin": "$.event_source|$.context.event_source",
    "username": "$.username|$.context.username",
    "user_id": "$.context.user_id",
    "about_id": _own("user_id", "attempt_user_id"),
    "course": "$.context.course_id",
    "own_course": _own("course_id"),
    "page": "$.page|$.context.page",
    "agent": "$.agent|$.context.agent",
    "module": "$.context.module.usage_key",
    "title": "$.context.module.display_name",
    "thing": _own(
        "problem_id",
        "module_id",
        "block_id",
        "usage_key",
        "exam_content_id",
        "component_usage_id",
        "problem",
    ),
    "own_id": _own("id"),
    "discussion": _own("discussion.id"),
    "response": _own("response.id"),
    "commentable": _own("commentable_id"),
    "chapter": _own("chapter"),
    "position": _own("currentTime", "current_time"),
    "old_time": _own("old_time"),
    "new_time": _own("new_time"),
    "length": _own("duration"),
    "earned": _own("grade", "weighted_earned", "new_weighted_earned", "weighted_graded_earned"),
    "possible": _own("max_grade", "weighted_possible", "new_weighted_possible", "weighted_graded_possible"),
    "percent": _own("percent_grade", "percent", "completion"),
    "success": _own("success"),
    "attempts": _own("attempts", "attempt_number"),
    "correct_map": _own("correct_map"),
    "mode": _own("mode"),
    "done": _own("done"),
    "forum_roles": _own("user_forums_roles"),
    "course_roles": _own("user_course_roles"),
    "old": _own("old", "current_tab"),
    "new": _own("new", "target_tab"),
    "target": _own("target_url", "target_id"),
}

TEXT_FIELD: Final = {"body": _own("body")}

_ROBOT: Final = (
    r"(?i)(bot\b|bot[/;)]|crawl|spider|slurp|scrapy|curl/|wget/|python-requests|python-urllib|aiohttp|okhttp-monitor|"
    r"java/[0-9]|libwww|pingdom|uptimerobot|statuscake|newrelicpinger|headlesschrome|phantomjs|elb-healthchecker|"
    r"googlehc|facebookexternalhit|monitoring)"
)
_STAFF: Final = r"(?i)\"(administrator|moderator|group moderator|community ta|instructor|staff|limited_staff)\""
_NOBODY: Final = "'', 'anonymous', 'AnonymousUser', 'None', 'null'"

_NUMBERS: Final = ("position", "old_time", "new_time", "length", "earned", "possible", "percent")

_MARKED: Final = (
    "name own_name received thing own_id discussion response chapter position old_time new_time earned possible "
    "percent success attempts mode done old new target"
)
"""What tells two events of one learner, name and moment apart, and what their records are made of."""

_KINDS_OF_BLOCK: Final = {
    "video": ("video", "videoalpha"),
    "question": ("problem", "drag-and-drop-v2", "ubcpi", "image-explorer"),
    "page": ("sequential", "vertical", "chapter", "unit"),
    "content": ("html", "split_test", "library_content", "itembank"),
    "assignment": ("openassessment", "staffgradedxblock", "edx_sga", "combinedopenended"),
    "forum": ("discussion",),
    "survey": ("poll", "survey", "word_cloud", "poll_question"),
    "interactive": ("lti", "lti_consumer", "scorm", "h5pxblock", "google-document"),
    "exam": ("timelimit",),
}


def type_of_block_sql(block: str, otherwise: str) -> str:
    """SQL for the type of the block `kind/name`, or `otherwise` where its kind is not known."""
    cases = " ".join(
        f"WHEN split_part({block}, '/', 1) IN ({', '.join(text_sql(kind) for kind in kinds)}) THEN {text_sql(ours)}"
        for ours, kinds in _KINDS_OF_BLOCK.items()
    )
    return f"(CASE {cases} ELSE {otherwise} END)"


def learner_sql(native: str, key: bytes) -> str:
    """SQL for the learner whom the source calls `native`: a `user_id`, or `username:` and the name."""
    return f"'edx/' || {hmac_sql(native, key)}"


def make_events(staging: Staging, files: Sequence[tuple[Path, str]], key: bytes, run: str | None, texts: bool) -> None:
    """Make the tables `events`, `doubles` and `named_courses` of the logs, and refuse what is no event of a course.

    Args:
        staging: has the macros of `edx_keys` and of `calendar.event_staging`.
        files: tracking logs, with the names that users know them by.
        key: the workspace's key for pseudonyms.
        run: the run of all events, whatever they say themselves.
        texts: whether the words of posts are wanted.
    """
    load_json(staging, "logged", "statements", files, FIELDS | (TEXT_FIELD if texts else {}), prefixed=True)
    _make_dictionaries(staging, key)
    body = "body" if texts else "NULL::VARCHAR AS body"
    staging.run(f"CREATE TABLE sorted_events AS {_events_sql(run, body)}")
    staging.run("DROP TABLE logged")
    staging.run("CREATE TABLE named_courses AS SELECT DISTINCT named AS run FROM sorted_events")
    _refuse(staging)
    staging.run("CREATE VIEW events AS SELECT * FROM sorted_events WHERE fault IS NULL")
    # An event whose time is told to the microsecond happens once. Where only seconds are told, equal ones are counted
    # within their file, so that the same rows from two files are the same records.
    staging.run(
        "CREATE TABLE doubles AS SELECT file_no, line, nth FROM (SELECT file_no, line, row_number() OVER "
        "(PARTITION BY file_no, run, learner, done_at, event, object, mark ORDER BY line) AS nth "
        "FROM events WHERE done_at = date_trunc('second', done_at)) WHERE nth > 1"
    )


def _make_dictionaries(staging: Staging, key: bytes) -> None:
    """Translate what recurs once each: addresses, names, programs, and people."""
    urls = (
        "(SELECT DISTINCT url FROM (SELECT split_part(name, '?', 1) AS url FROM logged WHERE starts_with(name, '/') "
        "UNION ALL SELECT regexp_extract(page, '^[^?#]*') FROM logged WHERE contains(page, '/')))"
    )
    make_links(staging, urls)
    staging.run(
        "CREATE TABLE courses AS SELECT key, run_of_key(key) AS run FROM "
        "(SELECT DISTINCT coalesce(course, own_course, thing, module) AS key FROM logged)"
    )
    staging.run(
        "CREATE TABLE names AS SELECT name, own_name, CASE WHEN starts_with(name, '/') THEN word "
        "WHEN regexp_full_match(word_told, '[A-Za-z][A-Za-z0-9_.: -]{0,79}') THEN word_told ELSE 'other' END AS word "
        "FROM (SELECT name, own_name, split_part(name, '?', 1) AS url, if(name = 'book', own_name, name) AS word_told "
        "FROM (SELECT DISTINCT name, if(name = 'book', coalesce(own_name, 'book'), NULL) AS own_name FROM logged "
        "WHERE name IS NOT NULL)) LEFT JOIN links USING (url)"
    )
    begun = (
        "(SELECT word, arg_max(b, length(b.name)) AS best FROM (SELECT DISTINCT word FROM names) n "
        f"JOIN {words_sql(BEGINNINGS, 'b')} ON starts_with(n.word, b.name) GROUP BY word)"
    )
    columns = ", ".join(
        f"CASE WHEN w.name IS NOT NULL THEN w.{name} WHEN best IS NOT NULL THEN best.{name} ELSE {value} END AS {name}"
        for name, value in (
            ("verb", text_sql(UNKNOWN.verb)),
            ("type", text_sql(UNKNOWN.type)),
            ("counts", "1"),
            ("role", "NULL"),
            ("gives", "NULL"),
            ("about", "false"),
        )
    )
    staging.run(
        f"CREATE TABLE meanings AS SELECT names.name, names.own_name, names.word, {columns} FROM names "
        f"LEFT JOIN {words_sql(WORDS, 'w')} ON w.name = names.word "
        f"LEFT JOIN {begun} AS begun ON begun.word = names.word"
    )
    staging.run(
        f"CREATE TABLE programs AS SELECT agent FROM (SELECT DISTINCT agent FROM logged) "
        f"WHERE regexp_matches(agent, {text_sql(_ROBOT)}) AND NOT contains(lower(agent), 'cubot')"
    )
    usable = "IS NOT NULL AND length(native) <= 200"
    staging.run(
        f"CREATE TABLE people AS SELECT native, {learner_sql('native', key)} AS learner FROM ("
        "SELECT DISTINCT user_id AS native FROM logged UNION SELECT DISTINCT about_id FROM logged "
        f"UNION SELECT DISTINCT 'username:' || username FROM logged) WHERE native {usable}"
    )


def _cast(text: str) -> str:
    """SQL for the moment that `text` tells."""
    form = r"'^[12][0-9]{3}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}'"
    return f"try_cast(if(regexp_matches({text}, {form}), {text}, NULL) AS TIMESTAMPTZ)"


def _from_1990(moment: str) -> str:
    return f"if(year({moment}) BETWEEN 1990 AND 2199, {moment}, NULL) AS {moment}"


def _id(text: str) -> str:
    """SQL for an id of the source, or null where it is no plain one."""
    return rf"if(regexp_full_match({text}, '[\w-]{{1,60}}'), {text}, NULL)"


def _told(person: str) -> str:
    """SQL for whether the field `person` names somebody."""
    return f"coalesce(trim({person}) NOT IN ({_NOBODY}) AND left({person}, 1) NOT IN ('[', '{{'), false)"


def _events_sql(run: str | None, body: str) -> str:
    plain, about = _told("user_id"), _told("about_id")
    by_name = f"username IS NOT NULL AND trim(username) NOT IN ({_NOBODY})"
    numbers = ", ".join(f"number(l.{name}) AS {name}" for name in _NUMBERS)
    marked = [f"number(l.{name})::VARCHAR" if name in _NUMBERS else f"l.{name}" for name in _MARKED.split()]
    mark = ", ".join(f"coalesce({each}, '')" for each in marked)
    named = "coalesce(courses.run, link.run, page_link.run)"
    # Also with a run for all, a page of the site itself belongs to no course.
    put = f"if({named} IS NOT NULL OR NOT starts_with(l.name, '/'), {text_sql(run)}, NULL)" if run else named
    told = f"""
        SELECT l.file_no, l.file, l.line, l.name, l.time, l.origin, m.word AS event, m.verb, m.type, m.counts, m.gives,
            {_cast("l.time")} AS done_at, {_cast("l.received")} AS received_at,
            {put} AS run, {named} AS named, coalesce(l.course, l.own_course) AS course,
            CASE WHEN m.about AND {about} THEN l.about_id WHEN {plain} THEN l.user_id
                WHEN {by_name} THEN 'username:' || username END AS native,
            m.about AND {about} AND {plain} AND l.about_id <> l.user_id AS by_other,
            CASE WHEN p.agent IS NOT NULL OR l.origin = 'task' THEN 'automated'
                WHEN m.role IS NOT NULL THEN m.role
                WHEN regexp_matches(coalesce(l.forum_roles, '') || coalesce(l.course_roles, ''), {text_sql(_STAFF)})
                THEN 'instructor' END AS role,
            link.object AS link_object, link.parent AS link_parent, page_link.object AS page_object,
            l.thing, l.own_id, l.module, l.title, l.chapter, {_id("l.discussion")} AS discussion,
            {_id("l.response")} AS response, {_id("l.commentable")} AS commentable, l.success, l.done, l.correct_map,
            try_cast(l.attempts AS INTEGER) AS attempt, if(l.mode IN ({_MODES}), l.mode, NULL) AS mode,
            {numbers}, md5_number_lower(concat_ws(chr(31), {mark})) AS mark, {body}
        FROM logged l
        LEFT JOIN meanings m ON m.name = l.name
            AND m.own_name IS NOT DISTINCT FROM if(l.name = 'book', coalesce(l.own_name, 'book'), NULL)
        LEFT JOIN courses ON courses.key = coalesce(l.course, l.own_course, l.thing, l.module)
        LEFT JOIN links link ON starts_with(l.name, '/') AND link.url = split_part(l.name, '?', 1)
        LEFT JOIN links page_link ON page_link.url = regexp_extract(l.page, '^[^?#]*')
        LEFT JOIN programs p ON p.agent = l.agent
    """
    moments = f"{_from_1990('done_at')}, {_from_1990('received_at')}"
    picked = f"SELECT * REPLACE ({moments}), {_block()} AS block, {_score()} AS score FROM ({told})"
    placed = f"SELECT *, {_object()} AS object FROM ({picked})"
    return f"""
        SELECT file_no, file, line, run, named, people.learner, done_at,
            greatest(done_at, received_at) AS recorded_at, event,
            {_verb()} AS verb, object, {_type()} AS object_type, {_parent()} AS parent, role,
            {_counts()} AS counts, {_gives()} AS gives, by_other AND object IS NOT NULL AS by_other,
            attempt, mode, score,
            CASE gives WHEN 'check' THEN success = 'correct' END AS success,
            if(starts_with(event, 'edx.completion') AND percent BETWEEN 0 AND 1, percent, NULL) AS progress,
            {_place("coalesce(new_time, position)")} AS position_s,
            {_place("if(gives = 'seek', old_time, NULL)")} AS from_s,
            if(type = 'video' AND length > 0 AND length < 1e6, length, NULL) AS length_s,
            if(block_of(module, 'block') = object, title, NULL) AS title,
            if(gives = 'check' AND thing IS NOT NULL, correct_map, NULL) AS correct_map,
            if(gives IN ('thread', 'response', 'comment'), body, NULL) AS body, mark,
            {_fault()} AS fault,
            concat_ws(', ', if(regexp_full_match(time, '[0-9TZ :.+-]{{1,40}}'), time, 'no time'), event,
                if(origin IN ('server', 'browser', 'mobile', 'task'), origin, NULL)) AS shown
        FROM ({placed}) LEFT JOIN people USING (native)
    """


_MODES: Final = (
    "'audit', 'honor', 'verified', 'professional', 'no-id-professional', 'credit', 'masters', 'executive-education', "
    "'paid-executive-education', 'unpaid-executive-education', 'unpaid-bootcamp', 'paid-bootcamp'"
)

_FROM_BROWSER: Final = "(gives = 'check' AND thing IS NULL)"


def _block() -> str:
    """SQL for what in the event names a block of the course, however it is written."""
    return (
        "CASE WHEN gives IN ('video', 'seek', 'stop') THEN coalesce(own_id, thing, module) "
        "ELSE coalesce(thing, if(type IN ('page', 'content', 'survey'), own_id, NULL), "
        "if(type IN ('page', 'link', 'other'), NULL, module)) END"
    )


def _object() -> str:
    bare = "CASE type WHEN 'video' THEN 'video' WHEN 'question' THEN 'problem' WHEN 'page' THEN 'sequential' "
    return (
        "CASE WHEN starts_with(name, '/') THEN link_object "
        f"WHEN gives = 'thread' THEN 'thread/' || {_id('own_id')} "
        f"WHEN gives IN ('response', 'comment') THEN 'post/' || {_id('own_id')} "
        "WHEN gives IN ('course_grade', 'enrolled', 'withdrawn', 'mode', 'pass') THEN 'course' "
        r"WHEN type = 'file' THEN coalesce('file/' || nullif(regexp_extract(chapter, '([\w.~%-]{1,120})$', 1), ''), "
        "page_object) "
        "WHEN type = 'forum' THEN 'forum' || coalesce('/' || commentable, '') "
        f"ELSE coalesce(block_of(block, {bare} ELSE 'block' END), "
        "if(type IN ('page', 'link', 'other'), page_object, NULL)) END"
    )


def _verb() -> str:
    return (
        f"CASE WHEN {_FROM_BROWSER} THEN 'interacted' "
        "WHEN gives = 'stop' AND length > 0 AND coalesce(position, 0) >= 0.95 * length THEN 'completed' "
        "WHEN event = 'edx.completion.block_completion.changed' AND percent >= 1 THEN 'completed' "
        "WHEN event = 'edx.done.toggled' AND done = 'true' THEN 'completed' ELSE verb END"
    )


def _type() -> str:
    return f"if(type IN ('content', 'other'), {type_of_block_sql('object', 'type')}, type)"


def _parent() -> str:
    return (
        "CASE WHEN gives = 'thread' THEN 'forum' || coalesce('/' || commentable, '') "
        "WHEN gives = 'response' THEN 'thread/' || discussion "
        "WHEN gives = 'comment' THEN coalesce('post/' || response, 'thread/' || discussion) "
        "WHEN starts_with(name, '/') THEN nullif(link_parent, object) "
        "WHEN starts_with(page_object, 'courseware/') "
        "THEN if(page_object = object, NULL, page_object) END"
    )


def _counts() -> str:
    return f"if({_FROM_BROWSER}, 0, counts)"


def _gives() -> str:
    """What becomes of the event beside or instead of a statement."""
    return (
        f"CASE WHEN {_FROM_BROWSER} OR (gives = 'mode' AND mode IS NULL) THEN NULL "
        # The marks of a problem come with its check already.
        "WHEN gives = 'marks' THEN if(starts_with(object, 'problem/') OR score IS NULL, NULL, 'grade') "
        "WHEN gives = 'course_grade' THEN 'grade' ELSE gives END"
    )


def _score() -> str:
    marks = "if(possible > 0, earned / possible, NULL)"
    score = f"CASE WHEN gives = 'course_grade' THEN percent WHEN gives IN ('check', 'marks', 'grade') THEN {marks} END"
    return f"if({score} BETWEEN 0 AND 1, {score}, NULL)"


def _place(seconds: str) -> str:
    return f"if(type = 'video' AND {seconds} BETWEEN 0 AND 1e6, {seconds}, NULL)"


FAULTS: Final = {
    "no_name": "The event has neither name nor event_type.",
    "bad_date": "The event has no time, or none that can be: it is read as 2026-03-01T09:30:00.123456+00:00.",
    "no_learner": "The event tells nobody who acted, such as one from before signing in.",
    "bad_course": "The course of the event is no course key, such as course-v1:Org+Course+Run.",
    "no_course": "The event belongs to no course, such as the dashboard.",
}


def _fault() -> str:
    return (
        "CASE WHEN name IS NULL THEN 'no_name' "
        "WHEN done_at IS NULL OR done_at > received_at + INTERVAL 1 DAY THEN 'bad_date' "
        "WHEN learner IS NULL THEN 'no_learner' "
        "WHEN run IS NULL THEN if(course IS NULL, 'no_course', 'bad_course') END"
    )


def _refuse(staging: Staging) -> None:
    details = " ".join(f"WHEN {text_sql(code)} THEN {text_sql(detail)}" for code, detail in FAULTS.items())
    staging.run(
        f"INSERT INTO refused SELECT 'statements', file, line, fault, CASE fault {details} END, shown "
        "FROM sorted_events WHERE fault IS NOT NULL"
    )
