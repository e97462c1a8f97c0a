"""Canvas Live Events at the door: what each event needs to be read later. Pure.

Canvas sends each event as `metadata` (what happened when, to whom) and `body`, or as a Caliper envelope.
"""

from collections.abc import Mapping
from typing import Any, Final

from headway.domain.errors import Refused, TooLarge
from headway.intake import caliper
from headway.intake.checked import Checked, Rejected
from headway.intake.xapi.formats import is_timestamp

MOST_EVENTS: Final = 20_000

_RULE: Final = "Canvas Live Events"


def check(events: Any) -> Checked:
    """The events of a request, fit ones and others: one event, an array of them, or a Caliper envelope.

    Raises:
        Refused: it is none of these, or a malformed envelope.
        TooLarge: there are more than `MOST_EVENTS` events.
    """
    if isinstance(events, dict) and "metadata" not in events and "data" in events:
        return caliper.check(events)
    found = events if isinstance(events, list) else [events]
    if not isinstance(events, dict | list) or not found:
        raise Refused(_RULE, "$", "is no event. Send an object with metadata and body, or an array of such.")
    if len(found) > MOST_EVENTS:
        raise TooLarge(_RULE, "$", f"has more than {MOST_EVENTS} events. Send them in several requests.")
    checked = Checked()
    for place, event in enumerate(found):
        fault = _fault(event)
        if fault is None:
            checked.accepted.append(event)
        else:
            checked.rejected.append(Rejected(place, *fault, raw=event))
    return checked


def _fault(event: Any) -> tuple[str, str] | None:
    """Why an event is unfit, as reason and sentence, or None."""
    if not isinstance(event, dict):
        return "bad_json", "It is no JSON object."
    metadata = event.get("metadata")
    if not isinstance(metadata, dict):
        return "missing_value", "metadata is no object."
    if not isinstance(event.get("body"), dict):
        return "missing_value", "body is no object."
    return _metadata_fault(metadata)


def _metadata_fault(metadata: Mapping[str, Any]) -> tuple[str, str] | None:
    name, time = metadata.get("event_name"), metadata.get("event_time")
    if not isinstance(name, str) or not name.strip():
        return "missing_value", "metadata.event_name is empty."
    if time in (None, ""):
        return "missing_value", "metadata.event_time is empty."
    if not isinstance(time, str) or not is_timestamp(time, strict=True):
        return "bad_date", "metadata.event_time is no time with its zone."
    return None
