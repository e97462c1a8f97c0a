"""What the learner page and the drawer show: everything from the store, at once. What takes long is asked for later.

A view is made for one visitor, who was let in by `Visit.learner` before; it holds nothing that became known after its
as-of time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlsplit

from markupsafe import Markup

from headway.advising import task_queries
from headway.advising.plays import BY_FEATURE, BY_TYPE
from headway.advising.tasks import Contact
from headway.advising.wording import CHALLENGE, DOES_NOT_KNOW, NOT_USED, ListName, frequency, label_words
from headway.domain.errors import InputError
from headway.domain.time import AsOf
from headway.explanation.reasons import Reason, family
from headway.flow.caseload import BY_HAND
from headway.flow.learner import Thread, Week, challenges_of, notes_of, shown_as, thread_of, views_of, weeks_of
from headway.governance.challenges import Challenge
from headway.reports.charts import Chart, reason_bars
from headway.web.address import address, slug
from headway.web.learner_charts import Mark, bar, chance_chart, chance_of
from headway.web.words import Words

if TYPE_CHECKING:
    from headway.web.visit import Seen, Visit

HELPED: Final = 3
"""So many plays are told; more is a catalogue."""

_BY_DOMAIN: Final[dict[str, tuple[str, ...]]] = {
    "visits": BY_TYPE["loss of motivation"][:2],
    "timing": BY_TYPE["lack of time"][:2],
    "results": BY_TYPE["skill gap"][:2],
}
"""What to try for a heading of reasons where nothing closer is known."""


@dataclass
class LearnerView:
    """One learner as one visitor sees them at one time.

    Attributes:
        visit: whose.
        seen: who the learner is.
        until: nothing later is shown.
        past: whether that is an earlier time that was asked for.
        close_to: the address of the list behind a drawer.
    """

    visit: "Visit"
    seen: "Seen"
    until: AsOf
    past: bool = False
    close_to: str = ""

    @cached_property
    def weeks(self) -> tuple[Week, ...]:
        """What was predicted, as it was kept, oldest first."""
        return weeks_of(self.visit.site.app, self.seen.run.id, self.seen.learner, self.until)

    @property
    def week(self) -> Week | None:
        """What was said last."""
        return self.weeks[-1] if self.weeks else None

    @property
    def before(self) -> Week | None:
        """What was said the time before."""
        return self.weeks[-2] if len(self.weeks) > 1 else None

    @property
    def label(self) -> str:
        """What is predicted."""
        return "" if self.week is None else str(self.week.score_run.facts["label"])

    @cached_property
    def said_on(self) -> date | None:
        """The local day whose end the shown prediction speaks of."""
        return None if self.week is None else self.week.score_run.as_of.day(self.seen.run.zone)

    @property
    def sentence(self) -> str:
        """The chance as a frequency of past learners; why it is too early; empty where nothing was said yet."""
        if self.week is None:
            return ""
        said = self.week.prediction
        if said.risk is None or said.low is None or said.high is None:
            return said.why_too_early or ""
        return frequency(said.risk, said.low, said.high, self.label)

    @property
    def too_early(self) -> bool:
        """Whether it is too early to say."""
        return self.week is not None and self.week.prediction.risk is None

    @property
    def chance(self) -> Markup:
        """The chance in tenths with its range, kept in one piece where one reads from right to left."""
        return self._of(self.week)

    @property
    def chance_before(self) -> Markup:
        """The chance of the time before."""
        return self._of(self.before)

    def _of(self, week: Week | None) -> Markup:
        return Markup() if week is None else Markup("<bdi>{}</bdi>").format(chance_of(week, self.visit.words))

    @property
    def before_on(self) -> date | None:
        """The local day of which was spoken the time before."""
        return None if self.before is None else self.before.score_run.as_of.day(self.seen.run.zone)

    @property
    def turned(self) -> list[tuple[str, str]]:
        """Reasons that came and went since the time before, both as they were kept."""
        if self.week is None or self.before is None:
            return []
        _ = self.visit.words.gettext
        now = {family(each.feature): each.text for each in self.week.prediction.reasons}
        then = {family(each.feature): each.text for each in self.before.prediction.reasons}
        came = [(_("New among the reasons:"), text) for name, text in now.items() if name not in then]
        return came + [(_("No longer among them:"), text) for name, text in then.items() if name not in now]

    @cached_property
    def list_name(self) -> ListName | None:
        """On which list the learner is now; None where on none, and for an earlier time."""
        visit = self.visit
        board = None if self.past else visit.board
        if board is None or self.seen.learner not in board.place:
            return None
        lists = board.lists_of(visit.scope.groups(self.seen.run.id), visit.capacity())
        return board.list_name(int(lists[board.place[self.seen.learner]]))

    @cached_property
    def thread(self) -> Thread:
        """What people did."""
        until = self.until.instant if self.past else None
        return thread_of(self.visit.site.app, self.seen.run.id, self.seen.learner, until)

    @cached_property
    def challenges(self) -> list[Challenge]:
        """What was challenged, the newest first."""
        until = self.until.instant if self.past else None
        return challenges_of(self.visit.site.app, self.seen.run.id, self.seen.learner, until)

    @property
    def challenged(self) -> Challenge | None:
        """The newest challenge that waits for its answer."""
        return next((each for each in self.challenges if each.waits), None)

    @cached_property
    def people(self) -> dict[str, str]:
        """How those are called who did something."""
        actors = [contact.by for contact in self.thread.contacts]
        actors += [str(task.evidence.get("by", "")) for task in self.thread.tasks]
        actors += [each.by for each in self.challenges] + [each.answered_by or "" for each in self.challenges]
        return shown_as(self.visit.site.app, actors)

    @cached_property
    def snoozed_until(self) -> datetime | None:
        """Until when the learner is out of sight."""
        return None if self.past else self.thread.snoozed_until(self.visit.now)

    @cached_property
    def not_to_contact(self) -> bool:
        """Whether the learner asked not to be contacted on the basis of this."""
        with self.visit.site.app.store.read() as connection:
            return self.seen.learner in task_queries.not_to_contact(connection)

    @property
    def may_act(self) -> bool:
        """Whether the visitor contacts learners, and this is now."""
        return not self.past and self.visit.role in ("adviser", "tutor")

    @property
    def may_challenge(self) -> bool:
        """Whether the visitor may challenge, and there is something to be challenged."""
        return not self.past and self.week is not None and self.visit.role in ("adviser", "tutor", "instructor")

    @cached_property
    def chance_chart(self) -> Chart | None:
        """The chance over the weeks; None where nothing was said yet."""
        if not self.weeks:
            return None
        zone, words = self.seen.run.zone, self.visit.words
        marks = [Mark(AsOf(contact.at).day(zone), _mark_name(contact, zone, words)) for contact in self.thread.contacts]
        until = min(self.until.day(zone), self.seen.run.ends_on)
        return chance_chart(self.weeks, self.seen.run, until, marks, words, slug=f"chance-{slug(self.seen.learner)}")

    @cached_property
    def reasons(self) -> list[tuple[str, list[Reason]]]:
        """What the prediction rests on, by heading; the heading of the weightiest reason first."""
        found: dict[str, list[Reason]] = {}
        for reason in () if self.week is None else self.week.prediction.reasons:
            found.setdefault(reason.domain, []).append(reason)
        return list(found.items())

    @cached_property
    def reasons_told(self) -> Chart:
        """The reasons as a sentence and a table."""
        return reason_bars([each for _, some in self.reasons for each in some], label_words(self.label))

    def bar(self, reason: Reason) -> Any:
        """The bar of a reason."""
        return bar(reason, max(each.share for _, some in self.reasons for each in some))

    def points_to(self, reason: Reason) -> str:
        """What a reason points to, in words."""
        words = label_words(self.label)
        return words.towards if reason.direction == "for" else words.away

    @cached_property
    def helped(self) -> list[str]:
        """What advisers try with such reasons. No effect is told: none was measured."""
        return plays([each for _, some in self.reasons for each in some])

    def link(self, rest: str = "", **query: object) -> str:
        """The address of a page about this learner; an earlier time stays with it."""
        kept = {"as_of": self.visit.query.get("as_of", "")} if self.past else {}
        return self.visit.link(f"/learners/{slug(self.seen.learner)}{rest}", **(kept | query))

    @property
    def not_used(self) -> str:
        """What is not used."""
        return NOT_USED

    @property
    def does_not_know(self) -> str:
        """What the record does not know."""
        return DOES_NOT_KNOW

    @property
    def challenge_words(self) -> str:
        """What the button says."""
        return CHALLENGE


def _mark_name(contact: Contact, zone: str, words: Words) -> str:
    """How a contact is named in a drawing: `call 9 Nov`."""
    from babel.dates import format_date

    day = format_date(AsOf(contact.at).day(zone), "d MMM", locale=words.locale)
    return f"{channel_name(contact.channel, words.gettext)} {day}"


def drawer(visit: "Visit", seen: "Seen", close_to: str = "") -> dict[str, LearnerView]:
    """The context of `learner_drawer.html`: one variable, `drawer`.

    Args:
        visit: whose; the learner was let through by `Visit.learner`.
        seen: the learner.
        close_to: the address of the list without its drawer; told from where the visitor came where it is left out.
    """
    return {"drawer": LearnerView(visit, seen, visit.as_of, close_to=close_to or list_address(visit))}


def list_address(visit: "Visit", **query: object) -> str:
    """The address of the caseload from which a drawer was opened, without the drawer."""
    place = urlsplit(visit.came_from)
    if place.path != "/caseload":
        return visit.link("/caseload", **query)
    kept: dict[str, Any] = {}
    for name, value in parse_qsl(place.query):
        kept.setdefault(name, []).append(value)
    kept.pop("learner", None)
    return address("/caseload", kept | query)


def view_of(visit: "Visit", seen: "Seen") -> LearnerView:
    """The view that the address asks for: of now, or with `as_of=DATE` of the end of an earlier day.

    Raises:
        InputError: the date is none.
    """
    asked = visit.query.get("as_of", "")
    if not asked:
        return LearnerView(visit, seen, visit.as_of)
    until = AsOf.at(asked, seen.run.zone)
    if len(asked) != len("2026-11-22"):
        raise InputError(f"{asked!r} is not a date. Write 2014-10-14.")
    return LearnerView(visit, seen, min(until, visit.as_of), past=until < visit.as_of)


def plays(reasons: Sequence[Reason]) -> list[str]:
    """What advisers can try, the strongest reason first, each once."""
    found: list[str] = []
    for reason in sorted(reasons, key=lambda each: -each.share):
        if reason.direction == "for":
            known = BY_FEATURE.get(reason.feature) or _of_family(reason.feature)
            little = reason.value is None or reason.cohort_median is None or reason.value <= reason.cohort_median
            found += (known[0 if little else 1],) if known else _BY_DOMAIN.get(reason.domain, ())
    return list(dict.fromkeys(found))[:HELPED]


def _of_family(feature: str) -> tuple[str, str] | None:
    wanted = family(feature)
    return next((told for name, told in BY_FEATURE.items() if family(name) == wanted), None)


def channel_name(channel: str, _: Any) -> str:
    """How a channel is called."""
    names = {"phone": _("call"), "email": _("mail"), "message": _("message"), "meeting": _("meeting")}
    return str(names.get(channel, _("other contact")))


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that people did, in words."""

    at: datetime
    who: str
    what: str
    outcome: str = ""
    text: str = ""
    follow_up_on: date | None = None


@dataclass(frozen=True, slots=True)
class NoteTold:
    """A note, with whether the visitor wrote it."""

    id: str
    at: datetime
    who: str
    text: str
    visible: bool
    own: bool


@dataclass(frozen=True, slots=True)
class ViewTold:
    """That somebody looked, on one day."""

    last: datetime
    who: str


def thread_told(view: LearnerView) -> list[Entry]:
    """Contacts, and what was opened and closed, the newest first; what staff wrote only where names are shown."""
    _ = view.visit.words.gettext
    told: list[Entry] = []
    named = view.visit.scope.named
    for task in view.thread.tasks:
        by_hand = task.rule == BY_HAND
        opened = _("Put on the list") if by_hand else _("Came onto the list by a rule")
        # A reason that a person typed may name somebody; a rule's is made of numbers.
        reason = task.reason if named or not by_hand else ""
        who = view.people.get(str(task.evidence.get("by", "")), "headway")
        told.append(Entry(task.opened_at, who, opened, "", reason))
        if task.closing_code is not None and not view.past:
            told.append(Entry(task.changed_at, "headway", _("Closed"), closing(_)[task.closing_code]))
    for contact in view.thread.contacts:
        name = channel_name(contact.channel, _)
        text = contact.note or "" if named else ""
        who = view.people[contact.by]
        outcome = contact_outcomes(_)[contact.outcome]
        told.append(Entry(contact.at, who, name.capitalize(), outcome, text, contact.follow_up_on))
    return sorted(told, key=lambda each: each.at, reverse=True)


def notes_told(view: LearnerView) -> list[NoteTold] | None:
    """The notes, the newest first; None for who sees no names, since notes may hold them."""
    visit = view.visit
    if not visit.scope.named:
        return None
    notes = notes_of(visit.site.app, view.seen.run.id, view.seen.learner)
    notes = [note for note in notes if not view.past or note.at <= view.until.instant]
    people = shown_as(visit.site.app, [note.by for note in notes])
    return [
        NoteTold(each.id, each.at, people[each.by], each.text, each.visible_to_learner, each.by == visit.app.actor)
        for each in notes
    ]


def views_told(view: LearnerView) -> list[ViewTold]:
    """Who looked, the last first."""
    app = view.visit.site.app
    found = views_of(app, view.seen.run.id, view.seen.learner, view.visit.words.zone)
    people = shown_as(app, [each.by for each in found])
    return [ViewTold(each.last, people[each.by]) for each in found]


def weeks_told(view: LearnerView) -> list[tuple[int, date, str, bool]]:
    """Number, day, address and whether it is shown, of each week that was scored up to now."""
    run, visit = view.seen.run, view.visit
    days = sorted({as_of.day(run.zone) for as_of in run.scored if as_of <= visit.as_of})
    here = view.said_on if view.past else None
    path = f"/learners/{slug(view.seen.learner)}"
    return [(run.week_of(day), day, visit.link(path, as_of=day.isoformat()), day == here) for day in days]


def kinds(_: Any) -> dict[str, str]:
    """What may be wrong with a prediction, in words."""
    return {
        "wrong_data": _("The data is wrong"),
        "knows_more": _("I know something that the record does not"),
        "reason_does_not_fit": _("A reason does not fit"),
        "already_handled": _("It is already being dealt with"),
        "other": _("Something else"),
    }


def outcomes(_: Any) -> dict[str, str]:
    """What became of a challenge, in words."""
    return {"agreed": _("agreed"), "kept": _("prediction kept"), "data_mended": _("data mended")}


def contact_outcomes(_: Any) -> dict[str, str]:
    """What became of a contact, in words."""
    return {
        "reached": _("reached"),
        "replied": _("replied"),
        "meeting": _("meeting agreed"),
        "no_answer": _("no answer"),
        "declined": _("declined"),
    }


def closing(_: Any) -> dict[str, str]:
    """How a task ended, in words."""
    return {
        "helped": _("it helped"),
        "not_needed": _("not needed"),
        "wrongly_flagged": _("wrongly put on the list"),
        "no_answer": _("no answer"),
    }
