"""What the course pages say in words: the headline, the places to look at, what to do next. Each number is in a chart.

Sentences say what the record shows and never why.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from headway.description.drop_off import DropOff
from headway.description.groups import Part
from headway.description.items import Item, Items
from headway.description.summary import upper
from headway.domain.vocabulary import ASSESSMENT_TYPES
from headway.flow.course_page import CourseFacts, ListWeek
from headway.web.course_charts import beside_earlier, clock
from headway.web.words import Words

MOST_PLACES: Final = 4
WORSE: Final = 0.02
"""A share two points below the lowest of the earlier runs is said to be lower."""


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the course to look at.

    Attributes:
        title: what it is.
        text: what happened there, with its numbers.
        kind: a week, work, a thing or a recording, in words.
        item: the activity to look at; None where there is none.
        clear: whether chance alone would hardly bring it about.
    """

    title: str
    text: str
    kind: str
    item: Item | None
    clear: bool


def some(part: Part, words: Words) -> str:
    """A part as a number, or how it is hidden."""
    if part.count is not None:
        return words.number(part.count)
    hidden = {"few": words.gettext("fewer than 10"), "all but few": words.gettext("all but a few")}
    return hidden.get(part.hidden or "", words.gettext("some"))


def of_all(part: Part, words: Words) -> str:
    """A part beside its whole: `13 of 84 (15%)`."""
    if part.of is None:
        return words.gettext("too few learners to tell")
    told = {"some": some(part, words), "all": words.number(part.of)}
    if part.share is None:
        return words.gettext("%(some)s of %(all)s") % told
    return words.gettext("%(some)s of %(all)s (%(share)s)") % (told | {"share": words.percent(part.share)})


def headline(facts: CourseFacts, over: bool, words: Words) -> list[str]:
    """What is the matter, in at most three sentences: how many stopped, where most of all, and whether that is new."""
    _ = words.gettext
    found = facts.drop_offs
    if found is None or found.stopped.of in (0, None):
        nothing = _("%(n)s learners are enrolled. No activity of anyone is in the record.")
        return [nothing % {"n": words.number(facts.learners)}]
    said = {"some": upper(some(found.stopped, words)), "all": words.number(facts.learners)}
    if found.stopped.count == 0:
        told = [_("None of %(all)s learners has stopped coming so far.") % said]
    elif over:
        told = [_("%(some)s of %(all)s learners stopped coming before the end.") % said]
    else:
        told = [_("%(some)s of %(all)s learners have stopped coming so far.") % said]
    clear = [point for point in found.points if point.clear]
    if clear:
        told.append(
            _("%(place)s is the turn: %(what)s")
            % {"place": point_title(clear[0], words), "what": point_text(clear[0], words)}
        )
    elif found.too_thin:
        told.append(_("It is too early, or too few stopped, to name a place."))
    else:
        told.append(_("No week and no piece of work stands out: they were lost a few at a time."))
    if then := than_before(facts, words):
        told.append(then)
    return told


def than_before(facts: CourseFacts, words: Words) -> str:
    """Who is still there, beside earlier runs at the same time; empty where nothing can be compared."""
    _ = words.gettext
    if facts.retention is None:
        return ""
    last = next((each for each in reversed(beside_earlier(facts.retention)) if each.low is not None), None)
    if last is None or last.low is None or last.high is None or last.days == 0:
        return ""
    said = {
        "after": after(last.days, words),
        "share": words.percent(last.share),
        "low": words.percent(last.low),
        "high": words.percent(last.high),
    }
    if len(facts.retention.earlier) == 1:
        return _("%(after)s %(share)s are still there; in the run before %(low)s.") % said
    same = said["low"] == said["high"]
    if last.share < last.low - WORSE:
        return (
            _("%(after)s %(share)s are still there, fewer than in earlier runs (%(low)s).")
            if same
            else _("%(after)s %(share)s are still there, fewer than in any earlier run (%(low)s to %(high)s).")
        ) % said
    return (
        _("%(after)s %(share)s are still there; in earlier runs %(low)s.")
        if same
        else _("%(after)s %(share)s are still there; in earlier runs %(low)s to %(high)s.")
    ) % said


def after(days: int, words: Words) -> str:
    """How long after the beginning: `After 7 weeks`."""
    if days % 7 == 0:
        return words.ngettext("After %(n)s week", "After %(n)s weeks", days // 7) % {"n": days // 7}
    return words.ngettext("After %(n)s day", "After %(n)s days", days) % {"n": days}


def point_title(point: DropOff, words: Words) -> str:
    """A drop-off point's name."""
    if point.kind != "week":
        return words.gettext("%(name)s (week %(n)s)") % {"name": upper(point.name), "n": point.week}
    whole = point.first_day is None or point.last_day is None or point.last_day - point.first_day == 6
    if whole or point.first_day is None or point.last_day is None:
        return words.gettext("Week %(n)s") % {"n": point.week}
    return words.gettext("Days %(from)s to %(to)s") % {"from": point.first_day + 1, "to": point.last_day + 1}


def point_text(point: DropOff, words: Words) -> str:
    """What happened at a drop-off point."""
    _ = words.gettext
    said = {"part": of_all(point.stopped, words)}
    if point.kind == "work":
        told = (
            _("%(part)s of those who had ever come never handed in anything.")
            if point.first
            else _("%(part)s of those still handing in handed in nothing from then on.")
        )
    elif point.kind == "week":
        told = _("%(part)s of those still coming stopped then.")
    else:
        told = _("for %(part)s of its users it was among the last things they did.")
    text = told % said
    if point.expected is not None and point.expected >= 1:
        text = _("%(what)s About %(n)s were to be expected.") % {"what": text, "n": words.number(round(point.expected))}
    elif point.expected is not None:
        text = _("%(what)s Fewer than one was to be expected.") % {"what": text}
    if point.kind == "week" and point.name:
        due = _("%(what)s Due just before: %(name)s.") if point.due_before else _("%(what)s Due then: %(name)s.")
        text = due % {"what": text, "name": point.name}
    return text


def places(facts: CourseFacts, words: Words) -> list[Place]:
    """Where to look, the clearest first: drop-off points, then recordings that viewers leave, then work left undone."""
    _ = words.gettext
    found = facts.items
    if found is None:
        return []
    kinds = {"week": _("week"), "work": _("work"), "thing": _("thing")}
    told = []
    for each in facts.drop_offs.points if facts.drop_offs else ():
        text = upper(point_text(each, words))
        if not each.clear:
            text = _("%(what)s That may be chance.") % {"what": text}
        told.append(Place(point_title(each, words), text, kinds[each.kind], item_of(each, found), each.clear))
    told.sort(key=lambda place: not place.clear)
    for video in facts.videos:
        if video.stop is not None and video.stop.viewers.count is not None:
            said = {
                "part": of_all(video.stop.viewers, words),
                "from": clock(video.stop.from_s),
                "to": clock(video.stop.to_s),
            }
            text = _("%(part)s of its viewers stopped for good between %(from)s and %(to)s.") % said
            told.append(Place(upper(video.name), text, _("recording"), found.find(video.activity), False))
    told += _undone(facts, found, words)
    known: dict[str, Place] = {}
    for place in told:
        known.setdefault(place.item.activity if place.item else place.title, place)
    return list(known.values())[:MOST_PLACES]


def item_of(point: DropOff, found: Items) -> Item | None:
    """The thing to look at for a drop-off point: itself; of a week what was due then, else what was used most."""
    if point.activity is not None:
        return found.find(point.activity)
    week = point.week - 1 if point.due_before else point.week
    if week not in found.weeks:
        return None
    column = found.weeks.index(week)
    due = [item for item in found.items if item.due == column]
    if due:
        return due[0]
    used = [item for item in found.items if item.cells[column].share is not None]
    return max(used, key=lambda item: (item.cells[column].share or 0, item.activity), default=None)


def missing_feed(facts: CourseFacts, words: Words) -> str:
    """Which feed is missing, where only hand-ins are known; empty where visits are."""
    used = [item for item in (facts.items.items if facts.items else ()) if item.users.count != 0]
    if not used or any(item.type not in ASSESSMENT_TYPES for item in used):
        return ""
    return words.gettext(
        "Only hand-ins are in the record of this run: the activity log (visits, openings) is missing. "
        "Who hands in nothing looks as if they had stopped."
    )


def lists_sentence(found: Sequence[ListWeek], capacity: int, words: Words) -> str:
    """What the chart of the lists shows, and what it cannot: that the first list is as long as people have time."""
    said = {"n": words.number(capacity), "week": found[-1].week, "learners": words.number(found[-1].learners)}
    told = (
        words.gettext(
            "Week %(week)s: %(learners)s learners. “Reach out” and “Check in” are cut at what can be done in a week "
            "(%(n)s contacts each), not at a chance. Counts, no names."
        )
        % said
    )
    if any(None in each.counts for each in found):
        return words.gettext("%(what)s Hollow: fewer than 10 learners, or hidden beside such.") % {"what": told}
    return told


def _undone(facts: CourseFacts, found: Items, words: Words) -> list[Place]:
    """The work that is due and that fewest handed in."""
    due = [each for each in (facts.assessments.due if facts.assessments else ()) if each.recorded and each.due_on]
    told = [each for each in due if each.handed_in.share is not None and each.handed_in.share < 1]
    told.sort(key=lambda each: each.handed_in.share or 0)
    places = []
    for each in told[:MOST_PLACES]:
        text = words.gettext("Handed in by %(part)s.") % {"part": of_all(each.handed_in, words)}
        places.append(Place(upper(each.name), text, words.gettext("work"), found.find(each.activity), False))
    return places
