"""xAPI statements, staged and checked one by one: who, what, of which course run, when, with which result.

Promises that each statement ends up in the table `statements` or is refused once with its reason, and that no
identifier of a person is in either. Leaves the tables `statements` and `places` in the scratch database. The rules are
those of the xAPI specification 1.0.3 (part 2, statement data), the xAPI video profile 1.0 and cmi5. Only `sources.xapi`
uses this module, and decides what becomes a record.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final

from headway.domain.errors import InputError
from headway.domain.vocabulary import ASSESSMENT_TYPES
from headway.governance.pseudonyms import hmac_sql
from headway.sources.json_lines import load_json
from headway.sources.staging import Check, Staging, text_sql
from headway.sources.xapi_places import CONTEXTS, place_statements
from headway.sources.xapi_sql import IRI_MACROS, RUN_MACROS, SEGMENT_MACROS
from headway.sources.xapi_words import ENROLLING, GRADING, VERB_OF_WORD, VOIDED

LONGEST_SKEW: Final = "INTERVAL 1 DAY"
"""How far a statement's timestamp may be past the time at which the LRS stored it: clocks differ, years do not."""

_VIDEO: Final = "https://w3id.org/xapi/video/extensions/"
_ATTEMPT: Final = "http://id.tincanapi.com/extension/attempt-id"
_CMI5_PROGRESS: Final = "https://w3id.org/xapi/cmi5/result/extensions/progress"

_ACTOR: Final = MappingProxyType(
    {
        "actor_type": "$.actor.objectType",
        "account": "$.actor.account",
        "home": "$.actor.account.homePage",
        "account_name": "$.actor.account.name",
        "mbox": "$.actor.mbox",
        "mbox_sha1sum": "$.actor.mbox_sha1sum",
        "openid": "$.actor.openid",
    }
)
_KEPT: Final = MappingProxyType(
    {
        "id": "$.id",
        "verb": "$.verb.id",
        "timestamp": "$.timestamp",
        "stored": "$.stored",
        "version": "$.version",
        "success": "$.result.success",
        "scaled": "$.result.score.scaled",
        "raw_score": "$.result.score.raw",
        "min_score": "$.result.score.min",
        "max_score": "$.result.score.max",
        "duration": "$.result.duration",
        "time": f'$.result.extensions."{_VIDEO}time"|$.result.extensions."{_VIDEO}time-to"',
        "time_from": f'$.result.extensions."{_VIDEO}time-from"',
        "segments": f'$.result.extensions."{_VIDEO}played-segments"',
        "progress": f'$.result.extensions."{_VIDEO}progress"',
        "percent": f'$.result.extensions."{_CMI5_PROGRESS}"',
        "length": f'$.context.extensions."{_VIDEO}length"|$.result.extensions."{_VIDEO}length"',
        "attempt": f'$.object.definition.extensions."{_ATTEMPT}"',
    }
)
_PLACE: Final = MappingProxyType(
    {
        "object_kind": "$.object.objectType",
        "object": "$.object.id",
        "type": "$.object.definition.type",
        "title": "$.object.definition.name",
        **{name: f"$.context.contextActivities.{name}" for name in CONTEXTS},
        "category": "$.context.contextActivities.category",
        "registration": "$.context.registration",
    }
)


def stage_statements(
    staging: Staging, files: Sequence[tuple[Path, str]], key: bytes, options: Mapping[str, str]
) -> None:
    """Stage and check the statements of the files, by the source's options.

    Raises:
        InputError: an option has no usable value.
        SourceError: a file cannot be read at all.
        ConfigError: the key is empty.
    """
    for macro in (*IRI_MACROS, *RUN_MACROS, *SEGMENT_MACROS):
        staging.run(macro)
    _load_words(staging)
    course_from = [place.strip() for place in options.get("course_from", "").split(",") if place.strip()]
    extensions = {f"extension_{n}": place for n, place in enumerate(course_from) if ":" in place}
    fields = {**_ACTOR, **_KEPT, **_PLACE, **{name: _extension(iri) for name, iri in extensions.items()}}
    load_json(staging, "arrived", "statements", files, fields, lists=("statements",))
    place_statements(staging, options.get("run"), course_from, extensions)
    _without_persons(staging, key)
    _note_voided(staging)
    staging.check(
        "statements",
        "statements",
        "raw_statements",
        _typed(options.get("known", "stored")),
        _CHECKS,
        "JOIN places p ON p.place = t.place::BIGINT LEFT JOIN verbs v ON v.iri = t.verb "
        "LEFT JOIN voided ON voided.id = "
        "lower(t.id) LEFT JOIN delivered ON delivered.id = lower(t.object)",
    )
    _count_unnamed(staging)


def _extension(iri: str) -> str:
    if any(sign in iri for sign in '"|>\\'):
        raise InputError(f"course_from names {iri!r}, which is no IRI of an extension. Write it without quotes.")
    return f'$.context.extensions."{iri}".id|$.context.extensions."{iri}"'


def _load_words(staging: Staging) -> None:
    staging.run("CREATE TABLE verb_words (word VARCHAR, verb VARCHAR, status VARCHAR, grading BOOLEAN)")
    status = {word: status for status, words in ENROLLING.items() for word in words}
    words = sorted({*VERB_OF_WORD, *status, *GRADING})
    rows = ", ".join(
        f"({text_sql(word)}, {_or_null(VERB_OF_WORD.get(word))}, {_or_null(status.get(word))}, {word in GRADING})"
        for word in words
    )
    staging.run(f"INSERT INTO verb_words VALUES {rows}")


def _or_null(text: str | None) -> str:
    return "NULL" if text is None else text_sql(text)


def _without_persons(staging: Staging, key: bytes) -> None:
    """Replace the actors by their pseudonyms; the table that held them is dropped."""
    # A mailbox and its SHA-1 sum are the same person, so the sum stands for both.
    native = (
        "CASE WHEN t.account IS NOT NULL THEN concat_ws(chr(31), 'account', t.home, t.account_name) "
        "WHEN t.mbox IS NOT NULL THEN concat_ws(chr(31), 'mbox', sha1(t.mbox)) "
        "WHEN t.mbox_sha1sum IS NOT NULL THEN concat_ws(chr(31), 'mbox', lower(t.mbox_sha1sum)) "
        "ELSE concat_ws(chr(31), 'openid', t.openid) END"
    )
    given = " + ".join(f"(t.{name} IS NOT NULL)::INT" for name in ("account", "mbox", "mbox_sha1sum", "openid"))
    sound = (
        "CASE WHEN t.account IS NOT NULL THEN t.home IS NOT NULL AND t.account_name IS NOT NULL "
        "WHEN t.mbox IS NOT NULL THEN regexp_full_match(t.mbox, '(?i)mailto:[^@\\s]+@[^@\\s]+') "
        "WHEN t.mbox_sha1sum IS NOT NULL THEN regexp_full_match(t.mbox_sha1sum, '[0-9A-Fa-f]{40}') "
        "ELSE is_iri(t.openid) END"
    )
    fault = (
        "CASE WHEN t.actor_type = 'Group' THEN 'group_actor' WHEN t.actor_type != 'Agent' THEN 'bad_actor' "
        f"WHEN {given} = 0 THEN 'no_learner' WHEN {given} > 1 OR NOT {sound} THEN 'bad_actor' END"
    )
    kept = ", ".join(f"t.{name}" for name in _KEPT)
    staging.run(
        f"CREATE TABLE raw_statements AS SELECT t.file_no, t.file, t.line, {kept}, p.object, p.object_kind, "
        "t.place::VARCHAR AS place, "
        f"{fault} AS actor_fault, if({fault} IS NULL, 'xapi/' || {hmac_sql(native, key)}, NULL) AS learner "
        "FROM arrived t JOIN places p ON p.place = t.place"
    )
    staging.run("DROP TABLE arrived")
    staging.run(
        "CREATE TABLE verbs AS SELECT iri, last_word(iri) AS word, verb, status, coalesce(grading, false) AS grading "
        "FROM (SELECT DISTINCT verb AS iri FROM raw_statements WHERE verb IS NOT NULL) "
        "LEFT JOIN verb_words w ON w.word = last_word(iri)"
    )


def _note_voided(staging: Staging) -> None:
    """Keep the ids of the statements that others take back, and which of them are in this delivery."""
    staging.run(
        "CREATE TABLE voided AS SELECT DISTINCT lower(object) AS id FROM raw_statements "
        f"WHERE verb = {text_sql(VOIDED)} AND object_kind = 'StatementRef' AND object IS NOT NULL"
    )
    staging.run(
        "CREATE TABLE delivered AS SELECT DISTINCT voided.id FROM raw_statements JOIN voided "
        "ON voided.id = lower(raw_statements.id)"
    )


def _count_unnamed(staging: Staging) -> None:
    """Tell equal statements without an id apart by counting them within their file."""
    staging.run(
        "UPDATE statements SET native = concat_ws(chr(31), statements.native, counted.nth) FROM (SELECT rowid AS place,"
        " row_number() OVER (PARTITION BY file_no, native ORDER BY line) AS nth FROM statements WHERE unnamed) counted "
        "WHERE statements.rowid = counted.place"
    )


_AT: Final = "instant(coalesce(t.timestamp, t.stored))"
_SCALED: Final = "try_cast(t.scaled AS DOUBLE)"
_RAW: Final = "try_cast(t.raw_score AS DOUBLE)"
_LOW: Final = "coalesce(try_cast(t.min_score AS DOUBLE), 0)"
_HIGH: Final = "try_cast(t.max_score AS DOUBLE)"
_SCORE: Final = (
    f"CASE WHEN t.scaled IS NOT NULL THEN greatest({_SCALED}, 0) "
    f"WHEN {_HIGH} > {_LOW} THEN ({_RAW} - {_LOW}) / ({_HIGH} - {_LOW}) END"
)
_VERB: Final = f"""CASE
    WHEN p.object_type = 'video' AND v.word = 'resumed' THEN 'played'
    WHEN p.object_type = 'video' AND v.verb = 'started' THEN 'viewed'
    WHEN p.object_type = 'video' AND v.word IN ('terminated', 'exited', 'suspended', 'stopped') THEN 'paused'
    WHEN p.object_type = 'video' AND v.word = 'skipped' THEN 'seeked'
    WHEN p.object_type = 'question' AND v.word = 'attempted' AND {_SCORE} IS NOT NULL THEN 'interacted'
    WHEN p.object_type = 'thread' AND v.verb IN ('created', 'started') THEN 'posted'
    WHEN p.object_type IN ('forum', 'thread', 'message') AND v.verb = 'asked_for_help' THEN 'posted'
    WHEN v.verb = 'posted' AND (p.object_type = 'message' OR contains(p.object, '/comments/')) THEN 'replied'
    WHEN v.verb = 'replied' AND coalesce(p.object_type, '') NOT IN ('forum', 'thread', 'message') THEN 'created'
    WHEN p.is_course AND v.word = 'passed' THEN 'completed'
    WHEN p.is_course AND v.word = 'failed' THEN 'interacted'
    WHEN v.status IS NOT NULL THEN if(v.status = 'enrolled', 'joined', 'left')
    ELSE coalesce(v.verb, 'interacted') END"""
_HANDED_IN: Final = (
    f"v.word IN ('passed', 'failed', 'partially-passed') OR p.object_type IN {('quiz', *ASSESSMENT_TYPES)}"
)
_ACT: Final = (
    "CASE WHEN v.status IS NOT NULL AND p.is_course THEN 'enrolment' "
    f"WHEN v.grading AND {_SCORE} IS NOT NULL AND p.object IS NOT NULL AND NOT p.is_course THEN 'grade' "
    "ELSE 'statement' END"
)


def _seconds(text: str) -> str:
    """A place or length in a recording, in seconds; null where there is none such."""
    number = f"try_cast({text} AS DOUBLE)"
    return f"if({number} BETWEEN 0 AND 1000000, {number}, NULL)"


def _typed(known: str) -> dict[str, str]:
    if known not in ("stored", "timestamp"):
        raise InputError(f"known is {known!r}. Give stored or timestamp.")
    stored = "instant(t.stored)" if known == "stored" else "NULL"
    is_act, attempt = f"{_ACT} = 'statement'", "whole(try_cast(t.attempt AS DOUBLE))"
    share, percent = "try_cast(t.progress AS DOUBLE)", "try_cast(t.percent AS DOUBLE)"
    content = "t.learner, t.verb, p.object, t.timestamp, t.stored, t.time, t.duration, t.scaled, t.raw_score, t.success"
    return {
        "native": f"coalesce(lower(t.id), concat_ws(chr(31), {content}))",
        "unnamed": "t.id IS NULL",
        "run": "p.run",
        "learner": "t.learner",
        "at": _AT,
        "known_at": f"greatest({_AT}, {stored})",
        "place": "p.place",
        "verb": _VERB,
        "event": "if(regexp_full_match(v.word, '[a-z][a-z.-]{0,40}'), v.word, 'other')",
        "act": _ACT,
        "status": "v.status",
        "duration_s": "coalesce(watched_s(t.segments), iso_seconds(t.duration))",
        "score": _SCORE,
        "success": "try_cast(t.success AS BOOLEAN)",
        "progress": f"CASE WHEN {share} BETWEEN 0 AND 1 THEN {share} "
        f"WHEN {percent} BETWEEN 0 AND 100 THEN {percent} / 100 END",
        "position_s": _seconds("t.time"),
        "from_s": _seconds("t.time_from"),
        "length_s": f"round({_seconds('t.length')}, 1)",
        "attempt": f"coalesce(if({attempt} BETWEEN 1 AND 10000, {attempt}, NULL), 1)",
        "has_result": f"coalesce({_ACT} = 'grade' OR ({is_act} AND {_SCORE} IS NOT NULL AND NOT p.is_course "
        f"AND coalesce(p.object_type, '') NOT IN ('question', 'video') AND ({_HANDED_IN})), false)",
        "has_response": f"coalesce({is_act} AND p.object_type = 'question' AND v.verb = 'answered' "
        "AND t.object_kind IS DISTINCT FROM 'GroupActivity', false)",
    }


def _number(column: str, value: str) -> Check:
    unread = f"t.{column} IS NOT NULL AND NOT coalesce(isfinite({value}), false)"
    return Check(unread, "bad_number", f"concat('result.score has ', t.{column}, ', which is no number.')")


_IS_VOIDING: Final = f"(t.verb = {text_sql(VOIDED)} AND t.object_kind = 'StatementRef')"
_OF_PERSONS: Final = "t.object_kind IN ('Agent', 'Group')"
_CHECKS: Final = (
    Check(
        f"{_IS_VOIDING} AND delivered.id IS NOT NULL", "voiding", "'It takes back another statement of this delivery.'"
    ),
    Check(
        _IS_VOIDING,
        "voids_earlier",
        "concat('It takes back statement ', t.object, ', which is not in this delivery. If that was ', "
        "'imported before, its record stays.')",
    ),
    Check(
        "t.actor_fault = 'group_actor'", "group_actor", "'The actor is a group, so no learner is known to have acted.'"
    ),
    Check("t.actor_fault = 'no_learner'", "no_learner", "'The actor has no account, mbox, mbox_sha1sum or openid.'"),
    Check(
        "t.actor_fault IS NOT NULL",
        "bad_actor",
        "'The actor is no agent with exactly one sound account, mbox, mbox_sha1sum or openid.'",
    ),
    Check("t.verb IS NULL", "missing_value", "'verb.id is empty.'"),
    Check("NOT is_iri(t.verb)", "bad_verb", "'verb.id is no IRI.'"),
    Check("t.object_kind = 'SubStatement'", "sub_statement", "'It tells of a statement that nobody has made yet.'"),
    Check(
        "t.object_kind NOT IN ('Activity', 'GroupActivity', 'Agent', 'Group', 'StatementRef')",
        "bad_object",
        "'object.objectType is none of xAPI.'",
    ),
    Check(f"t.object IS NULL AND coalesce(NOT {_OF_PERSONS}, true)", "missing_value", "'object.id is empty.'"),
    Check(
        f"t.object_kind IS DISTINCT FROM 'StatementRef' AND coalesce(NOT {_OF_PERSONS}, true) AND NOT is_iri(t.object)",
        "bad_object",
        "'object.id is no IRI.'",
    ),
    Check(
        "t.id IS NOT NULL AND NOT regexp_full_match(lower(t.id), "
        "'[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}')",
        "bad_id",
        "'id is no UUID.'",
    ),
    Check(
        "NOT regexp_full_match(t.version, '(1\\.0|2\\.0)(\\.[0-9]+)?')",
        "bad_version",
        "concat('version is ', t.version, ', not 1.0 or 2.0.')",
    ),
    Check("t.timestamp IS NULL AND t.stored IS NULL", "missing_value", "'timestamp and stored are empty.'"),
    Check(
        f"{_AT} IS NULL",
        "bad_date",
        "concat('timestamp is ', coalesce(t.timestamp, t.stored), ', not a time of 1990 to 2199 with its zone.')",
    ),
    Check(
        "t.stored IS NOT NULL AND instant(t.stored) IS NULL",
        "bad_date",
        "concat('stored is ', t.stored, ', not a time of 1990 to 2199 as in ISO 8601, with its zone.')",
    ),
    Check(
        f"{_AT} > instant(t.stored) + {LONGEST_SKEW}",
        "bad_date",
        "concat('timestamp is ', t.timestamp, ', more than a day after it was stored.')",
    ),
    _number("scaled", _SCALED),
    _number("raw_score", _RAW),
    _number("min_score", "try_cast(t.min_score AS DOUBLE)"),
    _number("max_score", _HIGH),
    Check(
        f"{_SCALED} NOT BETWEEN -1 AND 1", "bad_number", "concat('score.scaled is ', t.scaled, ', not from -1 to 1.')"
    ),
    Check(
        f"t.scaled IS NULL AND {_HIGH} > {_LOW} AND {_RAW} NOT BETWEEN {_LOW} AND {_HIGH}",
        "bad_number",
        "concat('score.raw is ', t.raw_score, ', not from score.min to score.max.')",
    ),
    Check(
        "t.duration IS NOT NULL AND iso_seconds(t.duration) IS NULL",
        "bad_number",
        "concat('result.duration is ', t.duration, ', not an ISO 8601 duration.')",
    ),
    Check("voided.id IS NOT NULL", "voided", "'Another statement of this delivery takes it back.'"),
    Check(
        "p.run IS NULL",
        "no_course",
        "'It names no course. Put it into a run with the option run, or say with course_from where the course is.'",
    ),
)
