"""The tables of a Coursera research export, staged and checked: what a sound row is, and of which run it is.

Leaves in the scratch database a table for each export table read, those of learners with `run`, and `calendar`. Only
`sources.coursera` uses it, and decides what becomes which record.
"""

import gzip
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import IO, Final, cast

from headway.domain.errors import SourceError
from headway.sources.calendar import make_calendar
from headway.sources.delimited import CHUNK_BYTES
from headway.sources.source import Request
from headway.sources.staging import Check, Staging, text_sql
from headway.sources.tables import Columns, File, among, files_among, filled, plain, stage_table, stem_of

STAFF: Final = ("MENTOR", "TEACHING_STAFF", "INSTRUCTOR", "UNIVERSITY_ADMIN", "COURSE_ASSISTANT")
ROLES: Final = ("LEARNER", "NOT_ENROLLED", "PRE_ENROLLED_LEARNER", "BROWSER", *STAFF)
_FORUM_TEXT: Final = ("discussion_question_title", "discussion_question_details", "discussion_answer_content")
_CLICKS: Final = re.compile(r"(video|access|clickstream)([-_.].*)?")
_CLICK_HEADER: Final = (
    *("hashed_user_id", "hashed_session_cookie_id", "server_timestamp", "hashed_ip", "user_agent", "url"),
    *("initial_referrer_url", "browser_language", "course_id", "country_cd", "region_cd", "timezone", "os", "browser"),
    *("key", "value"),
)


_EMPTY_WORDS: Final = ("NA", "NULL", "\\N")


def _of_learners(*names: str, optional: Sequence[str] = ()) -> Columns:
    """The columns of a table about people; their id is called after the partner, at times with a part of the site."""
    listed = plain(*names, optional=optional, hashed=("who",), private=True)
    wanted = {"who": r"\w*user_id", **listed.wanted}
    return replace(listed, wanted=wanted, required=("who", *listed.required), empty=_EMPTY_WORDS)


_COLUMNS: Final[Mapping[str, Columns]] = MappingProxyType(
    {
        "courses": plain("course_id", "course_name"),
        "course_branches": plain("course_id", "course_branch_id"),
        "course_item_types": plain("course_item_type_id", "course_item_type_desc"),
        "course_items": plain("course_id", "course_item_id", "course_item_type_id", "course_item_name"),
        "course_branch_items": plain(
            "course_branch_id", "course_item_id", "course_item_type_id", "course_branch_item_name"
        ),
        "on_demand_sessions": plain(
            *("course_id", "on_demand_session_id", "on_demand_sessions_start_ts", "on_demand_sessions_end_ts"),
            "course_branch_id",
            optional=("course_branch_id",),
        ),
        "on_demand_session_memberships": _of_learners(
            *("course_id", "on_demand_session_id"),
            *("on_demand_sessions_membership_start_ts", "on_demand_sessions_membership_end_ts"),
        ),
        "course_memberships": _of_learners("course_id", "course_membership_role", "course_membership_ts"),
        "course_progress": _of_learners(
            "course_id", "course_item_id", "course_progress_state_type_id", "course_progress_ts"
        ),
        "course_grades": _of_learners(
            "course_id", "course_grade_ts", "course_passing_state_id", "course_grade_overall"
        ),
        "course_item_grades": _of_learners(
            "course_id", "course_item_id", "course_item_grade_ts", "course_item_grade_overall"
        ),
        "discussion_questions": _of_learners(
            *("discussion_question_id", "course_id", "discussion_forum_id", "discussion_question_created_ts"),
            *_FORUM_TEXT[:2],
            optional=("discussion_forum_id", *_FORUM_TEXT),
        ),
        "discussion_answers": _of_learners(
            *("discussion_answer_id", "course_id", "discussion_question_id"),
            *("discussion_answer_parent_discussion_answer_id", "discussion_answer_created_ts", _FORUM_TEXT[2]),
            optional=("discussion_answer_parent_discussion_answer_id", *_FORUM_TEXT),
        ),
        "discussion_question_votes": _of_learners(
            "course_id", "discussion_question_id", "discussion_question_vote_value", "discussion_question_vote_ts"
        ),
        "discussion_answer_votes": _of_learners(
            "course_id", "discussion_answer_id", "discussion_answer_vote_value", "discussion_answer_vote_ts"
        ),
        "discussion_question_followings": _of_learners(
            "course_id", "discussion_question_id", "discussion_question_following_ts"
        ),
        "clicks": replace(
            _of_learners("server_timestamp", "url", "course_id", "key", "value", optional=("url", "value")),
            header=_CLICK_HEADER,
        ),
    }
)
KIND_OF_TABLE: Final = MappingProxyType(
    {
        "courses": "course_runs",
        "course_branches": "course_runs",
        "on_demand_sessions": "course_runs",
        "course_item_types": "activities",
        "course_items": "activities",
        "course_branch_items": "activities",
        "on_demand_session_memberships": "enrolments",
        "course_memberships": "enrolments",
        "course_grades": "outcomes",
        "course_item_grades": "results",
        "course_progress": "statements",
        "discussion_questions": "statements",
        "discussion_answers": "statements",
        "discussion_question_votes": "statements",
        "discussion_answer_votes": "statements",
        "discussion_question_followings": "statements",
        "clicks": "statements",
    }
)
PLACED: Final = tuple(
    table for table, columns in _COLUMNS.items() if "who" in columns.wanted and table != "on_demand_session_memberships"
)
"""The tables that tell of a learner in a course, but not in which of its sessions."""

_MARKUP: Final = r"<[^>]{0,500}>"

_PAGE: Final = "/learn/[^/?]+/([A-Za-z]+)/([A-Za-z0-9]{5})(?:[/?]|$)"
_WHAT: Final = "a Coursera research export, such as course_memberships.csv"
_MACROS: Final = (
    f"CREATE MACRO clean(x) AS if(trim(x) IN ('', {', '.join(map(text_sql, _EMPTY_WORDS))}), NULL, trim(x))",
    "CREATE MACRO amount(x) AS if(isfinite(try_cast(clean(x) AS DOUBLE)), try_cast(clean(x) AS DOUBLE), NULL)",
    "CREATE MACRO credible(x) AS if(year(x) BETWEEN 1990 AND 2199, x, NULL)",
    "CREATE MACRO clock(x) AS timezone('UTC', credible(try_cast(clean(x) AS TIMESTAMP)))",
    "CREATE MACRO upper_word(x) AS upper(replace(clean(x), ' ', '_'))",
)
_ID: Final = "[A-Za-z0-9_~.:!-]{1,100}"


def stage(staging: Staging, request: Request, *, texts: bool) -> None:
    """Stage and check all tables found among the paths of the request.

    Args:
        staging: where to.
        request: what to read.
        texts: whether the words of forum posts are staged too.

    Raises:
        SourceError: a file is damaged or lacks a column, or there is none.
    """
    for macro in _MACROS:
        staging.run(macro)
    files: dict[str, list[File]] = {table: [] for table in _COLUMNS}
    for path, name in files_among(request.paths, staging.folder, lambda n: _table_of(n) is not None, _WHAT):
        files[_table_of(name) or ""].append((_unescaped(path, name, staging.folder), name))
    for table, columns in _COLUMNS.items():
        if not texts:
            wanted = {name: pattern for name, pattern in columns.wanted.items() if name not in _FORUM_TEXT}
            columns = replace(columns, wanted=wanted)
        stage_table(staging, f"raw_{table}", KIND_OF_TABLE[table], files[table], columns, key=request.pseudonym_key)
    _mask(staging, texts=texts)
    given = frozenset(table for table, found in files.items() if found)
    _Checking(staging, request, given, texts=texts).all()


def _mask(staging: Staging, *, texts: bool) -> None:
    """Take away what may name a person before a row can be refused with its text."""
    staging.run(f"UPDATE raw_clicks SET url = regexp_extract(url, '{_PAGE}') WHERE url IS NOT NULL")
    for name in _FORUM_TEXT if texts else ():
        table = "raw_discussion_answers" if name.startswith("discussion_answer") else "raw_discussion_questions"
        staging.run(f"UPDATE {table} SET {name} = regexp_replace({name}, {text_sql(_MARKUP)}, ' ', 'g')")
        staging.mask(table, name)


def _table_of(name: str) -> str | None:
    stem = stem_of(name)
    return stem if stem in _COLUMNS and stem != "clicks" else "clicks" if _CLICKS.fullmatch(stem) else None


def _unescaped(path: Path, name: str, folder: Path) -> Path:
    """The file with quotes doubled where the export escapes them by a backslash; the file itself where it has none."""
    try:
        with _opened(path) as stream:
            if not any(b"\\" in chunk for chunk in _chunks(stream)):
                return path
        copy = folder / f"plain-{len(list(folder.glob('plain-*')))}"
        with _opened(path) as stream, copy.open("wb") as out:
            for chunk in _chunks(stream):
                out.write(_ESCAPE.sub(_as_csv, chunk))
    except (EOFError, zlib.error, gzip.BadGzipFile) as wrong:
        raise SourceError(f"{name} is damaged or cut short ({wrong}). Download it again; nothing was read.") from wrong
    return copy


_ESCAPE: Final = re.compile(rb'\\(["\\])')


def _as_csv(escape: re.Match[bytes]) -> bytes:
    return b'""' if escape[1] == b'"' else b"\\"


def _opened(path: Path) -> IO[bytes]:
    return cast(IO[bytes], gzip.open(path, "rb")) if path.suffix == ".gz" else path.open("rb")


def _chunks(stream: IO[bytes]) -> Iterator[bytes]:
    """The bytes of the stream, cut so that no escape is torn apart."""
    rest = b""
    while chunk := stream.read(CHUNK_BYTES):
        chunk = rest + chunk
        odd = (len(chunk) - len(chunk.rstrip(b"\\"))) % 2
        rest = chunk[-1:] if odd else b""
        yield chunk[:-1] if odd else chunk
    yield rest


def _moment(column: str) -> list[Check]:
    detail = f"concat('{column} is ', left(t.{column}, 60), ', not a time such as 2016-05-01 12:00:00.')"
    return [*filled(column), Check(f"clock(t.{column}) IS NULL", "bad_date", detail)]


def _score(column: str) -> Check:
    detail = f"concat('{column} is ', left(t.{column}, 60), ', not a number from 0 to 1.')"
    wrong = f"coalesce(amount(t.{column}) NOT BETWEEN 0 AND 1, true)"
    return Check(f"clean(t.{column}) IS NOT NULL AND {wrong}", "bad_number", detail)


def _id(column: str) -> list[Check]:
    detail = f"concat('{column} is ', left(t.{column}, 60), ', not letters and digits.')"
    return [
        *filled(column),
        Check(f"NOT regexp_full_match(clean(t.{column}), '{_ID}')", "bad_id", detail),
    ]


_STAFFED: Final = Check(
    "EXISTS (SELECT 1 FROM staff x WHERE x.learner = t.who AND x.course = clean(t.course_id))",
    "not_a_learner",
    "'This is one of the staff.'",
)


class _Checking:
    """The checks of all tables, in the order in which one needs the other."""

    def __init__(self, staging: Staging, request: Request, given: frozenset[str], *, texts: bool) -> None:
        self.staging = staging
        self.request = request
        self.given = given
        self.texts = texts

    def all(self) -> None:
        """Check every table, and place what learners did in its run."""
        self._courses()
        self._sessions()
        self._memberships()
        self._learning()
        self._forum()
        self._clicks()
        self._place()
        self._calendar()
        self._items()

    def _check(
        self, table: str, typed: Mapping[str, str], checks: Sequence[Check], joins: str = "", key: str | None = None
    ) -> None:
        self.staging.check(table, KIND_OF_TABLE[table], f"raw_{table}", typed, checks, joins, (key,) if key else ())

    def _known(self, table: str, column: str, reason: str, of: str = "id") -> list[Check]:
        """The check that a reference is not dangling, where the table that it points to was given."""
        if table not in self.given:
            return []
        detail = f"concat('{table}.csv has no {column} ', left(t.{column}, 60), '.')"
        return [Check(f"clean(t.{column}) NOT IN (SELECT {of} FROM {table})", reason, detail)]

    def _course(self) -> list[Check]:
        return [*_id("course_id"), *self._known("courses", "course_id", "unknown_course")]

    def _someone(self) -> list[Check]:
        anonymous = Check("t.who IS NULL", "no_learner", "'The row tells of nobody: its user id is empty.'")
        unknown = Check(
            "t.who NOT IN (SELECT learner FROM members)",
            "unknown_user",
            "'course_memberships.csv has no such user: ids of some parts may be hashed apart from the others.'",
        )
        return [anonymous, *self._course(), *([unknown] if "course_memberships" in self.given else [])]

    def _courses(self) -> None:
        self._check(
            "courses", {"id": "clean(t.course_id)", "title": "clean(t.course_name)"}, _id("course_id"), key="id"
        )
        branches = {"id": "clean(t.course_branch_id)", "course": "clean(t.course_id)"}
        self._check("course_branches", branches, [*self._course(), *_id("course_branch_id")], key="id")

    def _sessions(self) -> None:
        typed = {
            "id": "clean(t.on_demand_session_id)",
            "course": "clean(t.course_id)",
            "starts_at": "clock(t.on_demand_sessions_start_ts)",
            "ends_at": "clock(t.on_demand_sessions_end_ts)",
            "branch": "clean(t.course_branch_id)",
        }
        order = Check(
            "clock(t.on_demand_sessions_end_ts) < clock(t.on_demand_sessions_start_ts)",
            "bad_date",
            "'The session ends before it starts.'",
        )
        times = [*_moment("on_demand_sessions_start_ts"), *_moment("on_demand_sessions_end_ts"), order]
        self._check("on_demand_sessions", typed, [*self._course(), *_id("on_demand_session_id"), *times], key="id")

    def _memberships(self) -> None:
        typed = {
            "learner": "t.who",
            "course": "clean(t.course_id)",
            "role": "upper_word(t.course_membership_role)",
            "moment": "clock(t.course_membership_ts)",
        }
        # Rows that are no enrolment still say who is known, and who teaches.
        self.staging.run(
            "CREATE TABLE members AS SELECT DISTINCT t.who AS learner, clean(t.course_id) AS course, "
            "upper_word(t.course_membership_role) AS role FROM raw_course_memberships t WHERE t.who IS NOT NULL"
        )
        self.staging.run(f"CREATE TABLE staff AS SELECT DISTINCT learner, course FROM members WHERE role IN {STAFF}")
        role = "upper_word(t.course_membership_role)"
        told = "concat('The role is ', t.course_membership_role, '.')"
        checks = [
            *self._someone()[:1],
            *self._course(),
            *filled("course_membership_role"),
            Check(f"{role} NOT IN {ROLES}", "unknown_value", "'The role is none that Coursera documents.'"),
            Check(f"{role} IN {STAFF}", "not_a_learner", told),
            Check(f"{role} IN ('BROWSER', 'PRE_ENROLLED_LEARNER')", "not_enrolled", told),
        ]
        self._check("course_memberships", typed, [*checks, *_moment("course_membership_ts")])
        self._session_memberships()

    def _session_memberships(self) -> None:
        end = "on_demand_sessions_membership_end_ts"
        session = "clean(t.on_demand_session_id)"
        nowhere = f"concat('on_demand_sessions.csv has no sound session ', {session}, ' of this course.')"
        missing = Check("s.id IS NULL", "unknown_session", nowhere)
        told = f"concat('{end} is ', left(t.{end}, 60), ', not a time such as 2016-05-01 12:00:00.')"
        ended = Check(f"clean(t.{end}) IS NOT NULL AND clock(t.{end}) IS NULL", "bad_date", told)
        self._check(
            "on_demand_session_memberships",
            {
                "learner": "t.who",
                "course": "clean(t.course_id)",
                "session": session,
                "moment": "clock(t.on_demand_sessions_membership_start_ts)",
                "left_at": f"if(clock(t.{end}) < s.ends_at, clock(t.{end}), NULL)",
            },
            [
                *self._someone(),
                *_id("on_demand_session_id"),
                missing,
                *_moment("on_demand_sessions_membership_start_ts"),
                ended,
                Check(
                    f"clock(t.{end}) < clock(t.on_demand_sessions_membership_start_ts)",
                    "bad_date",
                    "'The membership ends before it starts.'",
                ),
                _STAFFED,
            ],
            f"LEFT JOIN on_demand_sessions s ON s.id = {session} AND s.course = clean(t.course_id) AND s.nth = 1",
        )

    def _event(self, moment: str, **typed: str) -> dict[str, str]:
        return {"learner": "t.who", "course": "clean(t.course_id)", "moment": f"clock(t.{moment})", **typed}

    def _learning(self) -> None:
        self._check(
            "course_progress",
            self._event(
                "course_progress_ts", item="clean(t.course_item_id)", state="amount(t.course_progress_state_type_id)"
            ),
            [
                *self._someone(),
                *_id("course_item_id"),
                *filled("course_progress_state_type_id"),
                among("course_progress_state_type_id", ("1", "2")),
                *_moment("course_progress_ts"),
            ],
        )
        self._check(
            "course_item_grades",
            self._event(
                "course_item_grade_ts", item="clean(t.course_item_id)", score="amount(t.course_item_grade_overall)"
            ),
            [
                *self._someone(),
                *_id("course_item_id"),
                *_moment("course_item_grade_ts"),
                *filled("course_item_grade_overall"),
                _score("course_item_grade_overall"),
                _STAFFED,
            ],
        )
        self._check(
            "course_grades",
            self._event(
                "course_grade_ts", state="amount(t.course_passing_state_id)", score="amount(t.course_grade_overall)"
            ),
            [
                *self._someone(),
                *_moment("course_grade_ts"),
                *filled("course_passing_state_id", "course_grade_overall"),
                among("course_passing_state_id", ("0", "1", "2", "3")),
                _score("course_grade_overall"),
                _STAFFED,
            ],
        )

    def _forum(self) -> None:
        question, answer = "discussion_question", "discussion_answer"
        title, details, content = (f"t.{name}" if self.texts else "NULL" for name in _FORUM_TEXT)
        both = f"concat_ws(chr(10), clean({title}), clean({details}))"
        parent = f"t.{answer}_parent_discussion_answer_id"
        for table, moment, thing, typed in (
            (
                f"{question}s",
                f"{question}_created_ts",
                f"{question}_id",
                {"parent": "clean(t.discussion_forum_id)", "body": f"clean({both})"},
            ),
            (
                f"{answer}s",
                f"{answer}_created_ts",
                f"{answer}_id",
                {"parent": f"coalesce(clean({parent}), clean(t.{question}_id))", "body": f"clean({content})"},
            ),
            (
                f"{question}_votes",
                f"{question}_vote_ts",
                f"{question}_id",
                {"value": f"clean(t.{question}_vote_value)"},
            ),
            (f"{answer}_votes", f"{answer}_vote_ts", f"{answer}_id", {"value": f"clean(t.{answer}_vote_value)"}),
            (f"{question}_followings", f"{question}_following_ts", f"{question}_id", {}),
        ):
            more = filled(f"{question}_id") if table == f"{answer}s" else []
            typed = self._event(moment, thing=f"clean(t.{thing})", **typed)
            self._check(table, typed, [*self._someone(), *_id(thing), *more, *_moment(moment)])

    def _clicks(self) -> None:
        value = "if(json_valid(t.value), t.value, NULL)"
        place = f"t.url, '{_PAGE}'"
        self._check(
            "clicks",
            self._event(
                "server_timestamp",
                event="clean(t.key)",
                item=(
                    f"coalesce(nullif(json_extract_string({value}, '$.item_id'), ''), "
                    f"nullif(regexp_extract({place}, 2), ''))"
                ),
                place=f"nullif(regexp_extract({place}, 1), '')",
                position=f"try_cast(json_extract_string({value}, '$.timecode') AS DOUBLE)",
            ),
            [
                *self._someone(),
                *_moment("server_timestamp"),
                *filled("key"),
                Check(
                    "NOT regexp_full_match(clean(t.key), '[A-Za-z0-9_.]{1,60}')",
                    "unknown_value",
                    "'key is not a word such as heartbeat.'",
                ),
            ],
        )

    def _place(self) -> None:
        """Give every table of learners its runs: the last session entered before, else the first one, else none."""
        self.staging.run(
            "CREATE TABLE entered AS SELECT DISTINCT ON (course, learner, moment) course, learner, moment, session "
            "FROM on_demand_session_memberships ORDER BY course, learner, moment, session"
        )
        self.staging.run(
            "CREATE TABLE entered_first AS SELECT DISTINCT ON (course, learner) course, learner, session "
            "FROM entered ORDER BY course, learner, moment, session"
        )
        for table in PLACED:
            self.staging.run(
                f"CREATE TABLE placed_{table} AS SELECT e.*, 'coursera/' || e.course || '/' || "
                "coalesce(a.session, f.session, 'on-demand') AS run, "
                "if(x.learner IS NULL, NULL, 'instructor') AS acts_as "
                f"FROM {table} e ASOF LEFT JOIN entered a ON a.course = e.course AND a.learner = e.learner "
                "AND e.moment >= a.moment LEFT JOIN entered_first f ON f.course = e.course AND f.learner = e.learner "
                "LEFT JOIN staff x ON x.course = e.course AND x.learner = e.learner"
            )
            self.staging.run(f"DROP TABLE {table}")

    def _calendar(self) -> None:
        # Who only looked in or teaches has no run of their own, but their acts still happened on its days.
        events = " UNION ALL ".join(f"SELECT run, moment AS at FROM placed_{table}" for table in PLACED)
        zone = self.request.options.get("zone", "UTC").replace("'", "''")
        own = (
            "(SELECT 'coursera/' || s.course || '/' || s.id AS run, c.title, "
            f"local_day(s.starts_at, '{zone}') AS starts_on, local_day(s.ends_at, '{zone}') AS ends_on, "
            "s.starts_at AS known_at FROM on_demand_sessions s LEFT JOIN courses c ON c.id = s.course AND c.nth = 1 "
            "UNION ALL SELECT 'coursera/' || id || '/on-demand', title, NULL, NULL, NULL FROM courses)"
        )
        make_calendar(self.staging, f"({events})", self.request, titles=own)
        self.staging.run(
            "CREATE TABLE runs AS SELECT c.*, coalesce(s.branch, c.course) AS branch FROM calendar c "
            "LEFT JOIN on_demand_sessions s ON s.nth = 1 AND c.run = 'coursera/' || s.course || '/' || s.id"
        )

    def _items(self) -> None:
        kinds = {"id": "clean(t.course_item_type_id)", "name": "lower(clean(t.course_item_type_desc))"}
        wanted = filled("course_item_type_id", "course_item_type_desc")
        self._check("course_item_types", kinds, wanted, key="id")
        typed = {"item": "clean(t.course_item_id)", "type": "k.name"}
        joins = "LEFT JOIN course_item_types k ON k.id = clean(t.course_item_type_id) AND k.nth = 1"
        of_type = [
            *_id("course_item_id"),
            *self._known("course_item_types", "course_item_type_id", "unknown_item_type"),
        ]
        nowhere = "concat('Nobody took part in course ', t.course_id, ', and it has no session.')"
        self._check(
            "course_items",
            {**typed, "course": "clean(t.course_id)", "title": "clean(t.course_item_name)"},
            [
                *self._course(),
                *of_type,
                Check("clean(t.course_id) NOT IN (SELECT course FROM runs)", "no_run", nowhere),
            ],
            joins,
        )
        unused = "concat('No session shows the branch ', t.course_branch_id, '.')"
        self._check(
            "course_branch_items",
            {**typed, "branch": "clean(t.course_branch_id)", "title": "clean(t.course_branch_item_name)"},
            [
                *_id("course_branch_id"),
                *self._known("course_branches", "course_branch_id", "unknown_branch"),
                *of_type,
                Check("clean(t.course_branch_id) NOT IN (SELECT branch FROM runs)", "no_run", unused),
            ],
            joins,
        )
