"""Caliper events and entities, staged and checked one by one: who, what, of which course run, when.

Promises that each element of an envelope ends up in the table `events` or is refused once with its reason, and that no
identifier of a person is in either. An entity may be thinned to its IRI anywhere. Leaves the table `events` in the
scratch database; only `sources.caliper` uses this module.
"""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final

from headway.governance.pseudonyms import hmac_sql
from headway.sources.caliper_checks import CHECKS
from headway.sources.caliper_words import (
    COURSES,
    EVENTS,
    GROUPS,
    RESOURCES,
    ROLES,
    STAFF,
    STATUSES,
    TYPE_OF_ENTITY,
    VERB_OF_ACTION,
)
from headway.sources.json_lines import ENVELOPE, load_json
from headway.sources.staging import Staging, text_sql
from headway.sources.xapi_sql import IRI_MACROS, RUN_MACROS

_SLOTS: Final = MappingProxyType(
    {
        "edApp": ("SoftwareApplication",),
        "group": GROUPS,
        "membership": ("Membership",),
        "session": ("Session", "LtiSession"),
        "federatedSession": ("Session", "LtiSession"),
        "referrer": (*sorted(RESOURCES), "SoftwareApplication"),
        "target": (*sorted(RESOURCES), "SoftwareApplication"),
    }
)
"""The places of an event, besides actor, object and generated, with the entity types that may stand there."""


def _either(path: str) -> str:
    """The path of an entity's IRI, whether the entity is whole or thinned."""
    return f"{path}.id|{path}"


# IRIs, of which any may name a person, and which are whole objects where an id is missing.
_IRIS: Final = MappingProxyType(
    {
        "actor": _either("$.actor"),
        "assignee": _either("$.object.assignee"),
        "member": _either("$.member"),
        **{f"in_{slot}": _either(f"$.{slot}") for slot in _SLOTS},
        "above_group": _either("$.group.subOrganizationOf"),
        "membership_of": _either("$.membership.organization"),
        "organization": _either("$.organization"),
    }
)
_OBJECTS: Final = MappingProxyType(
    {
        "object": _either("$.object"),
        "reply_to": _either("$.object.replyTo"),
        "part_of": _either("$.object.isPartOf"),
        "part_of_part": _either("$.object.isPartOf.isPartOf"),
        "assignable": _either("$.object.assignable"),
    }
)
_KEPT: Final = MappingProxyType(
    {
        "id": "$.id",
        "type": "$.type",
        "context": '$."@context"',
        "version": f"{ENVELOPE}$.dataVersion",
        "profile": "$.profile",
        "action": "$.action",
        "event_time": "$.eventTime",
        "send_time": f"{ENVELOPE}$.sendTime",
        "actor_type": "$.actor.type",
        "object_type": "$.object.type",
        "generated_type": "$.generated.type",
        **{f"in_{slot}_type": f"$.{slot}.type" for slot in _SLOTS},
        "above_group_type": "$.group.subOrganizationOf.type",
        "membership_of_type": "$.membership.organization.type",
        "organization_type": "$.organization.type",
        "member_type": "$.member.type",
        "assignable_type": "$.object.assignable.type",
        "roles": "$.membership.roles|$.roles",
        "status": "$.status",
        "created": "$.dateCreated",
        "modified": "$.dateModified",
        "title": "$.object.name",
        "assignable_title": "$.object.assignable.name",
        "course_title": "$.group.name|$.group.courseNumber",
        "own_title": "$.name|$.courseNumber",
        "length": "$.object.duration",
        "position": "$.target.currentTime",
        "duration": "$.generated.duration",
        "given": "$.generated.scoreGiven|$.generated.totalScore|$.generated.normalScore",
        "most": "$.generated.maxScore|$.generated.maxResultScore",
        "count": "$.object.count|$.generated.count",
        "handed_in": "$.object.endedAtTime",
    }
)
# Titles may hold a name where the entity is a person, so a refused row does not show them.
_TITLES: Final = ("title", "assignable_title", "course_title", "own_title")

_MACROS: Final = (
    # Thinned to an IRI or named whole, an entity is known by the IRI; a whole one without its id is known by nothing.
    "CREATE MACRO iri_in(t) AS if(left(t, 1) IN ('{', '['), NULL, t)",
    "CREATE MACRO is_anonymous(t) AS coalesce(starts_with(t, 'http://purl.imsglobal.org/caliper/'), false)",
    # A role is a word, a word with its kind (Instructor#Grader), or an IRI that ends in either.
    (
        "CREATE MACRO roles_in(t) AS list_transform(CASE WHEN left(t, 1) = '[' AND json_valid(t) "
        "THEN json_extract_string(t, '$[*]') WHEN t IS NOT NULL THEN [t] ELSE [] END, lambda role: "
        "if(contains(role, '://'), regexp_extract(role, '([^/#]+)$', 1), split_part(role, '#', 1)))"
    ),
)


def stage_events(staging: Staging, files: Sequence[tuple[Path, str]], key: bytes, run: str | None) -> None:
    """Stage and check the events and entities of the files; all of them are of the course run `run`, if one is named.

    Raises:
        SourceError: a file cannot be read at all.
        ConfigError: the key is empty.
    """
    for macro in (*IRI_MACROS, *RUN_MACROS, *_MACROS):
        staging.run(macro)
    _load_words(staging)
    load_json(staging, "arrived", "statements", files, {**_IRIS, **_OBJECTS, **_KEPT}, lists=("data",))
    _without_persons(staging, key, run)
    staging.check(
        "events",
        "statements",
        "raw_events",
        _TYPED,
        CHECKS,
        "JOIN notes n ON n.file_no = t.file_no AND n.line = t.line LEFT JOIN actions a ON a.action = t.action "
        "LEFT JOIN forms f ON f.type = t.type LEFT JOIN entities o ON o.entity = t.object_type "
        "LEFT JOIN entities e ON e.entity = t.assignable_type LEFT JOIN first_sent s ON s.id = t.id",
    )


def _load_words(staging: Staging) -> None:
    for table, word, words in (("actions", "action", VERB_OF_ACTION), ("entities", "entity", TYPE_OF_ENTITY)):
        key = "verb" if table == "actions" else "type"
        staging.run(f"CREATE TABLE {table} ({word} VARCHAR, {key} VARCHAR)")
        staging.run(f"INSERT INTO {table} VALUES {_pairs(words)}")
    staging.run("CREATE TABLE forms (type VARCHAR, actions VARCHAR[], objects VARCHAR[], generated VARCHAR[])")
    for type_, form in EVENTS.items():
        lists = ", ".join(f"{sorted(each)}::VARCHAR[]" for each in (form.actions, form.objects, form.generated))
        staging.run(f"INSERT INTO forms VALUES ({text_sql(type_)}, {lists})")


def _pairs(words: Mapping[str, str]) -> str:
    return ", ".join(f"({text_sql(word)}, {text_sql(ours)})" for word, ours in words.items())


def _among(values: Collection[str]) -> str:
    return f"({', '.join(text_sql(value) for value in values)})"


def _without_persons(staging: Staging, key: bytes, run: str | None) -> None:
    """Replace persons by pseudonyms and IRIs by such that name none; the table that held them is dropped."""
    kept = ", ".join(f"t.{name}" for name in _KEPT if name not in ("id", *_TITLES))
    plain = ", ".join(f"plain_iri(iri_in(t.{name})) AS {name}" for name in _OBJECTS)
    # Named once in a subquery, because a macro writes out its argument wherever it uses it.
    rows = (
        "(SELECT *, CASE WHEN type = 'Membership' THEN iri_in(member) WHEN action = 'Graded' THEN iri_in(assignee) "
        f"ELSE iri_in(actor) END AS who, {_course()} AS course, plain_iri(id) AS plain_id, "
        "roles_in(roles) AS has_roles FROM arrived)"
    )
    # The id of a person, or of what is named after one, must still tell one thing from another.
    hidden = f"t.id != t.plain_id OR t.type NOT IN {_among((*EVENTS, *COURSES))}"
    native = f"if({hidden}, 'urn:hidden:' || {hmac_sql('t.id', key)}, t.id)"
    named = text_sql(run) if run else "'caliper/' || course_and_run(t.course)"
    staging.run(
        f"CREATE TABLE raw_events AS SELECT t.file_no, t.file, t.line, {native} AS id, {kept}, {plain}, "
        f"{named} AS run, {_bad_slot()} AS bad_slot, "
        f"if(t.who IS NULL, NULL, 'caliper/' || {hmac_sql('t.who', key)}) AS learner FROM {rows} t"
    )
    staging.run(
        f"CREATE TABLE notes AS SELECT t.file_no, t.line, {', '.join(f't.{name}' for name in _TITLES)}, "
        "t.actor IS NOT NULL AS has_actor, is_anonymous(t.who) AS anonymous, "
        "coalesce(is_iri(iri_in(t.actor)), t.actor IS NULL) AS actor_is_sound, "
        f"list_has_any(t.has_roles, {list(STAFF)}) AND NOT list_contains(t.has_roles, 'Learner') AS is_staff, "
        f"NOT list_has_all({list(ROLES)}, t.has_roles) AS bad_role FROM {rows} t"
    )
    staging.run("DROP TABLE arrived")
    # An event that was not acknowledged is sent again in a later envelope; it was known from the first one.
    staging.run(
        "CREATE TABLE first_sent AS SELECT id, min(instant(send_time)) AS sent FROM raw_events "
        f"WHERE type IN {_among(EVENTS)} GROUP BY id HAVING count(*) > 1"
    )


def _bad_slot() -> str:
    """SQL for the place where something stands that may not, or null."""
    faults = []
    for slot, types in _SLOTS.items():
        column = f"t.in_{slot}"
        unread = f"{column} IS NOT NULL AND {column}_type IS NULL AND NOT coalesce(is_iri(iri_in({column})), false)"
        # An event of no special kind may have any target, but a person is never one.
        wrong = f"{column}_type NOT IN {_among(types)}"
        wrong = f"({wrong} AND (t.type != 'Event' OR {column}_type = 'Person'))" if slot == "target" else wrong
        faults.append(f"WHEN {unread} OR {wrong} THEN {text_sql(slot)}")
    # Since 1.2 a federated session is one of LTI.
    faults.append("WHEN contains(t.context, 'v1p2') AND t.in_federatedSession_type = 'Session' THEN 'federatedSession'")
    return f"CASE {' '.join(faults)} END"


def _course() -> str:
    """SQL for the IRI of the course: the section or offering that is the group, is above it, or has the membership."""

    def named(column: str) -> str:
        is_course = f"coalesce({column}_type IN {_among(COURSES)}, true) AND NOT is_anonymous({column})"
        return f"if({is_course}, iri_in({column}), NULL)"

    return (
        f"CASE WHEN type IN {_among(COURSES)} THEN if(is_anonymous(id), NULL, id) "
        f"WHEN type = 'Membership' THEN {named('organization')} "
        f"ELSE coalesce({named('in_group')}, {named('above_group')}, {named('membership_of')}) END"
    )


_IS_MEDIA: Final = "(t.type = 'MediaEvent' OR o.type = 'video')"
_VERB: Final = f"""CASE
    WHEN {_IS_MEDIA} AND t.action IN ('Started', 'Resumed', 'Restarted') THEN 'played'
    WHEN {_IS_MEDIA} AND t.action = 'Paused' THEN 'paused'
    WHEN t.action = 'Posted' AND t.reply_to IS NOT NULL THEN 'replied'
    WHEN t.action = 'Completed' AND t.type IN ('AssessmentItemEvent', 'QuestionnaireItemEvent') THEN 'answered'
    WHEN t.action = 'Submitted' AND t.type = 'QuestionnaireEvent' THEN 'completed'
    ELSE coalesce(a.verb, 'interacted') END"""
_OPENS_THREAD: Final = (
    "(t.action = 'Posted' AND t.reply_to IS NULL AND t.object_type = 'Message' AND t.part_of IS NOT NULL)"
)
_STATUS: Final = f"CASE t.status {' '.join(f'WHEN {text_sql(a)} THEN {text_sql(b)}' for a, b in STATUSES.items())} END"
_JOINED: Final = "coalesce(instant(t.created), instant(t.send_time))"
_LEFT: Final = "coalesce(instant(t.modified), instant(t.send_time), instant(t.created))"
_AT: Final = (
    f"CASE WHEN t.type = 'Membership' AND {_STATUS} = 'withdrawn' THEN {_LEFT} "
    f"WHEN f.type IS NULL THEN {_JOINED} ELSE instant(t.event_time) END"
)
_ITEM: Final = "t.assignable_type = 'AssessmentItem'"
_COUNT: Final = "whole(try_cast(t.count AS DOUBLE))"
_POSITION: Final = "coalesce(try_cast(t.position AS DOUBLE), iso_seconds(t.position))"
_OF_PERSONS: Final = "coalesce(o.type = 'other' OR t.object_type = 'Person', false)"

_TYPED: Final = MappingProxyType(
    {
        "act": "CASE WHEN t.type = 'Membership' THEN 'enrolment' WHEN f.type IS NULL THEN 'course' "
        f"WHEN t.action != 'Graded' THEN 'statement' WHEN {_ITEM} THEN 'response' ELSE 'result' END",
        "native": f"concat_ws(chr(31), t.id, if(t.type = 'Membership', concat_ws(chr(31), t.learner, {_STATUS}, "
        f"epoch_us({_AT})), NULL))",
        "run": "t.run",
        "learner": "t.learner",
        "at": _AT,
        "known_at": f"greatest({_AT}, instant(t.send_time))",
        "role": "if(n.is_staff, 'instructor', NULL)",
        "status": f"coalesce({_STATUS}, 'enrolled')",
        "verb": _VERB,
        "event": "if(f.type IS NULL, NULL, t.action)",
        "object": f"CASE WHEN t.action = 'Graded' THEN t.assignable WHEN {_OPENS_THREAD} THEN t.part_of "
        f"WHEN {_OF_PERSONS} THEN NULL ELSE t.object END",
        "object_type": f"CASE WHEN t.action = 'Graded' THEN e.type WHEN {_OPENS_THREAD} THEN 'thread' ELSE o.type END",
        "parent": f"CASE WHEN {_OPENS_THREAD} THEN t.part_of_part ELSE coalesce(t.reply_to, t.part_of) END",
        "title": f"left(CASE WHEN t.action = 'Graded' THEN n.assignable_title WHEN {_OPENS_THREAD} OR {_OF_PERSONS} "
        "THEN NULL ELSE n.title END, 200)",
        "course_title": f"left(if(t.type IN {_among(COURSES)}, n.own_title, n.course_title), 200)",
        "duration_s": "iso_seconds(t.duration)",
        "length_s": f"if({_IS_MEDIA}, iso_seconds(t.length), NULL)",
        "position_s": f"if({_POSITION} BETWEEN 0 AND 1000000, {_POSITION}, NULL)",
        "attempt": f"coalesce(if({_COUNT} BETWEEN 1 AND 10000, {_COUNT}, NULL), 1)",
        "score": "try_cast(t.given AS DOUBLE) / try_cast(t.most AS DOUBLE)",
        "submitted_at": "instant(t.handed_in)",
    }
)
