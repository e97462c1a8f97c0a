"""What is said to a learner: the one concrete thing, a phone script, a message. Pure: facts and reasons in, words out.

A message names one thing with a date and a person, asks, and offers a time. It never says what a learner is, nor names
a chance or a list, and nothing that a message is made of may: `unfit_words` finds such words in what people type.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Final, Literal, get_args

from headway.advising.plays import BY_FEATURE, BY_TYPE
from headway.domain.errors import InputError
from headway.domain.time import zone_of
from headway.explanation.reasons import Reason
from headway.features.definition import Feature

Kind = Literal["hand-ins", "materials", "visits", "not started", "results", "deadline", "general"]

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
UNDO_FOR: Final = timedelta(seconds=30)
"""So long a message waits before it goes, so that it can be taken back."""

FROM: Final = time(8)
UNTIL: Final = time(20)
"""Messages go between these hours of the learner's own day."""

OFFERED: Final = time(14)
SUBJECT_CHARACTERS: Final = 120
BODY_CHARACTERS: Final = 4_000

_UNFIT: Final = re.compile(
    r"at[- ]risk|high[- ]risk|low[- ]risk|risk of|risk score|drop(?:ping)?[- ]?out|likely to fail|will fail|failure|"
    r"flagged|identified as|predict\w*|algorithm|severe|critical",
    re.IGNORECASE,
)
_PLACE: Final = re.compile(r"\{([a-z]*)\}")
_ADDRESS: Final = re.compile(r"[^@\s,;<>\"\x00-\x1f\x7f]+@[^@\s,;<>\"\x00-\x1f\x7f]+")


@dataclass(frozen=True, slots=True)
class Work:
    """An assessment as it is spoken of: its name, and the local day on which it is due."""

    name: str
    due_on: date


@dataclass(frozen=True, slots=True)
class Facts:
    """What the record holds of a learner that can be spoken of.

    Attributes:
        last_visit_on: the local day of the last visit; None where there was none.
        missing: work that was due and is not in, the latest first.
        coming: the next work that is not in.
        marked: the last work that came back with a mark.
        open_weeks: weeks that have passed of whose materials nothing was opened, the latest first.
    """

    last_visit_on: date | None = None
    missing: tuple[Work, ...] = ()
    coming: Work | None = None
    marked: str = ""
    open_weeks: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Concrete:
    """The one thing that is spoken of.

    Attributes:
        kind: what kind of thing.
        places: what goes into a paragraph: `work`, `day` and `week`, as far as the kind has them.
        feature: the feature of the reason that led to it; empty where none did.
    """

    kind: Kind
    places: Mapping[str, str] = field(default_factory=dict)
    feature: str = ""


NOTICED: Final[dict[Kind, str]] = {
    "hand-ins": "I noticed that {work}, due on {day}, is not in yet.",
    "materials": "I noticed week {week} is still open.",
    "visits": "I noticed that your last visit to the course was on {day}.",
    "not started": "I noticed that you have not been in the course yet.",
    "results": "I saw that {work} came back and would like to look at it with you.",
    "deadline": "{work} is due on {day}.",
    "general": "I would like to hear how the course is going for you.",
}
"""The paragraph of each kind; one of them is in a message."""

THINGS: Final[dict[Kind, str]] = {
    "hand-ins": "{work}",
    "materials": "week {week}",
    "visits": "the course",
    "not started": "a first visit",
    "results": "{work}",
    "deadline": "{work}",
    "general": "the course",
}
"""What the subject line names."""

_OF_DOMAIN: Final[dict[str, tuple[Kind, ...]]] = {
    "hand-ins": ("hand-ins", "deadline"),
    "materials": ("materials", "visits", "not started"),
    "visits": ("visits", "not started"),
    "timing": ("visits", "not started"),
    "results": ("results", "hand-ins"),
    "forum": ("visits", "not started"),
}


@dataclass(frozen=True, slots=True)
class Letter:
    """A message before it is anybody's.

    Attributes:
        subject: with places such as `{thing}`.
        greeting: the first line.
        paragraphs: one for each kind; a learner gets the one that fits.
        question: what is asked after it.
        closing: what stands below.
    """

    subject: str = "{course}: {thing}"
    greeting: str = "Hello {name},"
    paragraphs: Mapping[Kind, str] = field(default_factory=lambda: dict(NOTICED))
    question: str = "What would help? I have time on {time}."
    closing: str = "You can answer this message, or name a time that suits you better.\n\n{sender}"


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it is received."""

    subject: str
    body: str


def concrete(
    reasons: Sequence[Reason], definitions: Mapping[str, Feature], facts: Facts, day: Callable[[date], str]
) -> Concrete:
    """The one thing to speak of: of the strongest reason that can be changed, else what is missing, else what is due.

    Args:
        reasons: of the newest prediction, the strongest first; those that point to finishing are passed over.
        definitions: of their features.
        facts: what the record holds.
        day: writes a date.
    """
    towards = [each for each in reasons if each.direction == "for"]
    for reason in towards:
        feature = definitions.get(reason.feature)
        if feature is None or not feature.changeable:
            continue
        for kind in _OF_DOMAIN.get(feature.domain, ()):
            places = _places(kind, facts, day)
            if places is not None:
                return Concrete(kind, places, reason.feature)
    order: tuple[Kind, ...] = ("hand-ins", "not started", "deadline", "materials")
    for kind in order:
        places = _places(kind, facts, day)
        if places is not None:
            return Concrete(kind, places)
    return Concrete("general", {})


def _places(kind: Kind, facts: Facts, day: Callable[[date], str]) -> dict[str, str] | None:
    """What a paragraph of this kind needs; None where the record does not have it."""
    if kind == "hand-ins" and facts.missing:
        return {"work": facts.missing[0].name, "day": day(facts.missing[0].due_on)}
    if kind == "deadline" and facts.coming is not None:
        return {"work": facts.coming.name, "day": day(facts.coming.due_on)}
    if kind == "materials" and facts.open_weeks:
        return {"week": str(facts.open_weeks[0])}
    if kind == "visits" and facts.last_visit_on is not None:
        return {"day": day(facts.last_visit_on)}
    if kind == "not started" and facts.last_visit_on is None:
        return {}
    return {"work": facts.marked} if kind == "results" and facts.marked else None


def written(letter: Letter, thing: Concrete, *, name: str, course: str, sender: str, offer: str) -> Message:
    """The message that one learner receives.

    Args:
        letter: what is written.
        thing: what it speaks of.
        name: how the learner is called.
        course: how the course is called.
        sender: who writes.
        offer: the time that is offered, in words.

    Raises:
        InputError: the letter has a place that nothing fills.
    """
    places = {"name": name, "course": course, "sender": sender, "time": offer, **thing.places}
    places["thing"] = filled(THINGS[thing.kind], places)
    body = "\n\n".join(
        part for part in (letter.greeting, f"{letter.paragraphs[thing.kind]} {letter.question}", letter.closing) if part
    )
    subject = " ".join(filled(letter.subject, places).split())
    return Message(subject[:SUBJECT_CHARACTERS], _capital_lines(filled(body, places)).strip()[:BODY_CHARACTERS])


def filled(text: str, places: Mapping[str, str]) -> str:
    """A text with its places filled.

    Raises:
        InputError: it has a place that nothing fills.

    >>> filled("Week {week}", {"week": "5"})
    'Week 5'
    """
    unknown = sorted({found for found in _PLACE.findall(text) if found not in places})
    if unknown:
        known = ", ".join(f"{{{name}}}" for name in sorted(places))
        raise InputError(f"Nothing fills {{{unknown[0]}}} here. Write one of {known}, or plain words.")
    return _PLACE.sub(lambda place: places[place[1]], text)


def _capital_lines(text: str) -> str:
    """The text, each paragraph beginning with a capital: `assignment 2 is due` may begin one."""
    return "\n".join(line[:1].upper() + line[1:] for line in text.split("\n"))


def script(thing: Concrete, *, course: str, sender: str, offer: str) -> tuple[str, ...]:
    """What to say on the phone, line by line."""
    said = _capital_lines(filled(NOTICED[thing.kind], thing.places))
    return (
        f"Hello, this is {sender} from {course}. Is this a good moment?",
        said,
        "What would help?",
        f"Agree on one small step and a day for it. I have time on {offer}.",
    )


def suggestions(thing: Concrete, more: bool = True) -> tuple[str, ...]:
    """What may fit once the learner has spoken: plays for the reason's feature, else for anybody."""
    own = BY_FEATURE.get(thing.feature)
    if own is not None:
        return (own[int(more)],)
    fallback: dict[Kind, tuple[str, ...]] = {
        "hand-ins": BY_TYPE["lack of time"][:2],
        "materials": BY_TYPE["lack of time"][2:],
        "visits": BY_TYPE["loss of motivation"][:2],
        "not started": BY_TYPE["never started"],
        "results": BY_TYPE["busy but low results"][:2],
    }
    return fallback.get(thing.kind, BY_TYPE["loss of motivation"][1:2])


def unfit_words(text: str) -> tuple[str, ...]:
    """Words that label a learner, in the order in which they stand in a text.

    >>> unfit_words("You were identified as at risk.")
    ('identified as', 'at risk')
    """
    return tuple(dict.fromkeys(found.group(0).lower() for found in _UNFIT.finditer(text)))


def checked(message: Message) -> Message:
    """The message, fit to be sent: one line of subject, a body, no word that labels.

    Raises:
        InputError: it is not.
    """
    if not message.subject.strip() or not message.body.strip():
        raise InputError("A message needs a subject and a text.")
    if "\n" in message.subject or "\r" in message.subject or not message.subject.isprintable():
        raise InputError("The subject is one line of plain text.")
    if len(message.subject) > SUBJECT_CHARACTERS or len(message.body) > BODY_CHARACTERS:
        raise InputError(f"A subject has at most {SUBJECT_CHARACTERS} characters, a text {BODY_CHARACTERS}.")
    if wrong := unfit_words(f"{message.subject}\n{message.body}"):
        raise InputError(f"“{wrong[0]}” labels the person who reads it. Say what you noticed, and ask what would help.")
    return message


def is_address(text: str) -> bool:
    """Whether a text is one mail address and nothing else."""
    return _ADDRESS.fullmatch(text) is not None and len(text) <= 254


def leaves_at(now: datetime, zone: str) -> datetime:
    """When a message that is sent now goes: after the time to take it back, and not in the learner's night.

    Args:
        now: an instant.
        zone: the learner's time zone.
    """
    earliest = now + UNDO_FOR
    there = zone_of(zone)
    local = earliest.astimezone(there)
    if FROM <= local.timetz().replace(tzinfo=None) < UNTIL:
        return earliest
    day = local.date() if local.time() < FROM else local.date() + timedelta(days=1)
    return datetime.combine(day, FROM, tzinfo=there).astimezone(now.tzinfo)


def offer_at(now: datetime, zone: str) -> datetime:
    """A time to offer: two o'clock on the next but one weekday, in the learner's zone."""
    day = now.astimezone(zone_of(zone)).date()
    left = 2
    while left:
        day += timedelta(days=1)
        left -= day.weekday() < 5
    return datetime.combine(day, OFFERED, tzinfo=zone_of(zone))
