"""The keys of Open edX in SQL: which run a course key or an address names, and one name for each thing in a course.

Promises that the same course or block has the same name whichever way it was written: old keys (`Org/Course/Run`,
`i4x://…`), new ones (`course-v1:…`, `block-v1:…`), those inside addresses, encoded or not, and the shortened ones of
players and forms. What is no key gives null, never an error. No name made here holds anything of a person.
"""

from typing import Final

from headway.sources.staging import Staging, text_sql

_PART: Final = r"""[^/+\s\x00-\x1f?#&%:@"<>]+"""
_NEW: Final = rf"-v1:({_PART})\+({_PART})\+({_PART}(?:\+ccx@[0-9]+)?)"
_OLD: Final = rf"({_PART})/({_PART})/({_PART})"

_SECTIONS: Final = (
    "courseware info course about progress dates syllabus bookmarks teams notes edxnotes handouts updates wiki search "
    "pdfbook book htmlbook jump_to jump_to_id instructor instructor_dashboard masquerade gradebook "
    "cohorts staff_grading ccx_coach discussion xblock survey verify_student notification_prefs external_discussion"
)

_IN_DISCUSSION: Final = (
    "discussion forum threads comments inline search create reply update delete upvote downvote unvote flagAbuse "
    "unFlagAbuse endorse openclose follow unfollow followed pin un_pin"
)

_OUTSIDE: Final = (
    "dashboard login logout register account courses api event segmentio i18n jsi18n notification_prefs user_api "
    "search container preview transcripts xmodule certificates verify_student enrollment change_enrollment support"
)


def _listed(words: str) -> str:
    return "[" + ", ".join(text_sql(word) for word in words.split()) + "]"


_KEY: Final = rf"^(?:.*?{_NEW}.*|\s*{_OLD}\s*)$"
_PATH: Final = rf"^(?:.*?{_NEW}.*|.*?/courses?/{_OLD}(?:/.*)?)$"
_RUN: Final = r"'edx/\1\4+\2\5/\3\6'"

_BLOCK: Final = (
    r"^(?:.*type@([\w-]+)\+block@([\w.~%:-]+)|i4x://[^/]+/[^/]+/([^/]+)/([^/?#]+)|"
    r"i4x:;_;_[^;]+;_[^;]+;_([^;]+);_([^/?#]+)|i4x-[^-]+-[^-]+-([a-z_]+)-([^/?#]+)).*$"
)

MACROS: Final = {
    "number(text)": "if(isfinite(try_cast(text AS DOUBLE)), try_cast(text AS DOUBLE), NULL)",
    # What is encoded so that it is no text stays as it is.
    "plain_url(url)": "coalesce(TRY(url_decode(url)), url)",
    "run_of_plain(text, form)": f"nullif(regexp_replace(text, form, {_RUN}), text)",
    "run_of_key(text)": f"run_of_plain(plain_url(text), {text_sql(_KEY)})",
    "run_of_path(path)": f"if(contains(path, '/courses/v1/'), NULL, run_of_plain(path, {text_sql(_PATH)}))",
    # A bare name is of the kind `otherwise`.
    "block_of(text, otherwise)": "CASE WHEN starts_with(text, 'i4x') OR contains(text, 'type@') "
    rf"THEN nullif(regexp_replace(text, '{_BLOCK}', '\1\3\5\7/\2\4\6\8'), text) "
    r"WHEN regexp_full_match(text, '[\w.~-]{1,120}') THEN otherwise || '/' || text END",
    "id_after(path, word)": "nullif(regexp_extract(path, '/' || word || '/([0-9a-f-]{16,40})', 1), '')",
}


def make_macros(staging: Staging) -> None:
    """Make the macros `run_of_key`, `run_of_path`, `block_of(text, otherwise)` and `number(text)`."""
    for macro, value in MACROS.items():
        staging.run(f"CREATE MACRO {macro} AS {value}")


def make_links(staging: Staging, urls: str) -> None:
    """Make the table `links`: `url` with its `run`, its `word` (see `edx_words`), `object` and `parent`.

    Args:
        staging: has the macros.
        urls: SQL subquery with one column `url`, each once: paths or whole addresses without their query.
    """
    host = r"'^[a-z][a-z0-9+.-]*://[^/]*'"
    learning = "'^/learning/course/'"
    course = rf"'^/courses?/(?:[\w-]+-v1:[^/]+|{_OLD.replace('(', '').replace(')', '')})/?'"
    staging.run(
        f"""
        CREATE TABLE links AS
        WITH paths AS (
            SELECT url, regexp_replace(regexp_replace(plain_url(url), {host}, ''), {learning}, '/courses/') AS path
            FROM {urls}
        ),
        cut AS (
            SELECT url, path, run_of_path(path) AS run,
                if(regexp_matches(path, {course}), regexp_replace(path, {course}, ''), NULL) AS rest,
                nullif(regexp_extract(path, '/handler/(?:xmodule_handler/)?([A-Za-z_]+)', 1), '') AS handler
            FROM paths
        ),
        split AS (SELECT *, string_split(rest, '/') AS parts FROM cut)
        SELECT url, run, {_word()} AS word, {_object()} AS object,
            if(parts[1] = 'discussion', 'forum' || coalesce('/' || id_after(rest, 'forum'), ''), NULL) AS parent
        FROM split
        """
    )


def _word() -> str:
    discussion = (
        f"array_to_string(list_filter(parts, lambda part: list_contains({_listed(_IN_DISCUSSION)}, part)), '/')"
    )
    return (
        "CASE WHEN handler IS NOT NULL THEN '/xblock/handler/' || left(handler, 60) "
        "WHEN starts_with(path, '/xblock/') OR parts[1] = 'xblock' THEN '/xblock' "
        "WHEN starts_with(path, '/course/') THEN '/course' "
        f"WHEN rest IS NULL THEN if(list_contains({_listed(_OUTSIDE)}, split_part(path, '/', 2)), "
        "'/' || split_part(path, '/', 2), '/other') "
        "WHEN coalesce(rest, '') = '' THEN '/courses' "
        f"WHEN parts[1] = 'discussion' THEN '/courses/' || {discussion} "
        "WHEN parts[1] = 'progress' AND coalesce(parts[2], '') <> '' THEN '/courses/progress/of_one' "
        f"WHEN list_contains({_listed(_SECTIONS)}, parts[1]) THEN '/courses/' || parts[1] "
        "WHEN contains(parts[1], 'type@') THEN '/courses/courseware' "
        "WHEN regexp_full_match(parts[1], '[0-9a-f]{32}') THEN '/courses/tab' "
        "ELSE '/courses/other' END"
    )


def _object() -> str:
    return (
        "CASE WHEN handler IS NOT NULL OR contains(path, '/xblock/') "
        "THEN block_of(regexp_extract(path, '/xblock/((?:i4x://[^/]+/[^/]+/[^/]+/)?[^/]+)', 1), 'block') "
        "WHEN rest IS NULL THEN NULL "
        "WHEN rest = '' THEN 'course' "
        "WHEN parts[1] = 'discussion' THEN coalesce('thread/' || id_after(rest, 'threads'), "
        "'post/' || id_after(rest, 'comments'), 'forum' || coalesce('/' || id_after(rest, 'forum'), "
        "'/' || id_after(rest, 'discussion'), '')) "
        "WHEN parts[1] = 'courseware' THEN array_to_string(list_filter("
        r"parts[1:3], lambda part: regexp_full_match(part, '[\w.~-]{1,120}')), '/') "
        "WHEN parts[1] = 'jump_to' THEN block_of(regexp_replace(rest, '^jump_to/', ''), 'block') "
        "WHEN contains(parts[1], 'type@') THEN block_of(list_filter(parts, lambda part: contains(part, 'type@'))[-1], "
        "'block') "
        "WHEN parts[1] IN ('pdfbook', 'book', 'htmlbook') AND regexp_full_match(parts[2], '[0-9]{1,4}') "
        "THEN parts[1] || '/' || parts[2] "
        f"WHEN list_contains({_listed(_SECTIONS)}, parts[1]) THEN parts[1] "
        "WHEN regexp_full_match(parts[1], '[0-9a-f]{32}') THEN 'tab/' || parts[1] END"
    )
