"""Follow-ups as a calendar (iCalendar, RFC 5545) that calendar programs subscribe to. Pure."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

from headway.notifications.news import Item

PRODUCT: Final = "-//headway//follow-ups//EN"


def calendar(items: Iterable[Item], made_at: datetime) -> bytes:
    """A calendar with one whole-day entry for each item that has a day for a follow-up.

    Entries keep their ids, so that a program that asks again moves and removes them. They show nobody as busy.

    Args:
        items: tasks; those without such a day are left out.
        made_at: now, in UTC.
    """
    from icalendar import Calendar, Event

    made = Calendar()
    made.add("prodid", PRODUCT)
    made.add("version", "2.0")
    made.add("method", "PUBLISH")
    made.add("x-wr-calname", "headway follow-ups")
    for item in sorted(items, key=lambda one: (str(one.follow_up_on), one.task)):
        if item.follow_up_on is None:
            continue
        event = Event()
        event.add("uid", f"{item.task}@headway")
        event.add("dtstamp", made_at.astimezone(UTC))
        event.add("dtstart", item.follow_up_on)
        event.add("dtend", item.follow_up_on + timedelta(days=1))
        event.add("summary", f"{item.list}: {item.learner}")
        event.add("description", f"{item.run}: {item.reason}")
        event.add("transp", "TRANSPARENT")
        event.add("class", "CONFIDENTIAL")
        if item.link:
            event.add("url", item.link)
        made.add_component(event)
    return bytes(made.to_ical())
