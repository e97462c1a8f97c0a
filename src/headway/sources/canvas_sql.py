"""From the common form to facts: ids without their shard, times, roles, and what is wrong with a row.

Canvas gives each thing a number that is unique within its shard; Live Events and some exports write the global number,
which is the shard's number times 10^13 plus that one. Here every id becomes the local number, or `shard~number` for
what lives on another shard than the institution's own, so that all forms name a learner, course or task alike.
"""

from typing import Final

from headway.governance.pseudonyms import hmac_sql
from headway.sources.canvas_form import COLUMNS, FAMILIES, SYSTEM_EVENTS, event_sql
from headway.sources.staging import Staging, text_sql

SHARD: Final = 10_000_000_000_000

MACROS: Final = (
    """CREATE MACRO bare(id) AS
        if(starts_with(id, 'urn:'), regexp_replace(id, '^urn:instructure:canvas:[A-Za-z_]+:', ''), id)""",
    f"""CREATE MACRO shard_of(id) AS CASE WHEN try_cast(id AS BIGINT) >= {SHARD} THEN try_cast(id AS BIGINT) // {SHARD}
        WHEN contains(id, '~') THEN try_cast(split_part(id, '~', 1) AS BIGINT) END""",
    f"""CREATE MACRO local_part(id) AS CASE WHEN try_cast(id AS BIGINT) > 0 THEN try_cast(id AS BIGINT) % {SHARD}
        WHEN contains(id, '~') THEN try_cast(split_part(id, '~', 2) AS BIGINT) END""",
    f"""CREATE MACRO local_id(id, home) AS CASE WHEN local_part(id) BETWEEN 1 AND {SHARD - 1} THEN
        if(shard_of(id) IS NULL OR shard_of(id) = home, '', shard_of(id) || '~') || local_part(id) END""",
    # DuckDB wants a colon in an offset and no space before it.
    r"""CREATE MACRO parsed(said) AS try_cast(
        if(regexp_matches(said, '[+-][0-9]{2}:?[0-9]{2}$'),
            regexp_replace(said, ' ?([+-][0-9]{2}):?([0-9]{2})$', '\1:\2'), said) AS TIMESTAMPTZ)""",
    "CREATE MACRO moment(said) AS if(year(parsed(trim(said))) BETWEEN 1990 AND 2199, parsed(trim(said)), NULL)",
    "CREATE MACRO to_the_second(moment) AS date_trunc('second', moment)",
    "CREATE MACRO number(text) AS if(isfinite(try_cast(text AS DOUBLE)), try_cast(text AS DOUBLE), NULL)",
    "CREATE MACRO yes(text) AS coalesce(lower(text) IN ('true', 't', '1', 'yes', 'y'), false)",
    "CREATE MACRO no(text) AS coalesce(lower(text) IN ('false', 'f', '0', 'no', 'n'), false)",
)

_IDS: Final = (
    "actor",
    "real_actor",
    "subject",
    "thing",
    "assignment",
    "quiz",
    "topic",
    "enrollment",
    "section",
    "term",
)
_TIMES: Final = (
    "happened",
    "due_at",
    "opens_at",
    "closes_at",
    "submitted_at",
    "graded_at",
    "posted_at",
    "created_at",
    "updated_at",
    "starts_at",
    "ends_at",
)
_NUMBERS: Final = ("points", "score", "final", "done", "todo", "seconds", "attempt", "status")

LEARNER_ROLE: Final = "role IN ('StudentEnrollment', 'Learner', 'Student')"
NO_LEARNER_ROLES: Final = "'StudentViewEnrollment', 'ObserverEnrollment', 'Mentor', 'Guest'"
STAFF_ROLE: Final = (
    "role IN ('TeacherEnrollment', 'TaEnrollment', 'DesignerEnrollment', 'AccountUser', 'AccountAdmin', 'Instructor', "
    "'TeachingAssistant', 'ContentDeveloper', 'Administrator', 'Manager', 'Officer')"
)
STAFF_KIND: Final = "kind IN ('TeacherEnrollment', 'TaEnrollment', 'DesignerEnrollment')"
_CRAWLER: Final = (
    "regexp_matches(agent, '(?i)bot\\b|bot/|crawl|spider|slurp|monitor|pingdom|uptime|healthcheck|headless|curl/|wget|"
    "python-requests|python-urllib')"
)
_URL_THING: Final = (
    "'/(?:courses|groups)/[0-9~]+/(assignments/syllabus|assignments|quizzes|discussion_topics|announcements|pages|wiki|"
    "files|modules|external_tools|collaborations|conferences|grades|gradebook|users)(?:/(?:items/)?([0-9~]+))?'"
)
_AS_ASSET: Final = {
    "quizzes:quiz": "quiz",
    "quizzes/quiz": "quiz",
    "announcement": "discussion_topic",
    "discussiontopic": "discussion_topic",
    "context_module": "module",
    "context_module_item": "module_item",
    "content_tag": "module_item",
    "lti/resource_link": "context_external_tool",
}
_IN_URL: Final = {
    "assignments": "assignment",
    "quizzes": "quiz",
    "discussion_topics": "discussion_topic",
    "files": "attachment",
    "modules": "module_item",
    "external_tools": "context_external_tool",
    "collaborations": "collaboration",
    "conferences": "web_conference",
    "pages": "wiki_page",
}
_LISTS: Final = {
    "discussion_topics": "topics",
    "wiki": "pages",
    "users": "roster",
    "gradebook": "grades",
    "assignments/syllabus": "syllabus",
}
OBJECT_TYPES: Final = {
    "assignment": "assignment",
    "quiz": "quiz",
    "discussion_topic": "thread",
    "discussion_entry": "message",
    "wiki_page": "page",
    "attachment": "file",
    "collaboration": "interactive",
    "context_external_tool": "interactive",
    "web_conference": "webinar",
    "module": "folder",
    "module_item": "link",
    "external_url": "link",
    "home": "homepage",
    "course": "homepage",
    "wiki": "wiki",
    "topics": "forum",
    "announcements": "forum",
    "files": "folder",
    "modules": "folder",
    "pages": "folder",
    "quizzes": "folder",
    "assignments": "folder",
    "syllabus": "page",
    "conferences": "folder",
}


def words_sql(text: str, words: dict[str, str], otherwise: str = "NULL") -> str:
    """An SQL expression that puts one word for another."""
    if not words:
        return otherwise
    cases = " ".join(f"WHEN {text_sql(word)} THEN {text_sql(instead)}" for word, instead in words.items())
    return f"CASE {text} {cases} ELSE {otherwise} END"


def make_raw(staging: Staging) -> None:
    """Make the macros and the empty table `canvas_raw` of the common form."""
    for macro in MACROS:
        staging.run(macro)
    columns = ", ".join(f"{name} VARCHAR" for name in COLUMNS)
    staging.run(f"CREATE TABLE canvas_raw (file_no INTEGER, file VARCHAR, line BIGINT, {columns})")


def make_rows(staging: Staging, shard: int | None) -> None:
    """Make `canvas_rows` of `canvas_raw`: local ids, instants and numbers instead of texts.

    The institution's own shard is the one given, else that of the row's root account, else of its course, else, of
    a row that names no course, of who acted.
    """
    given = "NULL" if shard is None else str(shard)
    kept = ", ".join(name for name in COLUMNS if name not in (*_IDS, "course"))
    first = f"""SELECT file_no, file, line, {kept}, {", ".join(f"bare({name}) AS {name}" for name in _IDS)},
        coalesce(bare(course), {_CONTEXT}, nullif(regexp_extract(url, '/courses/([0-9~]+)', 1), '')) AS course,
        shard_of(bare(root)) AS root_shard FROM ({_brought()})"""
    second = f"""SELECT *, coalesce({given}, root_shard,
        if(course IS NULL, coalesce(shard_of(actor), shard_of(subject)), shard_of(course))) AS home FROM ({first})"""
    typed = (*_IDS, *_TIMES, *_NUMBERS, "agent", "root_shard", "course", "root", "url")
    left = ", ".join((*typed, "asset_id", "asset_type", "asset_subtype"))
    staging.run(
        f"""CREATE TABLE canvas_rows AS SELECT * EXCLUDE ({left}),
        {", ".join(f"local_id({name}, home) AS {name}" for name in (*_IDS, "course"))},
        {", ".join(f"moment({name}) AS {name}" for name in _TIMES)},
        {", ".join(f"number({name}) AS {name}" for name in _NUMBERS)},
        happened AS said_at,
        coalesce({" OR ".join(f"({name} IS NOT NULL AND moment({name}) IS NULL)" for name in _TIMES)}, false) AS slips,
        coalesce({_CRAWLER}, false) AS crawls,
        coalesce(regexp_matches(url, '/download([?#]|$)'), false) AS downloads,
        {_asset()},
        {_family()} AS family
        FROM ({second})"""
    )
    staging.run("DROP TABLE canvas_raw")
    staging.run("DROP TABLE canvas_events")


_CONTEXT: Final = """if(lower(coalesce(context_type, if(origin = 'event', NULL, 'course'))) = 'course',
    bare(context_id), NULL)"""


def _family() -> str:
    families = {event: family for family, events in FAMILIES.items() for event in events}
    system = " OR ".join(f"starts_with(event, {text_sql(start)})" for start in SYSTEM_EVENTS)
    return words_sql("event", families, f"if({system}, 'system', 'other')")


def _brought() -> str:
    """SQL for all rows in the common form: those of tables, and the events as they were staged."""
    made = event_sql()
    columns = ", ".join(f"{made.get(column, 'NULL')} AS {column}" for column in COLUMNS)
    places = "file_no, file, line"
    return f"""SELECT {places}, {", ".join(COLUMNS)} FROM canvas_raw
        UNION ALL SELECT {places}, {columns} FROM canvas_events t"""


def _word(text: str) -> str:
    """SQL for a word of Canvas, in which nothing else can hide."""
    return f"if({text} IS NULL OR regexp_full_match({text}, '[a-z_:/]{{1,40}}'), {text}, 'other')"


def _asset() -> str:
    """SQL for the type and the id of what was looked at, from the event's own words or else from its address."""
    own = words_sql("lower(asset_type)", _AS_ASSET, _word("lower(asset_type)"))
    place = f"regexp_extract(url, {_URL_THING}, 1)"
    number = f"nullif(regexp_extract(url, {_URL_THING}, 2), '')"
    with_id = words_sql(place, _IN_URL)
    listed = words_sql(place, _LISTS, f"nullif({place}, '')")
    home = "if(regexp_matches(url, '/courses/[0-9~]+/?([?#]|$)'), 'home', NULL)"
    return f"""coalesce({own}, if({number} IS NOT NULL, {with_id}, NULL), {listed}, {home}) AS asset_type,
        local_id(coalesce(bare(asset_id), if(asset_type IS NULL AND {with_id} IS NOT NULL, {number}, NULL)), home)
        AS asset_id,
        {_word("lower(asset_subtype)")} AS asset_subtype"""


def make_links(staging: Staging) -> None:
    """Make the tables that say what belongs where, from all rows of the reading.

    `things` gives the course (and points) of a task, quiz or topic, `sections` that of a section, `memberships` who an
    enrolment is of and whether it still holds, `staff` who teaches in a course, `terms` when a term is.
    """
    for table in _LINKS:
        staging.run(f"CREATE TABLE {table}")


_DATED: Final = "happened, created_at, updated_at FROM canvas_rows"
_LINKS: Final = (
    """terms AS SELECT term, min(starts_at) AS starts_at, max(ends_at) AS ends_at FROM canvas_rows
    WHERE family = 'terms' AND term IS NOT NULL GROUP BY term""",
    """sections AS SELECT section, min(course) AS course FROM canvas_rows
    WHERE family = 'sections' AND section IS NOT NULL GROUP BY section""",
    f"""things AS SELECT sort, thing, min(course) AS course, min(assignment) AS assignment,
    arg_max(points, (coalesce(updated_at, happened, created_at), points)) FILTER (points IS NOT NULL) AS points FROM (
        SELECT 'assignment' AS sort, thing, course, points, NULL AS assignment, {_DATED} WHERE family = 'task' UNION ALL
        SELECT 'quiz', thing, course, points, assignment, {_DATED} WHERE family = 'quiz' UNION ALL
        SELECT 'topic', thing, course, NULL, NULL, {_DATED} WHERE family = 'topic' UNION ALL
        SELECT 'assignment', assignment, course, if(family = 'grade', points, NULL), NULL, {_DATED}
        WHERE family IN ('hand_in', 'grade')) WHERE thing IS NOT NULL GROUP BY sort, thing""",
    """memberships AS SELECT enrollment, min(r.subject) AS subject, min(coalesce(r.course, s.course)) AS course,
    min(kind) AS kind, min(r.created_at) AS created_at,
    arg_max(state, (coalesce(updated_at, happened, r.created_at), state)) FILTER (state IS NOT NULL) AS state
    FROM canvas_rows r LEFT JOIN sections s USING (section)
    WHERE family = 'enrolment' AND enrollment IS NOT NULL GROUP BY enrollment""",
    f"""staff AS SELECT DISTINCT course, subject AS person FROM memberships WHERE {STAFF_KIND}
    UNION SELECT DISTINCT course, actor FROM canvas_rows WHERE {STAFF_ROLE}""",
    """still_there AS SELECT course, subject, list(enrollment) AS enrolments FROM memberships
    WHERE kind = 'StudentEnrollment' AND state IN ('active', 'invited', 'completed', 'creation_pending')
    GROUP BY course, subject""",
)


def make_people(staging: Staging, key: bytes) -> None:
    """Make the table `people`: the pseudonym of each person named, hashed once for all their rows."""
    staging.run(
        f"""CREATE TABLE people AS SELECT person, 'canvas/' || {hmac_sql("person", key)} AS learner FROM (
        SELECT subject AS person FROM canvas_rows UNION SELECT actor FROM canvas_rows
        UNION SELECT subject FROM memberships) WHERE person IS NOT NULL"""
    )
