"""Caliper Analytics 1.1 and 1.2 (1EdTech) at the door: a sound envelope, and the least that each of its elements needs.

A malformed envelope is refused as a whole, as the standard has it; an unfit element is told apart from the others. What
actions and entity types an event may have is judged later, where all of a course is seen. Pure.
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from headway.domain.errors import Refused, TooLarge
from headway.intake.checked import Checked, Rejected
from headway.intake.xapi.formats import is_iri, is_timestamp, moment

MOST_ELEMENTS: Final = 20_000
LONGEST_SKEW: Final = timedelta(days=1)
"""How far an event may be past the time at which it was sent: clocks differ, years do not."""

_ENVELOPE: Final = ("sensor", "sendTime", "dataVersion", "data")
_RULE: Final = "Caliper 1.2 Envelope"
_VERSION: Final = re.compile(r"https?://purl\.imsglobal\.org/ctx/caliper/v1p[12](?:/.*)?")

Fault = tuple[str, str]
"""A reason code, and a sentence."""


def check(envelope: Any) -> Checked:
    """The elements of an envelope, fit ones and others; an event or entity that came alone is one element.

    Raises:
        Refused: it is neither an envelope nor an element, or the envelope is malformed.
        TooLarge: it has more than `MOST_ELEMENTS` elements.
    """
    if not isinstance(envelope, dict):
        raise Refused(_RULE, "$", "is no JSON object. Send an envelope with sensor, sendTime, dataVersion and data.")
    if "type" in envelope and "data" not in envelope:
        return _sorted([envelope], None, versioned=False)
    sent = _check_envelope(envelope)
    return _sorted(envelope["data"], sent, versioned=True)


def _check_envelope(envelope: Mapping[str, Any]) -> datetime:
    """When the envelope was sent; it is sound but for its elements."""
    for name in _ENVELOPE:
        if envelope.get(name) is None:
            raise Refused(_RULE, f"$.{name}", "is not there. Add it.")
    if len(envelope) > len(_ENVELOPE):
        raise Refused(_RULE, "$", f"has a property besides {', '.join(_ENVELOPE)}. Leave it out.")
    if not isinstance(envelope["sensor"], str) or not envelope["sensor"].strip():
        raise Refused(_RULE, "$.sensor", "is no text. Give the id of the sensor.")
    if not isinstance(envelope["sendTime"], str) or not is_timestamp(envelope["sendTime"], strict=True):
        raise Refused(_RULE, "$.sendTime", "is no time with its zone. Write 2026-03-01T09:30:00.000Z.")
    if not isinstance(envelope["dataVersion"], str) or not _VERSION.fullmatch(envelope["dataVersion"]):
        raise Refused(
            _RULE, "$.dataVersion", "is not of Caliper 1.1 or 1.2. Write http://purl.imsglobal.org/ctx/caliper/v1p2."
        )
    if not isinstance(envelope["data"], list) or not envelope["data"]:
        raise Refused(_RULE, "$.data", "is no array with an element. Send at least one event or entity.")
    if len(envelope["data"]) > MOST_ELEMENTS:
        raise TooLarge(_RULE, "$.data", f"has more than {MOST_ELEMENTS} elements. Send them in several envelopes.")
    return moment(envelope["sendTime"])


def _sorted(elements: list[Any], sent: datetime | None, *, versioned: bool) -> Checked:
    checked = Checked()
    for place, element in enumerate(elements):
        fault = _fault(element, sent, versioned=versioned)
        if fault is None:
            checked.accepted.append(element)
        else:
            checked.rejected.append(Rejected(place, *fault, raw=element))
    return checked


def _fault(element: Any, sent: datetime | None, *, versioned: bool) -> Fault | None:
    """Why an element is unfit, or None."""
    if not isinstance(element, dict):
        return "bad_json", "It is no JSON object."
    for name in ("id", "type"):
        if element.get(name) in (None, ""):
            return "missing_value", f"{name} is empty."
    if not isinstance(element["id"], str) or not is_iri(element["id"]):
        return "bad_id", "id is no IRI."
    if not isinstance(element["type"], str):
        return "unknown_type", "type is no text."
    if not _is_of_known_version(element.get("@context"), versioned=versioned):
        return "bad_version", "It is not of Caliper 1.1 or 1.2."
    return _event_fault(element, sent) if element["type"].endswith("Event") else None


def _event_fault(event: Mapping[str, Any], sent: datetime | None) -> Fault | None:
    for name in ("actor", "action", "object", "eventTime"):
        if event.get(name) in (None, ""):
            return "missing_value", f"{name} is empty."
    for name in ("actor", "object"):
        entity = event[name]
        told = entity.get("id") if isinstance(entity, dict) else entity
        if not isinstance(told, str) or not is_iri(told):
            return f"bad_{name}", f"{name} is no IRI, and no entity with an IRI as id."
    if not isinstance(event["action"], str):
        return "unknown_action", "action is no text."
    if not isinstance(event["eventTime"], str) or not is_timestamp(event["eventTime"], strict=True):
        return "bad_date", "eventTime is no time with its zone."
    if sent is not None and moment(event["eventTime"]) - sent > LONGEST_SKEW:
        return "bad_date", "eventTime is more than a day after it was sent."
    return None


def _is_of_known_version(context: Any, *, versioned: bool) -> bool:
    """Whether an element's context, or one of several, is of a known version; one in an envelope may leave it out."""
    if context is None:
        return versioned
    several = context if isinstance(context, list) else [context]
    return any(isinstance(each, str) and _VERSION.fullmatch(each) for each in several)
