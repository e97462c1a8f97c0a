"""Where a statement happened: its course run, and what its object is in our words, worked out once per distinct place.

Few statements share an actor, but many share object and context; so the JSON of contexts is read once for each
combination. Leaves the table `places` and a column `place` in the table `arrived`. Only `sources.xapi_statements` uses
this module.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from headway.domain.errors import UnknownName
from headway.sources.staging import Staging, text_sql
from headway.sources.xapi_words import TYPE_OF_MODULE, TYPE_OF_WORD

CONTEXTS: Final = ("parent", "grouping", "other")
COURSE_PLACES: Final = ("object", *CONTEXTS, *(f"first_{name}" for name in CONTEXTS), "registration")
DEFAULT_PLACES: Final = ("object", *CONTEXTS)

_KEY: Final = ("object_kind", "object", "type", "title", *CONTEXTS, "category")
_VIDEO_PROFILE: Final = "https://w3id.org/xapi/video"

_MACROS: Final = (
    # Before 1.0.0 a single activity could stand for a list of one.
    (
        "CREATE MACRO activities_in(t) AS json_extract(CASE WHEN left(t, 1) = '[' AND json_valid(t) THEN t "
        "WHEN left(t, 1) = '{' AND json_valid(t) THEN '[' || t || ']' END, '$[*]')"
    ),
    (
        "CREATE MACRO is_course(id, type) AS coalesce(last_word(type) = 'course', false) OR "
        "coalesce(regexp_matches(id, 'course-v1(:|%3A)|/course/view\\.php'), false)"
    ),
    (
        "CREATE MACRO course_in(t) AS list_filter(activities_in(t), lambda each: "
        "is_course(json_extract_string(each, '$.id'), json_extract_string(each, '$.definition.type')))[1]"
    ),
    (
        "CREATE MACRO told(t) AS CASE WHEN left(t, 1) = '{' AND json_valid(t) THEN coalesce("
        "json_extract_string(t, '$.\"en-US\"'), json_extract_string(t, '$.en'), json_extract_string(t, '$.*')[1]) END"
    ),
)


def place_statements(
    staging: Staging, run: str | None, course_from: Sequence[str], extensions: Mapping[str, str]
) -> None:
    """Make the table `places` of all that the table `arrived` holds about objects and contexts.

    Its columns: `place`, `object` without persons, `object_kind`, `object_type`, `title`, `parent`, `is_course`, `run`
    and `course_title`. The table `arrived` gets the column `place` instead of what it was made from.

    Args:
        staging: where.
        run: the run of all statements, whatever their contexts say.
        course_from: where to look for the course, in order; empty for the usual places.
        extensions: column of `arrived` to the place in `course_from` it stands for.

    Raises:
        UnknownName: there is no such place.
    """
    for macro in _MACROS:
        staging.run(macro)
    _load_types(staging)
    places = list(course_from) or list(DEFAULT_PLACES)
    own = [*extensions, *(["registration"] if "registration" in places else [])]
    key = [*_KEY, *own]
    column_of = {place: column for column, place in extensions.items()}
    courses = ", ".join(_course(place, column_of) for place in places)
    staging.run(
        "CREATE TABLE contexts AS SELECT row_number() OVER () AS place, * "
        f"FROM (SELECT DISTINCT {', '.join(key)} FROM arrived)"
    )
    same = " AND ".join(f"a.{column} IS NOT DISTINCT FROM c.{column}" for column in key)
    staging.run("ALTER TABLE arrived ADD place BIGINT")
    staging.run(f"UPDATE arrived a SET place = c.place FROM contexts c WHERE {same}")
    staging.run(
        f"""
        CREATE TABLE places AS
        WITH found AS (
            SELECT *, list_filter([{courses}], lambda each: course_and_run(each.iri) IS NOT NULL)[1] AS course,
                last_word(type) AS word, regexp_extract(object, '(?:/mod/|[+]type@)([a-z0-9_]+)', 1) AS module
            FROM contexts
        ),
        typed AS (
            SELECT found.*, coalesce(object = course.iri, false) AND coalesce(found.word = 'course', true) AS is_course,
                w.type AS by_word, m.type AS by_module
            FROM found LEFT JOIN type_words w ON w.word = found.word LEFT JOIN type_modules m ON m.word = found.module
        )
        SELECT place, plain_iri(object) AS object, object_kind, is_course, {_object_type()} AS object_type,
            if(is_course, NULL, nullif(left(trim(told(title)), 200), '')) AS title,
            plain_iri(list_filter(list_transform(activities_in(parent), lambda each: json_extract_string(each, '$.id')),
                lambda id: id IS NOT NULL AND id IS DISTINCT FROM course.iri)[1]) AS parent,
            {"'xapi/' || course_and_run(course.iri)" if run is None else text_sql(run)} AS run,
            nullif(left(trim(told(course.title)), 200), '') AS course_title
        FROM typed
        """
    )
    staging.run("DROP TABLE contexts")


def _load_types(staging: Staging) -> None:
    for table, words in (("type_words", TYPE_OF_WORD), ("type_modules", TYPE_OF_MODULE)):
        staging.run(f"CREATE TABLE {table} (word VARCHAR, type VARCHAR)")
        rows = ", ".join(f"({text_sql(word)}, {text_sql(type_)})" for word, type_ in words.items())
        staging.run(f"INSERT INTO {table} VALUES {rows}")


def _course(place: str, column_of: Mapping[str, str]) -> str:
    """SQL for the course that a place names: a struct of its IRI and its title."""
    if place in column_of:
        return f"{{'iri': {column_of[place]}, 'title': NULL::VARCHAR}}"
    if place not in COURSE_PLACES:
        raise UnknownName.of("place in course_from", place, COURSE_PLACES)
    if place == "object":
        # A block of a course on Open edX names the course in its own key.
        iri = "if(is_course(object, type) OR edx_course(object) IS NOT NULL, object, NULL)"
        return f"{{'iri': {iri}, 'title': if(is_course(object, type), title, NULL)}}"
    if place == "registration":
        return "{'iri': registration, 'title': NULL::VARCHAR}"
    context = place.removeprefix("first_")
    activity = f"course_in({context})" if context == place else f"activities_in({context})[1]"
    return (
        f"{{'iri': json_extract_string({activity}, '$.id'), "
        f"'title': json_extract_string({activity}, '$.definition.name')}}"
    )


def _object_type() -> str:
    vague = "coalesce(by_word, 'content') IN ('content', 'page')"
    return (
        "CASE WHEN object_kind IN ('Agent', 'Group', 'StatementRef') THEN 'other' WHEN is_course THEN 'homepage' "
        "WHEN contains(object, '/mod/forum/discuss.php') THEN 'thread' "
        f"WHEN {vague} AND by_module IS NOT NULL THEN by_module "
        "WHEN by_word IS NOT NULL THEN by_word "
        f"WHEN contains(category, {text_sql(_VIDEO_PROFILE)}) THEN 'video' "
        "WHEN type IS NOT NULL THEN 'other' END"
    )
