"""What makes a Caliper event or entity unfit, in the order in which it is told. Words and SQL only.

The rules are those of the Caliper Analytics specifications 1.1 and 1.2 (1EdTech): required properties, actions and
entity types of each event. Extensions are not looked at. Columns are those of the tables `raw_events` (t) and
`notes` (n).
"""

from typing import Final

from headway.sources.caliper_words import CONTEXTS, COURSES, PROFILES, STATUSES
from headway.sources.staging import Check, text_sql

LONGEST_SKEW: Final = "INTERVAL 1 DAY"
"""How far an event may be past the time at which it was sent: clocks differ, years do not."""


def _any(values: tuple[str, ...] | dict[str, str]) -> str:
    return f"({', '.join(text_sql(value) for value in values)})"


def _filled(column: str, name: str, of: str) -> Check:
    return Check(f"{of} AND t.{column} IS NULL", "missing_value", text_sql(f"{name} is empty."))


def _instant(column: str, name: str) -> Check:
    return Check(
        f"t.{column} IS NOT NULL AND instant(t.{column}) IS NULL",
        "bad_date",
        f"concat('{name} is ', t.{column}, ', not a time of 1990 to 2199 with its zone.')",
    )


_EVENT: Final = "f.type IS NOT NULL"
_GRADE: Final = "(f.type IS NOT NULL AND t.action = 'Graded')"
_ACT: Final = "(f.type IS NOT NULL AND t.action != 'Graded')"
_MEMBERSHIP: Final = "t.type = 'Membership'"
_COURSE: Final = f"t.type IN {_any(COURSES)}"
_KNOWN_VERSION: Final = f"purl\\.imsglobal\\.org/ctx/caliper/({'|'.join(CONTEXTS)})"
_PERSONAL_ACTORS: Final = "('Person', 'Agent')"
_GIVEN: Final = "try_cast(t.given AS DOUBLE)"
_MOST: Final = "try_cast(t.most AS DOUBLE)"

_WHAT: Final = (
    Check("t.type IS NULL", "missing_value", "'type is empty.'"),
    Check(
        f"NOT regexp_matches(coalesce(t.context, t.version), '{_KNOWN_VERSION}')",
        "bad_version",
        "'It is not of Caliper 1.1 or 1.2.'",
    ),
    Check(
        "f.type IS NULL AND t.type NOT IN (SELECT entity FROM entities)",
        "unknown_type",
        "concat('type is ', t.type, ', none of Caliper 1.1 or 1.2.')",
    ),
    Check(
        f"f.type IS NULL AND NOT ({_MEMBERSHIP} OR {_COURSE})",
        "entity",
        "concat('It describes an entity (', t.type, '); nobody did anything.')",
    ),
    _filled("id", "id", "true"),
    Check("NOT is_iri(t.id)", "bad_id", "'id is no IRI.'"),
)
_EVENTS: Final = (
    Check(f"{_EVENT} AND NOT n.has_actor", "missing_value", "'actor is empty.'"),
    _filled("action", "action", _EVENT),
    Check(
        f"{_EVENT} AND a.action IS NULL",
        "unknown_action",
        "concat('action is ', t.action, ', none of Caliper 1.1 or 1.2.')",
    ),
    Check(
        "NOT list_contains(f.actions, t.action)",
        "wrong_action",
        "concat(t.type, ' has no action ', t.action, '.')",
    ),
    Check(
        f"{_EVENT} AND (NOT n.actor_is_sound OR "
        "t.actor_type NOT IN ('Person', 'Agent', 'SoftwareApplication', 'Group', 'Organization', 'CourseSection', "
        "'CourseOffering'))",
        "bad_actor",
        "'actor is no IRI, or of a type that cannot act.'",
    ),
    Check(f"{_EVENT} AND t.object IS NULL AND t.object_type IS NULL", "missing_value", "'object is empty.'"),
    Check(f"{_EVENT} AND t.object IS NULL", "bad_object", "'object has no id.'"),
    Check(f"{_EVENT} AND NOT is_iri(t.object)", "bad_object", "'object is no IRI.'"),
    Check(
        f"{_EVENT} AND t.object_type IS NOT NULL AND (o.entity IS NULL "
        "OR (len(f.objects) > 0 AND NOT list_contains(f.objects, t.object_type)))",
        "bad_object",
        "concat('The object of ', t.type, ' cannot be of type ', t.object_type, '.')",
    ),
    Check(
        "len(f.generated) > 0 AND NOT list_contains(f.generated, t.generated_type)",
        "bad_entity",
        "concat('What ', t.type, ' generates cannot be of type ', t.generated_type, '.')",
    ),
    Check(
        f"{_EVENT} AND t.bad_slot IS NOT NULL",
        "bad_entity",
        "concat(t.bad_slot, ' is no IRI, or of a type that cannot stand there.')",
    ),
    Check(
        f"{_EVENT} AND t.profile NOT IN {_any(PROFILES)}",
        "unknown_profile",
        "concat('profile is ', t.profile, ', none of Caliper 1.1 or 1.2.')",
    ),
    _filled("event_time", "eventTime", _EVENT),
    _instant("event_time", "eventTime"),
    _instant("send_time", "sendTime"),
    Check(
        f"instant(t.event_time) > instant(t.send_time) + {LONGEST_SKEW}",
        "bad_date",
        "concat('eventTime is ', t.event_time, ', more than a day after it was sent.')",
    ),
    Check(
        f"{_EVENT} AND instant(t.send_time) > s.sent",
        "sent_again",
        "'The same event came in an earlier envelope of this delivery.'",
    ),
)
_LEARNERS: Final = (
    Check(f"{_ACT} AND t.actor_type = 'SoftwareApplication'", "automated_job", "'A program acted, so no learner did.'"),
    Check(
        f"{_ACT} AND t.actor_type NOT IN {_PERSONAL_ACTORS}",
        "group_actor",
        "'The actor is a group, so no learner is known to have acted.'",
    ),
    Check(
        f"({_ACT} OR {_GRADE} OR {_MEMBERSHIP}) AND (n.anonymous OR t.learner IS NULL)",
        "no_learner",
        "'It names no person: the learner is missing or anonymous.'",
    ),
    _filled("assignable", "object.assignable", _GRADE),
    _filled("given", "generated.scoreGiven", _GRADE),
    Check(
        f"{_GRADE} AND NOT coalesce({_GIVEN} BETWEEN 0 AND {_MOST} AND {_MOST} > 0 AND isfinite({_MOST}), false)",
        "bad_number",
        "concat('The score is ', t.given, ' of ', coalesce(t.most, 'nothing known'), '.')",
    ),
    _instant("handed_in", "object.endedAtTime"),
)
_ENTITIES: Final = (
    Check(
        f"{_MEMBERSHIP} AND t.member_type != 'Person'", "bad_actor", "'The member is no person, so it cannot enrol.'"
    ),
    Check(
        f"{_MEMBERSHIP} AND t.status NOT IN {_any(STATUSES)}",
        "unknown_value",
        "concat('status is ', t.status, ', not Active, Inactive or Deleted.')",
    ),
    Check(f"{_MEMBERSHIP} AND n.bad_role", "unknown_value", "'roles has a word that is no role of Caliper.'"),
    Check(f"{_MEMBERSHIP} AND n.is_staff", "not_a_learner", "'It is the membership of a teacher or of other staff.'"),
    _instant("created", "dateCreated"),
    _instant("modified", "dateModified"),
    Check(
        "f.type IS NULL AND t.created IS NULL AND t.send_time IS NULL",
        "missing_value",
        "'dateCreated and sendTime are empty, so nothing tells when it holds.'",
    ),
)
CHECKS: Final = (
    *_WHAT,
    *_EVENTS,
    *_LEARNERS,
    *_ENTITIES,
    Check("t.run IS NULL", "no_course", "'It names no course. Put it into a run with the option run.'"),
)
